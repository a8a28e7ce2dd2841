"""Start the stand-in Stripe: `python -m bookhand.sandbox.stripe --port 12111`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import uvicorn

from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import App


def main() -> None:
    """Serve until stopped."""
    options = argparse.ArgumentParser(prog="pinstripe", description="A stand-in Stripe.")
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=12111)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--db", type=Path, default=None, help="SQLite file; a private one without it")
    chosen = options.parse_args()
    engine = Pinstripe(chosen.db, seed=chosen.seed)
    engine.account()
    sys.stdout.write(f"Pinstripe on http://{chosen.host}:{chosen.port} with {engine.keys().test}\n")
    uvicorn.run(App(engine), host=chosen.host, port=chosen.port, log_level="warning")


if __name__ == "__main__":
    main()
