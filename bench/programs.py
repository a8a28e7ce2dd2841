"""The programs of a measurement: started, waited for, watched, and always stopped. Loopback only.

with running("bench.list_server", "--count", 1000) as server:
    server.url                     # http://127.0.0.1:40123
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
_WAIT_SECONDS = 60.0


@dataclass(slots=True)
class Program:
    """A child process that listens on a port of its own."""

    process: subprocess.Popen[bytes]
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def told(self) -> dict[str, Any]:
        """What the list server saw."""
        with urllib.request.urlopen(f"{self.url}/bench", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def processor_seconds(self) -> float:
        return processor_seconds(self.process.pid)

    def peak_megabytes(self) -> float:
        return peak_megabytes(self.process.pid)


@contextmanager
def running(module: str, *words: object, port_option: str = "--port") -> Iterator[Program]:
    """A module of ours as a program with a port."""
    port = free_port()
    command = [sys.executable, "-m", module, port_option, str(port), *map(str, words)]
    with started(command, port=port) as program:
        yield program


@contextmanager
def started(
    command: Sequence[str], *, port: int, environment: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> Iterator[Program]:
    """Any program that will listen on `port`; stopped at the end, with its children."""
    process = subprocess.Popen(
        command, env=surroundings(environment), cwd=cwd, stdout=subprocess.DEVNULL, start_new_session=os.name == "posix"
    )  # fmt: skip
    try:
        if port:
            _wait_for(process, port, command)
        yield Program(process, port)
    finally:
        stop(process)


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    given: str = "",
    seconds: float = 300,
) -> str:
    """A program to its end; what it said. Raises with what it complained of."""
    done = subprocess.run(
        command, env=surroundings(environment), input=given, capture_output=True, text=True, timeout=seconds, check=False
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:3])} ended with {done.returncode}: {done.stderr.strip()[-1500:]}"
        )
    return done.stdout


def surroundings(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Our environment without a person's own settings, where Python finds this suite and bookhand."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOOKHAND_")}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")]), **(extra or {})}


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ask, then insist."""
    if process.poll() is None:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
    if process.poll() is None:
        process.kill()
        process.wait(10)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def processor_seconds(pid: int) -> float:
    """Processor time of a process and its children, where the system tells (Linux); else 0."""
    total = 0.0
    for each in [pid, *_children(pid)]:
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def peak_megabytes(pid: int) -> float:
    """The most memory a process had resident, where the system tells (Linux); else 0."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def _wait_for(process: subprocess.Popen[bytes], port: int, command: Sequence[str]) -> None:
    until = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"{' '.join(map(str, command[:4]))} did not start to listen.")
