"""The programs we did not write, each in an environment of its own, set up on first use in an ignored folder.

    node()                  # the folder with the npm packages of package.json, at the versions of its lock
    python("djstripe")      # the Python of a venv with what djstripe.txt names

Raises `AbsentError` with the reason where one cannot be had: it is said in the table, never passed over.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
KEPT = HERE.parents[1] / ".data" / "bench" / "peers"
_SETUP_SECONDS = 420


class AbsentError(Exception):
    """A peer that cannot be had, and why."""


def node() -> Path:
    """The `node_modules` of the npm peers."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise AbsentError("no Node.js on PATH")
    folder = KEPT / "node"
    wanted = _hash(HERE / "package-lock.json")
    if not _is_done(folder, wanted):
        _clear(folder)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, folder)
        _set_up(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], folder, wanted)
    return folder / "node_modules"


def python(name: str) -> Path:
    """The interpreter of the venv for `name`.txt."""
    folder = KEPT / name
    requirements = HERE / f"{name}.txt"
    wanted = _hash(requirements)
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    if not _is_done(folder, wanted):
        _clear(folder)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [
            binaries / "python",
            "-m",
            "pip",
            "install",
            "-q",
            "--disable-pip-version-check",
            "-r",
            requirements,
        ]
        _set_up(install, folder, wanted)
    return binaries / "python"


def _set_up(command: list[object], folder: Path, wanted: str) -> None:
    print(f"  (setting up {folder.name}, once)", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            [str(each) for each in command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=_SETUP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise AbsentError(f"{command[0]} did not finish within {_SETUP_SECONDS} s") from None
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or ["it said nothing"]
        raise AbsentError(f"it could not be installed: {lines[-1][:200]}")
    (folder / "done").write_text(wanted)


def _is_done(folder: Path, wanted: str) -> bool:
    mark = folder / "done"
    return mark.exists() and mark.read_text() == wanted


def _clear(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
