"""The door on the command line, before the stand-in Stripe: asked for, seen, approved and done by this process where nobody else is there."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from tests.actions.conftest import FAST, Shop, engine, server, shop, url  # noqa: F401 (fixtures)
from tests.web.api.conftest import caller
from typer.testing import CliRunner

from bookhand.actions.rights import rights_store
from bookhand.cli import cards
from bookhand.cli.app import app
from bookhand.cli.desk import given
from bookhand.core.caller import CAPABILITIES, NotAllowed
from bookhand.core.problems import Conflict, Missing, Refusal
from bookhand.house import House
from bookhand.settings import Settings
from bookhand.systems import store as connections
from bookhand.systems.stripe.auth import connect_with_key
from bookhand.wiring import note, open_house
from bookhand.workspace.heartbeat_store import beat
from bookhand.workspace.people import session_store
from bookhand.workspace.trail_store import append, search, verify_all

Run = Callable[..., Result]
PLANTED = "rk_live_" + "Zq7Planted" * 3


@pytest.fixture
def house(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BOOKHAND_{name.upper()}", raising=False)
    monkeypatch.setenv("BOOKHAND_DATABASE_URL", database_url)
    with open_house(Settings(database_url=database_url)) as house:
        yield house


@pytest.fixture
def connected(house: House, engine, url, shop) -> Shop:  # noqa: F811
    connect_with_key(house.db, house.secrets, engine.keys().test, base_url=url, limits=FAST, name="Shop")
    return shop


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A command in the name of a role's person: ``run("propose", …, who="operator")``."""
    tokens: dict[str, str] = {}
    monkeypatch.setenv("COLUMNS", "100")

    def token(role: str) -> str:
        with house.db.transaction() as cx:
            row = cx.execute(
                "insert into person (workspace_id, email, name, role, created_at) values (1, %s, %s, %s, now()) returning person_id",
                (f"{role}@example.com", role.title(), role),
            ).fetchone()
            who = caller(role, number=row[0])
            wanted = [each for each in CAPABILITIES if each in who.can]
            return session_store.make_token(
                cx, who, "test", wanted, days=1, now=datetime.now(UTC), note=note
            )[1]

    def go(*words: str, who: str = "owner", typed: str = "") -> Result:
        if who not in tokens:
            tokens[who] = token(who)
        monkeypatch.setenv("BOOKHAND_TOKEN", tokens[who])
        return CliRunner().invoke(app, list(words), input=typed)

    return go


def _asked(run: Run, shop: Shop, *, amount: int = 1500, who: str = "operator") -> tuple[str, str, str]:  # noqa: F811
    charge = shop.charge()
    said = run(
        "propose",
        "refunds.create",
        f"charge={charge}",
        f"amount={amount}",
        "--reason",
        "Charged twice",
        who=who,
    )
    assert said.exit_code == 0, (said.output, said.exception)
    proposal, hashed = re.search(r"prop_\w+", said.output), re.search(r"[0-9a-f]{64}", said.output)
    assert proposal
    assert hashed
    return charge, proposal[0], hashed[0]


def test_parameters_as_they_are_typed() -> None:
    assert given(["a=1", "b=x y", "c.d=true", "c.e=", 'f=["g"]']) == {
        "a": 1, "b": "x y", "c": {"d": True, "e": ""}, "f": ["g"],
    }  # fmt: skip
    for wrong in (["a"], ["=1"], ["a..b=1"], ["a=1", "a.b=2"]):
        with pytest.raises(Refusal):
            given(wrong)


def test_a_refund_the_whole_way(run, connected, house) -> None:
    charge, proposal, _ = _asked(run, connected)
    assert "15.00 USD" in run("proposal", proposal, who="viewer").output
    declined = run("approve", proposal, who="approver", typed="n\n")
    assert (declined.exit_code, connected.refunds(charge)) == (1, [])
    done = run("approve", proposal, "--note", "seen", who="approver", typed="y\n")
    assert (done.exit_code, "is done" in done.output) == (0, True), (done.output, done.exception)
    [refund] = connected.refunds(charge)
    assert refund.amount == 1500
    shown = run("proposal", proposal, who="viewer").output
    assert refund.id in shown
    assert "seen" in shown
    assert isinstance(run("approve", proposal, who="approver", typed="y\n").exception, Conflict)
    assert len(connected.refunds(charge)) == 1
    with house.db.transaction() as cx:
        assert verify_all(cx, 1).findings == ()


def test_a_yes_by_hash_is_for_that_call_alone(run, connected) -> None:
    charge, proposal, hashed = _asked(run, connected)
    assert isinstance(run("approve", proposal, "--yes", "0" * 64, who="approver").exception, Conflict)
    assert connected.refunds(charge) == []
    assert run("approve", proposal, "--yes", hashed, who="approver").exit_code == 0
    assert len(connected.refunds(charge)) == 1


def test_who_may_not_is_told_so(run, connected) -> None:
    _, proposal, hashed = _asked(run, connected)
    assert isinstance(run("approve", proposal, "--yes", hashed, who="operator").exception, NotAllowed)
    assert isinstance(run("trail", who="viewer").exception, NotAllowed)
    assert isinstance(run("allow", "payouts.create", who="approver").exception, NotAllowed)
    asked = run("propose", "payouts.create", "amount=100", "currency=usd", "--reason", "x", who="operator")
    assert "bookhand allow payouts.create" in str(asked.exception)


def test_edit_ask_answer_reject_withdraw(run, connected) -> None:
    _, proposal, hashed = _asked(run, connected)
    assert "waits for a yes" in run("ask", proposal, "Which order?", who="approver").output
    assert run("answer", proposal, "Order 7", who="operator").exit_code == 0
    edited = run("edit", proposal, "amount=100", "--note", "a part", who="approver").output
    assert "1.00 USD" in edited
    after = next(each for each in re.findall(r"prop_\w+", edited) if each != proposal)
    assert isinstance(run("approve", proposal, "--yes", hashed, who="approver").exception, Conflict)
    assert "was rejected" in run("reject", after, "--note", "No", who="approver").output
    _, third, _ = _asked(run, connected)
    assert "was withdrawn" in run("withdraw", third, who="operator").output
    assert isinstance(run("settle", third, "--done", "--note", "seen", who="approver").exception, Conflict)
    listed = run("proposals", who="viewer").output
    assert all(state in listed for state in ("rejected", "withdrawn", "replaced"))


def test_reads_and_the_catalogue(run, connected) -> None:
    charge = connected.charge()
    found = run("read", "charges.retrieve", f"charge={charge}", who="viewer")
    assert json.loads(found.output)["id"] == charge
    assert "refunds.create" in run("actions", who="viewer").output
    assert "charge" in run("actions", "refunds.create").output
    assert isinstance(run("actions", "refunds.crate").exception, Missing)


def test_rights(run, connected) -> None:
    assert "allowed for everybody" in run("allow", "payouts.create").output
    assert "payouts.create" in run("permissions", who="viewer").output
    assert "refunds.create" in str(run("allow", "refunds.crate").exception)
    assert (
        "Budget 1"
        in run(
            "budget", "set", "refunds.create", "--currency", "usd", "--day", "20.00", "--four-eyes", "10"
        ).output
    )
    assert "20.00 USD a day" in re.sub(r"\s+", " ", run("budgets", who="viewer").output)
    assert isinstance(run("budget", "set", "--day", "5").exception, Refusal)
    _, proposal, hashed = _asked(run, connected, amount=1200, who="approver")
    assert "four eyes" in str(run("approve", proposal, "--yes", hashed, who="approver").exception)
    assert run("budget", "end", "1").exit_code == 0
    made = run(
        "standing", "approve", "refunds.create", "--to", "agent:mirror", "--why", "agreed", who="approver"
    ).output
    standing = re.search(r"stand_\w+", made)[0]
    assert "stopped" in run("standing", "stop", standing, "--why", "look").output
    assert "agent:mirror" in run("standing", "list", who="viewer").output
    assert "taken back" in run("revoke-now", "refunds.create", "--to", "*", "--why", "Stop").output
    assert isinstance(run("approve", proposal, "--yes", hashed).exception, NotAllowed)


def test_the_trail_in_a_file_is_checked_without_a_database(
    run, connected, house, tmp_path, monkeypatch
) -> None:
    _asked(run, connected)
    assert "proposal.made" in run("trail", who="auditor").output
    assert run("verify-audit", who="auditor").exit_code == 0
    file = tmp_path / "trail.jsonl"
    head = re.search(r"[0-9a-f]{64}", run("export-trail", str(file), who="auditor").output)[0]
    assert file.stat().st_mode & 0o777 == 0o600
    with house.db.transaction() as cx:
        append(cx, 1, [])
    monkeypatch.setenv("BOOKHAND_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    go = CliRunner().invoke
    assert go(app, ["verify-audit", str(file), "--head", head]).exit_code == 0
    assert go(app, ["verify-audit", str(file), "--head", "0" * 64]).exit_code == 1
    file.write_bytes(file.read_bytes().replace(b"Charged twice", b"Charged thrice"))
    spoiled = go(app, ["verify-audit", str(file)])
    assert (spoiled.exit_code, "was changed" in spoiled.output) == (1, True)


def test_no_secret_is_shown(run, connected, house) -> None:
    charge = connected.charge()
    words = (
        "propose",
        "refunds.create",
        f"charge={charge}",
        "amount=5",
        f"metadata.note={PLANTED}",
        "--reason",
        f"key {PLANTED}",
    )
    made = run(*words, who="operator")
    proposal = re.search(r"prop_\w+", made.output)[0]
    outputs = [made.output, run("proposal", proposal).output, run("proposals").output, run("trail").output]
    assert all(PLANTED not in re.sub(r"[\s│]", "", each) for each in outputs)
    assert cards.as_json({"client_secret": "pi_1_secret_x"}) == '{\n  "client_secret": "[redacted]"\n}'


def test_months_and_accounts_are_for_those_who_manage_and_are_in_the_trail(
    run: Run, connected: Shop, house: House
) -> None:
    for words in (("periods", "close", "2025-01"), ("disconnect",)):
        refused = run(*words, who="operator")
        assert isinstance(refused.exception, NotAllowed), refused.output
    assert run("periods", "close", "2025-01", "--why", "It is over", who="admin").exit_code == 0
    assert isinstance(run("periods", "close", "2025-01", who="admin").exception, Conflict)
    assert run("periods", "reopen", "2025-01", "--why", "One more", who="admin").exit_code == 0
    assert run("disconnect", who="admin").exit_code == 0
    with house.db.transaction() as cx:
        told = [entry.said()["what"] for entry in search(cx, 1, limit=50)]
        assert {"periods.close", "periods.reopen", "connection.disconnected"} <= set(told)
        assert verify_all(cx, 1).findings == ()


def test_a_month_that_is_not_over_is_not_closed(run: Run, connected: Shop) -> None:
    refused = run(
        "propose",
        "periods.close",
        f"period={datetime.now(UTC):%Y-%m}",
        "why=early",
        "--reason",
        "early",
        who="admin",
    )
    assert "is not over yet" in str(refused.exception)


def test_under_a_standing_approval_nobody_is_asked(run: Run, connected: Shop, house: House) -> None:
    agreed = run(
        "standing", "approve", "refunds.create", "--to", "*", "--currency", "USD", "--call", "20.00", "--why", "Small ones", who="approver"
    )  # fmt: skip
    standing = re.search(r"stand_[0-9a-f]+", agreed.output)
    assert standing, agreed.output
    assert run("standing", "list").exit_code == 0
    with house.db.transaction() as cx:
        kept = rights_store.standing(cx, 1, standing[0])
    assert (kept.call_minor, kept.currency, kept.state) == (2000, "USD", "open")
    words = (
        "propose",
        "refunds.create",
        f"charge={connected.charge()}",
        "--reason",
        "why",
        "--under",
        standing[0],
    )
    inside = run(*words, "amount=1999", who="operator")
    assert "has its yes" in inside.output
    outside = run(*words, "amount=2001", who="operator")
    assert isinstance(outside.exception, NotAllowed)
    assert "stopped" in str(outside.exception)


def test_an_act_of_bookhands_own_shows_what_it_does(run: Run, connected: Shop) -> None:
    told = run(
        "propose", "schedules.keep", "name=daily", "cron=0 9 * * *", "action=refunds.create", f"params.charge={connected.charge()}",
        "reason=Daily", "--reason", "Daily",
    )  # fmt: skip
    assert "0 9 * * *" in told.output
    assert "refunds.create" in told.output


def test_a_yes_to_what_cannot_go_on_says_why(run: Run, connected: Shop, house: House) -> None:
    """A worker is alive somewhere, and the account is away: nobody waits a minute for it."""
    _, proposal_id, call_hash = _asked(run, connected)
    with house.db.transaction() as cx:
        beat(cx, "worker")
    with house.db.transaction() as cx:
        link = connections.every(cx)[0]
        connections.set_status(cx, link.id, "disconnected", reason="gone")
    worker = house.runs()
    worker.launch(work=True)
    began = time.monotonic()
    said = run("approve", proposal_id, "--yes", call_hash, who="approver")
    worker.close()
    assert "Integration disconnected" in said.output
    assert time.monotonic() - began < 20


def test_a_batch_says_how_many_rows_were_ticked(run: Run, connected: Shop, house: House) -> None:
    rows = [{"charge": connected.charge(), "amount": amount} for amount in (100, 200)]
    batch = house.door.propose_batch(caller("operator"), "refunds.create", rows, "Recall")
    said = run("approve", batch.proposal_id, "--yes", batch.call_hash, "--rows", "2", who="approver")
    assert "has no row 2" in str(said.exception)
    run("approve", batch.proposal_id, "--yes", batch.call_hash, "--rows", "1", who="approver")
    assert "1 of its rows" in run("proposal", batch.proposal_id).output
