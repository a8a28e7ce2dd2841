"""Books: mirror the journal into a Beancount book, and have Beancount check it.

    mirrored = mirror(db, Path("books"), [link])      # only files whose months changed are written
    errors = verify(Path("books"))                    # what bean-check says; empty for a good book

The book is downstream of the journal: it can be deleted and written again at any time, to the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg

from bookhand.books import plan as planning
from bookhand.books.plan import Plan, Shelf
from bookhand.core.facts import Link
from bookhand.core.problems import Problem, Refusal
from bookhand.db.engine import Database
from bookhand.journal import period_store, store
from bookhand.journal.chart import Chart, default_chart
from bookhand.systems.beancount.client import Folder, bean_check
from bookhand.workspace import store as problem_store

_LOCK = 7_202_603


class Mirrored(msgspec.Struct, frozen=True, kw_only=True):
    """What mirroring did: the files written and left as they were, the entries in the book, and the findings."""

    written: list[str]
    unchanged: list[str]
    entries: int
    problems: list[Problem]


def mirror(db: Database, folder: Path, links: Sequence[Link], *, chart: Chart | None = None) -> Mirrored:
    """Bring the book in `folder` up to the journals of `links`, all of one mode.

    A file of ours that a person edited is kept aside with a Problem, and written anew.
    """
    _one_mode(links)
    with _alone(db, folder), db.transaction() as cx:
        cx.execute("set transaction isolation level repeatable read")
        book = _plan(cx, links, chart or default_chart())
        mirrored = _write(cx, Folder(folder), book)
        for link in links[:1]:
            problem_store.report(cx, link, mirrored.problems)
    return mirrored


@contextmanager
def _alone(db: Database, folder: Path) -> Iterator[None]:
    """Take turns with other mirrors into `folder`, of whichever process, so that an older journal is never written over a newer one."""
    with closing(db.connect(autocommit=True)) as cx:
        cx.execute("select pg_advisory_lock(hashtextextended(%s, %s))", (str(folder.resolve()), _LOCK))
        yield


def verify(folder: Path) -> list[str]:
    """What Beancount's own checker says against the book in `folder`; empty for a good one."""
    ledger = folder / planning.MAIN
    if not ledger.exists():
        raise Refusal(f"There is no book at {ledger}: write it with `bookhand export` first.")
    return bean_check(ledger)


def _one_mode(links: Sequence[Link]) -> None:
    modes = {link.mode for link in links}
    if len(modes) > 1:
        raise Refusal(
            f"A book holds one mode, not {', '.join(sorted(modes))}: play money and real money have books of their own."
        )


def _plan(cx: psycopg.Connection[Any], links: Sequence[Link], chart: Chart) -> Plan:
    calendar = period_store.calendar(cx, links[0].workspace_id) if links else None
    return Plan(
        chart=chart,
        timezone=calendar.timezone if calendar else "UTC",
        shelves=tuple(
            Shelf(link=link, months=store.months(cx, link), activity=store.activity(cx, link))
            for link in sorted(links, key=lambda link: link.connection_id)
        ),
    )


def _write(cx: psycopg.Connection[Any], folder: Folder, book: Plan) -> Mirrored:
    written, unchanged, problems = [], [], []
    folder.clear_left_over()
    names = planning.files(book)
    for name in names:
        made_from = book.made_from(name)
        if folder.is_current(name, made_from):
            unchanged.append(name)
            continue
        aside = folder.set_aside(name)
        if aside is not None:
            problems.append(_edited(name, aside))
        folder.write(name, made_from, _text(cx, book, name))
        written.append(name)
    folder.forget_others(names)
    entries = sum(sum(shelf.months.values()) for shelf in book.shelves)
    return Mirrored(written=written, unchanged=unchanged, entries=entries, problems=problems)


def _text(cx: psycopg.Connection[Any], book: Plan, name: str) -> Iterator[str]:
    makers = {
        planning.MAIN: planning.main_file,
        planning.ACCOUNTS: planning.accounts_file,
        planning.BALANCES: planning.balances_file,
    }
    if name in makers:
        return makers[name](book)
    month = name.removesuffix(".beancount")
    entries = [store.entries(cx, shelf.link, month=month) for shelf in book.shelves]
    return planning.month_file(book, entries)


def _edited(name: str, aside: Path) -> Problem:
    return Problem(
        kind="book_edited",
        subject=name,
        message=f"{name} of the Beancount book is written by bookhand and was edited. The edited file is kept as {aside}; "
        "move what is yours into a file of your own that includes main.beancount.",
    )
