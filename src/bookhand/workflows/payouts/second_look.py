"""A second look at what was decided without a name: whether the bank took it back, and whether what is left over could be it as well; pure.

The rules go one after another, and each sees only what the stronger ones left. So a line that was taken because its amount fits may hide another
way to read the days: the payout came less a fee on its very day, and that line is a part of another one. What is left over shows it: a payout or a
line that nothing else explains, and that would be explained if this match were not. Then neither reading is certain, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Final, NamedTuple

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.evidence import Evidence
from bookhand.workflows.payouts.matching import Match, Rule

_SUSPECT: Final[frozenset[Rule]] = frozenset({"amount", "descriptor", "group", "bank_fee", "batch", "split"})
_EXACT: Final[frozenset[Rule]] = frozenset({"amount", "descriptor", "group"})
_ARRIVES: Final = frozenset({"paid", "in_transit", "pending"})
_FEW: Final = 10
"""Threes are looked for among so many; chance makes them of more."""
_CROWD: Final = 10
"""With more than so many near, amounts are looked up and only ones and pairs are formed; each of all is tried where there are fewer."""


def look_again(known: Evidence) -> None:
    """Turn into questions what is not as certain as it seemed."""
    decided = _decided(known)
    decided = _taken_back(known, decided)
    while (kept := _without_other_ways(known, decided)) is not decided:
        decided = kept
    known.matches = [one.match for one in decided]


class _Decided(NamedTuple):
    match: Match
    payouts: tuple[int, ...]
    lines: tuple[int, ...]


class _Way(NamedTuple):
    """Another way to read some of the same payouts or lines."""

    cause: Cause
    payouts: tuple[int, ...]
    lines: tuple[int, ...]


def _decided(known: Evidence) -> list[_Decided]:
    payout_of = {one.id: index for index, one in enumerate(known.payouts)}
    line_of = {key: index for index, key in enumerate(known.keys)}
    return [
        _Decided(
            one,
            tuple([payout_of[each] for each in one.payouts]),
            tuple([line_of[each] for each in one.lines]),
        )
        for one in known.matches
    ]


def _taken_back(known: Evidence, decided: list[_Decided]) -> list[_Decided]:
    """Money that the bank took back, where only its coming carries the payout's name."""
    backs: dict[tuple[str, int], list[int]] = {}
    for line, one in enumerate(known.lines):
        if known.free_lines[line] and one.minor and line not in known.named and known.takes_back(line):
            backs.setdefault((one.account, -one.minor), []).append(line)
    if not backs:
        return decided
    there: dict[tuple[str, int], list[_Decided]] = {}
    for each in decided:
        key = _key(known, each.lines[0])
        if len(each.payouts) == 1 == len(each.lines) and key in backs:
            some = [line for line in backs[key] if _may_take_back(known, each, line)]
            if some and known.payouts[each.payouts[0]].status != "failed":
                there.setdefault(key, []).append(each)
    doubted = set[int]()
    for key, some_matches in sorted(there.items()):
        if _unexplained(known, key) < len(backs[key]):
            doubted |= {id(each) for each in some_matches}
            payouts = [each.payouts[0] for each in some_matches]
            known.ask(
                Cause.RETURNED_NOT_FAILED, payouts, [*(each.lines[0] for each in some_matches), *backs[key]],
                f"The bank took back a line that has the amount of payout {known.payouts[payouts[0]].id}; Stripe says "
                f"{known.payouts[payouts[0]].status}.",
                [known.candidate(each.payouts[0], each.lines[0], each.match.reason) for each in some_matches],
            )  # fmt: skip
    return [each for each in decided if id(each) not in doubted]


def _key(known: Evidence, line: int) -> tuple[str, int]:
    return known.lines[line].account, known.lines[line].minor


def _may_take_back(known: Evidence, one: _Decided, back: int) -> bool:
    trace = known.payouts[one.payouts[0]].trace_id
    lag = known.line_places[back] - known.line_places[one.lines[0]]
    return 0 <= lag <= known.bounds.return_days and (trace is None or known.other_trace(trace, back) is None)


def _unexplained(known: Evidence, key: tuple[str, int]) -> int:
    """Lines of Stripe's of this amount that nobody expects: they are what was taken back."""
    return sum(
        _key(known, line) == key and known.looks_like_stripe(line)
        for line, free in enumerate(known.free_lines)
        if free
    )


class _Left:
    """Payouts and lines in no certain match (free, or in a question), and beside them those whose match is not of the very day."""

    def __init__(self, known: Evidence, decided: Iterable[_Decided]) -> None:
        self.known = known
        payouts, lines = bytearray(len(known.payouts)), bytearray(len(known.lines))
        self.taken_payouts, self.taken_lines = bytearray(len(known.payouts)), bytearray(len(known.lines))
        for one in decided:
            firm = one.match.rule not in _EXACT or _on_its_day(known, one)
            for payout in one.payouts:
                self.taken_payouts[payout] = 1
                payouts[payout] = firm
            for line in one.lines:
                self.taken_lines[line] = 1
                lines[line] = firm
        self.line_by_amount: dict[tuple[str, str, int], list[int]] = {}
        """(account, day, amount) to lines left."""
        self.payout_by_amount: dict[tuple[str, int], list[int]] = {}
        """(currency, amount) to payouts left."""
        self._lines_near: dict[int, list[int]] = {}
        self._payouts_near: dict[int, list[int]] = {}
        self.payouts: dict[tuple[str, int], list[int]] = {}
        self.lines: dict[tuple[str, int], list[int]] = {}
        for payout, each in enumerate(known.payouts):
            if not payouts[payout] and each.minor > 0 and each.status in _ARRIVES:
                self.payouts.setdefault((each.currency, known.places[payout]), []).append(payout)
                self.payout_by_amount.setdefault((each.currency, each.minor), []).append(payout)
        for line, other in enumerate(known.lines):
            if not lines[line] and other.minor > 0 and other.original_minor is None and known.is_rival(line):
                self.lines.setdefault((other.currency, known.line_places[line]), []).append(line)
                self.line_by_amount.setdefault((other.account, other.day, other.minor), []).append(line)

    def clues(self) -> set[int]:
        """The amounts that a match of its very day must have for anything left to cast doubt on it.

        Those of the payouts left, and what a payout and a line that are left lack of each other.
        """
        known, found = self.known, set[int]()
        left = [each for some in self.payouts.values() for each in some if not self.taken_payouts[each]]
        for payout in left:
            minor = known.payouts[payout].minor
            found.add(minor)
            found |= {
                abs(known.lines[line].minor - minor)
                for line in self.lines_around(payout)
                if not self.taken_lines[line] and _may_be(known, payout, line)
            }
        return found

    def explains(self, way: _Way) -> tuple[bool, bool]:
        """Whether a way has a payout, and a line, that is in no certain match."""
        return (
            not all(self.taken_payouts[payout] for payout in way.payouts),
            not all(self.taken_lines[line] for line in way.lines),
        )

    def lines_around(self, payout: int) -> list[int]:
        """The lines left of the days on which a payout may come."""
        known, one = self.known, self.known.payouts[payout]
        return [
            line
            for lag in range(-known.bounds.early_days, known.bounds.late_days + 1)
            for line in self.lines.get((one.currency, known.places[payout] + lag), ())
        ]

    def payouts_around(self, line: int) -> list[int]:
        """The payouts left that may come on the day of a line."""
        known, one = self.known, self.known.lines[line]
        return [
            payout
            for lag in range(-known.bounds.early_days, known.bounds.late_days + 1)
            for payout in self.payouts.get((one.currency, known.line_places[line] - lag), ())
        ]

    def lines_near(self, payout: int) -> list[int]:
        """The lines left that could be of a payout, whole or in part."""
        found = self._lines_near.get(payout)
        if found is None:
            found = self._lines_near[payout] = [
                line for line in self.lines_around(payout) if _may_be(self.known, payout, line)
            ]
        return found

    def payouts_near(self, line: int) -> list[int]:
        """The payouts left that a line could be of."""
        found = self._payouts_near.get(line)
        if found is None:
            found = self._payouts_near[line] = [
                payout for payout in self.payouts_around(line) if _may_be(self.known, payout, line)
            ]
        return found


def _may_be(known: Evidence, payout: int, line: int) -> bool:
    return (
        known.fits(payout, line)
        and known.within(payout, line, known.bounds.late_days)
        and known.arrives(payout, line)
        and not known.contradicts(payout, line, whole=False)
    )


def _without_other_ways(known: Evidence, decided: list[_Decided]) -> list[_Decided]:
    """What stays certain; the very same list where all of it does."""
    left = _Left(known, decided)
    if all(left.taken_payouts) and all(left.taken_lines):
        return decided
    clues = left.clues()
    found = {
        at: way for at, one in enumerate(decided) if (way := _other_way(known, one, left, clues)) is not None
    }
    for at, way in found.items():
        _ask(known, decided[at], way)
    return [one for at, one in enumerate(decided) if at not in found] if found else decided


def _other_way(known: Evidence, one: _Decided, left: _Left, clues: set[int]) -> _Way | None:
    rule = one.match.rule
    if rule not in _SUSPECT or known.payouts[one.payouts[0]].minor <= 0:
        return None
    if rule == "bank_fee" and one.lines[0] in known.named:
        return None
    on_its_day = rule in _EXACT and _on_its_day(known, one)
    if on_its_day and known.payouts[one.payouts[0]].minor not in clues:
        return None
    for way in _ways(known, one, left):
        payout, line = left.explains(way)
        twin = payout and way.cause is Cause.SAME_AMOUNT
        if (payout and line) or twin or ((payout or line) and not on_its_day):
            return way
    return None


def _on_its_day(known: Evidence, one: _Decided) -> bool:
    if len(one.payouts) == 1 == len(one.lines):
        return known.places[one.payouts[0]] == known.line_places[one.lines[0]]
    return not any(known.lag(*pair) for pair in zip(one.payouts, one.lines, strict=False))


def _ways(known: Evidence, one: _Decided, left: _Left) -> Iterator[_Way]:
    for payout in one.payouts:
        around = left.lines_around(payout)
        few = len(around) <= _CROWD
        yield from (
            _ways_of_payout(known, one, payout, left)
            if few
            else _payout_in_a_crowd(known, one, payout, left, around)
        )
    for line in one.lines:
        expected = left.payouts_around(line)
        few = len(expected) <= _CROWD
        yield from (
            _ways_of_line(known, one, line, left)
            if few
            else _line_in_a_crowd(known, one, line, left, expected)
        )


def _payout_in_a_crowd(
    known: Evidence, one: _Decided, payout: int, left: _Left, around: Sequence[int]
) -> Iterator[_Way]:
    """`_ways_of_payout` by looking amounts up: whole, less a fee, two parts, or with one other payout."""
    minor, currency = known.payouts[payout].minor, known.payouts[payout].currency
    for line in around:
        other = known.lines[line]
        if other.minor == minor or _is_less_fee(known, payout, line):
            if _may_be(known, payout, line):
                yield _Way(Cause.SAME_AMOUNT if other.minor == minor else Cause.BANK_FEE, (payout,), (line,))
        elif other.minor < minor:
            for part in _lines_of(known, one, left, line, minor - other.minor):
                if _may_be(known, payout, line) and (part in one.lines or _may_be(known, payout, part)):
                    yield _Way(Cause.SPLIT, (payout,), tuple(sorted((line, part))))
        else:
            for beside in _payouts_of(known, one, left, currency, other.minor - minor):
                if (
                    beside != payout
                    and _may_be(known, payout, line)
                    and (beside in one.payouts or _may_be(known, beside, line))
                ):
                    yield _Way(Cause.BATCH, (payout, beside), (line,))


def _line_in_a_crowd(
    known: Evidence, one: _Decided, line: int, left: _Left, expected: Sequence[int]
) -> Iterator[_Way]:
    """`_ways_of_line` by looking amounts up: whole, less a fee, one of two parts, or of two payouts together."""
    minor, currency = known.lines[line].minor, known.lines[line].currency
    for payout in expected:
        other = known.payouts[payout]
        if other.minor == minor or _is_less_fee(known, payout, line):
            if _may_be(known, payout, line):
                yield _Way(Cause.SAME_AMOUNT if other.minor == minor else Cause.BANK_FEE, (payout,), (line,))
        elif other.minor > minor:
            for part in _lines_of(known, one, left, line, other.minor - minor):
                if _may_be(known, payout, line) and (part in one.lines or _may_be(known, payout, part)):
                    yield _Way(Cause.SPLIT, (payout,), (line, part))
        else:
            for beside in _payouts_of(known, one, left, currency, minor - other.minor):
                if (
                    beside != payout
                    and _may_be(known, payout, line)
                    and (beside in one.payouts or _may_be(known, beside, line))
                ):
                    yield _Way(Cause.BATCH, tuple(sorted((payout, beside))), (line,))


def _lines_of(known: Evidence, one: _Decided, left: _Left, line: int, minor: int) -> list[int]:
    """Lines of an amount on the day and account of a line, of those left and the match's own."""
    where = known.lines[line]
    found = [each for each in left.line_by_amount.get((where.account, where.day, minor), ()) if each != line]
    return found + [
        each
        for each in one.lines
        if known.lines[each].minor == minor and _same_day(known, each, line) and each not in found
    ]


def _payouts_of(known: Evidence, one: _Decided, left: _Left, currency: str, minor: int) -> list[int]:
    """Payouts of an amount, of those left and the match's own."""
    found = left.payout_by_amount.get((currency, minor), [])
    return found + [each for each in one.payouts if known.payouts[each].minor == minor and each not in found]


def _ways_of_payout(known: Evidence, one: _Decided, payout: int, left: _Left) -> Iterator[_Way]:
    """A payout that came on a line that is left: whole, less a fee, in parts, or together with another that is left."""
    minor, lines = known.payouts[payout].minor, left.lines_near(payout)
    for line in lines:
        if known.lines[line].minor == minor or _is_less_fee(known, payout, line):
            yield _Way(
                Cause.SAME_AMOUNT if known.lines[line].minor == minor else Cause.BANK_FEE, (payout,), (line,)
            )
    for some in _sums(minor, {line: known.lines[line].minor for line in {*lines, *one.lines}}):
        if len({(known.lines[line].account, known.lines[line].day) for line in some}) == 1:
            yield _Way(Cause.SPLIT, (payout,), some)
    for line in lines:
        if known.lines[line].minor > minor:
            yield from _batches(known, one, line, left, payout)


def _ways_of_line(known: Evidence, one: _Decided, line: int, left: _Left) -> Iterator[_Way]:
    """A line that is of a payout that is left: whole, less a fee, one part of it, or together with another that is left."""
    minor, payouts = known.lines[line].minor, left.payouts_near(line)
    for payout in payouts:
        if known.payouts[payout].minor == minor or _is_less_fee(known, payout, line):
            yield _Way(
                Cause.SAME_AMOUNT if known.payouts[payout].minor == minor else Cause.BANK_FEE,
                (payout,),
                (line,),
            )
        elif known.payouts[payout].minor > minor:
            beside = [each for each in {*left.lines_near(payout), *one.lines} if _same_day(known, each, line)]
            rest = known.payouts[payout].minor - minor
            for some in _sums(rest, {each: known.lines[each].minor for each in beside}, least=1):
                yield _Way(Cause.SPLIT, (payout,), (line, *some))
    yield from _batches(known, one, line, left, None)


def _batches(known: Evidence, one: _Decided, line: int, left: _Left, payout: int | None) -> Iterator[_Way]:
    """Payouts that are a line together, of those left and the match's own."""
    named = () if payout is None else (payout,)
    pool = {each: known.payouts[each].minor for each in {*left.payouts_near(line), *one.payouts} - set(named)}
    rest = known.lines[line].minor - sum(known.payouts[each].minor for each in named)
    for some in _sums(rest, pool, least=2 - len(named)):
        yield _Way(Cause.BATCH, (*named, *some), (line,))


def _same_day(known: Evidence, line: int, other: int) -> bool:
    one, two = known.lines[line], known.lines[other]
    return one.account == two.account and one.day == two.day and line != other


def _is_less_fee(known: Evidence, payout: int, line: int) -> bool:
    fee = known.payouts[payout].minor - known.lines[line].minor
    if not known.is_fee(payout, fee):
        return False
    return fee in known.fees.get(known.lines[line].account, ()) or fee in known.stated_fees(line)


def _sums(total: int, minors: dict[int, int], *, least: int = 2) -> Iterator[tuple[int, ...]]:
    """The ones, pairs and (of few) threes that sum to a total, from `least` to one more."""
    fitting = sorted(each for each, minor in minors.items() if minor <= total)
    for size in range(least, least + 2 if len(fitting) <= _FEW else least + 1):
        for some in combinations(fitting, size):
            if sum([minors[each] for each in some]) == total:
                yield some


def _ask(known: Evidence, one: _Decided, way: _Way) -> None:
    payouts = [*one.payouts, *_open(way.payouts, one.payouts, known.free_payouts)]
    lines = [*one.lines, *_open(way.lines, one.lines, known.free_lines)]
    whole = set(way.payouts) <= set(payouts) and set(way.lines) <= set(lines)
    first = known.match(
        one.payouts, one.lines, "person", one.match.reason, certain=False,
        difference=one.match.difference, difference_minor=one.match.difference_minor,
    )  # fmt: skip
    known.ask(
        way.cause, payouts, lines,
        f"Payout {known.payouts[one.payouts[0]].id} fits here, but what is left over of these days can be read in another way as well.",
        [first, *([_candidate(known, way)] if whole else [])],
    )  # fmt: skip


def _open(some: Sequence[int], own: Sequence[int], free: bytearray) -> list[int]:
    return [each for each in some if free[each] and each not in own]


def _candidate(known: Evidence, way: _Way) -> Match:
    short = sum(known.payouts[each].minor for each in way.payouts) - sum(
        known.lines[each].minor for each in way.lines
    )
    reason = "the amounts of what is left over"
    if not short:
        return known.match(way.payouts, way.lines, "person", reason, certain=False)
    return known.match(
        way.payouts,
        way.lines,
        "person",
        reason,
        certain=False,
        difference="bank_fee",
        difference_minor=-short,
    )
