"""One connection: how it stands, its history with the progress of a backfill, its limits and version, and letting go of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import Missing, Refusal
from bookhand.inbox.watch_store import Watched, watch
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.systems.manifest import standing
from bookhand.web.integrations import connection_seen, rights_routes, store
from bookhand.web.integrations.room import Connecting
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site
from bookhand.web.page.wording import plain

BASE = "/settings/integrations/{key}/{number:int}"
_ALL, _DAYS = "all", "days"
_MOST_MONTHS = 240
_BEGINNING = timedelta(seconds=15)
"""How long a worker is given to begin before it is said that none does."""


def add(router: APIRouter, site: Site, room: Connecting) -> None:
    """The pages of a connection."""
    rights_routes.add(router, site)
    pages = _Pages(site, room)

    @router.get(BASE)
    def overview(request: Request, key: str, number: int) -> Response:
        return site.show(request, "integrations/connection.html", lambda me: pages.overview(me, key, number))  # fmt: skip

    @router.get(f"{BASE}/advanced")
    def advanced(request: Request, key: str, number: int) -> Response:
        return site.show(request, "integrations/advanced.html", lambda me: pages.advanced(me, key, number))  # fmt: skip

    @router.post(f"{BASE}/limits")
    def limits(request: Request, key: str, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: pages.set_limits(me, key, number, form), need="manage")  # fmt: skip

    @router.post(f"{BASE}/history")
    def ask(request: Request, key: str, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: pages.ask(me, key, number, form), need="manage")

    @router.post(f"{BASE}/history/{{act}}")
    def hold(request: Request, key: str, number: int, act: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: pages.hold(me, key, number, act), need="manage")

    @router.get(f"{BASE}/disconnect")
    def leaving(request: Request, key: str, number: int) -> Response:
        return site.show(
            request, "integrations/disconnect.html", lambda me: pages.leaving(me, key, number), need="manage"
        )

    @router.post(f"{BASE}/disconnect")
    def leave(request: Request, key: str, number: int, form: Sent) -> Response:
        return site.act(request, form, lambda me: pages.leave(me, key, number), need="manage")


class _Pages:
    """What is shown of a connection, and what is done with it."""

    def __init__(self, site: Site, room: Connecting) -> None:
        self._site = site
        self._room = room

    def overview(self, me: Viewer, key: str, number: int) -> Seen:
        """How it stands, with its history."""
        seen = connection_seen.head(self._site, key, number)
        connection: Connection = seen["connection"]
        with self._site.db.transaction() as cx:
            watched = watch(cx, connection.link, now=me.now) if connection.link.system == "stripe" else None
            hanging = store.hanging(cx, me.caller.workspace_id, number)
        return {
            **seen, "watched": watched, "state": _state(watched, now=me.now), "hanging": hanging, "months": self._room.backfill_months(),
            "today": me.reads.today(me.now).isoformat(), "lacking": self._room.lacking(key),
        }  # fmt: skip

    def advanced(self, me: Viewer, key: str, number: int) -> Seen:
        """Its limits and its version."""
        seen = connection_seen.head(self._site, key, number)
        connection: Connection = seen["connection"]
        version = seen["system"].version
        with self._site.db.transaction() as cx:
            reads = (
                connections.reads_lately(cx, connection.link) if connection.link.system == "stripe" else None
            )
        stands = (
            standing(version, connection.link.api_version, today=me.reads.today(me.now)) if version else None
        )
        return {
            **seen,
            "limits": self._room.limits(connection),
            "speaks": version,
            "stands": stands,
            "reads": reads,
            "months": self._room.backfill_months(),
        }

    def leaving(self, me: Viewer, key: str, number: int) -> Seen:
        """What pauses without it."""
        seen = connection_seen.head(self._site, key, number)
        with self._site.db.transaction() as cx:
            hanging = store.hanging(cx, me.caller.workspace_id, number)
        return {**seen, "hanging": hanging}

    def set_limits(self, me: Viewer, key: str, number: int, form: Form) -> Done:
        """Keep other limits."""
        connection: Connection = connection_seen.head(self._site, key, number)["connection"]
        counts: dict[str, int] = {}
        for limit in self._room.limits(connection):
            given = form.whole(f"limit:{limit.name}")
            if given is not None:
                counts[limit.name] = given
        self._room.set_limits(me.caller, number, counts)
        return Done(to=f"/settings/integrations/{key}/{number}/advanced", said=plain("integrations.advanced.saved"))  # fmt: skip

    def ask(self, me: Viewer, key: str, number: int, form: Form) -> Done:
        """Ask for its history."""
        connection_seen.head(self._site, key, number)
        chosen = form.text("range")
        since: str | None = None
        until: str | None = None
        if chosen == _DAYS:
            since, until = form.text("since") or None, form.text("until") or None
            if since is None:
                raise Refusal(plain("integrations.history.no_day"))
        elif chosen != _ALL:
            months = form.whole("range") or self._room.backfill_months()
            if not 1 <= months <= _MOST_MONTHS:
                raise Refusal(plain("integrations.history.no_months"))
            since = _months_back(me, months)
        self._room.ask_history(me.caller, number, since=since, until=until)
        return Done(to=f"/settings/integrations/{key}/{number}", said=plain("integrations.history.asked"))

    def hold(self, me: Viewer, key: str, number: int, act: str) -> Done:
        """Let its backfill stand or go on."""
        if act not in {"pause", "resume"}:
            raise Missing(plain("integrations.connection.missing"))
        self._room.hold_history(me.caller, number, pause=act == "pause")
        return Done(to=f"/settings/integrations/{key}/{number}", said=plain(f"integrations.history.{act}d"))

    def leave(self, me: Viewer, key: str, number: int) -> Done:
        """Let go of it."""
        connection: Connection = connection_seen.head(self._site, key, number)["connection"]
        undone = self._room.part(me.caller, number)
        said = " ".join([plain("integrations.disconnect.done", name=connection.name), *undone])
        return Done(to=f"/settings/integrations/{key}", said=said, tone="look" if undone else "good")


def _state(watched: Watched | None, *, now: datetime) -> str:
    """How a backfill stands for who watches: none, begins, moving, pausing, paused, waits, left, complete or incomplete."""
    if watched is None:
        return "none"
    backfill = watched.backfill
    if backfill.status != "running":
        return backfill.status
    if backfill.paused_by:
        return "pausing" if watched.is_moving else "paused"
    if watched.is_moving:
        return "moving"
    if backfill.started_at is not None and now - backfill.started_at < _BEGINNING:
        return "begins"
    return "waits" if backfill.asked_by else "left"


def _months_back(me: Viewer, months: int) -> str:
    today = me.reads.today(me.now)
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    return today.replace(year=year, month=month + 1, day=min(today.day, 28)).isoformat()
