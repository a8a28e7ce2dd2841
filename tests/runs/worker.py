"""A worker as a process of its own: ``python worker.py URL NAME TTL``; says ``ready EXECUTOR``, and ends when stdin does."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from plays import plays

from bookhand import logs
from bookhand.db.engine import Database
from bookhand.runs.workflow import Engine


def main() -> None:
    url, name, ttl = sys.argv[1:]
    logs.setup(level="error")
    with Database(url) as db:
        engine = Engine(db, plays(db, name), ttl_seconds=float(ttl), sweep_seconds=0.3)
        engine.launch(work=True)
        sys.stdout.write(f"ready {engine.executor_id}\n")
        sys.stdout.flush()
        sys.stdin.read()
        engine.close(seconds=5)


if __name__ == "__main__":
    main()
