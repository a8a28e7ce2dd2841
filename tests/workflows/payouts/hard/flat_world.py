"""Two weeks of flat prices drawn by chance, with the truth: few amounts, many payouts of each, and a bank that does all that banks do."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random
from typing import Final

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.matching import Bounds, Expected, Status

_ACCOUNT: Final = "000123456789"
_AMOUNTS: Final = (500_00, 1000_00, 123_45, 999_99, 600_00, 400_00)
_KINDS: Final = {
    "plain": 60,
    "missing": 8,
    "failed": 4,
    "returned": 6,
    "fee": 4,
    "split": 5,
    "batch": 5,
    "sent back": 4,
}
BOUNDS: Final = Bounds(covered={_ACCOUNT: "2026-05-30"})


class FlatWorld:
    """Payouts, lines, and for each line the payouts whose money it is; none for a line of others and for money that went back."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._traced, self._late = self._rng.choice((0, 0.5, 1)), self._rng.choice((0, 0, 0.3, 0.6))
        self._pool = [self._rng.choice(_AMOUNTS) for _ in range(self._rng.choice((1, 2, 3, 6)))]
        self.payouts: list[Expected] = []
        self.lines: list[StatementLine] = []
        self.truth: dict[LineKey, frozenset[str]] = {}
        for _ in range(self._rng.randint(1, 8)):
            self._happen(self._rng.choices(list(_KINDS), list(_KINDS.values()))[0])
        for _ in range(self._rng.choice((0, 0, 1, 2))):
            text = self._rng.choice(("WIRE FROM NORTHWIND", "PAYPAL TRANSFER", "DEPOSIT"))
            self._line(_after(date(2026, 3, 2), self._rng.randint(0, 9)), self._rng.choice(self._pool), text)

    def _happen(self, kind: str) -> None:
        rng, due, minor = (
            self._rng,
            _after(date(2026, 3, 2), self._rng.randint(0, 8)),
            self._rng.choice(self._pool),
        )
        trace = f"0910000{rng.randrange(10**8):08d}" if rng.random() < self._traced else None
        comes = _after(due, rng.choice((0, 1, 2)) if rng.random() < self._late else 0)
        goes = _after(comes, rng.randint(1, 3))
        failed = {"failed": due, "returned": goes}.get(kind)
        payout = self._payout(due, minor, trace, failed)
        named = f" {trace}" if trace is not None else ""
        text = "STRIPE TRANSFER" + (named if rng.random() < 0.7 else "")
        if kind in {"plain", "returned"}:
            self._line(comes, minor, text, payout)
        if kind == "returned":
            self._line(goes, -minor, f"STRIPE RETURN{named}", payout)
        if kind == "sent back":
            self._line(comes, minor, text)
            self._line(goes, -minor, f"RETURN STRIPE TRANSFER{named}")
        if kind == "fee":
            self._line(comes, minor - 15_00, f"{text} LESS FEE 15.00", payout)
        if kind == "split":
            part = rng.choice((minor * 2 // 5, minor // 2, max(minor - 200_00, minor // 3)))
            self._line(comes, part, text, payout)
            self._line(comes, minor - part, text, payout)
        if kind == "batch":
            more = rng.choice(self._pool)
            self._line(comes, minor + more, text, payout, self._payout(due, more, None, None))

    def _payout(self, due: date, minor: int, trace: str | None, failed: date | None) -> str:
        status: Status = "paid" if failed is None else "failed"
        made = _after(due - timedelta(4), 0).isoformat()
        found = Expected(
            id=f"po_1{self._rng.randrange(10**9):09d}x{len(self.payouts)}", connection="shop", currency="USD", minor=minor,
            arrival_day=due.isoformat(), created_day=made, status=status, trace_id=trace,
            failed_day=None if failed is None else failed.isoformat(),
        )  # fmt: skip
        self.payouts.append(found)
        return found.id

    def _line(self, day: date, minor: int, text: str, *payouts: str) -> None:
        key = f"F{self._rng.randrange(10**6):06d}{len(self.lines)}"
        self.lines.append(
            StatementLine(
                account=_ACCOUNT, key=key, day=day.isoformat(), currency="USD", minor=minor, description=text
            )
        )
        self.truth[_ACCOUNT, key] = frozenset(payouts)


def _after(day: date, days: int) -> date:
    """So many weekdays later; a weekday in any case."""
    while days or day.weekday() > 4:
        day += timedelta(1)
        days -= days > 0 and day.weekday() < 5
    return day
