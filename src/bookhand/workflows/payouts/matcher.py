"""The matcher: payouts and statement lines in, what belongs together out; pure, and the same for any order of what it is given.

Rules (`matching`) go from the strongest to the weakest, and each sees only what the stronger ones left: lines that name payouts (`naming`), exact amounts
(`amounts`), amounts less a fee and sums (`sums`). Nothing is ever taken because it is the best: only because nothing else can be meant.

>>> from bookhand.core.bank import StatementLine
>>> from bookhand.workflows.payouts.matching import Expected
>>> payout = Expected(id="po_1", connection="acct_1", currency="USD", minor=125_00, arrival_day="2026-11-25", created_day="2026-11-23",
...     status="paid")
>>> line = StatementLine(account="DE1", key="k1", day="2026-11-27", currency="USD", minor=125_00, description="STRIPE TRANSFER")
>>> match([payout], [line]).matches[0].reason
"The line says Stripe and has the amount, 1 business day late; no other of Stripe's has it in these days."
>>> match([payout], [], Bounds(covered={"DE1": "2026-12-31"})).payouts[0].cause
<Cause.MISSING: 'missing'>
"""

from __future__ import annotations

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, compress
from typing import Final

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Bounds, Expected, OpenLine, OpenPayout, Outcome
from bookhand.workflows.payouts.matching.amounts import match_amounts
from bookhand.workflows.payouts.matching.evidence import Evidence, is_account
from bookhand.workflows.payouts.matching.kin import Kin
from bookhand.workflows.payouts.matching.naming import match_named
from bookhand.workflows.payouts.matching.reasons import days, shown
from bookhand.workflows.payouts.matching.second_look import look_again
from bookhand.workflows.payouts.matching.sums import match_fees, match_sums, open_lines, open_payouts

_FEE_LINE: Final = re.compile(
    r"\b(FEES?|CHARGES?|CHGS?|GEB\w*|SPESEN|FRAIS|KONTOF\w*|ENTGELT|COMMISSION)\b", re.IGNORECASE
)


def match(
    payouts: Iterable[Expected], lines: Iterable[StatementLine], bounds: Bounds | None = None
) -> Outcome:
    """What belongs together; `Bug` where a payout or a line is given twice, `ValueError` for a day that is none."""
    with _no_collecting():
        return _matched(Evidence(payouts, lines, bounds or Bounds()))


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Matching makes much and no cycles: looking for garbage in it takes a quarter of the time and finds none."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _matched(known: Evidence) -> Outcome:
    match_named(known)
    known.learn_marks()
    match_amounts(known)
    open_to, open_from = open_payouts(known), open_lines(known)
    match_fees(known, open_to, open_from)
    free_payouts, free_lines = known.free_payouts, known.free_lines
    match_sums(
        known, [p for p in open_to if free_payouts[p]], [line for line in open_from if free_lines[line]]
    )
    look_again(known)
    _mentioned(known)
    _weak(known)
    return Outcome(
        matches=tuple(known.matches()),
        questions=tuple(sorted(known.questions, key=lambda one: (one.payouts, one.lines))),
        payouts=tuple(_open_payouts(known)),
        lines=tuple(_open_lines(known)),
    )


def _mentioned(known: Evidence) -> None:
    """Payouts that are still open and are named by a line of another amount: if nothing else came, that line is worth a question."""
    for line in list(compress(known.named, map(known.free_lines.__getitem__, known.named))):
        for payout in known.named[line]:
            if known.free_lines[line] and known.free_payouts[payout] and known.timely(payout, line):
                _ask_named(known, payout, line)


def _ask_named(known: Evidence, payout: int, line: int) -> None:
    one, other = known.payouts[payout], known.lines[line]
    short = one.minor - other.minor
    if one.currency == other.currency and 0 < short <= known.fee_most(one.currency) and other.minor > 0:
        kept = f"{shown(short, one.currency)}"
        known.ask(
            Cause.BANK_FEE, [payout], [line],
            f"A line names payout {one.id} and is {kept} short of it; such a fee has not been seen on this account.",
            [known.match([payout], [line], "person", "the id", certain=False, difference="bank_fee", difference_minor=-short)],
        )  # fmt: skip
    else:
        known.ask(
            Cause.AMOUNT, [payout], [line],
            f"A line names payout {one.id}, has another amount, and nothing else came.",
            [known.candidate(payout, line, "the id")],
        )  # fmt: skip


def _weak(known: Evidence) -> None:
    """Payouts that are still open, beside lines of their amount and day that do not say Stripe: never certain, worth a question."""
    wanted: dict[tuple[str, int], list[int]] = {}
    for index in compress(range(len(known.payouts)), known.free_payouts):
        each = known.payouts[index]
        if each.status not in {"canceled", "failed"}:
            wanted.setdefault((each.currency, each.minor), []).append(index)
    for payout, some_lines in _weak_lines(known, wanted) if wanted else ():
        there = [line for line in some_lines if known.free_lines[line]]
        if there:
            one = known.payouts[payout]
            like = [line for line in there if known.is_like(payout, line)]
            known.ask(
                Cause.WEAK, [payout], there,
                f"{'A line has' if len(there) == 1 else f'{len(there)} lines have'} the amount of payout {one.id}, and "
                f"{'its text is cut' if like else 'nothing in it says Stripe'}.",
                [known.candidate(payout, line, f"the amount, {days(known.lag(payout, line))}") for line in [*like, *there][:8]],
            )  # fmt: skip


def _weak_lines(known: Evidence, wanted: dict[tuple[str, int], list[int]]) -> list[tuple[int, list[int]]]:
    """Payouts of some amounts with the lines that each could be; of those that nothing tells apart the first, for it takes all of their lines."""
    lines: dict[tuple[str, int], list[int]] = {}
    for line in compress(range(len(known.lines)), known.free_lines):
        if (amount := known.amount(line)) in wanted:
            lines.setdefault(amount, []).append(line)
    kin = Kin(known, chain.from_iterable(lines.values()))
    found = [
        (payout, [line for line in some if _could_be(known, payout, line)])
        for amount, some in lines.items()
        for payout in wanted[amount]
        if kin.first(payout) == payout
    ]
    return sorted(found, key=lambda one: (one[1][:1], one[0]))


def _could_be(known: Evidence, payout: int, line: int) -> bool:
    return (
        known.fits(payout, line)
        and known.arrives(payout, line)
        and known.within(payout, line, known.bounds.late_days)
        and not known.contradicts(payout, line)
    )


def _open_payouts(known: Evidence) -> Iterable[OpenPayout]:
    spans, currencies = _spans(known)
    paid_to: dict[tuple[str | None, str | None, str], _Spans] = {}
    for index in compress(range(len(known.payouts)), known.free_payouts):
        payout = known.payouts[index]
        where = payout.account, payout.last4, payout.currency
        some = paid_to.get(where)
        if some is None:
            some = paid_to[where] = _may_be_paid_to(payout, spans, currencies)
        yield OpenPayout(payout.id, *_payout_cause(known, index, some))


_Spans = dict[str, tuple[str, str]]


def _spans(known: Evidence) -> tuple[_Spans, dict[str, set[str]]]:
    """The first and last day that are covered of each account, and the currencies of its lines."""
    seen = known.reading.seen
    spans: _Spans = {account: (min(seen[account].days), max(seen[account].days)) for account in sorted(seen)}
    currencies = {account: each.currencies for account, each in seen.items()}
    begins = known.bounds.begins
    for account, day in known.bounds.covered.items():
        spans[account] = (begins.get(account) or spans.get(account, ("", day))[0], day)
    return spans, currencies


def _may_be_paid_to(payout: Expected, spans: _Spans, currencies: dict[str, set[str]]) -> _Spans:
    """The accounts that a payout may have gone to; of those that it does not name, the ones of its currency."""
    return {
        account: span
        for account, span in spans.items()
        if is_account(payout, account)
        and (
            payout.account is not None
            or (payout.last4 is not None and account.endswith(payout.last4))
            or payout.currency in currencies.get(account, {payout.currency})
        )
    }


def _payout_cause(known: Evidence, index: int, spans: _Spans) -> tuple[Cause, str]:
    one = known.payouts[index]
    if one.status == "canceled":
        return Cause.CANCELED, ""
    if one.status == "failed":
        return _failed_cause(known, index, spans)
    due = known.places[index] + known.bounds.late_days
    if (why := _not_covered(known, one, due, spans)) is not None:
        return Cause.NOT_COVERED, why
    first, last = min(last for _, last in spans.values()), max(last for _, last in spans.values())
    if due > known.place(one.currency, last):
        return Cause.IN_TRANSIT, f"Due on {one.arrival_day}; statements reach to {last}."
    if due > known.place(one.currency, first):
        return (
            Cause.NOT_COVERED,
            f"Due on {one.arrival_day}; statements of an account that it may have gone to reach only to {first}.",
        )
    return Cause.MISSING, f"Due on {one.arrival_day}; statements reach to {first}."


def _failed_cause(known: Evidence, index: int, spans: _Spans) -> tuple[Cause, str]:
    """One that failed before it reached the bank is done with, where its money is back and the bank's statements show nothing of it."""
    one = known.payouts[index]
    if one.money_back is None:
        return Cause.FAILED, ""
    back = f"{one.money_back} put its money back in the Stripe balance"
    due = known.places[index] + max(0, known.failed_after(index) or 0) + known.bounds.late_days
    if (why := _not_covered(known, one, due, spans)) is not None:
        return Cause.FAILED, f"{back}. {why}"
    last = min(last for _, last in spans.values())
    if due > known.place(one.currency, last):
        return (
            Cause.FAILED,
            f"{back}; statements reach to {last}, which is too early to say that nothing came.",
        )
    if (line := _may_be_of(known, index)) is not None:
        return Cause.FAILED, f"{back}, but a line of {known.lines[line].day} may be of it."
    return Cause.FAILED_BACK, f"{back}, and the bank's statements of its days show nothing of it."


def _may_be_of(known: Evidence, payout: int) -> int | None:
    """A line around the days of a payout that no match explains and that may be its money, coming or going; the first of them."""
    kept = known.kept_lines
    left = known.in_order([line for line in range(len(known.lines)) if not kept[line]])
    most = known.bounds.rival_days + known.bounds.return_days
    return next(
        (
            line
            for line in known.near(payout, left)
            if known.fits(payout, line)
            and -known.bounds.early_days - 1 <= known.lag(payout, line) <= most
            and _resembles(known, payout, line)
        ),
        None,
    )


def _resembles(known: Evidence, payout: int, line: int) -> bool:
    """Whether a line names a payout or has its amount, in either direction; one that looks like Stripe's may be short of a fee or exchanged."""
    one, (currency, sent) = known.payouts[payout], known.amount(line)
    if payout in known.named.get(line, ()):
        return True
    if currency != one.currency:
        return known.is_rival(line)
    other_by = abs(abs(sent) - abs(one.minor))
    return not other_by or (other_by <= known.fee_most(currency) and known.could_be(line))


def _not_covered(known: Evidence, one: Expected, due: int, spans: _Spans) -> str | None:
    if not spans:
        return "No statement is of the account that it was paid to."
    first = min(first for first, _ in spans.values())
    if one.arrival_day < first:
        return f"Statements begin on {first}, it was due on {one.arrival_day}."
    for account in spans:
        for start, end in known.bounds.holes.get(account, ()):
            if end >= one.arrival_day and known.place(one.currency, start) <= due:
                return f"No statement covers {start} to {end}; it was due on {one.arrival_day}."
    return None


def _open_lines(known: Evidence) -> Iterable[OpenLine]:
    for index in compress(range(len(known.lines)), known.free_lines):
        yield OpenLine(known.keys[index], *_line_cause(known, index))


def _line_cause(known: Evidence, line: int) -> tuple[Cause, str]:
    names = known.named.get(line)
    if names is not None:
        return (
            Cause.LOOKS_LIKE_STRIPE,
            f"It names {', '.join(known.payouts[payout].id for payout in names[:3])}, which it is not.",
        )
    if known.looks_like_stripe(line):
        return Cause.LOOKS_LIKE_STRIPE, ""
    if (known.line_minors[line] or known.lines[line].minor) < 0 and _FEE_LINE.search(
        known.text(line)
    ) is not None:
        return Cause.BANK_FEE_LINE, ""
    return Cause.FOREIGN, ""
