"""Who may put mail into the inbox: the checks a webhook delivery passes before anything is kept. Pure.

In this order: the signature (HMAC-SHA256 over the raw bytes, any of several secrets and v1 values, in constant time, at most
300 s old or ahead), well-formed JSON, the account, the mode. What fails is refused with a reason and changes nothing.
An event in another API version is admitted: it is kept whole and parked when it is read.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping

import msgspec

from bookhand.core.facts import Link
from bookhand.inbox.delivery import Delivery
from bookhand.systems.stripe.translate import Event, envelope

TOLERANCE_SECONDS = 300
_LONGEST_NAME = 255
_LATEST = 1 << 40


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook address: its signing secrets (several while one is rolled) and the accounts that may speak through it.

    `links` maps an event's `account` to a connection; None stands for events that name no account: the endpoint's own.
    """

    secrets: tuple[str, ...]
    links: Mapping[str | None, Link]
    tolerance_seconds: int = TOLERANCE_SECONDS


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Why mail was not taken: the HTTP status, a word to count it by, and a sentence."""

    status: int
    reason: str
    message: str


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """Mail that may be kept, and whose it is."""

    link: Link
    delivery: Delivery


def admit(endpoint: Endpoint, *, signature: str, body: bytes, now: float) -> Admitted | Refused:
    """Check one webhook delivery; `signature` is the header as sent, `now` Unix seconds."""
    bad = refused_signature(endpoint, signature=signature, body=body, now=now)
    if bad is not None:
        return bad
    try:
        event = envelope(body)
    except ValueError as error:
        return Refused(status=400, reason="malformed", message=str(error))
    if not _plain(event):
        return Refused(
            status=400,
            reason="malformed",
            message="The event's id, type or object is no name of Stripe's: it was refused.",
        )
    return _addressed(endpoint, event, body)


def refused_signature(endpoint: Endpoint, *, signature: str, body: bytes, now: float) -> Refused | None:
    """None if the signature is good, else why it is not."""
    if not endpoint.secrets:
        return Refused(
            status=401,
            reason="no_secret",
            message="This connection has no webhook signing secret: run `bookhand connect`.",
        )
    sent, signatures = _parse(signature)
    if sent is None or not signatures:
        return Refused(
            status=401,
            reason="unsigned",
            message="No usable Stripe-Signature header: the delivery was refused.",
        )
    message = b"%d.%b" % (sent, body)
    expected = [hmac.digest(secret.encode(), message, "sha256").hex() for secret in endpoint.secrets]
    if not any(_matches(given, expected) for given in signatures):
        return Refused(
            status=401,
            reason="signature",
            message="The signature is not of this endpoint's secret, or the body was changed.",
        )
    if abs(now - sent) > endpoint.tolerance_seconds:
        return Refused(
            status=401, reason="stale",
            message=f"It was signed {round(abs(now - sent))} s {'ago' if sent < now else 'ahead'}; {endpoint.tolerance_seconds} s are "
            "allowed. If all deliveries are refused so, set this machine's clock.",
        )  # fmt: skip
    return None


def sign(body: bytes, secret: str, *, at: int) -> str:
    """The header Stripe would send: ``t=…,v1=…``."""
    return f"t={at},v1={hmac.digest(secret.encode(), b'%d.%b' % (at, body), 'sha256').hex()}"


def _matches(given: str, expected: list[str]) -> bool:
    """Every secret is compared, in constant time, whichever fits."""
    found = False
    for each in expected:
        found |= hmac.compare_digest(given.encode(), each.encode())
    return found


def _parse(header: str) -> tuple[int | None, list[str]]:
    """The time and the v1 signatures of a Stripe-Signature header; other schemes do not count."""
    sent, signatures = None, []
    for name, value in _pairs(header):
        if name == "t" and value.isascii() and value.isdigit() and len(value) <= len(str(_LATEST)):
            sent = int(value)
        elif name == "v1":
            signatures.append(value)
    return sent, signatures[:16]


def _pairs(header: str) -> Iterator[tuple[str, str]]:
    for part in header.split(","):
        name, _, value = part.partition("=")
        yield name.strip(), value.strip()


def _plain(event: Event) -> bool:
    names = (event.id, event.type, event.object_name, event.object_id or "", event.api_version or "")
    return (
        bool(event.id and event.type)
        and all(
            len(name) <= _LONGEST_NAME and name.isascii() and (not name or name.isprintable())
            for name in names
        )
        and 0 <= event.created < _LATEST
    )


def _addressed(endpoint: Endpoint, event: Event, body: bytes) -> Admitted | Refused:
    link = endpoint.links.get(event.account)
    if link is None:
        return Refused(
            status=400, reason="account",
            message=f"{event.id} is of account {event.account or 'none'}, which is not connected here: it was refused.",
        )  # fmt: skip
    if event.livemode != (link.mode == "live"):
        return Refused(
            status=400, reason="mode",
            message=f"{event.id} has livemode {str(event.livemode).lower()}, but this connection's mode is {link.mode}: it was refused.",
        )  # fmt: skip
    return Admitted(
        link=link,
        delivery=Delivery(
            kind="thin" if event.thin else "event", key=event.id, object=event.object_name, object_id=event.object_id or "",
            created=event.created, api_version=event.api_version, event_type=event.type, body=body,
        ),
    )  # fmt: skip
