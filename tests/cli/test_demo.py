"""What a newcomer does: one command, a company, its Stripe and its books; and the same against an account of one's own."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bookhand.sandbox.bank.lantern import ODDITIES
from bookhand.systems.stripe import MANIFEST

SOURCE = Path(__file__).parents[2] / "src"


def _environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("BOOKHAND_")}
    return {
        **kept,
        "PYTHONPATH": str(SOURCE),
        "COLUMNS": "160",
        "NO_COLOR": "1",
        "BOOKHAND_DATA_DIR": str(folder / "data"),
        **more,
    }


def _bookhand(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bookhand", *arguments],
        cwd=folder, env=_environment(folder, **more), capture_output=True, text=True, check=False, timeout=480,
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for each in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        each.chmod(each.stat().st_mode | 0o011)
    return tmp_path


def test_the_demo_proves_itself_and_leaves_with_0(folder: Path) -> None:
    done = _bookhand(folder, "demo", "--once")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every proof stands at 0, the books are equal, and the bank is reconciled." in done.stdout
    for name, currency in (
        ("Lantern Metrics", "USD"),
        ("Lantern Metrics Europe", "EUR"),
        ("Lantern Metrics Europe", "USD"),
    ):
        assert re.search(rf"{name} +TEST +{currency} .* 0\.00 ", done.stdout), done.stdout
    assert (folder / "books" / "main.beancount").exists()
    for book in ("Beancount", "QuickBooks", "NetSuite"):
        for method in ("clearing", "deposit"):
            assert re.search(rf"{book}, by {method} +{method} .* books equal", done.stdout), done.stdout
    for oddity in ODDITIES:
        assert re.search(rf"{oddity} .* yes ", done.stdout), (oddity, done.stdout)
    assert len(re.findall(r"^ *Difference +0\.00", done.stdout, re.MULTILINE)) == 3, done.stdout
    assert "_test_" not in done.stdout + done.stderr


@contextmanager
def _pinstripe(folder: Path) -> Iterator[str]:
    command = [
        sys.executable,
        "-m",
        "bookhand.sandbox.stripe",
        "--port",
        "0",
        "--world",
        "seed=3,months=3,customers=12",
    ]
    process = subprocess.Popen(
        [*command, "--db", str(folder / "world.db")],
        env=_environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
    finally:
        process.kill()
        process.wait()


def _key(url: str, **less: str) -> str:
    ways = [need.permission.removeprefix("rak_").rpartition("_") for need in MANIFEST.needs]
    permissions = {f"permissions[{resource}]": way for resource, _, way in ways if resource not in less}
    return str(httpx.post(f"{url}/_pinstripe/keys", data=permissions).json()["key"])


def test_an_account_of_ones_own(folder: Path, database_url: str) -> None:
    with _pinstripe(folder) as url:
        more = {
            "BOOKHAND_DATABASE_URL": database_url,
            "BOOKHAND_STRIPE_BASE_URL": url,
            "STRIPE_API_KEY": _key(url),
        }
        connected = _bookhand(folder, "connect", "stripe", "--name", "Mine", **more)
        assert (connected.returncode, "Connected Mine" in connected.stdout) == (0, True), connected.stderr
        brought = _bookhand(folder, "backfill", **more)
        assert (brought.returncode, "Complete:" in brought.stdout) == (0, True), (
            brought.stdout + brought.stderr
        )
        assert _bookhand(folder, "proof", **more).returncode == 0
        checked = _bookhand(folder, "check", **more)
        assert (checked.returncode, "byte for byte" in checked.stdout) == (0, True), (
            checked.stdout + checked.stderr
        )
        exported = _bookhand(folder, "export", "beancount", **more)
        assert (exported.returncode, "bean-check finds nothing wrong" in exported.stdout) == (0, True), (
            exported.stdout
        )
        assert (folder / "books" / "test" / "main.beancount").exists()
        assert more["STRIPE_API_KEY"] not in "".join(
            each.stdout + each.stderr for each in (connected, brought, checked)
        )
        _serve_a_moment(folder, more)


def _serve_a_moment(folder: Path, more: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "bookhand", "serve", "--port", "0"],
        cwd=folder, env=_environment(folder, **more), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3]
        assert "Mine" in httpx.get(url).text
        assert httpx.get(f"{url}/metrics").status_code == 200
        deadline = time.monotonic() + 30
        while httpx.get(f"{url}/health").status_code != 200:
            assert time.monotonic() < deadline, httpx.get(f"{url}/health").text
            time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def test_a_history_that_begins_late_has_an_opening_balance(folder: Path, database_url: str) -> None:
    with _pinstripe(folder) as url:
        more = {
            "BOOKHAND_DATABASE_URL": database_url,
            "BOOKHAND_STRIPE_BASE_URL": url,
            "STRIPE_API_KEY": _key(url),
        }
        assert _bookhand(folder, "connect", "stripe", **more).returncode == 0
        late = _bookhand(folder, "backfill", "--months", "1", **more)
        assert (late.returncode, "Complete:" in late.stdout) == (0, True), late.stdout + late.stderr
        assert _bookhand(folder, "proof", **more).returncode == 0
        whole = _bookhand(folder, "backfill", "--all", **more)
        assert (whole.returncode, "Complete:" in whole.stdout) == (0, True), whole.stdout + whole.stderr
        checked = _bookhand(folder, "check", **more)
        assert checked.returncode == 0, checked.stdout
        assert _bookhand(folder, "export", **more).returncode == 0
    books = "".join(path.read_text() for path in (folder / "books" / "test").glob("*.beancount"))
    assert "Equity:Opening-Balances:Stripe" in books


def test_a_key_without_a_permission_is_told_by_name(folder: Path, database_url: str) -> None:
    with _pinstripe(folder) as url:
        more = {"BOOKHAND_DATABASE_URL": database_url, "BOOKHAND_STRIPE_BASE_URL": url}
        refused = _bookhand(folder, "connect", "stripe", "--key", _key(url, payout="none"), **more)
        assert refused.returncode == 1
        assert "rak_payout_read" in refused.stderr
