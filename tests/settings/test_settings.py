"""Settings are read once, and a wrong one is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bookhand import settings
from bookhand.core.problems import Refusal


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"BOOKHAND_{name.upper()}", raising=False)


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bookhand.toml").write_text('port = 9000\ntimezone = "Europe/Berlin"\n')
    monkeypatch.setenv("BOOKHAND_PORT", "9001")
    found = settings.read()
    assert (found.port, found.timezone) == (9001, "Europe/Berlin")
    assert settings.read(port=9002).port == 9002


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('timezone = "Mars/Olympus"', "BOOKHAND_TIMEZONE"),
        ("port = 70000", "BOOKHAND_PORT"),
        ('public_url = "http://books.example.com"', "https://"),
        ('colour = "red"', "bookhand.example.toml"),
        ("port = ", "no TOML"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, names: str) -> None:
    (tmp_path / "bookhand.toml").write_text(line + "\n")
    with pytest.raises(Refusal, match=re.escape(names)):
        settings.read()


def test_a_secret_setting_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOKHAND_SEALING_KEY", "hush-hush")
    monkeypatch.setenv("BOOKHAND_PORT", "no number")
    assert "hush-hush" not in repr(settings.read(port=1))
    with pytest.raises(Refusal) as told:
        settings.read()
    assert "hush-hush" not in str(told.value)


def test_the_example_file_documents_every_plain_setting() -> None:
    text = (Path(__file__).parents[2] / "bookhand.example.toml").read_text()
    secret = {
        "sealing_key",
        "stripe_developer_key",
        "oidc_client_secret",
        "quickbooks_client_secret",
        "plaid_secret",
    }
    missing = [
        name for name in settings.Settings.model_fields if name not in secret and f"# {name} = " not in text
    ]
    assert missing == []
