"""What is kept of each day of a book, held against its documents."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bookhand.db.engine import Database


def kept(cx: Any) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """(book, day, currency) to how many documents can be undone, what they come to, and how many are undone and hold entries."""
    rows = cx.execute("select connection_id, day, currency, standing, total, undone from book_day")
    return {tuple(row[:3]): tuple(row[3:]) for row in rows if any(row[3:])}


def counted(cx: Any) -> dict[tuple[Any, ...], tuple[int, int, int]]:
    """The same from the documents themselves."""
    holding = set(cx.execute("select connection_id, base from book_cover"))
    sums: dict[tuple[Any, ...], Counter[str]] = {}
    for number, day, currency, total, state, base in cx.execute(
        "select connection_id, day, currency, total, state, base from book_document where reverses is null"
    ):
        one = sums.setdefault((number, day, currency), Counter())
        one["standing"] += state == "done"
        one["total"] += total if state == "done" else 0
        one["undone"] += state == "reversed" and (number, base) in holding
    told = {place: (one["standing"], one["total"], one["undone"]) for place, one in sums.items()}
    return {place: one for place, one in told.items() if any(one)}


def must_be_kept(db: Database) -> None:
    """Whatever was done: what is kept is what is there."""
    with db.transaction() as cx:
        assert kept(cx) == counted(cx)
