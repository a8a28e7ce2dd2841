"""What the pages of the books read beside the journal itself: deliveries, the documents an entry is in, balances, months, acts.

Nothing here writes, and nothing grows with the journal: what is counted is kept as running sums.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.facts import Link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection as Transaction

MOST_BODY = 256 * 1024
"""How much of a delivery is shown; the rest is in the database all the same."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery: its number, what it is and when it came; its body as JSON, or as text where it is none."""

    seq: int
    kind: str
    key: str
    object: str
    object_id: str
    event_type: str | None
    api_version: str | None
    received_at: datetime
    size: int
    body: Any


class InBook(msgspec.Struct, frozen=True, kw_only=True):
    """A document of an outside book that an entry is in."""

    connection_id: int
    key: str
    kind: str
    day: str
    state: str
    number: str
    vendor_id: str | None


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """A month of the ledger: how many entries it has over all journals."""

    period: str
    entries: int


def delivery(cx: Transaction[Any], link: Link, seq: int) -> Mail | None:
    """A delivery by its number; None for entries that no delivery told of (the bank's), or where there is none."""
    row = cx.execute(
        "select seq, kind, key, object, object_id, event_type, api_version, received_at, length(body), substring(body for %s) from delivery"
        " where workspace_id = %s and connection_id = %s and seq = %s",
        (MOST_BODY, link.workspace_id, link.connection_id, seq),
    ).fetchone()
    if row is None:
        return None
    *about, size, body = row
    return Mail(
        seq=about[0], kind=about[1], key=about[2], object=about[3], object_id=about[4], event_type=about[5], api_version=about[6],
        received_at=about[7], size=size, body=_read(body),
    )  # fmt: skip


def _read(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return body.decode("utf-8", "replace")


def snapshots(cx: Transaction[Any], link: Link, object_id: str) -> list[tuple[str, int]]:
    """Which deliveries hold the newest state of an object: (what it is, the delivery's number)."""
    rows = cx.execute(
        """
        select object, seq from snapshot where workspace_id = %s and connection_id = %s and object = any (%s) and object_id = %s
        order by object
        """,
        (link.workspace_id, link.connection_id, list(_OBJECTS), object_id),
    )
    return [(name, seq) for name, seq in rows]


_OBJECTS = (
    "balance_transaction", "charge", "refund", "payout", "dispute", "transfer", "transfer_reversal", "application_fee",
    "application_fee_refund", "fee_refund", "fee", "topup", "invoice", "credit_note", "payment_intent",
)  # fmt: skip
"""Objects of Stripe's that entries come from."""


def payout_of(cx: Transaction[Any], link: Link, balance_transaction: str) -> str | None:
    """The payout that a balance transaction went out with: Stripe's list says so, or a person."""
    row = cx.execute(
        """
        (select payout from journal_member where workspace_id = %(w)s and connection_id = %(c)s and balance_transaction = %(id)s limit 1)
        union all
        (select payout_id from payout_confirmed where workspace_id = %(w)s and connection_id = %(c)s and balance_transaction = %(id)s limit 1)
        limit 1
        """,
        {"w": link.workspace_id, "c": link.connection_id, "id": balance_transaction},
    ).fetchone()
    return None if row is None else str(row[0])


def in_books(cx: Transaction[Any], link: Link, key: str, books: Sequence[int]) -> list[InBook]:
    """The documents of outside books that an entry is in."""
    rows = cx.execute(
        """
        select d.connection_id, d.key, d.kind, d.day::text, d.state, d.content ->> 'key', d.vendor_id
        from book_cover c join book_document d
            on d.workspace_id = c.workspace_id and d.connection_id = c.connection_id and d.base = c.base and d.reverses is null
        where c.workspace_id = %s and c.connection_id = any (%s) and c.source_id = %s and c.entry = %s order by 1, 2 limit 50
        """,
        (link.workspace_id, list(books), link.connection_id, key),
    )
    return [
        InBook(
            connection_id=book, key=key_, kind=kind, day=day, state=state, number=number, vendor_id=vendor_id
        )
        for book, key_, kind, day, state, number, vendor_id in rows
    ]


def balances(cx: Transaction[Any]) -> dict[tuple[int, str, str], int]:
    """What each account holds, by (connection, account, currency)."""
    rows = cx.execute("select connection_id, account, currency, minor from journal_balance order by 1, 2, 3")
    return {(connection, account, currency): minor for connection, account, currency, minor in rows}


def months(cx: Transaction[Any]) -> list[Month]:
    """The months of the ledger, newest first."""
    rows = cx.execute(
        "select month, sum(entries)::bigint from journal_month group by month order by month desc"
    )
    return [Month(period=month, entries=entries) for month, entries in rows]


def by_month(cx: Transaction[Any], link: Link, account: str, currency: str) -> list[tuple[str, int]]:
    """What each month changed in an account, oldest first."""
    rows = cx.execute(
        """
        select month, minor from journal_activity where workspace_id = %s and connection_id = %s and account = %s and currency = %s
        order by month
        """,
        (link.workspace_id, link.connection_id, account, currency),
    )
    return [(month, minor) for month, minor in rows]


def waiting(cx: Transaction[Any], *, limit: int) -> list[tuple[int, str, str]]:
    """What waits for a closed period: (connection, key, month)."""
    rows = cx.execute(
        "select connection_id, key, to_char(booked_on, 'YYYY-MM') from journal_waiting order by connection_id, key limit %s",
        (limit,),
    )
    return [(connection, key, month) for connection, key, month in rows]
