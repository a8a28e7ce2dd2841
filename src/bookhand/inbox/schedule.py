"""Who reads which slice next: the shared desk of a backfill's fetchers. Safe between threads; touches nothing outside.

A free fetcher takes the slice of the list that fewest others read, so that no single endpoint's limit holds all of them up;
where nothing waits, the slice with most left is cut in two. What changed is handed to whoever saves it, splits before pages.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence

import msgspec

from bookhand.inbox.backfill import Slice, after_page, can_split, density_of, left_in, split, without_cursor
from bookhand.systems.stripe.translate import About

Key = tuple[str, int]


class Schedule:
    """The slices of one backfill while it runs."""

    def __init__(self, slices: Sequence[Slice], *, clock: Callable[[], float]) -> None:
        """`clock` is monotonic seconds."""
        self._slices = {part.key: part for part in slices}
        self._clock = clock
        self._taken: set[Key] = set()
        self._rest_until: dict[str, float] = {}
        self._unsaved: list[Slice] = []
        self._changed = threading.Condition()
        self._stopped = False

    def take(self) -> Slice | None:
        """The next slice to read; waits where all of them rest; None once there is nothing left to do, or it was stopped."""
        with self._changed:
            while not self._stopped:
                found = self._free() or self._cut()
                if found is not None:
                    self._taken.add(found.key)
                    return found
                if not any(part.state == "waiting" for part in self._slices.values()):
                    self._changed.notify_all()
                    return None
                self._changed.wait(0.25)
            return None

    def now(self, key: Key) -> Slice:
        """The slice as it is by now: its older end may have been cut off."""
        with self._changed:
            return self._slices[key]

    def kept(self, key: Key, *, first: About | None, last: About | None, count: int, has_more: bool) -> Slice:
        """A page was read, from `first` to `last`; returns the slice after it."""
        with self._changed:
            part = after_page(
                self._slices[key], first_id=first.id if first else None, last_id=last.id if last else None,
                reached=last.created if last else None, top=first.created if first else None, count=count, has_more=has_more,
            )  # fmt: skip
            self._put(part)
            return part

    def lost_cursor(self, key: Key) -> None:
        """The cursor's object is gone."""
        with self._changed:
            self._put(without_cursor(self._slices[key]))

    def rest(self, key: Key, *, seconds: float, note: str) -> Slice:
        """Stripe is away for this list: nobody asks for it for a while."""
        with self._changed:
            part = msgspec.structs.replace(self._slices[key], note=note)
            self._put(part)
            self._rest_until[key[0]] = self._clock() + seconds
            self._taken.discard(key)
            self._changed.notify_all()
            return part

    def refuse(self, name: str, *, note: str) -> list[Slice]:
        """We may not read this list: all that is left of it is refused."""
        with self._changed:
            left = [part for part in self._slices.values() if part.list == name and part.state == "waiting"]
            refused = [msgspec.structs.replace(part, state="refused", note=note) for part in left]
            for part in refused:
                self._put(part)
            return refused

    def splits(self) -> list[Slice]:
        """Slices that were cut since this was asked last, to be saved before any page of theirs."""
        with self._changed:
            found, self._unsaved = self._unsaved, []
            return found

    def slices(self) -> list[Slice]:
        """All of them, as they are."""
        with self._changed:
            return list(self._slices.values())

    def stop(self) -> None:
        """Give nothing out any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _put(self, part: Slice) -> None:
        self._slices[part.key] = part
        if part.state != "waiting":
            self._taken.discard(part.key)
            self._changed.notify_all()

    def _free(self) -> Slice | None:
        readers = Counter(name for name, _ in self._taken)
        free = [
            part
            for part in self._slices.values()
            if part.state == "waiting" and part.key not in self._taken and self._awake(part)
        ]
        return min(free, key=lambda part: (readers[part.list], part.number), default=None)

    def _cut(self) -> Slice | None:
        """Cut the slice with most left in two and return the older part."""
        readers = Counter(name for name, _ in self._taken)
        running = [part for part in map(self._slices.__getitem__, self._taken) if self._awake(part)]
        rates = {
            name: density_of([p for p in self._slices.values() if p.list == name])
            for name in {p.list for p in running}
        }
        running = [part for part in running if can_split(part, rates[part.list])]
        if not running:
            return None
        most = max(running, key=lambda part: left_in(part, rates[part.list]) / readers[part.list])
        number = 1 + max(other for name, other in self._slices if name == most.list)
        newer, older = split(most, number=number)
        self._slices[newer.key], self._slices[older.key] = newer, older
        self._unsaved += [newer, older]
        return older

    def _awake(self, part: Slice) -> bool:
        return self._rest_until.get(part.list, 0.0) <= self._clock()
