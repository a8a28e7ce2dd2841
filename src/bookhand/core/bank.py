"""The bank's words: statement lines and statements, whatever file or feed they come from.

Amounts are whole minor units (Stripe's decimals, `core.money`), money that comes in is positive whatever the file's own sign is.
Days are ISO dates as the bank writes them, without a time zone.
"""

from __future__ import annotations

from typing import Any

import msgspec

from bookhand.core.ready import ready


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One booked line of a bank account.

    `key` is once in its account: the bank's own id where it has one, else a hash of the content with its place among equals.
    """

    account: str
    """The bank account as the file names it (IBAN, number, Plaid's account_id)."""
    key: str
    day: str
    """Booking date."""
    value_day: str | None = None
    currency: str
    minor: int
    description: str
    counterparty: str | None = None
    references: tuple[str, ...] = ()
    """Every id that the line carries: trace numbers, end-to-end ids, the bank's own reference."""
    native_id: str | None = None
    code: str | None = None
    """The bank's own transaction code."""
    reversal: bool = False
    original_minor: int | None = None
    """What was sent, in `original_currency`, where the bank exchanged it and says so."""
    original_currency: str | None = None
    raw: str = ""
    """The line as it stood in the file."""


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """A statement as read from one file (or one page of a feed): its lines, and the balances it claims."""

    account: str
    currency: str | None
    format: str
    opening_minor: int | None = None
    closing_minor: int | None = None
    opening_day: str | None = None
    closing_day: str | None = None
    until: str | None = None
    """The last day of which it lists lines, where that is another than the closing balance's: some banks tell that of today."""
    number: str | None = None
    lines: tuple[StatementLine, ...] = ()
    warnings: tuple[str, ...] = ()
    """What somebody has to look at."""
    notes: tuple[str, ...] = ()
    """What was left out, as it should be: entries that are pending, words between the lines."""

    @property
    def off_by(self) -> int | None:
        """Opening plus lines less closing: zero for a whole statement; None where the file does not tell its balances."""
        if self.opening_minor is None or self.closing_minor is None:
            return None
        return self.opening_minor + sum(line.minor for line in self.lines) - self.closing_minor

    def facts(self) -> dict[str, Any]:
        """What is kept of a statement beside its lines."""
        found: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(self, lines=()))
        return found


ready(StatementLine, Statement)  # see core.ready
