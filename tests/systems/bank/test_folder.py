"""The watched folder: what is whole is read and moved, what is refused lies beside its reason, and a stop in between loses nothing."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.sandbox.bank.files import FileFormat, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank import store
from bookhand.systems.bank.folder_client import Watcher
from bookhand.systems.bank.intake_workflow import Intake

LINES = tuple(
    BankLine(id=f"T{n}", day=f"2026-11-2{n}", minor=100 * n - 250, description=f"LINE {n}") for n in range(5)
)


def file(kind: FileFormat = "camt053", count: int = 5) -> bytes:
    return render(BankAccount(number="77", currency="USD", lines=LINES[:count]), kind)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def watcher(db: Database, folder: Path) -> Watcher:
    return Watcher(folder, Intake(db, most_megabytes=1))


def count(db: Database) -> int:
    with db.transaction() as cx:
        return len(store.counting(cx))


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_file_is_read_once_it_does_not_grow_any_more(watcher, folder, db) -> None:
    whole = file()
    (folder / "nov.xml").write_bytes(whole[:100])
    assert watcher.look() == []
    (folder / "nov.xml").write_bytes(whole)
    assert watcher.look() == []
    [said] = watcher.look()
    assert "5 new of 5 lines" in said
    assert (names(folder), count(db)) == (["done/nov.xml"], 5)


def test_what_is_refused_lies_beside_its_reason(watcher, folder, db) -> None:
    (folder / "x.xml").write_bytes(file()[:-30])
    (folder / "x.zip").write_bytes(b"PK\x03\x04")
    (folder / "big.csv").write_bytes(b"x" * (1024 * 1024 + 1))
    watcher.look()
    assert len(watcher.look()) == 3
    assert names(folder) == [
        f"refused/{name}" for name in ("big.csv", "big.csv.txt", "x.xml", "x.xml.txt", "x.zip", "x.zip.txt")
    ]
    assert "no whole XML" in (folder / "refused/x.xml.txt").read_text()
    assert "more than the 1 MB" in (folder / "refused/big.csv.txt").read_text()
    assert count(db) == 0


def test_a_stop_between_reading_and_moving_loses_and_doubles_nothing(watcher, folder, db) -> None:
    Intake(db).take(
        file(), name="nov.xml", by="folder"
    )  # as if it had stopped here, before the file was moved
    (folder / "nov.xml").write_bytes(file())
    (folder / "done").mkdir()
    (folder / "done/nov.xml").write_bytes(b"another of the same name")
    watcher.look()
    assert "read before" in watcher.look()[0]
    assert names(folder) == ["done/nov (2).xml", "done/nov.xml"]
    assert (folder / "done/nov.xml").read_bytes() == b"another of the same name"
    assert count(db) == 5


def test_links_hidden_and_unfinished_files_are_left_alone(watcher, folder, tmp_path_factory, db) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.xml"
    outside.write_bytes(file())
    (folder / "link.xml").symlink_to(outside)
    (folder / ".hidden.xml").write_bytes(file())
    (folder / "half.xml.part").write_bytes(file())
    (folder / "dir").symlink_to(outside.parent)
    os.mkfifo(folder / "pipe.xml")
    for _ in range(3):
        assert watcher.look() == []
    assert count(db) == 0
    assert outside.exists()


def test_a_csv_waits_in_the_folder_of_its_account_and_goes_on_when_it_is_confirmed(
    watcher, folder, db
) -> None:
    (folder / "Main").mkdir()
    (folder / "Main/nov.csv").write_bytes(file("csv"))
    watcher.look()
    assert "waits" in watcher.look()[0]
    assert names(folder) == ["waiting/Main/nov.csv", "waiting/Main/nov.csv.txt"]
    reason = (folder / "waiting/Main/nov.csv.txt").read_text()
    assert "--account Main" in reason
    assert watcher.look() == []
    number = reason.split("bank-confirm ")[1].split()[0]
    Intake(db).confirm(number, account="Main", changes={"date_order": "MDY"}, by="person:1")
    assert "read before" in watcher.look()[0]
    assert names(folder) == ["done/nov.csv"]
    (folder / "dec.csv").write_bytes(file("csv", 4))
    watcher.look()
    assert "0 new of 4 lines" in watcher.look()[0]
    assert count(db) == 5


def test_a_fault_of_ours_with_one_file_does_not_hold_up_the_others(folder, db) -> None:
    class Faulty(Intake):
        def take(self, raw, *, name, **how):
            if name == "a.xml":
                raise KeyError("a fault")
            return super().take(raw, name=name, **how)

    watcher = Watcher(folder, Faulty(db))
    for name in ("a.xml", "b.xml"):
        (folder / name).write_bytes(file())
    watcher.look()
    assert len(watcher.look()) == 2
    assert names(folder) == ["done/b.xml", "refused/a.xml", "refused/a.xml.txt"]
    assert "fault of bookhand's own (KeyError)" in (folder / "refused/a.xml.txt").read_text()


@pytest.mark.parametrize(
    "damage",
    [(b">1.50<", b">" + b"9" * 30 + b".50<"), (b"T4", random.Random(1).randbytes(5_000).hex().encode())],
)
def test_a_file_that_no_database_holds_is_refused_and_does_not_hold_up_the_others(
    watcher, folder, db, damage
) -> None:
    whole = file()
    assert damage[0] in whole
    (folder / "a.xml").write_bytes(whole.replace(*damage))
    (folder / "b.xml").write_bytes(file())
    watcher.look()
    watcher.look()
    assert "larger than any" in (folder / "refused/a.xml.txt").read_text()
    assert (folder / "done/b.xml").exists()
    assert count(db) == 5


def test_a_folder_that_is_not_there_is_said(db, tmp_path) -> None:
    with pytest.raises(Refusal, match="BOOKHAND_BANK_FOLDER"):
        Watcher(tmp_path / "nowhere", Intake(db)).look()


def test_a_csv_that_ends_within_a_line_rests_for_a_minute_first(folder, db) -> None:
    now = [0.0]
    watcher = Watcher(folder, Intake(db), clock=lambda: now[0])
    whole = file("csv").rstrip() + b"5"  # the amount goes on, or so it may
    (folder / "nov.csv").write_bytes(whole[:-3])
    for _ in range(3):
        assert watcher.look() == []
    (folder / "nov.csv").write_bytes(whole)
    assert watcher.look() == []
    now[0] += 59
    assert watcher.look() == []
    now[0] += 1
    assert "waits" in watcher.look()[0]
    assert (folder / "waiting/nov.csv").read_bytes() == whole


def test_a_file_in_which_somebody_writes_on_while_it_is_read_is_read_again(folder, db) -> None:
    class Slow(Intake):
        def take(self, raw, **how):
            taken = super().take(raw, **how)
            if len(raw) < len(file()):
                (folder / "nov.xml").write_bytes(file())
            return taken

    watcher = Watcher(folder, Slow(db))
    (folder / "nov.xml").write_bytes(file(count=3))
    watcher.look()
    assert watcher.look() == []
    assert (names(folder), count(db)) == (["nov.xml"], 3)
    watcher.look()
    assert "2 new of 5 lines" in watcher.look()[0]
    assert (names(folder), count(db)) == (["done/nov.xml"], 5)


def confirmed(db: Database, folder: Path, *, account: str = "Main") -> None:
    """Files with the columns of `file("csv")` are read by themselves from now on."""
    intake = Intake(db)
    other = render(BankAccount(number="77", currency="USD", lines=LINES[:1]), "csv")
    waiting = intake.take(other, name="first.csv", by="person:1", account=account)
    intake.confirm(waiting.file, account=account, changes={"sign": 1}, by="person:1")


def oldest_first(rows: int, *, twins: int = 0) -> bytes:
    """A CSV with a line end after each row; the last row stands there `twins` more times."""
    head, *lines = file("csv").decode("utf-8-sig").splitlines()
    found = lines[::-1][:rows]
    return ("\n".join([head, *found, *([found[-1]] * twins)]) + "\n").encode()


def append(path: Path, more: bytes) -> None:
    """As whoever still has the file open writes on in it, wherever it lies by now."""
    with path.open("ab") as handle:
        handle.write(more)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_writer_that_pauses_at_the_end_of_a_line_loses_no_line(watcher, folder, db, restarted) -> None:
    confirmed(db, folder)
    whole, half = oldest_first(5), oldest_first(3)
    (folder / "Main").mkdir()
    (folder / "Main/nov.csv").write_bytes(half)
    watcher.look()
    assert "of 3 lines" in watcher.look()[0]
    assert (names(folder), count(db)) == (["done/nov.csv"], 3)
    if restarted:
        watcher = Watcher(folder, Intake(db))
    append(folder / "done/nov.csv", whole[len(half) :])
    assert watcher.look()[0] == "nov.csv was written on after it was moved: it is looked at again."
    assert names(folder) == ["nov.csv" if restarted else "Main/nov.csv"]
    assert "2 new of 5 lines" in watcher.look()[0]
    assert (names(folder), count(db)) == (["done/nov.csv"], 5)
    for _ in range(3):
        assert watcher.look() == []


def test_equal_rows_before_and_after_a_pause_are_as_many_as_there_are(watcher, folder, db) -> None:
    rows = b"Date,Description,Amount\n2026-11-22,COFFEE,-3.00\n"
    waiting = Intake(db).take(rows, name="x.csv", by="person:1", account="Main")
    Intake(db).confirm(waiting.file, account="Main", changes={"currency": "EUR", "sign": 1}, by="person:1")
    twin = b"2026-11-22,COFFEE,-3.00\n"
    (folder / "nov.csv").write_bytes(rows + twin)
    watcher.look()
    assert "1 new of 2 lines" in watcher.look()[0]
    append(folder / "done/nov.csv", twin + b"2026-11-23,TEA,-2.00\n")
    watcher.look()
    assert "2 new of 4 lines" in watcher.look()[0]
    assert count(db) == 4


@pytest.mark.parametrize("restarted", [False, True])
def test_a_file_that_was_refused_for_its_missing_half_is_read_when_the_half_comes(
    watcher, folder, db, restarted
) -> None:
    whole = file("mt940")
    (folder / "nov.sta").write_bytes(whole[:100])
    watcher.look()
    assert "refused" in watcher.look()[0]
    if restarted:
        watcher = Watcher(folder, Intake(db))
    append(folder / "refused/nov.sta", whole[100:])
    assert "written on" in watcher.look()[0]
    assert names(folder) == ["nov.sta"]
    watcher.look()
    assert (names(folder), count(db)) == (["done/nov.sta"], 5)


def test_a_file_is_looked_at_for_an_hour_after_it_was_moved(folder, db) -> None:
    now = [0.0]
    watcher = Watcher(folder, Intake(db), clock=lambda: now[0])
    (folder / "nov.xml").write_bytes(file())
    for _ in range(2):
        watcher.look()
    now[0] += 3601
    watcher.look()
    append(folder / "done/nov.xml", b"\n")
    assert watcher.look() == []
    assert names(folder) == ["done/nov.xml"]


def test_what_lies_there_from_before_and_was_not_written_on_stays_there(watcher, folder, db) -> None:
    (folder / "nov.xml").write_bytes(file())
    (folder / "bad.zip").write_bytes(b"PK\x03\x04")
    for _ in range(2):
        watcher.look()
    (folder / "done/by hand.xml").write_bytes(file(count=2))
    before = names(folder)
    again = Watcher(folder, Intake(db))
    for _ in range(3):
        assert again.look() == []
    assert names(folder) == before
