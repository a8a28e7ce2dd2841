"""A backfill's plan, pure: lists cut into slices of time, each read newest first with a cursor of its own.

A slice can be cut in two while it is being read: the older half becomes a slice of its own, so idle hands find work where most
is left. Slices of one list always tile its range without a hole (`holes` is the proof). `Progress` is what a screen shows.

>>> (whole,) = plan(["charges"], since=0, until=100)
>>> whole = after_page(whole, first_id="ch_9", last_id="ch_5", reached=60, count=100, has_more=True)
>>> newer, older = split(whole, number=1)
>>> (newer.since, newer.until), (older.since, older.until), holes([newer, older], since=0, until=100)
((30, 100), (0, 30), [])
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from bookhand.inbox.lists import EVENTS_KEPT_DAYS, LISTS, PAGE_SIZE, STRIPE_BEGAN, StripeList

EVENTS = StripeList(name="events", object="event")
"""The gap scan is one more list: every event Stripe still has, against those we were told."""
WORTH_SPLITTING = 5 * PAGE_SIZE
_DAY = 86400


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Part of a list: objects created from `since` up to but not including `until` (Unix seconds), read down to `reached`.

    `cursor_id` is the last object kept, `first_id` the first; `seen` objects came, of which `fresh` were new to us.
    """

    list: str
    number: int
    since: int
    until: int
    reached: int
    cursor_id: str | None = None
    first_id: str | None = None
    state: str = "waiting"
    seen: int = 0
    fresh: int = 0
    pages: int = 0
    note: str | None = None
    top: int | None = None
    """When its newest object was made, once known in this process: the time above it is empty, and says nothing of the rest."""

    @property
    def key(self) -> tuple[str, int]:
        """What names it within its backfill."""
        return self.list, self.number


def plan(lists: Iterable[str], *, since: int, until: int) -> list[Slice]:
    """One slice a list to begin with; they are cut as soon as it is known how much there is."""
    return [_whole(name, since=STRIPE_BEGAN if LISTS[name].whole else since, until=until) for name in lists]


def plan_events(*, now: int) -> Slice:
    """The slice of the gap scan: what Stripe keeps of events."""
    return _whole(EVENTS.name, since=now - EVENTS_KEPT_DAYS * _DAY, until=now + 1)


def list_of(name: str) -> StripeList:
    """The list a slice is of."""
    return EVENTS if name == EVENTS.name else LISTS[name]


def params_of(part: Slice) -> dict[str, str | int]:
    """What to ask for the slice's next page."""
    upper = part.until if part.cursor_id or not part.pages else min(part.until, part.reached + 1)
    asked: dict[str, str | int] = {
        **list_of(part.list).params, "limit": PAGE_SIZE, "created[gte]": part.since, "created[lt]": upper,
    }  # fmt: skip
    return {**asked, "starting_after": part.cursor_id} if part.cursor_id else asked


def after_page(
    part: Slice,
    *,
    first_id: str | None,
    last_id: str | None,
    reached: int | None,
    count: int,
    has_more: bool,
    top: int | None = None,
) -> Slice:
    """The slice once a page was kept; it is done where Stripe has no more, or the page went past its older end."""
    down_to = part.reached if reached is None else min(part.reached, reached)
    done = not has_more or count == 0 or down_to < part.since
    return msgspec.structs.replace(
        part, cursor_id=last_id or part.cursor_id, first_id=part.first_id or first_id, reached=down_to,
        state="done" if done else "waiting", seen=part.seen + count, pages=part.pages + 1, note=None,
        top=part.top if part.top is not None else top,
    )  # fmt: skip


def without_cursor(part: Slice) -> Slice:
    """The object the cursor stood on is gone: go on by time, reading its second again."""
    return msgspec.structs.replace(part, cursor_id=None)


def left_in(part: Slice, density: float = 0.0) -> float:
    """About how many objects a slice still has; `density` (a second) is its list's, for one that was not begun."""
    if part.state != "waiting":
        return 0.0
    covered = (part.top or part.until) - part.reached
    rate = part.seen / covered if part.pages and covered > 0 else density
    return rate * max(0, part.reached - part.since)


def density_of(parts: Iterable[Slice]) -> float:
    """Objects a second, over what was read of a list."""
    begun = [
        (part.seen, part.until - (part.since if part.state == "done" else part.reached))
        for part in parts
        if part.pages
    ]
    seconds = sum(covered for _, covered in begun)
    return sum(seen for seen, _ in begun) / seconds if seconds > 0 else 0.0


def can_split(part: Slice, density: float = 0.0) -> bool:
    """Whether there is enough left to be worth a second pair of hands."""
    return (
        part.state == "waiting"
        and part.reached - part.since > 1
        and left_in(part, density) >= WORTH_SPLITTING
    )


def split(part: Slice, *, number: int) -> tuple[Slice, Slice]:
    """Cut what is left of a slice in two by time: (the newer part, still being read; the older part, new)."""
    middle = (part.since + part.reached) // 2
    older = Slice(list=part.list, number=number, since=part.since, until=middle, reached=middle)
    return msgspec.structs.replace(part, since=middle), older


def holes(parts: Sequence[Slice], *, since: int, until: int) -> list[tuple[int, int]]:
    """The times between `since` and `until` that no slice covers: none, or something is wrong."""
    found, at = [], since
    for part in sorted(parts, key=lambda each: each.since):
        if part.since > at:
            found.append((at, part.since))
        at = max(at, part.until)
    if at < until:
        found.append((at, until))
    return found


# --- what a screen shows ---


class ListProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one list is: ``waiting``, ``done`` or ``refused`` (with Stripe's sentence in `note`)."""

    name: str
    state: str
    seen: int
    estimate: int
    slices: int
    slices_done: int
    note: str | None = None


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a backfill is. `estimate` is the total it is heading for; `seconds_left` is None while nobody can say.

    `phase` is ``listing``, ``reading`` (the queue is being posted), ``gap_scan``, ``checking``, ``complete`` or ``incomplete``;
    `verdict` then says why in sentences, or in `note` what it waits for.
    """

    phase: str
    seen: int
    estimate: int
    unread: int
    rate: float
    seconds_left: float | None
    lists: tuple[ListProgress, ...]
    verdict: tuple[str, ...] = ()
    note: str | None = None


def progress_of(
    parts: Sequence[Slice],
    *,
    phase: str,
    rate: float,
    unread: int = 0,
    verdict: Sequence[str] = (),
    note: str | None = None,
) -> Progress:
    """What the slices say; `rate` in objects a second."""
    names = list(dict.fromkeys(part.list for part in parts))
    lists = tuple(_list_progress(name, [part for part in parts if part.list == name]) for name in names)
    seen, estimate = sum(each.seen for each in lists), sum(each.estimate for each in lists)
    return Progress(
        phase=phase, seen=seen, estimate=estimate, unread=unread, rate=rate, lists=lists, verdict=tuple(verdict),
        seconds_left=(estimate - seen) / rate if rate > 0 else None,
        note=note or next((each.note for each in lists if each.note and each.state == "waiting"), None),
    )  # fmt: skip


def _list_progress(name: str, parts: Sequence[Slice]) -> ListProgress:
    density = density_of(parts)
    states = {part.state for part in parts}
    seen = sum(part.seen for part in parts)
    return ListProgress(
        name=name, state="refused" if "refused" in states else "waiting" if "waiting" in states else "done", seen=seen,
        estimate=seen + round(sum(left_in(part, density) for part in parts)), slices=len(parts),
        slices_done=sum(part.state == "done" for part in parts), note=next((part.note for part in parts if part.note), None),
    )  # fmt: skip


def _whole(name: str, *, since: int, until: int) -> Slice:
    return Slice(list=name, number=0, since=since, until=until, reached=until)
