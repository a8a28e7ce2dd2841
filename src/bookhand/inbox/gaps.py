"""The gap scan: what Stripe's event list holds that no webhook brought. Pure.

Missing events are put into the inbox as they are found; this says how many there were, and whether that is a worry.

>>> sentence(GapScan(listed=120, missing=3, before_connected=False))
"Of 120 events that Stripe keeps (30 days), 3 had not arrived and were fetched: see the endpoint's deliveries in Stripe's dashboard."
"""

from __future__ import annotations

import msgspec

from bookhand.inbox.lists import EVENTS_KEPT_DAYS


class GapScan(msgspec.Struct, frozen=True, kw_only=True):
    """How many events were listed and how many of them were new to us; on the first scan, all are."""

    listed: int
    missing: int
    before_connected: bool


def sentence(scan: GapScan) -> str:
    """What a person should know of a gap scan."""
    kept = f"Of {scan.listed} events that Stripe keeps ({EVENTS_KEPT_DAYS} days), "
    if scan.missing == 0:
        return f"{kept}every one had arrived."
    if scan.before_connected:
        return f"{kept}{scan.missing} were from before this account was connected, and were fetched."
    return f"{kept}{scan.missing} had not arrived and were fetched: see the endpoint's deliveries in Stripe's dashboard."
