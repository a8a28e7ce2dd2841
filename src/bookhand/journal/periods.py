"""Periods: months of the ledger, open or closed.

>>> Calendar(timezone="UTC", late="post_open", closed=frozenset({"2025-12", "2026-01"})).first_open_day("2025-12-30")
'2026-02-01'
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from bookhand.core.days import next_period
from bookhand.core.problems import Refusal

Late = Literal["post_open", "ask"]
_PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """How a workspace dates its entries: `late` says what becomes of a fact whose period is closed."""

    timezone: str
    late: Late
    closed: frozenset[str] = frozenset()
    anyone_waits: bool = False

    def first_open_day(self, day: str) -> str:
        """The first day of the first open period after that of `day`."""
        period = day[:7]
        while period in self.closed:
            period = next_period(period)
        return f"{period}-01"


def checked(period: str) -> str:
    """`period` if it reads like ``2026-11``; a `Refusal` otherwise."""
    if not _PERIOD.fullmatch(period):
        raise Refusal(f"{period!r} is no period: write a month, as in 2026-11.")
    return period
