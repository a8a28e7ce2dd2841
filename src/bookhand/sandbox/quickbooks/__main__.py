"""Start the stand-in QuickBooks: ``python -m bookhand.sandbox.quickbooks --port 12120``; it begins afresh each time."""

from __future__ import annotations

from bookhand.sandbox.outside.server import start
from bookhand.sandbox.outside.standin import StandIn
from bookhand.sandbox.quickbooks.standin import QuickBooks


def _shown(stand_in: StandIn) -> str:
    if not isinstance(stand_in, QuickBooks):
        return ""
    companies = "".join(f"  company {each.realm}  {each.name}\n" for each in stand_in.companies.values())
    return f"  client id {stand_in.app.client_id}\n  client secret {stand_in.app.client_secret}\n{companies}"


if __name__ == "__main__":
    start(lambda chosen: QuickBooks(seed=chosen.seed), default_port=12120, shown=_shown)
