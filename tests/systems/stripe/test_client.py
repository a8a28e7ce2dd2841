"""Reading over real HTTP: pages, retries, refusals that name what is missing, and no secret in any of it."""

from __future__ import annotations

import gzip
import http.server
import threading
import time

import msgspec
import pytest
import stripe
import structlog

from bookhand.core.problems import Outage, Refusal
from bookhand.sandbox.stripe.limits import Rates
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.stripe.answers import StripeRefusal, clean
from bookhand.systems.stripe.client import Patience, StripeReader, form, sdk
from bookhand.systems.stripe.layers import layers_of, limits
from bookhand.systems.stripe.translate import about, facts_of

QUICK = Patience(tries=3, first_seconds=0.01, longest_seconds=0.02, read_seconds=2, come_back_seconds=60)


def customers(engine, count):
    return [
        engine.call("POST", "/v1/customers", {"name": f"Customer {number}"}).json()["id"]
        for number in range(count)
    ]


def with_token(connection, token, **changes):
    return StripeReader(connection, token=lambda: token, gate=Gate(LocalLeaser()), patience=QUICK, **changes)


def test_pages_are_every_object_once_newest_first(engine, reader):
    made = customers(engine, 230)
    pages = list(reader.pages("/v1/customers"))
    assert [len(page.data) for page in pages] == [100, 100, 30]
    assert [about(each).id for page in pages for each in page.data] == made[::-1]


def test_bytes_come_as_stripe_sent_them(engine, reader):
    [made] = customers(engine, 1)
    [listed] = reader.page("/v1/customers").data
    one = reader.one(f"/v1/customers/{made}")
    assert bytes(listed) == one
    assert msgspec.json.decode(one)["name"] == "Customer 0"


def test_a_whole_payment_from_the_list_to_facts(engine, reader):
    engine.call("POST", "/v1/charges", {"amount": "2000", "currency": "usd", "source": "tok_visa"})
    [transaction] = reader.page("/v1/balance_transactions", {"expand": ["data.source"]}).data
    money, charge = facts_of("balance_transaction", transaction)
    assert (money.amount, money.net, charge.amount, money.source) == (2000, 2000 - money.fee, 2000, charge.id)


def test_what_is_not_there_is_none_and_what_is_deleted_says_so(engine, reader):
    [made] = customers(engine, 1)
    assert reader.one("/v1/customers/cus_missing") is None
    engine.call("DELETE", f"/v1/customers/{made}")
    assert about(reader.one(f"/v1/customers/{made}")).deleted


@pytest.mark.parametrize("fault", ["429", "lock_timeout", "500", "cut_before", "cut_after"])
def test_passing_trouble_is_tried_again_unless_stripe_says_not_to(engine, reader, fault):
    customers(engine, 3)
    engine.faults.add(fault, path="/v1/customers", method="GET", times=2)
    if fault == "429":  # the stand-in says Stripe-Should-Retry: false, and is obeyed
        with pytest.raises(Outage, match=r"endpoint-rate.*request req_") as caught:
            reader.page("/v1/customers")
        assert caught.value.retry_after_seconds < 1
        return
    assert len(reader.page("/v1/customers").data) == 3


def test_trouble_that_does_not_pass_is_an_outage_with_a_time_to_come_back(engine, reader):
    engine.faults.add("500", path="/v1/customers", times=None)
    with pytest.raises(Outage, match=r"answered 500 to GET /v1/customers, 3 times.*request req_") as caught:
        reader.page("/v1/customers")
    assert caught.value.retry_after_seconds == 60


def test_a_connection_cut_every_time_is_an_outage(engine, reader):
    engine.faults.add("cut_before", times=None)
    with pytest.raises(Outage, match="could not be reached for GET /v1/customers, 3 times"):
        reader.page("/v1/customers")


def test_nobody_there_is_an_outage(connection):
    connection.settings["base_url"] = "http://127.0.0.1:9"
    with pytest.raises(Outage, match="is the network up"):
        with_token(connection, "sk_test_x").page("/v1/customers")


def test_a_missing_permission_is_named(engine, connection):
    key = engine.restricted(engine.default_account, {"customer": "read"})
    with with_token(connection, key) as reader:
        assert reader.page("/v1/customers").data == []
        with pytest.raises(StripeRefusal, match="give it the permission rak_payout_read") as caught:
            reader.page("/v1/payouts")
    assert (caught.value.permission, caught.value.status) == ("rak_payout_read", 403)
    assert caught.value.request_id.startswith("req_")


def test_an_unknown_key_is_refused_and_never_repeated(connection):
    with (
        with_token(connection, "sk_test_TotallyWrong123") as reader,
        pytest.raises(Refusal, match="Connect again") as caught,
    ):
        reader.page("/v1/customers")
    assert "TotallyWrong" not in str(caught.value)
    assert "123" not in str(caught.value)


def test_an_unknown_version_is_refused_and_a_known_one_is_sent_for_one_call(engine, reader):
    with pytest.raises(StripeRefusal, match="Invalid Stripe API version"):
        reader.page("/v1/customers", version="2031-01-01.zinnia")
    assert reader.page("/v1/customers", version="2026-09-30.endive").data == []


def test_an_object_of_the_other_mode_is_refused(engine, connection):
    engine.call("POST", "/v1/customers", {"name": "Live"}, livemode=True)
    made = engine.call("GET", "/v1/customers", livemode=True).json()["data"][0]["id"]
    with (
        with_token(connection, engine.keys().live) as reader,
        pytest.raises(Refusal, match="is from live mode"),
    ):
        reader.one(f"/v1/customers/{made}")


def test_reference_data_is_asked_for_once_a_run(engine, reader):
    [made] = customers(engine, 1)
    first = reader.known(f"/v1/customers/{made}")
    engine.call("POST", f"/v1/customers/{made}", {"name": "Renamed"})
    assert reader.known(f"/v1/customers/{made}") == first
    reader.new_run()
    assert b"Renamed" in reader.known(f"/v1/customers/{made}")


def test_a_refused_credential_is_renewed_once(engine, connection):
    customers(engine, 1)
    asked = []

    def renew(refused):
        asked.append(refused)
        return engine.keys().test

    with with_token(connection, "sk_test_expired00", renew=renew) as reader:
        assert len(reader.page("/v1/customers").data) == 1
    assert asked == ["sk_test_expired00"]


def test_threads_share_a_reader(engine, reader):
    customers(engine, 150)
    found = []
    threads = [threading.Thread(target=lambda: found.extend(reader.pages("/v1/customers"))) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sum(len(page.data) for page in found) == 8 * 150


def test_our_own_limits_keep_stripe_from_refusing(engine, connection):
    """At the stand-in's limits, eight threads read as fast as is allowed, and not one call is refused."""
    engine.limits.configure(Rates(live=60, sandbox=60, endpoint=40))
    connection.settings["limits"] = {"account": 60, "endpoint": 40}
    gate, end, done = Gate(LocalLeaser()), time.monotonic() + 2.5, []
    with StripeReader(connection, token=lambda: engine.keys().test, gate=gate, patience=QUICK) as reader:

        def work(path):
            while time.monotonic() < end:
                reader.page(path, {"limit": 1})
                done.append(path)

        threads = [threading.Thread(target=work, args=(path,)) for path in ["/v1/charges", "/v1/payouts"] * 4]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    assert engine.limits.refused == 0
    assert len(done) >= 0.85 * 60 * 2.5


def test_the_sdk_acts_under_the_same_gate_version_and_account(engine, connection):
    leaser = LocalLeaser()
    gate = Gate(leaser)
    client = sdk(connection, token=engine.keys().test, gate=gate)
    made = client.v1.customers.create({"name": "Acme"})
    assert client.v1.customers.retrieve(made.id).name == "Acme"
    gate.close()
    assert leaser.reads == 1  # one read, one write
    engine.faults.add("cut_after", method="POST", path="/v1/customers")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.create({"name": "Once"})
    listed = client.v1.customers.list({"limit": 10})
    assert [each.name for each in listed.data].count("Once") == 1  # sent once, whatever became of the answer


def test_no_secret_is_in_any_log_or_error(engine, connection, caplog):
    key = engine.restricted(engine.default_account, {})
    said = []
    with structlog.testing.capture_logs() as logs:
        for fault, path in (
            (None, "/v1/payouts"),
            ("500", "/v1/customers"),
            ("cut_before", "/v1/customers"),
            ("429", "/v1/customers"),
        ):
            engine.faults.clear()
            if fault:
                engine.faults.add(fault, times=None)
            with with_token(connection, key) as reader, pytest.raises((Outage, Refusal)) as caught:
                reader.page(path)
            said += [str(caught.value), repr(caught.value), repr(vars(caught.value))]
    said += [repr(logs), caplog.text]
    assert key not in "".join(said)
    assert key[-6:] not in "".join(said)


@pytest.mark.parametrize("secret", [
    "sk_test_51AbcDef", "rk_live_51AbcDef", "whsec_AbcDef123", "pi_3Abc_secret_XyzXyz", "ac_AbcDefGhi", "rt_AbcDefGhi", "sk_test_****1234",
])  # fmt: skip
def test_what_looks_like_a_secret_is_cut(secret):
    assert clean(f"it said {secret}, so") == f"it said {secret.rpartition('_')[0]}_…, so"


def test_ordinary_ids_stay():
    told = "No such charge: 'ch_3AbcDef' for acct_1Abc (req_123), payment pi_3Abc, see rak_charge_read"
    assert clean(told) == told


class _Canned(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[bytes]
    seen: list[dict]

    def do_GET(self):
        self.seen.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
        self.wfile.write(self.answers.pop(0))
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def canned(plain):
    """A server that says exactly what it is told, for what the stand-in never says."""
    handler = type("Handler", (_Canned,), {"answers": [], "seen": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    plain.settings["base_url"] = f"http://127.0.0.1:{server.server_port}"
    yield handler
    server.shutdown()
    server.server_close()


def http_answer(status, body, *headers):
    head = "".join(f"{each}\r\n" for each in (f"Content-Length: {len(body)}", *headers))
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


LIST = b'{"object":"list","data":[{"id":"ch_1","object":"charge"}],"has_more":false}'


def test_a_body_cut_short_is_asked_for_again(plain, canned):
    canned.answers += [http_answer(200, LIST)[:-20], http_answer(200, LIST)]
    with with_token(plain, "sk_test_x") as reader:
        assert len(reader.page("/v1/charges").data) == 1


def test_compressed_pages_are_asked_for_and_unpacked(plain, canned):
    canned.answers.append(http_answer(200, gzip.compress(LIST), "Content-Encoding: gzip"))
    with with_token(plain, "sk_test_x") as reader:
        assert bytes(reader.page("/v1/charges").data[0]) == b'{"id":"ch_1","object":"charge"}'
    assert canned.seen[0]["accept-encoding"] == "gzip"


def test_every_call_carries_the_version_and_lists_a_hundred(plain, canned):
    canned.answers.append(http_answer(200, LIST))
    with with_token(plain, "sk_test_x") as reader:
        reader.page("/v1/charges", {"created[gte]": 5, "expand": ["data.customer"]})
    assert canned.seen[0]["stripe-version"] == "2026-10-28.endive"
    assert canned.seen[0]["path"] == "/v1/charges?limit=100&created%5Bgte%5D=5&expand%5B%5D=data.customer"
    assert "stripe-account" not in canned.seen[0]


@pytest.mark.parametrize("auth", ["platform", "connect_oauth"])
def test_a_platform_names_the_account(plain, canned, auth):
    canned.answers.append(http_answer(200, LIST))
    with with_token(msgspec.structs.replace(plain, auth=auth), "sk_test_x") as reader:
        reader.page("/v1/charges")
    assert canned.seen[0]["stripe-account"] == plain.link.account


@pytest.mark.parametrize(("status", "header", "tries"), [
    (500, "Stripe-Should-Retry: false", 1), (500, "X: y", 3), (429, "Stripe-Should-Retry: true", 3), (429, "X: y", 3),
    (429, "Stripe-Should-Retry: false", 1), (409, "X: y", 3), (503, "Stripe-Should-Retry: true", 3),
])  # fmt: skip
def test_stripe_should_retry_is_obeyed(plain, canned, status, header, tries):
    canned.answers += [http_answer(status, b'{"error":{"message":"no"}}', header)] * 3
    with with_token(plain, "sk_test_x") as reader, pytest.raises(Outage):
        reader.page("/v1/charges")
    assert len(canned.seen) == tries


@pytest.mark.parametrize("status", [400, 402, 404])
def test_a_plain_no_is_asked_once(plain, canned, status):
    canned.answers += [http_answer(status, b'{"error":{"message":"no","code":"bad","param":"limit"}}')]
    with with_token(plain, "sk_test_x") as reader, pytest.raises(StripeRefusal) as caught:
        reader.page("/v1/charges")
    assert (caught.value.code, caught.value.param, len(canned.seen)) == ("bad", "limit", 1)


def test_a_proxys_page_is_no_list(plain, canned):
    canned.answers += [http_answer(200, b"<html>Sign in to the wifi</html>")]
    with with_token(plain, "sk_test_x") as reader, pytest.raises(Outage, match="no list"):
        reader.page("/v1/charges")


def test_layers_of_calls():
    live = limits(livemode=True, overrides={"GET /v1/charges": 80, "read": 90})
    named = {layer.name: layer.count for layer in layers_of("GET", "/v1/charges", live)}
    assert named == {"account": 100, "read": 90, "GET /v1/charges": 80}
    assert {layer.name: layer.count for layer in layers_of("POST", "/v1/payouts", limits(livemode=False))} == {
        "account": 25, "POST /v1/payouts": 25, "payouts:create": 15,
    }  # fmt: skip
    assert [layer.name for layer in layers_of("GET", "/v1/customers/search", live)][-1] == "search"
    intent = layers_of("POST", "/v1/payment_intents/pi_123abc/confirm", live)
    assert (intent[1].name, intent[-1].name, intent[-1].count) == (
        "POST /v1/payment_intents/{id}/confirm",
        "pi_123abc",
        1000,
    )


@pytest.mark.parametrize(
    "path",
    [
        "/v1/payment_intents",
        "/v1/balance_transactions",
        "/v1/credit_notes/preview",
        "/v1/invoice_payments",
        "/v1/test_helpers/test_clocks",
    ],
)
def test_names_of_endpoints_are_no_ids(path):
    assert layers_of("GET", path, limits(livemode=True))[1].name == f"GET {path}"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/charges/ch_3abc",
        "/v1/charges/py_3abc",
        "/v1/balance_transactions/txn_1",
        "/v1/files/file_1Ab",
        "/v1/customers/cus_Nf/sources",
        "/v1/accounts/acct_1x",
        "/v1/invoices/in_1Ab/pay",
    ],
)
def test_ids_are_one_endpoint(path):
    assert "{id}" in layers_of("GET", path, limits(livemode=True))[1].name


@pytest.mark.parametrize("name", ["acount", "endpoints", "GET v1/charges", "PATCH /v1/charges"])
def test_a_limit_nobody_knows_is_refused(name):
    with pytest.raises(Refusal, match="There is no limit named"):
        limits(livemode=True, overrides={name: 5})


def test_forms():
    assert form({"expand": ["a", "b"], "limit": 3, "active": True, "none": None, "types[]": ["x"]}) == [
        ("expand[]", "a"), ("expand[]", "b"), ("limit", "3"), ("active", "true"), ("types[]", "x"),
    ]  # fmt: skip
