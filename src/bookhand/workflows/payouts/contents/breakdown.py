"""Breakdowns: what a payout is made of, by kind and line by line, and whether that adds up to it. Pure.

The members of a payout and its own balance transaction sum to zero. Parts are in the payout's currency, as Stripe signs them: charges
are positive, what was taken is negative; a charge's fee is in the part ``fees``, and so are Stripe's fees that stand alone.

>>> found = Breakdown(payout="po_1", currency="USD", amount=9680, basis="stripe", told=2, totals=(
...     Total("charge", 1, 10000, 320, 9680), Total(OWN, 1, -9680, 0, -9680)))
>>> found.off_by, [(part.name, part.minor, part.count) for part in found.parts]
(0, [('charges', 10000, 1), ('fees', -320, 1)])
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from bookhand.core.money import EXPONENTS, format_minor

Basis = Literal["stripe", "confirmed", "none"]
PartName = Literal["charges", "refunds", "disputes", "fees", "adjustments", "transfers", "payouts", "other"]
OWN: Final = "own"
"""The kind of the payout's own balance transaction among its totals."""

_PARTS: Final[dict[str, PartName]] = {
    "charge": "charges", "refund": "refunds", "refund_failure": "refunds", "charge_failure": "charges",
    "partial_capture_reversal": "charges", "dispute": "disputes", "dispute_reversal": "disputes", "stripe_fee": "fees",
    "fx_fee": "fees", "network_cost": "fees", "tax_fee": "fees", "transfer": "transfers", "transfer_reversal": "transfers",
    "application_fee": "transfers", "application_fee_refund": "transfers", "connect_collection": "transfers",
    "payout": "payouts", "payout_reversal": "payouts", "topup": "payouts", "topup_reversal": "payouts", "advance": "payouts",
    "advance_funding": "payouts", "risk_reserve": "adjustments", "connect_reserve": "adjustments",
    "network_reserve_hold": "adjustments", "network_reserve_release": "adjustments", "minimum_balance_hold": "adjustments",
    "minimum_balance_release": "adjustments", "obligation": "adjustments", "obligation_reversal": "adjustments",
    "anticipation_repayment": "adjustments", "provisional_credit": "adjustments", "provisional_credit_reversal": "adjustments",
}  # fmt: skip
"""The journal's kind (see `journal/rules.csv`) to the part of a payout; the rest is ``other``."""
WORDS: Final[dict[PartName, str]] = {
    "charges": "Charges", "refunds": "Refunds", "disputes": "Disputes", "fees": "Fees", "adjustments": "Reserves and adjustments",
    "transfers": "Transfers and Connect", "payouts": "Other payouts, returned payouts and top-ups", "other": "Other",
}  # fmt: skip


class Total(msgspec.Struct, frozen=True):
    """What the members of one kind come to: how many, and their amounts, fees and nets in minor units."""

    kind: str
    count: int
    amount: int
    fee: int
    net: int


class Part(msgspec.Struct, frozen=True):
    """One line of a breakdown: `minor` before fees, which have a part of their own."""

    name: PartName
    count: int
    minor: int


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One member: a balance transaction."""

    id: str
    kind: str
    happened_at: int
    source: str | None
    amount: int
    fee: int
    net: int

    @property
    def part(self) -> PartName:
        """The part that its amount is in."""
        return _PARTS.get(self.kind, "other")


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """A payout's members as far as they are known; `told` is how many Stripe (or a person) named, the payout's own among them."""

    payout: str
    currency: str
    amount: int
    basis: Basis
    told: int
    totals: tuple[Total, ...] = ()
    strange: int = 0
    """Members in another currency than the payout's: there should be none."""
    confirmed_by: str | None = None

    @property
    def known(self) -> int:
        """How many of the members are in the journal."""
        return sum(total.count for total in self.totals) + self.strange

    @property
    def complete(self) -> bool:
        """Whether every member that was named is in the journal, the payout's own movement too."""
        return self.basis != "none" and self.known == self.told and any(t.kind == OWN for t in self.totals)

    @property
    def net(self) -> int:
        """What the members come to, without the payout's own movement."""
        return sum(total.net for total in self.totals if total.kind != OWN)

    @property
    def payout_fee(self) -> int:
        """What Stripe took for the payout itself: for an instant one."""
        return sum(total.fee for total in self.totals if total.kind == OWN)

    @property
    def off_by(self) -> int:
        """The members less the payout and its fee: zero where it adds up."""
        return self.net - self.amount - self.payout_fee

    @property
    def adds_up(self) -> bool:
        """Whether all of it is known, and comes to the payout to the cent."""
        return self.complete and self.off_by == 0 and not self.strange and self._own_amount == -self.amount

    @property
    def wrong(self) -> bool:
        """Whether all of it is known, and it does not come to the payout."""
        return self.complete and not self.adds_up

    @property
    def _own_amount(self) -> int:
        return sum(total.amount for total in self.totals if total.kind == OWN)

    @property
    def parts(self) -> tuple[Part, ...]:
        """By part, in the order of `WORDS`; parts without members are left out."""
        sums = dict.fromkeys(WORDS, (0, 0))
        for total in self.totals:
            if total.kind != OWN:
                _add(sums, _PARTS.get(total.kind, "other"), total.count, total.amount)
            if total.fee:
                _add(sums, "fees", total.count, -total.fee)
        return tuple(Part(name, count, minor) for name, (count, minor) in sums.items() if count)

    @property
    def says(self) -> str:
        """Whether it adds up, in a sentence."""
        if self.basis == "none":
            return "Stripe has no list of what is in it: it is a manual or instant payout, or its list is not complete yet."
        if not self.complete:
            return f"{self.told - self.known:,} of the {self.told:,} members are not read yet."
        if self.strange:
            return f"{self.strange:,} of its members are not in {self.currency}."
        if self._own_amount != -self.amount:
            return (
                f"Its own movement is {_amount(self._own_amount, self.currency)}, "
                f"but the payout is {_amount(self.amount, self.currency)}."
            )
        if self.off_by:
            return (
                f"Its {self.told - 1:,} members come to {_amount(self.net, self.currency)}, "
                f"but the payout is {_amount(self.amount + self.payout_fee, self.currency)}: off by {_amount(self.off_by, self.currency)}."
            )
        return f"Its {self.told - 1:,} members add up to the payout, to the cent."


def _add(sums: dict[PartName, tuple[int, int]], name: PartName, count: int, minor: int) -> None:
    before = sums[name]
    sums[name] = before[0] + count, before[1] + minor


def _amount(minor: int, currency: str) -> str:
    return f"{format_minor(minor, currency) if currency in EXPONENTS else minor} {currency}"
