"""By REST: asked, seen, approved, done once; and what is forged, replayed, swapped or broken is refused."""

from __future__ import annotations

import json
import re
import threading

import pytest
from tests.web.api.conftest import LOCAL, Api, by_bearer, caller, trouble

from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.web.page import assets
from bookhand.web.page.aside import Aside
from bookhand.workspace.trail import verify
from bookhand.workspace.trail_store import verify_all


def _approve(api, proposal, who="approver", **more):
    body = {"call_hash": proposal["call_hash"], **more.pop("body", {})}
    return api(who).post(f"/proposals/{proposal['proposal_id']}/approve", body, **more)


def test_a_refund_the_whole_way(api, shop, runs, asked, db) -> None:
    charge = shop.charge()
    proposal = asked(charge=charge)
    assert (proposal["state"], proposal["mode"], proposal["risk"]) == ("waiting", "test", "money")
    assert "15.00" in proposal["preview"]["says"]
    approved = _approve(api, proposal, prefer="wait=5", body={"note": "seen"})
    assert approved.status_code == 200
    assert approved.json()["state"] == "done"
    whole = api("auditor").get(f"/proposals/{proposal['proposal_id']}").json()
    assert [each["kind"] for each in whole["decisions"]] == ["approve"]
    assert [(each["state"], each["attempts"]) for each in whole["calls"]] == [("done", 1)]
    assert [each["said"]["what"] for each in whole["trail"]][:2] == ["proposal.made", "proposal.approved"]
    [refund] = shop.refunds(charge)
    assert whole["proposal"]["result_id"] == refund.id
    assert api("viewer").get(f"/proposals/{proposal['proposal_id']}").json()["trail"] is None
    run = api("viewer").get(f"/runs/{whole['proposal']['run_id']}").json()
    assert (run["run"]["state"], [step["name"] for step in run["steps"]]) == ("done", ["perform"])
    assert [each["proposal_id"] for each in run["proposals"]] == [proposal["proposal_id"]]
    with db.transaction() as cx:
        assert verify_all(cx, 1).findings == ()


def test_it_does_not_wait_unless_it_is_asked_to(api, shop, asked) -> None:
    proposal = asked()  # nobody runs, so it stays approved
    assert _approve(api, proposal).json()["state"] == "approved"
    waited = _approve(api, asked(), prefer="respond-async, wait=1")
    assert waited.json()["state"] == "approved"


def test_a_key_gives_the_same_proposal_once(api, shop) -> None:
    sent = {"action": "refunds.create", "params": {"charge": shop.charge(), "amount": 5}, "reason": "why"}
    first, again = (api("operator").post("/proposals", sent, **{"idempotency-key": "k1"}) for _ in range(2))
    assert first.json()["proposal_id"] == again.json()["proposal_id"]
    other = api("operator").post("/proposals", {**sent, "reason": "why", "params": {**sent["params"], "amount": 6}}, **{"idempotency-key": "k1"})  # fmt: skip
    assert trouble(other) == (409, "conflict")
    assert trouble(api("operator").post("/proposals", sent, **{"idempotency-key": "a b"})) == (422, "invalid")


# --- forged, replayed, swapped ---


def test_a_forged_hash_is_refused(api, shop, asked) -> None:
    proposal = asked()
    for forged in ("0" * 64, proposal["call_hash"][:-1] + ("0" if proposal["call_hash"][-1] != "0" else "1")):
        answer = _approve(api, {**proposal, "call_hash": forged})
        assert trouble(answer) == (409, "conflict")
    assert trouble(_approve(api, {**proposal, "call_hash": "yes"})) == (422, "invalid")


def test_a_yes_for_one_is_no_yes_for_another(api, shop, asked) -> None:
    small, large = asked(amount=1), asked(amount=8000)
    assert trouble(_approve(api, {**large, "call_hash": small["call_hash"]})) == (409, "conflict")
    assert _approve(api, small).status_code == 200


def test_an_edit_voids_the_yes_that_was_given_for_what_was_there(api, shop, asked) -> None:
    before = asked(amount=8000)
    path = f"/proposals/{before['proposal_id']}"
    after = api("approver").post(f"{path}/edit", {"changes": {"amount": 100}, "note": "only a part"}).json()
    assert (after["params"]["amount"], after["replaces"]) == (100, before["proposal_id"])
    assert trouble(_approve(api, before)) == (409, "conflict")
    assert trouble(_approve(api, {**after, "call_hash": before["call_hash"]})) == (409, "conflict")
    assert _approve(api, after).status_code == 200


def test_a_replayed_yes_does_nothing_more(api, shop, runs, asked) -> None:
    charge = shop.charge()
    proposal = asked(charge=charge)
    assert _approve(api, proposal, prefer="wait=5").json()["state"] == "done"
    assert trouble(_approve(api, proposal)) == (409, "conflict")
    assert len(shop.refunds(charge)) == 1


def test_double_clicks_are_one_yes_and_one_refund(api, shop, runs, asked) -> None:
    charge = shop.charge()
    proposal = asked(charge=charge)
    codes: list[int] = []
    clicks = [
        threading.Thread(target=lambda: codes.append(_approve(api, proposal).status_code)) for _ in range(6)
    ]
    for click in clicks:
        click.start()
    for click in clicks:
        click.join()
    assert sorted(codes) == [200] + [409] * 5
    assert _state_of(api, proposal) == "done"
    assert len(shop.refunds(charge)) == 1


def _state_of(api, proposal) -> str:
    import time

    for _ in range(200):
        state = api("viewer").get(f"/proposals/{proposal['proposal_id']}").json()["proposal"]["state"]
        if state != "approved":
            return state
        time.sleep(0.05)
    return state


def test_four_eyes_by_rest(api, shop, asked, door) -> None:
    answer = api("owner").post(
        "/budgets", {"pattern": "refunds.create", "currency": "usd", "four_eyes_minor": 1000}
    )
    assert answer.status_code == 201
    proposal = asked(who="approver")
    assert proposal["four_eyes"]
    assert trouble(_approve(api, proposal)) == (403, "not_allowed")
    assert _approve(api, proposal, who="owner").status_code == 200


def test_scopes_narrow_a_token(api, shop, asked) -> None:
    proposal = asked()
    assert trouble(_approve(api, proposal, who="owner:read")) == (403, "not_allowed")
    assert trouble(api("owner:approve").get("/proposals")) == (403, "not_allowed")
    assert _approve(api, proposal, who="owner:approve").status_code == 200


# --- batches, questions, rights ---


def test_a_batch_with_ticked_rows(api, shop, runs) -> None:
    charges = [shop.charge() for _ in range(3)]
    sent = {
        "action": "refunds.create",
        "rows": [{"charge": each, "amount": 100} for each in charges],
        "reason": "lost",
    }
    made = api("operator").post("/proposals/batch", sent).json()
    path = f"/proposals/{made['proposal_id']}"
    assert [row["row_no"] for row in api("viewer").get(path).json()["rows"]] == [0, 1, 2]
    assert [row["row_no"] for row in api("viewer").get(f"{path}?after_row=0").json()["rows"]] == [1, 2]
    assert _approve(api, made, body={"rows": [0, 2]}).status_code == 200
    assert _state_of(api, made) in {"done", "partly"}
    assert [len(shop.refunds(each)) for each in charges] == [1, 0, 1]


def test_questions_reject_and_withdraw(api, shop, asked) -> None:
    first, second = asked(), asked()
    path = f"/proposals/{first['proposal_id']}"
    assert api("approver").post(f"{path}/ask", {"note": "Which order?"}).status_code == 200
    assert api("operator").post(f"{path}/answer", {"note": "Order 7"}).status_code == 200
    assert api("approver").post(f"{path}/reject", {"note": "No"}).json()["state"] == "rejected"
    assert trouble(_approve(api, first)) == (409, "conflict")
    mine = f"/proposals/{second['proposal_id']}/withdraw"
    assert trouble(api("operator#77").post(mine)) == (403, "not_allowed")
    assert api("operator").post(mine).json()["state"] == "withdrawn"
    kinds = [each["kind"] for each in api("viewer").get(path).json()["decisions"]]
    assert kinds == ["ask", "answer", "reject"]


def test_what_is_not_allowed_and_what_is_revoked_now(api, shop, asked) -> None:
    payout = {
        "action": "payouts.create",
        "params": {"amount": 100, "currency": "usd"},
        "reason": "to the bank",
    }
    assert trouble(api("owner").post("/proposals", payout)) == (403, "not_allowed")
    allowed = api("admin").call("PUT", "/permissions", {"pattern": "payouts.create", "allowed": True})
    assert any(each["pattern"] == "payouts.create" and each["allowed"] for each in allowed.json()["items"])
    proposal = asked()
    told = api("owner").post(
        "/permissions/revoke-now", {"grantee": "*", "pattern": "refunds.create", "why": "Stop"}
    )
    assert (told.status_code, told.json()["runs_stopped"]) == (200, 0)
    assert trouble(_approve(api, proposal)) == (403, "not_allowed")
    whats = [each["said"]["what"] for each in api("auditor").get("/trail").json()["items"]]
    assert "permission.revoked" in whats
    assert "permission.allowed" in whats
    wrong = api("owner").call("PUT", "/permissions", {"pattern": "refunds.crate", "allowed": True})
    assert trouble(wrong) == (422, "refused")
    assert "refunds.create" in wrong.json()["error"]["message"]


def test_budgets(api, shop, asked) -> None:
    made = (
        api("owner")
        .post("/budgets", {"pattern": "refunds.create", "currency": "usd", "day_minor": 2000})
        .json()
    )
    assert (made["currency"], made["day_minor"]) == ("USD", 2000)
    first, second = asked(amount=1500), asked(amount=1500)
    assert any("a day" in each for each in asked(amount=2500)["preview"]["warnings"])
    assert _approve(api, first).status_code == 200
    assert trouble(_approve(api, second)) == (403, "not_allowed")
    assert api("owner").call("DELETE", f"/budgets/{made['id']}").status_code == 204
    assert trouble(api("owner").call("DELETE", f"/budgets/{made['id']}")) == (404, "not_found")
    assert _approve(api, second).status_code == 200
    assert trouble(api("owner").post("/budgets", {"day_minor": 5})) == (422, "refused")


def test_standing_approvals(api, shop) -> None:
    sent = {
        "grantee": "*",
        "patterns": ["refunds.create"],
        "currency": "usd",
        "call_minor": 100,
        "why": "small ones",
    }
    made = api("approver").post("/standing-approvals", sent)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    path = f"/standing-approvals/{made.json()['id']}"
    assert api("owner").post(f"{path}/stop", {"why": "look"}).json()["state"] == "stopped"
    assert api("approver").post(f"{path}/open", {"why": "good"}).json()["state"] == "open"
    assert api("owner").post(f"{path}/end", {"why": "over"}).json()["state"] == "ended"
    assert trouble(api("owner").post(f"{path}/open", {"why": "again"})) == (404, "not_found")
    assert len(api("viewer").get("/standing-approvals").json()["items"]) == 1


def test_what_is_inside_a_standing_approval_passes_and_the_first_outside_stops_it(api, shop, runs) -> None:
    terms = {"posting": "clearing"}
    made = api("approver").post(
        "/standing-approvals",
        {"grantee": "*", "patterns": ["refunds.create"], "terms": terms, "currency": "USD", "call_minor": 100, "why": "small"},
    )  # fmt: skip
    charge = shop.charge()

    def ask(amount: int, path: str = "/proposals", **more):
        each = {"charge": charge, "amount": amount}
        sent = {"params": each} if path == "/proposals" else {"rows": [each, {**each, "amount": amount + 1}]}
        given = {
            "action": "refunds.create",
            "reason": "r",
            "under": made.json()["id"],
            "terms": terms,
            **sent,
            **more,
        }
        return api("operator").post(path, given)

    assert ask(99).json()["state"] in {"approved", "done"}
    assert ask(50, "/proposals/batch").json()["state"] in {"approved", "done"}
    assert trouble(ask(101)) == (403, "not_allowed")
    assert "stopped" in ask(99).json()["error"]["message"]
    [standing] = api("viewer").get("/standing-approvals").json()["items"]
    assert standing["state"] == "stopped"


# --- trail, catalogue, pages ---


def test_the_trail_is_searched_exported_and_checked(api, shop, asked) -> None:
    proposal = asked()
    found = api("auditor").get(f"/trail?proposal={proposal['proposal_id']}").json()["items"]
    assert [each["said"]["what"] for each in found] == ["proposal.made"]
    exported = api("auditor").get("/trail/export")
    lines = exported.content.splitlines(keepends=True)
    assert verify(lines).findings == ()
    spoiled = [line.replace(b"Charged twice", b"Charged thrice") for line in lines]
    assert verify(spoiled).findings
    told = api("auditor").post("/trail/verify").json()
    assert told["holds"]
    assert told["entries"] == len(lines) - 2 + 1  # and that it was exported
    assert trouble(api("auditor").get("/trail?since=yesterday-ish")) == (422, "refused")
    pages, before = [], None
    while True:
        page = api("auditor").get(f"/trail?limit=1{f'&before={before}' if before else ''}").json()
        pages += [each["seq"] for each in page["items"]]
        before = page["next"]
        if before is None:
            break
    assert pages == list(range(told["entries"] + 1, 0, -1))  # and that it was checked


def test_a_long_check_of_the_trail_goes_on_and_is_found_where_the_answer_says(db, door, api, asked) -> None:
    asked()
    aside = Aside(seconds=0)
    short = Api(create_app(db, api=create_api(door, authenticate=by_bearer(), aside=aside)), "auditor")
    assert api("auditor").post("/trail/verify").json()["holds"]
    with db.transaction() as cx:  # holds the head, so the check cannot end while it is waited for
        cx.execute("select from trail_head for update")
        answer = short.post("/trail/verify")
        assert (answer.status_code, answer.json()["goes_on"]) == (202, True)
        at = answer.headers["location"]
        assert at == answer.json()["found_at"]
        assert short.client.get(at).json()["items"] == []
    aside.seconds = 60
    assert short.post("/trail/verify").json()["holds"]
    found = short.client.get(at).json()["items"]
    assert found
    assert found[-1]["said"]["details"]["findings"] == []


def test_proposals_page_by_cursor(api, shop, asked) -> None:
    charge = shop.charge()
    made = [asked(amount=n, charge=charge)["proposal_id"] for n in range(1, 6)]
    seen, cursor = [], ""
    while cursor is not None:
        page = (
            api("viewer")
            .get(f"/proposals?limit=2&state=waiting{f'&cursor={cursor}' if cursor else ''}")
            .json()
        )
        seen += [each["proposal_id"] for each in page["items"]]
        cursor = page["next"]
    assert seen == made[::-1]
    for bad in ("x", "AAAA", "bnVsbA", "WzEsMl0", "W251bGwsIngiXQ", "WyJ4IiwieSJd"):
        assert trouble(api("viewer").get(f"/proposals?cursor={bad}")) == (422, "refused")


def test_the_catalogue_by_rest(api) -> None:
    names = {each["name"] for each in api("viewer").get("/actions").json()["items"]}
    assert {"refunds.create", "journal.list"} <= names
    money = api("viewer").get("/actions?risk=money&text=refund").json()["items"]
    assert {each["risk"] for each in money} == {"money"}
    told = api("viewer").get("/actions/refunds.create").json()
    assert "charge" in told["params"]["properties"]
    assert trouble(api("viewer").get("/actions/refunds.crate")) == (404, "not_found")
    events = api("viewer").get("/actions?tag=event").json()["items"]
    assert events
    assert api("viewer").get(f"/actions/{events[0]['name']}").json()["tag"] == "event"


def test_reads(api, shop, kit) -> None:
    charge = shop.charge()
    found = api("viewer").post(
        "/actions/charges.retrieve/read", {"params": {"charge": charge}, "why": "looking"}
    )
    assert (found.status_code, found.json()["data"]["id"]) == (200, charge)
    assert trouble(api("viewer").post("/actions/refunds.create/read", {})) == (422, "refused")
    assert trouble(api("viewer").post("/actions/charges.retrieve/read", {"params": {"charge": "re_1"}})) == (
        422,
        "refused",
    )


def test_the_description_and_its_page(api) -> None:
    openapi = api(None).get("/openapi.json").json()
    for path, item in openapi["paths"].items():
        for method, operation in item.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            assert {"401", "403", "422"} <= set(operation["responses"]), where
    page = api(None).get("/docs")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert re.findall(r"<script[^>]*>[^<]*", page.text) == [f'<script src="{assets.address("look.js")}">']
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=", page.text)
    assert all(path in page.text for path in openapi["paths"])


def test_the_shields_rule_holds_for_the_api_as_well(api) -> None:
    answer = api("owner").client.get("http://books.example.com/api/v1/proposals")
    assert answer.status_code == 403
    assert api("owner").get("/proposals").headers["x-content-type-options"] == "nosniff"


# --- what is broken ---


def test_a_stranger_is_told_so_before_anything_else(api) -> None:
    for who in (None, "nobody"):
        answer = api(who).client.post(f"{LOCAL}/api/v1/proposals", content=b"{not json")
        assert trouble(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"null", b"[]", b'"x"', b"{}", b'{"action": 5}', b"\xff\xfe", b'{"action": "refunds.create", "reason": "x", "params": 1}',
        b'{"action": "refunds.create", "reason": "a\\u0000b", "params": {}}',
        b'{"action": "refunds.create", "reason": "a\\ud800b", "params": {}}',
        b'{"action": "refunds.create", "reason": "x", "params": {"charge": "ch_\\u0000"}}',
        b'{"action": "refunds.create", "reason": "x", "params": {"charge": NaN}}',
        b'{"action": "refunds.create", "reason": "x", "params": {"amount": 1e999}}',
        b'{"action": "refunds.create", "reason": "x", "params": {"amount": ' + b"9" * 400 + b"}}",
        b'{"action": "refunds.create", "reason": "x", "params": {"amount": ' + b"9" * 5000 + b"}}",
        b'{"action": "refunds.create", "reason": "x", "params": ' + b'{"a":' * 50 + b"1" + b"}" * 50 + b"}",
        b"[" * 100_000, b'{"action": "refunds.create", "reason": "x", "params": {}, "extra": 1}',
        b'{"action": "refunds.create", "reason": " ", "params": {}}',
    ],
)  # fmt: skip
def test_what_is_broken_is_told_in_one_sentence(api, body) -> None:
    answer = api("owner").client.post(
        f"{LOCAL}/api/v1/proposals", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code in {400, 422}, answer.text
    assert set(answer.json()) == {"error"}
    assert set(answer.json()["error"]) == {"kind", "message"}


@pytest.mark.parametrize(
    "path",
    [
        "/proposals/%00", "/proposals/a%00b", f"/proposals/{'x' * 500}", "/proposals/%ff", "/proposals?action=%00", "/proposals?run=a%0ab",
        "/proposals?limit=0", "/proposals?limit=99999999999999999999999", "/proposals?state=nope", "/proposals?cursor=%00", "/trail?who=%00",
        "/trail?before=-1", "/trail?before=99999999999999999999", "/trail/export?first=0", "/runs/%00", "/runs?state=x", "/actions/%00",
        "/actions?text=%00", "/trail?since=2026-99-99Tx", f"/trail?what={'x' * 300}",
    ],
)  # fmt: skip
def test_odd_addresses_are_told_so(api, path) -> None:
    answer = api("owner").get(path)
    assert answer.status_code in {404, 422}, answer.text
    assert set(answer.json()["error"]) == {"kind", "message"}


def test_a_body_without_end_is_not_read(api) -> None:
    def endless():
        for _ in range(20):
            yield b" " * 1024 * 1024

    answer = api("owner").client.post(f"{LOCAL}/api/v1/proposals", content=endless())
    assert trouble(answer) == (413, "invalid")
    declared = api("owner").client.post(
        f"{LOCAL}/api/v1/proposals", content=b"{}", headers={"content-length": "9" * 30}
    )
    assert declared.status_code == 413


def test_unknown_addresses_and_methods(api) -> None:
    assert trouble(api("owner").get("/nothing")) == (404, "not_found")
    answer = api("owner").call("PATCH", "/proposals")
    assert trouble(answer) == (405, "invalid")
    assert answer.headers["allow"]


def test_an_outage_and_a_fault(api, shop, kit, engine) -> None:
    class Broken:
        def read(self, *_args, **_more):
            raise RuntimeError("sk_live_" + "a" * 24)

    kit.performers = {"stripe": Broken()}
    answer = api("viewer").post("/actions/charges.list/read", {})
    assert trouble(answer) == (500, "fault")
    assert "RuntimeError" not in answer.text
    assert "sk_live" not in answer.text


def test_the_other_side_is_down(api, shop, engine, url) -> None:
    engine.close()
    answer = api("viewer").post("/actions/charges.list/read", {})
    assert answer.status_code in {422, 503}, answer.text
    assert json.loads(answer.text)["error"]["message"]
    if answer.status_code == 503:
        assert int(answer.headers["retry-after"]) > 0


def test_a_caller_of_another_workspace_is_a_stranger_here(db, door) -> None:
    other = create_app(db, api=create_api(door, authenticate=lambda _: caller("owner", workspace_id=2)))
    assert trouble(Api(other, "owner").get("/proposals")) == (401, "unauthenticated")
