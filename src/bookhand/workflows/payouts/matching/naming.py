"""Lines that name payouts by their trace or id: the strongest rule; pure.

A line that carries a payout's id and its exact amount, in time, is that payout. Everything else that a name can mean (a fee kept, a part, several
payouts together, the money sent back, a copy, a mere mention) is looked at by itself; what stays unclear is asked.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import compress

from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.reading import TRACED
from bookhand.workflows.payouts.matching.reasons import carries, days, id_in_words, shown

_ARRIVES = frozenset({"paid", "in_transit", "pending"})
_SEEN_OFTEN = 2


def match_named(known: Evidence) -> None:
    """Decide the lines that name payouts; what they say of the rest is kept in `anchors` and `fees`."""
    by_payout = _simple(known)
    _exact(known, by_payout)
    short: list[tuple[int, int]] = []
    for payouts, lines in _components(known, by_payout):
        if len(payouts) == 1:
            _one_payout(known, payouts[0], lines, short)
        elif len(lines) == 1:
            _one_line(known, payouts, lines[0])
        else:
            _tangle(known, payouts, lines)
    _fees(known, short)


def _simple(known: Evidence) -> dict[int, list[int]]:
    """Decide the many: one line names one payout, nothing else does, and amount and day are right. The rest, by payout."""
    first: dict[int, int] = {}
    more: defaultdict[int, list[int]] = defaultdict(list)
    for line, names in known.named.items():
        if len(names) == 1 and names[0] not in first:
            first[names[0]] = line
        else:
            for payout in names:
                more[payout].append(line)
    late, same = known.bounds.trace_late_days, known.reading.same_amount
    places, line_places, kinds = known.places, known.line_places, known.reading.kinds
    minors, line_minors = known.minors, known.line_minors
    targets, line_accounts, accounts, fitting = (
        known.targets, known.line_accounts, known.accounts, known.fitting,
    )  # fmt: skip
    for payout, line in first.items():
        if payout in more:
            more[payout].append(line)
        elif (
            minors[payout] == line_minors[line]
            and same[line] == payout
            and kinds[payout]
            and 0 <= line_places[line] - places[payout] <= late
            and fitting[targets[payout] * accounts + line_accounts[line]]
        ):  # the most common case of `_is_arrival`, told by numbers alone
            known.pair(payout, line, "trace" if kinds[payout] & TRACED else "id")
        elif _is_arrival(known, payout, line):
            _accept_exact(known, payout, line)
        else:
            more[payout].append(line)
    return more


def _is_arrival(known: Evidence, payout: int, line: int) -> bool:
    """Whether a line that names a payout is it: its amount, in time, on its account."""
    one, other = known.payouts[payout], known.lines[line]
    same = one.minor == other.minor and one.currency == other.currency and other.original_minor is None
    if not (same or known.exact(payout, line)):
        return False
    in_time = known.within(payout, line, known.bounds.trace_late_days)
    return in_time and one.status in _ARRIVES and known.fits(payout, line)


def _exact(known: Evidence, by_payout: dict[int, list[int]]) -> None:
    """One payout, one line with its name, amount and day, and neither has another such: they are one, whoever else mentions them."""
    named = known.named
    found = {
        payout: [line for line in by_payout[payout] if _is_arrival(known, payout, line)]
        for payout in by_payout
    }
    for payout in sorted(found):
        lines = found[payout]
        if len(lines) != 1:
            continue
        line = lines[0]
        if any(_is_meant_too(known, payout, other, line) for other in named[line] if other != payout):
            continue
        if len(by_payout[payout]) > 1 and _came_back(known, payout, by_payout[payout]):
            continue
        _accept_exact(known, payout, line)


def _is_meant_too(known: Evidence, payout: int, other: int, line: int) -> bool:
    """Whether the line names the other payout as well; where both have the same trace, the amount tells which is meant."""
    return known.timely(other, line) and (not known.same_token(payout, other) or known.exact(other, line))


def _accept_exact(known: Evidence, payout: int, line: int) -> None:
    one = known.payouts[payout]
    if one.currency != known.lines[line].currency and known.believes(payout, line) is False:
        known.ask(
            Cause.FX,
            [payout],
            [line],
            f"The line names payout {one.id}, but its rate of {known.rate(payout, line) or 'nothing'} is outside the stated band.",
            [known.candidate(payout, line, "the id and the original amount")],
        )
        return
    if one.currency != known.lines[line].currency:
        reason = carries(one, known.lines[line].key, known.lag(payout, line))
        known.accept([payout], [line], "fx", reason)
    else:
        known.pair(payout, line, "trace" if one.trace_id else "id")


def _came_back(known: Evidence, payout: int, lines: Iterable[int]) -> bool:
    minor = known.payouts[payout].minor
    return any(known.lines[line].minor == -minor for line in lines)


def _components(known: Evidence, by_payout: dict[int, list[int]]) -> Iterable[tuple[list[int], list[int]]]:
    """What is still open, in connected pieces: payouts, and the lines that name them in time."""
    seen: set[int] = set()
    near = {
        payout: [line for line in lines if known.free_lines[line] and _near(known, payout, line)]
        for payout, lines in by_payout.items()
        if known.free_payouts[payout]
    }
    for start in sorted(near):
        if start in seen:
            continue
        payouts, lines, todo = {start}, set[int](), [start]
        while todo:
            for line in near[todo.pop()]:
                if line not in lines:
                    lines.add(line)
                    more = [
                        p for p in known.named[line] if p in near and line in near[p] and p not in payouts
                    ]
                    payouts.update(more)
                    todo += more
        seen |= payouts
        if lines:
            yield sorted(payouts), sorted(lines)


def _near(known: Evidence, payout: int, line: int) -> bool:
    """Within the time in which a name means something: a return may come later than an arrival."""
    most = max(known.bounds.trace_late_days, known.bounds.return_days) + known.bounds.late_days
    return -known.bounds.early_days - 1 <= known.lag(payout, line) <= most


def _one_payout(known: Evidence, payout: int, lines: list[int], short: list[tuple[int, int]]) -> None:
    one = known.payouts[payout]
    if not all(known.fits(payout, line) for line in lines) or one.status == "canceled":
        why = (
            "but it was canceled"
            if one.status == "canceled"
            else "but is on another account than it was paid to"
        )
        _ask(known, Cause.CONTRADICTION, payout, lines, f"A line names payout {one.id}, {why}.")
    elif one.status == "failed":
        _failed(known, payout, lines)
    elif _came_back(known, payout, lines):
        there = [line for line in lines if known.exact(payout, line)]
        _ask(known, Cause.RETURNED_NOT_FAILED, payout, lines,
             f"The bank sent payout {one.id} back{'' if there else ', and its arrival is not named'}; Stripe says {one.status}.")  # fmt: skip
    elif len(lines) == 1:
        _one_to_one(known, payout, lines[0], short)
    elif all(known.exact(payout, line) for line in lines):
        _ask(
            known,
            Cause.DUPLICATE,
            payout,
            lines,
            f"{len(lines)} lines carry the id and the amount of payout {one.id}.",
        )
    elif _adds_up(known, [payout], lines):
        known.accept(
            [payout], lines, "split",
            f"{len(lines)} lines carry the payout's id, and add up to it.",
        )  # fmt: skip
    else:
        _ask(
            known,
            Cause.AMOUNT,
            payout,
            lines,
            f"{len(lines)} lines name payout {one.id}, and do not add up to it.",
        )


def _failed(known: Evidence, payout: int, lines: list[int]) -> None:
    """A failed payout arrived and left again; where only one of the two is named, the other is looked for by its amount."""
    one = known.payouts[payout]
    there = [line for line in lines if known.exact(payout, line)]
    back = [line for line in lines if known.amount(line) == (one.currency, -one.minor)]
    if len(there) + len(back) < len(lines) or len(there) > 1 or len(back) > 1:
        _ask(
            known,
            Cause.AMOUNT,
            payout,
            lines,
            f"Lines name the failed payout {one.id}, and are not its arrival and its return.",
        )
    elif there and back and known.lag(payout, there[0]) <= known.lag(payout, back[0]):
        known.accept(
            [payout], [there[0], back[0]], "returned",
            "Both lines carry the payout's id: it arrived, and was sent back.",
        )  # fmt: skip
    elif there and back:
        _ask(
            known,
            Cause.CONTRADICTION,
            payout,
            lines,
            f"The failed payout {one.id} was sent back before it arrived.",
        )
    # else: the amounts' rule looks for the other half


def _one_to_one(known: Evidence, payout: int, line: int, short: list[tuple[int, int]]) -> None:
    one, other = known.payouts[payout], known.lines[line]
    if known.exact(payout, line):
        lag = known.lag(payout, line)
        _ask(
            known,
            Cause.LATE,
            payout,
            [line],
            f"The line names payout {one.id} and has its amount, but came {days(lag)}.",
        )
    elif not known.timely(payout, line) or not (
        known.looks_like_stripe(line) or known.gives_trace(payout, line)
    ):
        return  # a mention: long before or after, or in a text that is not Stripe's
    elif known.amount(line)[0] != one.currency:
        _exchanged(known, payout, line)
    elif other.original_currency is None and one.minor > other.minor > 0:
        short.append((payout, line))
    elif other.minor > one.minor > 0:
        known.anchors[line] = payout
    else:
        _ask(known, Cause.AMOUNT, payout, [line], f"The line names payout {one.id}, and has another amount.")


def _exchanged(known: Evidence, payout: int, line: int) -> None:
    one, other = known.payouts[payout], known.lines[line]
    rate = known.rate(payout, line)
    if (one.minor > 0) == (other.minor > 0) and known.believes(payout, line):
        known.accept(
            [payout], [line], "fx",
            f"The line carries {id_in_words(one, other.key)}; {rate} {other.currency} for one {one.currency} is within the stated band.",
        )  # fmt: skip
    else:
        _ask(
            known,
            Cause.FX,
            payout,
            [line],
            f"The line names payout {one.id} in another currency, at {rate or 'no rate'}.",
        )


def _fees(known: Evidence, short: list[tuple[int, int]]) -> None:
    """Lines that name a payout and are short of it: a fee that the bank kept, or one part of several."""
    here: Counter[tuple[str, int]] = Counter()
    for payout, line in short:
        fee = known.payouts[payout].minor - known.lines[line].minor
        if known.is_fee(payout, fee):
            here[known.lines[line].account, fee] += 1
    for (account, fee), count in here.items():
        if count >= _SEEN_OFTEN:
            known.fees.setdefault(account, set()).add(fee)
    rest = _rest_lines(known, short)
    for payout, line in short:
        one, other = known.payouts[payout], known.lines[line]
        fee = one.minor - other.minor
        usual = fee in known.fees.get(other.account, ())
        stated = fee in known.stated_fees(line) and known.is_fee(payout, fee)
        parts = [part for part in rest.get((other.account, fee), ()) if known.timely(payout, part)]
        rival = [part for part in rest.get((other.account, one.minor), ()) if known.timely(payout, part)]
        if rival:
            _ask(known, Cause.AMOUNT, payout, [line, *_free(known, rival)],
                 f"One line names payout {one.id} with another amount, and another line has its amount.")  # fmt: skip
        elif parts or not (usual or stated):
            known.anchors[line] = payout
        else:
            known.accept(
                [payout], [line], "bank_fee",
                f"The line carries {id_in_words(one, other.key)}; the bank kept "
                f"{shown(fee, one.currency)}, as {'it does on this account' if usual else 'the line says'}.",
                difference="bank_fee", difference_minor=-fee,
            )  # fmt: skip


def _rest_lines(known: Evidence, short: list[tuple[int, int]]) -> dict[tuple[str, int], list[int]]:
    """The unnamed lines that look like Stripe's and have an amount that is asked for: what a short payout lacks, or the whole of it."""
    wanted = {
        (known.lines[line].account, minor)
        for payout, line in short
        for minor in (known.payouts[payout].minor, known.payouts[payout].minor - known.lines[line].minor)
    }
    found: dict[tuple[str, int], list[int]] = {}
    if wanted:
        minors, line_minors = {minor for _, minor in wanted}, known.line_minors
        for line in compress(range(len(known.lines)), known.free_lines):
            minor = line_minors[line]
            if minor and minor not in minors:
                continue
            one = known.lines[line]
            key = (one.account, one.minor)
            if key in wanted and line not in known.named and known.is_rival(line):
                found.setdefault(key, []).append(line)
    return found


def _free(known: Evidence, lines: Iterable[int]) -> list[int]:
    return [line for line in lines if known.free_lines[line]]


def _one_line(known: Evidence, payouts: list[int], line: int) -> None:
    paid = all(known.payouts[p].status in {"paid", "in_transit"} for p in payouts)
    timely = all(known.timely(p, line) and known.fits(p, line) for p in payouts)
    if paid and timely and _adds_up(known, payouts, [line]):
        known.accept(
            payouts, [line], "batch",
            f"The line carries the ids of {len(payouts)} payouts, and is their sum.",
        )  # fmt: skip
    else:
        _tangle(known, payouts, [line])


def _adds_up(known: Evidence, payouts: list[int], lines: list[int]) -> bool:
    currencies = {known.payouts[p].currency for p in payouts} | {known.amount(one)[0] for one in lines}
    accounts = {known.lines[one].account for one in lines}
    return (
        len(currencies) == 1 and len(accounts) == 1
        and sum(known.payouts[p].minor for p in payouts) == sum(known.amount(one)[1] for one in lines)
    )  # fmt: skip


def _tangle(known: Evidence, payouts: list[int], lines: list[int]) -> None:
    exact = [
        (p, line) for p in payouts for line in lines if p in known.named[line] and _is_arrival(known, p, line)
    ]
    if len(payouts) == len(lines) and len(exact) == len(payouts) * len(lines):
        known.accept(
            sorted(payouts, key=lambda p: (known.places[p], p)), known.by_day(lines), "group",
            f"{len(payouts)} payouts and {len(lines)} lines of one amount carry the same id: all are here, and nothing tells which is which.",
        )  # fmt: skip
        return
    cause = Cause.DUPLICATE if len(exact) > len(payouts) else Cause.CONTRADICTION
    known.ask(
        cause, payouts, lines,
        f"{len(lines)} line{'s' * (len(lines) > 1)} and {len(payouts)} payouts name each other in more than one way.",
        [known.candidate(p, line, "the id and the amount") for p, line in exact],
    )  # fmt: skip


def _ask(known: Evidence, cause: Cause, payout: int, lines: list[int], sentence: str) -> None:
    known.ask(cause, [payout], lines, sentence, [known.candidate(payout, line, "the id") for line in lines])
