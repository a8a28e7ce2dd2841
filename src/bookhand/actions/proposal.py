"""A proposal: something that was asked for, previewed, and waits for a yes; and what a yes binds. Pure.

The hash binds the exact call: where it goes (connection, mode, account, API version), what is called with which parameters, and the
version of the objects that the preview showed. A yes carries the hash it was given for; any other call is another proposal.

>>> a = call_hash({"endpoint": "POST /v1/refunds", "values": {"charge": "ch_1", "amount": 1500}})
>>> b = call_hash({"endpoint": "POST /v1/refunds", "values": {"charge": "ch_1", "amount": 15000}})
>>> a == b
False
>>> seen_of({"charge": ("amount_refunded",)}, {"charge": {"id": "ch_1", "amount_refunded": 0, "receipt_url": "…"}})
{'charge': {'amount_refunded': 0}}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from bookhand.core.action import Action, Moves, Preview, Risk
from bookhand.core.problems import Conflict
from bookhand.workspace.trail import canonical

State = Literal[
    "waiting",
    "approved",
    "done",
    "partly",
    "failed",
    "unknown",
    "rejected",
    "withdrawn",
    "expired",
    "void",
    "replaced",
]
FINAL: frozenset[str] = frozenset(
    {"done", "partly", "failed", "rejected", "withdrawn", "expired", "void", "replaced"}
)
Kind = Literal["approve", "reject", "edit", "ask", "answer", "withdraw", "standing", "settle"]

EXPIRES: dict[Risk, timedelta] = {
    "read": timedelta(days=7),
    "write": timedelta(days=7),
    "money": timedelta(days=3),
    "irreversible": timedelta(days=1),
}
"""How long a proposal waits for its yes."""
ALIVE = {
    "waiting": "waits for a yes",
    "approved": "has its yes and is being done",
    "done": "is done",
    "partly": "is done in part",
    "failed": "failed",
    "unknown": "was sent, and nobody knows yet whether it was done",
    "rejected": "was rejected",
    "withdrawn": "was withdrawn",
    "expired": "was not approved in time",
    "void": "is void",
    "replaced": "was replaced by an edited one",
}
"""State to how it is said of a proposal."""


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """One row of `proposal`. `params` are the checked parameters; `call_hash` is what an approval binds."""

    workspace_id: int
    proposal_id: str
    connection_id: int | None
    vendor: str
    action: str
    risk: Risk
    params: dict[str, Any]
    mode: str | None
    account: str | None
    api_version: str | None
    endpoint: str
    call_hash: str
    version: str
    seen: dict[str, dict[str, Any]]
    preview: Preview
    reason: str
    proposed_by: str
    proposed_name: str
    agent: str | None
    grantee: str
    channel: str
    rights_at: datetime
    run_id: str | None = None
    step: str | None = None
    request_key: str | None = None
    request_hash: str | None = None
    standing_id: str | None = None
    needs: int
    four_eyes: bool
    size: int = 1
    state: State
    state_why: str | None = None
    replaces: str | None = None
    root_id: str
    result_id: str | None = None
    created_at: datetime
    expires_at: datetime
    finished_at: datetime | None = None

    @property
    def topic(self) -> str:
        """What a run waits for until this proposal (or one that replaces it) is settled."""
        return topic_of(self.root_id)

    @property
    def is_final(self) -> bool:
        """Whether nothing more will become of it."""
        return self.state in FINAL


class Changed(Conflict):
    """What a yes was given for is not as it was shown: the proposal is void."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a batch: its own parameters, preview in a sentence, and hash."""

    row_no: int
    params: dict[str, Any]
    version: str
    seen: dict[str, dict[str, Any]]
    says: str
    customer: str
    moves: tuple[Moves, ...]
    row_hash: str
    chosen: bool = True


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody said something of a proposal: append-only."""

    kind: Kind
    call_hash: str
    by_who: str
    by_name: str
    channel: str
    note: str | None
    details: dict[str, Any]
    at: datetime


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One call, written down before it is sent. `key` is its idempotency key, `call_id` the marker it carries."""

    workspace_id: int
    connection_id: int
    call_id: str
    proposal_id: str
    row_no: int
    action: str
    params: dict[str, Any]
    api_version: str | None
    key: str
    state: Literal["intended", "sending", "unknown", "done", "failed", "void"]
    state_why: str | None
    attempts: int
    claimed_by: str | None
    claimed_until: datetime | None
    first_sent_at: datetime | None
    sent_at: datetime | None
    finished_at: datetime | None
    request_id: str | None
    result_id: str | None
    result: Any

    @property
    def is_settled(self) -> bool:
        """Whether it is known what became of it."""
        return self.state in {"done", "failed", "void"}


def topic_of(root_id: str) -> str:
    """What waits for a proposal waits for this."""
    return f"proposal:{root_id}"


def call_hash(bound: Mapping[str, Any]) -> str:
    """SHA-256 over everything that a yes is for."""
    return hashlib.sha256(canonical(bound).encode()).hexdigest()


def bound(
    *,
    proposal_id: str,
    action: Action,
    endpoint: str,
    values: Mapping[str, Any],
    connection_id: int | None,
    mode: str | None,
    account: str | None,
    api_version: str | None,
    version: str,
    row_no: int = 0,
) -> dict[str, Any]:
    """Everything that a yes is for."""
    return {
        "proposal": proposal_id, "row": row_no, "action": action.name, "endpoint": endpoint, "values": dict(values),
        "fixed": dict(action.call.fixed) if action.call else {}, "connection": connection_id, "mode": mode, "account": account,
        "api_version": api_version, "version": version,
    }  # fmt: skip


def batch_hash(proposal_id: str, hashes: Iterable[str]) -> str:
    """What a yes to a batch is for: the rows that are chosen, each bound by its own hash."""
    return call_hash({"proposal": proposal_id, "rows": list(hashes)})


def seen_of(watched: Mapping[str, Iterable[str]], found: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The fields that matter of what was found."""
    return {
        name: {field: _field(found.get(name), field) for field in fields} for name, fields in watched.items()
    }


def version_of(seen: Mapping[str, Mapping[str, Any]]) -> str:
    """A digest of what was seen; '' where nothing is watched."""
    return hashlib.sha256(canonical(seen).encode()).hexdigest() if seen else ""


def differing(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The fields that are not as they were, with what they were and are."""
    return [
        f"{name}.{field} was {value!r} and is {now.get(name, {}).get(field)!r}"
        for name, fields in before.items()
        for field, value in fields.items()
        if now.get(name, {}).get(field) != value
    ]


def _field(value: Any, path: str) -> Any:
    """A dotted field; an object that may be expanded counts by its id."""
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value["id"] if isinstance(value, Mapping) and set(value) >= {"id", "object"} else value


def key_of(workspace_id: int, call_id: str) -> str:
    """The idempotency key of a call: fixed before the first try, the same for every one."""
    return f"bookhand-{workspace_id}-{call_id}"


def customers_of(rows: Iterable[tuple[str, Iterable[Moves]]]) -> dict[str, tuple[int, dict[str, int]]]:
    """Customer to how many calls, and how much by currency; nobody in particular is left out."""
    found: dict[str, tuple[int, dict[str, int]]] = {}
    for customer, moves in rows:
        if customer:
            count, money = found.setdefault(customer, (0, {}))
            for each in moves:
                money[each.currency.upper()] = money.get(each.currency.upper(), 0) + abs(each.minor)
            found[customer] = (count + 1, money)
    return found


def totals(rows: Iterable[Iterable[Moves]]) -> tuple[Moves, ...]:
    """What a batch moves, by currency and kind."""
    sums: dict[tuple[str, str], int] = {}
    for moves in rows:
        for each in moves:
            place = (each.currency.upper(), each.what)
            sums[place] = sums.get(place, 0) + each.minor
    return tuple(Moves(minor, currency, what) for (currency, what), minor in sorted(sums.items()))


def must_wait(proposal: Proposal) -> None:
    """`Conflict` unless the proposal still waits for a decision."""
    if proposal.state != "waiting":
        why = f": {proposal.state_why.rstrip('.')}" if proposal.state_why else ""
        raise Conflict(f"Proposal {proposal.proposal_id} {ALIVE[proposal.state]}{why}. Nothing was changed.")


def must_fit(proposal: Proposal, given_hash: str) -> None:
    """`Conflict` unless a yes was given for exactly this call."""
    if given_hash != proposal.call_hash:
        raise Conflict(
            f"The approval is for another call than proposal {proposal.proposal_id}: look at it again and approve what it shows now."
        )
