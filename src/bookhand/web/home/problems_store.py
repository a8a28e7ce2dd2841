"""A page of the Problems that wait for a person, newest first; those of one cause are one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bookhand.core.problems import Refusal
from bookhand.web.api.shown import decode, encode
from bookhand.web.home.things import Thing, thing
from bookhand.workspace.store import ONE_CAUSE

PAGE = 50


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Problems of one cause as a person sees them: `connections` tell it, each in its own words (`messages`)."""

    kind: str
    subject: str
    connections: tuple[int, ...]
    messages: tuple[str, ...]
    last_seen: datetime
    times: int
    """The most that one of them saw it."""
    place: str
    """What sorts those that were last seen at one moment."""

    @property
    def told(self) -> list[tuple[str, list[int]]]:
        """Each wording once, with whose it is."""
        found: dict[str, list[int]] = {}
        for number, message in zip(self.connections, self.messages, strict=True):
            found.setdefault(message, []).append(number)
        return list(found.items())

    @property
    def things(self) -> list[tuple[Thing, int]]:
        """Where what it is about is shown, each place once, with the first of whose it is; several books are named as whose it is."""
        found: dict[Thing, int] = {}
        for number in self.connections:
            if place := thing(self.kind, self.subject, number):
                found.setdefault(place, number)
        return [each for each in found.items() if len(found) == 1 or each[0].what != "book"]


def page(cx: psycopg.Connection[Any], cursor: str | None) -> dict[str, Any]:
    """`PAGE` of them after `cursor`, with the cursor of the next page."""
    at, last = decode(cursor) if cursor else (None, "")
    try:
        before = datetime.fromisoformat(at) if at else None
    except ValueError:
        raise Refusal("That is no cursor: begin at the first page.") from None
    rows = cx.execute(
        f"""
        select kind, subject, array_agg(connection_id order by connection_id), array_agg(message order by connection_id),
            max(last_seen), max(times), place
        from (
            select *, concat_ws(' ', {ONE_CAUSE}) as place from problem where closed_at is null
        ) as open group by kind, subject, place
        having %(before)s::timestamptz is null or (max(last_seen), place) < (%(before)s, %(last)s)
        order by max(last_seen) desc, place desc limit %(limit)s
        """,
        {"before": before, "last": last, "limit": PAGE + 1},
    ).fetchall()
    found = [
        Waiting(
            kind=kind, subject=subject, connections=tuple(connections), messages=tuple(messages), last_seen=last_seen, times=times,
            place=place,
        )
        for kind, subject, connections, messages, last_seen, times, place in rows
    ]  # fmt: skip
    kept = found[:PAGE]
    end = kept[-1] if len(found) > PAGE else None
    return {
        "problems": kept,
        "next": encode(end.last_seen.isoformat(), end.place) if end else None,
        "first": bool(cursor),
    }
