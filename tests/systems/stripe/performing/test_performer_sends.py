"""A write is sent once, and what became of it is told exactly: done, a definite no, not done, or nobody knows."""

from __future__ import annotations

import base64
import socket
import threading

import msgspec
import pytest

from bookhand.core.problems import Bug, Outage, Refusal, UnknownOutcome
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.stripe.actions import READS
from bookhand.systems.stripe.answers import StripeRefusal
from bookhand.systems.stripe.auth import connect_account
from bookhand.systems.stripe.client import sdk
from bookhand.systems.stripe.performing.asked import asked_of
from bookhand.systems.stripe.performing.sending_client import Line, Sender, Times

from .shop import PNG, Shop
from .written import CANCEL, EVIDENCE, REFUND, RENAME, SUBSCRIBE, UPLOAD


@pytest.fixture
def shop(engine):
    return Shop(engine)


@pytest.fixture
def charge(shop):
    shop.pay(50_000, "pm_card_bypassPending")
    return shop.pay(5000)["latest_charge"]


def send(performer, connection, action, values, **how):
    return performer.send(connection.link, action, values, **({"key": "bh_1", "marker": "m1"} | how))


def refunds(shop, charge):
    return shop.get("/v1/refunds", charge=charge)["data"]


def test_a_write_is_done_with_its_mark_and_its_request_is_kept(performer, connected, shop, charge):
    sent = send(performer, connected, REFUND, {"charge": charge, "amount": 700, "metadata": {"why": "late"}})
    assert (sent.data["object"], sent.data["amount"]) == ("refund", 700)
    assert sent.data["metadata"] == {"why": "late", "bookhand_call": "m1"}
    assert sent.request_id.startswith("req_")
    [event] = shop.get("/v1/events", type="refund.created")["data"]
    assert event["request"] == {"id": sent.request_id, "idempotency_key": "bh_1"}


def test_the_same_key_gives_the_same_object_again(performer, connected, shop, charge):
    first = send(performer, connected, REFUND, {"charge": charge, "amount": 700})
    again = send(performer, connected, REFUND, {"charge": charge, "amount": 700})
    assert again.data == first.data
    assert len(refunds(shop, charge)) == 1


def test_the_same_key_for_something_else_is_refused(performer, connected, charge):
    send(performer, connected, REFUND, {"charge": charge, "amount": 700})
    with pytest.raises(StripeRefusal, match="same parameters"):
        send(performer, connected, REFUND, {"charge": charge, "amount": 800})


def test_nested_values_paths_fixed_values_and_unsetting(performer, connected, shop):
    ada = shop.customer(metadata={"old": "1"}, phone="+15555550100")
    price = shop.post(
        "/v1/prices", product_data={"name": "Plan"}, unit_amount=900, currency="usd", recurring={"interval": "month"}
    )["id"]  # fmt: skip
    made = send(
        performer, connected, SUBSCRIBE, {"customer": ada, "items": [{"price": price, "quantity": 3}]}
    ).data
    assert made["items"]["data"][0]["quantity"] == 3
    renamed = send(
        performer, connected, RENAME, {"customer": ada, "name": "Ada & Co", "phone": "", "metadata": {"old": ""}}, key="bh_2"
    ).data  # fmt: skip
    assert (renamed["name"], renamed["phone"]) == ("Ada & Co", None)
    assert renamed["metadata"] == {"bookhand_call": "m1"}
    shop.pay(7000, "pm_card_createDispute")
    dispute = shop.get("/v1/disputes")["data"][0]["id"]
    values = {"dispute": dispute, "evidence": {"product_description": "Bread"}, "submit": True}
    staged = send(performer, connected, EVIDENCE, values, key="bh_3").data
    assert (staged["evidence_details"]["submission_count"], staged["evidence"]["product_description"]) == (
        0,
        "Bread",
    )


def test_a_delete_is_sent_with_its_fields(performer, connected, shop):
    ada = shop.customer()
    price = shop.post(
        "/v1/prices", product_data={"name": "Plan"}, unit_amount=900, currency="usd", recurring={"interval": "month"}
    )["id"]  # fmt: skip
    made = shop.post("/v1/subscriptions", customer=ada, items=[{"price": price}])["id"]
    details = {"comment": "moved away & gone"}
    gone = send(performer, connected, CANCEL, {"subscription": made, "cancellation_details": details}).data
    assert (gone["status"], gone["cancellation_details"]["comment"]) == ("canceled", "moved away & gone")


def test_a_file_goes_up_with_the_mark_in_its_name(performer, connected, shop):
    values = {
        "filename": "proof.png",
        "content_base64": base64.b64encode(PNG).decode(),
        "purpose": "dispute_evidence",
    }
    sent = send(performer, connected, UPLOAD, values)
    assert (sent.data["filename"], sent.data["size"]) == ("proof-bookhand-m1.png", len(PNG))
    again = send(performer, connected, UPLOAD, values)
    assert again.data["id"] == sent.data["id"]
    with pytest.raises(Refusal, match=r"proof.png is not Base64"):
        send(performer, connected, UPLOAD, values | {"content_base64": "%%%"})


@pytest.mark.parametrize(
    ("fault", "raised", "done"),
    [
        ("cut_before", UnknownOutcome, 0),
        ("cut_after", UnknownOutcome, 1),
        ("500", UnknownOutcome, 0),
        ("429", Outage, 0),
        ("lock_timeout", Outage, 0),
    ],
)
def test_each_fault_is_told_for_what_it_is_and_nothing_is_sent_twice(
    performer, connected, shop, engine, charge, fault, raised, done
):
    waiting = engine.faults.add(fault, method="POST", path="/v1/refunds", times=None)
    with pytest.raises(Outage, match="POST /v1/refunds") as caught:
        send(performer, connected, REFUND, {"charge": charge})
    assert type(caught.value) is raised
    assert caught.value.retry_after_seconds > 0
    assert waiting.happened == 1
    assert len(refunds(shop, charge)) == done


def test_an_answer_that_comes_too_late_is_unknown_and_the_key_is_still_in_use(
    performing, connected, shop, engine, charge
):
    performer = performing(times=Times(answer_seconds=0.2))
    engine.faults.add("slow", method="POST", path="/v1/refunds", seconds=1.2, times=None)
    with pytest.raises(UnknownOutcome, match="was lost"):
        send(performer, connected, REFUND, {"charge": charge})
    with pytest.raises(UnknownOutcome, match="409"):
        send(performer, connected, REFUND, {"charge": charge})


def test_nobody_there_means_that_nothing_was_sent(performer, db, connected, charge):
    _move(db, connected, "http://127.0.0.1:9")
    with pytest.raises(Outage, match="nothing was sent") as caught:
        send(performer, connected, REFUND, {"charge": charge})
    assert type(caught.value) is Outage


def test_a_name_that_nobody_knows_means_that_nothing_was_sent(performer, db, connected, charge):
    _move(db, connected, "http://stripe.invalid")
    with pytest.raises(Outage, match="nothing was sent") as caught:
        send(performer, connected, REFUND, {"charge": charge})
    assert type(caught.value) is Outage


@pytest.fixture
def answering():
    """A server that answers each connection with these bytes, and hangs up; gives its port."""
    made = []

    def start(answer, *, reads=True):
        server = socket.create_server(("127.0.0.1", 0))
        made.append(server)

        def work():
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                if reads:
                    client.recv(65_536)
                client.sendall(answer)
                client.close()

        threading.Thread(target=work, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in made:
        server.close()


def test_a_handshake_that_fails_means_that_nothing_was_sent(performer, db, connected, charge, answering):
    port = answering(b"this is no TLS at all\r\n\r\n")
    _move(db, connected, f"https://127.0.0.1:{port}")
    with pytest.raises(Outage, match="nothing was sent") as caught:
        send(performer, connected, REFUND, {"charge": charge})
    assert type(caught.value) is Outage


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"id": "re_',
        b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
    ids=["nothing", "half", "html", "a proxy's no", "a redirect", "no HTTP"],
)
def test_an_answer_that_is_not_stripes_is_unknown(performer, db, connected, charge, answering, answer):
    _move(db, connected, f"http://127.0.0.1:{answering(answer)}")
    with pytest.raises(UnknownOutcome):
        send(performer, connected, REFUND, {"charge": charge})


def test_what_was_done_in_the_other_mode_needs_a_person(performer, db, connected, charge, answering):
    body = b'{"id": "re_1", "object": "refund", "livemode": true}'
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    _move(db, connected, f"http://127.0.0.1:{answering(answer)}")
    with pytest.raises(UnknownOutcome, match="in live mode"):
        send(performer, connected, REFUND, {"charge": charge})


def test_a_key_of_the_other_mode_is_refused_before_anything_is_sent(
    performer, db, secrets, connected, engine, shop, charge
):
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", engine.keys().live)
    with pytest.raises(Refusal, match="its key is for live mode: nothing was sent"):
        send(performer, connected, REFUND, {"charge": charge})


def test_a_definite_no_is_a_refusal_with_stripes_words(performer, connected, charge):
    with pytest.raises(StripeRefusal, match="No such charge") as caught:
        send(performer, connected, REFUND, {"charge": "ch_none"})
    assert caught.value.request_id.startswith("req_")
    with pytest.raises(StripeRefusal, match="greater than"):
        send(performer, connected, REFUND, {"charge": charge, "amount": 5001}, key="bh_2")


def test_the_permission_that_a_key_lacks_is_named(performer, db, secrets, connected, engine, shop, charge):
    key = engine.restricted(engine.default_account, {"charge": "read"})
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", key)
    with pytest.raises(StripeRefusal, match="rak_charge_write") as caught:
        send(performer, connected, REFUND, {"charge": charge})
    assert caught.value.permission == "rak_charge_write"
    assert refunds(shop, charge) == []
    assert key not in str(caught.value)


def test_a_key_that_stripe_does_not_accept_is_refused_and_the_connection_says_so(
    performer, db, secrets, connected, charge
):
    with db.transaction() as cx:
        secrets.put(cx, connected.link, "key", "sk_test_gone")
    with pytest.raises(StripeRefusal, match="Connect again"):
        send(performer, connected, REFUND, {"charge": charge})
    with pytest.raises(Refusal, match="does not accept the key any more"):
        send(performer, connected, REFUND, {"charge": charge})


def test_a_credential_that_ran_out_is_renewed_once_and_the_write_done_once(connection, engine, shop, charge):
    asked = []

    def renew(refused):
        asked.append(refused)
        return engine.keys().test

    line = Line(connection, lambda: "sk_test_expired00", renew, Gate(LocalLeaser()))
    request = asked_of(REFUND.call, {"charge": charge, "amount": 100}, marker="m1")
    assert Sender(line, Times()).send(request, key="bh_1", version=None).data["amount"] == 100
    assert asked == ["sk_test_expired00"]
    assert len(refunds(shop, charge)) == 1
    with pytest.raises(StripeRefusal, match="Connect again"):
        Sender(
            Line(connection, lambda: "sk_test_expired00", lambda _: "sk_test_too", line.gate), Times()
        ).send(request, key="bh_2", version=None)


def test_a_connection_that_is_disconnected_is_refused(performer, db, connected, charge):
    from bookhand.systems.store import set_status

    with db.transaction() as cx:
        set_status(cx, connected.id, "paused", reason="by hand")
    with pytest.raises(Refusal, match="is paused: by hand"):
        send(performer, connected, REFUND, {"charge": charge})


def test_a_read_is_never_sent(performer, connected):
    charges = next(action for action in READS if action.name == "charges.list")
    with pytest.raises(Bug):
        send(performer, connected, charges, {})


def test_a_platform_acts_on_the_account_that_is_connected(performer, db, secrets, engine, url, shop):
    partner = shop.post("/v1/accounts", type="standard", country="US", email="baker@example.com")["id"]
    paid = shop.post("/v1/charges", account=partner, amount=9000, currency="usd", source="tok_bypassPending")
    connection = connect_account(db, secrets, engine.keys().test, partner, base_url=url)
    sent = send(performer, connection, REFUND, {"charge": paid["id"], "amount": 100})
    assert sent.data["charge"] == paid["id"]


@pytest.mark.parametrize("auth", ["platform", "connect_oauth"])
def test_the_sdk_names_the_account_for_both_ways_of_a_platform(engine, connection, shop, auth):
    partner = shop.post("/v1/accounts", type="standard", country="US", email="baker@example.com")["id"]
    theirs = msgspec.structs.replace(
        connection, auth=auth, link=msgspec.structs.replace(connection.link, account=partner)
    )
    client = sdk(theirs, token=engine.keys().test, gate=Gate(LocalLeaser()))
    made = client.v1.customers.create({"name": "Theirs"}).id
    assert shop.send("GET", f"/v1/customers/{made}", account=partner)["name"] == "Theirs"


def _move(db, connection, address):
    from bookhand.systems.store import set_settings

    with db.transaction() as cx:
        set_settings(cx, connection.id, base_url=address)
