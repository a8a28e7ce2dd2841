"""Live pages: one look a second at what moved, for as long as anybody watches, told to every open page as a server-sent event.

    pulse = Pulse(lambda: read(db))
    StreamingResponse(pulse.listen(), media_type="text/event-stream")     # "event: proof", "event: runs" …
    pulse.end()                                                          # at the end of the process

A page does not get data by it, only the word that something moved; it then asks for its own part, as its viewer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import psycopg
import structlog
from starlette.concurrency import run_in_threadpool

from bookhand.core.problems import BookhandError
from bookhand.db.engine import Database

log = structlog.get_logger(__name__)

Marks = Mapping[str, str]
"""What can move, by its name, with a text that changes when it does."""
EVERY_SECONDS = 1.0
_STILL_THERE = 15
_WAITING = 64


class Pulse:
    """See the module's docstring. All of it belongs to one event loop, but for `end`."""

    def __init__(self, look: Callable[[], Marks], *, every: float = EVERY_SECONDS) -> None:
        self._look = look
        self._every = every
        self._listeners: set[asyncio.Queue[str | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._ended = False

    async def listen(self) -> AsyncIterator[str]:
        """The events of one page, until it goes away or the process ends."""
        heard: asyncio.Queue[str | None] = asyncio.Queue(maxsize=_WAITING)
        with self._lock:
            if self._ended:
                return
            self._loop = asyncio.get_running_loop()
        self._listeners.add(heard)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())
        try:
            yield "retry: 3000\n\n"
            while True:
                try:
                    name = await asyncio.wait_for(heard.get(), timeout=_STILL_THERE)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                if name is None:
                    return
                yield f"event: {name}\ndata: moved\n\n"
        finally:
            self._listeners.discard(heard)

    def end(self) -> None:
        """Let every page go; nobody listens after this. May be called from any thread."""
        with self._lock:
            self._ended = True
            loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._tell, None)

    async def _watch(self) -> None:
        before: Marks | None = None
        while self._listeners and not self._ended:
            try:
                now = await run_in_threadpool(self._look)
            except (BookhandError, psycopg.Error) as error:
                log.warning("pulse_waits", why=str(error).strip())
            else:
                for name in sorted(now) if before is not None else ():
                    if before is not None and now[name] != before.get(name):
                        self._tell(name)
                before = now
            await asyncio.sleep(self._every)

    def _tell(self, name: str | None) -> None:
        for heard in self._listeners:
            if name is None or not heard.full():
                while name is None and heard.full():
                    heard.get_nowait()
                heard.put_nowait(name)


_MARKS: Mapping[str, str] = {
    "trail": "select coalesce(max(seq), 0)::text from trail_head",
    "proof": """
        select coalesce(sum(newest.proof_id), 0)::text from connection c, lateral (
            select p.proof_id from journal_proof p
            where (p.workspace_id, p.connection_id) = (c.workspace_id, c.connection_id) order by p.proof_id desc limit 1
        ) as newest
    """,
    "entries": "select coalesce(sum(entries), 0)::text from journal_month",
    "history": """
        select coalesce(string_agg(b.backfill_id || b.status || (
            select coalesce(sum(s.seen), 0) from slice s
            where (s.workspace_id, s.connection_id, s.backfill_id) = (b.workspace_id, b.connection_id, b.backfill_id)
                and b.status = 'running'
        ), ',' order by b.backfill_id), '') from backfill b
    """,
    "runs": """
        select coalesce((select run_id from run order by created_at desc, run_id desc limit 1), '') || coalesce((
            select string_agg(state || epoch, ',') from (
                select state, epoch from run where state in ('queued', 'running') order by run_id limit 200
            ) as active), '')
    """,
    "connections": "select coalesce(string_agg(connection_id || status, ',' order by connection_id), '') from connection",
    "bank": """
        select coalesce((select max(seq) from bank_match), 0)::text || ' ' ||
            coalesce((select max(statement_id) from bank_statement), 0)::text
    """,
}
NAMES = tuple(_MARKS)
"""Everything that can move."""


def read(db: Database) -> Marks:
    """The marks of the workspace now."""
    with db.transaction() as cx:
        return {name: _one(cx, query) for name, query in _MARKS.items()}


def _one(cx: psycopg.Connection[Any], query: str) -> str:
    row = cx.execute(query).fetchone()
    return str(row[0]) if row else ""
