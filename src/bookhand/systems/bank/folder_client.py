"""A folder that is watched: files that are put into it are read, and moved to where it is seen what became of them.

    watcher = Watcher(Path("/bank"), Intake(db))
    watcher.look()                     # every few seconds; what was done, in sentences

    /bank/nov.sta                      read as soon as it does not grow any more; a CSV that ends within a line, when it rested for a minute
    /bank/Main/nov.csv                 the same; a folder's name is the account of the CSV files in it
    /bank/done/      /bank/refused/    where files go; beside a refused one lies ``NAME.txt``, which says why
    /bank/waiting/                     a CSV that somebody has to confirm first; it is read by itself after that

A file is moved after its lines are committed: where the machine stops in between, or somebody writes on in it, it is read again, and adds
what is new. So is one on which somebody writes on after it was moved (whoever wrote it only paused, at the end of a line): it comes back from
where it lies within the hour, whether bookhand was started anew meanwhile or not. Links and what begins with a point are left alone.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import psycopg
import structlog

from bookhand.core.problems import Outage, Refusal
from bookhand.systems.bank.intake_workflow import Taken, Waiting
from bookhand.systems.bank.reading import may_go_on

if TYPE_CHECKING:
    from bookhand.systems.bank.intake_workflow import Intake

log = structlog.get_logger(__name__)

DONE, REFUSED, WAITING = "done", "refused", "waiting"
_OWN = frozenset({DONE, REFUSED, WAITING})
_REASON = ".txt"
"""After the name of a file, where the file beside it says what became of it."""
_UNFINISHED = frozenset({".part", ".partial", ".tmp", ".crdownload", ".filepart", ".download"})
_MEGABYTE = 1024 * 1024
_REST_SECONDS = 60.0
"""How long a CSV without a line end at its end rests before it is taken for whole: whoever writes it may only pause."""

_EYE_SECONDS = 3600.0
"""How long a file that was moved is looked at: whoever writes it may still have it open."""

_State = tuple[int, int]
"""Size and last change of a file."""


class _Moved(NamedTuple):
    """A file that was moved: as it was read, where it came from, and when that was."""

    state: _State
    came_from: Path
    at: float


class Watcher:
    """Looks at one folder, in one process at a time (two would only read a file twice, which adds nothing)."""

    def __init__(
        self, folder: Path, intake: Intake, *, by: str = "folder", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._intake = intake
        self._by = by
        self._clock = clock
        self._seen: dict[Path, tuple[_State, float]] = {}
        self._confirmed: object = None
        self._moved_files: dict[Path, _Moved] | None = None
        """Where they lie now; None before the first look."""

    def look(self) -> list[str]:
        """Take in every file that did not change since the last look; what was done, in sentences.

        `Refusal` where the folder cannot be used. An `Outage` leaves the file where it is, for the next look.
        """
        if not self._folder.is_dir():
            raise Refusal(
                f"The bank's folder {self._folder} is not there: make it, or change BOOKHAND_BANK_FOLDER."
            )
        told, seen = self._written_on(), {}
        for path, account in self._files():
            now = _state(path)
            if now is None:
                continue
            before, since = self._seen.get(path, (None, 0.0))
            if before != now:
                seen[path] = now, self._clock()
            elif (taken := self._take(path, account, now, rested=self._clock() - since)) is None:
                seen[path] = now, since
            else:
                told += taken
        self._seen = seen
        return told + self._look_again()

    def _written_on(self) -> list[str]:
        """Bring the files back on which somebody wrote after they were moved; those that are whole by now are forgotten."""
        if self._moved_files is None:
            self._moved_files = {}
            return [
                said for path in self._changed_before() for said in self._back(path, self._folder / path.name)
            ]
        told = []
        for place, (state, came_from, at) in list(self._moved_files.items()):
            now = _state(place)
            if now is not None and now != state:
                told += self._back(place, came_from)
            if now != state or self._clock() - at > _EYE_SECONDS:
                self._moved_files.pop(place, None)
        return told

    def _changed_before(self) -> Iterator[Path]:
        """The files that lie here from before this process and on which somebody wrote after they were moved."""
        for folder in (DONE, REFUSED):
            for path in sorted((self._folder / folder).glob("*")):
                state = _state(path)
                if state is None or path.suffix == _REASON or time.time() - state[1] / 10**9 > _EYE_SECONDS:
                    continue
                reason = _state(path.with_name(path.name + _REASON))
                try:
                    if (folder == REFUSED and reason is not None and state[1] > reason[1]) or (
                        folder == DONE and self._intake.goes_on(_read(path, self._intake.most_megabytes)[0])
                    ):
                        yield path
                except (OSError, Refusal):
                    continue

    def _back(self, place: Path, came_from: Path) -> list[str]:
        """Put a file back to where it came from, to be looked at as any other."""
        try:
            came_from.parent.mkdir(parents=True, exist_ok=True)
            place.rename(_free(came_from))
            place.with_name(place.name + _REASON).unlink(missing_ok=True)
        except OSError as error:
            log.warning("bank_file_not_moved", file=place.name, why=error.strerror)
            return [
                f"{place.name} was written on after it was moved, and could not be moved back: {error.strerror}."
            ]
        log.info("bank_file_went_on", file=place.name)
        return [f"{place.name} was written on after it was moved: it is looked at again."]

    def _files(self, folder: Path | None = None) -> Iterator[tuple[Path, str | None]]:
        """The files of a folder, and those of the folders in it, which are called like accounts."""
        for path in sorted((folder or self._folder).iterdir()):
            if path.name.startswith(".") or path.is_symlink():
                continue
            if not path.is_dir():
                yield path, None
            elif folder is not None or path.name not in _OWN:
                yield from (
                    (inner, path.name) for inner in sorted(path.iterdir()) if not inner.name.startswith(".")
                )

    def _look_again(self) -> list[str]:
        """Files that wait, after somebody confirmed something."""
        confirmed, waiting = self._intake.confirmations(), self._folder / WAITING
        if confirmed == self._confirmed or not waiting.is_dir():
            return []
        self._confirmed = confirmed
        told = []
        for path, account in list(self._files(waiting)):
            if (state := _state(path)) is not None and path.suffix != _REASON:
                told += self._take(path, account, state, rested=_REST_SECONDS) or []
        return told

    def _take(self, path: Path, account: str | None, state: _State, *, rested: float) -> list[str] | None:
        """What became of a file, in sentences; None for one that may not be whole yet."""
        try:
            raw, state = _read(path, self._intake.most_megabytes)
            if rested < _REST_SECONDS and may_go_on(raw):
                return None
            found = self._intake.take(
                raw,
                name=path.name,
                by=self._by,
                account=account,
                auth="folder",
            )
        except FileNotFoundError:
            return []
        except (psycopg.Error, Outage):
            raise
        except (Refusal, OSError) as error:
            why = (
                str(error)
                if isinstance(error, Refusal)
                else f"It could not be read: {error.strerror or error}."
            )
            return self._moved(path, state, REFUSED, why, f"{path.name} was refused. {why}")
        except Exception as error:  # one file must not hold up those behind it
            log.exception("bank_file_failed", file=path.name)
            why = f"It could not be read, by a fault of bookhand's own ({type(error).__name__}): the log says more."
            return self._moved(path, state, REFUSED, why, f"{path.name} was refused. {why}")
        if _state(path) != state:
            log.info("bank_file_grew", file=path.name)
            return []  # it is looked at anew, and what was read of it adds nothing again
        return self._taken(path, account, state, found)

    def _taken(self, path: Path, account: str | None, state: _State, found: Taken | Waiting) -> list[str]:
        match found:
            case Taken(again=True):
                return self._moved(
                    path, state, DONE, None, f"{path.name} had been read before: nothing was added."
                )
            case Taken():
                said = "; ".join(
                    f"account {each.account}: {each.new_lines} new of {each.lines} lines"
                    for each in found.accounts
                )
                return self._moved(path, state, DONE, None, f"{path.name} was read ({found.format}): {said}.")
            case Waiting():
                return self._let_wait(path, account, state, found)

    def _let_wait(self, path: Path, account: str | None, state: _State, found: Waiting) -> list[str]:
        waiting = self._folder / WAITING
        if waiting in path.parents:
            return []
        asked = " ".join(question.sentence for question in found.proposal.questions)
        command = f"bookhand bank-confirm {found.file[:12]} --account {account or 'NAME'}"
        why = f"{found.says} {asked}\n\n    {command}\n"
        return self._moved(
            path,
            state,
            f"{WAITING}/{account}" if account else WAITING,
            why,
            f"{path.name} waits: {found.says}",
        )

    def _moved(self, path: Path, state: _State, to: str, why: str | None, said: str) -> list[str]:
        """Move a file that was read in a state (never over another), with the reason beside it; what is said."""
        try:
            folder = self._folder / to
            folder.mkdir(parents=True, exist_ok=True)
            place = _free(folder / path.name)
            if why is not None:
                place.with_name(place.name + _REASON).write_text(f"{why}\n", encoding="utf-8")
            path.rename(place)
            path.with_name(path.name + _REASON).unlink(missing_ok=True)  # of a file that waited
        except OSError as error:
            log.warning("bank_file_not_moved", file=path.name, why=error.strerror)
            return [f"{said} It could not be moved to {to}: {error.strerror}."]
        if self._moved_files is not None and not to.startswith(WAITING):
            came_from = (
                path
                if self._folder / WAITING not in path.parents
                else self._folder / path.relative_to(self._folder / WAITING)
            )
            self._moved_files[place] = _Moved(state, came_from, self._clock())
        log.info("bank_file", file=path.name, became=to)
        return [said]


def _state(path: Path) -> _State | None:
    """Size and last change of a plain file that is meant for us; None for everything else."""
    try:
        found = path.lstat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode) or path.suffix.lower() in _UNFINISHED:
        return None
    return found.st_size, found.st_mtime_ns


def _read(path: Path, most_megabytes: int) -> tuple[bytes, _State]:
    """The whole file, never through a link, and its state before; `Refusal` before anything is read where it is too large."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        size = found.st_size
        if size > most_megabytes * _MEGABYTE:
            raise Refusal(
                f"The file has {size / _MEGABYTE:,.1f} MB, more than the {most_megabytes} MB that are read (BOOKHAND_BANK_FILE_MB): "
                "export fewer days at once."
            )
        return file.read(), (size, found.st_mtime_ns)


def _free(path: Path) -> Path:
    """`path`, or with a number before its ending where another file has the name."""
    place, number = path, 2
    while place.exists():
        place = path.with_name(f"{path.stem} ({number}){path.suffix}")
        number += 1
    return place
