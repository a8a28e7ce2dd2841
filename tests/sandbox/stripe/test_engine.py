"""The engine in process: one seed gives one world, jobs run in time order, nothing is half done."""

from __future__ import annotations

import httpx
import pytest

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.forms import decode, nest, pairs, texts
from bookhand.sandbox.stripe.routes import job

SEEN: list[tuple[str, int]] = []


@job("test.note")
def note(call, args):
    SEEN.append((args["name"], call.now))
    if args.get("again"):
        call.after(args["again"], "test.note", name=args["name"] + "'")


def busy(engine):
    """Some of everything, including what fails."""
    for at in range(8):
        engine.call("POST", "/v1/widgets", {"amount": at, "later": True, "metadata": {"n": at}})
        engine.call("GET", "/v1/widgets")
    engine.call("POST", "/v1/widgets", {"amount": 402})
    engine.call("POST", "/v1/widgets", {"amount": 500})
    engine.advance(engine.clock.now() + 3600)
    engine.call("POST", "/v1/widgets", {"amount": 3}, livemode=True)


def test_same_seed_and_same_calls_same_bytes(tmp_path):
    digests = {}
    for name, seed, path in (("a", 3, None), ("b", 3, tmp_path / "b.db"), ("c", 4, None)):
        engine = Pinstripe(path, seed=seed, clock=Clock(1_760_000_000))
        engine.account()
        busy(engine)
        digests[name] = engine.digest()
        engine.close()
    assert digests["a"] == digests["b"] != digests["c"]


def test_looking_changes_nothing(engine):
    other = Pinstripe(seed=7, clock=Clock(1_760_000_000))
    other.account()
    for _ in range(5):
        other.call("GET", "/v1/widgets")
    for one in (engine, other):
        one.call("POST", "/v1/widgets", {"amount": 1})
    assert engine.digest() == other.digest()
    other.close()


def test_a_restart_goes_on_where_it_stopped(tmp_path):
    once = Pinstripe(seed=5, clock=Clock(1_760_000_000))
    once.account()
    parts = Pinstripe(tmp_path / "s.db", seed=5, clock=Clock(1_760_000_000))
    parts.account()
    busy(parts)
    parts.close()
    parts = Pinstripe(tmp_path / "s.db", seed=99, clock=Clock(1_760_003_600))
    parts.account()
    busy(once)
    for one in (once, parts):
        busy(one)
    assert once.digest() == parts.digest()
    once.close()
    parts.close()


def test_jobs_run_in_time_order_at_their_own_time(engine):
    SEEN.clear()
    with engine.session() as call:
        call.at(call.now + 30, "test.note", name="b")
        call.at(call.now + 10, "test.note", name="a", again=30)
        call.at(call.now + 30, "test.note", name="c")
        call.at(call.now + 99, "test.note", name="late")
    start = engine.clock.now()
    engine.advance(start + 50)
    assert [("a", start + 10), ("b", start + 30), ("c", start + 30), ("a'", start + 40)] == SEEN
    assert engine.clock.now() == start + 50


def test_a_test_clocks_jobs_run_on_its_own_line(engine):
    SEEN.clear()
    with engine.session() as call:
        frozen = call.timeline("clock_1", call.now + 1000)
        frozen.after(5, "test.note", name="frozen", again=5)
        call.after(5, "test.note", name="world")
    engine.advance(engine.clock.now() + 10_000)
    assert [name for name, _ in SEEN] == ["world"]
    with engine.session() as call:
        assert call.run_line("clock_1", 1_760_001_009) == 1
    assert SEEN[-1] == ("frozen", 1_760_001_005)


def test_a_broken_session_leaves_nothing(engine):
    with pytest.raises(ZeroDivisionError), engine.session() as call:
        call.add({"id": call.new_id("widget"), "object": "widget"})
        call.bump("n", 5)
        call.after(1, "test.note", name="never")
        raise ZeroDivisionError
    with engine.session() as call:
        assert (call.find("widget"), call.marks("n")) == ([], 0)
    assert engine.store.due() is None


def test_a_call_inside_a_session_fails_alone(engine):
    with engine.session() as call:
        call.add({"id": "widget_kept", "object": "widget"})
        assert engine.call("POST", "/v1/widgets", {"amount": 500}).status == 500
        assert engine.call("POST", "/v1/widgets", {"amount": 5}).status == 200
    with engine.session() as call:
        assert len(call.find("widget")) == 2


def test_counters(engine):
    with engine.session() as call:
        call.bump("usd.available", 5)
        call.bump("usd.available", -2)
        call.bump("eur.pending", 7)
        call.bump("other", 1)
        assert call.marks("usd.available") == 3
        assert call.marked("usd") == {"usd.available": 3}


def test_old_events_can_be_left_out(engine):
    engine.events_from = engine.clock.now() + 10
    engine.call("POST", "/v1/widgets", {"amount": 1})
    engine.advance(engine.clock.now() + 10)
    engine.call("POST", "/v1/widgets", {"amount": 2})
    assert len(engine.call("GET", "/v1/events").json()["data"]) == 1


def test_the_server_runs_jobs_as_they_fall_due(stand):
    stand.engine.clock.run_at(1000)
    made = stand.client().raw_request("post", "/v1/widgets", amount=1, later=True).data["id"]
    for _ in range(200):
        if "painted" in stand.client().raw_request("get", f"/v1/widgets/{made}").data:
            return
    raise AssertionError("the job did not run")


def test_the_clock_by_control(stand):
    control = f"{stand.url}/_pinstripe/clock"
    assert httpx.get(control).json() == {"now": 1_760_000_000, "speed": 0.0, "simulated": True}
    assert httpx.post(control, data={"advance": 100}).json()["now"] == 1_760_000_100
    assert httpx.post(control, data={"set": 1_760_000_200}).json()["now"] == 1_760_000_200
    assert httpx.post(control, data={"set": 5}).status_code == 400
    assert httpx.post(control, data={"speed": 60}).json()["speed"] == 60
    assert httpx.post(control, data={"speed": "fast"}).status_code == 400


def test_the_controls_show_and_make_accounts_and_keys(stand):
    made = httpx.post(
        f"{stand.url}/_pinstripe/accounts", data={"id": "acct_x", "platform": stand.engine.default_account}
    )
    assert made.json()["account"]["id"] == "acct_x"
    stand.client(stripe_account="acct_x").raw_request("get", "/v1/widgets")
    key = httpx.post(f"{stand.url}/_pinstripe/keys", data={"permissions[widget]": "read"}).json()["key"]
    assert key.startswith("rk_test_")
    stand.client(key).raw_request("get", "/v1/widgets")
    shown = httpx.get(f"{stand.url}/_pinstripe").json()
    assert shown["requests"]["GET 200"] >= 2
    assert set(shown["accounts"]) == {"acct_x", stand.engine.default_account}
    digest = httpx.get(f"{stand.url}/_pinstripe/digest").json()["digest"]
    assert digest == stand.engine.digest()


def test_clocks():
    clock = Clock(1000)
    assert (clock.now(), clock.wait(1001), clock.wait(999)) == (1000, float("inf"), 0.0)
    clock.advance(5)
    assert clock.now() == 1005
    clock.run_at(100)
    assert 0 < clock.wait(1105) <= 1.0
    assert not Clock().simulated


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("metadata[a]=b&metadata[c]=d", {"metadata": {"a": "b", "c": "d"}}),
        ("items[0][price]=p&items[1][price]=q", {"items": [{"price": "p"}, {"price": "q"}]}),
        ("expand[]=a&expand[]=b.c", {"expand": ["a", "b.c"]}),
        ("items[10]=k&items[2]=c", {"items": ["c", "k"]}),
        ("created[gte]=1&created[lt]=2", {"created": {"gte": "1", "lt": "2"}}),
        ("a%5Bb%5D=%C3%A9", {"a": {"b": "é"}}),
    ],
)
def test_forms(text, found):
    assert decode(text) == found


def test_forms_go_back_and_forth():
    value = {"a": {"b": [{"c": True}, {"c": 5}]}, "d": None, "e": "x"}
    assert nest(pairs(value)) == texts(value)


@pytest.mark.parametrize("text", ["a[b=1", "a=1&a[b]=2", "a" + "[x]" * 20 + "=1"])
def test_forms_that_make_no_sense(text):
    with pytest.raises(StripeError):
        decode(text)


def test_a_store_belongs_to_one_process_at_a_time(tmp_path):
    first = Pinstripe(tmp_path / "s.db")
    with pytest.raises(RuntimeError, match=r"s\.db cannot be opened for this process alone"):
        Pinstripe(tmp_path / "s.db")
    first.close()
    Pinstripe(tmp_path / "s.db").close()
