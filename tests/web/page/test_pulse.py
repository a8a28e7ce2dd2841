"""Live pages: one look for all listeners, words of what moved, and an end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator

import psycopg
import pytest

from bookhand.core.problems import Outage
from bookhand.db.engine import Database
from bookhand.web.page.pulse import Pulse, read

FAST = 0.01


class Looked:
    """What a pulse looks at: marks that a test moves, and how often it was asked."""

    def __init__(self) -> None:
        self.marks = {"proof": "1", "runs": "1"}
        self.times = 0
        self.fails: Exception | None = None

    def __call__(self) -> dict[str, str]:
        self.times += 1
        if self.fails is not None:
            raise self.fails
        return dict(self.marks)


async def begun(pulse: Pulse) -> AsyncIterator[str]:
    """A listener that has its first line."""
    heard = pulse.listen()
    assert await anext(heard) == "retry: 3000\n\n"
    return heard


async def soon(looked: Looked, times: int) -> None:
    for _ in range(500):
        if looked.times >= times:
            return
        await asyncio.sleep(FAST)
    raise AssertionError(f"looked {looked.times} times, not {times}")


async def test_many_pages_cost_one_look_and_all_hear_what_moved():
    looked = Looked()
    pulse = Pulse(looked, every=FAST)
    pages = [await begun(pulse) for _ in range(20)]
    await soon(looked, 2)
    before = looked.times
    looked.marks["proof"] = "2"
    told = await asyncio.wait_for(asyncio.gather(*(anext(page) for page in pages)), 5)
    assert set(told) == {"event: proof\ndata: moved\n\n"}
    assert looked.times - before < 20
    pulse.end()
    for page in pages:
        assert [word async for word in page] == []


async def test_what_was_there_before_a_page_came_is_not_told_to_it():
    looked = Looked()
    pulse = Pulse(looked, every=FAST)
    page = await begun(pulse)
    await soon(looked, 3)
    looked.marks |= {"runs": "2", "proof": "2"}
    assert [await asyncio.wait_for(anext(page), 5) for _ in range(2)] == [
        "event: proof\ndata: moved\n\n",
        "event: runs\ndata: moved\n\n",
    ]
    pulse.end()


async def test_nobody_looks_when_nobody_listens_and_it_begins_again():
    looked = Looked()
    pulse = Pulse(looked, every=FAST)
    page = await begun(pulse)
    await soon(looked, 2)
    await page.aclose()
    await asyncio.sleep(FAST * 10)
    rest = looked.times
    await asyncio.sleep(FAST * 10)
    assert looked.times == rest
    again = await begun(pulse)
    await soon(looked, rest + 2)
    looked.marks["proof"] = "7"
    assert await asyncio.wait_for(anext(again), 5) == "event: proof\ndata: moved\n\n"
    pulse.end()


@pytest.mark.parametrize("error", [Outage("away"), psycopg.OperationalError("gone")])
async def test_a_look_that_fails_is_tried_again(error: Exception):
    looked = Looked()
    pulse = Pulse(looked, every=FAST)
    page = await begun(pulse)
    await soon(looked, 2)
    looked.fails = error
    await soon(looked, looked.times + 3)
    looked.fails = None
    looked.marks["proof"] = "2"
    assert await asyncio.wait_for(anext(page), 5) == "event: proof\ndata: moved\n\n"
    pulse.end()


async def test_a_page_that_does_not_read_holds_nobody_up_and_keeps_little():
    looked = Looked()
    pulse = Pulse(looked, every=FAST / 10)
    slow, quick = await begun(pulse), await begun(pulse)
    await soon(looked, 2)
    for number in range(150):
        looked.marks["proof"] = str(number + 2)
        assert await asyncio.wait_for(anext(quick), 5) == "event: proof\ndata: moved\n\n"
    pulse.end()
    kept = [word async for word in slow]
    assert len(kept) <= 64


async def test_the_end_comes_from_any_thread_and_nobody_listens_after_it():
    pulse = Pulse(Looked(), every=FAST)
    page = await begun(pulse)
    ender = threading.Thread(target=pulse.end)
    ender.start()
    assert [word async for word in page] == []
    ender.join()
    assert [word async for word in pulse.listen()] == []


def test_the_marks_of_a_workspace_are_read_and_move(db: Database, new_link):
    before = read(db)
    assert set(before) == {"trail", "proof", "entries", "history", "runs", "connections", "bank"}
    new_link()
    assert {name for name, mark in read(db).items() if mark != before[name]} == {"connections"}
