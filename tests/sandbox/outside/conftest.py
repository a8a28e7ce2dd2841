"""Programs we did not write, and a small seeded company served to them.

They are fetched once: npm's into the ignored `node_modules` of the repository, Python's into a venv of its own under
`.data`. Where that is impossible (no network, no Node.js) the tests say so and are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

import pytest

from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running
from bookhand.sandbox.world.world import World

ROOT = Path(__file__).parents[3]
DATA = ROOT / ".data" / "outside"
FETCH_SECONDS = 300


def cannot(what: str, why: object) -> NoReturn:
    """Say loudly that a program could not be had, and skip."""
    sentence = f"{what} cannot be had here, so the stand-in is NOT tried against it: {why}"
    warnings.warn(sentence, stacklevel=2)
    pytest.skip(sentence)


@contextmanager
def alone(what: str) -> Iterator[None]:
    """Only one of several test processes fetches a program; the others wait until it is there."""
    DATA.mkdir(parents=True, exist_ok=True)
    lock = DATA / f"{what}.lock"
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            with suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > FETCH_SECONDS:  # left behind by one that was killed
                    lock.unlink()
            time.sleep(0.2)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm programs of package.json, at the versions of its lock."""
    found = ROOT / "node_modules"
    npm = shutil.which("npm")
    with alone("npm"):
        if (found / ".package-lock.json").exists() and (found / ".bin" / "stripe").exists():
            return found
        if npm is None:
            cannot("npm", "there is no npm on PATH")
        _fetch("npm install", [npm, "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts"])
    return found


@pytest.fixture(scope="session")
def node(node_modules: Path) -> str:
    """Node.js, with those programs beside it."""
    found = shutil.which("node")
    if found is None:
        cannot("Node.js", "there is no node on PATH")
    return found


@pytest.fixture(scope="session")
def tap() -> Path:
    """The Python of a venv that has tap-stripe: it needs a `stripe` ten versions older than ours."""
    folder = DATA / "tap-stripe-3.3.0"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    with alone("tap"):
        if not (folder / "done").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            pip = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            _fetch("tap-stripe", [*pip, "tap-stripe==3.3.0"])
            (folder / "done").touch()
    return python


def _fetch(what: str, command: list[str]) -> None:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=FETCH_SECONDS, check=False
    )
    if done.returncode:
        cannot(what, done.stderr[-400:])


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[Pinstripe, str]]:
    """A small company and the address where it is served."""
    engine = World(seed=7, months=2, customers=12).create()
    with running(engine) as address:
        yield engine, address
    engine.close()
