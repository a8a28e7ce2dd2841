"""The matcher against hard cases that were written without looking at its rules: nothing wrong, and nothing missed that is decidable."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts import matcher
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Expected, Match, OpenLine, OpenPayout, Outcome

from .case import Case, cases, known
from .verdict import judge

CASES = cases()
KNOWN = known()


def _each(*kinds: str) -> pytest.MarkDecorator:
    """Each case once; what is in ``known.toml`` must fail, so that it is taken out when it is mended."""
    marked = {name: why for kind in kinds for name, why in KNOWN.get(kind, {}).items()}
    assert set(marked) <= {case.name for case in CASES}, "known.toml names a case that is none"
    return pytest.mark.parametrize(
        "case",
        [
            pytest.param(
                case,
                id=case.name,
                marks=[pytest.mark.xfail(reason=marked[case.name], strict=True)]
                if case.name in marked
                else [],
            )
            for case in CASES
        ],
    )


@_each("wrong", "stops")
def test_nothing_is_wrong(case: Case) -> None:
    """Whatever is called certain is right, adds up, and is told once; whatever must never be offered is not."""
    assert judge(case, _matched(case)).wrong == (), case.why


@_each("passed over", "asked", "stops")
def test_what_is_decidable_is_decided(case: Case) -> None:
    """What is right is found, what is not decidable is asked, what stays open is told by its cause; a person's time is money too."""
    verdict = judge(case, _matched(case))
    assert verdict.missed + verdict.asked == (), case.why


def test_a_line_less_makes_nothing_wrong() -> None:
    """A statement with a hole: what is left is not taken for what is gone."""
    for case in _decided():
        for digit in case.lines:
            kept = {key: line for key, line in case.lines.items() if key != digit}
            rest = msgspec.structs.replace(case, lines=kept, never=frozenset())
            assert judge(rest, _matched(rest)).wrong == (), f"{case.name}, without line {digit}"


def test_a_payout_less_makes_nothing_wrong() -> None:
    """A payout that is not read yet: its line is not taken by another."""
    for case in _decided():
        if case.name in KNOWN.get("a payout less", {}):
            continue
        for letter in case.payouts:
            kept = {key: payout for key, payout in case.payouts.items() if key != letter}
            rest = msgspec.structs.replace(case, payouts=kept, never=frozenset())
            assert judge(rest, _matched(rest)).wrong == (), f"{case.name}, without payout {letter}"


def test_order_changes_nothing() -> None:
    """The same answer whatever order payouts and lines are given in."""
    for case in CASES:
        if case.name not in KNOWN.get("stops", {}):
            payouts, lines = list(case.payouts.values()), list(case.lines.values())
            assert matcher.match(payouts[::-1], lines[::-1], case.bounds) == _matched(case), case.name


def test_a_join_on_amount_and_day_is_often_wrong() -> None:
    """The cases are hard: what most people write first is wrong in a third of them."""
    assert sum(bool(judge(case, _joined(case)).wrong) for case in CASES) > len(CASES) // 3


def test_to_leave_all_open_is_never_wrong_and_misses_most() -> None:
    """The cases ask for answers: silence misses something in most of them."""
    verdicts = [judge(case, _open(list(case.payouts.values()), list(case.lines.values()))) for case in CASES]
    assert not [verdict for verdict in verdicts if verdict.wrong]
    assert sum(bool(verdict.missed) for verdict in verdicts) > len(CASES) // 2


def _decided() -> list[Case]:
    """The cases in which everything has an answer, and which the matcher answers without fault."""
    faults = {name for kind in ("stops", "wrong") for name in KNOWN.get(kind, {})}
    return [case for case in CASES if case.decided and case.name not in faults]


def _matched(case: Case) -> Outcome:
    return matcher.match(list(case.payouts.values()), list(case.lines.values()), case.bounds)


def _joined(case: Case) -> Outcome:
    """The bare join: the first line with the payout's amount, currency and day."""
    left = list(case.lines.values())
    matches = []
    for payout in case.payouts.values():
        for line in left:
            if (line.minor, line.currency, line.day) == (payout.minor, payout.currency, payout.arrival_day):
                left.remove(line)
                match = Match(
                    payouts=(payout.id,), lines=((line.account, line.key),), rule="amount", reason=""
                )
                matches.append(match)
                break
    matched = {each for match in matches for each in match.payouts}
    rest = _open([payout for payout in case.payouts.values() if payout.id not in matched], left)
    return Outcome(matches=tuple(matches), questions=(), payouts=rest.payouts, lines=rest.lines)


def _open(payouts: Sequence[Expected], lines: Sequence[StatementLine]) -> Outcome:
    return Outcome(
        matches=(),
        questions=(),
        payouts=tuple(OpenPayout(payout.id, Cause.UNKNOWN) for payout in payouts),
        lines=tuple(OpenLine((line.account, line.key), Cause.UNKNOWN) for line in lines),
    )
