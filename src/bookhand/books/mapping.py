"""Mapping: which account of a book takes what the journal posts to a role, and in which class; pure.

A line is for a journal account (``role`` or ``role:detail``), in one currency or in any; the most exact one wins. What has no line is not
mapped: it is refused, never guessed.

>>> mapping = Mapping((MapLine("revenue", "4000"), MapLine("revenue", "4010", currency="EUR"), MapLine("sales_tax_payable:txr_1", "2210")))
>>> [mapping.line("revenue", "USD").account, mapping.line("revenue", "EUR").account, mapping.line("sales_tax_payable:txr_2", "USD")]
['4000', '4010', None]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from collections.abc import Mapping as Map

import msgspec

from bookhand.core.book import BookAccount
from bookhand.core.problems import Refusal
from bookhand.core.ready import ready

NOTHING = "-"
"""No currency: what an account takes that cannot be used."""


class MapLine(msgspec.Struct, frozen=True, order=True):
    """`journal` (a role, or a role with its detail) goes to the book's `account`, in `currency` or in any; `takes` is the only currency of that account."""

    journal: str
    account: str
    currency: str | None = None
    category: str | None = None
    takes: str | None = None


class Mapping(msgspec.Struct, frozen=True):
    """The lines of a book."""

    lines: tuple[MapLine, ...] = ()

    def line(self, journal: str, currency: str) -> MapLine | None:
        """The line for a journal account in a currency; None where there is none, or its account takes another currency."""
        table = self.table()
        role = journal.partition(":")[0]
        for key in ((journal, currency), (journal, None), (role, currency), (role, None)):
            found = table.get(key)
            if found is not None:
                return found if found.takes in {None, currency} else None
        return None

    def table(self) -> dict[tuple[str, str | None], MapLine]:
        """The lines by what they are for."""
        return {(line.journal, line.currency): line for line in self.lines}

    def digest(self) -> str:
        """Changes with every line; what a standing approval was given for."""
        return hashlib.blake2b(
            msgspec.json.encode(sorted(self.lines, key=_order)), digest_size=16
        ).hexdigest()

    def accounts(self) -> list[str]:
        """The book's accounts that are mapped to, each once."""
        return list(dict.fromkeys(line.account for line in sorted(self.lines, key=_order)))

    def usable(self, accounts: Iterable[BookAccount]) -> Mapping:
        """The same, where lines to accounts that are gone or inactive take nothing any more."""
        active = {account.id for account in accounts if account.active}
        return Mapping(
            tuple(
                line if line.account in active else msgspec.structs.replace(line, takes=NOTHING)
                for line in self.lines
            )
        )

    def unmapped(self, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Those of `wanted` (journal account, currency) that no line takes."""
        return sorted({each for each in wanted if self.line(*each) is None})


class Finder:
    """`Mapping.line` for many look-ups: each answer is worked out once."""

    def __init__(self, mapping: Mapping) -> None:
        self._table = mapping.table()
        self._mapping = mapping
        self._known: dict[tuple[str, str], MapLine | None] = {}

    def __call__(self, journal: str, currency: str) -> MapLine | None:
        """See `Mapping.line`."""
        key = (journal, currency)
        if key not in self._known:
            self._known[key] = self._mapping.line(journal, currency)
        return self._known[key]


def checked(mapping: Mapping, accounts: Iterable[BookAccount], wanted: Iterable[tuple[str, str]]) -> Mapping:
    """`mapping` with what each account takes; `Refusal` naming every line that cannot be, and all that is not mapped."""
    chart = {account.id: account for account in accounts}
    wrong = [_wrong(line, chart) for line in mapping.lines]
    doubled = len(mapping.table()) != len(mapping.lines)
    found = Mapping(
        tuple(
            msgspec.structs.replace(line, takes=chart[line.account].currency)
            for line in sorted(mapping.lines, key=_order)
            if line.account in chart
        )
    )
    said = [each for each in wrong if each] + (["a journal account is mapped twice"] if doubled else [])
    said += [f"{name} in {currency} is not mapped" for name, currency in found.unmapped(wanted)]
    if said:
        raise Refusal(f"The mapping cannot be used: {'; '.join(said)}. Map each to an account that fits.")
    return found


def _wrong(line: MapLine, chart: Map[str, BookAccount]) -> str | None:
    account = chart.get(line.account)
    if account is None:
        return f"the book has no account {line.account} (for {line.journal})"
    if not account.active:
        return f"account {account.name} (for {line.journal}) is inactive"
    if line.currency and account.currency not in {None, line.currency}:
        return f"account {account.name} takes {account.currency}, and {line.journal} is mapped to it in {line.currency}"
    return None


def _order(line: MapLine) -> tuple[str, str, str]:
    return line.journal, line.currency or "", line.account


ready(Mapping)  # see core.ready
