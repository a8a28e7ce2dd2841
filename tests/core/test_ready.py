"""Every Struct that threads convert to is read by msgspec at import: the first time in two threads at once crashes the process."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import bookhand

ROOT = Path(bookhand.__file__).parent
BUILT_IN = {"dict", "list", "str", "int", "Any", "bytes", "Raw"}


def _converted(tree: ast.AST) -> set[str]:
    """The names of the types that a module converts or decodes to on the spot."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "convert" and len(node.args) > 1:
            found |= _names(node.args[1])
        if node.func.attr == "decode":
            found |= {name for word in node.keywords if word.arg == "type" for name in _names(word.value)}
    return found - BUILT_IN


def _names(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)} - {"tuple", "msgspec"}


def _read_before(tree: ast.AST) -> set[str]:
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ready"
    ]
    return {name for call in calls for argument in call.args for name in _names(argument)}


def test_every_type_that_is_converted_to_was_read_at_import() -> None:
    trees = {path: ast.parse(path.read_text()) for path in ROOT.rglob("*.py") if "sandbox" not in path.parts}
    ready = {name for tree in trees.values() for name in _read_before(tree)}
    missing = {
        str(path.relative_to(ROOT)): lacking
        for path, tree in trees.items()
        if (lacking := _converted(tree) - ready)
    }
    assert missing == {}


_FIRST_USE = """
import sys, threading
from datetime import UTC, datetime
from bookhand.actions import store
sys.setswitchinterval(1e-6)
wall = threading.Barrier(12)
def go():
    wall.wait()
    for _ in range(30):
        store.msgspec.convert({"kind": "approve", "call_hash": "", "by_who": "", "by_name": "", "channel": "", "note": None, "details": {},
                               "at": datetime.now(UTC)}, store.Decision)
threads = [threading.Thread(target=go) for _ in range(12)]
[each.start() for each in threads]
[each.join() for each in threads]
"""


@pytest.mark.parametrize("_", range(5))
def test_twelve_threads_may_be_the_first(_: int) -> None:
    assert subprocess.run([sys.executable, "-c", _FIRST_USE], check=False).returncode == 0
