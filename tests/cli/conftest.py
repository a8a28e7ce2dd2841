"""A terminal of one width, whoever runs the tests: a console takes the width that it is made with, and a worker's is another."""

from __future__ import annotations

import pytest

from bookhand.cli.app import err, out


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    for console in (out, err):
        monkeypatch.setattr(console, "_width", 200)
