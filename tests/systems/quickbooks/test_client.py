"""Calls to QuickBooks: reads are tried again, limits are kept, and every answer is taken for what it is."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from tests.systems.quickbooks.connecting import BRIEF, FAST

from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.sandbox.quickbooks.limits import Limits, Rates
from bookhand.systems.quickbooks import answers, layers
from bookhand.systems.quickbooks.answers import Answer, QuickBooksRefusal
from bookhand.systems.quickbooks.books_client import Lines


def answer(status, body=b"", **headers):
    return Answer(
        status=status, headers=headers, body=body if isinstance(body, bytes) else msgspec.json.encode(body)
    )


def fault(code, detail="No.", kind="ValidationFault", message="m"):
    return {
        "Fault": {
            "Error": [{"Message": message, "Detail": detail, "code": code, "element": ""}],
            "type": kind,
        }
    }


GATEWAY = {
    "warnings": None,
    "fault": {
        "error": [{"message": "message=ThrottleExceeded", "detail": "", "code": "003001"}],
        "type": "THROTTLE",
    },
}
BUSY = "Business Validation Error: An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again."


@pytest.mark.parametrize(
    ("got", "family"),
    [
        (answer(400, fault("6000")), QuickBooksRefusal),
        (answer(200, fault("2500")), QuickBooksRefusal),
        (answer(400, fault("6000", BUSY)), answers.AnsweredLost),
        (answer(500, fault("-1", kind="SystemFault")), answers.AnsweredLost),
        (answer(403, fault("3100", kind="AuthorizationFault")), QuickBooksRefusal),
        (answer(429, b""), Outage),
        (answer(403, GATEWAY), Outage),
        (answer(502, b"<html>"), UnknownOutcome),
        (answer(504, fault("-1", kind="SERVICE")), UnknownOutcome),
        (answer(408, b""), UnknownOutcome),
        (answer(400, b"<html>a proxy</html>"), UnknownOutcome),
        (answer(302, b""), UnknownOutcome),
    ],
)
def test_what_an_answer_to_a_write_means(got, family):
    assert type(answers.trouble(got, asked="POST /journalentry")) is family


def test_a_refusal_says_what_to_do_and_no_secret():
    told = answers.trouble(
        answer(400, fault("6210", "Closed. Bearer eyJhbGciOiJkaXIi"), intuit_tid="1-abc"),
        asked="POST /journalentry",
    )
    assert str(told).startswith(
        "QuickBooks refused POST /journalentry (6210): Closed. Bearer [redacted]. The books are closed"
    )
    assert str(told).endswith("(intuit_tid 1-abc)")
    assert "Connect QuickBooks again" in str(answers.trouble(answer(400, fault("120")), asked="GET /query"))


def test_when_to_come_back():
    assert answers.retry_after(answer(429, b"")) == 60
    assert answers.retry_after(answer(429, b"", **{"retry-after": "7"})) == 7
    assert answers.trouble(answer(429, b""), asked="x", throttled_seconds=5).retry_after_seconds == 5


@pytest.mark.parametrize("kind", ["429", "500", "cut_before", "cut_after", "slow"])
def test_a_read_is_tried_again(new_desk, kind):
    desk = new_desk(patience=msgspec.structs.replace(BRIEF, answer_seconds=0.3))
    desk.fault(kind, method="GET", path="*/query", times=2, seconds=0.6)
    assert len(desk.at.books.accounts(desk.at.link)) == 32
    assert desk.qb.faults.happened[kind] == 2


def test_a_read_is_given_up_with_a_sentence(desk):
    desk.fault("500", method="GET", path="*/query", times=None)
    with pytest.raises(Outage, match=r"could not do GET /query, 4 times: An error occurred"):
        desk.at.books.accounts(desk.at.link)
    desk.qb.faults.clear()
    desk.fault("no_json", method="GET", path="*/query")
    with pytest.raises(Outage, match="not QuickBooks"):
        desk.at.books.accounts(desk.at.link)


def test_a_refused_read_is_not_tried_again(desk):
    with (
        Lines(desk.db, desk.secrets, patience=BRIEF).open(desk.at.link) as client,
        pytest.raises(Refusal, match="4001"),
    ):
        client.query("SELECT * FROM Deposit WHERE DocNumber = 'S1'")
    assert desk.qb.statuses[400] == 1


def test_after_a_429_nothing_goes_out_for_a_while(new_desk):
    desk = new_desk(patience=msgspec.structs.replace(BRIEF, throttled_seconds=0.7))
    desk.at.books.home(desk.at.link)
    desk.fault("429")
    with pytest.raises(Outage):
        desk.write(desk.sale(1))
    at = time.monotonic()
    desk.write(desk.sale(2))
    assert time.monotonic() - at > 0.6


def test_our_own_limits_keep_us_under_theirs_however_many_ask(new_desk):
    """10 calls a second of many threads and two performers: not one 429, and every call is answered. How much of the rate is used is in `bench`."""
    desk, other = new_desk(limits=None), new_desk(limits=None)
    performers = [desk.at.performer, other.at.performer]
    time.sleep(1.0)  # what connecting called is over
    desk.qb.limits = Limits(Rates())
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda n: performers[n % 2].books.accounts(desk.at.link), range(12))
        )  # 24 calls
    assert desk.qb.statuses[429] == 0
    assert [bool(each) for each in answers] == [True] * 12


def test_limits_can_be_overridden_and_unknown_ones_are_refused():
    assert layers.limits(FAST) == FAST
    assert [layer.count for layer in layers.layers_of(layers.limits(), batch=True)] == [500, 10, 40]
    assert layers.pace(layers.limits({"batch": 20})) == 10
    with pytest.raises(Refusal, match="no limit named 'realm'"):
        layers.limits({"realm": 5})


def test_the_stand_ins_limits_are_intuits():
    limits, refused = Limits(Rates()), 0
    for _ in range(20):
        try:
            limits.admit("1", "app", batch=False)
        except Exception:  # noqa: BLE001 (any refusal)
            refused += 1
    assert refused == 10
