"""Reads the mail once more for customers, behind the posting: whom each object is about.

    index = Index(db)
    while index.look(link):               # a batch; 0 when everything that is there was read
        pass

A delivery is read when it is there, and once more when it is old enough that nothing with a smaller number can still appear: two
transactions may be committed in another order than their numbers. What is read twice changes nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bookhand.core.facts import Link
from bookhand.db.engine import Database
from bookhand.workflows.customers import store
from bookhand.workflows.customers.parties import party_of

BATCH = 2000
SETTLES_AFTER = timedelta(seconds=60)


class Index:
    """See the module's docstring. One a process; two at once do each other no harm."""

    def __init__(self, db: Database, *, batch: int = BATCH, settles_after: timedelta = SETTLES_AFTER) -> None:
        self._db = db
        self._batch = batch
        self._settles_after = settles_after
        self._fresh: dict[int, int] = {}

    def look(self, link: Link, *, now: datetime | None = None) -> int:
        """Read a batch of what is new at `link`, and let what is old enough rest; how many deliveries were looked at."""
        before = (now or datetime.now(UTC)) - self._settles_after
        with self._db.transaction() as cx:
            settled = store.settled(cx, link)
            old = store.aged(cx, link, after=settled, before=before)
            if old > settled:
                return self._read(cx, link, after=settled, upto=old)
            return self._read(cx, link, after=max(settled, self._fresh.get(link.connection_id, 0)), upto=None)

    def _read(self, cx: store.Transaction, link: Link, *, after: int, upto: int | None) -> int:
        letters, last = store.letters(cx, link, after=after, limit=self._batch)
        if last is None:
            return 0
        parties = [
            (party, each.as_of)
            for each in letters
            if (party := party_of(each.body, is_event=each.is_event)) is not None
        ]
        store.keep(cx, link, parties)
        if upto is not None:
            store.settle(cx, link, min(last, upto))
        self._fresh[link.connection_id] = max(self._fresh.get(link.connection_id, 0), last)
        return last - after
