"""An unsigned, stale, wrong-mode or wrong-account delivery is refused with a reason."""

from __future__ import annotations

import msgspec
import pytest
from stripe import WebhookSignature
from tests.inbox.mail import VERSION, customer, event, thin

from bookhand.core.facts import Link
from bookhand.inbox.admission import Admitted, Endpoint, Refused, admit, sign

NOW = 1_790_000_000
OLD, NEW = "whsec_old", "whsec_new"
LINK = Link(
    workspace_id=1, connection_id=7, system="stripe", account="acct_1", mode="test", api_version=VERSION
)
OWN = Endpoint(secrets=(OLD, NEW), links={None: LINK, "acct_1": LINK})
BODY = event(1, "customer.created", customer(1))


def judged(
    body: bytes = BODY, *, header: str | None = None, endpoint: Endpoint = OWN, now: float = NOW
) -> str:
    found = admit(
        endpoint, signature=sign(body, NEW, at=NOW) if header is None else header, body=body, now=now
    )
    return found.reason if isinstance(found, Refused) else "admitted"


def test_a_signed_event_is_admitted_and_addressed() -> None:
    found = admit(OWN, signature=sign(BODY, OLD, at=NOW), body=BODY, now=NOW)
    assert isinstance(found, Admitted)
    assert found.link is LINK
    assert (found.delivery.kind, found.delivery.key, found.delivery.object_id) == (
        "event",
        "evt_000001",
        "cus_000001",
    )
    assert found.delivery.body == BODY


def test_stripes_own_signer_is_understood() -> None:
    header = WebhookSignature.generate_signature_header(BODY.decode(), NEW, timestamp=NOW)
    assert judged(header=header) == "admitted"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "unsigned"),
        ("garbage", "unsigned"),
        (f"t={NOW}", "unsigned"),
        (f"t=abc,v1={'0' * 64}", "unsigned"),
        (f"t=-5,v1={'0' * 64}", "unsigned"),
        (f"t={NOW},v0={sign(BODY, NEW, at=NOW).partition('v1=')[2]}", "unsigned"),
        (f"t={NOW},v1={'0' * 64}", "signature"),
        (f"t={NOW},v1=ÿÿ", "signature"),
        (sign(BODY, "whsec_other", at=NOW), "signature"),
        (sign(BODY + b" ", NEW, at=NOW), "signature"),
    ],
)
def test_what_is_not_signed_with_our_secret_is_refused(header: str, reason: str) -> None:
    assert judged(header=header) == reason


def test_while_a_secret_is_rolled_any_of_several_signatures_may_fit() -> None:
    good = sign(BODY, OLD, at=NOW).partition("v1=")[2]
    assert judged(header=f"t={NOW},v1={'0' * 64},v1={good},v0=abc") == "admitted"


@pytest.mark.parametrize(
    ("off", "reason"), [(300, "admitted"), (-300, "admitted"), (301, "stale"), (-301, "stale")]
)
def test_five_minutes_of_clock_both_ways(off: int, reason: str) -> None:
    assert judged(now=NOW + off) == reason


def test_a_body_that_is_no_event_is_refused_after_its_signature() -> None:
    for body in (
        b"",
        b"{",
        b"[]",
        b'{"id":"evt_1"}',
        b'"evt"',
        b"\xff\xfe",
        event(1, "x", {}).replace(b"{}", b"[" * 5000 + b"]" * 5000),
        event(1, "x", {}).replace(b"evt_000001", b"evt\\u0000"),
    ):
        assert judged(body) == "malformed"
    assert judged(b"{", header=sign(BODY, NEW, at=NOW)) == "signature"


def test_another_account_and_another_mode_are_refused() -> None:
    assert judged(event(1, "customer.created", customer(1), account="acct_1")) == "admitted"
    assert judged(event(1, "customer.created", customer(1), account="acct_2")) == "account"
    assert judged(event(1, "customer.created", customer(1), livemode=True)) == "mode"
    live = Endpoint(secrets=(NEW,), links={None: msgspec.structs.replace(LINK, mode="live")})
    assert judged(endpoint=live) == "mode"


def test_a_platforms_endpoint_sends_each_event_to_its_account() -> None:
    other = msgspec.structs.replace(LINK, connection_id=8, account="acct_2")
    platform = Endpoint(secrets=(NEW,), links={"acct_1": LINK, "acct_2": other})
    body = event(1, "customer.created", customer(1), account="acct_2")
    found = admit(platform, signature=sign(body, NEW, at=NOW), body=body, now=NOW)
    assert isinstance(found, Admitted)
    assert found.link is other
    assert judged(endpoint=platform) == "account"  # the platform's own events are not for these books


def test_an_endpoint_without_a_secret_takes_nothing() -> None:
    assert judged(endpoint=Endpoint(secrets=(), links={None: LINK})) == "no_secret"


def test_thin_events_and_other_versions_are_admitted() -> None:
    assert judged(thin(1, "v1.customer.created", "customer", "cus_1", "/v1/customers/cus_1")) == "admitted"
    assert judged(event(1, "customer.created", customer(1), version="2025-03-31.basil")) == "admitted"
