"""Where the browser is: the one that CHROMIUM names, the system's, Playwright's own, or one that is fetched now, once: by Playwright, or
on Debian, by whom that is allowed, from its packages.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
NONE = (
    "NO BROWSER TEST WAS RUN: there is no Chromium here and none could be fetched. Install one (Debian: `apt install chromium`), name it in "
    "CHROMIUM, or run `.venv/bin/playwright install chromium`."
)
_FETCH_SECONDS = 240
_APT_INSTALL = ["apt-get", "install", "-y", "--no-install-recommends", "chromium"]


def found(program: Playwright) -> tuple[bool, str | None]:
    """Whether there is a browser, and where; None is Playwright's own."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if named:
        return True, named
    own = Path(program.chromium.executable_path)
    if not own.exists():
        _tried([sys.executable, "-m", "playwright", "install", "chromium"])
    if own.exists():
        return True, None
    if os.geteuid() == 0 and shutil.which("apt-get"):
        if not _tried(_APT_INSTALL):
            _tried(["apt-get", "update"])
            _tried(_APT_INSTALL)
        there = shutil.which("chromium")
        return there is not None, there
    return False, None


def _tried(command: list[str]) -> bool:
    """Run it, with an end; whether it did what it says."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        return (
            subprocess.run(
                command, timeout=_FETCH_SECONDS, check=False, capture_output=True, env=env
            ).returncode
            == 0
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
