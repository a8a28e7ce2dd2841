"""The demo's stand-ins: each a process of its own, that says on its first line where it is."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from bookhand.core.problems import Outage

if TYPE_CHECKING:
    from pathlib import Path

_GRACE_SECONDS = 10


@contextmanager
def stand_in(name: str, module: str, args: Sequence[str], *, log: Path) -> Iterator[str]:
    """Run ``python -m bookhand.sandbox.{module}``; its address. `Outage` that names the log where it does not start."""
    command = [sys.executable, "-m", f"bookhand.sandbox.{module}", "--port", "0", *args]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True)
        try:
            yield _address(process, name, log)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
            process.kill()


def _address(process: subprocess.Popen[str], name: str, log: Path) -> str:
    assert process.stdout is not None  # noqa: S101 (it is a pipe)
    for line in process.stdout:
        if line.startswith(f"{name} on "):
            return line.split()[-1]
    raise Outage(f"The stand-in {name} did not start; {log} says why.")


@contextmanager
def spinner(out: Console, what: str) -> Iterator[None]:
    """What is going on, and for how long."""
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=out, transient=True
    ) as progress:
        progress.add_task(what)
        yield
