"""The folder of a Beancount book that documents are written into: a person's chart and entries beside ours.

    main.beancount                 the file to open; a person's
    chart.beancount                the accounts; a person's
    bookhand/2026-01.beancount     the documents of a month, as we wrote them and as people left them

A file of ours is only ever added to: what a person changed in it stays as it is. Each addition is one step; readers see the file before
or after it. Errors: `Refusal` (a person must mend the ledger), `Outage` (the folder cannot be reached), `UnknownOutcome` (it was
written, and the disk did not confirm it).
"""

from __future__ import annotations

import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import fasteners  # type: ignore[import-untyped]
import msgspec

from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.systems.beancount import ledger
from bookhand.systems.beancount.ledger import Opened, Text, Transaction

MAIN, CHART, OURS = "main.beancount", "chart.beancount", "bookhand"
INCLUDED = f'include "{OURS}/*.beancount"'
_ABOUT = (
    ";; Documents that bookhand writes, one file a month. It adds to these files and changes nothing in them: what you edit stays,\n"
    ";; and `bookhand compare` shows it. Write what is yours in files of your own.\n"
)


class Chapter(msgspec.Struct, frozen=True):
    """A file as it was read: its size and time, how many lines it has, what it says, and the first transaction of each key."""

    stamp: tuple[int, int]
    lines: int
    text: Text
    keys: dict[str, Transaction]


class Ledger(msgspec.Struct, frozen=True):
    """Everything that stands in the folder."""

    chapters: tuple[Chapter, ...]
    accounts: Mapping[str, Opened]
    closed_through: str | None

    @property
    def transactions(self) -> Iterator[Transaction]:
        """All of them, file by file."""
        return (each for chapter in self.chapters for each in chapter.text.transactions)

    @property
    def options(self) -> Iterator[tuple[str, str]]:
        """The options that are set."""
        return (each for chapter in self.chapters for each in chapter.text.options)

    def of_key(self, key: str) -> Transaction | None:
        """The first transaction that bears `key` as our mark."""
        return next((chapter.keys[key] for chapter in self.chapters if key in chapter.keys), None)


class BookFolder:
    """One book's folder; safe to share between threads, and between processes by a lock file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._chapters: dict[Path, Chapter] = {}
        self._lock = threading.RLock()

    def read(self) -> Ledger:
        """The ledger as it stands now; only files that changed are read again."""
        with self._lock:
            chapters = self._read_files()
        accounts: dict[str, Opened] = {}
        for chapter in chapters:
            for opened in chapter.text.accounts:
                accounts[opened.name] = opened
        for chapter in chapters:
            for name, day in chapter.text.closes:
                if name in accounts:
                    accounts[name] = msgspec.structs.replace(accounts[name], closed=day)
        return Ledger(
            tuple(chapters),
            accounts,
            max(
                (chapter.text.closed_through for chapter in chapters if chapter.text.closed_through),
                default=None,
            ),
        )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else of ours adds to this folder meanwhile."""
        ours = self.path / OURS
        try:
            ours.mkdir(parents=True, exist_ok=True)
            lock = fasteners.InterProcessLock(ours / ".lock")
            lock.acquire()
        except OSError as error:
            raise Outage(
                f"The book's folder {self.path} cannot be written: {error.strerror or error}."
            ) from error
        try:
            with self._lock:
                yield
        finally:
            lock.release()

    def add(self, month: str, texts: Sequence[str]) -> None:
        """Add transactions to a month's file in one step; `Outage` where nothing was written."""
        path = self.path / OURS / f"{month}.beancount"
        known = self._chapter(path) if path.exists() else None
        added = "".join(texts)
        try:
            before = path.read_bytes() if known else b""
            head = (
                b""
                if before.endswith(b"\n\n") or not before
                else b"\n"
                if before.endswith(b"\n")
                else b"\n\n"
            )
            temporary = path.with_suffix(".new")
            with temporary.open("wb") as file:
                file.write(before + head + added.encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise Outage(f"{path} cannot be written: {error.strerror or error}.") from error
        self._replace(temporary, path)
        where = f"{OURS}/{path.name}"
        start = (known.lines if known else 0) + len(head)
        more = ledger.read("\n" * start + added, where=where)
        text = _joined(known.text, more) if known else more
        keys = known.keys if known else {}
        for each in more.transactions:
            keys.setdefault(each.key or "", each)
        self._chapters[path] = Chapter(_stamp(path), start + added.count("\n"), text, keys)

    def _replace(self, temporary: Path, path: Path) -> None:
        try:
            temporary.replace(path)
        except OSError as error:
            raise Outage(f"{path} cannot be written: {error.strerror or error}.") from error
        try:
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise UnknownOutcome(f"{path} was written, and the disk did not confirm it: {error}.") from error

    def _read_files(self) -> list[Chapter]:
        try:
            found = sorted(self.path.rglob("*.beancount"))
            if not found:
                raise Refusal(f"There is no ledger in {self.path}: put {MAIN} there, or correct the folder.")
            chapters = [self._chapter(path) for path in found]
        except OSError as error:
            raise Outage(
                f"The book's folder {self.path} cannot be read: {error.strerror or error}."
            ) from error
        for gone in self._chapters.keys() - set(found):
            del self._chapters[gone]
        return chapters

    def _chapter(self, path: Path) -> Chapter:
        stamp = _stamp(path)
        known = self._chapters.get(path)
        if known is not None and known.stamp == stamp:
            return known
        where = str(path.relative_to(self.path))
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            raise Refusal(f"{where} is not UTF-8 text: save it as such.") from None
        said = ledger.read(text, where=where)
        keys: dict[str, Transaction] = {}
        for each in said.transactions:
            if each.key is not None:
                keys.setdefault(each.key, each)
        chapter = Chapter(stamp, text.count("\n"), said, keys)
        self._chapters[path] = chapter
        return chapter


def prepare(path: Path, *, chart: str) -> None:
    """Make what is missing for a book in `path`; `Refusal` where a main file is there that leaves our documents out."""
    try:
        (path / OURS).mkdir(parents=True, exist_ok=True)
        about, main = path / OURS / "about.beancount", path / MAIN
        if not about.exists():
            about.write_text(_ABOUT, "utf-8")
        if not main.exists():
            (path / CHART).write_text(chart, "utf-8") if not (path / CHART).exists() else None
            main.write_text(f'option "title" "{path.name}"\n\ninclude "{CHART}"\n{INCLUDED}\n', "utf-8")
        elif INCLUDED not in main.read_text("utf-8"):
            raise Refusal(f"{main} does not include bookhand's documents: add the line {INCLUDED}")
    except OSError as error:
        raise Outage(f"The book's folder {path} cannot be written: {error.strerror or error}.") from error


class Shelf:
    """The folders of this process, each opened once."""

    def __init__(self) -> None:
        self._folders: dict[Path, BookFolder] = defaultdict()
        self._lock = threading.Lock()

    def folder(self, path: Path) -> BookFolder:
        """The folder at `path`."""
        with self._lock:
            if path not in self._folders:
                self._folders[path] = BookFolder(path)
            return self._folders[path]


def _joined(first: Text, second: Text) -> Text:
    return Text(
        transactions=first.transactions + second.transactions, accounts=first.accounts + second.accounts,
        closes=first.closes + second.closes, options=first.options + second.options,
        closed_through=max(first.closed_through or "", second.closed_through or "") or None,
    )  # fmt: skip


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size
