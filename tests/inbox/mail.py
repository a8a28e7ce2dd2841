"""Mail for the inbox's tests: Stripe's shapes, as small as they may be."""

from __future__ import annotations

from typing import Any

import msgspec

VERSION = "2026-10-28.endive"
encode = msgspec.json.encode


def transaction(number: int, *, created: int = 1_790_000_000, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"txn_{number:06d}", "object": "balance_transaction", "amount": 1000, "fee": 59, "net": 941, "currency": "usd",
        "available_on": created + 172800, "created": created, "type": "charge", "reporting_category": "charge",
        "balance_type": "payments", "status": "pending", "source": f"ch_{number:06d}",
        "fee_details": [{"amount": 59, "currency": "usd", "type": "stripe_fee", "description": None, "application": None}],
        "description": None, "exchange_rate": None, **fields,
    }  # fmt: skip


def charge(number: int, *, created: int = 1_790_000_000, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"ch_{number:06d}", "object": "charge", "amount": 1000, "created": created, "currency": "usd", "livemode": False,
        "balance_transaction": f"txn_{number:06d}", "customer": None, "payment_intent": None, "description": None, **fields,
    }  # fmt: skip


def payout(number: int, *, created: int = 1_790_000_000, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"po_{number:06d}", "object": "payout", "amount": 941, "created": created, "currency": "usd", "livemode": False,
        "status": "paid", "automatic": True, "method": "standard", "arrival_date": created + 172800,
        "reconciliation_status": "completed", "balance_transaction": f"txn_9{number:05d}", **fields,
    }  # fmt: skip


def customer(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": f"cus_{number:06d}",
        "object": "customer",
        "created": 1_790_000_000,
        "livemode": False,
        **fields,
    }


def event(
    number: int,
    kind: str,
    obj: dict[str, Any],
    *,
    created: int = 1_790_000_000,
    version: str = VERSION,
    **fields: Any,
) -> bytes:
    return encode(
        {
            "id": f"evt_{number:06d}", "object": "event", "type": kind, "created": created, "livemode": False,
            "api_version": version, "data": {"object": obj}, "pending_webhooks": 1, **fields,
        }
    )  # fmt: skip


def thin(number: int, kind: str, name: str, object_id: str, url: str) -> bytes:
    return encode(
        {
            "id": f"evt_{number:06d}", "object": "v2.core.event", "type": kind, "created": "2026-11-01T10:00:00.000Z",
            "livemode": False, "related_object": {"id": object_id, "type": name, "url": url},
        }
    )  # fmt: skip
