"""What a house at work looks at for the bank's sake: the folder of statement files, and the banks that are connected through Plaid.

rounds = BankRounds(house)
rounds.look()                         # every few seconds
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import structlog

from bookhand import wiring
from bookhand.core.problems import BookhandError, Refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.house import House

log = structlog.get_logger(__name__)


class BankRounds:
    """Looks at the folder each time, and at Plaid when its minutes are over."""

    def __init__(self, house: House, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._house = house
        self._clock = clock
        self._watcher = wiring.watcher_of(house, mode="live" if house.main_mode == "live" else "test")
        self._asked = float("-inf")

    def look(self) -> None:
        """One round; what fails at one bank does not hold up the others."""
        if self._watcher is not None:
            for sentence in self._watcher.look():
                log.info("bank_folder", says=sentence)
        if self._clock() - self._asked >= self._house.settings.plaid_minutes * 60:
            self._asked = self._clock()
            self._ask_plaid()

    def _ask_plaid(self) -> None:
        fed = [each for each in self._house.every() if each.auth == "plaid" and each.status == "active"]
        if not fed:
            return
        try:
            plaid = wiring.plaid_of(self._house)
        except Refusal as error:
            log.warning("plaid_waits", why=str(error))
            return
        feed = wiring.feed_of(self._house, plaid)
        for each in fed:
            try:
                feed.sync(each)
            except BookhandError as error:
                log.warning("plaid_waits", connection=each.name, why=str(error))
        plaid.close()
