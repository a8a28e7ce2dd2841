"""Every read of the catalogue, performed over HTTP: it finds what is there, to the end, or says where it was cut."""

from __future__ import annotations

import pytest

from bookhand.core.action import Get
from bookhand.core.problems import Bug, Outage, Refusal
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.systems.stripe.actions import READS

from .shop import Shop, stocked

BY_NAME = {action.name: action for action in READS}
NOT_IN_THE_STAND_IN = {
    "payment_links.retrieve": "the stand-in makes no payment links: it lists none, and has none to show",
}
ID_OF = {"products": "product", "balance_transactions": "balance_transaction", "application_fees": "application_fee", "events": "event"}  # fmt: skip
QUERY = {
    "charges": "amount>1", "customers": "name~'Ada'", "invoices": "status:'paid'", "payment_intents": "amount>1",
    "prices": "type:'recurring'", "products": "name:'Plan'", "subscriptions": "status:'active'",
}  # fmt: skip


@pytest.fixture(scope="module")
def stock():
    engine = Pinstripe(seed=7)
    engine.account()
    yield engine, stocked(Shop(engine))
    engine.close()


@pytest.fixture(scope="module")
def engine(stock):
    return stock[0]


@pytest.fixture(scope="module")
def made(stock):
    return stock[1]


def values_of(action, **given):
    return action.params.model_validate(given).model_dump(exclude_none=True)


def asked(action, made):
    """Values for a read: the ids its parameters need, and a query for a search."""
    needed = [name for name, field in action.params.model_fields.items() if field.is_required()]
    given = {
        name: made[ID_OF[action.resource] if name == "id" else name] for name in needed if name != "query"
    }
    return given | ({"query": QUERY[action.resource]} if "query" in needed else {})


@pytest.mark.parametrize("name", sorted(set(BY_NAME) - set(NOT_IN_THE_STAND_IN)))
def test_each_read_finds_what_is_there(performer, connected, made, name):
    action = BY_NAME[name]
    given = asked(action, made) | ({"customer": made["customer"]} if name == "invoices.preview" else {})
    found = performer.read(connected.link, action, values_of(action, **given))
    if name == "payment_links.list":
        assert found.data == []
    elif action.result.many:
        assert found.count == len(found.data) >= 1
        assert {each["object"] for each in found.data} <= {action.result.object, "line_item"}
        assert found.cut is None
    elif action.call is not None:
        assert found.data["object"] == action.result.object


@pytest.mark.parametrize("name", sorted(NOT_IN_THE_STAND_IN))
def test_what_the_stand_in_lacks_is_still_refused_in_a_sentence(performer, connected, name):
    with pytest.raises(Refusal):
        performer.read(connected.link, BY_NAME[name], values_of(BY_NAME[name], payment_link="plink_1"))


@pytest.mark.parametrize(
    "action", [a for a in READS if a.result.many and a.call and a.verb == "list"], ids=lambda a: a.name
)
def test_every_filter_is_one_that_stripe_takes(performer, connected, made, action):
    """A list is asked with each of its filters by itself; the stand-in refuses the name it does not know."""
    needed = asked(action, made)
    for name in set(action.params.model_fields) - {*needed, "expand", "starting_after"}:
        value = SAMPLE.get(name) or SPECIAL.get((action.resource, name)) or made.get(name)
        assert value is not None, f"no sample of {action.name} {name}"
        if (action.name, name) == ("balance_transactions.list", "payout"):
            continue  # of a manual payout, as the one here is, Stripe cannot tell
        performer.read(connected.link, action, values_of(action, **{name: value}, **needed))


SPAN = {"gte": "2020-01-01", "lt": "2040-01-01"}
SAMPLE = {
    "limit": 1, "created": SPAN, "arrival_date": SPAN, "due_date": SPAN, "canceled_at": SPAN,
    "completed_at": SPAN, "released_at": SPAN, "current_period_start": SPAN, "current_period_end": SPAN, "active": True,
    "shippable": True, "pending": True, "scheduled": True, "delivery_success": True, "currency": "USD", "email": "ada@example.com",
    "test_clock": "clock_1", "collection_method": "charge_automatically", "transfer_group": "order-1", "url": "https://a.example",
    "lookup_keys": ["one"], "recurring": {"interval": "month"}, "types": ["charge.succeeded"], "purpose": "dispute_evidence",
    "allow_redisplay": "unspecified", "destination": "ba_1", "ids": ["prod_1"],
}  # fmt: skip
SPECIAL = {
    ("payment_methods", "type"): "card", ("prices", "type"): "recurring", ("balance_transactions", "type"): "charge",
    ("events", "type"): "charge.*", ("invoices", "status"): "paid", ("payouts", "status"): "paid",
    ("subscriptions", "status"): "active", ("balance_transactions", "source"): "ch_1",
}  # fmt: skip


def test_a_list_goes_to_its_end_and_a_bound_says_how_to_go_on(performer, connected, engine):
    customers, shop = BY_NAME["customers.list"], Shop(engine)
    for number in range(230):
        shop.post("/v1/customers", name=f"Customer {number}")
    everyone = performer.read(connected.link, customers, {})
    assert everyone.count == len({each["id"] for each in everyone.data}) >= 231
    assert everyone.cut is None
    some = performer.read(connected.link, customers, {"limit": 130})
    assert some.data == everyone.data[:130]
    assert f"starting_after={some.data[-1]['id']}" in some.cut
    rest = performer.read(connected.link, customers, {"starting_after": some.data[-1]["id"]})
    assert some.data + rest.data == everyone.data
    assert performer.read(connected.link, customers, {"limit": everyone.count}).cut is None


def test_a_search_goes_to_its_end_and_a_bound_says_how_to_go_on(performer, connected, engine):
    shop, search = Shop(engine), BY_NAME["customers.search"]
    for number in range(120):
        shop.post("/v1/customers", name=f"Sought {number}")
    found = performer.read(connected.link, search, {"query": "name~'Sought'"})
    assert (found.count, found.cut) == (120, None)
    some = performer.read(connected.link, search, {"query": "name~'Sought'", "limit": 115})
    page = some.cut.rpartition("page=")[2].rstrip(".")
    rest = performer.read(connected.link, search, {"query": "name~'Sought'", "page": page})
    assert [each["id"] for each in some.data + rest.data] == [each["id"] for each in found.data]


def test_canceled_subscriptions_are_listed_unless_told_otherwise(performer, connected, engine):
    shop = Shop(engine)
    customer = shop.customer()
    price = shop.get("/v1/prices")["data"][0]["id"]
    gone = shop.post("/v1/subscriptions", customer=customer, items=[{"price": price}])["id"]
    shop.send("DELETE", f"/v1/subscriptions/{gone}")
    subscriptions = BY_NAME["subscriptions.list"]

    def listed(**given):
        found = performer.read(
            connected.link, subscriptions, values_of(subscriptions, customer=customer, **given)
        )
        return [each["id"] for each in found.data]

    assert (listed(), listed(status="active")) == ([gone], [])


def test_what_is_not_there_is_refused_by_its_id(performer, connected):
    with pytest.raises(Refusal, match=r"no charge at /v1/charges/ch_missing .*test mode"):
        performer.read(connected.link, BY_NAME["charges.retrieve"], {"charge": "ch_missing"})


def test_a_missing_permission_is_named(performer, db, secrets, connected, engine, url):
    key = engine.restricted(engine.default_account, {"customer": "read"})
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", key)
    with pytest.raises(Refusal, match="rak_payout_read"):
        performer.read(connected.link, BY_NAME["payouts.list"], {})


def test_the_scope_of_each_read_is_what_the_stand_in_asks_for(engine):
    from bookhand.sandbox.stripe import permissions, routes

    for action in READS:
        if action.call is None:
            continue
        found = routes.match(action.call.way, action.call.path.replace("{", "").replace("}", ""))
        if found is not None:
            assert action.scope == "rak_{}_{}".format(*permissions.needed(found[0])), action.name


def test_the_history_of_a_customer_holds_what_happened_and_counts_it(performer, connected, made):
    found = performer.read(
        connected.link, BY_NAME["customers.history"], {"customer": made["customer"], "window_days": 90}
    )
    told = found.data
    assert made["charge"] in [each["id"] for each in told["charges"]]
    assert [each["id"] for each in told["refunds"]] == [made["refund"]]
    assert [each["id"] for each in told["disputes"]] == [made["dispute"]]
    assert made["subscription"] in [each["id"] for each in told["subscriptions"]]
    assert [each["id"] for each in told["credit_notes"]] == [made["credit_note"]]
    assert told["counts"] == {name: len(told[name]) for name in told["counts"]}
    assert (found.count, found.cut) == (sum(told["counts"].values()), None)


def test_a_history_of_another_time_is_empty(performing, connected, made, engine):
    later = performing(clock=lambda: 2_000_000_000)
    found = later.read(
        connected.link, BY_NAME["customers.history"], {"customer": made["customer"], "window_days": 1}
    )
    assert found.data["counts"] | {"subscriptions": 0} == dict.fromkeys(found.data["counts"], 0)


def test_a_preview_changes_nothing_and_is_asked_again_after_trouble(performer, connected, made, engine):
    before = Shop(engine).get("/v1/invoices", customer=made["customer"])["data"]
    values = {"subscription": made["subscription"]}
    shown = performer.read(connected.link, BY_NAME["invoices.preview"], values)
    assert shown.data["total"] > 0
    assert (
        performer.fetch(connected.link, Get("/v1/invoices/create_preview", values))["total"]
        == shown.data["total"]
    )
    engine.faults.add("cut_after", path="/v1/invoices/create_preview")
    with pytest.raises(Outage) as caught:
        performer.read(connected.link, BY_NAME["invoices.preview"], values)
    assert type(caught.value) is Outage
    assert Shop(engine).get("/v1/invoices", customer=made["customer"])["data"] == before


def test_fetch_gives_an_object_a_whole_list_or_nothing(performer, connected, engine):
    shop = Shop(engine)
    ada = shop.customer()
    paid = [shop.pay(1000, customer=ada)["latest_charge"] for _ in range(12)]
    link = connected.link
    assert (
        performer.fetch(link, Get(f"/v1/charges/{paid[0]}", {"expand": ["customer"]}))["customer"]["id"]
        == ada
    )
    assert [each["id"] for each in performer.fetch(link, Get("/v1/charges", {"customer": ada}))] == paid[::-1]
    two = performer.fetch(link, Get("/v1/charges", {"customer": ada, "limit": 2}))
    assert [each["id"] for each in two] == paid[:-3:-1]
    assert performer.fetch(link, Get("/v1/charges/ch_none")) is None


def test_client_secrets_are_cut(performer, connected, made):
    found = performer.read(
        connected.link, BY_NAME["payment_intents.retrieve"], {"payment_intent": made["payment_intent"]}
    )
    assert found.data["client_secret"].endswith("_secret_…")


def test_another_version_is_sent_for_one_read(performer, connected):
    with pytest.raises(Refusal, match="Invalid Stripe API version"):
        performer.read(connected.link, BY_NAME["charges.list"], {}, api_version="2031-01-01.zinnia")


def test_a_write_is_never_performed_as_a_read(performer, connected):
    from dataclasses import replace

    with pytest.raises(Bug):
        performer.read(connected.link, replace(BY_NAME["refunds.list"], risk="money"), {})
