"""A second look at what was decided without a name: whether the bank took it back, and whether what is left over could be it as well; pure.

The rules go one after another, and each sees only what the stronger ones left. So a line that was taken because its amount fits may hide another
way to read the days: the payout came less a fee on its very day, and that line is a part of another one. What is left over shows it: a payout or a
line that nothing else explains, and that would be explained if this match were not. Then neither reading is certain, and a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import compress
from typing import Final, NamedTuple

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Match, Rule
from bookhand.workflows.payouts.matching.clues import Clues, telling_amounts
from bookhand.workflows.payouts.matching.decisions import Decided, Some
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.left_over import Left, is_on_its_day
from bookhand.workflows.payouts.matching.other_ways import Way, ways

_SUSPECT: Final[frozenset[Rule]] = frozenset({"amount", "descriptor", "group", "bank_fee", "batch", "split"})
_EXACT: Final[frozenset[Rule]] = frozenset({"amount", "descriptor", "group"})


def look_again(known: Evidence) -> None:
    """Turn into questions what is not as certain as it seemed."""
    _taken_back(known)
    suspects = _suspects(known)
    left = Left(known, suspects.loose)
    found = _other_ways(known, suspects, left, days=None)
    while found:
        for one, way in found:
            _ask(known, one, way)
            known.doubt(one)
        doubted = [one for one, _ in found]
        left.put_back(doubted)
        found = _other_ways(known, suspects, left, days=_days_near(known, doubted))


_Days = set[tuple[str, int]]
"""Currencies, each with a place in its calendar."""


def _days_near(known: Evidence, doubted: list[Decided]) -> _Days:
    """The days of the payouts whose other ways may have changed when these matches were doubted."""
    reach = 3 * (known.bounds.early_days + known.bounds.late_days)
    found: _Days = set()
    for one in doubted:
        days = [(known.payouts[each].currency, known.places[each]) for each in one.payouts]
        days += [(known.lines[each].currency, known.line_places[each]) for each in one.lines]
        found.update((currency, place + lag) for currency, place in days for lag in range(-reach, reach + 1))
    return found


def _taken_back(known: Evidence) -> None:
    """Money that the bank took back, where only its coming carries the payout's name."""
    backs: dict[tuple[str, int], list[int]] = {}
    for line in compress(range(len(known.lines)), known.free_lines):
        one = known.lines[line]
        if one.minor and line not in known.named and known.takes_back(line):
            backs.setdefault((one.account, -one.minor), []).append(line)
    minors = {minor for _, minor in backs}
    there: dict[tuple[str, int], list[Decided]] = {}
    for each in _one_to_one(known, minors):
        if known.lines[each.lines[0]].minor in minors:
            key = _key(known, each.lines[0])
            some = [line for line in backs.get(key, ()) if _may_take_back(known, each, line)]
            if some and known.payouts[each.payouts[0]].status != "failed":
                there.setdefault(key, []).append(each)
    for key, some_matches in sorted(there.items()):
        if _unexplained(known, key) < len(backs[key]):
            payouts = [each.payouts[0] for each in some_matches]
            known.ask(
                Cause.RETURNED_NOT_FAILED, payouts, [*(each.lines[0] for each in some_matches), *backs[key]],
                f"The bank took back a line that has the amount of payout {known.payouts[payouts[0]].id}; Stripe says "
                f"{known.payouts[payouts[0]].status}.",
                [known.candidate(each.payouts[0], each.lines[0], each.match.reason) for each in some_matches],
            )  # fmt: skip
            for each in some_matches:
                known.doubt(each)


def _one_to_one(known: Evidence, minors: set[int]) -> Iterator[Decided]:
    """The matches of one payout and one line; of those that are pairs only the ones of these amounts."""
    for one in known.made if minors else ():
        if not isinstance(one, int) or known.minors[one] in minors:
            each = known.whole(one)
            if len(each.payouts) == 1 == len(each.lines):
                yield each


def _key(known: Evidence, line: int) -> tuple[str, int]:
    return known.lines[line].account, known.lines[line].minor


def _may_take_back(known: Evidence, one: Decided, back: int) -> bool:
    trace = known.payouts[one.payouts[0]].trace_id
    lag = known.line_places[back] - known.line_places[one.lines[0]]
    return 0 <= lag <= known.bounds.return_days and (trace is None or known.other_trace(trace, back) is None)


def _unexplained(known: Evidence, key: tuple[str, int]) -> int:
    """Lines of Stripe's of this amount that nobody expects: they are what was taken back."""
    return sum(
        known.lines[line].minor == key[1] and _key(known, line) == key and known.looks_like_stripe(line)
        for line in compress(range(len(known.lines)), known.free_lines)
    )


class _Suspects(NamedTuple):
    """Matches that were decided without a name, by their places among all that were `made`."""

    of_the_day: list[int]
    """They have the exact amount and came on their very day, as nearly all did."""
    minors: list[int]
    """The amount of the first payout of each of those."""
    of_other_days: list[int]
    loose: list[Some]
    """The matches of other days that have the exact amount."""


def _suspects(known: Evidence) -> _Suspects:
    found = _Suspects([], [], [], [])
    minors, rule_of, line_of, kept = known.minors, known.rule_of, known.line_of, known.kept_payouts
    places, line_places = known.places, known.line_places
    for at, one in enumerate(known.made):
        if isinstance(one, int):
            if rule_of[one] not in _EXACT or minors[one] <= 0 or not kept[one]:
                continue
            minor, is_exact, of_the_day = minors[one], True, places[one] == line_places[line_of[one]]
        else:
            minor, is_exact = minors[one.payouts[0]], one.match.rule in _EXACT
            if one.match.rule not in _SUSPECT or minor <= 0 or not known.is_kept(one):
                continue
            if one.match.rule == "bank_fee" and one.lines[0] in known.named:
                continue
            of_the_day = is_exact and is_on_its_day(known, one)
        if of_the_day:
            found.of_the_day.append(at)
            found.minors.append(minor)
        else:
            found.of_other_days.append(at)
            if is_exact:
                found.loose.append(known.members(one))
    return found


def _other_ways(
    known: Evidence, suspects: _Suspects, left: Left, *, days: _Days | None
) -> list[tuple[Decided, Way]]:
    """The matches that are doubted, each with another way to read it; of payouts of these days, where it is told."""
    if days is not None:
        suspects = _of_days(known, suspects, days)
    telling = telling_amounts(known, left, set(suspects.minors))
    of_the_day = {
        at for at, minor in zip(suspects.of_the_day, suspects.minors, strict=True) if minor in telling
    }
    clues = Clues(known, left)
    found = []
    for at in _by_day(known, [*of_the_day, *suspects.of_other_days]):
        made = known.made[at]
        one = known.members(made)
        if clues.allow(one):
            way = (_of_the_day if at in of_the_day else _of_other_days)(known, one, left)
            if way is not None:
                found.append((at, known.whole(made), way))
    found.sort(key=lambda each: each[0])
    return [(one, way) for _, one, way in found]


def _by_day(known: Evidence, suspects: list[int]) -> list[int]:
    """In the order of days, so that what is left of a day is still near in memory when the next of it is looked at."""
    made, places = known.made, known.places
    return sorted(suspects, key=lambda at: places[known.members(made[at]).payouts[0]])


def _of_days(known: Evidence, suspects: _Suspects, days: _Days) -> _Suspects:
    """Those that nobody has doubted yet, and that have a payout of these days."""
    made, places, near = known.made, known.places, {place for _, place in days}

    def counts(at: int) -> bool:
        one = made[at]
        if isinstance(one, int) and places[one] not in near:  # most are, and a set of numbers is quick to ask
            return False
        return known.is_kept(one) and any(
            (known.payouts[p].currency, places[p]) in days for p in known.members(one).payouts
        )

    of_the_day = list(map(counts, suspects.of_the_day))
    return _Suspects(
        list(compress(suspects.of_the_day, of_the_day)), list(compress(suspects.minors, of_the_day)),
        list(filter(counts, suspects.of_other_days)), [],
    )  # fmt: skip


def _of_the_day(known: Evidence, one: Some, left: Left) -> Way | None:
    """A match of its very day is doubted where something explains both a payout and a line, or for a twin of the payout."""
    for way in ways(known, one, left):
        payout, line = _explains(left, way)
        if payout and (line or way.cause is Cause.SAME_AMOUNT):
            return way
    return None


def _of_other_days(known: Evidence, one: Some, left: Left) -> Way | None:
    """Another match is doubted where something explains a payout or a line."""
    return next((way for way in ways(known, one, left) if any(_explains(left, way))), None)


def _explains(left: Left, way: Way) -> tuple[bool, bool]:
    """Whether a way has a payout, and a line, that is in no certain match."""
    return (
        not all(left.taken_payouts[payout] for payout in way.payouts),
        not all(left.taken_lines[line] for line in way.lines),
    )


def _ask(known: Evidence, one: Decided, way: Way) -> None:
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


def _candidate(known: Evidence, way: Way) -> Match:
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
