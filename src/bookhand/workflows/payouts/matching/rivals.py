"""Which lines could be meant by what a payout needs, and which of them are that: the wide window, and the narrow one; pure."""

from __future__ import annotations

from typing import Final

from bookhand.workflows.payouts.matching.evidence import Evidence
from bookhand.workflows.payouts.matching.kin import Kin
from bookhand.workflows.payouts.matching.pieces import Kind, Leg

_FEW: Final = 4


class Rivals:
    """The lines of a world that could be meant; payouts that nothing tells apart reach the same ones, which are looked for once."""

    def __init__(self, known: Evidence, lines: list[int], *, payouts: int) -> None:
        self.known, self.lines = known, lines
        self._kin = Kin(known, lines) if payouts > _FEW else None
        self._in_order = known.in_order(lines)
        self._reached: dict[Kind, frozenset[int]] = {}
        self._narrow: dict[Kind, frozenset[int]] = {}

    def leg(self, payout: int, *, back: bool) -> Leg:
        """What a payout needs; of few payouts, looking for those that are alike costs more than it saves."""
        return Leg(payout, back, payout if self._kin is None else self._kin.first(payout))

    def reached(self, leg: Leg) -> frozenset[int]:
        """The lines that could be meant at all."""
        found = self._reached.get(leg.kind)
        if found is None:
            found = self._reached[leg.kind] = frozenset(
                [
                    line
                    for line in self.known.near(leg.payout, self._in_order)
                    if reaches(self.known, leg, line)
                ]
            )
        return found

    def narrow(self, leg: Leg) -> frozenset[int]:
        """Those of them that are what the leg needs, were there no rival."""
        found = self._narrow.get(leg.kind)
        if found is None:
            found = self._narrow[leg.kind] = frozenset(
                [line for line in self.reached(leg) if is_narrow(self.known, leg, line)]
            )
        return found


def legs_of(known: Evidence, payout: int, rivals: Rivals) -> list[Leg]:
    """A failed payout has legs only where something could be its return, for most never arrive at all."""
    there, back = rivals.leg(payout, back=False), rivals.leg(payout, back=True)
    if known.payouts[payout].status != "failed":
        return [there]
    return [there, back] if rivals.reached(there) and rivals.narrow(back) else []


def reaches(known: Evidence, leg: Leg, line: int) -> bool:
    """Whether the line could be meant at all: the right sign and account, and a day in the wide window."""
    payout, back = leg.payout, leg.back
    one, bounds = known.payouts[payout], known.bounds
    if (known.sent(line) > 0) != ((one.minor > 0) is not back) or not known.fits(payout, line):
        return False
    names = known.named.get(line)
    if not ((payout in names) if names is not None else (back or known.is_rival(line))):
        return False
    most = bounds.rival_days + (bounds.return_days if back else 0)
    return known.within(payout, line, most, bounds.early_days + 1) and (back or known.arrives(payout, line))


def is_narrow(known: Evidence, leg: Leg, line: int) -> bool:
    """Whether a line that is reached is what the leg needs, were there no rival: in the narrow window, looking so, with nothing against it."""
    lag, bounds = known.lag(leg.payout, line), known.bounds
    if not leg.back:
        if not -bounds.early_days <= lag <= bounds.late_days:
            return False
        marked = known.looks_like_stripe(line) or line in known.named
    else:
        failed = known.failed_after(leg.payout)
        if lag < 0 or not (
            lag <= bounds.return_days
            if failed is None
            else abs(lag - failed) <= bounds.late_days + bounds.early_days
        ):
            return False
        marked = known.looks_like_return(line)
    return marked and not known.contradicts(leg.payout, line)
