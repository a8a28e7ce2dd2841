"""The account as SuiteQL sees it: records and columns, kept in a private SQLite.

>>> from bookhand.sandbox.netsuite.company import simple
>>> Tables(simple()).select("select count(*) as n from account where accttype = 'Bank'")
(['n'], [(1,)])

Column names are those of NetSuite's records catalogue as queries in public repositories use them (`debitforeignamount` and
`creditforeignamount` of a transaction line; `account`, `debit`, `credit`, `posting` of an accounting line). Debits of a line's
`foreignamount` are positive: UNVERIFIED. A day is kept with a mark before it, so that a text is never taken for one: comparing needs
TO_DATE, reading it plainly gives the company's own format (11/20/2026), as NetSuite does.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from bookhand.sandbox.netsuite.company import Company
from bookhand.sandbox.netsuite.transaction import Transaction, amount_of

DAY_MARK = "\x01"

_SCHEMA = """
create table "transaction" (id integer primary key, type text, recordtype text, tranid text, trandate text, externalid text, memo text,
    currency integer, exchangerate real, postingperiod integer, posting text, voided text, createddate text, lastmodifieddate text);
create index transaction_by_day on "transaction" (trandate);
create table transactionline (id integer, "transaction" integer, linesequencenumber integer, mainline text, memo text, class integer,
    department integer, location integer, subsidiary integer, entity integer, foreignamount real, debitforeignamount real,
    creditforeignamount real, netamount real, primary key ("transaction", id));
create table transactionaccountingline ("transaction" integer, transactionline integer, accountingbook integer, account integer,
    posting text, debit real, credit real, amount real, exchangerate real, primary key ("transaction", transactionline));
create table account (id integer primary key, acctnumber text, accountsearchdisplayname text, fullname text, displaynamewithhierarchy text,
    accttype text, currency integer, isinactive text, issummary text, parent integer, externalid text);
create table currency (id integer primary key, symbol text, name text, exchangerate real, isinactive text, isbasecurrency text,
    currencyprecision integer);
create table accountingperiod (id integer primary key, periodname text, startdate text, enddate text, closed text, alllocked text,
    isposting text, isquarter text, isyear text, isadjust text, isinactive text);
create table classification (id integer primary key, name text, fullname text, isinactive text);
create table department (id integer primary key, name text, fullname text, isinactive text);
create table location (id integer primary key, name text, fullname text, isinactive text);
"""
_ONE_WORLD = """
create table subsidiary (id integer primary key, name text, fullname text, currency integer, parent integer, isinactive text,
    iselimination text);
"""
FUNCTIONS = frozenset({
    "to_char", "to_date", "nvl", "coalesce", "count", "sum", "min", "max", "upper", "lower", "abs", "substr", "length", "round", "instr",
    "like",
})  # fmt: skip


class Tables:
    """What SuiteQL selects from; the caller holds a lock."""

    def __init__(self, company: Company) -> None:
        self._company = company
        self._guarded = False
        self._cx = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._cx.execute("pragma case_sensitive_like = on")
        self._cx.executescript(_SCHEMA + (_ONE_WORLD if company.one_world else ""))
        self._cx.create_function("to_date", 2, _to_date, deterministic=True)
        self._cx.create_function("to_char", 2, _to_char, deterministic=True)
        self._cx.create_function(
            "nvl", 2, lambda value, other: other if value is None else value, deterministic=True
        )
        self._cx.set_authorizer(self._allowed)
        self.refresh()

    def select(self, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Column names and rows; sqlite3.Error for what cannot be run, and for anything but reading."""
        self._guarded = True
        try:
            cursor = self._cx.execute(query)
            return [column[0].lower() for column in cursor.description or ()], cursor.fetchall()
        finally:
            self._guarded = False

    def close(self) -> None:
        """Let it go."""
        self._cx.close()

    def keep(self, made: Transaction) -> None:
        """A transaction as it is now, in place of what was."""
        self.forget(made.id)
        symbol, home = self._company.currencies[made.currency].symbol, self._home(made)
        period = self._company.period_of(made.day)
        posts = _flag(made.posts)
        self._insert("transaction", [(
            made.id, made.type, made.record.lower(), made.number, day(made.day), made.external_id, made.memo or None, made.currency,
            float(made.rate), period.id if period else None, posts, "F", day(made.created), day(made.modified),
        )])  # fmt: skip
        lines, accounting = [], []
        for at, line in enumerate(made.lines):
            amount = amount_of(line.minor, symbol)
            base = (amount * made.rate).quantize(amount_of(1, home))
            debit, credit = _sides(amount)
            lines.append((
                at, made.id, at, _flag(line.place == "main"), line.memo or None, line.class_, line.department, line.location,
                made.subsidiary, line.entity, float(amount), debit, credit, float(base),
            ))  # fmt: skip
            accounting.append(
                (made.id, at, 1, line.account, posts, *_sides(base), float(base), float(made.rate))
            )
        self._insert("transactionline", lines)
        self._insert("transactionaccountingline", accounting)

    def forget(self, id: str) -> None:  # noqa: A002 (theirs)
        """A transaction that was deleted."""
        self._cx.execute('delete from "transaction" where id = ?', (id,))
        self._cx.execute('delete from transactionline where "transaction" = ?', (id,))
        self._cx.execute('delete from transactionaccountingline where "transaction" = ?', (id,))

    def refresh(self) -> None:
        """The lists, as the company has them now."""
        company = self._company
        home = next(iter(company.currencies.values()))
        rows: dict[str, list[tuple[Any, ...]]] = {
            "account": [
                (a.id, a.number, f"{a.number} {company.full_name(a)}", company.full_name(a), f"{a.number} {company.full_name(a)}", a.type,
                 a.currency, _flag(a.inactive), _flag(a.summary), a.parent, None)
                for a in company.accounts.values()
            ],
            "currency": [
                (c.id, c.symbol, c.name, float(c.rate), "F", _flag(c is home), 2) for c in company.currencies.values()
            ],
            "accountingperiod": [
                (p.id, p.name, day(p.start), day(p.end), _flag(p.closed), _flag(p.locked or p.closed), _flag(p.kind == "month"),
                 _flag(p.kind == "quarter"), _flag(p.kind == "year"), "F", "F")
                for p in company.periods.values()
            ],
            "classification": [(n.id, n.name, n.name, _flag(n.inactive)) for n in company.classes.values()],
            "department": [(n.id, n.name, n.name, _flag(n.inactive)) for n in company.departments.values()],
            "location": [(n.id, n.name, n.name, _flag(n.inactive)) for n in company.locations.values()],
        }  # fmt: skip
        if company.one_world:
            rows["subsidiary"] = [
                (s.id, s.name, s.name, s.currency, s.parent, _flag(s.inactive), "F")
                for s in company.subsidiaries.values()
            ]
        for table, values in rows.items():
            self._cx.execute(f'delete from "{table}"')  # noqa: S608 (names of our own)
            self._insert(table, values)

    def _insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        for row in rows:
            self._cx.execute(f'insert into "{table}" values ({", ".join("?" * len(row))})', row)  # noqa: S608 (names of our own)

    def _home(self, made: Transaction) -> str:
        company = self._company
        home = (
            company.subsidiaries[made.subsidiary].currency
            if made.subsidiary
            else next(iter(company.currencies))
        )
        return company.currencies[home].symbol

    def _allowed(
        self, action: int, one: str | None, two: str | None, _db: str | None, _inner: str | None
    ) -> int:
        if not self._guarded or action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}:
            return (
                sqlite3.SQLITE_DENY
                if self._guarded and (one or "").startswith("sqlite_")
                else sqlite3.SQLITE_OK
            )
        if action == sqlite3.SQLITE_FUNCTION and (two or "").lower() in FUNCTIONS:
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


def day(moment: str) -> str:
    """A day or a moment (ISO, UTC) as it is kept."""
    return DAY_MARK + moment


def shown(value: Any) -> str | None:
    """A value as the answer has it: every value is a text, and a day is in the company's format (month/day/year)."""
    if value is None:
        return None
    if isinstance(value, float):
        return format(Decimal(repr(value)).quantize(Decimal("1e-8")).normalize(), "f")
    if isinstance(value, str) and value.startswith(DAY_MARK):
        moment = datetime.fromisoformat(value[1:])
        return f"{moment.month}/{moment.day}/{moment.year}"
    return str(value)


_FORMATS = {
    "YYYY-MM-DD": "%Y-%m-%d",
    "MM/DD/YYYY": "%m/%d/%Y",
    "YYYY-MM-DD HH24:MI:SS": "%Y-%m-%d %H:%M:%S",
    "YYYY-MM": "%Y-%m",
    "YYYY": "%Y",
}


def _to_date(text: str | None, form: str) -> str | None:
    if text is None:
        return None
    moment = datetime.strptime(text, _FORMATS[form.upper()])  # noqa: DTZ007 (a day has no zone)
    return DAY_MARK + (moment.date().isoformat() if "HH24" not in form.upper() else moment.isoformat())


def _to_char(value: Any, form: str) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.startswith(DAY_MARK):
        raise ValueError("no day")
    return datetime.fromisoformat(value[1:]).strftime(_FORMATS[form.upper()])


def _sides(amount: Decimal) -> tuple[float | None, float | None]:
    return (float(amount), None) if amount > 0 else (None, float(-amount))


def _flag(yes: bool) -> str:  # noqa: FBT001 (NetSuite's own T and F)
    return "T" if yes else "F"
