"""Money is exact: whole minor units, one currency, nothing lost in a split."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.entry import Entry, Posting, reversal
from bookhand.core.money import (
    EXPONENTS,
    PAYOUT_MULTIPLE,
    CurrencyError,
    Money,
    exponent,
    format_minor,
    parse_money,
    split_minor,
)

minors = st.integers(-(10**15), 10**15)
currencies = st.sampled_from(sorted(EXPONENTS))


@given(minors, st.lists(st.integers(0, 10**9), min_size=1, max_size=8).filter(any))
def test_a_split_loses_nothing_and_nobody_gets_a_unit_more_than_due(minor: int, weights: list[int]) -> None:
    parts = split_minor(minor, weights)
    assert sum(parts) == minor
    total = sum(weights)
    for part, weight in zip(parts, weights, strict=True):
        assert abs(Decimal(part) - Decimal(minor) * weight / total) < 1
        assert weight or part == 0


@given(minors, currencies)
def test_text_reads_back_to_the_same_amount(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert parse_money(format_minor(minor, currency), currency) == money
    assert money.decimal == Decimal(format_minor(minor, currency))


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(-5, "USD", "-0.05"), (500, "JPY", "500"), (12340, "KWD", "12.340"), (500, "ISK", "5.00"), (500, "UGX", "5.00"), (0, "EUR", "0.00")],
)  # fmt: skip
def test_decimals_are_stripes(minor: int, currency: str, text: str) -> None:
    assert format_minor(minor, currency) == text


def test_two_currencies_never_meet() -> None:
    for meet in (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b):
        with pytest.raises(CurrencyError, match="two currencies"):
            meet(Money(1, "USD"), Money(1, "EUR"))
    assert Money(1, "usd") + Money(2, "USD") == Money(3, "USD")


@pytest.mark.parametrize("wrong", [1.0, True, "1", Decimal(1), None])
def test_only_whole_units_are_money(wrong: object) -> None:
    with pytest.raises(TypeError, match="whole minor units"):
        Money(wrong, "USD")


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(CurrencyError, match="core/money"):
        exponent("ZZZ")
    with pytest.raises(ValueError, match="more decimals"):
        parse_money("1.005", "USD")
    for weights in ([], [0, 0], [2, -1]):
        with pytest.raises(ValueError, match="Weights"):
            split_minor(1, weights)


def test_payouts_of_odd_currencies_are_whole_units() -> None:
    assert set(PAYOUT_MULTIPLE) <= set(EXPONENTS)
    assert all(multiple == 10 ** EXPONENTS[currency] for currency, multiple in PAYOUT_MULTIPLE.items())


@given(st.lists(st.tuples(currencies, minors), max_size=6))
def test_an_entry_and_its_reversal_are_nothing(lines: list[tuple[str, int]]) -> None:
    postings = tuple(Posting("a", currency, minor) for currency, minor in lines)
    entry = Entry(key="k", happened_at=1, kind="charge", why="w", postings=postings)
    back = reversal(entry, key="k:undone", happened_at=2, why="w")
    assert back.reverses == "k"
    both = Entry(key="b", happened_at=1, kind="charge", why="w", postings=entry.postings + back.postings)
    assert both.imbalance() == {}
    assert {c: -m for c, m in entry.imbalance().items()} == back.imbalance()
