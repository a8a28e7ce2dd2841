"""What became of a write whose answer was lost is found out, and "not done" is said only by who can know."""

from __future__ import annotations

import base64
import time

import pytest

from bookhand.core.problems import Outage, UnknownOutcome
from bookhand.systems.stripe.performing.looking_client import Patient

from .shop import PNG, Shop
from .written import ADD, BLIND, BY_EVENTS, CANCEL, REFUND, RENAME, UPLOAD

AGED = {"patient": Patient(settled_seconds=0, told_seconds=0)}


@pytest.fixture
def shop(engine):
    return Shop(engine)


@pytest.fixture
def charge(shop):
    shop.pay(50_000, "pm_card_bypassPending")
    return shop.pay(5000)["latest_charge"]


@pytest.fixture
def act(performer, connected, engine):
    """Sends with a fault, whatever comes of it; gives when."""

    def go(action, values, fault=None, *, key="bh_1", marker="m1"):
        since = int(time.time())
        if fault:
            engine.faults.add(fault, method=action.call.way)
        try:
            performer.send(connected.link, action, values, key=key, marker=marker)
        except UnknownOutcome:
            assert fault
        return since

    return go


def look(performer, connected, action, values, since, *, key="bh_1", marker="m1", **how):
    return performer.look_up(connected.link, action, values, key=key, marker=marker, since=since, **how)


@pytest.mark.parametrize(
    ("fault", "outcome"), [("cut_after", "done"), ("cut_before", "not_done"), ("500", "not_done")]
)
def test_a_lost_creation_is_found_in_its_list_or_was_not_made(
    performer, connected, shop, charge, act, fault, outcome
):
    values = {"charge": charge, "amount": 700}
    looked = look(performer, connected, REFUND, values, act(REFUND, values, fault))
    assert looked.outcome == outcome
    if outcome == "done":
        assert looked.data == shop.get("/v1/refunds", charge=charge)["data"][0]
        assert looked.data["id"] in looked.why
    else:
        assert "carries this call's mark" in looked.why


def test_another_refund_of_the_same_amount_is_not_ours(performer, connected, shop, charge, act):
    shop.post("/v1/refunds", charge=charge, amount=700)
    values = {"charge": charge, "amount": 700}
    assert look(performer, connected, REFUND, values, act(REFUND, values, "cut_before")).outcome == "not_done"


def test_too_early_to_say_no_is_an_outage_that_says_when(performing, connected, charge, act):
    values = {"charge": charge}
    since = act(REFUND, values, "cut_before")
    with pytest.raises(Outage, match="may still be under way") as caught:
        look(performing(patient=Patient()), connected, REFUND, values, since)
    assert 0 < caught.value.retry_after_seconds <= 30
    done = act(REFUND, values, "cut_after", key="bh_2", marker="m2")
    found = look(performing(patient=Patient()), connected, REFUND, values, done, key="bh_2", marker="m2")
    assert found.outcome == "done"


def test_events_alone_tell_by_the_idempotency_key(performing, connected, charge, act):
    values = {"charge": charge, "amount": 700}
    since = act(BY_EVENTS, values, "cut_after")
    looked = look(performing(**AGED), connected, BY_EVENTS, values, since)
    assert (looked.outcome, looked.data["amount"]) == ("done", 700)
    assert look(performing(**AGED), connected, BY_EVENTS, values, since, key="bh_other").outcome == "not_done"


def test_events_alone_say_no_only_of_a_time_that_they_tell_of(performing, connected, charge, act):
    since = act(BY_EVENTS, {"charge": charge}, "cut_before")

    def looked(clock):
        made = performing(clock=lambda: clock)
        return look(made, connected, BY_EVENTS, {"charge": charge}, since).outcome

    assert looked(since + 60) == "cannot_tell"
    assert looked(since + 180) == "not_done"
    assert looked(since + 31 * 86_400) == "cannot_tell"


def test_a_list_still_tells_when_the_events_are_gone(performing, connected, charge, act):
    since = act(REFUND, {"charge": charge}, "cut_after")
    later = performing(clock=lambda: since + 60 * 86_400)
    assert look(later, connected, REFUND, {"charge": charge}, since).outcome == "done"


def test_where_there_is_nowhere_to_look_nobody_can_tell(performer, connected, charge, act):
    looked = look(
        performer, connected, BLIND, {"charge": charge}, act(BLIND, {"charge": charge}, "cut_after")
    )
    assert (looked.outcome, looked.data) == ("cannot_tell", None)


def test_a_known_id_is_enough(performer, connected, shop, charge):
    made = shop.post("/v1/refunds", charge=charge, amount=100)
    looked = look(performer, connected, BLIND, {"charge": charge}, int(time.time()), result_id=made["id"])
    assert (looked.outcome, looked.data["id"]) == ("done", made["id"])
    gone = look(performer, connected, BLIND, {"charge": charge}, int(time.time()), result_id="re_none")
    assert gone.outcome == "cannot_tell"


def test_an_update_is_known_by_the_mark_on_the_object(performer, performing, connected, shop, act):
    ada = shop.customer()
    values = {"customer": ada, "name": "Ada & Co"}
    assert look(performer, connected, RENAME, values, act(RENAME, values, "cut_before")).outcome == "not_done"
    found = look(
        performer, connected, RENAME, values, act(RENAME, values, "cut_after", key="bh_2"), result_id=ada
    )
    assert (found.outcome, found.data["name"]) == ("done", "Ada & Co")


def test_an_update_under_another_mark_is_told_by_events_or_not_at_all(
    performing, connected, shop, act, performer
):
    ada = shop.customer()
    first, second = {"customer": ada, "name": "First"}, {"customer": ada, "name": "Second"}
    since = act(RENAME, first, "cut_after")
    act(RENAME, second, key="bh_2", marker="m2")
    told = look(performing(**AGED), connected, RENAME, first, since)
    assert (told.outcome, told.data["name"]) == ("done", "First")
    third = act(RENAME, {"customer": ada, "name": "Third"}, "cut_before", key="bh_3", marker="m3")
    how = {"key": "bh_3", "marker": "m3"}
    assert look(performing(**AGED), connected, RENAME, first, third, **how).outcome == "not_done"
    assert look(performer, connected, RENAME, first, third, **how).outcome == "cannot_tell"


def test_an_end_is_known_by_the_state(performer, connected, shop, act):
    ada = shop.customer()
    price = shop.post(
        "/v1/prices", product_data={"name": "Plan"}, unit_amount=900, currency="usd", recurring={"interval": "month"}
    )["id"]  # fmt: skip
    values = {"subscription": shop.post("/v1/subscriptions", customer=ada, items=[{"price": price}])["id"]}
    assert look(performer, connected, CANCEL, values, act(CANCEL, values, "cut_before")).outcome == "not_done"
    assert (
        look(performer, connected, CANCEL, values, act(CANCEL, values, "cut_after", key="k")).outcome
        == "done"
    )


def test_a_creation_with_nothing_to_narrow_it_is_found_on_a_test_clock_too(performer, connected, shop, act):
    clock = shop.post("/v1/test_helpers/test_clocks", frozen_time=1_600_000_000)["id"]
    for at, values in enumerate(({"name": "Here"}, {"name": "Then", "test_clock": clock})):
        how = {"key": f"k{at}", "marker": f"m{at}"}
        looked = look(performer, connected, ADD, values, act(ADD, values, "cut_after", **how), **how)
        assert (looked.outcome, looked.data["name"]) == ("done", values["name"])


def test_a_file_is_known_by_the_mark_in_its_name(performer, connected, act):
    values = {
        "filename": "proof.png",
        "content_base64": base64.b64encode(PNG).decode(),
        "purpose": "dispute_evidence",
    }
    since = act(UPLOAD, values, "cut_after")
    looked = look(performer, connected, UPLOAD, values, since)
    assert (looked.outcome, looked.data["filename"]) == ("done", "proof-bookhand-m1.png")
    assert look(performer, connected, UPLOAD, values, since, marker="m").outcome == "not_done"


def test_what_may_not_be_read_tells_nothing(performer, db, secrets, connected, engine, charge, act):
    since = act(REFUND, {"charge": charge}, "cut_after")
    key = engine.restricted(engine.default_account, {"event": "read"})
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", key)
    looked = look(performer, connected, REFUND, {"charge": charge}, since)
    assert looked.outcome == "done"  # the events tell it
    assert look(performer, connected, BLIND, {"charge": charge}, since).outcome == "cannot_tell"
    blind = look(performer, connected, REFUND, {"charge": charge}, since, key="bh_none")
    assert blind.outcome == "cannot_tell"
    assert "rak_charge_read" in blind.why


def test_stripe_down_is_an_outage(performer, connected, engine, charge):
    engine.faults.add("500", method="GET", times=None)
    with pytest.raises(Outage):
        look(performer, connected, REFUND, {"charge": charge}, int(time.time()))
