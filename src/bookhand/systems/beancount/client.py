"""The folder of a Beancount book: files of ours written whole and atomically, a person's files and edits left alone.

Each file of ours begins with a line that says what it was made from and a hash of the rest. A file that was edited since, or
that is not ours, is moved aside before ours takes its name. `bean_check` runs Beancount's own checker as a program.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready

_MARK = ";; bookhand"
_NOTE = (
    ";; Written by bookhand and written again when its journal grows: a change made here would be kept aside, not kept.\n"
    ";; Write what is yours in a file of your own that includes main.beancount.\n\n"
)
_DIGEST = 32
_INDEX = ".bookhand.json"
_LEFT_OVER = re.compile(r"\.+[\w-]+\.(beancount|json)(\.[0-9a-f]{16})?\.new", re.ASCII)
"""What a file is called while it is written, now and in earlier versions."""
_TIMEOUT_SECONDS = 600


class Known(msgspec.Struct):
    """What we know of a file that we wrote: what it was made from, its size and when it was changed last."""

    made_from: str
    size: int
    changed: int


class Folder:
    """One book's folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self._known = self._read_index()

    def is_current(self, name: str, made_from: str) -> bool:
        """Whether the file `name` is there, as we wrote it, and made from the same."""
        known = self._known.get(name)
        return known is not None and known.made_from == made_from and self._untouched(name, known)

    def set_aside(self, name: str) -> Path | None:
        """Move the file `name` aside if somebody edited it or it is not ours; where it went."""
        path = self.path / name
        known = self._known.get(name)
        if not path.exists() or (known is not None and self._untouched(name, known)) or _is_ours(path):
            return None
        number = 1
        while (aside := self.path / "kept-aside" / f"{name}.{number}").exists():
            number += 1
        aside.parent.mkdir(exist_ok=True)
        path.rename(aside)
        return aside

    def write(self, name: str, made_from: str, chunks: Iterable[str]) -> None:
        """Write the file `name` in one step: readers see the old one or the new one, never a part, whoever else writes it meanwhile."""
        hasher = hashlib.blake2b(digest_size=_DIGEST // 2)
        with self._put(name) as file:
            file.write(_head(made_from, "0" * _DIGEST))
            for block in _blocks(chunks):
                hasher.update(block)
                file.write(block)
            file.seek(0)
            file.write(_head(made_from, hasher.hexdigest()))
            file.flush()
            known = _known(os.fstat(file.fileno()), made_from)
        self._known[name] = known  # of what was written here, whoever has taken the name since

    def clear_left_over(self) -> None:
        """Delete what writers left that were cut off; for who is the only writer now."""
        for path in self.path.glob(".*.new"):
            if _LEFT_OVER.fullmatch(path.name):
                path.unlink(missing_ok=True)

    @contextmanager
    def _put(self, name: str) -> Iterator[BinaryIO]:
        """A file of the writer's own, that takes the name `name` when it is whole and on the disk."""
        fresh = self.path / f".{name}.{os.urandom(8).hex()}.new"
        try:
            with fresh.open("xb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path / name)
        finally:
            fresh.unlink(missing_ok=True)
        _sync(self.path)

    def forget_others(self, names: Iterable[str]) -> None:
        """Delete files of ours that no longer belong to the book, and remember the rest."""
        wanted = set(names)
        for name in [name for name in self._known if name not in wanted]:
            path = self.path / name
            if path.exists() and _is_ours(path):
                path.unlink()
            del self._known[name]
        with self._put(_INDEX) as file:
            file.write(msgspec.json.format(msgspec.json.encode(self._known, order="sorted")))

    def _untouched(self, name: str, known: Known) -> bool:
        try:
            return _known((self.path / name).stat(), known.made_from) == known
        except FileNotFoundError:
            return False

    def _read_index(self) -> dict[str, Known]:
        try:
            return msgspec.json.decode((self.path / _INDEX).read_bytes(), type=dict[str, Known])
        except (FileNotFoundError, msgspec.DecodeError):
            return {}


def bean_check(ledger: Path) -> list[str]:
    """What Beancount's checker says against `ledger`, a line for each error; empty for a good ledger."""
    program = _program("bean-check")
    try:
        done = subprocess.run(
            [program, "--no-cache", str(ledger)],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Outage(
            f"bean-check did not finish {ledger} within {_TIMEOUT_SECONDS // 60} minutes."
        ) from error
    if done.returncode == 0:
        return []
    lines = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    return lines or [f"bean-check ended with status {done.returncode} and said nothing."]


def _program(name: str) -> str:
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    found = beside or shutil.which(name)
    if found is None:
        raise Refusal(
            f"{name} was not found beside {sys.executable} or in PATH: install it with `pip install 'bookhand[beancount]'`."
        )
    return found


def _known(stat: os.stat_result, made_from: str) -> Known:
    return Known(made_from, stat.st_size, stat.st_mtime_ns)


def _sync(folder: Path) -> None:
    """Put the names in a folder on the disk too, where the system can."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def _head(made_from: str, digest: str) -> bytes:
    return f"{_MARK} {digest} {made_from}\n{_NOTE}".encode()


def _blocks(chunks: Iterable[str], *, size: int = 1 << 20) -> Iterator[bytes]:
    held: list[str] = []
    length = 0
    for chunk in chunks:
        held.append(chunk)
        length += len(chunk)
        if length >= size:
            yield "".join(held).encode()
            held, length = [], 0
    yield "".join(held).encode()


def _is_ours(path: Path) -> bool:
    """Whether the file is as we wrote it: its first line carries the hash of what follows our note."""
    with path.open("rb") as file:
        first = file.readline().split(b" ", 3)
        if len(first) < 4 or b" ".join(first[:2]) != _MARK.encode():  # noqa: PLR2004 (two words of mark, hash, source)
            return False
        if file.read(len(_NOTE.encode())) != _NOTE.encode():
            return False
        hasher = hashlib.blake2b(digest_size=_DIGEST // 2)
        while block := file.read(1 << 20):
            hasher.update(block)
    return first[2].decode("ascii", "replace") == hasher.hexdigest()


ready(Known)  # see core.ready
