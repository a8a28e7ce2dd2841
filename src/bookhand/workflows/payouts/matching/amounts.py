"""Lines that have a payout's exact amount and do not name it: certain only where nothing else could be meant; pure.

Payouts and lines of one amount are a small world of their own. In it a paid payout needs one line, and a failed one that left again needs two.
They are joined where a line is not too far from a payout's day (a wide window: whoever could be meant at all is a rival), and each joined piece
is decided as a whole: one payout and one line are a match; as many lines as are needed, each in the narrow window, are a group; else it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress, islice
from typing import NamedTuple

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.pieces import Edges, Kind, Leg, Legs, Piece, pieces
from bookhand.workflows.payouts.matching.reading import TRACED, Same
from bookhand.workflows.payouts.matching.reasons import days, shown
from bookhand.workflows.payouts.matching.rivals import Rivals, legs_of, reaches

_SHOWN = 24
"""Candidates that a question shows at most."""


def match_amounts(known: Evidence) -> None:
    """Decide what has exact amounts."""
    worlds = _worlds(known)
    for payout, line in _not_plain(known, worlds):
        if known.payouts[payout].status == "failed":
            _world(known, [payout], [line], worlds)
        elif reaches(known, Leg(payout, back=False, like=payout), line):
            _single(known, payout, line, worlds)
    for payouts, lines in worlds.others.values():
        _world(known, payouts, lines, worlds)


class _Worlds(NamedTuple):
    """Payouts and lines of the same amount, whatever its sign, that are still open."""

    known: Evidence
    singles: dict[int, int]
    """A payout and a line that are alone in their world."""
    others: dict[int, tuple[list[int], list[int]]]
    """First payout to the payouts and the lines."""

    def lonely(self, same: Same | None) -> list[int]:
        """The open ones of the payouts of an amount, where no open line has it."""
        payouts = [] if same is None else _open(self.known, same)
        has_lines = payouts and (payouts[0] in self.singles or payouts[0] in self.others)
        return [] if has_lines else payouts


def _worlds(known: Evidence) -> _Worlds:
    singles: dict[int, int] = {}
    others: dict[int, tuple[list[int], list[int]]] = {}
    opened: dict[int, list[int]] = {}
    """The first payout of each amount that several have, to those of them that are open."""
    free_payouts, free_lines, anchors = known.free_payouts, known.free_lines, known.anchors
    for line, same in enumerate(known.reading.same_amount):
        if same is None or not free_lines[line] or line in anchors:
            continue
        if isinstance(same, int):
            if free_payouts[same] and (before := singles.setdefault(same, line)) != line:
                others.setdefault(same, ([same], [before]))[1].append(line)
        else:
            payouts = opened.get(same[0])
            if payouts is None:
                payouts = opened[same[0]] = _open(known, same)
            if payouts:
                others.setdefault(payouts[0], (payouts, []))[1].append(line)
    return _Worlds(known, {p: line for p, line in singles.items() if p not in others}, others)


def _open(known: Evidence, payouts: Same) -> list[int]:
    return [
        payout
        for payout in ([payouts] if isinstance(payouts, int) else payouts)
        if known.free_payouts[payout]
    ]


def _not_plain(known: Evidence, worlds: _Worlds) -> Iterator[tuple[int, int]]:
    """Decide the many that are alone and of which nothing is said that any other rule looks at; what is left is given out as it comes."""
    places, line_places, kinds, named = known.places, known.line_places, known.reading.kinds, known.named
    minors, line_minors, is_plain = known.minors, known.line_minors, known.is_plain
    targets, line_accounts, accounts, fitting = (
        known.targets, known.line_accounts, known.accounts, known.fitting,
    )  # fmt: skip
    late, before_fees = known.bounds.late_days, _before_fees(known, worlds)
    for payout, line in worlds.singles.items():
        if (
            kinds[payout] and minors[payout] == line_minors[line] and 0 <= line_places[line] - places[payout] <= late
            and line not in named and is_plain(line) and fitting[targets[payout] * accounts + line_accounts[line]]
            and not (kinds[payout] & TRACED and _has_another_trace(known, payout, line))
            and not (minors[payout] in before_fees and _less_fee(known, line, worlds))
        ):  # fmt: skip
            known.pair(payout, line, "amount")
        else:
            yield payout, line


def _before_fees(known: Evidence, worlds: _Worlds) -> set[int]:
    """The amounts of payouts without a line of their own amount, less each fee that any account takes."""
    fees = {fee for some in known.fees.values() for fee in some}
    alone = bytearray(known.free_payouts) if fees else bytearray()
    for payouts in (worlds.singles, *(some for some, _ in worlds.others.values())) if fees else ():
        for payout in payouts:
            alone[payout] = 0
    return {known.minors[payout] - fee for payout in compress(range(len(alone)), alone) for fee in fees}


def _has_another_trace(known: Evidence, payout: int, line: int) -> bool:
    trace = known.payouts[payout].trace_id
    return trace is not None and known.other_trace(trace, line) is not None


def _single(known: Evidence, payout: int, line: int, worlds: _Worlds) -> None:
    one = known.payouts[payout]
    lag = known.lag(payout, line)
    why = known.contradicts(payout, line)
    if why:
        known.ask(
            Cause.CONTRADICTION, [payout], [line],
            f"A line has the amount of payout {one.id}, {days(lag)}, but {why}.",
            [known.candidate(payout, line, "the amount and the day")],
        )  # fmt: skip
    elif not -known.bounds.early_days <= lag <= known.bounds.late_days:
        known.ask(
            Cause.LATE, [payout], [line],
            f"A line has the amount of payout {one.id}, but came {days(lag)}.",
            [known.candidate(payout, line, "the amount alone")],
        )  # fmt: skip
    elif not known.looks_like_stripe(line):
        known.ask(
            Cause.WEAK, [payout], [line],
            f"A line has the amount of payout {one.id}, {days(lag)}, but does not say that it is Stripe's.",
            [known.candidate(payout, line, "the amount and the day")],
        )  # fmt: skip
    elif one.currency != known.lines[line].currency:
        _exchanged(known, payout, line)
    elif others := _less_fee(known, line, worlds):
        known.ask(
            Cause.BANK_FEE, [payout, *others], [line],
            f"A line is payout {one.id} whole, or payout {known.payouts[others[0]].id} less the usual fee.",
            [known.candidate(p, line, "the amount" if p == payout else "the amount less the usual fee") for p in (payout, *others)],
        )  # fmt: skip
    elif known.shows_descriptor(payout, line):
        known.pair(payout, line, "descriptor")
    else:
        known.pair(payout, line, "amount")


def _less_fee(known: Evidence, line: int, worlds: _Worlds) -> list[int]:
    """Payouts that have no line of their own amount, and are this one if the bank kept its usual fee."""
    one = known.lines[line]
    found = []
    for fee in known.fees.get(one.account, ()):
        for payout in worlds.lonely(known.by_amount.of(one.currency, one.minor + fee)):
            arrives = known.free_payouts[payout] and known.payouts[payout].status != "failed"
            if arrives and known.fits(payout, line) and known.within(payout, line, known.bounds.late_days):
                found.append(payout)
    return found


def _exchanged(known: Evidence, payout: int, line: int) -> None:
    one, other = known.payouts[payout], known.lines[line]
    rate = known.rate(payout, line)
    if known.believes(payout, line) is False:
        known.ask(
            Cause.FX, [payout], [line],
            f"A line names the amount of payout {one.id}, but its rate of {rate or 'nothing'} is outside the stated band.",
            [known.candidate(payout, line, "the original amount")],
        )  # fmt: skip
    else:
        known.accept(
            [payout], [line], "fx",
            f"The line says Stripe and names the original amount; the bank gave {rate} {other.currency} for one {one.currency}.",
        )  # fmt: skip


def _world(known: Evidence, payouts: list[int], lines: list[int], worlds: _Worlds) -> None:
    rivals = Rivals(known, [line for line in lines if known.could_be(line)], payouts=len(payouts))
    if not rivals.lines:
        return
    apart = _apart(known, payouts, rivals)
    if apart is not None:
        for payout, line in apart:
            _single(known, payout, line, worlds)
        return
    legs = {payout: legs_of(known, payout, rivals) for payout in payouts}
    edges = {leg.kind: rivals.reached(leg) for some in legs.values() for leg in some}
    reached = frozenset[int]().union(*edges.values())
    loose = [
        line
        for line in rivals.lines
        if line not in reached and known.looks_like_return(line) and not _is_a_strangers(known, line, lines)
    ]
    for piece in pieces(payouts, legs, edges):
        if not (loose and _sent_back(known, *piece, loose)):
            _decide(known, legs, rivals, piece, worlds)
    failed: dict[Kind, Leg] = {}
    for payout in payouts:
        if known.free_payouts[payout] and known.payouts[payout].status == "failed":
            leg = rivals.leg(payout, back=False)
            failed.setdefault(leg.kind, leg)
    for leg in failed.values():
        _never_returned(known, leg, rivals)


def _apart(known: Evidence, payouts: list[int], rivals: Rivals) -> list[tuple[int, int]] | None:
    """The common case, decided at once: money that comes, none of it failed, each payout with one line at most, and no line in reach of two."""
    if any(known.sent(line) <= 0 for line in rivals.lines):
        return None
    found: dict[int, int] = {}
    for payout in payouts:
        one = known.payouts[payout]
        if one.status == "failed" or one.minor < 0:
            return None
        there = rivals.reached(rivals.leg(payout, back=False))
        if len(there) > 1 or not there.isdisjoint(found):
            return None
        found |= dict.fromkeys(there, payout)
    return [(payout, line) for line, payout in found.items()]


def _is_a_strangers(known: Evidence, back: int, lines: list[int]) -> bool:
    """Whether a return may well be of another line of this amount, which is not Stripe's either."""
    return not known.looks_like_stripe(back) and any(
        known.sent(line) == -known.sent(back) and not known.could_be(line) for line in lines
    )


def _sent_back(known: Evidence, payouts: list[int], lines: list[int], loose: list[int]) -> bool:
    """Whether a line that no payout needs takes one of these lines back: then Stripe's word and the bank's differ."""
    back = [
        line
        for line in loose
        if known.free_lines[line]
        and any(
            known.sent(line) == -known.sent(there)
            and known.keys[line][0] == known.keys[there][0]
            and 0 <= known.line_places[line] - known.line_places[there] <= known.bounds.return_days
            for there in lines
        )
    ]
    if back:
        known.ask(
            Cause.RETURNED_NOT_FAILED, payouts, [*lines, *back],
            f"The bank took {'a line' if len(back) == 1 else 'lines'} back that {'has' if len(lines) == 1 else 'have'} the amount of "
            f"payout {known.payouts[payouts[0]].id}; Stripe says {known.payouts[payouts[0]].status}.",
            list(islice((known.candidate(p, line, "the amount and the day") for p in payouts for line in lines if known.exact(p, line)), _SHOWN)),
        )  # fmt: skip
    return bool(back)


def _decide(known: Evidence, legs: Legs, rivals: Rivals, piece: Piece, worlds: _Worlds) -> None:
    """A piece is certain where all of it falls into balanced parts in the narrow window."""
    payouts, lines = piece
    if len(payouts) == 1 == len(lines) and len(legs[payouts[0]]) == 1:
        _single(known, payouts[0], lines[0], worlds)
        return
    narrow = {leg.kind: rivals.narrow(leg) for p in payouts for leg in legs[p]}
    parts = pieces(payouts, legs, narrow)
    whole = sum([len(some) for some, _ in parts]) == len(payouts) and sum(
        [len(some) for _, some in parts]
    ) == len(lines)
    if whole and all(_balanced(known, legs, narrow, *part) for part in parts):
        for part in parts:
            _accept(known, *part, worlds)
    elif not _one_each(known, legs, piece, parts, worlds):
        _ask(known, payouts, lines)


def _one_each(known: Evidence, legs: Legs, piece: Piece, parts: list[Piece], worlds: _Worlds) -> bool:
    """Whether each line is on the very day of one payout and in reach of no other: then it is that one's, and the payouts left have none."""
    pairs = [part for part in parts if len(part[0]) == 1 == len(part[1]) and len(legs[part[0][0]]) == 1]
    if len(pairs) < len(piece[1]) or any(known.lag(some[0], lines[0]) for some, lines in pairs):
        return False
    for some, lines in pairs:
        _accept(known, some, lines, worlds)
    return True


def _balanced(known: Evidence, legs: Legs, narrow: Edges, payouts: list[int], lines: list[int]) -> bool:
    """Whether each leg has its line, one for one, when both are put in order of days."""
    if len(payouts) == 1 == len(lines):
        return len(legs[payouts[0]]) == 1
    for positive in (True, False):
        some = [
            leg
            for p in payouts
            for leg in legs[p]
            if (known.payouts[p].minor > 0) is (positive is not leg.back)
        ]
        here = [line for line in lines if (known.sent(line) > 0) is positive]
        if len(some) != len(here):
            return False
        some.sort(
            key=lambda leg: (known.places[leg.payout] + (known.failed_after(leg.payout) or 0) * leg.back, leg)
        )
        if not all(line in narrow[leg.kind] for leg, line in zip(some, known.by_day(here), strict=True)):
            return False
    return True


def _accept(known: Evidence, payouts: list[int], lines: list[int], worlds: _Worlds) -> None:
    one = known.payouts[payouts[0]]
    if len(payouts) == 1 == len(lines):
        _single(known, payouts[0], lines[0], worlds)
    elif any(known.lines[line].currency != one.currency for line in lines) or known.twins(lines):
        _ask(known, payouts, lines)
    elif len(payouts) == 1:
        there, back = known.by_day(lines)
        if (known.lines[there].minor > 0) is not (one.minor > 0):
            _ask(known, payouts, lines)
            return
        known.accept(
            payouts, [there, back], "returned",
            f"The payout failed: its amount arrived, {days(known.lag(payouts[0], there))}, and was sent back on {known.lines[back].day}.",
        )  # fmt: skip
    else:
        amount = f"{shown(one.minor, one.currency)}"
        known.accept(
            sorted(payouts, key=lambda p: (known.places[p], p)), known.by_day(lines), "group",
            f"{len(payouts)} payouts of {amount} and their {len(lines)} lines: all are here, and nothing tells which is which.",
        )  # fmt: skip


def _ask(known: Evidence, payouts: list[int], lines: list[int]) -> None:
    one = known.payouts[payouts[0]]
    twins = len(payouts) == 1 and known.payouts[payouts[0]].status != "failed"
    in_order = known.in_order(lines)
    candidates = (
        known.candidate(p, line, f"the amount, {days(known.lag(p, line))}")
        for p in payouts
        for line in known.near(p, in_order)
        if known.exact(p, line) and known.free_lines[line]
    )
    known.ask(
        Cause.DUPLICATE if twins else Cause.SAME_AMOUNT, payouts, lines,
        f"{len(payouts)} payout{'s' * (len(payouts) > 1)} and {len(lines)} line{'s' * (len(lines) > 1)} of "
        f"{shown(abs(one.minor), one.currency)} do not pair up.",
        list(islice(candidates, _SHOWN)),
    )  # fmt: skip


def _never_returned(known: Evidence, leg: Leg, rivals: Rivals) -> None:
    """The payout failed, yet a line of its amount stands there that nobody else claims; the first of its like is asked about."""
    there = sorted([line for line in rivals.narrow(leg) if known.free_lines[line]])
    if there:
        known.ask(
            Cause.FAILED_NOT_RETURNED, [leg.payout], there,
            f"Payout {known.payouts[leg.payout].id} failed, but a line of its amount came and did not go back.",
            [known.candidate(leg.payout, line, "the amount and the day") for line in there[:_SHOWN]],
        )  # fmt: skip
