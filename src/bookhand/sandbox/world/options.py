"""A company from words on the command line, standing at today and ready to go on.

world_of("seed=1")                                # a year that ends at this day's midnight
world_of("seed=1,months=3,customers=20,until=2026-11-01,charges=5000,odd")
engine = running(world_of("seed=1"), Path("live.db"), shelf=Path(".data/worlds"))
thread = keep_alive(engine, per_second=2, stop=stop)
"""

from __future__ import annotations

import threading
import time
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.world.agenda import DAY
from bookhand.sandbox.world.live import Live
from bookhand.sandbox.world.shelf import Shelf
from bookhand.sandbox.world.world import Told, World

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe

NAMES = tuple(one.name for one in fields(World))
FLAGS = {"odd", "livemode"}


def world_of(words: str = "", *, now: float | None = None) -> World:
    """Read `name=value` words; without `until` the company lives up to the last midnight."""
    found: dict[str, Any] = {}
    for word in filter(None, words.replace(",", " ").split()):
        name, _, value = word.partition("=")
        if name not in NAMES or not (value or name in FLAGS):
            raise ValueError(f"'{word}' says nothing about a company: use {', '.join(NAMES)} as name=value.")
        found[name] = _value(name, value)
    if "until" not in found:
        moment = time.time() if now is None else now
        found["until"] = int(moment // DAY * DAY)
    return World(**found)


def running(world: World, to: Path, *, shelf: Path, told: Told = lambda _share: None) -> Pinstripe:
    """The company with its clock let go: a past that ended today goes on in real time, another from where it ended."""
    engine = Shelf(shelf).take(world, to, told)
    now = int(time.time())
    if 0 <= now - world.until <= 2 * DAY:
        engine.advance(now)
        engine.clock = Clock()
    else:
        engine.clock.run_at(1)
    return engine


def keep_alive(
    engine: Pinstripe,
    *,
    per_second: float,
    stop: threading.Event,
    livemode: bool = False,
    seed: int = 1,
) -> threading.Thread:
    """Start the traffic on a thread of its own."""
    live = Live(engine, per_second=per_second, livemode=livemode, seed=seed)
    thread = threading.Thread(target=live.run, args=(stop,), name="live traffic", daemon=True)
    thread.start()
    return thread


def _value(name: str, value: str) -> int | bool:
    if name in FLAGS:
        return value.lower() in {"", "1", "true", "yes"}
    if name == "until" and "-" in value:
        return int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp())
    return int(value)
