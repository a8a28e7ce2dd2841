"""Proofs: for each currency, what the journal has in clearing against what Stripe says it holds, to the cent.

    clearing (all balance types) = Stripe's balance, and unmatched is the part of it that is in no payout yet

>>> ours = {"USD": Standing(clearing={"payments": 900}, linked=0, suspense=0)}
>>> [proof] = prove(A_LINK, ours, {"USD": {"payments": 905}}, as_of=1767225600)
>>> proof.off_by, proof.reason
(-5, 'The journal has 0.05 USD less than Stripe in payments.')
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from bookhand.core.facts import Link
from bookhand.core.money import EXPONENTS, as_text

Balances = Mapping[str, Mapping[str, int]]
"""Currency to balance type to minor units."""

A_LINK = Link(workspace_id=1, connection_id=1, system="stripe", account="acct_1", mode="test", api_version="")
_NAMED = 5


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where the journal stands in one currency: clearing by balance type, the net of what is in payouts, and suspense."""

    clearing: dict[str, int]
    linked: int
    suspense: int
    waiting: int = 0
    """How many balance transactions wait for a person because their period is closed."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the proof table; minor units. `off_by` is clearing less Stripe's balance, None where that is not known."""

    link: Link
    currency: str
    clearing: int
    stripe_balance: int | None
    off_by: int | None
    unmatched: int
    suspense: int
    as_of: int
    reason: str

    @property
    def holds(self) -> bool:
        """Whether it was compared and is off by nothing."""
        return self.off_by == 0


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Balance transactions behind a difference: (id, net) that only Stripe has, only the journal has, or that differ."""

    only_stripe: list[tuple[str, int]]
    only_journal: list[tuple[str, int]]
    differing: list[tuple[str, int]]

    def sentence(self, currency: str) -> str:
        """The gap in words, a few of its balance transactions by name."""
        parts = [
            _named("Stripe has", self.only_stripe, currency, "which the journal has not"),
            _named("The journal has", self.only_journal, currency, "which Stripe does not list"),
            _named("Stripe says", self.differing, currency, "and the journal says otherwise"),
        ]
        return " ".join(part for part in parts if part) or "No single balance transaction differs."


def prove(link: Link, ours: Mapping[str, Standing], stripes: Balances | None, *, as_of: int) -> list[Proof]:
    """A proof for every currency that either side has; `stripes` is None where it could not be compared."""
    currencies = sorted(set(ours) | {one for one, parts in (stripes or {}).items() if any(parts.values())})
    return [_proof(link, currency, ours.get(currency), stripes, as_of) for currency in currencies]


def _proof(link: Link, currency: str, ours: Standing | None, stripes: Balances | None, as_of: int) -> Proof:
    ours = ours or Standing(clearing={}, linked=0, suspense=0)
    clearing = sum(ours.clearing.values())
    theirs = None if stripes is None else stripes.get(currency, {})
    balance = None if theirs is None else sum(theirs.values())
    return Proof(
        link=link,
        currency=currency,
        clearing=clearing,
        stripe_balance=balance,
        off_by=None if balance is None else clearing - balance,
        unmatched=clearing - ours.linked,
        suspense=ours.suspense,
        as_of=as_of,
        reason=_reason(currency, ours, theirs),
    )


def _reason(currency: str, ours: Standing, theirs: Mapping[str, int] | None) -> str:
    sentences = []
    if theirs is None:
        sentences.append(
            "Stripe's balance moved while it was read; it is compared again with the next batch."
        )
    else:
        for name in sorted(set(theirs) | set(ours.clearing)):
            off = ours.clearing.get(name, 0) - theirs.get(name, 0)
            if off:
                more = "more" if off > 0 else "less"
                sentences.append(
                    f"The journal has {as_text(abs(off), currency)} {more} than Stripe in {name}."
                )
    if ours.waiting:
        sentences.append(f"{ours.waiting} balance transactions wait for a person: their period is closed.")
    if ours.suspense:
        sentences.append(f"{as_text(ours.suspense, currency)} is in suspense: look at the open Problems.")
    if currency not in EXPONENTS:
        sentences.append(f"Nobody knows the decimals of {currency}: amounts are in minor units.")
    return " ".join(sentences)


def _named(lead: str, found: Sequence[tuple[str, int]], currency: str, tail: str) -> str:
    if not found:
        return ""
    names = ", ".join(f"{id_} ({as_text(net, currency)})" for id_, net in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{lead} {names}{more}, {tail}."
