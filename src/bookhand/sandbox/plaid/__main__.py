"""``python -m bookhand.sandbox.plaid``: the stand-in Plaid until it is stopped; ``--client-id`` and ``--secret`` are the keys it takes."""

from __future__ import annotations

import argparse

from bookhand.sandbox.outside.server import start
from bookhand.sandbox.plaid.standin import Plaid


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--client-id", default="client")
    parser.add_argument("--secret", default="sandbox")


if __name__ == "__main__":
    start(
        lambda chosen: Plaid(seed=chosen.seed, client_id=chosen.client_id, secret=chosen.secret),
        default_port=12140,
        options=_options,
    )
