"""One piece of bookhand's work as a process of its own, so that its memory and its time are its alone.

    python -m bench.task bring '{"lists": ["charges"]}'     only the listing
    python -m bench.task backfill '{}'                      all of it: listed, journaled, checked, proven
    python -m bench.task check '{}'                         full replay and comparison
    python -m bench.task mirror '{}'                        the Beancount book

Settings come from the environment, as bookhand's do. Prints one line of JSON: seconds, how many, and the peak of resident memory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from bench.list_server import BEGAN, YEAR
from bench.programs import peak_megabytes
from bookhand import logs, settings, wiring
from bookhand.inbox.backfill_workflow import Backfill

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.systems.connection import Connection

Told = dict[str, Any]


def bring(house: House, connection: Connection, *, lists: list[str]) -> Told:
    """Stored and nothing else: what is brought waits in the queue."""
    work = Backfill(
        house.db, connection.link, house.reader(connection), readers=None, tie_out=list, clock=time.time
    )
    began = time.perf_counter()
    done = work.bring(since=BEGAN, until=BEGAN + YEAR, lists=lists)
    return {"seconds": time.perf_counter() - began, "objects": done.seen, "phase": done.phase}


def backfill(house: House, connection: Connection) -> Told:
    """As `bookhand backfill` does it, up to its verdict."""
    began = time.perf_counter()
    done = house.backfill(connection, since=BEGAN, until=BEGAN + YEAR)
    return {
        "seconds": time.perf_counter() - began,
        "objects": done.seen,
        "phase": done.phase,
        "verdict": done.verdict,
    }


def check(house: House, connection: Connection) -> Told:
    began = time.perf_counter()
    report = house.check(connection)
    return {
        "seconds": time.perf_counter() - began,
        "objects": report.entries,
        "holds": report.holds,
        "verdict": report.sentences,
    }


def mirror(house: House, _connection: Connection) -> Told:
    """Rows are the lines of Beancount that are written: headers, postings, metadata."""
    began = time.perf_counter()
    house.mirror()
    took = time.perf_counter() - began
    folder = house.settings.books_dir
    rows = size = entries = 0
    for path in folder.rglob("*.beancount"):
        with path.open("rb") as file:
            for line in file:
                rows += bool(line.strip())
                entries += line[:2] == b"20" and b' * "' in line
                size += len(line)
    return {"seconds": took, "objects": rows, "entries": entries, "megabytes": size / 1e6}


TASKS = {"bring": bring, "backfill": backfill, "check": check, "mirror": mirror}


def main() -> None:
    name, words = sys.argv[1], json.loads(sys.argv[2])
    read = settings.read()
    logs.setup(style=read.log_format, level=read.log_level)
    with wiring.open_house(read, main_mode="test") as house:
        told = TASKS[name](house, house.named(None), **words)
    print(json.dumps({**told, "peak_mb": peak_megabytes(os.getpid()), "processor": time.process_time()}))


if __name__ == "__main__":
    main()
