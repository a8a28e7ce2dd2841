"""What is proposed as the members of a payout that Stripe has no list of, and how that is said to a person. Pure."""

from __future__ import annotations

from typing import Literal

import msgspec

from bookhand.core.facts import Payout
from bookhand.workflows.payouts.contents.solver import Solution


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A kept answer: `members` are balance transactions (the certain ones among them), `says` is a sentence."""

    payout: str
    outcome: Literal["unique", "ambiguous", "unsolved", "gave_up", "confirmed"]
    how: str
    at_least: int
    candidates: int
    members: tuple[str, ...]
    fee: int
    says: str


def proposal_says(
    payout: Payout, undated: int, solution: Solution, candidates: int, *, before: bool = False
) -> str:
    """What is known of the members of `payout`, of which Stripe has no list, and what a person can do."""
    kind = "instant" if payout.method == "instant" else "manual"
    lead = f"Stripe has no list of what is in this {kind} payout."
    if undated:
        return f"{lead} Of {undated:,} movements nobody knows when they became available: bring the history in that they are in."
    match solution.outcome:
        case "unique":
            return f"{lead} {_only_one(candidates)}: confirm it."
        case "unsolved":
            return f"{lead} {_none(candidates)}, or history is missing."
        case "ambiguous":
            first = (
                "The first in order add up to it, and so do others"
                if solution.how == "in_order"
                else "Several choices add up to it"
            )
            return f"{lead} {first}, among {candidates:,} candidates: confirm one, or leave it without a breakdown."
        case "gave_up":
            return f"{lead} {_from_before(solution) if before else _given_up(solution)} Confirm its members if you know them, or leave it without a breakdown."


def _only_one(candidates: int) -> str:
    if not candidates:
        return "Nothing else was available, and what Stripe advanced for it adds up to it"
    return f"Exactly one choice of its {candidates:,} candidates adds up to it"


def _none(candidates: int) -> str:
    if not candidates:
        return "Nothing that was available then is left for it: it went out with other payouts"
    return f"No choice of its {candidates:,} candidates adds up to it: part of the balance was paid out"


def _from_before(solution: Solution) -> str:
    known = (
        "None of the known movements adds up to it"
        if solution.members is None
        else "One choice of the known movements adds up to it"
    )
    return f"{known}, and what lay in the balance before the history begins may be in it too."


def _given_up(solution: Solution) -> str:
    if solution.members is None:
        return "None was found within the bound on work, which proves nothing."
    return (
        "One choice adds up to it, but nobody could prove within the bound on work that it is the only one."
    )
