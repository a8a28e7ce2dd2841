"""Connections as rows, and the rate limits that all workers share.

Functions that take `cx` work in the caller's transaction and never commit. `SharedLeaser` is the exception: its leases have to be
seen by every worker at once, so each is a short transaction of its own (one row lock; not worth a disk flush).
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg.types.json import Jsonb

from bookhand.core.facts import Link
from bookhand.core.problems import Missing, Problem, Refusal
from bookhand.core.ready import ready
from bookhand.systems.client import Layers, Lease
from bookhand.systems.connection import Auth, Connection, Status
from bookhand.systems.limits import QUOTA_DAYS, READ_QUOTA, ReadQuota, State, give_back, grant, quota_problem
from bookhand.systems.manifest import VERSION_ENDS, Version, version_problem
from bookhand.workspace.store import clear, report

if TYPE_CHECKING:
    from bookhand.db.engine import Database

Transaction = psycopg.Connection[Any]

_COLUMNS = "workspace_id, connection_id, system, account, mode, api_version, name, livemode, auth, status, status_reason, scopes, settings"


# --- connections ---


class NewConnection(msgspec.Struct, frozen=True, kw_only=True):
    """What is known once the other side has said who it is."""

    system: str
    account: str
    mode: str
    livemode: bool
    default_name: str
    api_version: str
    auth: Auth
    name: str | None = None
    """As a person chose it; without it the default for a new connection, and the old one for one that comes back."""
    scopes: list[str] = msgspec.field(default_factory=list)
    settings: dict[str, Any] = msgspec.field(default_factory=dict)


def keep(cx: Transaction, workspace_id: int, new: NewConnection, *, again: int | None = None) -> Connection:
    """Add a connection, or make the one of the same account and mode active again with what is new.

    Settings are merged. `again` is the connection that is to come back: `Refusal` where it is of another account or mode, and where
    another connection has the name.
    """
    if again is not None:
        called = new.name or new.default_name
        only_itself(cx, again, system=new.system, account=new.account, mode=new.mode, called=called)
    try:
        row = cx.execute(
            f"""
            insert into connection as c (workspace_id, system, account, mode, livemode, name, api_version, auth, scopes, settings)
            values (%s, %s, %s, %s, %s, coalesce(%s, %s), %s, %s, %s, %s)
            on conflict (workspace_id, system, account, mode) do update
                set auth = excluded.auth, scopes = excluded.scopes, settings = c.settings || excluded.settings,
                    api_version = excluded.api_version, name = coalesce(%s, c.name), status = 'active', status_reason = null
            returning {_COLUMNS}
            """,
            (workspace_id, new.system, new.account, new.mode, new.livemode, new.name, new.default_name, new.api_version, new.auth,
             Jsonb(new.scopes), Jsonb(new.settings), new.name),
        ).fetchone()  # fmt: skip
    except psycopg.errors.UniqueViolation:
        raise Refusal(
            f"There is another connection named {new.name!r} already: choose a different --name."
        ) from None
    assert row is not None  # noqa: S101 (an upsert returns its row)
    return _connection(row)


def only_itself(
    cx: Transaction, again: int, *, system: str, account: str, mode: str, called: str = "another account"
) -> None:
    """`Refusal` where what came back, which is `called` so, is not the connection `again` that was to come back."""
    lost = get(cx, again)
    link = lost.link
    if (link.system, link.account, link.mode) == (system, account, mode):
        return
    row = cx.execute(
        "select name from connection where (system, account, mode) = (%s, %s, %s)", (system, account, mode)
    ).fetchone()
    raise Refusal(
        f"{lost.name} ({link.account}, {link.mode} mode) was to be connected again, and what came back is {row[0] if row else called} "
        f"({account}, {mode} mode): nothing was changed, and {lost.name} is {lost.status} as before. Begin again, and choose {link.account}."
    )


def get(cx: Transaction, connection_id: int) -> Connection:
    """A connection by its number; `Refusal` where there is none."""
    row = cx.execute(
        f"select {_COLUMNS} from connection where connection_id = %s",
        (connection_id,),
    ).fetchone()
    if row is None:
        raise Missing(
            f"There is no connection {connection_id}: `bookhand connections` lists those there are."
        )
    return _connection(row)


def every(cx: Transaction, *, system: str | None = None, status: Status | None = None) -> list[Connection]:
    """All connections, oldest first."""
    rows = cx.execute(
        f"select {_COLUMNS} from connection where (%s::text is null or system = %s) and (%s::text is null or status = %s)"
        " order by connection_id",
        (system, system, status, status),
    )
    return [_connection(row) for row in rows]


def set_status(cx: Transaction, connection_id: int, status: Status, *, reason: str | None = None) -> None:
    """Mark a connection active, paused or disconnected, and why."""
    cx.execute(
        "update connection set status = %s, status_reason = %s where connection_id = %s",
        (status, reason, connection_id),
    )


def set_settings(cx: Transaction, connection_id: int, **changed: Any) -> None:
    """Change some of a connection's settings; None removes one."""
    cx.execute(
        "update connection set settings = jsonb_strip_nulls(settings || %s) where connection_id = %s",
        (Jsonb(changed), connection_id),
    )


def _connection(row: tuple[Any, ...]) -> Connection:
    (
        workspace_id,
        connection_id,
        system,
        account,
        mode,
        api_version,
        name,
        livemode,
        auth,
        status,
        reason,
        scopes,
        settings,
    ) = row
    return Connection(
        link=Link(
            workspace_id=workspace_id, connection_id=connection_id, system=system, account=account, mode=mode,
            api_version=api_version,
        ),
        name=name, livemode=livemode, auth=auth, status=status, status_reason=reason, scopes=scopes, settings=settings,
    )  # fmt: skip


# --- sign-ins under way ---


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """Whose sign-in it is, where it was begun on a page: nobody else finishes it.

    `browser` is a hash of what that browser alone carries, `home` the origin (``http://127.0.0.1:8787``) that it is to come back to.
    """

    browser: str
    who: str
    name: str
    home: str


def state_hash(state: str) -> bytes:
    """What a sign-in is kept under: its state itself is nowhere but with the person."""
    return hashlib.sha256(state.encode()).digest()


def begin_sign_in(
    cx: Transaction, workspace_id: int, state_hash: bytes, plan: dict[str, Any], *, minutes: int
) -> None:
    """Remember what a sign-in is for, under the hash of its state; forget those that expired."""
    cx.execute("delete from sign_in where expires_at < now()")
    cx.execute(
        "insert into sign_in (workspace_id, state_hash, plan, expires_at) values (%s, %s, %s, now() + make_interval(mins => %s))",
        (workspace_id, state_hash, Jsonb(plan), minutes),
    )


def bound_of(cx: Transaction, state_hash: bytes) -> Bound | None:
    """Whose a sign-in under way is; None where it was begun at the command line, or is none."""
    row = cx.execute(
        "select plan -> 'bound' from sign_in where state_hash = %s and expires_at > now()", (state_hash,)
    ).fetchone()
    return msgspec.convert(row[0], Bound) if row is not None and row[0] else None


def take_sign_in(cx: Transaction, state_hash: bytes) -> dict[str, Any] | None:
    """What the sign-in is for, once: a second taker and a late one get None."""
    row = cx.execute(
        "delete from sign_in where state_hash = %s returning plan, expires_at > now()", (state_hash,)
    ).fetchone()
    return row[0] if row is not None and row[1] else None


def sign_in_waits(cx: Transaction, state_hash: bytes) -> bool:
    """Whether a sign-in is still under way: not taken, and not too late."""
    row = cx.execute(
        "select 1 from sign_in where state_hash = %s and expires_at > now()", (state_hash,)
    ).fetchone()
    return row is not None


# --- limits and reads ---


class SharedLeaser:
    """Leases moments of one connection to all workers of one database."""

    def __init__(self, db: Database, link: Link) -> None:
        self._db = db
        self._key = (link.workspace_id, link.connection_id)
        self._own: Transaction | None = None
        self._lock = threading.Lock()

    def lease(self, wanted: Sequence[Layers], *, reads: int = 0) -> Lease:
        """See `systems.client.Leaser`; the clock is the database's, the same for all."""
        with self._lock:
            try:
                return self._lease(self._connected(), wanted, reads)
            except psycopg.OperationalError:
                self._let_go()  # the server was restarted: once more, on a fresh connection
                return self._lease(self._connected(), wanted, reads)

    def give_back(self, layers: Layers, moment: int) -> None:
        """See `systems.client.Leaser`; one that cannot be given back is lost, and no more than that."""
        with self._lock, contextlib.suppress(psycopg.OperationalError):
            self._changed(self._connected(), lambda state, _: give_back(state, layers, moment))

    def close(self, *, reads: int) -> None:
        """See `systems.client.Leaser`: counts the last reads and gives the connection back."""
        with self._lock:
            if reads:
                count_reads(self._connected(), *self._key, reads)
            self._let_go()

    def _let_go(self) -> None:
        own, self._own = self._own, None
        if own is not None:
            own.close()

    def _connected(self) -> Transaction:
        if self._own is None:
            own = self._db.connect(autocommit=True)
            own.execute("set synchronous_commit = off")
            own.execute("insert into rate_limit values (%s, %s, '\\x80') on conflict do nothing", self._key)
            self._own = own
        return self._own

    def _lease(self, cx: Transaction, wanted: Sequence[Layers], reads: int) -> Lease:
        return self._changed(cx, lambda state, now: grant(state, wanted, now=now), reads=reads)

    def _changed(
        self, cx: Transaction, change: Callable[[State, int], list[int]], *, reads: int = 0
    ) -> Lease:
        """Two round trips: the row with its lock and the time, then what `change` made of it with the commit."""
        try:
            with cx.pipeline():
                cx.execute("begin")
                held = cx.execute(_LOCKED, self._key)
            state, now = self._state(held.fetchone())
            moments = change(state, now)
            with cx.pipeline():
                cx.execute(_GIVEN, (msgspec.msgpack.encode(state), *self._key))
                if reads:
                    count_reads(cx, *self._key, reads)
                cx.execute("commit")
        except BaseException:
            self._let_go()  # and with it the transaction, whatever became of it
            raise
        return Lease(now, moments)

    def _state(self, row: tuple[Any, ...] | None) -> tuple[State, int]:
        if row is None:
            raise Refusal(f"Connection {self._key[1]} is gone: it was removed while it was in use.")
        return _decode(bytes(row[0])), row[1]


_GIVEN = "update rate_limit set moments = %s where workspace_id = %s and connection_id = %s"
# The clock is read after the lock is held, or a worker that waited would be given moments that have passed.
_LOCKED = """
    with held as materialized (select moments from rate_limit where workspace_id = %s and connection_id = %s for update)
    select moments, (extract(epoch from clock_timestamp()) * 1000000)::bigint from held
"""
_decode = msgspec.msgpack.Decoder(State).decode


def count_reads(cx: Transaction, workspace_id: int, connection_id: int, reads: int) -> None:
    """Add to today's reads."""
    cx.execute(
        """
        insert into read_count as r values (%s, %s, (now() at time zone 'utc')::date, %s)
        on conflict (workspace_id, connection_id, day) do update set reads = r.reads + excluded.reads
        """,
        (workspace_id, connection_id, reads),
    )


def reads_lately(cx: Transaction, link: Link) -> int:
    """Reads of the days that Stripe's allocation looks back on."""
    row = cx.execute(
        "select coalesce(sum(reads), 0)::bigint from read_count where workspace_id = %s and connection_id = %s"
        " and day > (now() at time zone 'utc')::date - %s",
        (link.workspace_id, link.connection_id, QUOTA_DAYS),
    ).fetchone()
    return int(row[0]) if row else 0


def watch_reads(cx: Transaction, link: Link, *, transactions: int) -> Problem | None:
    """Keep a Problem while the reads come near to what Stripe allots for so many `transactions`, and close it after."""
    problem = quota_problem(
        ReadQuota(reads=reads_lately(cx, link), transactions=transactions), account=link.account
    )
    if problem:
        report(cx, link, [problem])
    else:
        clear(cx, link, kind=READ_QUOTA)
    return problem


def watch_version(cx: Transaction, connection: Connection, version: Version | None, *, today: date) -> None:
    """Keep a Problem while the API version of a connection comes to its end or is past it, and close it after."""
    link, problem = connection.link, None
    if version is not None and connection.status != "disconnected":
        problem = version_problem(
            version, link.api_version, today=today, name=connection.name, subject=link.account
        )
    if problem:
        report(cx, link, [problem])
    else:
        clear(cx, link, kind=VERSION_ENDS)


ready(Bound)  # see core.ready
