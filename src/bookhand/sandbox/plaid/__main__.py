"""``python -m bookhand.sandbox.plaid``: the stand-in Plaid until it is stopped."""

from __future__ import annotations

from bookhand.sandbox.outside.server import start
from bookhand.sandbox.plaid.standin import Plaid

if __name__ == "__main__":
    start(lambda chosen: Plaid(seed=chosen.seed), default_port=12140)
