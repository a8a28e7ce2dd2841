"""What is wrong with a matcher's answer to a hard case, and what it missed, in sentences."""

from __future__ import annotations

import msgspec

from bookhand.workflows.payouts.matching import Match, Outcome

from .case import Case, Tie


class Verdict(msgspec.Struct, frozen=True):
    """What is to be said of an answer.

    `wrong`: called certain and is not so, or money that does not add up. `missed`: passed over in silence, or told as something else.
    `asked`: a person is asked what could have been decided.
    """

    wrong: tuple[str, ...]
    missed: tuple[str, ...]
    asked: tuple[str, ...]


def judge(case: Case, outcome: Outcome) -> Verdict:
    """The outcome held against what is right."""
    certain = [match for match in outcome.matches if match.certain]
    asked = {case.letters[each] for question in outcome.questions for each in question.payouts}
    asked |= {case.digits[each] for question in outcome.questions for each in question.lines}
    return Verdict(
        wrong=(
            *_not_right(case, certain),
            *_not_equal(case, certain),
            *_not_once(case, outcome),
            *_offered(case, outcome),
        ),
        missed=(
            *(f"{_said(tie)} is not found" for tie in _open(case, certain) if not asked >= tie[0] | tie[1]),
            *(f"{each} is not asked about" for each in sorted(case.ask - asked - _settled(case, certain))),
            *_told_otherwise(case, outcome, asked),
        ),
        asked=(
            *(f"{_said(tie)} is asked" for tie in _open(case, certain) if asked >= tie[0] | tie[1]),
            *(f"{each} is asked about" for each in sorted(asked.intersection(case.causes))),
        ),
    )


def _not_right(case: Case, certain: list[Match]) -> list[str]:
    allowed = case.right | case.may
    return [
        f"{_said(tie)} is called certain ({match.rule}: {match.reason})"
        for match in certain
        if (tie := _tie(case, match)) not in allowed
    ]


def _not_equal(case: Case, certain: list[Match]) -> list[str]:
    """What a match says of the difference and of the rate is what the amounts say; a failed payout that came back is worth nothing."""
    found = []
    by_id = {payout.id: payout for payout in case.payouts.values()}
    by_key = {(line.account, line.key): line for line in case.lines.values()}
    for match in certain:
        tie = _tie(case, match)
        payouts = [by_id[each] for each in match.payouts]
        lines = [by_key[each] for each in match.lines]
        if {each.currency for each in payouts} == {each.currency for each in lines}:
            paid = sum(each.minor for each in payouts if each.status != "failed")
            off = sum(each.minor for each in lines) - paid
            if off != match.difference_minor and match.rule != "returned":
                found.append(f"{_said(tie)} differs by {off} and says {match.difference_minor}")
        if tie in case.off and match.difference_minor != case.off[tie]:
            found.append(f"{_said(tie)} is off by {case.off[tie]} and says {match.difference_minor}")
        if tie in case.rates and match.rate != case.rates[tie]:
            found.append(f"{_said(tie)} was exchanged at {case.rates[tie]} and says {match.rate}")
    return found


def _not_once(case: Case, outcome: Outcome) -> list[str]:
    """Every payout and every line is in exactly one of the four lists."""
    payouts = [
        *(each for match in outcome.matches for each in match.payouts),
        *(each for question in outcome.questions for each in question.payouts),
        *(each.id for each in outcome.payouts),
    ]
    lines = [
        *(each for match in outcome.matches for each in match.lines),
        *(each for question in outcome.questions for each in question.lines),
        *(each.line for each in outcome.lines),
    ]
    if sorted(payouts) == sorted(case.letters) and sorted(lines) == sorted(case.digits):
        return []
    told = sorted(
        [case.letters.get(each, each) for each in payouts]
        + [case.digits.get(each, str(each)) for each in lines]
    )
    return [f"each payout and line once, and it is {' '.join(told)}"]


def _offered(case: Case, outcome: Outcome) -> list[str]:
    candidates = [match for question in outcome.questions for match in question.candidates]
    return [
        f"{letter} and {digit} are offered as the same money"
        for letter, digit in sorted(case.never)
        if any(letter in tie[0] and digit in tie[1] for tie in (_tie(case, match) for match in candidates))
    ]


def _open(case: Case, certain: list[Match]) -> list[Tie]:
    """What is right and not found."""
    settled = _settled(case, certain)
    return [tie for tie in sorted(case.right, key=_said) if not tie[0] | tie[1] <= settled]


def _told_otherwise(case: Case, outcome: Outcome, asked: set[str]) -> list[str]:
    told = {case.letters[each.id]: each.cause.value for each in outcome.payouts}
    told |= {case.digits[each.line]: each.cause.value for each in outcome.lines}
    found = [
        f"{each} is {' or '.join(causes)} and told as {told.get(each, 'settled')}"
        for each, causes in sorted(case.causes.items())
        if told.get(each) not in causes and each not in asked
    ]
    found += [
        f"{each} is told as {cause}"
        for each, cause in sorted(case.not_causes.items())
        if told.get(each) == cause
    ]
    return found


def _settled(case: Case, certain: list[Match]) -> frozenset[str]:
    """Letters and digits in certain matches that are allowed."""
    ties = {_tie(case, match) for match in certain} & (case.right | case.may)
    return frozenset(each for tie in ties for side in tie for each in side)


def _tie(case: Case, match: Match) -> Tie:
    return frozenset(case.letters[each] for each in match.payouts), frozenset(
        case.digits[each] for each in match.lines
    )


def _said(tie: Tie) -> str:
    return "=".join("+".join(sorted(side)) for side in tie)
