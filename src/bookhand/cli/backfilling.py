"""A backfill as a person sees it: a bar for each list, with count, rate and time left, then the verdict in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from bookhand.inbox.lists import STRIPE_BEGAN

if TYPE_CHECKING:
    from rich.console import Console

    from bookhand.house import House
    from bookhand.inbox.backfill import ListProgress
    from bookhand.inbox.backfill import Progress as How
    from bookhand.systems.connection import Connection

PHASES = {
    "listing": "Bringing the history in",
    "reading": "Posting",
    "gap_scan": "Looking for events that were missed",
    "checking": "Checking counts and balances",
    "complete": "Complete",
    "incomplete": "Not complete",
}


def backfill_with_bars(
    out: Console, house: House, connection: Connection, *, since: int = STRIPE_BEGAN, until: int | None = None
) -> bool:
    """Bring the history of `connection` in; whether it is complete."""
    with Bars(out) as bars:
        how = house.backfill(connection, since=since, until=until, show=bars.show)
    for each in how.lists:
        if each.state == "refused":
            out.print(f"[bold red]{each.name} was refused:[/] {escape(each.note or '')}", highlight=False)
    out.print(f"[bold]{PHASES[how.phase]}:[/] {how.seen:,} objects.", highlight=False)
    for sentence in how.verdict:
        out.print(f"  {sentence}", highlight=False, markup=False, soft_wrap=True)
    return how.phase == "complete"


class Bars:
    """Bars on a console, told of progress as often as it comes."""

    def __init__(self, out: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description:<22}"), BarColumn(bar_width=28), TextColumn("{task.fields[count]:>19}"),
            TextColumn("{task.fields[told]}"), console=out, transient=not out.is_terminal,
        )  # fmt: skip
        self._rows: dict[str, TaskID] = {}
        self._whole = self._bars.add_task("[bold]All", total=None, count="", told="")

    def show(self, how: How) -> None:
        """Draw `how`."""
        for each in how.lists:
            if each.name != "events":
                self._list(each)
        left = (
            ""
            if how.seconds_left is None or how.phase != "listing"
            else f", {duration(how.seconds_left)} left"
        )
        unread = f", {how.unread:,} to post" if how.unread else ""
        told = f"{how.rate:,.0f}/s{left}{unread}  {escape(how.note or '') or PHASES[how.phase]}"
        self._bars.update(
            self._whole,
            completed=how.seen,
            total=max(how.estimate, 1),
            count=f"{how.seen:,} of {how.estimate:,}",
            told=told,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def _list(self, each: ListProgress) -> None:
        if each.name not in self._rows:
            self._rows[each.name] = self._bars.add_task(
                f"  {each.name.replace('_', ' ')}", total=None, count="", told=""
            )
        done = each.state == "done"
        total = max(each.seen if done else each.estimate, 1)
        count = f"{each.seen:,}" if done else f"{each.seen:,} of {each.estimate:,}"
        told = "[red]refused[/]" if each.state == "refused" else "[dim]waits[/]" if each.note else ""
        self._bars.update(
            self._rows[each.name], completed=total if done else each.seen, total=total, count=count, told=told
        )


def duration(seconds: float) -> str:
    """``duration(75) == "1 min 15 s"``."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 (a minute)
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 (an hour)
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
