"""What people prove themselves with, as rows; and the tries and half-done sign-ins on the way.

Password hashes, authenticator apps, recovery codes, passkeys and OIDC identities.

    try_id = begin_try(cx, email, address=…, now=now)       # counted before it is known how it ends; `TooMany`
    end_try(cx, try_id)                                     # it was good

Only hashes and public keys lie here; an authenticator's secret is sealed (`Secrets.put_own`).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import psycopg

from bookhand.core.problems import Refusal
from bookhand.workspace.people.passkeys import Passkey
from bookhand.workspace.people.person import SECRET_BYTES, fingerprint, new_secret

Transaction = psycopg.Connection[Any]
Kind = Literal["second", "passkey", "new passkey", "oidc"]

TRIES_BY_EMAIL = 8
TRIES_BY_ADDRESS = 40
WINDOW = timedelta(minutes=15)
_STEP = timedelta(minutes=10)
_KEPT = timedelta(days=1)


class TooMany(Refusal):
    """Too many failed sign-ins of late; nothing was looked at."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A sign-in that is half done; `bound` is what must not have changed meanwhile."""

    kind: Kind
    person_id: int | None
    bound: bytes | None


# --- passwords ---


def password_of(cx: Transaction, person_id: int) -> str | None:
    """The hash of a person's password, if there is one."""
    row = cx.execute("select password_hash from person where person_id = %s", (person_id,)).fetchone()
    return None if row is None else row[0]


def set_password(cx: Transaction, person_id: int, hashed: str) -> None:
    """Keep the hash of a new password."""
    cx.execute("update person set password_hash = %s where person_id = %s", (hashed, person_id))


# --- authenticator apps and recovery codes ---


def totp_name(person_id: int, *, new: bool = False) -> str:
    """Where an authenticator's secret is sealed; a new one lies apart until its first code was right."""
    return f"totp{'-new' if new else ''}/{person_id}"


def totp_step(cx: Transaction, person_id: int) -> int:
    """The last step a code was taken of; the row is held, so that no second one is taken beside."""
    row = cx.execute("select totp_step from person where person_id = %s for update", (person_id,)).fetchone()
    return 0 if row is None else int(row[0])


def keep_totp_step(cx: Transaction, person_id: int, step: int, *, since: datetime | None = None) -> None:
    """A code of `step` was taken; with `since` the authenticator is in force from now on."""
    cx.execute(
        "update person set totp_step = %s, totp_since = coalesce(%s, totp_since) where person_id = %s",
        (step, since, person_id),
    )


def drop_totp(cx: Transaction, person_id: int) -> None:
    """No authenticator and no recovery codes any more."""
    cx.execute("update person set totp_since = null where person_id = %s", (person_id,))
    cx.execute("delete from recovery_code where person_id = %s", (person_id,))


def put_recovery(cx: Transaction, person_id: int, hashes: Sequence[bytes]) -> None:
    """Keep new recovery codes in place of those before."""
    cx.execute("delete from recovery_code where person_id = %s", (person_id,))
    cx.execute(
        "insert into recovery_code (workspace_id, person_id, code_hash)"
        " select (select current_setting('bookhand.workspace')::int), %s, unnest(%s::bytea[])",
        (person_id, list(hashes)),
    )


def take_recovery(cx: Transaction, person_id: int, hashed: bytes, *, now: datetime) -> bool:
    """Use a recovery code up; whether it was one."""
    done = cx.execute(
        "update recovery_code set used_at = %s where person_id = %s and code_hash = %s and used_at is null",
        (now, person_id, hashed),
    )
    return done.rowcount == 1


# --- passkeys ---


def put_passkey(cx: Transaction, passkey: Passkey, *, name: str, now: datetime) -> None:
    """Keep a passkey; `Refusal` where it is somebody's already."""
    done = cx.execute(
        """
        insert into passkey (workspace_id, credential_id, person_id, name, public_key, sign_count, created_at)
        values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s, %s, %s) on conflict do nothing
        """,
        (passkey.credential_id, passkey.person_id, name, passkey.public_key, passkey.sign_count, now),
    )
    if not done.rowcount:
        raise Refusal("This passkey is kept already.")


def passkey(cx: Transaction, credential_id: bytes) -> Passkey | None:
    """The passkey of that id; its row is held."""
    row = cx.execute(
        "select credential_id, person_id, public_key, sign_count from passkey where credential_id = %s for update",
        (credential_id,),
    ).fetchone()
    return None if row is None else Passkey(
        credential_id=bytes(row[0]), person_id=row[1], public_key=bytes(row[2]), sign_count=row[3]
    )  # fmt: skip


def passkey_ids(cx: Transaction, person_id: int) -> list[bytes]:
    """The ids of a person's passkeys."""
    rows = cx.execute(
        "select credential_id from passkey where person_id = %s order by created_at", (person_id,)
    )
    return [bytes(row[0]) for row in rows]


def used_passkey(cx: Transaction, credential_id: bytes, *, sign_count: int, now: datetime) -> None:
    """A passkey was used; its count grew."""
    cx.execute(
        "update passkey set sign_count = %s, used_at = %s where credential_id = %s",
        (sign_count, now, credential_id),
    )


def drop_passkeys(cx: Transaction, person_id: int) -> int:
    """Forget a person's passkeys; how many there were."""
    return cx.execute("delete from passkey where person_id = %s", (person_id,)).rowcount


# --- OIDC identities ---


def oidc_person(cx: Transaction, issuer: str, subject: str) -> int | None:
    """Whose identity it is."""
    row = cx.execute(
        "select person_id from oidc_identity where issuer = %s and subject = %s", (issuer, subject)
    ).fetchone()
    return None if row is None else int(row[0])


def put_oidc(cx: Transaction, issuer: str, subject: str, person_id: int, *, now: datetime) -> None:
    """This identity is that person's from now on."""
    cx.execute(
        "insert into oidc_identity (workspace_id, issuer, subject, person_id, created_at)"
        " values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s) on conflict do nothing",
        (issuer, subject, person_id, now),
    )


# --- half-done sign-ins ---


def begin_step(
    cx: Transaction, kind: Kind, *, person_id: int | None = None, bound: bytes | None = None, now: datetime
) -> str:
    """The secret of a half-done sign-in, good once and for ten minutes."""
    secret = new_secret("bht", os.urandom(SECRET_BYTES))
    cx.execute("delete from sign_in_step where expires_at < %s", (now,))
    cx.execute(
        "insert into sign_in_step (workspace_id, step_hash, kind, person_id, bound, expires_at)"
        " values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s, %s)",
        (fingerprint(secret), kind, person_id, bound, now + _STEP),
    )
    return secret


def look_step(cx: Transaction, secret: str, kind: Kind, *, now: datetime) -> Step | None:
    """The half-done sign-in of that secret; None where there is none, or it is over."""
    row = cx.execute(
        "select person_id, bound from sign_in_step where step_hash = %s and kind = %s and expires_at > %s for update",
        (fingerprint(secret), kind, now),
    ).fetchone()
    return (
        None
        if row is None
        else Step(kind=kind, person_id=row[0], bound=None if row[1] is None else bytes(row[1]))
    )


def end_step(cx: Transaction, secret: str) -> None:
    """It is done, or cannot be done any more."""
    cx.execute("delete from sign_in_step where step_hash = %s", (fingerprint(secret),))


# --- tries ---


def begin_try(cx: Transaction, email: str, *, address: str, now: datetime) -> int:
    """Count a try before it is looked at, so that many at once count as many; `TooMany` where there were too many."""
    hashed = fingerprint(email)
    for lock in sorted({f"try {address}", f"try {hashed.hex()}"}):
        cx.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", (lock,))
    cx.execute("delete from sign_in_try where tried_at < %s", (now - _KEPT,))
    row = cx.execute(
        """
        select count(*) filter (where email_hash = %(email)s), count(*) filter (where address = %(address)s) from sign_in_try
        where not good and tried_at > %(since)s and (email_hash = %(email)s or address = %(address)s)
        """,
        {"email": hashed, "address": address, "since": now - WINDOW},
    ).fetchone() or (0, 0)
    if row[0] >= TRIES_BY_EMAIL or row[1] >= TRIES_BY_ADDRESS:
        raise TooMany(
            "Too many sign-ins failed for this e-mail or from this address: wait a quarter of an hour."
        )
    made = cx.execute(
        "insert into sign_in_try (workspace_id, email_hash, address, tried_at)"
        " values ((select current_setting('bookhand.workspace')::int), %s, %s, %s) returning try_id",
        (hashed, address, now),
    ).fetchone()
    return int(made[0]) if made else 0


def end_try(cx: Transaction, try_id: int) -> None:
    """The try was good, and counts against nobody."""
    cx.execute("update sign_in_try set good = true where try_id = %s", (try_id,))
