"""Amounts that are not a payout's own: less a fee, several payouts in one line, one payout in several lines; pure.

Sums meet by chance: among twelve payouts there are four thousand, and one of them may well be the amount of a line that has nothing to do with
them. So a sum is believed only where it is the only one, and where so few had to be tried before it that chance would hit once in two
thousand: mostly, all that is left of a day. A line that names one of the payouts needs no such luck. What is not believed is asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, compress
from math import comb, gcd
from typing import Final, Literal, NamedTuple

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Match
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.reasons import days, shown

_MOST: Final = 14
"""Of so many every subset is tried; of more, only pairs and all but a few."""
_FEW: Final = 10
"""Beside a part that is named, a choice among so few is believed if it is the only one."""
_ROUND: Final = 10
_PAIR: Final = 2
_FEW_SIZES: Final = 4
"""Of so few all choices are tried at once."""
_CHANCE: Final = 2_000
_NOTHING: Final[list[int]] = []
_NO_POOLS: Final[list[list[int]]] = []
_CHANCE_NAMED: Final = 100


def match_fees(known: Evidence, payouts: list[int], lines: list[int]) -> None:
    """Lines short of a payout by a fee that is known on their account, or that they state."""
    by_amount = _lines_plus_fees(known, lines)
    claims: dict[int, list[tuple[int, int, bool]]] = {}
    asked: dict[int, set[int]] = {}
    for payout in payouts:
        one = known.payouts[payout]
        for line, fee, stated in by_amount.get((one.currency, one.minor), ()):
            if (
                (known.is_fee(payout, fee) or not stated)
                and known.fits(payout, line)
                and known.within(payout, line, known.bounds.rival_days)
            ):
                claims.setdefault(payout, []).append((line, fee, stated))
                asked.setdefault(line, set()).add(payout)
    for payout, found in claims.items():
        line, fee, stated = found[0]
        if not (known.free_payouts[payout] and all(known.free_lines[each] for each, _, _ in found)):
            continue
        one = known.payouts[payout]
        sound = (
            known.looks_like_stripe(line)
            and known.within(payout, line, known.bounds.late_days)
            and not known.contradicts(payout, line, whole=False)
        )
        kept = f"{shown(fee, one.currency)}"
        if len(found) == 1 == len(asked[line]) and sound:
            known.accept(
                [payout], [line], "bank_fee",
                f"The line says Stripe and is the payout, {days(known.lag(payout, line))}, less {kept}: "
                f"{'the fee that it states' if stated else 'the fee that is usual on this account'}.",
                difference="bank_fee", difference_minor=-fee,
            )  # fmt: skip
        else:
            some = sorted({p for each, _, _ in found for p in asked[each] if known.free_payouts[p]})
            there = sorted({each for p in some for each, _, _ in claims[p] if known.free_lines[each]})
            known.ask(
                Cause.BANK_FEE, some, there,
                f"A line is payout {one.id} less {kept}, a fee that the bank takes; it is not certain that they belong together.",
                [known.candidate(p, each, "the amount less a usual fee") for p in some for each, _, _ in claims[p] if each in there],
            )  # fmt: skip


def _lines_plus_fees(known: Evidence, lines: list[int]) -> dict[tuple[str, int], list[tuple[int, int, bool]]]:
    """What a line would be before a fee: (currency, amount) to lines with the fee, and whether they state it."""
    found: dict[tuple[str, int], list[tuple[int, int, bool]]] = {}
    for index in lines:
        line = known.lines[index]
        fees = dict.fromkeys(known.fees.get(line.account, ()), False)
        fees |= dict.fromkeys((fee for fee in known.stated_fees(index) if fee < line.minor), True)
        if line.minor > 0 and line.original_minor is None and known.looks_like_stripe(index):
            for fee, stated in fees.items():
                found.setdefault((line.currency, line.minor + fee), []).append((index, fee, stated))
    return found


def open_payouts(known: Evidence) -> list[int]:
    """Payouts of money to us that may be at the bank, and are not decided."""
    payouts = known.payouts
    return [
        p for p in compress(range(len(payouts)), known.free_payouts)
        if payouts[p].minor > 0 and payouts[p].status in {"paid", "in_transit", "pending"}
    ]  # fmt: skip


def open_lines(known: Evidence) -> list[int]:
    """Lines that could be Stripe's money to us, and are not decided."""
    minors, some = known.line_minors, compress(range(len(known.lines)), known.free_lines)
    return [line for line in some if (minors[line] or known.lines[line].minor) > 0 and known.is_rival(line)]


class Sum(NamedTuple):
    """A subset that adds up: the one (a payout or a line) and its parts, and how many sums were to be tried to find it by chance."""

    whole: int
    parts: tuple[int, ...]
    odds: int
    anchored: bool


Kind = Literal["batch", "split"]


def match_sums(known: Evidence, payouts: list[int], lines: list[int]) -> None:
    """Decide the lines that are several payouts, and the payouts that are several lines."""
    by_day: _ByDay = {}
    for payout in payouts:
        one = known.payouts[payout]
        by_day.setdefault((one.currency, known.places[payout], one.account), []).append(payout)
    if not by_day or not lines:
        return
    # both are looked for in the order of days, for then the next looks at what is still near in memory
    in_days = sorted(lines, key=known.line_places.__getitem__)
    batches = {line: _batches(known, line, by_day) for line in in_days}
    by_account: dict[tuple[str, str, str], list[int]] = {}
    for line in lines:
        there = known.lines[line]
        by_account.setdefault((there.currency, there.account, there.day), []).append(line)
    pools = _pools_by_place(known, by_account)
    anchors: dict[int, set[int]] = {}
    for line, payout in known.anchors.items():
        anchors.setdefault(payout, set()).add(line)
    in_days = sorted(payouts, key=known.places.__getitem__)
    splits = {payout: _splits(known, payout, pools, anchors.get(payout, set())) for payout in in_days}
    found: list[tuple[Kind, list[Sum]]] = [("batch", batches[line]) for line in lines if batches[line]]
    found += [("split", splits[payout]) for payout in payouts if splits[payout]]
    _decide(known, found)


_ByDay = dict[tuple[str, int, str | None], list[int]]
"""Currency, place of the arrival day and account (None where it is not known) to payouts."""


def _batches(known: Evidence, line: int, by_day: _ByDay) -> list[Sum]:
    """The sets of payouts that are the line; at most a few, for two are as bad as many.

    They are looked for among those that were due on the same day, and among all that were due in the days before.
    """
    one, bounds = known.lines[line], known.bounds
    if one.original_minor is not None:
        return []
    anchor = known.anchors.get(line)
    place, minors, account, currency, minor = (
        known.line_places[line], known.minors, one.account, one.currency, one.minor,
    )  # fmt: skip
    around: dict[int, list[int]] = {}
    for lag in range(-bounds.early_days, bounds.late_days + 1):
        here = by_day.get((currency, place - lag, account), _NOTHING)
        where_unknown = by_day.get((currency, place - lag, None), _NOTHING)
        around[lag] = [p for p in (*here, *where_unknown) if minors[p] < minor]
    if not _may_reach(minor, [minors[p] for some in around.values() for p in some]):
        return []
    near = {
        lag: sorted([p for p in some if _is_part(known, p, line, anchor)]) for lag, some in around.items()
    }
    due = [p for lag, some in near.items() if lag >= 0 for p in some]
    return _choices(
        line, one.minor, [near[0], due, *(near[lag] for lag in sorted(near, key=abs) if lag)],
        {p: known.payouts[p].minor for some in near.values() for p in some}, frozenset() if anchor is None else {anchor},
    )  # fmt: skip


def _is_part(known: Evidence, payout: int, line: int, anchor: int | None) -> bool:
    if not known.fits(payout, line):
        return False
    return payout == anchor or not _against(known, payout, line)


def _choices(
    whole: int, total: int, pools: Sequence[Sequence[int]], minors: dict[int, int], named: AbstractSet[int]
) -> list[Sum]:
    """Every choice of parts that sums to `total` and has the named ones in it, with its odds; each once, from the likeliest pool."""
    found: dict[frozenset[int], Sum] = {}
    tried = 0
    rest = total - sum(minors.get(each, total) for each in named)
    for pool in pools:
        free = [each for each in pool if each not in named]
        if len(free) + len(named) > 1 and named <= set(pool):
            sums, tried = _subsets(rest, [minors[each] for each in free], tried, least=1 if named else 2)
            for some, odds in sums:
                parts = (*named, *(free[at] for at in some))
                sure = bool(named) and len(free) <= _FEW
                found.setdefault(frozenset(parts), Sum(whole, parts, 0 if sure else odds, bool(named)))
    return list(found.values())


def _against(known: Evidence, payout: int, line: int) -> bool:
    names = known.named.get(line)
    return names is None and bool(known.contradicts(payout, line))


def _pools_by_place(
    known: Evidence, by_account: dict[tuple[str, str, str], list[int]]
) -> dict[tuple[str, int], list[list[int]]]:
    pools: dict[tuple[str, int], list[list[int]]] = {}
    for (currency, _, day), some in by_account.items():
        if len(some) > 1:
            pools.setdefault((currency, known.place(currency, day)), []).append(some)
    return pools


def _splits(
    known: Evidence, payout: int, pools: dict[tuple[str, int], list[list[int]]], anchors: set[int]
) -> list[Sum]:
    """The sets of lines of one account and day that are the payout."""
    one, bounds = known.payouts[payout], known.bounds
    lags = sorted(range(-bounds.early_days, bounds.late_days + 1), key=abs)
    here = [
        [line for line in lines if known.lines[line].minor < one.minor]
        for lag in lags
        for lines in pools.get((one.currency, known.places[payout] + lag), _NO_POOLS)
        if known.fits(payout, lines[0])
    ]
    minors = {line: known.lines[line].minor for lines in here for line in lines}
    if not any(_may_reach(one.minor, [minors[line] for line in lines]) for lines in here):
        return []
    near = [[line for line in lines if not known.contradicts(payout, line)] for lines in here]
    return _choices(payout, one.minor, near, minors, anchors)


def _may_reach(total: int, amounts: Sequence[int]) -> bool:
    """Whether some of the amounts may sum to a total; said of amounts before it is asked, at a price, what else speaks against them."""
    if len(amounts) < _PAIR or sum(amounts) < total:
        return False
    return len(amounts) > _MOST or _is_reached(total, amounts)


def _subsets(
    total: int, amounts: Sequence[int], tried: int, *, least: int
) -> tuple[list[tuple[tuple[int, ...], int]], int]:
    """Up to two subsets (of `least` or more) that sum to `total`, and how many pools were looked at.

    Each comes with its place among all choices, the likely ones first: near days before far ones, all of a day before all but one, pairs
    before threes. So many chances there were to meet `total` by accident (times the grain of the amounts, where all are round).
    """
    count, found = len(amounts), list[tuple[tuple[int, ...], int]]()
    if sum(amounts) < total:
        return found, tried
    sizes: Sequence[int] = range(count, least - 1, -1)
    if count > _MOST:
        sizes = (count, count - 1, *range(2, least - 1, -1))
    elif count > _FEW_SIZES:
        if not _is_reached(total, amounts):
            return found, tried + 1
        reaching = _sizes_that_reach(total, amounts)
        sizes = [size for size in sizes if size in reaching]
    in_order = sorted(amounts)
    for size in sizes:
        if sum(in_order[:size]) <= total <= sum(in_order[-size:]):
            odds = (tried + 1) * _place(count, size) * _grain(total, amounts)
            found += [(some, odds) for some in _of_size(amounts, size, total)]
            if len(found) > 1:
                break
    return found[:2], tried + 1


def _is_reached(total: int, amounts: Sequence[int]) -> bool:
    """Whether any choice of the amounts sums to a total: the choices of one half against those of the other."""
    half = len(amounts) // 2
    rests = [total]
    for amount in amounts[:half]:
        rests += [each - amount for each in rests]
    return not _every_sum(amounts[half:]).isdisjoint(rests)


def _every_sum(amounts: Sequence[int]) -> set[int]:
    found = [0]
    for amount in amounts:
        found += [each + amount for each in found]
    return set(found)


def _sizes_that_reach(total: int, amounts: Sequence[int]) -> set[int]:
    """How many of the amounts it takes to sum to a total."""
    half = len(amounts) // 2
    others = _sizes_by_sum(amounts[half:])
    return {
        size + more
        for each, sizes in _sizes_by_sum(amounts[:half]).items()
        for more in others.get(total - each, ())
        for size in sizes
    }


def _sizes_by_sum(amounts: Sequence[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {0: {0}}
    for amount in amounts:
        for each, sizes in [(each, [size + 1 for size in sizes]) for each, sizes in found.items()]:
            found.setdefault(each + amount, set()).update(sizes)
    return found


def _grain(total: int, amounts: Sequence[int]) -> int:
    """What all of the amounts are multiples of; a few cents are chance."""
    found = gcd(total, *amounts)
    return found if found >= _ROUND else 1


def _place(count: int, size: int) -> int:
    """How many choices of `count` are at least as likely as one of `size`."""
    from_all = sum(comb(count, k) for k in range(size, count + 1))
    from_pairs = 2 * sum(comb(count, k) for k in range(2, size + 1))
    return min(from_all, from_pairs)


def _of_size(amounts: Sequence[int], size: int, total: int) -> list[tuple[int, ...]]:
    if not _may_sum(amounts, size, total):
        return []
    return [
        some for some in combinations(range(len(amounts)), size) if sum([amounts[at] for at in some]) == total
    ]


def _may_sum(amounts: Sequence[int], size: int, total: int) -> bool:
    """Whether so many of the amounts can sum to a total; mostly they cannot, and this is the fast way to know it."""
    if size == len(amounts) - 1:
        return sum(amounts) - total in amounts
    if size == _PAIR:
        return not set(amounts).isdisjoint([total - each for each in amounts])
    return total in map(sum, combinations(amounts, size))


def _decide(known: Evidence, found: list[tuple[Kind, list[Sum]]]) -> None:
    """Those that are alone and believable are taken; whatever shares a payout or a line with another one is asked."""
    uses: dict[tuple[str, int], int] = {}
    for kind, sums in found:
        for member in {each for one in sums for each in _members(kind, one)}:
            uses[member] = uses.get(member, 0) + 1
    for kind, sums in found:
        members = {each for one in sums for each in _members(kind, one)}
        only = sums[0]
        if len(sums) == 1 and all(uses[each] == 1 for each in members) and _believable(known, kind, only):
            _accept(known, kind, only)
    for kind, sums in found:
        _ask(known, kind, sums)


def _members(kind: Kind, one: Sum) -> list[tuple[str, int]]:
    whole, parts = ("line", "payout") if kind == "batch" else ("payout", "line")
    return [(whole, one.whole), *((parts, each) for each in one.parts)]


def _believable(known: Evidence, kind: Kind, one: Sum) -> bool:
    total = known.lines[one.whole].minor if kind == "batch" else known.payouts[one.whole].minor
    return one.odds * (_CHANCE_NAMED if one.anchored else _CHANCE) <= total


def _accept(known: Evidence, kind: Kind, one: Sum) -> None:
    payouts, lines = (one.parts, (one.whole,)) if kind == "batch" else ((one.whole,), one.parts)
    named = " and carries the id of one" if one.anchored else ""
    reason = (
        f"The line is the sum of {len(payouts)} payouts of one day{named}; no other choice adds up."
        if kind == "batch"
        else f"{len(lines)} lines of one day add up to the payout{named}; no other choice does."
    )
    known.accept(sorted(payouts), sorted(lines), kind, reason)


def _ask(known: Evidence, kind: Kind, sums: list[Sum]) -> None:
    """What is still free of it, with the choices that are still whole."""
    whole = [
        one for one in sums
        if all((known.free_lines if what == "line" else known.free_payouts)[each] for what, each in _members(kind, one))
    ]  # fmt: skip
    if not whole:
        return
    members = {each for one in whole for each in _members(kind, one)}
    payouts = sorted(each for what, each in members if what == "payout")
    lines = sorted(each for what, each in members if what == "line")
    known.ask(
        Cause.BATCH if kind == "batch" else Cause.SPLIT, payouts, lines,
        f"A line may be {len(payouts)} payouts together, but that may be chance."
        if kind == "batch"
        else f"Payout {known.payouts[payouts[0]].id} may have come in several lines, but that may be chance.",
        [_candidate(known, kind, one) for one in whole],
    )  # fmt: skip


def _candidate(known: Evidence, kind: Kind, one: Sum) -> Match:
    payouts, lines = (one.parts, (one.whole,)) if kind == "batch" else ((one.whole,), one.parts)
    return known.match(sorted(payouts), sorted(lines), "person", "the sum", certain=False)
