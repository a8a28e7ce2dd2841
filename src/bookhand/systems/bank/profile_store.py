"""Confirmed profiles of CSV files, by account and header."""

from __future__ import annotations

from datetime import datetime

import msgspec
from psycopg.types.json import Jsonb

from bookhand.core.facts import Link
from bookhand.systems.bank.columns.profile import Profile
from bookhand.systems.bank.store import Transaction


def keep(cx: Transaction, link: Link, account: str, fingerprint: str, profile: Profile, *, by: str) -> None:
    """Remember what a person confirmed."""
    cx.execute(
        """
        insert into csv_profile (workspace_id, connection_id, account, fingerprint, profile, by_who) values (%s, %s, %s, %s, %s, %s)
        on conflict (workspace_id, connection_id, account, fingerprint) do update
            set profile = excluded.profile, by_who = excluded.by_who, confirmed_at = now()
        """,
        (link.workspace_id, link.connection_id, account, fingerprint, Jsonb(msgspec.to_builtins(profile)), by),
    )  # fmt: skip


def of(cx: Transaction, fingerprint: str, *, account: str | None, mode: str) -> list[tuple[str, Profile]]:
    """The accounts (of that name, or all) for which files with this header were confirmed, each with its profile."""
    rows = cx.execute(
        "select p.account, p.profile from csv_profile p join connection c using (workspace_id, connection_id)"
        " where p.fingerprint = %s and (%s::text is null or p.account = %s) and c.mode = %s order by 1",
        (fingerprint, account, account, mode),
    )
    return [(str(name), msgspec.convert(found, Profile)) for name, found in rows]


def last(cx: Transaction) -> datetime | None:
    """When a profile was confirmed last."""
    row = cx.execute("select max(confirmed_at) from csv_profile").fetchone()
    found: datetime | None = row[0] if row else None
    return found
