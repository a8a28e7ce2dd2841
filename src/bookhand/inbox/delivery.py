"""A delivery: one payload of Stripe's, pushed or listed, kept whole. Everything later is read from deliveries alone.

`key` says when two are one: events by their id, listed objects by id and content, so an object that is listed again
unchanged is no new mail. What we were told in an answer that is no object (which transactions a payout holds, that an object
is not there) is written down as a delivery too, so a replay hears it again.

>>> listed(b'{"id": "po_1", "object": "payout", "amount": 5}', as_of=1767225600).key
'po_1:da3cb3fbe1943a0b'
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

import msgspec

from bookhand.core.facts import Fact, Gone, OpeningBalance, PayoutMember, Seen
from bookhand.core.problems import Refusal
from bookhand.core.ready import ready
from bookhand.systems.stripe.translate import about, envelope, facts_of

Kind = Literal["event", "thin", "listed", "fetched"]

MEMBERS = "payout_members"
"""The object name under which a payout's members are kept: ``{"object", "payout", "members": [ids]}``, in our words."""
OPENING = "opening_balance"
"""The object name under which an opening balance is kept: the fact itself, taken from Stripe's balance at the first tie-out."""


UNREADABLE = "unreadable"
"""The kind of Problem that a delivery is which has not Stripe's shape."""
OTHER_VERSION = "other_api_version"
"""The kind of Problem that an event in another API version is."""


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One payload. `created` is when it was true (Unix seconds): the event's own time, or when the list was asked for.

    `kind` is ``fetched`` for an object that was asked for by its id because two tellings were in doubt: it settles them.
    """

    kind: Kind
    key: str
    object: str
    object_id: str
    created: int
    body: bytes
    api_version: str | None = None
    event_type: str | None = None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """Why a delivery cannot be read: it is parked with a Problem of this kind and sentence."""

    kind: str
    message: str


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery, read: its facts, and the digest by which its object is compared with what we knew."""

    facts: list[Seen]
    digest: str
    gone: bool = False
    born: int | None = None


def of_event(body: bytes) -> Delivery:
    """A snapshot or thin event as a delivery; `ValueError` with a sentence if it is none."""
    event = envelope(body)
    return Delivery(
        kind="thin" if event.thin else "event", key=event.id, object=event.object_name, object_id=event.object_id or "",
        created=event.created, api_version=event.api_version, event_type=event.type, body=body,
    )  # fmt: skip


def listed(
    body: bytes | msgspec.Raw,
    *,
    as_of: int,
    livemode: bool | None = None,
    api_version: str | None = None,
    fetched: bool = False,
) -> Delivery:
    """An object from a list, or asked for by id. `Refusal` if it is of another mode, `ValueError` if it is no object."""
    raw = bytes(body)
    who = about(raw)
    if livemode is not None and who.livemode is not None and who.livemode != livemode:
        raise Refusal(
            f"{who.id} has livemode {str(who.livemode).lower()}, which is not this connection's mode: it was refused."
        )
    key = f"{who.id}:{digest(raw)}"
    return Delivery(
        kind="fetched" if fetched else "listed", key=f"{key}:{as_of}" if fetched else key,
        object=who.object, object_id=who.id or "", created=as_of, api_version=api_version, body=raw,
    )  # fmt: skip


def gone(object_name: str, object_id: str, *, as_of: int) -> Delivery:
    """Stripe said that an object is not there: a state, written down as if it had been deleted."""
    body = msgspec.json.encode({"id": object_id, "object": object_name, "deleted": True})
    return Delivery(
        kind="fetched", key=f"{object_id}:{digest(body)}", object=object_name, object_id=object_id, created=as_of, body=body
    )  # fmt: skip


def members(payout: str, transactions: Sequence[str], *, as_of: int) -> Delivery:
    """What a list by ``payout=`` said: which balance transactions went out with `payout`."""
    body = msgspec.json.encode({"object": MEMBERS, "payout": payout, "members": list(transactions)})
    return Delivery(
        kind="listed", key=f"{MEMBERS}:{payout}:{digest(body)}", object=MEMBERS, object_id=payout, created=as_of, body=body
    )  # fmt: skip


def opening(balance: OpeningBalance, *, as_of: int) -> Delivery:
    """What lay at Stripe before the history that was brought in begins."""
    body = msgspec.json.encode(balance)
    name = f"{balance.currency}:{balance.balance_type}"
    return Delivery(
        kind="listed", key=f"{OPENING}:{name}:{digest(body)}", object=OPENING, object_id=name, created=as_of, body=body
    )  # fmt: skip


def digest(body: bytes | msgspec.Raw) -> str:
    """What tells two versions of one object apart; the white space of the wire does not count."""
    return blake2b(msgspec.json.format(bytes(body), indent=-1), digest_size=8).hexdigest()


def open_delivery(seq: int, delivery: Delivery, *, api_version: str) -> Opened | Unreadable:
    """Read one delivery with the shapes of `api_version`; what cannot be read says why instead of raising."""
    if delivery.kind == "event" and delivery.api_version != api_version:
        return Unreadable(
            kind=OTHER_VERSION,
            message=f"{delivery.key} ({delivery.event_type}) is written in API version {delivery.api_version}, but this connection "
            f"is pinned to {api_version}. It was kept and not read; what it tells is asked of Stripe in our version. To mend it, start `bookhand serve` again: it "
            "looks after its webhook endpoint. An endpoint that somebody else made for bookhand's address is to be removed.",
        )
    try:
        return _open(seq, delivery)
    except (ValueError, TypeError, RecursionError) as error:
        return Unreadable(kind=UNREADABLE, message=f"{delivery.key}: {error}")


def _open(seq: int, delivery: Delivery) -> Opened:
    match delivery.kind:
        case "thin":
            return Opened(facts=[], digest="")
        case "event":
            inside = envelope(delivery.body).object
            found = facts_of(delivery.object, inside, event_type=delivery.event_type)
            told = digest(inside)
        case _ if delivery.object == MEMBERS:
            found, told = _members(delivery.body), digest(delivery.body)
        case _ if delivery.object == OPENING:
            found, told = [msgspec.json.decode(delivery.body, type=OpeningBalance)], digest(delivery.body)
        case _:
            found, told = facts_of(delivery.object, delivery.body), _digest_in(delivery)
    told_by: Literal["event", "listed"] = "event" if delivery.kind == "event" else "listed"
    return Opened(
        facts=[
            Seen(fact=fact, delivery=seq, as_of=delivery.created, told_by=told_by, event_type=delivery.event_type)
            for fact in found
        ],
        digest=told,
        gone=any(type(fact) is Gone and fact.id == delivery.object_id for fact in found),
        born=_born(found, delivery.object_id),
    )  # fmt: skip


def _digest_in(delivery: Delivery) -> str:
    """The digest as `listed` wrote it into the key (``id:digest``, or with a time behind it), which saves taking it again."""
    named, _, rest = delivery.key.partition(":")
    return rest.partition(":")[0] if named == delivery.object_id and rest else digest(delivery.body)


class _Members(msgspec.Struct):
    payout: str
    members: list[str]


def _members(body: bytes) -> list[Fact]:
    told = msgspec.json.decode(body, type=_Members)
    return [PayoutMember(payout=told.payout, balance_transaction=each) for each in told.members]


def _born(found: Sequence[Fact], object_id: str) -> int | None:
    created = getattr(found[0], "created", None) if found else None
    return created if created is not None and getattr(found[0], "id", None) == object_id else None


ready(OpeningBalance, _Members)  # see core.ready
