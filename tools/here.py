"""Make this checkout importable in the environment that runs this: one `.pth` file and the `bookhand` command, no build."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

source = Path(__file__).resolve().parent.parent / "src"
(Path(sysconfig.get_path("purelib")) / "bookhand-checkout.pth").write_text(f"{source}\n")

if sys.platform == "win32":
    command, text = "bookhand.cmd", f'@"{sys.executable}" -m bookhand %*\n'
else:
    command, text = "bookhand", f'#!/bin/sh\nexec "{sys.executable}" -m bookhand "$@"\n'
path = Path(sysconfig.get_path("scripts")) / command
path.write_text(text)
path.chmod(0o755)
