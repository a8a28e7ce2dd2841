"""The scorer: how many matches are right, and how much of what can be told is told, for each kind.

A match is right where it is exactly a label's payouts and lines. Several labels in one match are right only where they are all of the same
amount (payouts that nothing tells apart), and all of them is in it. Anything else is wrong, a part of an answer too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from bookhand.core.ready import ready
from bookhand.sandbox.labelled.shapes import Kind, Label, LineKey

Answer = tuple[Sequence[str], Sequence[LineKey]]


class Tally(msgspec.Struct):
    """One kind: labels that have both sides, those of them that can be told, and the answers that touch the kind."""

    labels: int = 0
    decidable: int = 0
    told: int = 0
    """Decidable labels that are in a right answer."""
    bonus: int = 0
    """Labels that the data do not tell, in a right answer all the same."""
    right: int = 0
    wrong: int = 0

    @property
    def precision(self) -> float | None:
        """Right answers among all; None without an answer."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else None

    @property
    def recall(self) -> float | None:
        """Decidable labels that were told; None where there is none."""
        return self.told / self.decidable if self.decidable else None


class Score(msgspec.Struct):
    """The whole, and each kind by itself."""

    kinds: dict[Kind, Tally]
    whole: Tally
    wrong: list[tuple[tuple[str, ...], tuple[LineKey, ...]]]
    """Every wrong answer."""


def score(
    labels: Iterable[Label], answers: Iterable[Answer], *, equal_amounts: dict[str, tuple[str, int]]
) -> Score:
    """Judge `answers` (payout ids and line keys); `equal_amounts` gives each payout's currency and amount."""
    kinds: defaultdict[Kind, Tally] = defaultdict(Tally)
    whole = Tally()
    of_payout: dict[str, int] = {}
    of_line: dict[LineKey, int] = {}
    known = list(labels)
    for index, label in enumerate(known):
        of_payout.update(dict.fromkeys(label.payouts, index))
        of_line.update(dict.fromkeys(label.lines, index))
    told: set[int] = set()
    wrong = []
    for payouts, lines in answers:
        touched = {of_payout[p] for p in payouts} | {of_line[line] for line in lines}
        right = _is_right(known, touched, payouts, lines, equal_amounts)
        for kind in {known[index].kind for index in touched}:
            kinds[kind].right += right
            kinds[kind].wrong += not right
        whole.right += right
        whole.wrong += not right
        if right:
            told |= touched
        else:
            wrong.append((tuple(payouts), tuple(lines)))
    for index, label in enumerate(known):
        if label.payouts and label.lines:
            for tally in (kinds[label.kind], whole):
                tally.labels += 1
                tally.decidable += label.decidable
                tally.told += label.decidable and index in told
                tally.bonus += not label.decidable and index in told
        else:
            kinds[label.kind].labels += 1
    return Score(dict(sorted(kinds.items())), whole, wrong)


def _is_right(
    labels: Sequence[Label],
    touched: set[int],
    payouts: Sequence[str],
    lines: Sequence[LineKey],
    amounts: dict[str, tuple[str, int]],
) -> bool:
    if len(touched) > 1:
        kinds_of_amount = {(amounts[p][0], abs(amounts[p][1])) for p in payouts}
        if len(kinds_of_amount) != 1 or any(len(labels[i].payouts) != 1 for i in touched):
            return False
    all_payouts = [p for index in touched for p in labels[index].payouts]
    all_lines = [line for index in touched for line in labels[index].lines]
    return sorted(all_payouts) == sorted(payouts) and sorted(all_lines) == sorted(lines)


ready(Tally)  # see core.ready
