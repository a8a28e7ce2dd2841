"""The words of matching: payouts as the matcher needs them, and what it says of them and of the bank's lines; pure.

    outcome = matcher.match(payouts, lines, Bounds())
    outcome.matches      # certain, each with its rule and reason; the sums of both sides are equal but for `difference_minor`
    outcome.questions    # two or more answers fit, or one that is not certain: a person decides
    outcome.payouts      # no line fits: each with its cause
    outcome.lines        # no payout fits: each with its cause

Every payout and every line that was given is in exactly one of the four. The order in which they were given changes nothing.
A line is known by its account and key, for a key is once in its account. Amounts are whole minor units, money into the bank positive.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

from bookhand.core.ready import ready
from bookhand.workflows.payouts.breaks import Cause, LineKey

Status = Literal["pending", "in_transit", "paid", "failed", "canceled"]
Rule = Literal[
    "trace", "id", "descriptor", "amount", "group", "batch", "split", "returned", "bank_fee", "fx", "person"
]


class Expected(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A payout as the matcher needs it."""

    id: str
    connection: str
    """Any name that is the same for all payouts of one Stripe account and mode."""
    currency: str
    minor: int
    """Positive: Stripe pays us; negative: Stripe takes a negative balance from the bank."""
    arrival_day: str
    created_day: str
    status: Status
    automatic: bool = True
    method: Literal["standard", "instant"] = "standard"
    trace_id: str | None = None
    """`trace_id.value`, where it is `supported`."""
    descriptor: str | None = None
    """`statement_descriptor`: what Stripe asks the bank to show."""
    account: str | None = None
    """The bank account of `StatementLine.account` that it was paid to, where that is known."""
    last4: str | None = None
    """The last four of the destination, where the account is not known."""
    failed_day: str | None = None
    money_back: str | None = None
    """Of one that failed: the balance transaction that put the money back, where it is booked and no line was ever matched."""
    original: str | None = None
    """The payout that this one reverses."""
    reversed_by: str | None = None


class Match(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Payouts and lines that are the same money.

    In a `group` (equal amounts that nothing tells apart) the whole is certain and the pairs in it are not; both sides are in order of days,
    so that the first with the first is the natural pair.
    """

    payouts: tuple[str, ...]
    lines: tuple[LineKey, ...]
    rule: Rule
    reason: str
    certain: bool = True
    """False only for the candidates of a `Question`."""
    difference_minor: int = 0
    """Lines less payouts, in the payouts' currency: negative for a fee that the bank kept. Zero for FX: see `rate`."""
    difference: Literal["none", "bank_fee", "fx", "unknown"] = "none"
    rate: Decimal | None = None
    """FX: what the bank gave for one (major) unit of the payout's currency, fees in it."""


class Question(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a person must decide, with the answers that fit (there may be others, or none may be right)."""

    cause: Cause
    sentence: str
    payouts: tuple[str, ...]
    lines: tuple[LineKey, ...]
    candidates: tuple[Match, ...]


class OpenPayout(msgspec.Struct, frozen=True, gc=False):
    """A payout that no line fits."""

    id: str
    cause: Cause
    note: str = ""


class OpenLine(msgspec.Struct, frozen=True, gc=False):
    """A line that no payout fits."""

    line: LineKey
    cause: Cause
    note: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the matcher says, each list in a fixed order (by the first payout or line)."""

    matches: tuple[Match, ...]
    questions: tuple[Question, ...]
    payouts: tuple[OpenPayout, ...]
    lines: tuple[OpenLine, ...]


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How far matching may go. Days are business days of the currency (see `bank_days`)."""

    early_days: int = 1
    """A line may be this much before the arrival day."""
    late_days: int = 3
    trace_late_days: int = 10
    """The same where the line carries the payout's own trace id."""
    rival_days: int = 15
    """So far after its arrival day a payout still counts as a rival for a line of its amount."""
    return_days: int = 10
    """A failed payout leaves the bank again within so many days of its arrival."""
    fees: dict[str, tuple[int, ...]] = {}
    """Fees known to be taken from each payout, by bank account, in minor units of its currency."""
    fee_most: int = 50
    """The most (in major units; a hundred times that for currencies without decimals) that is believed to be a bank's fee."""
    rates: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    """(payout's currency, bank's currency) to the lowest and highest rate that is believed."""
    begins: dict[str, str] = {}
    """Bank account to the first day that its statements cover; the day of its first line where it is not told."""
    covered: dict[str, str] = {}
    """Bank account to the last day that its statements cover; the day of its last line where it is not told."""
    holes: dict[str, tuple[tuple[str, str], ...]] = {}
    """Bank account to the days (first, last) within its statements that none of them covers."""


ready(Expected, Match, Question, OpenPayout, OpenLine, Outcome, Bounds)  # see core.ready
