"""Seeded companies kept on disk, so that a demo starts in a second the second time.

    engine = Shelf(Path(".data/worlds")).take(World(seed=1))

A copy is keyed by everything the company is made from: its own values and the source code of the sandbox. What the
engine does later happens in a copy of that file, never in the one on the shelf.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import astuple
from hashlib import sha256
from pathlib import Path

from bookhand import sandbox
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.world.world import Told, World

KEPT = 3


class Shelf:
    """A folder with at most a few companies; the least recently taken one goes first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, world: World, to: Path, told: Told = lambda _share: None) -> Pinstripe:
        """A Pinstripe on the file `to`, which is overwritten; its clock stands at the end of the company's time."""
        found = self.folder / f"{self.key(world)}.db"
        if not found.exists():
            self._make(world, found, told)
        found.touch()
        self._tidy()
        to.parent.mkdir(parents=True, exist_ok=True)
        for leftover in (to, Path(f"{to}-wal"), Path(f"{to}-shm")):
            leftover.unlink(missing_ok=True)
        shutil.copyfile(found, to)
        return Pinstripe(to, seed=world.seed, clock=Clock(start=world.until))

    def key(self, world: World) -> str:
        """What the copy's name must say."""
        said = sha256(repr(astuple(world)).encode())
        for path in sorted(Path(sandbox.__file__).parent.rglob("*.py")):
            said.update(path.read_bytes())
        return said.hexdigest()[:24]

    def _make(self, world: World, found: Path, told: Told) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = found.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        engine = world.create(draft, told)
        engine.close()
        with closing(sqlite3.connect(draft)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            db.execute("PRAGMA journal_mode=DELETE")
        draft.replace(found)

    def _tidy(self) -> None:
        kept = sorted(self.folder.glob("*.db"), key=lambda path: path.stat().st_mtime, reverse=True)
        for old in kept[KEPT:]:
            old.unlink(missing_ok=True)
