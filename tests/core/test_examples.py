"""The example in each module's docstring is its contract: every one of them is true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import bookhand

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(bookhand.__path__, "bookhand.")
    if not module.name.endswith("__main__") and ".migrations." not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module).failed == 0
