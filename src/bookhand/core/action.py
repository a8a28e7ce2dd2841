"""Actions as data: a typed call on an outside system or on bookhand itself, with its risk, its preview and its lookup.

Systems describe what they offer with these types (``systems/<vendor>/actions``); the door (`actions`) decides and performs. Nothing
here touches the world: a preview is made from values that the door fetched, a lookup says where to look.

    Action(
        name="refunds.create", vendor="stripe", summary="Give money back for a charge", risk="money", params=RefundsCreate,
        result=Shape("refund", {"id": "the refund's id (re_…)", "status": "pending, succeeded, failed …"}),
        scope="rak_charge_write", limits="25 calls a second", call=Call("POST", "/v1/refunds"),
        plan=Plan(reads=…, watched={"charge": ("amount", "amount_refunded")}, preview=…), lookup=Lookup(listed=…),
    )
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec
from pydantic import BaseModel, ConfigDict

from bookhand.core.caller import Capability
from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Bug

Risk = Literal["read", "write", "money", "irreversible"]
"""``read`` changes nothing; ``write`` can be changed back; ``money`` moves or promises money; ``irreversible`` cannot be undone."""
Way = Literal["GET", "POST", "PUT", "DELETE"]
Values = Mapping[str, Any]
"""Parameters once validated: `Params.model_dump(exclude_none=True)`."""

MARKER = "bookhand_call"
"""The metadata key that carries a call's id to an outside object, so that a lost answer can be found again."""
MINOR_UNITS: dict[str, Any] = {"format": "minor-units"}
"""What the JSON schema of a parameter says where it is an amount of money: a form asks for it in major units."""


class Params(BaseModel):
    """The parameters of an action: each field typed, with a description. Unknown names are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, str_strip_whitespace=True, hide_input_in_errors=True
    )


class NoParams(Params):
    """An action that takes none."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What an action gives back: the object's name, and its main fields with what they mean."""

    object: str
    fields: Mapping[str, str]
    many: bool = False
    """A list of such objects."""


@dataclass(frozen=True, slots=True)
class Call:
    """The exact call: ``{name}`` in `path` is taken from the parameters, the rest is sent. `fixed` is always sent with it."""

    way: Way
    path: str
    fixed: Values = field(default_factory=dict)
    marked: bool = True
    """Whether the object takes metadata, and so our marker."""
    upload: bool = False
    """A file, sent as multipart."""
    deep: str | None = None
    """Where the marker goes when it is not ``metadata``."""


@dataclass(frozen=True, slots=True)
class Get:
    """Something to read: a path and its parameters."""

    path: str
    params: Values = field(default_factory=dict)


class Change(msgspec.Struct, frozen=True):
    """One thing that changes: what, from what, to what; None is "nothing there"."""

    what: str
    before: str | None
    after: str | None


class Moves(msgspec.Struct, frozen=True):
    """Money that the call moves or promises: `minor` units (positive leaves the account, negative comes in)."""

    minor: int
    currency: str
    what: str


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """The balance transaction that the call is expected to make: its effect on the books follows from the journal's rules."""

    category: str
    type: str
    currency: str
    amount: int
    fee: int = 0
    balance_type: str = "payments"


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a person sees before saying yes. `says` is one sentence in words, money in words included."""

    says: str
    subject: str | None = None
    """The object it is about, by id."""
    customer: str | None = None
    changes: tuple[Change, ...] = ()
    moves: tuple[Moves, ...] = ()
    movement: Movement | None = None
    books: tuple[str, ...] = ()
    """The lines the books will show; the door fills it from `movement`."""
    fees: tuple[str, ...] = ()
    cannot_undo: str | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a write is previewed: what to read first, which fields of it the approval binds, and the preview, pure.

    `preview` raises `Refusal` where what was found forbids the call (nothing left to refund).
    """

    reads: Callable[[Values], Mapping[str, Get]]
    watched: Mapping[str, tuple[str, ...]]
    """Name of a read to the fields (dotted) whose change voids an approval."""
    preview: Callable[[Values, Mapping[str, Any]], Preview]
    needed: tuple[str, ...] = ()
    """Reads that must find something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup:
    """Where to look when an answer was lost, in this order; each a function of the parameters.

    `listed`: a list whose objects carry our marker. `marked`: an object that carries it once the call is done. `state`: an object
    and a test of it that holds once the call is done (and did not before). `events`: event types that tell our idempotency key.
    """

    listed: Callable[[Values], Get] | None = None
    marked: Callable[[Values], Get] | None = None
    state: tuple[Callable[[Values], Get], Callable[[Values, Any], bool]] | None = None
    events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One entry of the catalogue. `scope` is what the vendor's credential needs; `limits` are in words."""

    name: str
    vendor: str
    summary: str
    params: type[Params]
    result: Shape
    risk: Risk
    scope: str = ""
    limits: str = ""
    when: str = ""
    """When to use it, and when not."""
    call: Call | None = None
    plan: Plan | None = None
    lookup: Lookup | None = None
    yes_needs: Capability | None = None
    """What whoever says yes to it must be able to do beside approving."""
    copies: bool = False
    """Whether it only writes down in a book what has happened already, so that no money moves by it."""

    def __post_init__(self) -> None:
        """Money is never moved as a copy."""
        if self.copies and self.risk != "write":
            raise Bug(f"{self.name} is said to copy what has happened, and its risk is {self.risk}.")

    @property
    def resource(self) -> str:
        """``refunds`` of ``refunds.create``."""
        return self.name.rpartition(".")[0]

    @property
    def verb(self) -> str:
        """``create`` of ``refunds.create``."""
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """Something that happens outside, in the same catalogue; `types` are the vendor's own names."""

    name: str
    vendor: str
    summary: str
    types: tuple[str, ...]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a read gave: JSON, how many objects, and, where a list was cut, why and how to go on."""

    data: Any
    count: int = 1
    cut: str | None = None


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """What a write gave: the object as JSON, and the other side's own id of the request."""

    data: Any
    request_id: str | None = None


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """What looking gave: done (with the object), certainly not done, or nobody can tell. `why` is one sentence."""

    outcome: Literal["done", "not_done", "cannot_tell"]
    why: str
    data: Any = None


class Performer(Protocol):
    """Who talks to one vendor for the door. Credentials are taken when a method begins and used until it ends.

    All raise `Refusal` (a definite no), `Outage` (not done, may be tried again); `send` alone raises `UnknownOutcome`.
    """

    def read(self, link: Link, action: Action, values: Values, *, api_version: str | None = None) -> Found:
        """Perform a read; lists page to the end, or say where they were cut."""
        ...

    def fetch(self, link: Link, get: Get, *, api_version: str | None = None) -> Any:
        """One object (or one list, all of it) as JSON; None where there is none."""
        ...

    def send(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        api_version: str | None = None,
    ) -> Sent:
        """Send a write once, under idempotency key `key`, with `marker` in its metadata."""
        ...

    def look_up(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        since: int,
        result_id: str | None = None,
    ) -> Looked:
        """Find out what became of a write that was sent at or after `since` (Unix seconds)."""
        ...


USUALLY_AT_ONCE = 8


class Item(msgspec.Struct, frozen=True):
    """One call of many that are sent together."""

    values: Mapping[str, Any]
    key: str
    marker: str


@runtime_checkable
class BulkPerformer(Performer, Protocol):
    """A vendor that takes many calls in one request: the door sends them together, each still once and with its own outcome."""

    def bulk(self, action: Action) -> int:
        """How many calls of `action` go into one request; 1 where they go alone."""
        ...

    def at_once(self, link: Link) -> int:  # noqa: ARG002 (who takes more or fewer, says so)
        """How many requests there should be at a time, those that wait for their turn among them."""
        return USUALLY_AT_ONCE

    def send_many(
        self,
        link: Link,
        action: Action,
        items: Sequence[Item],
        *,
        begin: Callable[[], None],
        api_version: str | None = None,
    ) -> list[Sent | BookhandError]:
        """One request; for each of `items` in order what became of it, with the errors that `send` would raise.

        `begin` is called when the request's turn has come, at most a second before it leaves, and again where it missed its turn: it
        renews the claim on the calls, or raises `Outage` where another worker may have them by now; then nothing is sent.
        """
        ...
