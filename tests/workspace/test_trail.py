"""The trail: a chain that shows every change, in the database and in a file."""

from __future__ import annotations

import io
import json
import random
import threading

import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.db.engine import Database
from bookhand.workspace.trail import GENESIS, Note, body_of, chained, first_line, last_line, line_of, verify
from bookhand.workspace.trail_store import (
    append,
    export_lines,
    exported,
    head,
    search,
    verify_all,
    write_export,
)


def _note(number: int) -> Note:
    return Note(
        who="person:1",
        name="Ada",
        what="refunds.create",
        subject=f"ch_{number}",
        why="asked for",
        details={"n": number},
    )


def _file(count: int = 6) -> list[bytes]:
    bodies = [body_of(_note(number), at=f"2026-11-25T10:00:{number:02}.000000Z") for number in range(count)]
    entries = list(chained(1, GENESIS, bodies))
    begin = first_line(workspace_id=1, entry=1, prev=GENESIS)
    return [begin, *map(line_of, entries), last_line(begin, count=count, head=entries[-1].hash)]


def test_a_whole_export_is_good() -> None:
    verdict = verify(_file())
    assert (verdict.findings, verdict.entries, verdict.first) == ((), 6, 1)


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    lines = _file()
    at = data.draw(st.integers(0, len(lines) - 1))
    place = data.draw(st.integers(0, len(lines[at]) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != lines[at][place]))
    changed = [*lines]
    changed[at] = lines[at][:place] + bytes([other]) + lines[at][place + 1 :]
    assert verify(io.BytesIO(b"".join(changed))).findings


def test_the_changed_entry_is_named() -> None:
    lines = _file()
    lines[3] = lines[3].replace(b'"ch_2"', b'"ch_9"')
    assert verify(lines).findings == ("Entry 3 was changed: its hash does not fit what it says.",)


@pytest.mark.parametrize("spoil", ["take", "swap", "double", "tail", "end", "insert"])
def test_what_is_taken_out_moved_or_put_in_is_found(spoil: str) -> None:
    lines = _file()
    match spoil:
        case "take":
            del lines[3]
        case "swap":
            lines[3], lines[4] = lines[4], lines[3]
        case "double":
            lines.insert(4, lines[3])
        case "tail":
            del lines[-2]
        case "end":
            del lines[-1]
        case "insert":
            lines.insert(3, line_of(next(chained(3, bytes(32), [body_of(_note(9), at="2026")]))))
    assert verify(lines).findings


def test_a_file_made_anew_fails_against_a_noted_head() -> None:
    noted = verify(_file()).head
    assert verify(_file(5)).findings == ()
    assert "head" in verify(_file(5), head=noted).findings[0]


def test_no_secret_is_written() -> None:
    key = "sk_live_" + "a" * 24
    note = Note(
        who="person:1",
        what="x",
        why=f"with {key}",
        details={"client_secret": "pi_1_secret_abcdefghij", "card": "4242424242424242"},
    )
    text = json.dumps(body_of(note, at="2026"))
    assert key not in text
    assert "abcdefghij" not in text
    assert "4242424242424242" not in text


def test_appending_reads_back_and_verifies(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(1), _note(2)])
    with db.transaction() as cx:
        last = append(cx, 1, [_note(3)])
        assert last is not None
        assert [entry.seq for entry in search(cx, 1)] == [3, 2, 1]
        assert [entry.said()["subject"] for entry in search(cx, 1, subject="ch_2")] == ["ch_2"]
        assert search(cx, 1, since="2100-01-01") == []
        assert head(cx, 1) == (3, last.hash.hex())
        assert verify_all(cx, 1).findings == ()
        file = io.BytesIO()
        assert write_export(cx, 1, file, first=2) == 4
    verdict = verify(io.BytesIO(file.getvalue()))
    assert (verdict.findings, verdict.first, verdict.entries) == ((), 2, 2)


def test_an_export_is_sent_while_it_is_read_and_holds_up_nobody(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(number) for number in range(5000)])
    pieces = exported(db, msgspec.structs.replace(_note(0), what="trail.exported"))
    first = next(pieces)
    with db.transaction() as cx:
        cx.execute("lock table trail in access exclusive mode nowait")  # so no transaction is open meanwhile
        append(cx, 1, [_note(1)])
    rest = list(pieces)
    assert len(rest) > 1
    whole = b"".join([first, *rest])
    verdict = verify(io.BytesIO(whole))
    assert (verdict.findings, verdict.entries) == ((), 5000)
    assert b"trail.exported" not in whole
    assert verify(io.BytesIO(b"".join([first, *rest[:-1]]))).findings, "what was cut off is told"
    with db.transaction() as cx:
        assert [entry.said()["what"] for entry in search(cx, 1, limit=2)][1] == "trail.exported"
        assert verify_all(cx, 1).findings == ()
    for beginning, count in ((4999, 4), (9000, 0)):
        verdict = verify(io.BytesIO(b"".join(exported(db, _note(0), first=beginning))))
        assert (verdict.findings, verdict.entries) == ((), count)


def test_a_time_is_read_page_by_page(db: Database) -> None:
    for numbers in (range(4), range(4, 9), range(9, 10)):
        with db.transaction() as cx:
            append(cx, 1, [_note(number) for number in numbers])
    with db.transaction() as cx:
        every = search(cx, 1)
        first = every[6].said()["at"]
        wanted = [each.seq for each in every if first <= each.said()["at"] < "2100"]
        read: list[int] = []
        while page := search(cx, 1, since=first, until="2100", before=read[-1] if read else None, limit=3):
            read += [each.seq for each in page]
        assert read == wanted
        assert 1 < len(wanted) < 11
        assert [each.seq for each in search(cx, 1, since=first, before=2**62)] == wanted


def test_what_is_written_while_it_is_checked_is_no_finding(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(number) for number in range(300)])
    ended = threading.Event()

    def write() -> None:
        number = 300
        while not ended.is_set():
            with db.transaction() as cx:
                append(cx, 1, [_note(number)])
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with db.transaction() as cx:
                assert verify_all(cx, 1).findings == ()
    finally:
        ended.set()
        writer.join()


def test_the_database_refuses_to_change_the_trail(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(1)])
    for sql in ("update trail set body = '{}'", "delete from trail", "truncate trail"):
        with pytest.raises(psycopg.errors.DatabaseError), db.transaction() as cx:
            cx.execute(sql)


def test_a_change_behind_the_guards_is_found(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(1), _note(2), _note(3)])
    with psycopg.connect(db.url) as cx:
        cx.execute("alter table trail disable trigger all")
        cx.execute("update trail set body = replace(body, 'ch_2', 'ch_7') where seq = 2")
    with db.transaction() as cx:
        assert verify_all(cx, 1).findings == ("Entry 2 was changed: its hash does not fit what it says.",)
    with psycopg.connect(db.url) as cx:
        cx.execute("update trail set body = replace(body, 'ch_7', 'ch_2') where seq = 2")
        cx.execute("delete from trail where seq = 3")
    with db.transaction() as cx:
        assert "head" in verify_all(cx, 1).findings[0]


def test_what_is_kept_and_its_export_are_judged_alike(db: Database) -> None:
    with db.transaction() as cx:
        append(cx, 1, [_note(number) for number in range(5)])
    for change in (
        "body = replace(body, 'ch_1', 'ch_7')",
        "body = body || ' '",
        "prev = hash",
        "hash = prev",
    ):
        with psycopg.connect(db.url) as cx:
            cx.execute("alter table trail disable trigger all")
            kept = cx.execute("select body, prev, hash from trail where seq = 2").fetchone()
            cx.execute(f"update trail set {change} where seq = 2")
        with db.transaction() as cx:
            _, newest = head(cx, 1)
            export = list(export_lines(cx, 1))
            kept_found, file_found = verify_all(cx, 1).findings, verify(export, head=newest).findings
            assert kept_found, change
            assert file_found, change
            if not change.startswith("body = body ||"):
                assert kept_found[0] == file_found[0], change
        with psycopg.connect(db.url) as cx:
            cx.execute("update trail set body = %s, prev = %s, hash = %s where seq = 2", kept)
    with db.transaction() as cx:
        assert verify_all(cx, 1).findings == verify(export_lines(cx, 1), head=head(cx, 1)[1]).findings == ()


def test_many_append_at_once_and_the_chain_holds(db: Database) -> None:
    def work(seed: int) -> None:
        chance = random.Random(seed)
        for number in range(10):
            with db.transaction() as cx:
                append(cx, 1, [_note(number)] * chance.randint(1, 3))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.transaction() as cx:
        verdict = verify_all(cx, 1)
        assert verdict.findings == ()
        assert verdict.entries == len(list(export_lines(cx, 1))) - 2 >= 40


def test_a_rolled_back_act_leaves_no_entry(db: Database) -> None:
    with pytest.raises(RuntimeError), db.transaction() as cx:
        append(cx, 1, [_note(1)])
        raise RuntimeError
    with db.transaction() as cx:
        assert head(cx, 1)[0] == 0
