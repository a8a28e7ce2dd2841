"""Business days: lags over weekends and holidays, in each currency's own calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.workflows.payouts.matching.bank_days import calendar_of

days = st.dates(date(2015, 1, 1), date(2035, 12, 31)).map(date.isoformat)
currencies = st.sampled_from(["USD", "EUR", "GBP", "JPY", "KWD", "XAF"])


@pytest.mark.parametrize(
    ("currency", "expected", "day", "lag"),
    [
        ("USD", "2026-07-02", "2026-07-06", 2),  # the 4th is a Saturday: the Federal Reserve works on Friday
        ("USD", "2026-11-25", "2026-11-27", 1),
        ("EUR", "2026-04-02", "2026-04-07", 1),
        ("EUR", "2026-10-02", "2026-10-05", 1),  # a holiday of Germany is none of the ECB
        ("GBP", "2026-12-24", "2026-12-29", 1),
        ("JPY", "2026-01-01", "2026-01-05", 0),
        ("KWD", "2026-03-05", "2026-03-08", 1),  # Friday and Saturday are the weekend
        ("XAF", "2026-12-24", "2026-12-25", 1),
        ("USD", "2025-12-31", "2026-01-02", 1),
        ("USD", "2026-01-02", "2025-12-31", -1),
    ],
)
def test_lags(currency, expected, day, lag):
    assert calendar_of(currency).lag(expected, day) == lag


@given(currency=currencies, first=days, second=days, third=days)
def test_lags_add_up_and_never_go_back(currency, first, second, third):
    lag = calendar_of(currency).lag
    assert lag(first, second) + lag(second, third) == lag(first, third)
    assert first > second or lag(first, second) >= 0


@given(currency=currencies, day=days)
def test_a_day_later_is_at_most_one_later(currency, day):
    after = (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    assert calendar_of(currency).lag(day, after) in {0, 1}


def test_what_is_no_day_is_an_error():
    with pytest.raises(ValueError, match="isoformat"):
        calendar_of("USD").place("2026-02-30x")


@pytest.mark.parametrize("currency", ["USD", "GBP", "XAF"])
def test_days_of_other_centuries_have_their_place_too(currency):
    """A line may bear any day: where it lies stops nobody else's payouts."""
    calendar = calendar_of(currency)
    some = [
        "0001-01-01",
        "1000-01-01",
        "1969-12-31",
        "1970-01-01",
        "2026-01-02",
        "2099-12-31",
        "2100-01-01",
        "9999-12-31",
    ]
    assert [calendar.place(day) for day in some] == sorted(calendar.place(day) for day in some)
    assert calendar.lag("9999-12-30", "9999-12-31") == calendar.lag("0001-01-01", "0001-01-02") == 1
    assert calendar.lag("2099-12-31", "2100-01-01") == 1
