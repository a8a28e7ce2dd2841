"""Outside books: which there are, how each is kept, mirroring the journal into one, comparing the two, and undoing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import typer
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from bookhand.books.setup.proposing import shown as account_shown
from bookhand.cli.app import app, out
from bookhand.cli.connect_commands import connect
from bookhand.cli.desk import desk
from bookhand.cli.tables import amount, badge, plain_table
from bookhand.core.problems import Refusal
from bookhand.systems.beancount.auth import connect_folder

if TYPE_CHECKING:
    from rich.table import Table

    from bookhand.books.comparing.compare import Comparison
    from bookhand.books.kit import Progress as How
    from bookhand.books.planning_workflow import Coverage
    from bookhand.books.room_workflow import Shown
    from bookhand.books.setup.setup_workflow import Setup
    from bookhand.core.book import Document

Name = Annotated[str, typer.Argument(help="The book's name, as `bookhand books` shows it.")]
Method = Literal["clearing", "deposit", "daily_summary"]
_SAID = {
    "payout": "in no payout yet", "open_day": "of a day that is not over", "breakdown": "of payouts that are not whole",
    "closed": "of closed days", "unmapped": "of accounts that are not mapped", "next": "for the next mirror",
}  # fmt: skip
_MOST_BREAKS = 50
_MOST_LINES = 12


@connect.command("beancount")
def connect_beancount(
    folder: Annotated[
        Path, typer.Argument(help="The ledger's folder; what is missing there is made.", file_okay=False)
    ],
    mode: Annotated[
        str, typer.Option(help="Which mode's journal it takes: live, test, or a sandbox's name.")
    ] = "live",
    name: Annotated[str | None, typer.Option(help="What to call the book.")] = None,
) -> None:
    """Connect a folder as a Beancount book that documents are written into."""
    with desk() as at:
        at.caller.need("manage")
        made = connect_folder(at.house.db, folder, mode=mode, name=name)
    out.print(
        f"Connected {made.name}: set it up with `bookhand books-setup {made.name!r}`.",
        highlight=False,
        markup=False,
    )


@app.command()
def books() -> None:
    """The books that are connected, how each is kept, and how far it is."""
    with desk() as at:
        found = at.house.books.every(at.caller)
    out.print(
        _book_table(found) if found else "No book is connected: `bookhand connect beancount FOLDER`, for one."
    )


@app.command("books-setup")
def books_setup(
    name: Name,
    *,
    method: Annotated[Method, typer.Option(help="How the journal is posted.")] = "clearing",
    since: Annotated[
        str | None, typer.Option("--from", help="The month it begins with, as in 2026-01.")
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Your own choice, by the account's id or whole name: revenue=79, or revenue@EUR=Sales for one currency.",
        ),
    ] = None,
    agree: Annotated[bool, typer.Option("--agree", help="Keep the book like this from now on.")] = False,
    why: Annotated[str, typer.Option(help="Why, for the trail.")] = "Set up at the command line",
    from_now: Annotated[
        bool,
        typer.Option(
            "--from-now", help="Change the method; what is in the book stays and is not posted again."
        ),
    ] = False,
) -> None:
    """Propose how a book is kept, with the evidence, and one real payout as it would be written; with --agree keep it so."""
    with desk() as at:
        link = at.house.books.named(at.caller, name).connection.link
        shown = at.house.books.setups.propose(
            at.caller, link, method=method, since=f"{since}-01" if since else None, chosen=dict(_pairs(mapped or []))
        )  # fmt: skip
        _show_setup(shown)
        if not agree:
            out.print("Nothing was changed: look at it, choose with --map, then run it again with --agree.")
            return
        if shown.unmapped:
            raise Refusal(
                f"Not everything is mapped: give --map for {', '.join(f'{role}@{currency}' for role, currency in shown.unmapped)}."
            )
        book = at.house.books.setups.agree(at.caller, link, shown.choice(), why, from_now=from_now)
    out.print(
        f"The book is kept by {book.method} from {book.since} on, under standing approval {book.standing_id}.",
        highlight=False, markup=False,
    )  # fmt: skip


@app.command()
def mirror(
    name: Name,
    retry: Annotated[bool, typer.Option("--retry", help="Also what the book has refused before.")] = False,
) -> None:
    """Bring a book up to the journal; stopped at any point, the next run goes on where it was."""
    with desk() as at, _Bar() as bar:
        at.caller.need("propose")
        link = at.house.books.named(at.caller, name).connection.link
        done = at.house.books.mirrors.mirror(link, told=bar.show, retry=retry)
    out.print(
        f"{done.entries:,} entries are newly covered, {done.written:,} documents were written.",
        highlight=False,
    )
    _show_waiting(done.coverage)
    for each in done.refused[:_MOST_BREAKS]:
        out.print(f"Refused: {each.content.number} ({each.key}): {each.why}", highlight=False, markup=False)
    raise typer.Exit(1 if done.refused else 0)


@app.command()
def compare(
    name: Name,
    since: Annotated[str | None, typer.Option("--from", help="The first day, as in 2026-01-01.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day.")] = None,
) -> None:
    """Compare a book with the journal, by account and month; exit code 1 where they differ. Who may propose keeps its Breaks as Problems."""
    with desk() as at:
        link = at.house.books.named(at.caller, name).connection.link
        compares = at.house.books.compares
        compare_ = compares.keep if "propose" in at.caller.can else compares.compare
        found = compare_(at.caller, link, since=since, until=until)
    out.print(_comparison_table(found.comparison))
    for each in found.comparison.breaks[:_MOST_BREAKS]:
        out.print(
            f"{each.cause.replace('_', ' ')}: {each.says}", highlight=False, markup=False, soft_wrap=True
        )
    if len(found.comparison.breaks) > _MOST_BREAKS:
        out.print(f"… and {len(found.comparison.breaks) - _MOST_BREAKS:,} differences more.")
    for note in found.comparison.notes[:_MOST_BREAKS]:
        out.print(f"only words: {note.says}", highlight=False, markup=False, soft_wrap=True)
    if len(found.comparison.notes) > _MOST_BREAKS:
        out.print(f"… and {len(found.comparison.notes) - _MOST_BREAKS:,} documents more with other words.")
    for (account, currency), minor in found.unexplained.items():
        out.print(
            f"unexplained: the journal has {amount(minor, currency)} {currency} more on {account}.",
            markup=False,
        )
    _show_waiting(found.coverage)
    if found.comparison.on_way:
        out.print(f"On their way to the book: {len(found.comparison.on_way):,} documents.")
    if found.undone:
        out.print(
            f"Undone and not let be posted again: {found.undone:,} documents; what they covered is in neither column."
        )
    out.print("[bold green]equal[/]" if found.equal else "[bold red]not equal[/]")
    raise typer.Exit(0 if found.equal else 1)


@app.command("undo-books")
def undo_books(
    name: Name,
    since: Annotated[str, typer.Option("--from", help="The first day, as in 2026-01-01.")],
    until: Annotated[str, typer.Option("--to", help="The last day.")],
    again: Annotated[bool, typer.Option("--again", help="What they covered may be posted again.")] = False,
    why: Annotated[str, typer.Option(help="Why, for the trail.")] = "Undone at the command line",
) -> None:
    """Reverse the documents of some days by journal entries; nothing is deleted. Where four eyes are needed, it waits for somebody else."""
    with desk() as at, _Bar() as bar:
        link = at.house.books.named(at.caller, name).connection.link
        done = at.house.books.undos.undo(
            at.caller, link, since=since, until=until, why=why, again=again, told=bar.show
        )
    out.print(
        f"{done.written:,} reversals were written; {done.reversed:,} documents of these days are undone"
        + (f", and {done.freed:,} entries may be posted again." if again else "."),
        highlight=False,
    )


class _Bar:
    """A bar with count, pace and time left."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("Writing"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[said]}"),
            console=out,
            transient=True,
        )
        self._row = self._bars.add_task("", total=None, said="")

    def show(self, how: How) -> None:
        """Draw `how`."""
        said = (
            f"{how.done:,} of {how.total:,}, {how.per_second:,.0f} a second, {_time(how.left_seconds)} left"
        )
        self._bars.update(self._row, total=how.total or 1, completed=how.done, said=said)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return (
        f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
    )


def _pairs(words: Iterable[str]) -> Iterable[tuple[str, str]]:
    for word in words:
        role, equals, account = word.partition("=")
        if not (role and equals and account):
            raise Refusal(f"{word[:60]!r} is no mapping: write role=account, as in revenue=4000.")
        yield role, account


def _book_table(found: Iterable[Shown]) -> Table:
    table = plain_table("Books")
    for heading in (
        "Name",
        "System",
        "Mode",
        "Method",
        "From",
        "Entries",
        "Written",
        "Waiting to be sent",
        "Refused",
    ):
        table.add_column(heading)
    for each in found:
        book, tally, link = each.book, each.tally, each.connection.link
        cells = (book.method, book.since) if book else ("not set up", "")
        counts = (tally.entries, tally.done + tally.reversed, tally.intended, tally.failed)
        table.add_row(
            each.connection.name, link.system, badge(link.mode), *cells, *(f"{count:,}" for count in counts)
        )
    return table


def _show_setup(shown: Setup) -> None:
    table = plain_table(f"{shown.company.name}: {shown.method} from {shown.since}")
    for heading in ("Journal", "Currency", "Account of the book", "Evidence"):
        table.add_column(heading)
    names = {account.id: account_shown(account) for account in shown.accounts}
    for line in shown.lines:
        found = shown.mapping.line(line.journal, line.currency)
        chosen = found is not None and found.account != line.account
        evidence = "You chose it." if chosen else line.evidence
        where = (
            Text("not mapped", "bold red") if found is None else Text(names.get(found.account, found.account))
        )
        table.add_row(line.journal, line.currency, where, evidence)
    out.print(table)
    for document in shown.sample:
        _show_document(document, names)
    for sentence in (*shown.pace, *shown.warnings):
        out.print(sentence, highlight=False, markup=False)


def _show_document(document: Document, names: dict[str, str]) -> None:
    table = plain_table(f"{document.kind.replace('_', ' ')} of {document.day}: {document.memo}")
    table.add_column("Account")
    table.add_column("What")
    table.add_column(document.currency, justify="right")
    for line in document.lines[:_MOST_LINES]:
        table.add_row(
            names.get(line.account, line.account), Text(line.memo), amount(line.minor, document.currency)
        )
    if len(document.lines) > _MOST_LINES:
        table.add_row("…", f"{len(document.lines) - _MOST_LINES:,} lines more", "")
    out.print(table)


def _show_waiting(coverage: Coverage) -> None:
    for (cause, currency), (count, minor) in sorted(coverage.waits().items()):
        said = _SAID.get(cause, cause)
        out.print(
            f"{count:,} entries wait, {said}: {amount(minor, currency)} {currency} on clearing.",
            highlight=False,
            markup=False,
        )


def _comparison_table(comparison: Comparison) -> Table:
    table = plain_table("The journal against the book")
    for heading in ("Account", "Month", "Currency"):
        table.add_column(heading)
    for heading in ("Journal", "Book", "Difference"):
        table.add_column(heading, justify="right")
    for row in comparison.rows:
        figures = [Text(amount(minor, row.currency)) for minor in (row.journal, row.book, row.difference)]
        figures[2].stylize("bold red" if row.difference else "green")
        table.add_row(row.name, row.month, row.currency, *figures)
    return table
