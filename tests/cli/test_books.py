"""Books on the command line: connected, set up, mirrored, compared and undone, as a person does it."""

from __future__ import annotations

import pytest
from tests.cli.test_door import house, run  # noqa: F401 (fixtures)
from tests.contract.books.company import first, second, told

from bookhand.journal.workflow import read


@pytest.fixture
def journal(house, link):  # noqa: F811
    with house.db.transaction() as cx:
        read(cx, link, told(first(), second()))
    return link


@pytest.fixture
def link(house):  # noqa: F811
    from bookhand.systems import store

    with house.db.transaction() as cx:
        new = store.NewConnection(
            system="stripe", account="acct_1", mode="test", livemode=False, default_name="Shop", api_version="v", auth="key"
        )  # fmt: skip
        return store.keep(cx, 1, new).link


def test_a_book_from_connecting_to_undoing(run, journal, tmp_path):  # noqa: F811
    assert run("books", who="owner").output.startswith("No book is connected")
    made = run(
        "connect", "beancount", str(tmp_path / "ledger"), "--mode", "test", "--name", "Ledger", who="owner"
    )
    assert "books-setup" in made.output, made.output
    shown = run("books-setup", "Ledger", "--method", "deposit", who="owner")
    assert shown.exit_code == 0, shown.output
    assert "Nothing was changed" in shown.output
    assert "19.12" in shown.output, "one real payout is shown"
    refused = run("books-setup", "Ledger", "--agree", "--map", "revenue=Nowhere", who="owner")
    assert "no account Nowhere" in str(refused.exception), refused.output
    kept = run("books-setup", "Ledger", "--method", "deposit", "--agree", who="owner")
    assert "The book is kept by deposit from 2026-01-01 on" in " ".join(kept.output.split()), kept.output
    assert run("books-setup", "Ledger", "--agree", who="viewer").exception is not None
    done = run("mirror", "Ledger", who="operator")
    assert done.exit_code == 0, done.output
    assert "1 entries wait, of payouts that are not whole: (10.00) USD on clearing." in done.output
    same = run("compare", "Ledger", who="viewer")
    assert (same.exit_code, same.output.rstrip().endswith("equal")) == (0, True), same.output
    ledger = tmp_path / "ledger" / "bookhand" / "2026-01.beancount"
    ledger.write_text(
        ledger.read_text()
        .replace("65.05 USD", "65.06 USD")
        .replace("Sales  -100.00 USD", "Sales  -100.01 USD")
    )
    other = run("compare", "Ledger", who="viewer")
    assert other.exit_code == 1
    assert "from 65.05 to 65.06 USD" in " ".join(other.output.split())
    undone = run("undo-books", "Ledger", "--from", "2026-01-01", "--to", "2026-12-31", "--again", who="owner")
    assert "entries may be posted again" in undone.output, undone.output
    assert "deposit" in run("books", who="viewer").output
