"""Payouts that nothing tells apart, as far as some lines go: what one of them may be is looked up once for all of them; pure.

A shop may pay out the same amount hundreds of times a day. What is asked of such a payout and a line (its account and day, words against it) goes
by what the payout says of itself and never by its number, unless a line names it.
"""

from __future__ import annotations

from collections.abc import Iterable

from bookhand.workflows.payouts.matching import line_text
from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.line_text import plain, sound


class Kin:
    """Payouts by what they say of themselves, as far as any of some lines takes it up."""

    def __init__(self, known: Evidence, lines: Iterable[int]) -> None:
        self._known = known
        self._first: dict[object, int] = {}
        self._named: set[int] = set()
        self._shown: set[str] = set()
        written: set[str] = set()
        for line in lines:
            self._named.update(known.named.get(line, ()))
            if known.shows_any(line):
                self._shown.update(known.descriptors(line))
            if known.is_doubtful(line) and (found := line_text.other_business(known.text(line))) is not None:
                written.add(found)
        self._written = [(each, plain(each)) for each in sorted(written)]
        """Words of other business, or ids of payouts."""

    def first(self, payout: int) -> int:
        """The first that was asked about of the payouts that nothing tells apart from this one."""
        one = self._known.payouts[payout]
        descriptor, id_ = sound(one.descriptor), plain(one.id) if self._written else ""
        words = descriptor.split() if self._written else []
        alike = (
            one.currency, one.minor, one.arrival_day, one.created_day, one.failed_day, one.original is None, one.account, one.last4,
            one.connection, one.trace_id and line_text.shape(one.trace_id), descriptor if descriptor in self._shown else None,
            payout if payout in self._named else None, tuple([id_.startswith(an_id) or word in words for word, an_id in self._written]),
        )  # fmt: skip
        return self._first.setdefault(alike, payout)
