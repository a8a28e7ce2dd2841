"""What the pages of the books need of the house, handed in where the site is made: ``site.rooms["books"]``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from bookhand.core.problems import Refusal
from bookhand.journal.chart import Chart, default_chart
from bookhand.journal.proof import Gap, Proof
from bookhand.web.page.site import Site
from bookhand.web.page.wording import plain

ROOM = "books"


def _nobody(_number: int) -> Refusal:
    return Refusal(plain("books.no_hands"))


def _no_proof(number: int) -> Sequence[Proof]:
    raise _nobody(number)


def _no_gaps(number: int) -> Mapping[str, Gap]:
    raise _nobody(number)


class Hands(msgspec.Struct, frozen=True, kw_only=True):
    """`chart` names accounts; `prove` compares a connection (by its number) with Stripe now.

    `gaps` lists what is behind a difference, by currency. Both raise `Outage` and `Refusal` as a client does.
    """

    chart: Callable[[], Chart] = default_chart
    prove: Callable[[int], Sequence[Proof]] = _no_proof
    gaps: Callable[[int], Mapping[str, Gap]] = _no_gaps


def hands(site: Site) -> Hands:
    """Those of this process."""
    found = site.rooms.get(ROOM)
    return found if isinstance(found, Hands) else Hands()
