"""Stripe's balance, as the journal proves itself against it: what is there and on its way, by currency and balance type.

``connect_reserved`` is left out, because the reserve's own balance transaction took it out of the payments balance, and
``instant_available`` is part of the others.

>>> body = b'{"available": [{"amount": 700, "currency": "usd"}], "pending": [{"amount": -20, "currency": "usd"}], "livemode": false}'
>>> balance_of(body)
{'USD': {'payments': 680}}
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bookhand.core.ready import ready

_BESIDE = ("issuing", "refund_and_dispute_prefunding", "risk_reserved")


class _Amount(msgspec.Struct):
    amount: int
    currency: str


class _Part(msgspec.Struct):
    available: list[_Amount] = []
    pending: list[_Amount] = []


class _Balance(_Part):
    issuing: _Part | None = None
    refund_and_dispute_prefunding: _Part | None = None
    risk_reserved: _Part | None = None


def balance_of(body: bytes) -> Mapping[str, Mapping[str, int]]:
    """The answer of ``GET /v1/balance`` as currency to balance type to minor units; `ValueError` where it is no balance."""
    balance = msgspec.json.decode(body, type=_Balance)
    parts: list[tuple[str, _Part]] = [("payments", balance)]
    parts += [(name, part) for name in _BESIDE if (part := getattr(balance, name)) is not None]
    sums: dict[str, dict[str, int]] = {}
    for name, part in parts:
        for one in (*part.available, *part.pending):
            by_type = sums.setdefault(one.currency.upper(), {})
            by_type[name] = by_type.get(name, 0) + one.amount
    return sums


ready(_Balance)  # see core.ready
