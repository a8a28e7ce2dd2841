"""Start the stand-in QuickBooks: ``python -m bookhand.sandbox.quickbooks --port 12120``; it begins afresh each time.

``--lantern`` adds the seeded company's two, ``--unlimited`` counts no calls.
"""

from __future__ import annotations

import argparse

from bookhand.sandbox.outside.server import start
from bookhand.sandbox.outside.standin import StandIn
from bookhand.sandbox.quickbooks import lantern
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.standin import QuickBooks


def _shown(stand_in: StandIn) -> str:
    if not isinstance(stand_in, QuickBooks):
        return ""
    companies = "".join(f"  company {each.realm}  {each.name}\n" for each in stand_in.companies.values())
    return f"  client id {stand_in.app.client_id}\n  client secret {stand_in.app.client_secret}\n{companies}"


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--lantern", action="store_true", help="the seeded company's books beside the others")
    parser.add_argument("--unlimited", action="store_true", help="count no calls")


def _make(chosen: argparse.Namespace) -> StandIn:
    made = QuickBooks(seed=chosen.seed, rates=Rates(enabled=not chosen.unlimited))
    if chosen.lantern:
        made.companies |= lantern.companies(made.clock)
    return made


if __name__ == "__main__":
    start(_make, default_port=12120, options=_options, shown=_shown)
