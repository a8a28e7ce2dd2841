"""What has been decided of the payouts and lines of one matching, and what was left to a person; pure.

Whatever is decided or asked is free no more: weaker rules do not see it. A match that is doubted later is taken back, and is in a question then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import compress
from typing import Any, NamedTuple

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS, exponent
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matching import Expected, Match, Question, Rule, reasons
from bookhand.workflows.payouts.matching.reading import Reading

_MOST_RATE_PLACES = 12
"""No bank exchanges at a trillion for one: an amount is damaged, or a currency is another's."""


class Decided(msgspec.Struct, frozen=True, gc=False):
    """A match, with the numbers of its payouts and lines."""

    match: Match
    payouts: tuple[int, ...]
    lines: tuple[int, ...]


class Members(NamedTuple):
    """The payout and the line of a pair whose match is not written yet, as a `Decided` has them."""

    payouts: tuple[int, ...]
    lines: tuple[int, ...]


Some = Decided | Members


class Decisions:
    """Matches and questions as they are made; payouts and lines go by their numbers in the reading."""

    def __init__(self, reading: Reading) -> None:
        self.payouts, self.lines, self.keys = reading.payouts, reading.lines, reading.keys
        self.places, self.line_places = reading.places, reading.line_places
        self.as_given = reading.as_given
        self.free_payouts = bytearray(b"\x01" * len(self.payouts))
        self.free_lines = bytearray(b"\x01" * len(self.lines))
        self.kept_payouts, self.kept_lines = bytearray(len(self.payouts)), bytearray(len(self.lines))
        """Which of them are in a certain match."""
        self.made: list[int | Decided] = []
        """What was decided: a match, or the payout of a pair, whose match is written when it is asked for. What is doubted later stays here."""
        self.line_of = [-1] * len(self.payouts)
        """Payout to its line, where they are a pair."""
        self.rule_of: list[Rule] = ["amount"] * len(self.payouts)
        self.questions: list[Question] = []

    def rate(self, payout: int, line: int) -> Decimal | None:
        """What the bank gave for one unit of a payout's currency: see `rate`."""
        return rate(self.payouts[payout], self.lines[line])

    @property
    def decided(self) -> list[Decided]:
        """What was decided, each with its match."""
        return [self.whole(each) for each in self.made if self.is_kept(each)]

    def whole(self, one: int | Decided) -> Decided:
        """One of what was `made`, with its match."""
        if isinstance(one, Decided):
            return one
        return Decided(self._match_of_pair(one, self.line_of[one]), (one,), (self.line_of[one],))

    def members(self, one: int | Decided) -> Some:
        """The payouts and lines of one of what was `made`."""
        return one if isinstance(one, Decided) else Members((one,), (self.line_of[one],))

    def matches(self) -> Iterator[Match]:
        """The matches that nobody doubted, in the order of their payouts."""
        found: list[Match | None] = [None] * len(self.payouts)
        payouts, keys, line_of, rule_of = self.payouts, self.keys, self.line_of, self.rule_of
        places, line_places, of_pair = self.places, self.line_places, reasons.of_pair
        for payout in compress(self.as_given, map(self.kept_payouts.__getitem__, self.as_given)):
            line = line_of[payout]  # where the next payout lies beside this one in memory
            if line >= 0:
                one, key, rule = payouts[payout], keys[line], rule_of[payout]
                reason = of_pair(rule, one, key[1], line_places[line] - places[payout])
                found[payout] = Match(payouts=(one.id,), lines=(key,), rule=rule, reason=reason)
        for each in self.made:
            if isinstance(each, Decided) and self.is_kept(each):
                found[each.payouts[0]] = each.match
        return filter(None, found)

    def _match_of_pair(self, payout: int, line: int) -> Match:
        one, key, rule = self.payouts[payout], self.keys[line], self.rule_of[payout]
        reason = reasons.of_pair(rule, one, key[1], self.line_places[line] - self.places[payout])
        return Match(payouts=(one.id,), lines=(key,), rule=rule, reason=reason)

    def pair(self, payout: int, line: int, rule: Rule) -> None:
        """Decide one payout and one line of its amount and currency."""
        self.free_payouts[payout] = self.free_lines[line] = 0
        self.kept_payouts[payout] = self.kept_lines[line] = 1
        self.line_of[payout], self.rule_of[payout] = line, rule
        self.made.append(payout)

    def accept(
        self, payouts: Sequence[int], lines: Sequence[int], rule: Rule, reason: str, **more: Any
    ) -> None:
        """Decide it."""
        for payout in payouts:
            self.free_payouts[payout], self.kept_payouts[payout] = 0, 1
        for line in lines:
            self.free_lines[line], self.kept_lines[line] = 0, 1
        self.made.append(
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

    def doubt(self, one: Some) -> None:
        """Take a match back; what was in it is in a question."""
        for payout in one.payouts:
            self.kept_payouts[payout] = 0
        for line in one.lines:
            self.kept_lines[line] = 0

    def is_kept(self, one: int | Decided) -> bool:
        """Whether nobody has doubted a match."""
        return bool(self.kept_payouts[one if isinstance(one, int) else one.payouts[0]])

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
    """Units of the line's currency for one of the payout's, to eight places; None for nothing, a currency that is not known, and beyond all rates."""
    if not payout.minor or not {payout.currency, line.currency} <= EXPONENTS.keys():
        return None
    gave = Decimal(payout.minor).scaleb(-exponent(payout.currency))
    got = Decimal(line.minor).scaleb(-exponent(line.currency))
    found = got / gave
    return None if found.adjusted() > _MOST_RATE_PLACES else found.quantize(Decimal("1e-8"))
