"""A schedule fires once for each moment, whoever works; what was missed is made up once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.runs.plays import OWNER, reach, until

from bookhand.core.caller import Caller, capabilities
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.runs import schedule_store, store
from bookhand.runs.schedule import next_moment
from bookhand.runs.workflow import Engine


def test_moments_are_of_the_timezone_and_survive_its_clock_changes() -> None:
    after = datetime(2026, 3, 28, 12, tzinfo=UTC)  # Berlin's clocks go forward on the 29th
    moments = []
    for _ in range(3):
        after = next_moment("30 9 * * *", "Europe/Berlin", after=after)
        moments.append(after.strftime("%m-%d %H:%M"))
    assert moments == ["03-29 07:30", "03-30 07:30", "03-31 07:30"]


@pytest.mark.parametrize(
    ("cron", "zone", "says"), [("every day", "UTC", "five fields"), ("0 9 * * *", "Mars", "timezone")]
)
def test_what_is_no_schedule_is_refused(theatre: Database, cron: str, zone: str, says: str) -> None:
    with pytest.raises(Refusal, match=says), theatre.transaction() as cx:
        schedule_store.keep(cx, OWNER, name="x", template="ask", cron=cron, timezone=zone)


def keep(db: Database, *, missed: str) -> None:
    with db.transaction() as cx:
        schedule_store.keep(
            cx, OWNER, name="daily", template="ask", cron="0 9 * * *", timezone="UTC", inputs={"amount": 3}
        )
        cx.execute("update schedule set next_at = date_trunc('hour', now()) - %s::interval", (missed,))


def test_two_workers_fire_once_and_make_up_once(
    theatre: Database, workers: Callable[..., object], open_engine: Callable[..., Engine]
) -> None:
    workers("other")
    open_engine(sweep_seconds=0.05)
    keep(theatre, missed="3 days")
    with theatre.transaction() as cx:
        [run] = until(lambda: store.every(cx) or (cx.execute("select pg_sleep(0.05)") and None))
    reach(theatre, run.id, "waiting")
    with theatre.transaction() as cx:
        cx.execute("select pg_sleep(1)")
        assert [each.id for each in store.every(cx)] == [run.id]
        [schedule] = schedule_store.every(cx)
    assert schedule.last_run == run.id
    assert schedule.next_at > datetime.now(UTC)
    assert (run.inputs, run.owner.name, run.channel) == ({"amount": 3}, "Ada", "workflow")


def test_rights_are_those_of_the_moment_it_fires(theatre: Database) -> None:
    keep(theatre, missed="1 day")
    demoted = Caller(
        workspace_id=1, who="person:1", name="Ada", role="operator", can=capabilities("operator"), channel="workflow"
    )  # fmt: skip
    with theatre.transaction() as cx:
        [run_id] = schedule_store.fire(cx, lambda _cx, _schedule: (demoted, {"allow": ["little"]}))
        run = store.get(cx, run_id)
    assert (run.owner.role, run.rights) == ("operator", {"allow": ["little"]})


@pytest.mark.parametrize("left", [True, False])
def test_a_schedule_of_somebody_who_may_no_more_is_switched_off(theatre: Database, *, left: bool) -> None:
    keep(theatre, missed="1 day")
    viewer = Caller(
        workspace_id=1, who="person:1", name="Ada", role="viewer", can=capabilities("viewer"), channel="workflow"
    )  # fmt: skip
    with theatre.transaction() as cx:
        assert schedule_store.fire(cx, lambda _cx, _schedule: None if left else (viewer, {})) == []
        assert [each.enabled for each in schedule_store.every(cx)] == [False]


def test_switched_off_it_does_not_fire_and_makes_nothing_up(theatre: Database) -> None:
    keep(theatre, missed="1 day")
    with theatre.transaction() as cx:
        schedule_store.switch(cx, OWNER, "daily", on=False)
        assert schedule_store.fire(cx, schedule_store.as_kept) == []
        schedule_store.switch(cx, OWNER, "daily", on=True)
        assert schedule_store.fire(cx, schedule_store.as_kept) == []
    with pytest.raises(Refusal, match="no schedule"), theatre.transaction() as cx:
        schedule_store.switch(cx, OWNER, "nightly", on=True)
