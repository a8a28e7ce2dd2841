"""The loop of transactions/sync: every page since the last cursor, then all of it in one transaction with the new cursor.

    Feed(db, secrets, plaid).sync(connection)          # Synced(added=3, changed=0, removed=0)

Plaid's rules (plaid.com/docs/transactions/transactions-data, sync): the cursor is only kept once ``has_more`` is false; where the data
changes while its pages are read, the listing begins again from the cursor it began with. A line that Plaid takes back or tells anew stays
as it was, superseded by the new one; where it was matched with a payout, or moves other money, that is a Problem. Where a matched line is
told in other words alone, it goes on counting, so that its match stands, and the new words are kept beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.core.bank import StatementLine
from bookhand.core.facts import Link
from bookhand.core.money import format_minor
from bookhand.core.problems import Outage, Problem
from bookhand.systems import store as connections
from bookhand.systems.bank import checks, store, twins_store
from bookhand.systems.bank.plaid import cursor_store
from bookhand.systems.bank.plaid.api_client import Mutated, Parted, PlaidClient
from bookhand.systems.bank.plaid.link_auth import MOST_DAYS, keep_accounts, token_of
from bookhand.systems.bank.plaid.translate import line_of, same, same_money
from bookhand.systems.connection import Connection, usable
from bookhand.workspace.store import report

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.bank.store import KeptLine, Transaction
    from bookhand.workspace.secrets_store import Secrets

log = structlog.get_logger(__name__)

_PAGE = 500
_BEGINNINGS = 8
_MOST_PAGES = 10_000
"""Five million transactions: no Item has so many, and all of them are held until the last."""
_REWORDED = "The bank tells a matched line in these words now (Plaid, modified). The line that is matched moves the same money: it stays, and counts."
IsMatched = Callable[["Transaction", Link, str, str], bool]
"""Whether the line of a connection, account and key is matched with a payout."""


class Synced(msgspec.Struct, frozen=True, kw_only=True):
    """What a sync brought."""

    added: int = 0
    changed: int = 0
    removed: int = 0


def _always(_cx: Transaction, _link: Link, _account: str, _key: str) -> bool:
    """Where nobody says which lines are matched, each may be."""
    return True


class Feed:
    """Brings Items up to date."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        plaid: PlaidClient,
        *,
        is_matched: IsMatched = _always,
        page: int = _PAGE,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._plaid = plaid
        self._is_matched = is_matched
        self._page = page

    def sync(self, connection: Connection) -> Synced:
        """Bring one Item up to date. Where the bank wants a new sign-in, the connection is disconnected with that reason, and it is raised."""
        usable(connection)
        token = token_of(self._db, self._secrets, connection)
        with self._db.transaction() as cx:
            before = cursor_store.cursor(cx, connection.link)
        try:
            pages = self._pages(token, before)
        except Parted as error:
            with self._db.transaction() as cx:
                connections.set_status(cx, connection.id, "disconnected", reason=str(error))
            raise
        with self._db.transaction() as cx:
            store.hold(cx, self._db.workspace_id)
            if cursor_store.cursor(cx, connection.link) != before:
                return Synced()  # another process was faster, and has kept all of this
            found = _Applied(cx, connection, self._is_matched).all(pages)
            cursor_store.keep(cx, connection.link, str(pages[-1]["next_cursor"]))
        log.info(
            "plaid_synced",
            connection=connection.id,
            added=found.added,
            changed=found.changed,
            removed=found.removed,
        )
        return found

    def _pages(self, token: str, before: str | None) -> list[dict[str, Any]]:
        for _ in range(_BEGINNINGS):
            try:
                return self._listing(token, before)
            except Mutated:
                continue  # from the cursor of the first page
        raise Outage(
            f"The bank's transactions changed {_BEGINNINGS} times while they were read: it is tried again later."
        )

    def _listing(self, token: str, before: str | None) -> list[dict[str, Any]]:
        pages: list[dict[str, Any]] = []
        cursor, seen = before, {before}
        while len(pages) < _MOST_PAGES:
            options: dict[str, Any] = {"include_original_description": True}
            if not before:
                options["days_requested"] = MOST_DAYS
            body = {
                "access_token": token,
                "count": self._page,
                "options": options,
                **({"cursor": cursor} if cursor else {}),
            }
            pages.append(self._plaid.post("/transactions/sync", body))
            cursor = str(pages[-1]["next_cursor"])
            if not pages[-1]["has_more"]:
                return pages
            if cursor in seen:
                raise Outage(
                    "Plaid says that there is more, and gives a cursor that it gave before: it is tried again later."
                )
            seen.add(cursor)
        raise Outage(f"Plaid's listing has more than {_MOST_PAGES:,} pages: it is tried again later.")


class _Applied:
    """All pages, one after the other, in the open transaction."""

    def __init__(self, cx: Transaction, connection: Connection, is_matched: IsMatched) -> None:
        self._cx = cx
        self._connection = connection
        self._link = connection.link
        self._is_matched = is_matched
        self._problems: list[Problem] = []
        self._counts = {"added": 0, "changed": 0, "removed": 0}
        self._accounts: set[str] = set()
        """Those with new lines."""

    def all(self, pages: Sequence[Mapping[str, Any]]) -> Synced:
        for page in pages:
            keep_accounts(self._cx, self._connection, page.get("accounts") or ())
            self._told([*(page.get("added") or ()), *(page.get("modified") or ())])
            self._removed([str(each["transaction_id"]) for each in page.get("removed") or ()])
        report(self._cx, self._link, self._problems)
        for account in sorted(self._accounts):
            twins_store.prove_single(self._cx, self._link, account)
        return Synced(**self._counts)

    def _told(self, transactions: Sequence[Mapping[str, Any]]) -> None:
        """Transactions as they are now: new ones are added, those that were told otherwise before are told anew."""
        told = [line for each in transactions if (line := line_of(each)) is not None]
        here = cursor_store.standing(self._cx, self._link, [line.native_id or "" for line in told])
        fresh: dict[str, StatementLine] = {}
        for line in told:
            before = here.get(line.native_id or "")
            if before is None:
                fresh[line.key] = line
            elif not same(before.line, line):
                self._anew(before, line)
        self._accounts |= {line.account for line in fresh.values()}
        for account in {line.account for line in fresh.values()}:
            store.keep_account(self._cx, self._link, account, None)
        taken = cursor_store.versions(self._cx, self._link, fresh)
        rows = [
            msgspec.structs.replace(line, key=f"{key}~{taken[key] + 1}") if taken[key] else line
            for key, line in fresh.items()
        ]
        self._counts["added"] += len(store.add_lines(self._cx, self._link, rows))

    def _anew(self, before: KeptLine, line: StatementLine) -> None:
        """Let the line as it is told now count instead of the one before; a matched one goes on counting where its words alone changed."""
        stays = same_money(before.line, line) and self._matters(before)
        last = cursor_store.newest(self._cx, self._link, line.native_id or "")
        if stays and last is not None and same(last.line, line):
            return  # these words are kept already
        count = cursor_store.versions(self._cx, self._link, [line.key])[line.key]
        again = msgspec.structs.replace(line, key=f"{line.key}~{count + 1}")
        store.keep_account(self._cx, self._link, again.account, None)
        store.add_lines(self._cx, self._link, [again])
        self._counts["changed"] += 1
        if stays:
            store.supersede(
                self._cx, self._link, again.account, again.key, by_key=before.line.key, why=_REWORDED
            )
            return
        why = "The bank told it anew (Plaid, modified)."
        store.supersede(self._cx, self._link, before.line.account, before.line.key, by_key=again.key, why=why)
        if not same_money(before.line, again) and self._matters(before):
            self._problem(before, f"now says {_said(again)} instead of {_said(before.line)}")

    def _removed(self, ids: Sequence[str]) -> None:
        for before in cursor_store.standing(self._cx, self._link, ids).values():
            why = "The bank took it back (Plaid, removed)."
            store.supersede(self._cx, self._link, before.line.account, before.line.key, by_key=None, why=why)
            self._counts["removed"] += 1
            if self._matters(before):
                self._problem(before, f"took back {_said(before.line)}")

    def _matters(self, before: KeptLine) -> bool:
        return self._is_matched(self._cx, self._link, before.line.account, before.line.key)

    def _problem(self, before: KeptLine, what: str) -> None:
        line = before.line
        self._problems.append(
            Problem(
                kind=checks.CHANGED, subject=f"{line.account}/{line.key}",
                message=f"The bank {what} (line {line.key}, {line.description[:60]!r}). The old line stays and counts no more: what was matched "
                "with it has to be looked at again.",
            )
        )  # fmt: skip


def _said(line: StatementLine) -> str:
    return f"{format_minor(line.minor, line.currency)} {line.currency} on {line.day}"
