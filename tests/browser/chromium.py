"""Where the browser is: the one that CHROMIUM names, the system's, Playwright's own, or one that is fetched now, once."""

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


def found(program: Playwright) -> tuple[bool, str | None]:
    """Whether there is a browser, and where; None is Playwright's own."""
    named = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if named:
        return True, named
    own = Path(program.chromium.executable_path)
    if not own.exists():
        fetch = [sys.executable, "-m", "playwright", "install", "chromium"]
        try:
            subprocess.run(fetch, timeout=_FETCH_SECONDS, check=False, capture_output=True)
        except subprocess.TimeoutExpired:
            return False, None
    return own.exists(), None
