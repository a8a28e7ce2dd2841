"""The keeper: proves and mirrors after the journal grew, for as long as a house is at work.

keeper = Keeper(house)
keeper.look()                         # every second or so
keeper.proofs                         # the last word on every connection
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from bookhand.core.problems import BookhandError

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.journal.proof import Proof
    from bookhand.systems.connection import Connection

_HOUR = 3600.0


class Keeper:
    """Proves and mirrors after the journal grew; `look` is called every second or so."""

    def __init__(
        self,
        house: House,
        *,
        every_seconds: float = 5.0,
        again_seconds: float = 60.0,
        at_least_seconds: float = 3600.0,
    ) -> None:
        """`again_seconds` is how soon a proof that did not stand, or could not be made, is tried again."""
        self.proofs: dict[int, list[Proof]] = {}
        self._house = house
        self._every = every_seconds
        self._again = again_seconds
        self._at_least = at_least_seconds
        self._done: dict[int, tuple[int, float, bool]] = {}
        self._mirrored: dict[int, int] = {}
        self._watched: dict[int, float] = {}
        self._named: dict[int, float] = {}
        self._versions_at = float("-inf")
        self._lock = threading.Lock()

    def look(self, *, now: bool = False) -> None:
        """Prove every connection whose journal grew (or whose proof is old), and mirror; at once where `now` says so."""
        with self._lock:
            self._watch_versions()
            sizes = self._house.sizes()
            failed = [
                error
                for connection in self._house.active()
                if (now or self._is_due(connection, sizes.get(connection.id, 0)))
                and (error := self._prove(connection, sizes.get(connection.id, 0), name_gaps=now))
            ]
            sizes = self._house.sizes()
            if sizes != self._mirrored:
                self._house.mirror()
                self._mirrored = sizes
        if failed:
            raise failed[0]

    def _is_due(self, connection: Connection, size: int) -> bool:
        before, at, held = self._done.get(connection.id, (-1, float("-inf"), True))
        waited = time.monotonic() - at
        return (
            (size != before and waited >= self._every)
            or (not held and waited >= self._again)
            or waited >= self._at_least
        )

    def _prove(self, connection: Connection, size: int, *, name_gaps: bool) -> BookhandError | None:
        """Prove one connection; what stood in the way is returned, for the others are proven all the same."""
        self._done[connection.id] = (size, time.monotonic(), False)
        try:
            proofs = self._house.prove(connection, name_gaps=name_gaps)
            if not name_gaps and any(proof.off_by for proof in proofs) and self._is_time_to_name(connection):
                proofs = self._house.prove(connection, name_gaps=True)
            self._watch(connection)
        except BookhandError as error:
            return error
        self.proofs[connection.id] = proofs
        self._done[connection.id] = (size, time.monotonic(), all(proof.holds for proof in proofs))
        return None

    def _is_time_to_name(self, connection: Connection) -> bool:
        """A gap is named an hour apart at most: it takes a listing."""
        if time.monotonic() - self._named.get(connection.id, float("-inf")) < _HOUR:
            return False
        self._named[connection.id] = time.monotonic()
        return True

    def _watch(self, connection: Connection) -> None:
        """Compare the reads with Stripe's allotment, an hour apart: the count behind it is not free."""
        if time.monotonic() - self._watched.get(connection.id, float("-inf")) >= _HOUR:
            self._watched[connection.id] = time.monotonic()
            self._house.watch_reads(connection)

    def _watch_versions(self) -> None:
        """Look whether an API version comes to its end, an hour apart."""
        if time.monotonic() - self._versions_at >= _HOUR:
            self._versions_at = time.monotonic()
            self._house.watch_versions()
