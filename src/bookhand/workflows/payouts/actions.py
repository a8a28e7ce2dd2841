"""What can be done about payouts at bookhand itself, as data for the catalogue: see `acts_store` for what they do. Pure.

They touch no outside system; a person's acts are done at once and written into the trail, an agent's are proposals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from bookhand.core.action import Action, Params, Risk, Shape

DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

Account = Annotated[
    str, Field(description="The bank account, as its statements name it.", min_length=1, max_length=120)
]
PayoutId = Annotated[str, Field(description="The payout (po_…).", pattern=r"^po_[A-Za-z0-9_]{1,200}$")]
BreakId = Annotated[str, Field(description="The Break (br_…).", pattern=r"^br_[0-9a-f]{8,64}$")]
Why = Annotated[str, Field(description="Why, for the record.", min_length=1, max_length=1000)]
Limit = Annotated[int, Field(description="How many at most.", ge=1, le=500)]
Day = Annotated[
    str | None,
    Field(description="A day, as in 2026-11-25.", pattern=DAY),
]
Connection = Annotated[
    int | None, Field(description="Only of this connection, by its number.", ge=1, le=2_000_000_000)
]
Standing = Literal["open", "matched"]


class Line(Params):
    """A line of a bank statement."""

    account: Account
    key: Annotated[str, Field(description="The line's key in its account.", min_length=1, max_length=300)]


class Arrivals(Params):
    """Which payouts."""

    connection: Connection = None
    standing: Annotated[
        Standing | None, Field(description="Only those not found at the bank yet, or only those that are.")
    ] = None
    after: Annotated[
        str | None,
        Field(description="Go on after this payout (the last `id` of the page before).", max_length=220),
    ] = None
    limit: Limit = 100


class OnePayout(Params):
    """One payout, and how many of its members."""

    payout: PayoutId
    after: Annotated[
        str | None, Field(description="Members after this balance transaction.", max_length=220)
    ] = None
    limit: Limit = 100


class Reconciliation(Params):
    """Which bank account, up to which day."""

    account: Account
    mode: Annotated[
        Literal["live", "test"] | None,
        Field(description="Needed only where a live and a test account are called the same."),
    ] = None
    day: Annotated[
        Day, Field(description="As of the end of this day; without it that of the newest statement.")
    ] = None


class Breaks(Params):
    """Which Breaks."""

    owner: Annotated[
        str | None, Field(description="Only those that this person looks after.", max_length=200)
    ] = None
    limit: Limit = 100


class Matches(Params):
    """Which matches."""

    payout: Annotated[
        str | None, Field(description="Only those that stand for this payout.", max_length=220)
    ] = None
    limit: Limit = 100


class Listing(Params):
    """How many."""

    limit: Limit = 100


class Match(Params):
    """Payouts and bank lines that a person says are the same money."""

    payouts: Annotated[list[PayoutId], Field(description="The payouts.", min_length=1, max_length=500)]
    lines: Annotated[list[Line], Field(description="The bank's lines.", min_length=1, max_length=500)]
    difference: Annotated[
        Literal["bank_fee", "fx"] | None,
        Field(
            description="What it is that the lines come to less (or more) than the payouts; needed where they do."
        ),
    ] = None
    why: Why


class RuleOut(Params):
    """A question of which no answer is right."""

    question: Annotated[str, Field(description="The question (br_…).", pattern=r"^br_[0-9a-f]{8,64}$")]
    why: Why


class Unmatch(Params):
    """A match to take apart."""

    match: Annotated[str, Field(description="The match (match_…).", pattern=r"^match_[0-9a-f]{8,64}$")]
    why: Why


class Explain(Params):
    """What a difference is."""

    break_id: BreakId
    explanation: Annotated[
        str, Field(description="What it is, for the report.", min_length=1, max_length=1000)
    ]


class Assign(Params):
    """Who looks after a difference."""

    break_id: BreakId
    owner: Annotated[
        str | None, Field(description="Who, by name or address; null for nobody.", max_length=200)
    ] = None


class ConfirmBreakdown(Params):
    """What went out with a manual or instant payout."""

    payout: PayoutId
    members: Annotated[
        list[Annotated[str, Field(max_length=220)]] | None,
        Field(
            description="Balance transactions (txn_…); without it, what bookhand proposes.", max_length=5000
        ),
    ] = None
    why: Why


class TakeBackBreakdown(Params):
    """A payout whose confirmed members were wrong."""

    payout: PayoutId
    why: Why


def _own(
    name: str, summary: str, params: type[Params], result: str, fields: Mapping[str, str], *, risk: Risk = "read", many: bool = False,
    when: str = "",
) -> Action:  # fmt: skip
    return Action(
        name=name, vendor="bookhand", summary=summary, params=params, result=Shape(result, fields, many), risk=risk, when=when,
        scope="none: nothing outside is touched",
    )  # fmt: skip


_PAYOUT = {
    "id": "its id (po_…)", "connection": "the connection's number", "amount": "minor units; negative where Stripe takes from the bank",
    "status": "Stripe's status", "arrival_day": "when it should be at the bank", "match": "the match that stands, if one does",
    "settled": "of one that failed and never reached the bank: the balance transaction that put its money back",
}  # fmt: skip
_BREAK = {
    "id": "its id (br_…)", "cause": "a named cause", "minor": "signed as at the bank", "says": "what it is", "next_step": "what to do",
    "age_days": "since when", "owner": "who looks after it", "state": "open or explained",
}  # fmt: skip
_MATCH = {
    "id": "its id (match_…)", "rule": "which rule matched", "reason": "why, in a sentence", "payouts": "the payouts", "lines": "the lines",
    "difference": "lines less payouts, minor units", "undone_by": "who took it apart",
}  # fmt: skip
_BREAKDOWN = {
    "parts": "charges, fees, refunds, disputes …, each with its count and sum", "off_by": "members less payout: zero where it adds up",
    "basis": "stripe (its own list), confirmed (a person) or none", "lines": "the members", "proposal": "for manual ones: what fits",
}  # fmt: skip

PAYOUT_ACTIONS: tuple[Action, ...] = (
    _own("payouts.arrivals", "Payouts, and where they arrived at the bank", Arrivals, "payout", _PAYOUT, many=True,
         when="To see what is on its way and what has arrived, from the books; `payouts.list` asks Stripe."),
    _own("payouts.breakdown", "What is in a payout, to the cent", OnePayout, "breakdown", _BREAKDOWN),
    _own("payouts.matches", "Which payouts and bank lines belong together, and why", Matches, "match", _MATCH, many=True),
    _own("payouts.questions", "What only a person can decide, with the answers that fit", Listing, "question",
         {"id": "the Break's id", "sentence": "what is asked", "candidates": "the answers that fit"}, many=True),
    _own("payouts.reconciliation", "The reconciliation statement of a bank account", Reconciliation, "statement",
         {"per_bank": "balance per bank", "per_books": "balance per books", "items": "what is between them", "unexplained": "the rest"}),
    _own("breaks.list", "Differences that nobody has explained yet", Breaks, "break", _BREAK, many=True),
    _own("payouts.match", "Say that payouts and bank lines are the same money", Match, "match", _MATCH, risk="write",
         when="Where bookhand asks, or did not see it; posts the arrival in the journal."),
    _own("payouts.rule_out", "Say that no answer to a question is right", RuleOut, "question",
         {"id": "the Break's id", "sentence": "what was asked", "lines": "the lines that are left to people from now on"}, risk="write",
         when="Where none of the proposed pairs is the same money; its lines are only matched by a person from then on."),
    _own("payouts.unmatch", "Take a match apart", Unmatch, "match", _MATCH, risk="write",
         when="Where a match is wrong; its entry is reversed, and only a person matches its payouts and lines again."),
    _own("payouts.explain", "Say what a difference is", Explain, "break", _BREAK, risk="write"),
    _own("breaks.assign", "Say who looks after a difference", Assign, "break", _BREAK, risk="write"),
    _own("payouts.confirm_breakdown", "Say what went out with a manual or instant payout", ConfirmBreakdown, "breakdown", _BREAKDOWN,
         risk="write", when="Stripe has no list of it. A person confirms; an agent can only propose."),
    _own("payouts.take_back_breakdown", "Forget what was confirmed to be in a manual payout", TakeBackBreakdown, "breakdown", _BREAKDOWN,
         risk="write"),
)  # fmt: skip
