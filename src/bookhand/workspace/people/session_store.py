"""Sessions and API tokens as rows, by their hashes; and the one question all doors ask: who is this?

    new = begin(cx, 3, way="totp", rules=Rules(), address="203.0.113.9", agent="Firefox", now=now)
    caller = authenticate(cx, session=new.secret, bearer=None, channel="web", now=now)      # None: not signed in

A session ends at its hour, after idling, or when somebody ends it. A token belongs to a person, can do no more than the person at
that moment, and narrows it to its scopes. Where a bearer is given, it alone counts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import psycopg

from bookhand.core.caller import Caller, Channel, NotAllowed, Role, capabilities
from bookhand.core.problems import Refusal
from bookhand.workspace.people.person import (
    SECRET_BYTES,
    NoSuch,
    Note,
    fingerprint,
    need_over,
    need_scopes,
    new_secret,
)

Transaction = psycopg.Connection[Any]

TOKEN_DAYS = 90
_MOST_TOKEN_DAYS = 366
_SEEN_EVERY = timedelta(minutes=1)
_LONGEST_AGENT = 200


class Rules(msgspec.Struct, frozen=True):
    """How long a session lives at most, and how long while nobody uses it."""

    hours: int = 12
    idle_minutes: int = 120


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has just begun; `secret` is told once, to the browser."""

    secret: str
    id: int
    person_id: int
    expires_at: datetime

    def __repr__(self) -> str:
        """Without the secret."""
        return f"NewSession(id={self.id}, person_id={self.person_id})"


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that has not ended."""

    id: int
    person_id: int
    person: str
    way: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """An API token, without what it says."""

    id: int
    person_id: int
    person: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


def authenticate(
    cx: Transaction, *, session: str | None, bearer: str | None, channel: Channel, now: datetime
) -> Caller | None:
    """Who asks; None for an unknown, expired, idle, ended or revoked one, and for a disabled person's."""
    if bearer is not None:
        return _by_token(cx, fingerprint(bearer), channel, now)
    return None if session is None else _by_session(cx, fingerprint(session), channel, now)


def _by_session(cx: Transaction, hashed: bytes, channel: Channel, now: datetime) -> Caller | None:
    row = cx.execute(
        """
        select p.workspace_id, p.person_id, p.name, p.role, s.seen_at from session s join person p using (workspace_id, person_id)
        where s.session_hash = %(hashed)s and s.ended_at is null and p.disabled_at is null and s.expires_at > %(now)s
            and s.seen_at + make_interval(mins => s.idle_minutes) > %(now)s
        """,
        {"hashed": hashed, "now": now},
    ).fetchone()
    if row is None:
        return None
    if now - row[4] > _SEEN_EVERY:
        _seen(cx, "session", hashed, now)
    return _caller(*row[:4], channel=channel)


def _by_token(cx: Transaction, hashed: bytes, channel: Channel, now: datetime) -> Caller | None:
    row = cx.execute(
        """
        select p.workspace_id, p.person_id, p.name, p.role, t.token_id, t.scopes, t.used_at
        from api_token t join person p using (workspace_id, person_id)
        where t.token_hash = %s and t.revoked_at is null and p.disabled_at is null and t.expires_at > %s
        """,
        (hashed, now),
    ).fetchone()
    if row is None:
        return None
    if row[6] is None or now - row[6] > _SEEN_EVERY:
        _seen(cx, "api_token", hashed, now)
    return _caller(*row[:4], channel=channel, token=row[4], scopes=row[5])


def _caller(
    workspace_id: int,
    person_id: int,
    name: str,
    role: Role,
    *,
    channel: Channel,
    token: int | None = None,
    scopes: Iterable[str] | None = None,
) -> Caller:
    return Caller(
        workspace_id=workspace_id, who=f"person:{person_id}", name=name, role=role,
        can=capabilities(role, scopes=scopes), channel=channel, token=token,
    )  # fmt: skip


def _seen(cx: Transaction, table: str, hashed: bytes, now: datetime) -> None:
    """Once a minute; who finds the row held by another request leaves it to that one."""
    key, column = ("session_hash", "seen_at") if table == "session" else ("token_hash", "used_at")
    cx.execute(
        f"update {table} set {column} = %s where {key} = (select {key} from {table} where {key} = %s for update skip locked)",
        (now, hashed),
    )


# --- sessions ---


def begin(
    cx: Transaction, person_id: int, *, way: str, rules: Rules, address: str, agent: str, now: datetime
) -> NewSession:
    """A new session, always with a new secret: one that a browser brought along is never taken up."""
    secret = new_secret("bhs", os.urandom(SECRET_BYTES))
    expires_at = now + timedelta(hours=rules.hours)
    row = cx.execute(
        """
        insert into session (workspace_id, session_hash, person_id, way, address, agent, created_at, seen_at, expires_at, idle_minutes)
        values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s, %s, %s, %s, %s, %s) returning session_id
        """,
        (
            fingerprint(secret),
            person_id,
            way,
            address,
            _line(agent),
            now,
            now,
            expires_at,
            rules.idle_minutes,
        ),
    ).fetchone()
    return NewSession(secret=secret, id=row[0] if row else 0, person_id=person_id, expires_at=expires_at)


def sessions(cx: Transaction, caller: Caller, *, now: datetime) -> list[Session]:
    """The sessions that go on: the caller's own, or everybody's for who may care for people."""
    rows = cx.execute(
        """
        select s.session_id, s.person_id, p.name, s.way, s.address, s.agent, s.created_at, s.seen_at, s.expires_at
        from session s join person p using (workspace_id, person_id)
        where s.ended_at is null and s.expires_at > %(now)s and s.seen_at + make_interval(mins => s.idle_minutes) > %(now)s
            and (%(mine)s::int is null or s.person_id = %(mine)s) order by s.session_id
        """,
        {"now": now, "mine": None if "people" in caller.can else number_of(caller)},
    )
    return [
        Session(
            id=id_, person_id=person_id, person=person, way=way, address=address, agent=agent, created_at=created_at,
            seen_at=seen_at, expires_at=expires_at,
        )
        for id_, person_id, person, way, address, agent, created_at, seen_at, expires_at in rows
    ]  # fmt: skip


def end(cx: Transaction, caller: Caller, session_id: int, *, now: datetime, note: Note) -> None:
    """End one session: the caller's own, or another's by who may care for that person."""
    row = cx.execute(
        "select s.person_id, p.role from session s join person p using (workspace_id, person_id) where session_id = %s and ended_at is null",
        (session_id,),
    ).fetchone()
    if row is None or (row[0] != number_of(caller) and "people" not in caller.can):
        raise NoSuch(f"There is no session {session_id} that goes on.")
    _need_mine(caller, row[0], row[1], what="end this session")
    cx.execute("update session set ended_at = %s where session_id = %s", (now, session_id))
    note(cx, "session.ended", f"session:{session_id}", {"by": caller.who, "of": f"person:{row[0]}"})


def sign_out(cx: Transaction, secret: str, *, now: datetime) -> int | None:
    """End the session of that secret; whose it was, or None where it had ended."""
    row = cx.execute(
        "update session set ended_at = %s where session_hash = %s and ended_at is null returning person_id",
        (now, fingerprint(secret)),
    ).fetchone()
    return None if row is None else int(row[0])


def end_all(cx: Transaction, person_id: int, *, now: datetime) -> int:
    """End every session of a person; how many went on."""
    return cx.execute(
        "update session set ended_at = %s where person_id = %s and ended_at is null", (now, person_id)
    ).rowcount


# --- API tokens ---


def make_token(
    cx: Transaction,
    caller: Caller,
    name: str,
    scopes: Iterable[str],
    *,
    days: int = TOKEN_DAYS,
    now: datetime,
    note: Note,
) -> tuple[Token, str]:
    """A token of the caller's own, and its secret, told this once. Its scopes are some of what the caller can do now."""
    if caller.token is not None:
        raise NotAllowed("A token makes no tokens: sign in as a person to make one.")
    allowed = need_scopes(caller, scopes)
    plain = _line(name)
    if not plain or not 1 <= days <= _MOST_TOKEN_DAYS:
        raise Refusal(f"A token needs a name, and ends after 1 to {_MOST_TOKEN_DAYS} days.")
    secret = new_secret("bhk", os.urandom(SECRET_BYTES))
    row = cx.execute(
        """
        insert into api_token (workspace_id, token_hash, person_id, name, scopes, created_at, expires_at)
        values (%s, %s, %s, %s, %s, %s, %s) returning token_id
        """,
        (
            caller.workspace_id,
            fingerprint(secret),
            number_of(caller),
            plain,
            list(allowed),
            now,
            now + timedelta(days=days),
        ),
    ).fetchone()
    token_id = row[0] if row else 0
    note(
        cx,
        "token.made",
        f"token:{token_id}",
        {"by": caller.who, "name": plain, "scopes": list(allowed), "days": days},
    )
    return next(each for each in tokens(cx, caller, now=now) if each.id == token_id), secret


def tokens(cx: Transaction, caller: Caller, *, now: datetime) -> list[Token]:
    """The tokens that work: the caller's own, or everybody's for who may care for people."""
    rows = cx.execute(
        """
        select t.token_id, t.person_id, p.name, t.name, t.scopes, t.created_at, t.expires_at, t.used_at
        from api_token t join person p using (workspace_id, person_id)
        where t.revoked_at is null and t.expires_at > %(now)s and (%(mine)s::int is null or t.person_id = %(mine)s) order by 1
        """,
        {"now": now, "mine": None if "people" in caller.can else number_of(caller)},
    )
    return [
        Token(
            id=id_, person_id=person_id, person=person, name=name, scopes=tuple(scopes), created_at=created_at,
            expires_at=expires_at, used_at=used_at,
        )
        for id_, person_id, person, name, scopes, created_at, expires_at, used_at in rows
    ]  # fmt: skip


def revoke_token(cx: Transaction, caller: Caller, token_id: int, *, now: datetime, note: Note) -> None:
    """Revoke one token: the caller's own, or another's by who may care for that person."""
    row = cx.execute(
        "select t.person_id, p.role from api_token t join person p using (workspace_id, person_id) where token_id = %s and revoked_at is null",
        (token_id,),
    ).fetchone()
    if row is None or (row[0] != number_of(caller) and "people" not in caller.can):
        raise NoSuch(f"There is no token {token_id} that works.")
    _need_mine(caller, row[0], row[1], what="revoke this token")
    cx.execute("update api_token set revoked_at = %s where token_id = %s", (now, token_id))
    note(cx, "token.revoked", f"token:{token_id}", {"by": caller.who, "of": f"person:{row[0]}"})


def revoke_tokens(cx: Transaction, person_id: int, *, now: datetime) -> int:
    """Revoke every token of a person; how many worked."""
    return cx.execute(
        "update api_token set revoked_at = %s where person_id = %s and revoked_at is null", (now, person_id)
    ).rowcount


def number_of(caller: Caller) -> int:
    """The person's number in ``person:3``."""
    return int(caller.who.rpartition(":")[2])


def _need_mine(caller: Caller, person_id: int, role: Role, *, what: str) -> None:
    """A token may not revoke or end what is its person's, unless it may care for people."""
    if person_id != number_of(caller) or caller.token is not None:
        need_over(caller, role, what=what)


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:_LONGEST_AGENT]
