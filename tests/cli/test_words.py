"""The command line's own words: amounts, days, and one sentence for what goes wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bookhand.cli.backfilling import duration
from bookhand.cli.books_commands import moment_of, refuse_empty
from bookhand.cli.tables import amount
from bookhand.core.problems import Refusal


@pytest.mark.parametrize(
    ("minor", "currency", "told"),
    [
        (0, "USD", "0.00"),
        (-123456, "USD", "(1,234.56)"),
        (1234567, "JPY", "1,234,567"),
        (-5, "KWD", "(0.005)"),
    ],
)
def test_amounts_as_accountants_write_them(minor: int, currency: str, told: str) -> None:
    assert amount(minor, currency) == told


def test_durations() -> None:
    assert [duration(each) for each in (0.4, 75, 3700)] == ["0 s", "1 min 15 s", "1 h 1 min"]


def test_a_day_begins_in_the_companys_zone() -> None:
    assert moment_of("2026-01-01", "UTC") - moment_of("2026-01-01", "Asia/Tokyo") == 9 * 3600
    with pytest.raises(Refusal, match="2026-01-31"):
        moment_of("01/31/2026", "UTC")


@pytest.mark.parametrize(("since", "until"), [(5, 5), (6, 5)])
def test_a_range_with_nothing_in_it_is_refused(since: int, until: int) -> None:
    refuse_empty(4, 5)
    with pytest.raises(Refusal, match="nothing in that range"):
        refuse_empty(since, until)


def _run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    source = Path(__file__).parents[2] / "src"
    environment |= {
        "PYTHONPATH": str(source),
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "TERM": "dumb",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-m", "bookhand", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def test_trouble_is_one_sentence_and_exit_code_1(tmp_path: Path, database_url: str) -> None:
    address = {"BOOKHAND_DATABASE_URL": database_url}
    wrong = _run(tmp_path, "settings", BOOKHAND_PORT="many")
    assert (wrong.returncode, "BOOKHAND_PORT" in wrong.stderr, "Traceback" in wrong.stderr) == (
        1,
        True,
        False,
    )
    assert wrong.stderr.count("..") == 0
    for asked, told in (
        (("backfill", "--from", "2026-02-01", "--to", "2026-01-01"), "nothing in that range"),
        (("periods", "close", "2999-01"), "2999-01 is not over yet"),
        (("periods", "close", "2026-13"), "'2026-13' is no period"),
    ):
        refused = _run(tmp_path, *asked, **address)
        assert (refused.returncode, told in refused.stderr) == (1, True), refused.stderr
    nothing = _run(tmp_path, "backfill", **address)
    assert (nothing.returncode, "bookhand connect stripe" in nothing.stderr) == (1, True)
    publishable = _run(tmp_path, "connect", "stripe", "--key", "pk_test_nothing", **address)
    assert (publishable.returncode, "publishable key" in publishable.stderr) == (1, True)
    assert "pk_test_nothing" not in publishable.stderr + publishable.stdout
    sealing = _run(tmp_path, "settings", BOOKHAND_SEALING_KEY="hush-hush")
    assert (sealing.returncode, "hush-hush" in sealing.stdout) == (0, False)
    assert _run(tmp_path, "connections", **address).stdout.startswith("Nothing is connected yet")
