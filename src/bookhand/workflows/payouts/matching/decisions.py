"""What has been decided of the payouts and lines of one matching, and what was left to a person; pure.

Whatever is decided or asked is free no more: weaker rules do not see it. A match that is doubted later is taken back, and is in a question then.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS, exponent
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Expected, Match, Question, Rule
from bookhand.workflows.payouts.matching.reading import Reading


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A match, with the numbers of its payouts and lines."""

    match: Match
    payouts: tuple[int, ...]
    lines: tuple[int, ...]


class Decisions:
    """Matches and questions as they are made; payouts and lines go by their numbers in the reading."""

    def __init__(self, reading: Reading) -> None:
        self.payouts, self.lines, self.keys = reading.payouts, reading.lines, reading.keys
        self.free_payouts = bytearray(b"\x01" * len(self.payouts))
        self.free_lines = bytearray(b"\x01" * len(self.lines))
        self.kept_payouts, self.kept_lines = bytearray(len(self.payouts)), bytearray(len(self.lines))
        """Which of them are in a certain match."""
        self.decided: list[Decided] = []
        self.questions: list[Question] = []

    def rate(self, payout: int, line: int) -> Decimal | None:
        """What the bank gave for one unit of a payout's currency: see `rate`."""
        return rate(self.payouts[payout], self.lines[line])

    def pair(self, payout: int, line: int, rule: Rule, reason: str) -> None:
        """Decide one payout and one line of its amount and currency."""
        self.free_payouts[payout] = self.free_lines[line] = 0
        self.kept_payouts[payout] = self.kept_lines[line] = 1
        match = Match(payouts=(self.payouts[payout].id,), lines=(self.keys[line],), rule=rule, reason=reason)
        self.decided.append(Decided(match, (payout,), (line,)))

    def accept(
        self, payouts: Sequence[int], lines: Sequence[int], rule: Rule, reason: str, **more: Any
    ) -> None:
        """Decide it."""
        for payout in payouts:
            self.free_payouts[payout], self.kept_payouts[payout] = 0, 1
        for line in lines:
            self.free_lines[line], self.kept_lines[line] = 0, 1
        self.decided.append(
            Decided(self.match(payouts, lines, rule, reason, **more), tuple(payouts), tuple(lines))
        )

    def match(
        self, payouts: Sequence[int], lines: Sequence[int], rule: Rule, reason: str, **more: Any
    ) -> Match:
        """The match of these, with the rate where it is another currency's."""
        if len(payouts) == 1 == len(lines):
            line = self.lines[lines[0]]
            if line.currency != self.payouts[payouts[0]].currency and line.minor:
                more = {**more, "difference": "fx", "rate": self.rate(payouts[0], lines[0])}
        return Match(
            payouts=tuple([self.payouts[p].id for p in payouts]),
            lines=tuple([self.keys[one] for one in lines]),
            rule=rule,
            reason=reason,
            **more,
        )

    def doubt(self, one: Decided) -> None:
        """Take a match back; what was in it is in a question."""
        for payout in one.payouts:
            self.kept_payouts[payout] = 0
        for line in one.lines:
            self.kept_lines[line] = 0

    def is_kept(self, one: Decided) -> bool:
        """Whether nobody has doubted a match."""
        return bool(self.kept_payouts[one.payouts[0]])

    def ask(
        self,
        cause: Cause,
        payouts: Sequence[int],
        lines: Sequence[int],
        sentence: str,
        candidates: Sequence[Match] = (),
    ) -> None:
        """Leave it to a person."""
        for payout in payouts:
            self.free_payouts[payout] = 0
        for line in lines:
            self.free_lines[line] = 0
        self.questions.append(
            Question(
                cause=cause,
                sentence=sentence,
                payouts=tuple(self.payouts[p].id for p in payouts),
                lines=tuple(self.keys[one] for one in lines),
                candidates=tuple(candidates),
            )
        )

    def candidate(self, payout: int, line: int, reason: str) -> Match:
        """One payout and one line as an answer to a question."""
        one, other = self.payouts[payout], self.lines[line]
        if one.currency == other.currency and one.minor != other.minor:
            return self.match(
                [payout], [line], "person", reason, certain=False, difference="unknown",
                difference_minor=other.minor - one.minor,
            )  # fmt: skip
        return self.match([payout], [line], "person", reason, certain=False)


def rate(payout: Expected, line: StatementLine) -> Decimal | None:
    """Units of the line's currency for one of the payout's, to eight places; None for nothing, and for a currency that is not known."""
    if not payout.minor or not {payout.currency, line.currency} <= EXPONENTS.keys():
        return None
    gave = Decimal(payout.minor).scaleb(-exponent(payout.currency))
    got = Decimal(line.minor).scaleb(-exponent(line.currency))
    return (got / gave).quantize(Decimal("1e-8"))
