"""The bank on the command line, as somebody would go through it: a file, a table that asks, lines, letting go; and the rounds of a house at work."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bookhand import wiring
from bookhand.cli import app
from bookhand.cli.bank_rounds import BankRounds
from bookhand.core.problems import Refusal
from bookhand.sandbox.bank.files import render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.plaid.standin import Plaid
from bookhand.settings import read

LINES = (
    BankLine(id="1", day="2026-04-03", minor=123456, description="STRIPE [bold]PAYOUT[/]"),
    BankLine(id="2", day="2026-05-03", minor=-990, description="FEE"),
)
ACCOUNT = BankAccount(number="DE02120300000000202051", currency="EUR", lines=LINES)


@pytest.fixture
def home(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {
        "DATABASE_URL": database_url,
        "DATA_DIR": str(tmp_path / "data"),
        "BOOKS_DIR": str(tmp_path / "books"),
    }.items():
        monkeypatch.setenv(f"BOOKHAND_{name}", value)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("BOOKHAND_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_a_file_and_a_table_are_taken_in_and_listed(home: Path) -> None:
    (home / "a.xml").write_bytes(render(ACCOUNT, "camt053"))
    assert "2 new of 2 lines, 2026-04-03 to 2026-05-03" in run("bank-import", "a.xml")
    assert "nothing was added" in run("bank-import", "a.xml")
    (home / "b.csv").write_bytes(render(ACCOUNT, "csv"))
    told = run("bank-import", "b.csv", "--account", "Main")
    assert "date_order" in told
    number = told.split("bank-confirm ")[1].split()[0]
    with pytest.raises(Refusal, match="date_order"):
        run("bank-confirm", number, "--account", "Main")
    assert "2 new of 2 lines" in run("bank-confirm", number, "--account", "Main", "--set", "date_order=MDY")
    lines = run("bank-lines", "--account", "Main", "--since", "2026-04-01", "--until", "2026-04-30")
    assert "1,234.56" in lines
    assert "STRIPE [bold]PAYOUT[/]" in lines
    assert "FEE" not in lines
    assert "04/03/2026,STRIPE" in run("bank-lines", "--account", "Main", "--raw")
    accounts = run("bank-accounts")
    assert accounts.count("1,224.66") == 2
    assert "stay as they are" in run("disconnect", "Bank Main")
    (home / "c.csv").write_bytes(render(ACCOUNT, "csv") + b"\r\n")
    with pytest.raises(Refusal, match="disconnected"):
        run("bank-import", "c.csv")
    with pytest.raises(Refusal, match="no day"):
        run("bank-lines", "--since", "yesterday")
    assert "bank-import" in run("--help")


@pytest.fixture
def plaid(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plaid]:
    stand_in = Plaid()
    with running(stand_in) as url:
        for name, value in {"CLIENT_ID": "client", "SECRET": "sandbox", "BASE_URL": url}.items():
            monkeypatch.setenv(f"BOOKHAND_PLAID_{name}", value)
        yield stand_in


def test_a_bank_behind_plaid(plaid: Plaid, home: Path) -> None:
    assert "link-sandbox-" in run("connect", "plaid")
    public = plaid._public_token()
    assert "test mode" in run("connect", "plaid", "--public-token", public, "--name", "Platypus")
    [item] = plaid.items.values()
    item.post(amount="-12.50", date="2026-11-02", name="STRIPE TRANSFER")
    assert "Platypus: 1 new lines" in run("bank-sync")
    assert "12.50" in run("bank-lines")
    posted = item.post(amount="-3", date="2026-11-03", name="COFFEE BACK")
    run("bank-sync")
    item.remove(posted["transaction_id"])
    assert "1 taken back" in run("bank-sync")
    assert "took back" not in run("problems")  # it was matched with nothing
    item.trouble = "ITEM_LOGIN_REQUIRED"
    with pytest.raises(Refusal, match="ITEM_LOGIN_REQUIRED"):
        run("bank-sync")
    assert "is disconnected" in run("bank-sync")
    item.trouble = None
    assert "link-sandbox-" in run("connect", "plaid", "--again", "Platypus")
    assert "0 new lines" in run("bank-sync")
    run("disconnect", "Platypus")
    assert plaid.items == {}


def test_a_house_at_work_looks_at_its_folder_and_asks_plaid_in_its_time(
    plaid: Plaid, home: Path, monkeypatch
) -> None:
    folder = home / "bank"
    folder.mkdir()
    monkeypatch.setenv("BOOKHAND_BANK_FOLDER", str(folder))
    run("connect", "plaid", "--public-token", plaid._public_token())
    [item] = plaid.items.values()
    item.post(amount="-12.50", date="2026-11-02", name="STRIPE TRANSFER")
    now = 1000.0
    with wiring.open_house(read()) as house:
        rounds = BankRounds(house, clock=lambda: now)
        (folder / "a.xml").write_bytes(render(ACCOUNT, "camt053"))
        rounds.look()
        item.post(amount="-1", date="2026-11-03", name="B")
        rounds.look()
        assert sorted(path.name for path in folder.rglob("*.xml")) == ["a.xml"]
        assert (folder / "done/a.xml").exists()
        asked = plaid.calls["POST /transactions/sync"]
        now += 3600
        rounds.look()
        assert (asked, plaid.calls["POST /transactions/sync"]) == (1, 2)
    assert run("bank-lines").count("STRIPE") == 2
