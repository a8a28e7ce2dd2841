"""The catalogue and its forms in a browser: what is asked for is what was typed, and what is wrong stands beside its field."""

from __future__ import annotations

import json
import re

import pytest
from tests.web.approvals.conftest import send, stands
from tests.web.page.conftest import HOSTILE, SECRET
from tests.web.test_pages import Read

from bookhand.core.facts import Link
from bookhand.inbox import store as inbox
from bookhand.inbox.delivery import listed
from bookhand.inbox.workflow import drain
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.web.page.site import LOCALE
from bookhand.wiring import catalogue

CATALOGUE = catalogue()


async def test_everything_is_in_the_catalogue_and_filters_narrow_it(web):
    owner = await web.owner()
    page = (await owner.get("/actions")).text
    assert all(f'href="/actions/{name}"' in page for name in CATALOGUE.actions)
    events = (await owner.get("/actions?show=events")).text
    assert all(f'href="/actions/{name}"' in events for name in CATALOGUE.events)
    money = (await owner.get("/actions?vendor=stripe&risk=money")).text
    assert 'href="/actions/refunds.create"' in money
    assert 'href="/actions/refunds.list"' not in money
    assert 'href="/actions/periods.close"' not in money
    searched = (await owner.get("/actions?text=charged+back")).text
    assert 'href="/actions/refunds.create"' in searched
    assert "Nothing fits" in (await owner.get("/actions?text=zzzz")).text


@pytest.mark.parametrize("name", ["refunds.create", "charges.list", "disputes.stage_evidence", "payouts.match", "runs.start",
                                  "quickbooks.journal_entries.create", "subscriptions.update", "periods.close"])  # fmt: skip
async def test_a_form_is_a_whole_page_with_labels_and_nothing_inline(web, name):
    owner = await web.owner()
    answer = await owner.get(f"/actions/{name}")
    assert answer.status_code == 200
    read = Read(answer.text)
    assert read.open == []
    assert not re.search(r"<style|<script(?! src=\"/static/)| style=| on\w+=", answer.text)
    ids = [attributes["id"] for _, attributes in read.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    labelled = {attributes.get("for") for tag, attributes in read.tags if tag == "label"}
    for tag, attributes in read.tags:
        if tag in {"input", "select", "textarea"} and attributes.get("type") not in {"hidden", "radio"}:
            assert attributes.get("id") in labelled or attributes.get("aria-label"), attributes


async def test_a_refund_is_asked_for_in_major_units(web, shop, db):
    charge = shop.charge()
    owner = await web.owner()
    form = (await owner.get(f"/actions/refunds.create?charge={charge}&connection=1")).text
    assert f'value="{charge}"' in form
    assert "checked" in form
    fields = {"connection": "1", "p.charge": charge, "p.amount": "15.00", "c.amount": "usd", "p.reason": "duplicate", "why": "Charged twice",
              "p.metadata": "ticket=4711"}  # fmt: skip
    answer = await send(owner, "/actions/refunds.create", fields)
    assert answer.status_code == 303
    made = stands(db, answer.headers["location"].removeprefix("/approvals/"))
    assert made.params == {
        "charge": charge,
        "amount": 1500,
        "reason": "duplicate",
        "metadata": {"ticket": "4711"},
    }
    assert (made.state, made.reason, made.channel, made.connection_id) == (
        "waiting",
        "Charged twice",
        "web",
        1,
    )
    assert "Nothing was sent: it waits for a yes." in (await owner.get(answer.headers["location"])).text


async def test_the_same_form_sent_twice_asks_once(web, shop, db):
    charge = shop.charge()
    owner = await web.owner()
    key = re.search(r'name="key" value="(\w+)"', (await owner.get("/actions/refunds.create")).text)
    assert key
    fields = {
        "key": key[1],
        "p.charge": charge,
        "p.amount": "15.00",
        "c.amount": "USD",
        "why": "Charged twice",
    }
    first, second = [
        (await send(owner, "/actions/refunds.create", fields)).headers["location"] for _ in range(2)
    ]
    assert first == second
    third = await send(owner, "/actions/refunds.create", {**fields, "p.amount": "16.00"})
    assert (third.status_code, third.headers["location"] != first) == (303, True)


async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(web, shop, db):
    owner = await web.owner()
    fields = {"p.charge": "re_1", "p.amount": "15.005", "c.amount": "USD", "why": ""}
    answer = await send(owner, "/actions/refunds.create", fields)
    assert answer.status_code == 400
    for key, said in (
        ("p-charge", "not the id of a charge"), ("p-amount", "USD has 2 decimals: write no more."), ("why", "Say why")
    ):  # fmt: skip
        beside = re.search(rf'id="{key}-wrong">(.*?)</p>', answer.text, re.DOTALL)
        assert beside, key
        assert said in beside[1]
    assert 'value="15.005"' in answer.text
    assert answer.text.count('aria-invalid="true"') == 3
    both = await send(
        owner, "/actions/refunds.create", {"p.charge": "ch_1", "p.payment_intent": "pi_1", "why": "x"}
    )
    assert (both.status_code, "Give exactly one of charge and payment_intent" in both.text) == (400, True)
    with db.transaction() as cx:
        assert cx.execute("select count(*) from proposal").fetchone() == (0,)
    owner.client.cookies.set(LOCALE, "de-DE")
    for code, amount, said in (
        ("KWD", "1234,567", "1.234,567 KWD cannot be asked for"), ("ISK", "12,30", "12,30 ISK cannot be asked for"),
        ("USD", "99999999999,99", "twelve digits at most"),
    ):  # fmt: skip
        fields = {"p.currency": code, "p.amount": amount, "why": "x"}
        answer = await send(owner, "/actions/payment_intents.create", fields)
        assert (answer.status_code, said in answer.text) == (400, True), code


async def test_a_currency_is_never_guessed(web, shop, db, connected):
    charge = shop.charge(8000, "jpy")
    owner = await web.owner()
    fields = {"p.charge": charge, "p.amount": "1500", "why": "Charged twice"}
    unknown = await send(owner, "/actions/refunds.create", fields)
    assert (unknown.status_code, "Its currency is not known here" in unknown.text) == (400, True)
    meant = await send(owner, "/actions/refunds.create", {**fields, "p.amount": "15.00", "c.amount": "USD"})
    assert meant.status_code == 400
    assert "The amount was meant in USD, and the object is in JPY" in meant.text
    with db.transaction() as cx:
        assert cx.execute("select state from proposal").fetchall() == [("withdrawn",)]
    _told_of(db, connected.link, shop, charge)
    known = await send(owner, "/actions/refunds.create", fields)
    assert stands(db, known.headers["location"].rpartition("/")[2]).params["amount"] == 1500
    other = await send(owner, "/actions/refunds.create", {**fields, "c.amount": "USD"})
    assert (other.status_code, "The object is in JPY" in other.text) == (400, True)


async def test_a_viewer_may_read_and_not_ask(web, shop, db):
    charge = shop.charge()
    owner = await web.owner()
    viewer = await web.person("viewer", owner)
    page = (await viewer.get("/actions/refunds.create")).text
    assert "You may look, not ask" in page
    assert "<textarea" not in page
    answer = await send(viewer, "/actions/refunds.create", {"p.charge": charge, "why": "x"})
    assert answer.status_code == 403
    found = await send(viewer, "/actions/charges.list", {"p.limit": "5"})
    assert found.status_code == 200
    assert charge in found.text


async def test_a_read_shows_a_table_with_money_and_the_raw_answer(web, shop):
    charge = shop.charge(8000)
    yen = shop.charge(500, "jpy")
    owner = await web.owner()
    assert 'value="100"' in (await owner.get("/actions/charges.list")).text
    listed_all = await send(owner, "/actions/charges.list", {"p.limit": "10"})
    text = Read(listed_all.text).text
    for said in (charge, yen, "80.00 USD", "500 JPY", "2 found"):
        assert said in text, said
    one = await send(owner, "/actions/charges.retrieve", {"p.charge": charge})
    assert (one.status_code, "payment_method_details" in one.text) == (200, True)
    missing = await send(owner, "/actions/charges.retrieve", {"p.charge": "ch_nowhere"})
    assert missing.status_code in {400, 404}
    assert "alert-danger" in missing.text
    own = await send(owner, "/actions/connections.list", {})
    assert (own.status_code, "Shop" in own.text) == (200, True)


async def test_what_a_read_found_shows_no_secret_and_runs_nothing(web, shop):
    shop.client.v1.customers.update(shop.customer, {"name": HOSTILE, "metadata": {"key": SECRET}})
    owner = await web.owner()
    found = await send(owner, "/actions/customers.retrieve", {"p.customer": shop.customer})
    assert found.status_code == 200
    assert "<script>alert" not in found.text
    assert "<img" not in found.text
    assert SECRET not in found.text


async def test_bookhands_own_acts_are_done_at_once(web, db):
    owner = await web.owner()
    answer = await send(owner, "/actions/periods.close", {"p.period": "2026-01", "p.why": "Audited"})
    assert answer.status_code == 303
    made = stands(db, answer.headers["location"].rpartition("/")[2])
    assert (made.state, made.reason) == ("done", "Audited")
    text = Read((await owner.get(answer.headers["location"])).text).text
    assert "It is done." in text
    without = await send(owner, "/actions/periods.close", {"p.period": "2026-02"})
    assert (without.status_code, 'id="p-why-wrong"' in without.text) == (400, True)


async def test_a_row_more_keeps_what_is_in_the_form(web):
    owner = await web.owner()
    fields = {"p.payouts": "po_1", "p.lines.0.account": "checking", "p.lines.0.key": "k1", "more": "lines"}
    answer = await send(owner, "/actions/payouts.match", fields)
    assert answer.status_code == 200
    assert 'name="p.lines.1.key"' in answer.text
    assert 'value="k1"' in answer.text


async def test_where_several_accounts_could_be_meant_one_is_asked_for(web, db, secrets, engine, url, shop):
    second = engine.account(id="acct_1Second0000000000")
    connect_with_key(db, secrets, engine.keys(second["id"]).test, base_url=url, name="Second")
    owner = await web.owner()
    page = (await owner.get("/actions/charges.list")).text
    assert page.count('name="connection"') == 2
    assert " checked" not in page.partition("<main")[2].partition("</main>")[0]
    answer = await send(owner, "/actions/charges.list", {"p.limit": "5"})
    assert (answer.status_code, 'id="connection-wrong"' in answer.text) == (400, True)
    assert (
        await send(owner, "/actions/charges.list", {"p.limit": "5", "connection": "1"})
    ).status_code == 200


async def test_without_its_token_nothing_is_read_or_asked(web, shop, db):
    owner = await web.owner()
    for name in ("refunds.create", "charges.list"):
        answer = await send(owner, f"/actions/{name}", {"p.charge": shop.charge(), "why": "x"}, token=False)
        assert answer.status_code == 403
    with db.transaction() as cx:
        assert cx.execute("select count(*) from proposal").fetchone() == (0,)


async def test_events_and_what_is_not_there(web):
    owner = await web.owner()
    event = (await owner.get("/actions/disputes.created")).text
    assert "charge.dispute.created" in event
    nowhere = await owner.get("/actions/refunds.crate")
    assert (nowhere.status_code, "Did you mean refunds.create" in nowhere.text) == (404, True)
    assert (await send(owner, "/actions/nowhere", {})).status_code == 404


def _told_of(db, link: Link, shop, charge: str) -> None:
    """The inbox hears of a charge, as it does by a list."""
    body = json.dumps(shop.client.v1.charges.retrieve(charge).to_dict()).encode()
    with db.transaction() as cx:
        inbox.receive(cx, link, [listed(body, as_of=9)])
    drain(db, link, [])
