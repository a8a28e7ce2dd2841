"""What is left over when everything certain is matched, as Breaks. Pure.

An open payout is missing at the bank (a negative amount), an open line is more than is explained (a positive one), a question is the
difference between its two sides. What is quiet (on its way, canceled, not Stripe's) is no Break.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.facts import Payout
from bookhand.workflows.payouts.breaks import Break, Cause, LineKey
from bookhand.workflows.payouts.contents.breakdown import Breakdown
from bookhand.workflows.payouts.contents.proposed import Proposed
from bookhand.workflows.payouts.matching import Expected, OpenLine, OpenPayout, Outcome, Question


class Sides(msgspec.Struct, frozen=True):
    """What the outcome is about: payouts by id, lines by key."""

    payouts: Mapping[str, Expected]
    lines: Mapping[LineKey, StatementLine]


def breaks_of(outcome: Outcome, sides: Sides) -> Iterator[Break]:
    """A Break for each question, each payout and each line that is left, unless it is quiet."""
    for question in outcome.questions:
        yield question_break(question, sides)
    for payout in outcome.payouts:
        if not payout.cause.quiet:
            yield _of_payout(payout, sides.payouts[payout.id])
    for line in outcome.lines:
        if not line.cause.quiet:
            yield _of_line(line, sides.lines[line.line])


def question_break(question: Question, sides: Sides) -> Break:
    """The Break that a question is; it has the question's id."""
    payouts = [sides.payouts[id_] for id_ in question.payouts]
    lines = [sides.lines[key] for key in question.lines]
    currency = payouts[0].currency if payouts else lines[0].currency
    minor = sum(line.minor for line in lines if line.currency == currency) - sum(
        each.minor for each in payouts
    )
    since = min([*(each.arrival_day for each in payouts), *(line.day for line in lines)])
    return Break(
        cause=question.cause, currency=currency, minor=minor, since=since, payouts=question.payouts, lines=question.lines,
        note=question.sentence,
    )  # fmt: skip


def held_break(payout: Expected, note: str) -> Break:
    """A payout whose match a person took apart: it waits for a person's."""
    return Break(
        cause=Cause.UNKNOWN, currency=payout.currency, minor=-payout.minor, since=payout.arrival_day, payouts=(payout.id,), note=note
    )  # fmt: skip


def wrong_break(payout: Expected, found: Breakdown) -> Break:
    """A payout whose members do not come to it: the amount is by how much."""
    minor = found.off_by or -found.amount
    return Break(
        cause=Cause.BREAKDOWN, currency=found.currency, minor=minor, since=payout.created_day, payouts=(payout.id,), note=found.says
    )  # fmt: skip


def manual_break(payout: Payout, day: str, made: Proposed) -> Break:
    """A manual payout whose members a person has to say."""
    return Break(
        cause=Cause.MANUAL_PAYOUT, currency=payout.currency, minor=payout.amount, since=day, payouts=(payout.id,), note=made.says
    )  # fmt: skip


def _of_payout(left: OpenPayout, payout: Expected) -> Break:
    return Break(
        cause=left.cause, currency=payout.currency, minor=-payout.minor, since=payout.arrival_day, payouts=(left.id,), note=left.note
    )  # fmt: skip


def _of_line(left: OpenLine, line: StatementLine) -> Break:
    return Break(
        cause=left.cause,
        currency=line.currency,
        minor=line.minor,
        since=line.day,
        lines=(left.line,),
        note=left.note,
    )
