"""Rate limits in layers: never over, nearly all of it used, by threads and by processes."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.problems import Outage, Refusal
from bookhand.systems import client
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.limits import Layer, ReadQuota, binding, grant, overridden, quota_problem
from bookhand.systems.store import SharedLeaser, count_reads, reads_lately, watch_reads
from bookhand.workspace.store import open_problems

SECOND = 1_000_000


def most_in_any(moments, window=SECOND):
    """The most moments in any half-open window."""
    first = most = 0
    moments = sorted(moments)
    for last, moment in enumerate(moments):
        while moments[first] <= moment - window:
            first += 1
        most = max(most, last - first + 1)
    return most


@given(
    account=st.integers(1, 120),
    endpoints=st.lists(st.integers(1, 60), min_size=1, max_size=5),
    asks=st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 12), st.integers(0, 300_000)), min_size=1, max_size=40
    ),
)
@settings(max_examples=60, deadline=None)
def test_no_window_of_any_layer_is_ever_over_whatever_is_asked_when(account, endpoints, asks):
    state, now, given_ = {}, 0, {}
    for number, want, pause in asks:
        now += pause
        which = number % len(endpoints)
        moments = grant(
            state, [(Layer("account", account), Layer(f"e{which}", endpoints[which]))] * want, now=now
        )
        assert len(moments) == want
        assert moments[0] >= now
        assert all(later > sooner for sooner, later in pairwise(moments))
        given_.setdefault(which, []).extend(moments)
    for which, moments in given_.items():
        assert most_in_any(moments, SECOND + 35_000) <= endpoints[which]
    assert (
        most_in_any([moment for moments in given_.values() for moment in moments], SECOND + 35_000) <= account
    )


@pytest.mark.parametrize(
    ("account", "endpoints"), [(100, [25] * 4), (100, [25] * 8), (25, [25]), (100, [100]), (25, [25, 25, 25])]
)
def test_nearly_all_of_the_rate_is_given(account, endpoints):
    state, given_, due = {}, [], dict.fromkeys(range(len(endpoints)), 0)
    while (now := min(due.values())) < 10 * SECOND:
        which = min(due, key=due.__getitem__)
        moments = grant(
            state, [(Layer("account", account), Layer(f"e{which}", endpoints[which]))] * 5, now=now
        )
        given_ += moments
        due[which] = moments[-1] + 1
    assert len([moment for moment in given_ if moment < 10 * SECOND]) >= 0.95 * 10 * account


def test_an_hourly_layer_of_one_object():
    state, layers = {}, (Layer("account", 100), Layer("pi_1", 3, 3600.0))
    moments = [grant(state, [layers], now=0)[0] for _ in range(7)]
    assert moments[2] < SECOND
    assert most_in_any(moments, 3600 * SECOND) == 3
    assert grant(state, [(Layer("account", 100), Layer("pi_2", 3, 3600.0))], now=0)[0] < SECOND


def test_the_state_stays_small():
    state = {}
    for second in range(200):
        grant(
            state,
            [(Layer("account", 100), Layer(f"pi_{second}", 1000, 3600.0))] * 20,
            now=second * 60 * SECOND,
        )
    assert len(state) <= 65
    assert len(state["account"]) <= 20


def test_overrides_are_checked():
    assert overridden({"account": 100}, {"account": 200, "GET /v1/charges": 50}) == {
        "account": 200,
        "GET /v1/charges": 50,
    }
    for wrong in (0, -1, 2.5, True, "25"):
        with pytest.raises(Refusal, match="whole number"):
            overridden({"account": 100}, {"account": wrong})


def test_the_read_quota_warns_from_four_fifths_on():
    assert quota_problem(ReadQuota(reads=7_999, transactions=3), account="acct_1") is None
    assert (
        "8,000 reads of acct_1 in 30 days, of 10,000"
        in quota_problem(ReadQuota(reads=8_000, transactions=3), account="acct_1").message
    )
    assert quota_problem(ReadQuota(reads=8_000, transactions=1_000), account="acct_1") is None


def _use(gate, layers, threads, seconds, starts):
    """Calls of 50 ms by so many threads; when each started."""
    end = time.monotonic() + seconds

    def work():
        while time.monotonic() < end:
            gate.wait(layers)
            starts.append(time.monotonic())
            time.sleep(0.05)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]


def test_threads_share_a_gate():
    starts = []
    _use(Gate(LocalLeaser()), (Layer("account", 100), Layer("GET /v1/charges", 60)), 8, 2.0, starts)
    assert most_in_any(starts, 1.0) <= 60
    assert len(starts) >= 0.9 * 60 * 2


def test_a_lease_that_fails_is_told_to_all_who_wait_and_the_next_goes_on():
    class Failing(LocalLeaser):
        failures = 1

        def lease(self, wanted, *, reads=0):
            if self.failures:
                self.failures -= 1
                time.sleep(0.2)
                raise Outage("PostgreSQL is away")
            return super().lease(wanted, reads=reads)

    gate, told = Gate(Failing()), []

    def work():
        try:
            gate.wait((Layer("account", 100),))
            told.append("went")
        except Outage as error:
            told.append(str(error))

    threads = [threading.Thread(target=work) for _ in range(5)]
    [thread.start() for thread in threads]
    [thread.join(10) for thread in threads]
    assert len(told) == 5
    assert {"PostgreSQL is away"} <= set(told) <= {"PostgreSQL is away", "went"}
    gate.wait((Layer("account", 100),))


def test_layers_that_allow_no_less_than_the_account_do_not_bind():
    account = Layer("account", 25)
    assert binding((account, Layer("endpoint", 25), Layer("search", 20), Layer("pi_1", 1000, 3600.0))) == (
        account, Layer("search", 20), Layer("pi_1", 1000, 3600.0),
    )  # fmt: skip


class Clock:
    """Stands in for `time` where the gate reads it: a sleep passes at once, and takes exactly as long as it says."""

    def __init__(self) -> None:
        self._now = 1_000_000_000

    def monotonic(self) -> float:
        return self._now / 1e9

    def monotonic_ns(self) -> int:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += max(1, round(seconds * 1e9))


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(client, "time", clock)
    return clock


def test_hold_stops_everyone_for_a_while(clock):
    gate, layers = Gate(LocalLeaser()), (Layer("account", 100),)
    gate.wait(layers)
    gate.hold(0.4)
    before = clock.monotonic()
    gate.wait(layers)
    assert 0.4 <= clock.monotonic() - before < 0.4 + 2 / 100


def test_a_turn_that_was_missed_costs_nothing(clock):
    """Two calls a minute: the first begins so slowly that it misses its moment, and there is one for the second all the same."""
    gate, layers, begun = Gate(LocalLeaser()), (Layer("account", 100), Layer("batch", 2, 60.0)), []

    def slowly():
        begun.append(clock.monotonic())
        clock.sleep(0.3)

    gate.wait(layers, begin=slowly)
    gate.wait(layers)
    assert len(begun) == 1, "it was begun a moment ago"
    assert clock.monotonic() - begun[0] < 1


def test_a_call_that_is_not_begun_uses_no_turn(clock):
    gate, layers = Gate(LocalLeaser()), (Layer("account", 100), Layer("batch", 1, 60.0))

    def never():
        raise Outage("The right was taken back")

    with pytest.raises(Outage, match="taken back"):
        gate.wait(layers, begin=never)
    before = clock.monotonic()
    gate.wait(layers)
    assert clock.monotonic() - before < 1


def test_a_turn_is_given_back_to_every_worker(db, link):
    first, second = SharedLeaser(db, link), SharedLeaser(db, link)
    layers = (Layer("account", 100), Layer("batch", 1, 60.0))
    [unused] = first.lease([layers]).moments
    first.give_back(layers, unused)
    found = second.lease([layers])
    assert found.moments[0] - found.now < 1_000_000
    assert second.lease([layers]).moments[0] >= found.moments[0] + 60_000_000
    first.close(reads=0)
    second.close(reads=0)


def test_a_slow_beginning_is_begun_sooner_the_next_time(clock):
    """Turns two seconds apart, and half a second to begin: the first is missed, and the second is not."""
    gate, layers, begun = Gate(LocalLeaser()), (Layer("account", 1, 2.0),), []

    def slowly():
        begun.append(clock.monotonic())
        clock.sleep(0.5)

    gate.wait(layers)
    gate.wait(layers, begin=slowly)
    assert len(begun) == 2
    assert 0.5 <= clock.monotonic() - begun[1] < 0.5 + 0.25, (
        "begun that long before its turn, and there in time for it"
    )


WORK = """
import threading, time
from bookhand.core.facts import Link
from bookhand.db.engine import Database
from bookhand.core.problems import Outage
from bookhand.systems.client import Gate
from bookhand.systems.limits import Layer
from bookhand.systems.store import SharedLeaser

class Counting(SharedLeaser):
    leases = 0

    def lease(self, wanted, *, reads):
        self.leases += 1
        return super().lease(wanted, reads=reads)

layers = (Layer("account", 100), Layer("GET /v1/charges", 80))
link = Link(workspace_id=1, connection_id=connection_id, system="stripe", account="a", mode="test", api_version="v")
with Database(url) as db:
    leaser = Counting(db, link)
    gate, starts = Gate(leaser), []
    gate.wait(layers)
    ready()
    end = time.monotonic() + seconds

    def work():
        while time.monotonic() < end:
            gate.wait(layers)
            starts.append(time.monotonic())
            time.sleep(0.05)

    threads = [threading.Thread(target=work) for _ in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    leases = leaser.leases
    gate.close()
answer([starts, leases])
"""


def test_two_processes_share_a_limit_through_the_database(db, database_url, link, at_once):
    """The monotonic clock is the machine's, the same in both."""
    (first, first_leases), (second, second_leases) = at_once(
        WORK, url=database_url, connection_id=link.connection_id, seconds=4.0
    )
    together = sorted(first + second)
    calls = len(together)
    assert most_in_any(together, 1.0) <= 80
    busy = [start for start in together if together[0] + 0.5 <= start < together[0] + 3.5]
    assert len(busy) >= 0.85 * 80 * 3
    assert min(len(first), len(second)) >= 0.35 * calls
    assert first_leases + second_leases <= calls / 3
    with db.transaction() as cx:
        assert reads_lately(cx, link) == calls + 2  # each process tried its gate once


def test_a_lease_survives_a_restart_of_its_connection(db, link):
    leaser = SharedLeaser(db, link)
    leaser.lease([(Layer("account", 100),)])
    with db.transaction() as cx:
        cx.execute("reset role")
        cx.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()"
        )
    assert len(leaser.lease([(Layer("account", 100),)] * 3).moments) == 3
    leaser.close(reads=0)


def test_reads_that_come_near_the_allotment_are_a_problem_until_they_are_not(db, link):
    gate = Gate(SharedLeaser(db, link))
    gate.wait((Layer("account", 100),))
    gate.close()
    with db.transaction() as cx:
        assert reads_lately(cx, link) == 1
        assert watch_reads(cx, link, transactions=0) is None
        count_reads(cx, link.workspace_id, link.connection_id, 8_999)
        assert "9,000 reads" in watch_reads(cx, link, transactions=0).message
        assert [found.problem.kind for found in open_problems(cx)] == ["read_quota"]
        assert watch_reads(cx, link, transactions=1_000) is None
        assert open_problems(cx) == []


def test_a_closed_gate_holds_no_connection(db, link):
    gate = Gate(SharedLeaser(db, link))
    gate.wait((Layer("account", 100),))
    count = "select count(*) from pg_stat_activity where datname = current_database()"
    with db.transaction() as cx:
        cx.execute("reset role")
        before = cx.execute(count).fetchone()[0]
        gate.close()
        gone = time.monotonic() + 5
        while (now := cx.execute(count).fetchone()[0]) == before and time.monotonic() < gone:
            cx.execute("select pg_stat_clear_snapshot(), pg_sleep(0.02)")
    assert now == before - 1
