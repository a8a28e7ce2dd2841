"""Compare: words that somebody changed are notes, and whatever has an amount is a Break."""

from __future__ import annotations

import msgspec
import pytest

from bookhand.books.book import Kept
from bookhand.books.comparing.compare import Comparison, compared
from bookhand.core.book import BookLine, Document, Posted

LINES = (
    BookLine("84", 9_680, "ch_1", "7"),
    BookLine("60", 320, "fee of ch_1"),
    BookLine("79", -10_000, "ch_1", "7"),
)
SALE = Document(
    key="a:test:txn_1", kind="journal_entry", day="2026-01-02", currency="USD", memo="Charge", lines=LINES
)
NAMES = {"84": "Clearing", "60": "Fees", "79": "Sales"}


def held(lines=LINES, *, document: Document = SALE, **more: str) -> Comparison:
    kept = Kept(
        key=document.key, base=document.key, source_id=1, subject="txn_1", kind=document.kind, day=document.day, currency="USD",
        content=document, total=10_000, state="done", vendor_id="7",
    )  # fmt: skip
    told = {
        "id": "7",
        "version": "1",
        "number": document.number,
        "key": document.key,
        "kind": document.kind,
        "day": document.day,
        **more,
    }
    return compared([kept], [Posted(**told, currency="USD", lines=tuple(lines))], [], alone=(), names=NAMES)


def with_line(at: int, **change: object) -> list[BookLine]:
    return [
        msgspec.structs.replace(line, **change) if place == at else line for place, line in enumerate(LINES)
    ]


@pytest.mark.parametrize(
    ("lines", "more", "says"),
    [
        (with_line(0, memo="mine"), {}, "somebody changed the memo on Clearing to 'mine'."),
        (with_line(1, memo=""), {}, "somebody changed the memo on Fees to nothing."),
        (with_line(2, category="9"), {}, "somebody changed the class on Sales to 9."),
        (with_line(2, category=None), {}, "somebody changed the class on Sales to none."),
        (LINES, {"number": "INV-7"}, "somebody changed its number to INV-7."),
    ],
)
def test_words_alone_are_a_note_and_the_books_are_equal(lines, more, says):
    found = held(lines, **more)
    assert (found.breaks, found.equal) == ([], True)
    (note,) = found.notes
    assert note.subject == SALE.key
    assert note.says == f"{SALE.number} of 2026-01-02 (a:test:txn_1): {says}"


@pytest.mark.parametrize(
    "lines", [LINES, LINES[::-1], with_line(0, memo=" ch_1  "), with_line(1, category="")]
)
def test_the_same_words_in_any_order_are_no_note(lines):
    assert held(lines).notes == []


def test_a_memo_that_the_book_cut_is_the_same():
    long = "x" * 2_000
    document = msgspec.structs.replace(SALE, lines=tuple(with_line(0, memo=long)))
    assert held(with_line(0, memo=long[:999]), document=document).notes == []
    assert len(held(with_line(0, memo=long[:500]), document=document).notes) == 1


def test_what_has_an_amount_is_a_break_and_its_words_are_no_note_beside():
    found = held([BookLine("84", 9_000, "mine"), *LINES[1:]])
    assert [each.cause for each in found.breaks] == ["edited"]
    assert found.notes == []


def test_equal_lines_are_held_against_those_that_fit_best():
    twins = (BookLine("84", 500, "a"), BookLine("84", 500, "b"), BookLine("79", -1_000))
    document = msgspec.structs.replace(SALE, lines=twins)
    assert held(twins[::-1], document=document).notes == []
    (note,) = held((twins[2], twins[1], BookLine("84", 500, "c")), document=document).notes
    assert note.says.endswith("somebody changed the memo on Clearing to 'c'.")


def test_the_head_of_a_deposit_has_no_words():
    lines = (BookLine("84", 9_680, "to the bank", "7"), BookLine("79", -9_680, "po_1"))
    document = msgspec.structs.replace(SALE, kind="deposit", lines=lines)
    assert held((BookLine("84", 9_680), lines[1]), document=document).notes == []
