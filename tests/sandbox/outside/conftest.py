"""Programs we did not write, and a small seeded company served to them.

They are fetched once: npm's into the ignored `node_modules` of the repository, Python's into a venv of its own under
`.data`. Where that is impossible (no network, no Node.js) the tests say so and are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.server import running
from bookhand.sandbox.world.world import World

ROOT = Path(__file__).parents[3]
DATA = ROOT / ".data" / "outside"


def cannot(what: str, why: object) -> NoReturn:
    """Say loudly that a program could not be had, and skip."""
    sentence = f"{what} cannot be had here, so the stand-in is NOT tried against it: {why}"
    warnings.warn(sentence, stacklevel=2)
    pytest.skip(sentence)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The npm programs of package.json, at the versions of its lock."""
    found = ROOT / "node_modules"
    if not (found / ".bin" / "stripe").exists():
        npm = shutil.which("npm")
        if npm is None:
            cannot("npm", "there is no npm on PATH")
        done = subprocess.run(
            [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"],
            cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode:
            cannot("npm ci", done.stderr[-400:])
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
    if not (folder / "done").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "tap-stripe==3.3.0"],
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        if done.returncode:
            cannot("tap-stripe", done.stderr[-400:])
        (folder / "done").touch()
    return python


@pytest.fixture(scope="module")
def company() -> Iterator[tuple[Pinstripe, str]]:
    """A small company and the address where it is served."""
    engine = World(seed=7, months=2, customers=12).create()
    with running(engine) as address:
        yield engine, address
    engine.close()
