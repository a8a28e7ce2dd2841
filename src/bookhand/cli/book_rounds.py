"""What a house at work does for the outside books: payouts are reconciled with the bank, then every book is brought up to the journal.

rounds = BookRounds(house, stop=stopping.is_set)
rounds.look()                         # every few seconds; without news it reads a little and changes nothing
"""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bookhand.core.problems import BookhandError
from bookhand.systems.quickbooks import auth as quickbooks

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.house import House

log = structlog.get_logger(__name__)

_DAY_SECONDS = 86_400.0


class BookRounds:
    """Reconciles at each look; mirrors a book when the journal grew or a person had something undone, and every `again_seconds` in any case."""

    def __init__(
        self,
        house: House,
        *,
        stop: Callable[[], bool] = lambda: False,
        again_seconds: float = 600.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`again_seconds` is how soon what waits for a day, a payout or a person is looked at again."""
        self._house = house
        self._stop = stop
        self._again = again_seconds
        self._clock = clock
        self._done: dict[int, tuple[dict[int, int], float]] = {}
        self._looked_after = float("-inf")

    def look(self) -> None:
        """One round; what fails with one book holds up no other, and is tried again at the next."""
        self._try("payouts", self._house.payouts.reconcile)
        for link in self._house.books.ready():
            if self._stop():
                return
            sizes, now = self._house.sizes(), self._clock()
            before = self._done.get(link.connection_id)
            if (
                before is None
                or before[0] != sizes
                or now - before[1] >= self._again
                or self._house.books.mirrors.has_news(link)
            ):
                mirrored = self._try(
                    link.account, partial(self._house.books.mirrors.mirror, link, stop=self._stop)
                )
                if mirrored:
                    self._done[link.connection_id] = (sizes, now)
        if self._clock() - self._looked_after >= _DAY_SECONDS:
            self._looked_after = self._clock()
            for sentence in quickbooks.look_after(self._house.db, self._house.secrets):
                log.warning("quickbooks", says=sentence)

    def _try(self, what: str, work: Callable[[], object]) -> bool:
        try:
            work()
        except BookhandError as error:
            log.warning("books_wait", what=what, why=str(error))
            return False
        return True
