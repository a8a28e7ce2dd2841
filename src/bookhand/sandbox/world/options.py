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

from bookhand.sandbox.stripe.call import Call
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route
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


class Traffic:
    """What a running company goes on doing, and the way to change its pace."""

    def __init__(self, engine: Pinstripe, *, livemode: bool) -> None:
        self._engine = engine
        self._livemode = livemode
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def pace(self, per_second: float) -> None:
        """So many deeds a second from now on; with 0 it ends, and this returns when the last deed is done."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=30)
        self._stop, self._thread = threading.Event(), None
        if per_second > 0:
            self._thread = keep_alive(
                self._engine,
                per_second=per_second,
                stop=self._stop,
                livemode=self._livemode,
                seed=self._engine.seed,
            )


def go_on(engine: Pinstripe, *, per_second: float, livemode: bool = False) -> Traffic:
    """Let the company of `engine` go on; `POST /_pinstripe/live` changes the pace."""
    _TRAFFIC[id(engine)] = traffic = Traffic(engine, livemode=livemode)
    traffic.pace(per_second)
    return traffic


@route("POST", "/_pinstripe/live", open=True)
def set_pace(call: Call) -> JSON:
    """How much the company does a second: per_second=0 ends its traffic."""
    traffic = _TRAFFIC.get(id(call.engine))
    if traffic is None:
        raise StripeError("No company lives here: start the stand-in with --world.", param="per_second")
    asked = call.text("per_second", required=True) or "0"
    if not asked.replace(".", "", 1).isdigit():
        raise StripeError(f"Invalid number: {asked}", param="per_second")
    threading.Thread(target=traffic.pace, args=(float(asked),), daemon=True).start()
    return {"per_second": float(asked)}


_TRAFFIC: dict[int, Traffic] = {}


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
