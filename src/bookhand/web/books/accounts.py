"""``/books/accounts``: the chart with its balances, and one account's ledger month by month, with its running balance."""

from __future__ import annotations

from calendar import monthrange
from datetime import date
from itertools import accumulate
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Missing, Refusal
from bookhand.journal.chart import ROOTS
from bookhand.journal.periods import checked
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.web.books import journal_store, store
from bookhand.web.books.hands import hands
from bookhand.web.books.journal import Namer, continued, cursor_of, namer, place
from bookhand.web.books.journal_store import Line, Wanted
from bookhand.web.books.proofs import stripe
from bookhand.web.page.site import Seen, Site
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = 50
_MOST_MONTHS = 36


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """An account of one journal: its key, the chart's name, and what it holds by currency."""

    account: str
    name: str
    minor: dict[str, int]

    def address(self, connection_id: int, currency: str) -> str:
        """Its ledger."""
        return ledger_address(connection_id, self.account, currency)


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One journal's accounts by root, its currencies, and the sum of all accounts: zero in each."""

    connection: Connection
    currencies: list[str]
    groups: list[tuple[str, list[Held]]]
    sums: dict[str, int]


class Posted(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a ledger: what the entry changed, and the balance after it."""

    line: Line
    minor: int
    balance: int


def routes(site: Site, router: APIRouter) -> None:
    """``/books/accounts`` and the ledger of one."""

    @router.get("/books/accounts")
    def accounts(request: Request) -> Response:
        return site.show(request, "books/accounts.html", lambda _me: _chart(site))

    @router.get("/books/accounts/{number}/{account:path}")
    def ledger(
        request: Request, number: int, account: str, *, currency: str = "", month: str = "", cursor: str | None = None
    ) -> Response:  # fmt: skip
        return site.show(
            request,
            "books/ledger.html",
            lambda _me: {
                **_ledger(site, number, account, currency.upper(), month, cursor),
                "on_its_own": continued(request),
            },
        )


def ledger_address(connection_id: int, account: str, currency: str) -> str:
    """Where the ledger of an account is."""
    return f"/books/accounts/{connection_id}/{quote(account, safe=':')}?currency={quote(currency)}"


def _chart(site: Site) -> Seen:
    with site.db.transaction() as cx:
        held = store.balances(cx)
        every = connections.every(cx, system="stripe")
    chart = hands(site).chart()
    return {
        "charts": [made for each in every if (made := _of(each, held, namer(chart, each))).groups],
        "every": every,
    }


def _of(connection: Connection, held: Mapping[tuple[int, str, str], int], name: Namer) -> Chart:
    mine = {
        (account, currency): minor
        for (number, account, currency), minor in held.items()
        if number == connection.id
    }
    currencies = sorted({currency for _, currency in mine}, key=lambda one: (-_weight(mine, one), one))
    rows: dict[str, Held] = {}
    for (account, currency), minor in mine.items():
        row = rows.setdefault(account, Held(account=account, name=name(account, currency), minor={}))
        row.minor[currency] = minor
    groups = [
        (root, sorted((row for row in rows.values() if root_of(row.name) == root), key=lambda row: row.name))
        for root in (*ROOTS, "")
    ]
    return Chart(
        connection=connection,
        currencies=currencies,
        groups=[(root, found) for root, found in groups if found],
        sums={
            one: sum(minor for (_, currency), minor in mine.items() if currency == one) for one in currencies
        },
    )


def _weight(mine: Mapping[tuple[str, str], int], currency: str) -> int:
    return sum(1 for _, one in mine if one == currency)


def root_of(name: str) -> str:
    """Assets, Liabilities, Equity, Income or Expenses; nothing where the chart has no name for the account."""
    root = name.partition(":")[0]
    return root if root in ROOTS else ""


def _ledger(site: Site, number: int, account: str, currency: str, month: str, cursor: str | None) -> Seen:  # noqa: PLR0917 (of one address)
    with site.db.transaction() as cx:
        connection = stripe(connections.get(cx, number))
        held = {one: minor for (_, one), minor in _held(store.balances(cx), number, account).items()}
        if not held:
            raise Missing(plain("books.ledger.missing", account=account[:80], name=connection.name))
        currency = currency if currency in held else min(held)
        changes = store.by_month(cx, connection.link, account, currency)
        balances = dict(
            zip((one for one, _ in changes), accumulate(minor for _, minor in changes), strict=True)
        )
        chosen = _month(month, changes)
        before, carried = _carried(cursor)
        wanted = Wanted(account=account, currency=currency, since=_first(chosen), until=_last(chosen))
        found = journal_store.page(cx, [connection.link], wanted, before=before, limit=PAGE)
    after = balances.get(chosen, 0) if carried is None else carried
    posted = list(_run(found.entries, account, currency, after))
    left = posted[-1].balance - posted[-1].minor if posted else after
    following = cursor_of(found.next)
    return {
        "connection": connection,
        "account": account,
        "name": namer(hands(site).chart(), connection)(account, currency),
        "currency": currency,
        "held": held,
        "months": [(one, minor, balances[one]) for one, minor in reversed(changes)][:_MOST_MONTHS],
        "month": chosen,
        "opening": balances.get(chosen, 0) - dict(changes).get(chosen, 0),
        "closing": balances.get(chosen, 0),
        "posted": posted,
        "next": f"{left}.{following}" if following else None,
        "looked": found.next[0] if found.short and found.next else None,
        "begun": cursor is not None,
        "picture": _picture(changes[-_MOST_MONTHS:], balances, currency),
        "address": ledger_address(number, account, currency),
    }


def _held(every: Mapping[tuple[int, str, str], int], number: int, account: str) -> dict[tuple[str, str], int]:
    return {
        (one, currency): minor
        for (where, one, currency), minor in every.items()
        if (where, one) == (number, account)
    }


def _month(asked: str, changes: Sequence[tuple[str, int]]) -> str:
    if asked:
        return checked(asked)
    return changes[-1][0] if changes else "1970-01"


def _first(month: str) -> date:
    return date.fromisoformat(f"{month}-01")


def _last(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return first.replace(day=monthrange(first.year, first.month)[1])


def _carried(cursor: str | None) -> tuple[journal_store.Place | None, int | None]:
    """The place a page goes on from, and the balance there."""
    if not cursor:
        return None, None
    balance, _, rest = cursor.partition(".")
    if not balance.removeprefix("-").isdigit() or len(balance) > 20 or not rest:  # noqa: PLR2004 (64 bits)
        raise Refusal(plain("books.no_cursor"))
    return place(rest), int(balance)


def _run(lines: Sequence[Line], account: str, currency: str, after: int) -> Sequence[Posted]:
    """Each line with the balance after it, newest first, from the balance after the first."""
    found = []
    for line in lines:
        minor = line.moved(account, currency)
        found.append(Posted(line=line, minor=minor, balance=after))
        after -= minor
    return found


def _picture(
    changes: Sequence[tuple[str, int]], balances: Mapping[str, int], currency: str
) -> dict[str, object]:
    return {
        "kind": "history",
        "step": False,
        "area": True,
        "names": [month for month, _ in changes],
        "currency": currency,
        "places": EXPONENTS.get(currency, 0),
        "series": [
            {"name": plain("books.ledger.balance"), "values": [balances[month] for month, _ in changes]}
        ],
    }
