"""Requests at once: never more than allowed, over threads, workers and a worker's death; and none is left unused."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bookhand.db.engine import Database
from bookhand.systems.netsuite.session.slots_store import Slots


class Inside:
    """How many are inside at this moment, and how many there were at most."""

    def __init__(self) -> None:
        self.now = self.most = self.done = 0
        self._lock = threading.Lock()

    def be(self, slots: Slots, seconds: float) -> None:
        with slots.hold():
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(seconds)
            with self._lock:
                self.now -= 1
                self.done += 1


@pytest.mark.parametrize("workers", [1, 2])
def test_never_more_than_allowed_and_nearly_always_as_many(db: Database, workers: int) -> None:
    """Two `Slots` are two workers: each holds its locks by a database connection of its own."""
    slots = [Slots(db, "1/1234567", count=3) for _ in range(workers)]
    inside = Inside()
    began = time.monotonic()
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda number: inside.be(slots[number % workers], 0.02), range(90)))
    took = time.monotonic() - began
    assert (inside.most, inside.done) == (3, 90)
    assert took < 90 / 3 * 0.02 * 3
    for each in slots:
        each.close()


def test_what_a_dead_worker_held_is_free(db: Database) -> None:
    dead, alive = Slots(db, "1/7", count=1), Slots(db, "1/7", count=1)
    held = dead.hold()
    held.__enter__()
    got = threading.Event()
    thread = threading.Thread(target=lambda: (alive.hold().__enter__(), got.set()), daemon=True)
    thread.start()
    assert not got.wait(0.2)
    dead.close()
    assert got.wait(5)
    alive.close()


def test_a_slot_that_nobody_waits_for_any_more_is_given_back(db: Database) -> None:
    busy, other = Slots(db, "1/8", count=2), Slots(db, "1/8", count=2)
    inside = Inside()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _: inside.be(busy, 0.01), range(12)))
    began = time.monotonic()
    with other.hold(), other.hold():
        assert time.monotonic() - began < 1
    busy.close()
    other.close()


def test_accounts_do_not_wait_for_each_other(db: Database) -> None:
    one, two = Slots(db, "1/9", count=1), Slots(db, "1/10", count=1)
    with one.hold(), two.hold():
        pass
    one.close()
    two.close()


def test_after_its_connection_was_cut_it_goes_on(db: Database) -> None:
    slots = Slots(db, "1/11", count=1)
    with slots.hold(), db.connect(autocommit=True) as cx:
        cx.execute("reset role")
        cx.execute(_CUT)
    with slots.hold():
        pass
    slots.close()


_CUT = """
select pg_terminate_backend(pid) from pg_locks
where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database()) and pid <> pg_backend_pid()
"""
