"""Exchange: sales and refunds restated in the currency the customer paid in, with explicit lines, and the gain or loss.

Stripe settles a 100.00 EUR charge as 108.00 USD. The balance transaction's entry credits revenue with the dollars; this one
moves them to ``fx_conversion`` and credits revenue with the euros, each currency balancing by itself. A refund is restated the
same way; what it cost more or less than the charge brought is the gain or loss.

>>> case = ChargeCase(charge="ch_1", currency="EUR", amount=10000, arrivals=(Moved(1, "txn_1", "charge", "USD", 10800),))
>>> [(line.account, line.currency, line.minor) for line in exchange(case)[0].postings]
[('revenue', 'USD', 10800), ('fx_conversion', 'USD', -10800), ('fx_conversion', 'EUR', 10000), ('revenue', 'EUR', -10000)]
"""

from __future__ import annotations

from collections.abc import Iterator

from bookhand.core.entry import Entry
from bookhand.core.money import split_minor
from bookhand.journal.cases import ChargeCase, Moved, Returned, refinement
from bookhand.journal.rules import roles_by_kind

RESTATED = frozenset({"revenue", "refunds", "refunds_payable"})
CONVERSION = "fx_conversion"


def exchange(case: ChargeCase) -> list[Entry]:
    """The exchange entries of a charge; none where it settles in its own currency or came from a transfer."""
    if case.transfer is not None:
        return []
    entries = [entry for moved in case.arrivals for entry in _restated(case, moved, case.charge, case.amount)]
    for back in case.returns:
        entries += _restated(case, back.moved, back.refund, back.amount)
    for arrival in case.arrivals:
        if arrival.kind == "charge" and arrival.currency != case.currency:
            entries += _gains(case, arrival)
    return entries


def _restated(case: ChargeCase, moved: Moved, source: str, presented: int) -> list[Entry]:
    role = roles_by_kind().get(moved.kind, ("", ""))[moved.amount > 0]
    if moved.currency == case.currency or role not in RESTATED:
        return []
    there = presented if moved.amount > 0 else -presented
    return refinement(
        f"{moved.key}:fx",
        at=moved.created,
        kind="exchange",
        why=f"{source} restated from {moved.currency} in {case.currency}",
        lines=[
            (role, moved.currency, moved.amount),
            (CONVERSION, moved.currency, -moved.amount),
            (CONVERSION, case.currency, there),
            (role, case.currency, -there),
        ],
        refs={"balance_transaction": moved.key, "source": source, "charge": case.charge},
    )


def _gains(case: ChargeCase, arrival: Moved) -> list[Entry]:
    back = [one for one in case.given_back() if one.moved.currency == arrival.currency]
    entries = [entry for one, share in _shares(case, arrival, back) for entry in _gain(case, one, share)]
    if case.wholly_returned() and len(back) == len(case.given_back()):
        rest = arrival.amount - sum(share for _, share in _shares(case, arrival, back))
        at = max(one.moved.created for one in back)
        entries += _booked(
            case,
            f"{case.charge}:returned:fx",
            at=at,
            currency=arrival.currency,
            gain=rest,
            what="the last cents of",
        )
    return entries


def _shares(case: ChargeCase, arrival: Moved, back: list[Returned]) -> Iterator[tuple[Returned, int]]:
    """Each return with what the charge had brought for the same part of it."""
    for one in back:
        if 0 < one.amount <= case.amount:
            yield one, split_minor(arrival.amount, [one.amount, case.amount - one.amount])[0]


def _gain(case: ChargeCase, one: Returned, share: int) -> list[Entry]:
    moved = one.moved
    return _booked(
        case,
        f"{moved.key}:fx_gain",
        at=moved.created,
        currency=moved.currency,
        gain=share + moved.amount,
        what=f"{one.refund} of",
        refs={"balance_transaction": moved.key, "refund": one.refund},
    )


def _booked(
    case: ChargeCase,
    key: str,
    *,
    at: int,
    currency: str,
    gain: int,
    what: str,
    refs: dict[str, str] | None = None,
) -> list[Entry]:
    return refinement(
        key,
        at=at,
        kind="exchange_gain" if gain > 0 else "exchange_loss",
        why=f"Exchange {'gain' if gain > 0 else 'loss'} on {what} {case.charge}",
        lines=[(CONVERSION, currency, gain), ("fx_gain_loss", currency, -gain)],
        refs={"charge": case.charge} | (refs or {}),
    )
