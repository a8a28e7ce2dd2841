"""Pages: how long the server takes for each page of the app, in a workspace with a million charges and beside it in a small one.

The pages are those of `tools/pictures.py`; an address with an id in it is that of the first fitting link. Each is asked for many times by
somebody who is signed in, over loopback, one request at a time, from the process that serves it with a PostgreSQL of its own.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bench.figures import Figure
from bench.ground import Ground
from bench.grown import grow, lived
from bookhand import wiring
from bookhand.cli.running import Running
from bookhand.settings import Settings
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

import pictures  # type: ignore[import-not-found]

SECTION = "pages"
GOAL_MS = 150.0
WARM, TIMES = 2, 20


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pages-charges",
        type=int,
        default=1_000_000,
        help="charges of the workspace whose pages are asked for",
    )


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    with lived(ground) as (settings, url):
        small = _asked(settings)
        at = time.monotonic()
        rows = grow(url, charges=options.pages_charges)
        grown = time.monotonic() - at
        large = _asked(settings)
    told = ", ".join(
        f"{count:,} {table}" for table, count in sorted(rows.items(), key=lambda each: -each[1])[:6]
    )
    for name, (path, took) in large.items():
        if isinstance(took, str):
            yield Figure(
                section=SECTION, name=name, value=None, unit="ms", most=GOAL_MS, absent=f"{path}: {took}"
            )
            continue
        before = small.get(name, ("", ""))[1]
        yield Figure(
            section=SECTION, name=f"{name}, p95", value=round(_p95(took), 1), unit="ms", most=GOAL_MS,
            note=f"p50 {statistics.median(took):.1f} ms; in the small one p50 {statistics.median(before):.1f}, p95 {_p95(before):.1f} ms: "
            f"{statistics.median(took) / statistics.median(before):.2f} times at p50" if not isinstance(before, str) else "",
        )  # fmt: skip
    yield Figure(section=SECTION, name="the workspace was made in", value=round(grown), unit="s", note=told)


def _p95(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.95)]


def _asked(settings: Settings) -> dict[str, tuple[str, list[float] | str]]:
    """Each page by its name: its address, and how many milliseconds each request took, or why it could not be asked for."""
    with (
        wiring.open_house(settings, main_mode="test") as house,
        Running(house, port=0, work=False) as running,
    ):
        email, now = "owner@lantern.example", datetime.now(UTC)
        with house.db.transaction() as cx:
            if people.by_email(cx, email) is None:
                people.add(cx, email=email, name="Owner", role="owner", now=now)
            link = invitation_store.entry_link(cx, email, now=now, note=house.note).secret
        with httpx.Client(base_url=running.url, timeout=120) as browser:
            browser.get(f"/enter/{link}")
            number = next(each.id for each in house.every() if each.link.system == "beancount")
            return {sight.name: _page(browser, _here(sight, number)) for sight in pictures.PAGES}


def _here(sight: Any, number: int) -> Any:
    """The page in this workspace: where the demo's sixth connection is a book, here it is this one."""
    return sight._replace(
        found_on=sight.found_on and sight.found_on.replace("/outside/6", f"/outside/{number}")
    )


def _page(browser: httpx.Client, sight: Any) -> tuple[str, list[float] | str]:
    path = sight.path if sight.found_on is None else _found(browser, sight)
    if path is None:
        return sight.path, f"there is no such link on {sight.found_on}"
    took = []
    for number in range(WARM + TIMES):
        at = time.perf_counter()
        try:
            answer = browser.get(path)
        except httpx.HTTPError as error:
            return path, f"no answer: {type(error).__name__} {error}"
        if number >= WARM:
            took.append((time.perf_counter() - at) * 1000)
        if answer.status_code != httpx.codes.OK:
            return path, f"it answered {answer.status_code}"
        if number == 0 and time.perf_counter() - at > _TOO_LONG_SECONDS:
            return path, f"one request took {time.perf_counter() - at:.1f} s"
    return path, took


_TOO_LONG_SECONDS = 20


def _found(browser: httpx.Client, sight: Any) -> str | None:
    form = pictures.form_of(sight)
    main = browser.get(sight.found_on).text.partition("<main")[2]
    links = re.findall(r'<a [^>]*href="([^"]+)"', main)
    return next((link.replace("&amp;", "&") for link in links if form.match(link)), None)
