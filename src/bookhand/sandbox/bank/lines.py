"""What a made-up bank knows of an account before it writes a file: lines and balances. Pure."""

from __future__ import annotations

import msgspec


class BankLine(msgspec.Struct, frozen=True, kw_only=True):
    """A booked movement: `minor` is signed, money in positive; `id` is the bank's own and once in the account."""

    id: str
    day: str
    minor: int
    description: str
    value_day: str | None = None
    counterparty: str = ""
    reference: str = ""
    """What the sender gave it: an end-to-end id, a trace number."""
    reversal: bool = False
    sent_minor: int | None = None
    """What was sent before the bank exchanged it, without a sign, in `sent_currency`."""
    sent_currency: str | None = None
    parts: tuple[tuple[int, str], ...] = ()
    """A batch: what each payment in it moved (they add up to `minor`), and its reference. Only CAMT.053 tells them."""


class BankAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account with the lines of one statement, oldest first, and what was on it before them."""

    number: str
    currency: str
    opening_minor: int = 0
    lines: tuple[BankLine, ...] = ()
    statement_no: int = 1
    from_day: str | None = None
    until_day: str | None = None

    @property
    def closing_minor(self) -> int:
        """What is on it after the lines."""
        return self.opening_minor + sum(line.minor for line in self.lines)

    @property
    def first_day(self) -> str:
        """The first day of the statement."""
        return self.from_day or min((line.day for line in self.lines), default="2026-01-01")

    @property
    def last_day(self) -> str:
        """Its last day."""
        return self.until_day or max((line.day for line in self.lines), default=self.first_day)
