"""A workspace that is large: what a small company brought in, copied by SQL until there are a million charges and all that belongs to them.

with lived(ground, folder) as (settings, owner_url):     # a small company, the whole way: history, bank, matches, a book, proposals
    grow(owner_url, charges=1_000_000)

Copies have ids of their own and lie before what they are copied from, so that lists have pages and no page is empty. Their deliveries have
no body: nothing but the sums of what is kept is looked at in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from psycopg import sql

from bench import company, programs
from bench.ground import Ground
from bookhand import wiring
from bookhand.cli.running import Running
from bookhand.db.schema import migrate
from bookhand.settings import Settings

WORLD = "seed=3,months=2,customers=20"


@contextmanager
def lived(ground: Ground) -> Iterator[tuple[Settings, str]]:
    """A small company that went the whole way; the settings to open it again, and its database."""
    url = ground.database()
    migrate(url)
    folder = Path(ground.folder) / "pages"
    folder.mkdir()
    settings = Settings(
        data_dir=folder,
        books_dir=folder / "books",
        database_url=url,
        port=0,
        log_level="error",
        backfill_months=3,
    )
    try:
        with programs.running(
            "bookhand.sandbox.stripe", "--world", WORLD, "--shelf", str(folder / "worlds")
        ) as stripe:
            with wiring.open_house(settings, main_mode="test") as house, Running(house):
                key = company.key(stripe.url)
                connection = company.history(house, stripe.url, key)
                company.bank(house, stripe.url, key)
                company.book(house, connection, folder)
                company.refunds(house, connection)
            yield settings, url
    finally:
        ground.drop(url)


# --- copies ---

_OWN = "{} || '_' || n"
_PAYOUT = "{} || case when n <= 100 then '' else '_' || n / 80 end"
"""A payout of a large company holds thousands: the first hundred copies of its members stay in it."""
_EARLIER = "{} - n * interval '90 seconds'"


class _Copies(NamedTuple):
    """Which share of the copies a table gets, of which of its rows, and what differs in each copy."""

    share: float
    differs: dict[str, str]
    only: str = ""


_SPECS = {
    "journal_entry": _Copies(1, {"key": _OWN, "source": _OWN, "happened_at": "{} - n % 80000", "recorded_at": _EARLIER}, "kind = 'charge'"),
    "journal_member": _Copies(1, {"balance_transaction": _OWN, "payout": _PAYOUT}),
    "journal_source": _Copies(1, {"id": _OWN, "charge": _OWN, "payment_intent": _OWN}, "charge is null"),
    "delivery": _Copies(1, {"key": _OWN, "object_id": _OWN, "body": "'{{}}'::bytea", "received_at": _EARLIER}, "object = 'charge'"),
    "snapshot": _Copies(1, {"object_id": _OWN, "as_of": "{} - n % 80000"}, "object = 'charge'"),
    "customer": _Copies(1 / 20, {"customer": _OWN, "created": "{} - n"}),
    "customer_object": _Copies(1, {"object_id": _OWN, "created": "{} - n % 80000"}, "object = 'charge'"),
    "payout": _Copies(1 / 80, {"payout_id": "{} || '_' || n + 1", "created": "{} - n * 100", "arrival_date": "{} - n / 20 * 86400"}),
    "payout_total": _Copies(1 / 80, {"payout_id": "{} || '_' || n + 1"}),
    "statement_line": _Copies(1 / 80, {"key": _OWN, "day": "{} - n / 20", "native_id": _OWN}),
    "bank_statement": _Copies(1 / 80, {"number": _OWN}),
    "bank_match": _Copies(1 / 80, {"match_id": _OWN, "undoes": "null", "at": _EARLIER}),
    "bank_match_payout": _Copies(1 / 80, {"payout_id": "{} || '_' || n + 1", "match_id": _OWN}),
    "break": _Copies(1 / 100, {"break_id": _OWN, "found_at": _EARLIER, "since": "{} - n"}),
    "journal_proof": _Copies(1 / 4, {"as_of": _EARLIER}),
    "run": _Copies(1 / 4, {"run_id": _OWN, "key": "null", "created_at": _EARLIER}),
    "proposal": _Copies(1 / 4, {"proposal_id": _OWN, "root_id": _OWN, "request_key": "null", "created_at": _EARLIER}, "state <> 'waiting'"),
    "decision": _Copies(1 / 4, {"proposal_id": _OWN, "at": _EARLIER}),
    "call": _Copies(1 / 4, {"call_id": _OWN, "proposal_id": _OWN, "key": _OWN, "created_at": _EARLIER}),
    "book_document": _Copies(1 / 10, {"key": _OWN, "base": _OWN, "created_at": _EARLIER, "batch": "null"}),
    "book_cover": _Copies(1 / 10, {"entry": _OWN, "base": _OWN}),
}  # fmt: skip
_TRAIL_SHARE = 1 / 20
_LEAST_ENTRIES = 10


def grow(url: str, *, charges: int) -> dict[str, int]:
    """Copy until there are `charges` entries of charges; how many rows each table has then."""
    with psycopg.connect(url, autocommit=True) as cx:
        row = cx.execute("select count(*) from journal_entry where kind = 'charge'").fetchone()
        there = int(row[0]) if row else 0
        if there < _LEAST_ENTRIES:
            raise RuntimeError(f"There are {there} charges: that is no company.")
        times = -(-charges // there)
        for table, copies in _SPECS.items():
            _copy(cx, table, max(1, int(times * copies.share)), copies)
        _more_trail(cx, max(1, int(times * _TRAIL_SHARE)))
        _match_lines(cx)
        _sum_days(cx)
        cx.execute("vacuum analyze")
        counted = (
            (table, cx.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table))).fetchone())
            for table in _SPECS
        )
        return {table: int(found[0]) for table, found in counted if found}


def _copy(cx: psycopg.Connection[Any], table: str, times: int, copies: _Copies) -> None:
    differs = copies.differs
    columns = [
        str(name)
        for (name,) in cx.execute(
            "select column_name from information_schema.columns where table_schema = 'public' and table_name = %s"
            " and is_identity = 'NO' and is_generated = 'NEVER' order by ordinal_position",
            (table,),
        )
    ]
    unknown = set(differs) - set(columns)
    if unknown:
        raise RuntimeError(
            f"{table} has no column {', '.join(sorted(unknown))}: the growing of pages is behind the tables."
        )
    values = [
        sql.SQL(differs.get(name, "{}")).format(sql.SQL("t.{}").format(sql.Identifier(name)))
        for name in columns
    ]
    only = sql.SQL(f"where {copies.only}" if copies.only else "")
    cx.execute(
        sql.SQL("insert into {} ({}) select {} from {} t cross join generate_series(1, {}) n {} on conflict do nothing").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(values), sql.Identifier(table),
            sql.Literal(times), only,
        )
    )  # fmt: skip


def _match_lines(cx: psycopg.Connection[Any]) -> None:
    """What a copied match is of, and one line in forty of the rest is open as it was."""
    cx.execute(
        "insert into bank_match_line (workspace_id, connection_id, account, key, line_id, match_id)"
        " select l.workspace_id, l.connection_id, l.account, l.key, l.line_id, m.match_id from bank_match_line old"
        " join bank_match m on m.workspace_id = old.workspace_id and m.match_id like old.match_id || '\\_%'"
        " join statement_line l on l.workspace_id = old.workspace_id and l.connection_id = old.connection_id and l.account = old.account"
        "   and l.key = old.key || substr(m.match_id, length(old.match_id) + 1)"
        " on conflict do nothing"
    )
    cx.execute("delete from line_open where key like '%\\_%' and line_id % 40 <> 0")


def _sum_days(cx: psycopg.Connection[Any]) -> None:
    """The sums of the days of a book, of the copied documents too."""
    cx.execute("delete from book_day")
    cx.execute(
        "insert into book_day (workspace_id, connection_id, day, currency, standing, total, undone)"
        " select workspace_id, connection_id, day, currency, count(*), sum(total), 0 from book_document"
        " where reverses is null and state = 'done' group by 1, 2, 3, 4"
    )


def _more_trail(cx: psycopg.Connection[Any], times: int) -> None:
    """The trail grows at its end; nobody verifies these."""
    cx.execute(
        "insert into trail (workspace_id, seq, body, prev, hash) select t.workspace_id,"
        " (select max(seq) from trail) + row_number() over (order by n, t.seq), t.body, t.prev, t.hash"
        " from trail t cross join generate_series(1, %s) n",
        (times,),
    )
    cx.execute(
        "update trail_head set seq = (select max(seq) from trail where trail.workspace_id = trail_head.workspace_id)"
    )
