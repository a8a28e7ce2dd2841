"""What no certain match explains, by day and by amount: what a second look goes by; pure.

Left over are the payouts and lines that are open or in a question. Beside them stand those whose match is not of the very day, for such a match
may be the wrong one of two.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from itertools import compress
from typing import Final

from bookhand.workflows.payouts.matching.decisions import Some
from bookhand.workflows.payouts.matching.evidence import Evidence

CROWD: Final = 10
"""With more than so many near, amounts are looked up and only ones and pairs are formed; each of all is tried where there are fewer."""
_ARRIVES: Final = frozenset({"paid", "in_transit", "pending"})
_AccountDay = tuple[str, str, str]
"""Currency, account and day."""
_NOT: Final = bytes([1, *[0] * 255])


class Left:
    """Payouts and lines in no certain match (free, or in a question), and beside them those whose match is not of the very day."""

    def __init__(self, known: Evidence, loose: Iterable[Some]) -> None:
        self.known = known
        self.taken_payouts, self.taken_lines = known.kept_payouts, known.kept_lines
        payouts, lines = bytearray(known.kept_payouts), bytearray(known.kept_lines)
        for one in loose:
            for payout in one.payouts:
                payouts[payout] = 0
            for line in one.lines:
                lines[line] = 0
        self.line_by_amount: dict[tuple[_AccountDay, int], list[int]] = {}
        """(currency, account and day) and amount to lines left."""
        self.lines_beside: dict[_AccountDay, list[int]] = {}
        """(currency, account and day) to lines left."""
        self.payout_by_amount: dict[tuple[str, int], list[int]] = {}
        """(currency, amount) to payouts left."""
        self.payouts: dict[tuple[str, int], list[int]] = {}
        """(currency, place of the arrival day) to payouts left."""
        self.lines: dict[tuple[str, int], list[int]] = {}
        """(currency, place of the day) to lines left."""
        self._payouts_of_days: dict[tuple[str, int], list[int]] = {}
        self._lines_of_days: dict[tuple[str, int], list[int]] = {}
        self._lines_near: dict[int, list[int]] = {}
        self._payouts_near: dict[int, list[int]] = {}
        for payout in compress(range(len(payouts)), payouts.translate(_NOT)):
            for some in self._payout_lists(payout):
                some.append(payout)
        for line in compress(range(len(lines)), lines.translate(_NOT)):
            for some in self._line_lists(line):
                some.append(line)

    def put_back(self, doubted: Iterable[Some]) -> None:
        """Matches are doubted: what was in them is left as well."""
        for one in doubted:
            for payout in one.payouts:
                for some in self._payout_lists(payout):
                    if payout not in some:
                        insort(some, payout)
            for line in one.lines:
                for some in self._line_lists(line):
                    if line not in some:
                        insort(some, line)
        for found in (self._payouts_of_days, self._lines_of_days, self._lines_near, self._payouts_near):
            found.clear()

    def _payout_lists(self, payout: int) -> tuple[list[int], ...]:
        one = self.known.payouts[payout]
        if one.minor <= 0 or one.status not in _ARRIVES:
            return ()
        return (
            self.payouts.setdefault((one.currency, self.known.places[payout]), []),
            self.payout_by_amount.setdefault((one.currency, one.minor), []),
        )

    def _line_lists(self, line: int) -> tuple[list[int], ...]:
        one = self.known.lines[line]
        if one.minor <= 0 or one.original_minor is not None or not self.known.is_rival(line):
            return ()
        where = one.currency, one.account, one.day
        return (
            self.lines.setdefault((one.currency, self.known.line_places[line]), []),
            self.line_by_amount.setdefault((where, one.minor), []),
            self.lines_beside.setdefault(where, []),
        )

    def open_payouts(self) -> list[int]:
        """The payouts left that are in no certain match."""
        return [payout for some in self.payouts.values() for payout in some if not self.taken_payouts[payout]]

    def lines_of_days(self, currency: str, place: int) -> list[int]:
        """The lines left of the days on which a payout of a day may come."""
        found = self._lines_of_days.get((currency, place))
        if found is None:
            bounds = self.known.bounds
            found = self._lines_of_days[currency, place] = [
                line
                for lag in range(-bounds.early_days, bounds.late_days + 1)
                for line in self.lines.get((currency, place + lag), ())
            ]
        return found

    def payouts_of_days(self, currency: str, place: int) -> list[int]:
        """The payouts left that may come on a day."""
        found = self._payouts_of_days.get((currency, place))
        if found is None:
            bounds = self.known.bounds
            found = self._payouts_of_days[currency, place] = [
                payout
                for lag in range(-bounds.early_days, bounds.late_days + 1)
                for payout in self.payouts.get((currency, place - lag), ())
            ]
        return found

    def lines_around(self, payout: int) -> list[int]:
        """The lines left of the days on which a payout may come."""
        return self.lines_of_days(self.known.payouts[payout].currency, self.known.places[payout])

    def payouts_around(self, line: int) -> list[int]:
        """The payouts left that may come on the day of a line."""
        return self.payouts_of_days(self.known.lines[line].currency, self.known.line_places[line])

    def lines_near(self, payout: int) -> list[int]:
        """The lines left that could be of a payout, whole or in part."""
        found = self._lines_near.get(payout)
        if found is None:
            found = self._lines_near[payout] = [
                line for line in self.lines_around(payout) if may_be(self.known, payout, line)
            ]
        return found

    def payouts_near(self, line: int) -> list[int]:
        """The payouts left that a line could be of."""
        found = self._payouts_near.get(line)
        if found is None:
            found = self._payouts_near[line] = [
                payout for payout in self.payouts_around(line) if may_be(self.known, payout, line)
            ]
        return found


def is_on_its_day(known: Evidence, one: Some) -> bool:
    """Whether each payout of a match came on its very day."""
    if len(one.payouts) == 1 == len(one.lines):
        return known.places[one.payouts[0]] == known.line_places[one.lines[0]]
    return not any(known.lag(*pair) for pair in zip(one.payouts, one.lines, strict=False))


def may_be(known: Evidence, payout: int, line: int) -> bool:
    """Whether a line could be a payout's, whole or in part, were there nothing else."""
    return (
        known.fits(payout, line)
        and known.within(payout, line, known.bounds.late_days)
        and known.arrives(payout, line)
        and not known.contradicts(payout, line, whole=False)
    )


def is_less_fee(known: Evidence, payout: int, line: int) -> bool:
    """Whether a line is a payout less a fee that its bank takes, or that it states."""
    fee = known.payouts[payout].minor - known.lines[line].minor
    if not known.is_fee(payout, fee):
        return False
    return fee in known.fees.get(known.lines[line].account, ()) or fee in known.stated_fees(line)
