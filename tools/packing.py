"""Hatch's hook: a wheel or a source archive carries the built pages, so they are built before it is packed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parent.parent


class Packing(BuildHookInterface):  # type: ignore[type-arg]  # the interface's parameter is of hatch's own inside
    """Builds ``src/bookhand/web/built`` where it is not there yet."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 (named by the interface)
        """Before anything is packed; without the pages nothing is."""
        if version == "editable" or (ROOT / "src" / "bookhand" / "web" / "built" / "built.txt").exists():
            return
        if subprocess.run([sys.executable, str(ROOT / "tools" / "frontend.py")], check=False).returncode:
            raise SystemExit(
                "The pages could not be built, so nothing is packed: run `make pages` and look at what it says."
            )
