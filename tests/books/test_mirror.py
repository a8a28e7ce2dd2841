"""The book follows the journal: deterministic, only what changed is written, a person's work is left alone."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import msgspec
import pytest
from tests.journal.shapes import DAY, START, a_year, bt, seen

from bookhand.books.workflow import mirror, verify
from bookhand.core.problems import Refusal
from bookhand.journal.chart import chart_from_toml, default_chart
from bookhand.journal.workflow import close_period, read
from bookhand.systems.beancount import client
from bookhand.workspace.store import open_problems


@pytest.fixture
def book(db, link, tmp_path):
    """A year of entries, mirrored."""
    with db.transaction() as cx:
        read(cx, link, seen(a_year()))
    folder = tmp_path / "books"
    mirror(db, folder, [link])
    return folder


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.beancount"))}


def test_the_book_passes_beancounts_own_checker(book):
    assert verify(book) == []
    assert sorted(_contents(book)) == [
        "2026-01.beancount", "2026-02.beancount", "2026-03.beancount", "accounts.beancount", "balances.beancount", "main.beancount",
    ]  # fmt: skip


def test_a_book_that_is_written_again_is_the_same_to_the_byte(db, link, book, tmp_path):
    mirror(db, tmp_path / "again", [link])
    assert _contents(tmp_path / "again") == _contents(book)


def test_nothing_new_writes_nothing(db, link, book):
    assert mirror(db, book, [link]).written == []


def test_only_the_months_that_changed_are_written(db, link, book):
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_new", 100, at=START + 33 * DAY)]))
    mirrored = mirror(db, book, [link])
    assert mirrored.written == ["2026-02.beancount", "accounts.beancount", "balances.beancount"]
    assert verify(book) == []


def test_a_cent_less_is_found_where_beancount_alone_would_let_it_pass(book):
    path = book / "2026-03.beancount"
    text = path.read_text()
    assert text.count("Payments  -50.00 USD\n  Income:Sales:Refunds  50.00 USD") == 1
    path.write_text(
        text.replace(
            "Payments  -50.00 USD\n  Income:Sales:Refunds  50.00 USD",
            "Payments  -50.01 USD\n  Income:Sales:Refunds  50.01 USD",
        )
    )
    assert any("Balance failed" in line and "0.01 too little" in line for line in verify(book))


def test_an_edited_file_is_kept_aside_and_written_anew(db, link, book):
    path = book / "2026-02.beancount"
    before = path.read_text()
    path.write_text(before + "\n; what I wanted to remember\n")
    mirrored = mirror(db, book, [link])
    assert mirrored.written == ["2026-02.beancount"]
    assert path.read_text() == before
    aside = book / "kept-aside" / "2026-02.beancount.1"
    assert aside.read_text().endswith("; what I wanted to remember\n")
    with db.transaction() as cx:
        [open_problem] = open_problems(cx)
    assert (open_problem.problem.kind, open_problem.problem.subject) == ("book_edited", "2026-02.beancount")


def test_a_persons_file_under_our_name_is_not_overwritten(db, link, tmp_path):
    folder = tmp_path / "books"
    folder.mkdir()
    (folder / "main.beancount").write_text("; twenty years of my life\n")
    with db.transaction() as cx:
        read(cx, link, seen(a_year()))
    mirror(db, folder, [link])
    assert (folder / "kept-aside" / "main.beancount.1").read_text() == "; twenty years of my life\n"


def test_a_persons_own_file_is_left_alone_and_can_include_the_book(db, link, book):
    mine = book / "mine.beancount"
    mine.write_text(
        'include "main.beancount"\n2026-01-01 open Assets:Bank:Checking\n'
        '2026-01-20 * "Bank"\n  Assets:Bank:Checking  96.80 USD\n  Assets:Bank:In-Transit\n'
    )
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_new", 100)]))
    mirror(db, book, [link])
    assert mine.read_text().startswith('include "main.beancount"')
    assert client.bean_check(mine) == []


def test_a_lost_index_or_a_half_written_file_does_no_harm(db, link, book):
    before = _contents(book)
    (book / ".bookhand.json").unlink()
    (book / ".2026-01.beancount.new").write_text("half of a fi")
    assert mirror(db, book, [link]).problems == []
    assert _contents(book) == before


def test_writers_of_one_file_never_mix_and_each_knows_its_own(tmp_path):
    slow, quick = client.Folder(tmp_path), client.Folder(tmp_path)

    def chunks():
        yield "; slow\n" * 400_000  # more than a block: it is written before the other begins
        quick.write("2026-11.beancount", "the other", ["; quick\n"])
        yield "; slow\n"

    slow.write("2026-11.beancount", "this", chunks())
    text = (tmp_path / "2026-11.beancount").read_text()
    assert (text.count("; slow\n"), text.count("; quick\n")) == (400_001, 0)
    assert client.Folder(tmp_path).set_aside("2026-11.beancount") is None, "it is whole, by its hash"
    assert slow.is_current("2026-11.beancount", "this")
    assert not quick.is_current("2026-11.beancount", "the other")
    assert [path.name for path in tmp_path.iterdir()] == ["2026-11.beancount"]


def test_a_writer_that_fails_leaves_what_was_there_and_nothing_else(tmp_path):
    def chunks():
        yield "; half\n" * 400_000
        raise OSError("the disk is full")

    folder = client.Folder(tmp_path)
    folder.write("main.beancount", "before", ["; whole\n"])
    with pytest.raises(OSError, match="the disk is full"):
        folder.write("main.beancount", "after", chunks())
    assert (tmp_path / "main.beancount").read_text().endswith("; whole\n")
    assert folder.is_current("main.beancount", "before")
    assert [path.name for path in tmp_path.iterdir()] == ["main.beancount"]


def test_what_was_cut_off_is_cleared_away_and_a_persons_file_is_not(db, link, book):
    left = [
        ".2026-01.beancount.new",
        f".2026-11.beancount.{'0a' * 8}.new",
        f"..bookhand.json.{'0a' * 8}.new",
        ".bookhand.json.new",
    ]
    for name in (*left, ".mine.new", "mine.new"):
        (book / name).write_text("half of a fi")
    mirror(db, book, [link])
    assert not any((book / name).exists() for name in left)
    assert (book / ".mine.new").exists()
    assert (book / "mine.new").exists()


_MIRRORS = """
import sys
from pathlib import Path
import msgspec
from bookhand.books.workflow import mirror
from bookhand.core.facts import Link
from bookhand.db.engine import Database
url, folder, link = sys.argv[1], Path(sys.argv[2]), msgspec.json.decode(sys.argv[3], type=Link)
with Database(url) as db:
    for _ in range(20):
        (folder / ".bookhand.json").unlink(missing_ok=True)  # so that every file is written
        mirror(db, folder, [link])
"""


def test_mirrors_of_several_processes_take_turns(db, link, book):
    at = [sys.executable, "-c", _MIRRORS, db.url, str(book), msgspec.json.encode(link).decode()]
    others = [subprocess.Popen(at, stderr=subprocess.PIPE, text=True) for _ in range(3)]
    assert [(other.communicate()[1], other.returncode) for other in others] == [("", 0)] * 3
    mirror(db, book, [link])
    assert verify(book) == []
    assert mirror(db, book, [link]).written == []
    assert list(book.glob(".*.new")) == []


def test_a_late_fact_carries_its_true_date(db, link, book):
    with db.transaction() as cx:
        close_period(cx, link, "2026-01", who="Ada", why="Month end")
        read(cx, link, seen([bt("txn_late", 100, at=START + 2 * DAY)]))
    assert mirror(db, book, [link]).written == [
        "2026-02.beancount",
        "accounts.beancount",
        "balances.beancount",
    ]
    text = (book / "2026-02.beancount").read_text()
    assert (
        '2026-02-01 * "Charge" ^txn_late\n  kind: "charge"\n  key: "txn_late"\n  happened: 2026-01-03\n'
        in text
    )
    assert verify(book) == []


def test_renaming_accounts_writes_the_book_again_and_leaves_the_journal(db, link, book):
    chart = chart_from_toml('[accounts]\nrevenue = "Income:Umsatz"\nsuspense = "Liabilities:Ungeklaert"\n')
    mirrored = mirror(db, book, [link], chart=chart)
    assert mirrored.unchanged == []
    text = "".join(_contents(book).values())
    assert "Income:Umsatz  -100.00 USD" in text
    assert "Income:Sales  " not in text
    assert verify(book) == []


def test_two_connections_share_a_book_and_modes_do_not(db, link, new_link, book):
    other = new_link(account="acct_2")
    with db.transaction() as cx:
        read(cx, other, seen([bt("txn_other", 700, currency="EUR")]))
    assert mirror(db, book, [link, other]).entries > 40
    assert "Assets:Stripe:Acct-2-Test:EUR:Payments  7.00 EUR" in (book / "2026-01.beancount").read_text()
    assert verify(book) == []
    with pytest.raises(Refusal, match="one mode"):
        mirror(db, book, [link, new_link(account="acct_3", mode="live")])


def test_a_book_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(Refusal, match="There is no book"):
        verify(tmp_path)


def test_a_missing_checker_is_said_so(book, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(Refusal, match=r"bookhand\[beancount\]"):
        verify(book)


@pytest.mark.outside
def test_the_book_opens_in_fava(book):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = Path(sys.executable).parent / "fava"
    process = subprocess.Popen(
        [program, "--host", "127.0.0.1", "--port", str(port), book / "main.beancount"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        page = _page(f"http://127.0.0.1:{port}/")
    finally:
        process.terminate()
        process.wait(10)
    assert "bookhand: acct_1Test-test (test)" in page


def _page(url: str) -> str:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def test_the_default_chart_has_a_legal_name_for_every_role():
    assert all(":" in name for name in default_chart().names.values())
