"""NetSuite as `Books`: whose company it is, its chart, our documents and the general ledger as they stand, by SuiteQL.

    books = NetSuiteBooks(Sessions(db, secrets))
    books.company(link).closed_through
    list(books.documents(link, since="2026-01-01", until="2026-01-31"))

Days are asked for and told by TO_DATE and TO_CHAR, for a bare day is in the user's own format. One query gives 100,000 rows at most, so
rows are counted first, and a span with more is read in halves. Record and field names are those of NetSuite's records catalogue as public queries use them (`transaction`,
`transactionline`, `transactionaccountingline`, `account`, `currency`, `subsidiary`, `accountingperiod`, `classification`). UNVERIFIED:
`currencyprecision`, and that an account without OneWorld has no record `subsidiary`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING

from bookhand.core.book import KEY_MARK, BookAccount, BookPosting, Books, Company, Posted
from bookhand.core.problems import Refusal
from bookhand.systems.netsuite import CALLS_A_DOCUMENT, SECONDS_A_CALL
from bookhand.systems.netsuite.answers import NetSuiteRefusal
from bookhand.systems.netsuite.client import MOST_ROWS
from bookhand.systems.netsuite.marks import PREFIX
from bookhand.systems.netsuite.translate import account_of, closed_through, documents_of, posting_of

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.systems.netsuite.client import NetSuiteClient
    from bookhand.systems.netsuite.session.sessions_auth import Session, Sessions

_MOST_IN_LIST = 500
_MARGIN_ROWS = 5_000
"""For what is booked between counting and reading."""
_WHERE = """
FROM transaction t
JOIN transactionline tl ON tl.transaction = t.id
JOIN transactionaccountingline tal ON tal.transaction = t.id AND tal.transactionline = tl.id
WHERE tal.posting = 'T' AND t.trandate >= TO_DATE('{since}', 'YYYY-MM-DD') AND t.trandate <= TO_DATE('{until}', 'YYYY-MM-DD') AND {only}
"""
_COUNT = "SELECT COUNT(*) AS n" + _WHERE
_LINES = (
    "SELECT t.id, t.type, t.tranid, t.externalid, t.memo, t.currency, TO_CHAR(t.trandate, 'YYYY-MM-DD') AS day, tl.mainline, "
    "tl.memo AS linememo, tl.class, tl.debitforeignamount, tl.creditforeignamount, tal.account"
    + _WHERE
    + "ORDER BY t.id, tl.id"
)


class NetSuiteBooks(Books):
    """See `core.book.Books`; safe to share between threads."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def company(self, link: Link) -> Company:
        """See `Books`."""
        session = self._sessions.open(link)
        rows = subsidiaries(session.client)
        ours = next((row for row in rows if row["id"] == session.subsidiary), None)
        if rows and ours is None:
            raise Refusal(
                f"Subsidiary {session.subsidiary} is not among those the role may see ({_named(rows)}): connect again with --subsidiary."
            )
        symbols = session.terms.currencies
        home = session.terms.symbol(ours["currency"]) if ours else _base_currency(session)
        periods = session.client.rows(_PERIODS)
        classes = session.client.rows(
            "SELECT id, name FROM classification WHERE isinactive = 'F' ORDER BY id"
        )
        each = CALLS_A_DOCUMENT * SECONDS_A_CALL
        pace = session.at_once / each
        return Company(
            id=link.account, name=ours["name"] if ours else session.connection.name, home_currency=home,
            currencies=(home, *(symbol for symbol in symbols if symbol != home)), closed_through=closed_through(periods),
            categories=tuple((row["id"], row["name"]) for row in classes), documents_per_second=pace,
            pace=f"{session.at_once} requests at once of those the account has; with two requests of about {SECONDS_A_CALL} s for each "
            f"document, some {pace:.1f} documents a second. NetSuite tells no rate: it is measured as it goes.",
        )  # fmt: skip

    def accounts(self, link: Link) -> list[BookAccount]:
        """See `Books`; what previews are made from is read anew after it."""
        session = self._sessions.open(link)
        session.kept.pop("chart", None)
        return chart_of(session)

    def documents(self, link: Link, *, since: str, until: str) -> Iterator[Posted]:
        """See `Books`; those with our external id or our mark."""
        session = self._sessions.open(link)
        ours = f"(t.externalid LIKE '{PREFIX}%' OR t.memo LIKE '%{KEY_MARK}%')"
        for query in _queries(session, ours, since, until):
            yield from documents_of(session.client.rows(query), session.terms)

    def postings(
        self, link: Link, accounts: Collection[str], *, since: str, until: str
    ) -> Iterator[BookPosting]:
        """See `Books`."""
        session = self._sessions.open(link)
        numbers = sorted({account for account in accounts if account.isdigit()})
        for at in range(0, len(numbers), _MOST_IN_LIST):
            only = f"tal.account IN ({', '.join(numbers[at : at + _MOST_IN_LIST])})"
            for query in _queries(session, only, since, until):
                yield from (posting_of(row, session.terms) for row in session.client.rows(query))


def _queries(session: Session, only: str, since: str, until: str) -> Iterator[str]:
    """The queries that give every line of a span: one, or, where it has more rows than one may give, those of its halves."""
    mine = only + _of_subsidiary(session)
    count = int(next(iter(session.client.rows(_COUNT.format(since=since, until=until, only=mine))))["n"])
    halves = halved(since, until) if count > MOST_ROWS - _MARGIN_ROWS else ()
    if count and not halves:
        yield _LINES.format(since=since, until=until, only=mine)
    for first, last in halves:
        yield from _queries(session, only, first, last)


_PERIODS = """
SELECT id, TO_CHAR(enddate, 'YYYY-MM-DD') AS until, closed, alllocked FROM accountingperiod
WHERE isquarter = 'F' AND isyear = 'F' AND isadjust = 'F' AND isinactive = 'F' ORDER BY enddate, id
"""
_ACCOUNTS = (
    "SELECT id, acctnumber, fullname, accttype, currency, isinactive, issummary FROM account ORDER BY id"
)
_SUBSIDIARIES = (
    "SELECT id, name, currency FROM subsidiary WHERE isinactive = 'F' AND iselimination = 'F' ORDER BY id"
)


def chart_of(session: Session) -> list[BookAccount]:
    """Every account of the chart."""
    return [account_of(row, session.terms) for row in session.client.rows(_ACCOUNTS)]


def subsidiaries(client: NetSuiteClient) -> list[dict[str, str]]:
    """The companies of a OneWorld account (id, name, currency); none in an account that is not one."""
    try:
        return list(client.rows(_SUBSIDIARIES))
    except NetSuiteRefusal as refusal:
        if "not found" in str(refusal):
            return []
        raise


def halved(since: str, until: str) -> tuple[tuple[str, str], ...]:
    """A span of days in two halves; a day cannot be halved.

    >>> halved("2026-01-01", "2026-01-31"), halved("2026-01-01", "2026-01-01")
    ((('2026-01-01', '2026-01-16'), ('2026-01-17', '2026-01-31')), ())
    """
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    if first >= last:
        return ()
    middle = first + (last - first) // 2
    return (since, middle.isoformat()), ((middle + timedelta(days=1)).isoformat(), until)


def _of_subsidiary(session: Session) -> str:
    """The lines of our subsidiary alone."""
    return f" AND tl.subsidiary = {int(session.subsidiary)}" if session.subsidiary else ""


def _base_currency(session: Session) -> str:
    rows = list(session.client.rows("SELECT symbol FROM currency WHERE isbasecurrency = 'T' ORDER BY id"))
    return rows[0]["symbol"] if rows else next(iter(session.terms.currencies))


def _named(rows: list[dict[str, str]]) -> str:
    return ", ".join(f"{row['id']} {row['name']}" for row in rows)
