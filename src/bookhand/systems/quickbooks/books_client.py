"""QuickBooks as a book that is read: its company, its chart, our documents as they stand, and the general ledger.

    books = QuickBooksBooks(lines)
    books.company(link).home_currency
    list(books.postings(link, ["84"], since="2026-01-01", until="2026-01-31"))

What a preview is made from (the chart, the company) is kept for a minute. Errors are those of `core.book.Books`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from bookhand.core.book import BookAccount, BookPosting, Books, Company, Posted
from bookhand.core.problems import Refusal
from bookhand.systems import store
from bookhand.systems.client import Gate
from bookhand.systems.connection import usable
from bookhand.systems.quickbooks import layers, report, translate
from bookhand.systems.quickbooks.answers import LEFT, QuickBooksRefusal
from bookhand.systems.quickbooks.client import Patience, QuickBooksClient, http_client
from bookhand.systems.quickbooks.token_auth import Credential

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.workspace.secrets_store import Secrets

_KEPT_SECONDS = 60.0
_QUARTER_DAYS, _FEW_ROWS = 92, 2_000
"""Reports are asked for a quarter at a time (Intuit advises six months at most), and for twice as long while they have few rows."""
_ACCOUNTS_AT_ONCE = 100
_LEFT = "whoever connected it may not use that company any more"
_EVERY_ACCOUNT = "Active IN (true, false)"


class Lines:
    """Opens clients, each with a live credential, under the limits that all workers share. Close it to give them back."""

    def __init__(self, db: Database, secrets: Secrets, *, patience: Patience | None = None) -> None:
        self._db = db
        self._secrets = secrets
        self._patience = patience or Patience()
        self._gates: dict[int, Gate] = {}
        self._http: httpx.Client | None = None
        self._lock = threading.Lock()

    @contextmanager
    def open(self, link: Link) -> Iterator[QuickBooksClient]:
        """A client for one act."""
        with self._db.transaction() as cx:
            connection = usable(store.get(cx, link.connection_id))
        credential = Credential(self._db, self._secrets, connection)
        with self._lock:
            if connection.id not in self._gates:
                self._gates[connection.id] = Gate(store.SharedLeaser(self._db, connection.link))
            if self._http is None:
                self._http = http_client(self._patience)
            gate, http = self._gates[connection.id], self._http
        client = QuickBooksClient(
            connection,
            token=credential.token,
            renew=credential.renew,
            gate=gate,
            patience=self._patience,
            http=http,
        )
        try:
            yield client
        except QuickBooksRefusal as refusal:
            if refusal.code == LEFT:
                with self._db.transaction() as cx:
                    store.set_status(cx, connection.id, "disconnected", reason=_LEFT)
            raise

    def close(self) -> None:
        """Give the gates' database connections and the connections to QuickBooks back."""
        with self._lock:
            gates, self._gates = self._gates, {}
            http, self._http = self._http, None
        for gate in gates.values():
            gate.close()
        if http is not None:
            http.close()


class QuickBooksBooks(Books):
    """Reads the books of vendor ``quickbooks``; safe to share between threads."""

    def __init__(self, lines: Lines, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._lines = lines
        self._clock = clock
        self._kept: dict[tuple[int, str], tuple[float, Any]] = {}

    def company(self, link: Link) -> Company:
        """See `Books`; what previews are made from is read anew after it."""
        self._kept.pop((link.connection_id, "brief"), None)
        with self._open(link) as client:
            preferences = _preferences(client)
            info = client.get(f"/companyinfo/{link.account}").get("CompanyInfo") or {}
            currencies = (
                list(client.every("CompanyCurrency")) if translate.is_multicurrency(preferences) else []
            )
            return translate.company(
                link.account, info=info, preferences=preferences, currencies=currencies, classes=client.every("Class"),
                tax_codes=client.every("TaxCode"), pace=layers.pace(layers.limits(client.connection.settings.get("limits"))),
            )  # fmt: skip

    def accounts(self, link: Link) -> list[BookAccount]:
        """See `Books`; what previews are made from is read anew after it."""
        self._kept.pop((link.connection_id, "chart"), None)
        with self._open(link) as client:
            return _accounts(client, _preferences(client))

    def documents(self, link: Link, *, since: str, until: str) -> Iterator[Posted]:
        """See `Books`; a journal entry whose mark was taken away is among them by its number, a deposit is not."""
        for entity in translate.KINDS:
            for obj, home in self.every(link, entity, since=since, until=until):
                if translate.is_ours(obj):
                    yield translate.posted(entity, obj, home=home)

    def every(
        self, link: Link, entity: str, *, since: str, until: str
    ) -> Iterator[tuple[dict[str, Any], str]]:
        """All objects of a kind dated in a range, whoever wrote them, each with the company's home currency."""
        days = f"TxnDate >= '{_day(since)}' AND TxnDate <= '{_day(until)}'"
        home = self.home(link)
        with self._open(link) as client:
            for obj in client.every(entity, days):
                yield obj, home

    def postings(
        self, link: Link, accounts: Collection[str], *, since: str, until: str
    ) -> Iterator[BookPosting]:
        """See `Books`, from the report GeneralLedger; a range that QuickBooks cannot show at once is halved."""
        wanted = sorted(dict.fromkeys(accounts))
        with self._open(link) as client:
            preferences = _preferences(client)
            home = translate.home_currency(preferences)
            columns = report.MANY if translate.is_multicurrency(preferences) else report.SINGLE
            chart = {each.id: each for each in _accounts(client, preferences)}
            for at in range(0, len(wanted), _ACCOUNTS_AT_ONCE):
                query = {
                    "columns": ",".join(columns),
                    "account": ",".join(wanted[at : at + _ACCOUNTS_AT_ONCE]),
                }
                for found in _ledger(client, query, _day(since), _day(until)):
                    yield from report.postings_of(found, home=home, accounts=chart)

    def ledger(self, link: Link, accounts: Collection[str], *, since: str, until: str) -> list[BookPosting]:
        """`postings` as a list; no accounts are all of them."""
        chosen = accounts or [each.id for each in self.accounts(link)]
        return list(self.postings(link, chosen, since=since, until=until))

    def home(self, link: Link) -> str:
        """The company's home currency: it never changes."""
        return str(self.kept(link, "home", lambda: self._home(link), seconds=86_400.0))

    def chart(self, link: Link) -> dict[str, dict[str, Any]]:
        """The chart by id, for previews; kept for a minute."""
        found: dict[str, dict[str, Any]] = self.kept(link, "chart", lambda: self._chart(link))
        return found

    def brief(self, link: Link) -> dict[str, Any]:
        """What a preview needs to know of the company; kept for a minute."""
        found: dict[str, Any] = self.kept(link, "brief", lambda: self._brief(link))
        return found

    def kept(self, link: Link, what: str, read: Callable[[], Any], *, seconds: float = _KEPT_SECONDS) -> Any:
        """What `read` gave, not longer ago than so many seconds."""
        at, found = self._kept.get((link.connection_id, what), (float("-inf"), None))
        if self._clock() - at > seconds:
            found = read()
            self._kept[(link.connection_id, what)] = (self._clock(), found)
        return found

    def _open(self, link: Link) -> AbstractContextManager[QuickBooksClient]:
        return self._lines.open(link)

    def _home(self, link: Link) -> str:
        with self._open(link) as client:
            return translate.home_currency(_preferences(client))

    def _chart(self, link: Link) -> dict[str, dict[str, Any]]:
        with self._open(link) as client:
            preferences = _preferences(client)
            home, many = translate.home_currency(preferences), translate.is_multicurrency(preferences)
            found = {}
            for obj in client.every("Account", _EVERY_ACCOUNT):
                each = translate.account(obj, multicurrency=many)
                found[each.id] = {
                    "name": each.name, "active": each.active, "currency": each.currency, "home": home,
                    "needs": translate.NEEDS_SOMEBODY.get(str(obj.get("AccountType"))),
                }  # fmt: skip
            return found

    def _brief(self, link: Link) -> dict[str, Any]:
        found = self.company(link)
        return {"closed_through": found.closed_through, "currencies": list(found.currencies)}


def _preferences(client: QuickBooksClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/preferences").get("Preferences") or {}
    return found


def _accounts(client: QuickBooksClient, preferences: dict[str, Any]) -> list[BookAccount]:
    many = translate.is_multicurrency(preferences)
    return [translate.account(obj, multicurrency=many) for obj in client.every("Account", _EVERY_ACCOUNT)]


def _ledger(
    client: QuickBooksClient, query: dict[str, str], since: str, until: str
) -> Iterator[dict[str, Any]]:
    """The report, a quarter at a time; more at once while there is little in it."""
    start, last, days = date.fromisoformat(since), date.fromisoformat(until), _QUARTER_DAYS
    while start <= last:
        end = min(last, start + timedelta(days=min(days, (last - start).days + 1) - 1))
        size = 0
        for found in _reports(client, query, start, end):
            size += report.size(found)
            yield found
        if end == last:
            return
        days = 2 * days if size < _FEW_ROWS else _QUARTER_DAYS
        start = end + timedelta(days=1)


def _reports(
    client: QuickBooksClient, query: dict[str, str], start: date, end: date
) -> Iterator[dict[str, Any]]:
    """The report of a range, or those of its halves."""
    days = {"start_date": start.isoformat(), "end_date": end.isoformat()}
    found = client.get("/reports/GeneralLedger", {**query, **days, "accounting_method": "Accrual"})
    if not report.is_cut(found):
        yield found
        return
    if start == end:
        raise Refusal(
            f"QuickBooks cannot show its general ledger of {start}, it is too long: compare fewer accounts at once."
        )
    middle = start + (end - start) // 2
    yield from _reports(client, query, start, middle)
    yield from _reports(client, query, middle + timedelta(days=1), end)


def _day(text: str) -> str:
    """A day that may stand in a query: ISO, and nothing else."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal(f"{text!r} is no day: write it as in 2026-01-31.") from None
