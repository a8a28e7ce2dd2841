"""The quick look before the second one: it never says no where the careful look finds another way to read a match."""

from __future__ import annotations

from random import Random

import pytest

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.matching import Bounds, Expected
from bookhand.workflows.payouts.matching.amounts import match_amounts
from bookhand.workflows.payouts.matching.clues import Clues
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.left_over import Left, is_on_its_day
from bookhand.workflows.payouts.matching.naming import match_named
from bookhand.workflows.payouts.matching.other_ways import ways
from bookhand.workflows.payouts.matching.sums import match_fees, match_sums, open_lines, open_payouts

_SEEDS = 40
_EXACT = {"amount", "descriptor", "group"}


def _small_amounts(seed: int) -> Evidence:
    """Payouts and lines of a few days whose amounts are so small that sums meet all the time; sparse and crowded days take turns."""
    chance = Random(seed)
    count, most = chance.choice([(8, 40), (25, 400), (60, 3_000)])
    payouts = [
        Expected(
            id=f"po_{at:03}", connection="acct_1", currency="USD", minor=chance.randint(10, most) * 7, arrival_day=_day(chance),
            created_day="2026-03-02", status="paid",
        )
        for at in range(count)
    ]  # fmt: skip
    amounts = [one.minor for one in payouts if chance.random() < 0.8] + [
        chance.randint(10, 2 * most) * 7 - chance.choice([0, 15]) for _ in range(count // 3)
    ]
    lines = [
        StatementLine(
            account=chance.choice(["DE1", "DE2"]), key=f"k{at:03}", day=_day(chance), currency="USD", minor=minor,
            description=chance.choice(["STRIPE TRANSFER", "STRIPE TRANSFER", "STRIPE TRANSFER LESS FEE 0.15"]),
        )
        for at, minor in enumerate(amounts)
    ]  # fmt: skip
    return Evidence(payouts, lines, Bounds(fees={"DE1": (15,)}))


def _day(chance: Random) -> str:
    return f"2026-03-{chance.randint(9, 13):02}"


def _decide(known: Evidence) -> None:
    match_named(known)
    match_amounts(known)
    payouts, lines = open_payouts(known), open_lines(known)
    match_fees(known, payouts, lines)
    free_payouts = [payout for payout in payouts if known.free_payouts[payout]]
    match_sums(known, free_payouts, [line for line in lines if known.free_lines[line]])


def _allowed_and_found(seed: int) -> list[tuple[bool, bool]]:
    """For each match whether the quick look allows another way, and whether the careful one finds one with an open payout or line."""
    known = _small_amounts(seed)
    _decide(known)
    loose = [one for one in known.decided if one.match.rule in _EXACT and not is_on_its_day(known, one)]
    left = Left(known, loose)
    clues = Clues(known, left)
    return [
        (
            clues.allow(one),
            any(
                not all(known.kept_payouts[payout] for payout in way.payouts)
                or not all(known.kept_lines[line] for line in way.lines)
                for way in ways(known, one, left)
            ),
        )
        for one in known.decided
    ]


@pytest.mark.parametrize("seed", range(_SEEDS))
def test_what_is_found_is_allowed(seed):
    assert all(allowed for allowed, found in _allowed_and_found(seed) if found)


def test_both_answers_come():
    answers = {answer for seed in range(_SEEDS) for answer in _allowed_and_found(seed)}
    assert {(True, True), (False, False)} <= answers
