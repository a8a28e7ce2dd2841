"""A ledger that people write in too: what is read of it, and what is said where it cannot be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.book import BookLine, Document
from bookhand.core.problems import Refusal
from bookhand.systems.beancount import ledger

_TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=20).map(str.strip)
_LINES = st.lists(
    st.tuples(
        st.sampled_from(["Assets:Bank", "Income:Sales:A-1", "Expenses:X"]), st.integers(1, 10**12), _TEXT
    ),
    min_size=1,
    max_size=5,
)


@given(
    lines=_LINES,
    memo=_TEXT,
    currency=st.sampled_from(["USD", "JPY", "KWD"]),
    key=st.from_regex(r"[!#-\[\]-~]{1,30}", fullmatch=True),
)
def test_what_is_written_is_read_back(lines, memo, currency, key):
    made = [BookLine(account, minor, said) for account, minor, said in lines]
    made.append(BookLine("Equity:Rest", -sum(line.minor for line in made)))
    document = Document(
        key=key, kind="journal_entry", day="2026-01-02", currency=currency, memo=memo, lines=tuple(made)
    )
    text = ledger.transaction(document, mark="prop_1_0")
    [found] = ledger.read(f"; before\n\n{text}\n* a heading\n", where="x").transactions
    assert (found.key, found.day, found.number, found.call) == (
        key,
        "2026-01-02",
        document.number,
        "prop_1_0",
    )
    assert found.lines == document.lines
    assert set(found.currencies) == {currency}
    assert found.where == "x:3"


@pytest.mark.parametrize(
    ("legs", "lines"),
    [
        ("  Assets:A  10.00 USD\n  Income:B", [("Assets:A", 1000), ("Income:B", -1000)]),
        (
            "  Assets:A  1,000.5 USD ; a note\n  Income:B  -1000.50 USD",
            [("Assets:A", 100_050), ("Income:B", -100_050)],
        ),
        ("  Assets:A  10 EUR @ 1.10 USD\n  Income:B", [("Assets:A", 1000), ("Income:B", -1100)]),
        ("  Assets:A  3 SHARE {10.00 USD}\n  Income:B", [("Income:B", -3000)]),
        ("  ; Assets:A  10.00 USD\n  Income:B  5 USD\n  ! Income:C", [("Income:B", 500), ("Income:C", -500)]),
    ],
)
def test_what_people_write_is_understood(legs, lines):
    [found] = ledger.read(f'2026-01-02 * "By hand"\n{legs}\n', where="x").transactions
    assert [(line.account, line.minor) for line in found.lines] == lines
    assert found.key is None


@pytest.mark.parametrize("legs", ["  Assets:A  (1 + 2) USD\n  Income:B", "  Assets:A  1.005 USD\n  Income:B", "  Assets:A  1 USD\n  Income:B\n  Income:C",
                                  "  Assets:A  3 SHARE {}\n  Income:B"])  # fmt: skip
def test_what_cannot_be_understood_is_said_with_its_place(legs):
    with pytest.raises(Refusal, match=r"mine\.beancount:2"):
        ledger.read(f'\n2026-01-02 * "By hand"\n{legs}\n', where="mine.beancount")


def test_a_number_in_the_link_is_enough_to_know_our_own():
    [found] = ledger.read(
        '2026-01-02 * "x" ^SS7DKMJRZ4TVP2MCD\n  Assets:A  1 USD\n  Income:B\n', where="x"
    ).transactions
    assert (found.key, found.number) == (None, "SS7DKMJRZ4TVP2MCD")
