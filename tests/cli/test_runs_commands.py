"""The commands of runs: what waits and why, step by step, and a person's hand on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_people import come, house, run, sign_in
from tests.runs.plays import OWNER, reach

from bookhand.workspace.people.person import NotSignedIn

__all__ = ["house", "run"]
from click.testing import Result

from bookhand.cli.running import Running
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.house import House
from bookhand.runs import schedule_store, store
from bookhand.runs.template import Context, Step, Template
from bookhand.settings import Settings
from bookhand.wiring import open_house
from bookhand.workspace.trail_store import search

Command = Callable[..., Result]


@pytest.fixture
def bookhand(house: House, run: Command) -> Command:
    """The command line, signed in as the owner."""
    come(house, run("owner", "ada@example.com"))
    sign_in(run)
    return run


def test_nobody_in_particular_sees_nothing(run: Command) -> None:
    for words in (["runs"], ["run", "run_1"], ["cancel", "run_1"], ["schedules"]):
        assert isinstance(run(*words).exception, NotSignedIn)


def test_a_run_is_listed_shown_paused_resumed_and_cancelled(db: Database, bookhand: Command) -> None:
    assert "There is no run." in bookhand("runs").output
    with db.transaction() as cx:
        run_id = store.start(cx, OWNER, "ask", {}, rights={})
    assert run_id in bookhand("runs").output
    assert "paused" in bookhand("pause", run_id, "--reason", "Let me look.").output
    listed = bookhand("runs", "--state", "paused").output
    assert run_id in listed
    assert run_id not in bookhand("runs", "--state", "done").output
    assert "Let me look." in bookhand("run", run_id).output
    assert "goes on" in bookhand("resume", run_id).output
    assert "0 of 2 steps were done. Not done: ask, perform." in bookhand("cancel", run_id).output
    with db.transaction() as cx:
        said = [(entry.said()["what"], entry.said().get("why")) for entry in search(cx, 1, limit=20)]
    for what, why in (
        ("pause", "Let me look."),
        ("resume", "resumed by a person"),
        ("cancel", "cancelled by a person"),
    ):
        assert (f"runs.{what}", why) in said
    assert isinstance(bookhand("resume", run_id).exception, Refusal)
    assert isinstance(bookhand("runs", "--state", "sleeping").exception, Refusal)


def test_schedules_are_listed(db: Database, bookhand: Command) -> None:
    assert "Nothing is scheduled." in bookhand("schedules").output
    with db.transaction() as cx:
        schedule_store.keep(
            cx, OWNER, name="daily", template="refund", cron="0 9 * * *", timezone="Europe/Berlin"
        )
    listed = bookhand("schedules").output
    assert "daily" in listed
    assert "Europe/Berlin" in listed


@pytest.mark.parametrize("work", [True, False])
def test_serve_executes_runs_unless_told_not_to(
    db: Database, database_url: str, tmp_path: Path, *, work: bool
) -> None:
    def body(ctx: Context, _: dict[str, object]) -> dict[str, object]:
        return {"gave": ctx.step("do", lambda: 1)}

    settings = Settings(data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, port=0)
    with open_house(settings) as house:
        house.templates = (Template("t", "", (Step("do", "does"),), body),)
        with Running(house, work=work):
            with db.transaction() as cx:
                run = store.start(cx, OWNER, "t", {}, rights={})
            house.runs().nudge()
            if work:
                assert reach(db, run, "done").result == {"gave": 1}
        if not work:
            with db.transaction() as cx:
                assert store.get(cx, run).state == "queued"
