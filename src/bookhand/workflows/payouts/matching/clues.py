"""A quick look before a second one: whether amounts that are left over allow another way to read a match at all; pure.

It may say yes where a careful look finds nothing, and never says no where one finds something. Each way has a payout or a line that is in no
certain match (an open one), so only the sums with an open one in them are tried: there are few of these, however crowded the days are.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.matching.decisions import Some
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.left_over import CROWD, Left, may_be


def telling_amounts(known: Evidence, left: Left, asked: Collection[int]) -> set[int]:
    """Those of the amounts that a match of its very day must have for anything left to cast doubt on it.

    They are those of the open payouts, and what an open payout and an open line lack of each other.
    """
    found = set[int]()
    by_day: dict[_Day, dict[int, list[int]]] = {}
    for payout in left.open_payouts():
        one = known.payouts[payout]
        found.add(one.minor)
        day = one.currency, known.places[payout]
        lines = by_day.get(day) if asked else {}
        if lines is None:
            lines = by_day[day] = _opened(known, left, payout)
        for minor, some in lines.items():
            lack = abs(minor - one.minor)
            if lack in asked and lack not in found and any(may_be(known, payout, line) for line in some):
                found.add(lack)
    return found


def _opened(known: Evidence, left: Left, payout: int) -> dict[int, list[int]]:
    """The open lines of the days on which a payout may come, by amount."""
    found: dict[int, list[int]] = {}
    for line in left.lines_around(payout):
        if not left.taken_lines[line]:
            found.setdefault(known.lines[line].minor, []).append(line)
    return found


class _Lines(NamedTuple):
    """The lines left of some days, by their amounts."""

    opened: list[int]
    before_fees: set[int]
    """What open ones would be with the fees that their banks may have kept."""
    beside: list[tuple[int, set[int]]]
    """Open ones with the amounts of all that is left of their account and day, where that is more than one line."""
    minors: set[int]
    few: bool


class _Payouts(NamedTuple):
    """The payouts left of some days, by their amounts."""

    opened: list[int]
    minors: set[int]


_Day = tuple[str, int]
"""A currency, and a place in its calendar."""
_NONE: Final[set[int]] = set()
_NO_LINES: Final = _Lines([], set(), [], set(), few=False)
_NO_PAYOUTS: Final = _Payouts([], set())


class Clues:
    """Sums of what is left over, each of them looked for when a match asks."""

    def __init__(self, known: Evidence, left: Left) -> None:
        self._known, self._left = known, left
        self._beside: dict[tuple[str, str, str], set[int]] = {}
        self._lines_of_day: dict[_Day, _Lines] = {}
        self._payouts_of_day: dict[_Day, _Payouts] = {}
        self._lines_around: dict[_Day, _Lines] = {}
        self._payouts_around: dict[_Day, _Payouts] = {}

    def allow(self, one: Some) -> bool:
        """Whether a payout or a line of a match could be read in another way."""
        own_payouts = [self._known.payouts[payout].minor for payout in one.payouts]
        own_lines = [self._known.lines[line].minor for line in one.lines]
        for payout, minor in zip(one.payouts, own_payouts, strict=True):
            if self._payout_has(payout, minor, own_payouts, own_lines):
                return True
        for line, minor in zip(one.lines, own_lines, strict=True):
            if self._line_has(line, minor, own_payouts, own_lines):
                return True
        return False

    def _payout_has(self, payout: int, minor: int, own_payouts: list[int], own_lines: list[int]) -> bool:
        day = self._known.payouts[payout].currency, self._known.places[payout]
        lines = self._lines_around.get(day) or self._around_payout(day)
        partners = self._payouts_around.get(day) or self._around(day)
        if _is_part(minor, lines):
            return True
        if (len(own_lines) > 1 or own_lines[0] < minor) and any(
            _is_part(each, lines) for each in _without(minor, own_lines)
        ):
            return True
        minors = partners.minors if len(own_payouts) == 1 else {*partners.minors, *own_payouts}
        return _is_one_of_several(minor, lines, partners.opened, minors)

    def _line_has(self, line: int, minor: int, own_payouts: list[int], own_lines: list[int]) -> bool:
        known, one = self._known, self._known.lines[line]
        day = one.currency, known.line_places[line]
        payouts = self._payouts_around.get(day) or self._around(day)
        few = len(self._left.payouts_of_days(*day)) <= CROWD
        opened = payouts.opened
        if minor in opened or any(minor + fee in opened for fee in known.fees_of(line)):
            return True
        beside = self._minors_beside(one)
        if len(own_lines) > 1:
            beside = {*beside, *own_lines}
        if beside and _is_rest(minor, beside, payouts.minors, few=few):
            return True
        minors = payouts.minors if len(own_payouts) == 1 else {*payouts.minors, *own_payouts}
        rests = [minor - each for each in opened]
        return not minors.isdisjoint(rests) or (few and any(_is_pair(each, minors, minors) for each in rests))

    def _minors_beside(self, line: StatementLine) -> set[int]:
        """The amounts of all that is left of a line's account and day."""
        where = line.currency, line.account, line.day
        lines = self._left.lines_beside.get(where)
        if lines is None:
            return _NONE
        found = self._beside.get(where)
        if found is None:
            found = self._beside[where] = {self._known.lines[each].minor for each in lines}
        return found

    def _around_payout(self, day: _Day) -> _Lines:
        bounds, (currency, place) = self._known.bounds, day
        around = self._lines_around[day] = _Lines(
            [], set(), [], set(), few=len(self._left.lines_of_days(currency, place)) <= CROWD
        )
        for at in range(place - bounds.early_days, place + bounds.late_days + 1):
            here = self._lines_of_day.get((currency, at)) or self._of_lines((currency, at))
            if here is not _NO_LINES:
                around.opened.extend(here.opened)
                around.before_fees.update(here.before_fees)
                around.beside.extend(here.beside)
                around.minors.update(here.minors)
        return around

    def _around(self, day: _Day) -> _Payouts:
        """The payouts left that may come on a day, or on one line with a payout of that day."""
        bounds, (currency, place) = self._known.bounds, day
        reach = bounds.early_days + bounds.late_days
        around = self._payouts_around[day] = _Payouts([], set())
        for at in range(place - reach, place + reach + 1):
            here = self._payouts_of_day.get((currency, at)) or self._of_payouts((currency, at))
            if here is not _NO_PAYOUTS:
                around.opened.extend(here.opened)
                around.minors.update(here.minors)
        return around

    def _of_lines(self, day: _Day) -> _Lines:
        known, taken, lines = self._known, self._left.taken_lines, self._left.lines.get(day)
        if lines is None:
            found = _NO_LINES
        else:
            opened = [(line, known.lines[line]) for line in lines if not taken[line]]
            beside = [(one.minor, self._minors_beside(one)) for _, one in opened]
            found = _Lines(
                [one.minor for _, one in opened],
                {one.minor + fee for line, one in opened for fee in (0, *known.fees_of(line))},
                [each for each in beside if len(each[1]) > 1],
                {known.lines[line].minor for line in lines},
                few=False,
            )
        self._lines_of_day[day] = found
        return found

    def _of_payouts(self, day: _Day) -> _Payouts:
        minors, taken, payouts = self._known.minors, self._left.taken_payouts, self._left.payouts.get(day)
        if payouts is None:
            found = _NO_PAYOUTS
        else:
            found = _Payouts(
                [minors[payout] for payout in payouts if not taken[payout]],
                {minors[payout] for payout in payouts},
            )
        self._payouts_of_day[day] = found
        return found


def _without(minor: int, own: list[int]) -> set[int]:
    """What is missing of an amount beside one or two of some others."""
    rest = {minor - each for each in own}
    return {each for each in rest | {one - two for one in rest for two in own} if each > 0}


def _is_part(minor: int, lines: _Lines) -> bool:
    """Whether an open line has an amount: whole, less a fee, or with others of its account and day."""
    if minor in lines.before_fees:
        return True
    for each, beside in lines.beside:
        if minor - each in beside or (lines.few and _is_pair(minor - each, beside, beside)):
            return True
    return False


def _is_one_of_several(minor: int, lines: _Lines, opened: list[int], minors: set[int]) -> bool:
    """Whether a payout of an amount and other payouts are a line together."""
    if not minors.isdisjoint([each - minor for each in lines.opened]):
        return True
    if not lines.minors.isdisjoint([minor + each for each in opened]):
        return True
    return lines.few and any(
        _is_pair(each - minor, minors if each in lines.opened else opened, minors)
        for each in lines.minors
        if each > minor
    )


def _is_rest(minor: int, beside: set[int], minors: set[int], *, few: bool) -> bool:
    """Whether a line of an amount and others of its account and day are one of some payouts together."""
    if not minors.isdisjoint([minor + each for each in beside]):
        return True
    return few and any(minor + one + two in minors for one in beside for two in beside)


def _is_pair(total: int, some: Collection[int], others: set[int]) -> bool:
    """Whether one of some amounts and one of others sum to a total."""
    return not others.isdisjoint([total - each for each in some])
