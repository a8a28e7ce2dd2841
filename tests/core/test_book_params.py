"""A document as an action's parameters: nothing is lost on the way, and what is unsound never becomes one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bookhand.core.book import BookLine, Document
from bookhand.core.book_params import (
    DepositParams,
    DocumentParams,
    JournalEntryParams,
    document_of,
    document_preview,
    params_of,
)

SALE: dict[str, Any] = {
    "key": "acct_1:test:txn_1", "kind": "journal_entry", "day": "2026-01-01", "currency": "USD", "memo": "Charge ch_1",
    "lines": [{"account": "84", "minor": 10_000}, {"account": "79", "minor": -10_000, "memo": "ch_1", "category": "5"}],
}  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> Document:
    amounts = draw(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=8))
    lines = [
        BookLine(f"a{at}", minor, draw(st.sampled_from(["", "ch_1"])), draw(st.sampled_from([None, "c1"])))
        for at, minor in enumerate([*amounts, -sum(amounts)])
    ]
    return Document(
        key=draw(st.sampled_from(["k", "acct_1:live:txn_1:fee"])), kind="journal_entry", day="2026-02-28",
        currency=draw(st.sampled_from(["USD", "JPY", "KWD"])), memo="", lines=tuple(lines),
    )  # fmt: skip


@given(documents())
def test_nothing_is_lost_on_the_way(document: Document) -> None:
    checked = DocumentParams.model_validate(params_of(document))
    assert document_of(checked.model_dump(mode="json", exclude_none=True, by_alias=True)) == document


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"lines": [{"account": "84", "minor": 1}, {"account": "79", "minor": -2}]}, "off by -0.01 USD"),
        ({"currency": "XXX"}, "not in bookhand's table"),
        ({"currency": "usd"}, "currency"),
        ({"day": "2026-02-30"}, "day is out of range"),
        ({"lines": [{"account": "84", "minor": 0}]}, "at least 2 items"),
        ({"key": ""}, "key"),
        ({"vendor": "x"}, "vendor"),
    ],
)
def test_what_is_unsound_is_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DocumentParams.model_validate(SALE | changed)


def test_each_kind_takes_its_own_alone() -> None:
    assert JournalEntryParams.model_validate(SALE).kind == "journal_entry"
    with pytest.raises(ValidationError):
        DepositParams.model_validate(SALE)
    upside_down = [{"account": "1", "minor": -5}, {"account": "2", "minor": 5}]
    with pytest.raises(ValidationError, match="first line is the bank account's"):
        DepositParams.model_validate(SALE | {"kind": "deposit", "lines": upside_down})


def test_a_preview_says_the_total_and_the_lines_in_the_books_own_names() -> None:
    seen = document_preview(document_of(SALE), book="QuickBooks", names={"84": "Stripe clearing"})
    assert "100.00 USD, Stripe clearing to 79. Charge ch_1" in seen.says
    assert seen.books == ("Stripe clearing  100.00 USD", "79  -100.00 USD  ch_1")
    assert [(moves.minor, moves.currency) for moves in seen.moves] == [(10_000, "USD")]
    many = [{"account": "84", "minor": 60}] + [{"account": f"{n}", "minor": -1} for n in range(60)]
    assert (
        document_preview(document_of(SALE | {"lines": many}), book="B", names={}).books[-1]
        == "and 21 lines more"
    )
