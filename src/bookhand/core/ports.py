"""The roles that rooms play for each other; `wiring.py` says who plays which.

A reader takes a batch of facts of one connection inside the transaction that is open, and returns what it found wrong.
It must give the same result for the same facts in any order, doubled or split over batches.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from bookhand.core.facts import Link, Seen
from bookhand.core.problems import Problem

if TYPE_CHECKING:
    from psycopg import Connection as Transaction


class Reader(Protocol):
    """Reads facts and writes what follows from them; never commits."""

    def __call__(self, cx: Transaction, link: Link, facts: Sequence[Seen]) -> list[Problem]:
        """Read `facts` of `link` in the open transaction `cx`."""
        ...
