"""Other ways to read what was matched without a name, among what is left over: whole, less a fee, in parts, or several together; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching.decisions import Some
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.left_over import CROWD, Left, is_less_fee, may_be

_FEW: Final = 10
"""Threes are looked for among so many; chance makes them of more."""


class Way(NamedTuple):
    """Another way to read some of the same payouts or lines."""

    cause: Cause
    payouts: tuple[int, ...]
    lines: tuple[int, ...]


def ways(known: Evidence, one: Some, left: Left) -> Iterator[Way]:
    """Each other way to read a payout or a line of a match."""
    for payout in one.payouts:
        around = left.lines_around(payout)
        few = len(around) <= CROWD
        yield from (
            _ways_of_payout(known, one, payout, left)
            if few
            else _payout_in_a_crowd(known, one, payout, left, around)
        )
    for line in one.lines:
        expected = left.payouts_around(line)
        few = len(expected) <= CROWD
        yield from (
            _ways_of_line(known, one, line, left)
            if few
            else _line_in_a_crowd(known, one, line, left, expected)
        )


def _payout_in_a_crowd(
    known: Evidence, one: Some, payout: int, left: Left, around: Sequence[int]
) -> Iterator[Way]:
    """`_ways_of_payout` by looking amounts up: whole, less a fee, two parts, or with one other payout."""
    minor, currency = known.payouts[payout].minor, known.payouts[payout].currency
    for line in around:
        other = known.lines[line]
        if other.minor == minor or is_less_fee(known, payout, line):
            if may_be(known, payout, line):
                yield Way(Cause.SAME_AMOUNT if other.minor == minor else Cause.BANK_FEE, (payout,), (line,))
        elif other.minor < minor:
            for part in _lines_of(known, one, left, line, minor - other.minor):
                if may_be(known, payout, line) and (part in one.lines or may_be(known, payout, part)):
                    yield Way(Cause.SPLIT, (payout,), tuple(sorted((line, part))))
        else:
            for beside in _payouts_of(known, one, left, currency, other.minor - minor):
                if (
                    beside != payout
                    and may_be(known, payout, line)
                    and (beside in one.payouts or may_be(known, beside, line))
                ):
                    yield Way(Cause.BATCH, (payout, beside), (line,))


def _line_in_a_crowd(
    known: Evidence, one: Some, line: int, left: Left, expected: Sequence[int]
) -> Iterator[Way]:
    """`_ways_of_line` by looking amounts up: whole, less a fee, one of two parts, or of two payouts together."""
    minor, currency = known.lines[line].minor, known.lines[line].currency
    for payout in expected:
        other = known.payouts[payout]
        if other.minor == minor or is_less_fee(known, payout, line):
            if may_be(known, payout, line):
                yield Way(Cause.SAME_AMOUNT if other.minor == minor else Cause.BANK_FEE, (payout,), (line,))
        elif other.minor > minor:
            for part in _lines_of(known, one, left, line, other.minor - minor):
                if may_be(known, payout, line) and (part in one.lines or may_be(known, payout, part)):
                    yield Way(Cause.SPLIT, (payout,), (line, part))
        else:
            for beside in _payouts_of(known, one, left, currency, minor - other.minor):
                if (
                    beside != payout
                    and may_be(known, payout, line)
                    and (beside in one.payouts or may_be(known, beside, line))
                ):
                    yield Way(Cause.BATCH, tuple(sorted((payout, beside))), (line,))


def _lines_of(known: Evidence, one: Some, left: Left, line: int, minor: int) -> list[int]:
    """Lines of an amount on the day and account of a line, of those left and the match's own."""
    where = known.lines[line]
    found = [
        each
        for each in left.line_by_amount.get(((where.currency, where.account, where.day), minor), ())
        if each != line
    ]
    return found + [
        each
        for each in one.lines
        if known.lines[each].minor == minor and _same_day(known, each, line) and each not in found
    ]


def _payouts_of(known: Evidence, one: Some, left: Left, currency: str, minor: int) -> list[int]:
    """Payouts of an amount, of those left and the match's own."""
    found = left.payout_by_amount.get((currency, minor), [])
    return found + [each for each in one.payouts if known.payouts[each].minor == minor and each not in found]


def _ways_of_payout(known: Evidence, one: Some, payout: int, left: Left) -> Iterator[Way]:
    """A payout that came on a line that is left: whole, less a fee, in parts, or together with another that is left."""
    minor, lines = known.payouts[payout].minor, left.lines_near(payout)
    for line in lines:
        if known.lines[line].minor == minor or is_less_fee(known, payout, line):
            yield Way(
                Cause.SAME_AMOUNT if known.lines[line].minor == minor else Cause.BANK_FEE, (payout,), (line,)
            )
    for some in _sums(minor, {line: known.lines[line].minor for line in {*lines, *one.lines}}):
        if len({(known.lines[line].account, known.lines[line].day) for line in some}) == 1:
            yield Way(Cause.SPLIT, (payout,), some)
    for line in lines:
        if known.lines[line].minor > minor:
            yield from _batches(known, one, line, left, payout)


def _ways_of_line(known: Evidence, one: Some, line: int, left: Left) -> Iterator[Way]:
    """A line that is of a payout that is left: whole, less a fee, one part of it, or together with another that is left."""
    minor, payouts = known.lines[line].minor, left.payouts_near(line)
    for payout in payouts:
        if known.payouts[payout].minor == minor or is_less_fee(known, payout, line):
            yield Way(
                Cause.SAME_AMOUNT if known.payouts[payout].minor == minor else Cause.BANK_FEE,
                (payout,),
                (line,),
            )
        elif known.payouts[payout].minor > minor:
            beside = [each for each in {*left.lines_near(payout), *one.lines} if _same_day(known, each, line)]
            rest = known.payouts[payout].minor - minor
            for some in _sums(rest, {each: known.lines[each].minor for each in beside}, least=1):
                yield Way(Cause.SPLIT, (payout,), (line, *some))
    yield from _batches(known, one, line, left, None)


def _batches(known: Evidence, one: Some, line: int, left: Left, payout: int | None) -> Iterator[Way]:
    """Payouts that are a line together, of those left and the match's own."""
    named = () if payout is None else (payout,)
    pool = {each: known.payouts[each].minor for each in {*left.payouts_near(line), *one.payouts} - set(named)}
    rest = known.lines[line].minor - sum(known.payouts[each].minor for each in named)
    for some in _sums(rest, pool, least=2 - len(named)):
        yield Way(Cause.BATCH, (*named, *some), (line,))


def _same_day(known: Evidence, line: int, other: int) -> bool:
    one, two = known.lines[line], known.lines[other]
    return one.account == two.account and one.day == two.day and line != other


def _sums(total: int, minors: dict[int, int], *, least: int = 2) -> Iterator[tuple[int, ...]]:
    """The ones, pairs and (of few) threes that sum to a total, from `least` to one more."""
    fitting = sorted(each for each, minor in minors.items() if minor <= total)
    for size in range(least, least + 2 if len(fitting) <= _FEW else least + 1):
        for some in combinations(fitting, size):
            if sum([minors[each] for each in some]) == total:
                yield some
