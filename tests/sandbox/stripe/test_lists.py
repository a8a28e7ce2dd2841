"""Lists: newest first, walked both ways, filtered; search with its language."""

from __future__ import annotations

import msgspec
import pytest
import stripe
from hypothesis import given
from hypothesis import strategies as st

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.search import parse


@pytest.fixture
def filled(engine):
    for at in range(25):
        engine.clock.set(1_760_000_000 + at // 2)
        engine.call("POST", "/v1/widgets", {"amount": at + 1, "colour": "red" if at % 3 else "blue"})
    return engine


def page(engine, **params):
    answer = engine.call("GET", "/v1/widgets", params).json()
    return [widget["amount"] for widget in answer["data"]], answer["has_more"]


def widget_id(engine, amount):
    found = engine.call("GET", "/v1/widgets", {"limit": 100}).json()["data"]
    return next(widget["id"] for widget in found if widget["amount"] == amount)


def test_ten_newest_first_unless_asked_otherwise(filled):
    assert page(filled) == (list(range(25, 15, -1)), True)
    assert page(filled, limit=100) == (list(range(25, 0, -1)), False)
    assert page(filled, limit=25) == (list(range(25, 0, -1)), False)


def test_walked_to_the_end_by_the_sdk(stand):
    client = stand.client()
    for at in range(23):
        client.raw_request("post", "/v1/widgets", amount=at + 1)
    events = client.v1.events.list({"limit": 5, "type": "widget.created"})
    amounts = [event.data.object["amount"] for event in events.auto_paging_iter()]
    assert amounts == list(range(23, 0, -1))


def test_cursors_are_exclusive_and_run_both_ways(filled):
    middle = widget_id(filled, 13)
    assert page(filled, limit=3, starting_after=middle) == ([12, 11, 10], True)
    assert page(filled, limit=3, ending_before=middle) == ([16, 15, 14], True)
    assert page(filled, limit=20, ending_before=middle) == (list(range(25, 13, -1)), False)
    assert page(filled, starting_after=widget_id(filled, 1)) == ([], False)


def test_filters_and_created_ranges(filled):
    assert page(filled, colour="blue", limit=3) == ([25, 22, 19], True)
    assert page(filled, created={"gte": 1_760_000_002, "lt": 1_760_000_004}) == ([8, 7, 6, 5], False)
    assert page(filled, created={"gt": 1_760_000_002, "lte": 1_760_000_003}) == ([8, 7], False)
    assert page(filled, created=1_760_000_012) == ([25], False)
    assert page(filled, colour="blue", created={"lt": 1_760_000_002}) == ([4, 1], False)


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"starting_after": "widget_none"}, "starting_after"),
        ({"ending_before": "widget_none"}, "ending_before"),
        ({"created": {"after": 1}}, "created"),
        ({"created": "yesterday"}, "created"),
    ],
)
def test_what_a_list_refuses(filled, params, param):
    answer = filled.call("GET", "/v1/widgets", params)
    assert answer.status == 400
    assert answer.json()["error"]["param"] == param


def test_both_cursors_at_once_are_refused(filled):
    one = widget_id(filled, 1)
    answer = filled.call("GET", "/v1/widgets", {"starting_after": one, "ending_before": one})
    assert answer.status == 400


def test_a_changed_look_up_moves_between_lists(filled):
    filled.call("POST", f"/v1/widgets/{widget_id(filled, 25)}", {"colour": "red"})
    assert page(filled, colour="blue", limit=2) == ([22, 19], True)
    assert page(filled, colour="red", limit=2) == ([25, 24], True)


@given(
    made=st.lists(st.integers(0, 3), min_size=1, max_size=30), limit=st.integers(1, 7), forward=st.booleans()
)
def test_pages_put_together_are_the_list(made, limit, forward):
    engine = Pinstripe(clock=Clock(1_760_000_000))
    with engine.session("acct_1") as call:
        for step in made:
            call.now += step
            call.add({"id": call.new_id("widget"), "object": "widget"})
        whole = [widget["id"] for widget in call.find("widget")]
        start, cursor = (whole[0], "starting_after") if forward else (whole[-1], "ending_before")
        found, more = [start], True
        while more:
            call.params = {"limit": str(limit), cursor: found[-1] if forward else found[0]}
            answer = call.page("widget")
            got = [msgspec.json.decode(bytes(item))["id"] for item in answer["data"]]
            found = found + got if forward else got + found
            more = answer["has_more"]
    engine.close()
    assert found == whole


class TestSearch:
    def test_over_http_with_pages_and_a_count(self, stand):
        with stand.engine.session() as call:
            for at in range(7):
                call.add(
                    _customer(call.new_id("cus"), f"c{at}@example.com", {"plan": "gold" if at % 2 else "tin"})
                )
        client = stand.client()
        query = {"query": 'metadata["plan"]:"tin" AND email~"EXAMPLE"', "limit": 3, "expand": ["total_count"]}
        first = client.v1.customers.search(query)
        assert [c.email for c in first.data] == ["c6@example.com", "c4@example.com", "c2@example.com"]
        assert first["total_count"] == 4
        found = [c.email for c in first.auto_paging_iter()]
        assert found == [f"c{at}@example.com" for at in (6, 4, 2, 0)]

    @pytest.mark.parametrize(
        ("text", "object_", "holds", "fails"),
        [
            ('email:"A@b.c"', "customer", {"email": "a@B.c"}, {"email": "aa@b.c"}),
            ("-name:'Jo'", "customer", {"name": "Al"}, {"name": "jo"}),
            ("name:null", "customer", {"name": None}, {"name": "x"}),
            ("amount>99", "charge", {"amount": 100}, {"amount": 99}),
            ("amount>=99 AND amount<200", "charge", {"amount": 99}, {"amount": 200}),
            (
                'status:"paid" OR total<5',
                "invoice",
                {"status": "open", "total": 4},
                {"status": "open", "total": 5},
            ),
            ('metadata["it\'s"]:"x"', "price", {"metadata": {"it's": "x"}}, {"metadata": {}}),
            ("-metadata['k']:null", "price", {"metadata": {"k": "x"}}, {"metadata": {}}),
            (
                'payment_method_details.card.last4:"4242"',
                "charge",
                {"payment_method_details": {"card": {"last4": "4242"}}},
                {},
            ),
            (
                'subscription:"sub_1"',
                "invoice",
                {"parent": {"subscription_details": {"subscription": "sub_1"}}},
                {},
            ),
            ("active:'true' OR active:true", "product", {"active": True}, {"active": False}),
        ],
    )
    def test_the_language(self, text, object_, holds, fails):
        query = parse(text, object_)
        assert query.holds(holds)
        assert not query.holds(fails)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "email",
            'email:"a" name:"b"',
            'email:"a" AND name:"b" OR phone:"c"',
            "colour:'x'",
            "email>5",
            "email:word",
            "created:soon",
            "metadata:'x'",
            'name~"ab"',
            'email:"a" AND',
        ],
    )
    def test_what_it_refuses(self, text):
        with pytest.raises(StripeError) as caught:
            parse(text, "customer")
        assert caught.value.param == "query"

    def test_a_bad_page_and_a_missing_query(self, stand):
        for params in ({"query": "created>0", "page": "%%"}, {"query": ""}):
            with pytest.raises(stripe.InvalidRequestError):
                stand.client().v1.customers.search(params)


def _customer(id_, email, metadata):
    return {"id": id_, "object": "customer", "email": email, "name": None, "metadata": metadata}
