"""Start the stand-in NetSuite: `python -m bookhand.sandbox.netsuite --port 12130`."""

from __future__ import annotations

import argparse

from bookhand.sandbox.netsuite.company import lantern
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.sandbox.outside.server import start
from bookhand.sandbox.outside.standin import StandIn


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--latency", type=float, default=0, help="milliseconds each answer is held up")
    parser.add_argument("--at-once", type=int, default=5, help="requests that an account may have under way")
    parser.add_argument(
        "--lantern", action="store_true", help="the seeded company's account beside the others"
    )


def _make(chosen: argparse.Namespace) -> StandIn:
    made = NetSuite(seed=chosen.seed, more=(lantern(),) if chosen.lantern else ())
    made.latency_seconds = chosen.latency / 1000
    for account in made.accounts.values():
        account.most_at_once = chosen.at_once
    return made


def _shown(stand_in: StandIn) -> str:
    accounts: dict[str, dict[str, str]] = stand_in.told()["accounts"]
    return "".join(
        f"  account {each['realm']}  client id {each['client_id']}\n" for each in accounts.values()
    )


if __name__ == "__main__":
    start(_make, default_port=12130, options=_options, shown=_shown)
