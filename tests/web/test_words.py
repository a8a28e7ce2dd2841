"""Figures for people."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.web import samples

from bookhand.web.words import account, ago, duration, rate


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 ms"), (0.0042, "4 ms"), (1, "1.0 s"), (9.96, "10.0 s"), (59.6, "1 min"), (72, "1 min 12 s"), (3600, "1 h"), (7320, "2 h 2 min"), (90061, "1 d 1 h"), (86460, "1 d")],
)  # fmt: skip
def test_durations(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "just now"),
        (-3, "just now"),
        (12, "12 s ago"),
        (61, "1 min ago"),
        (7300, "2 h ago"),
        (90000, "22 Nov 2026"),
    ],
)
def test_ages(seconds: float, words: str) -> None:
    assert ago(samples.NOW - timedelta(seconds=seconds), samples.NOW) == words


def test_rates_and_accounts() -> None:
    assert (rate(10432.4), rate(0.4)) == ("10,432/s", "24/min")
    assert account("sales_tax_payable:txr_1") == "Sales tax payable · txr 1"
