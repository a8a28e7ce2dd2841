"""A secret that somebody pastes where it does not belong, and Stripe's own, are in no answer, no entry of the trail and no log line."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog
from tests.web.api.conftest import trouble

from bookhand.logs import setup
from bookhand.workspace.trail_store import export_lines

PLANTED = "rk_live_" + "Zq7Planted" * 3
CARD = "4242424242424242"
BEARER = "eyJhbGciOiJIUzI1NiJ9.eyJwbGFudGVkIjoxfQ.c2lnbmVkLXBsYW50ZWQ"
ALL = (PLANTED, CARD, BEARER)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    kept, stream = structlog.get_config(), io.StringIO()
    setup(style="json", level="debug", stream=stream)
    yield stream
    structlog.configure(**kept)


def test_a_planted_secret_is_nowhere(api, shop, runs, log, db, allow) -> None:
    said = f"{PLANTED} and {CARD}, Bearer {BEARER}"
    answers = []

    def call(who, method, path, body=None):
        answers.append(api(who).call(method, path, body))
        return answers[-1]

    params = {"charge": shop.charge(), "amount": 700, "metadata": {"note": said, "api_key": PLANTED}}
    made = call(
        "operator", "POST", "/proposals", {"action": "refunds.create", "params": params, "reason": said}
    ).json()
    path = f"/proposals/{made['proposal_id']}"
    call("approver", "POST", f"{path}/ask", {"note": said})
    call("operator", "POST", f"{path}/answer", {"note": said})
    call("approver", "POST", f"{path}/approve", {"call_hash": made["call_hash"], "note": said})
    call("approver", "POST", f"{path}/approve", {"call_hash": PLANTED})
    call("operator", "POST", "/proposals", {"action": PLANTED, "params": {}, "reason": said})
    call(
        "operator",
        "POST",
        "/proposals",
        {"action": "refunds.create", "params": {PLANTED: said, "charge": PLANTED}, "reason": said},
    )
    call("operator", "POST", f"/actions/{PLANTED}/read", {"params": {}})
    call("viewer", "POST", "/actions/customers.search/read", {"params": {"query": said}, "why": said})
    call("viewer", "POST", "/actions/charges.retrieve/read", {"params": {"charge": PLANTED}})
    call(
        "owner",
        "POST",
        "/permissions/revoke-now",
        {"grantee": "agent:x", "pattern": "refunds.create", "why": said},
    )
    call("owner", "PUT", "/permissions", {"grantee": PLANTED, "pattern": PLANTED, "allowed": True})
    call("owner", "POST", "/budgets", {"grantee": said, "day_count": 1})
    call(
        "owner",
        "POST",
        "/standing-approvals",
        {
            "grantee": "*",
            "patterns": ["refunds.create"],
            "terms": {"secret": PLANTED, "x": said},
            "why": said,
        },
    )
    call("owner", "POST", f"/runs/{PLANTED}/pause", {"reason": said})
    for where in ("/proposals", path, "/permissions", "/budgets", "/standing-approvals", "/runs", "/trail", "/trail/export", "/connections",
                  f"/proposals/{PLANTED}", f"/runs/{PLANTED}", f"/actions/{PLANTED}", f"/trail?who={PLANTED}", f"/proposals?cursor={PLANTED}"):  # fmt: skip
        call("owner", "GET", where)
    assert sum(answer.status_code < 300 for answer in answers) > 12
    with db.transaction() as cx:
        trail = b"".join(export_lines(cx, 1)).decode()
    assert "proposal.made" in trail
    for secret in ALL:
        for answer in answers:
            assert secret not in answer.text, (answer.request.url, answer.text)
            assert secret not in str(answer.headers)
        assert secret not in trail
        assert secret not in log.getvalue()
    assert all(answer.status_code < 500 for answer in answers)


def test_a_client_secret_of_stripes_is_not_told(api, shop, allow, db, runs) -> None:
    allow("*:read")
    allow("*:write")
    secret = shop.client.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    assert secret.client_secret
    read = api("viewer").post(
        "/actions/payment_intents.retrieve/read", {"params": {"payment_intent": secret.id}}
    )
    assert read.json()["data"]["client_secret"] == "[redacted]"
    listed = api("viewer").post("/actions/payment_intents.list/read", {"params": {}})
    made = api("operator").post(
        "/proposals",
        {"action": "payment_intents.create", "params": {"amount": 500, "currency": "usd", "customer": shop.customer}, "reason": "agreed"},
    )  # fmt: skip
    shown = []
    if made.status_code == 201:
        path = f"/proposals/{made.json()['proposal_id']}"
        api("approver").post(f"{path}/approve", {"call_hash": made.json()["call_hash"]}, prefer="wait=5")
        shown = [api("owner").get(path), api("owner").get("/trail/export")]
    for answer in (read, listed, made, *shown):
        assert "_secret_" not in answer.text
    with db.transaction() as cx:
        kept = json.dumps([row[0] for row in cx.execute("select result from call").fetchall()])
    assert "_secret_" not in kept


def test_trouble_never_tells_what_was_sent(api) -> None:
    answer = api("owner").post("/budgets", {"day_count": PLANTED, PLANTED: 1})
    assert trouble(answer) == (422, "invalid")
    assert PLANTED not in answer.text
