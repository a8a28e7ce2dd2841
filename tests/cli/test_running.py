"""What `serve` runs: ready once the worker is, private by default, and open to Stripe alone under its public name."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bookhand.cli.running import Running
from bookhand.core.problems import Refusal
from bookhand.settings import Settings
from bookhand.wiring import open_house


@pytest.fixture
def running(database_url: str, tmp_path: Path) -> Iterator[Running]:
    settings = Settings(
        data_dir=tmp_path, books_dir=tmp_path / "books", database_url=database_url, port=0,
        public_url="https://books.example.com", page_hosts="pages.example.com, other.example.com",
    )  # fmt: skip
    with open_house(settings) as house, Running(house) as running:
        yield running


def test_it_becomes_ready_and_shows_its_pages_to_this_machine_alone(running: Running) -> None:
    deadline = time.monotonic() + 20
    while (health := httpx.get(f"{running.url}/health")).status_code != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert health.json()["status"] == "ok"
    assert "No account is connected yet." in httpx.get(running.url).text
    stranger = httpx.get(running.url, headers={"host": "books.example.com"})
    assert stranger.status_code == 403
    assert httpx.get(f"{running.url}/metrics", headers={"host": "books.example.com"}).status_code == 403
    for host in ("pages.example.com", "other.example.com"):
        assert httpx.get(running.url, headers={"host": host}).status_code == 200


def test_without_a_connection_every_command_says_how_to_begin(running: Running) -> None:
    for ask in (running.house.some, lambda: running.house.named(None)):
        with pytest.raises(Refusal, match="bookhand connect stripe"):
            ask()


def test_stripe_reaches_the_door_under_any_name(running: Running) -> None:
    answer = httpx.post(
        f"{running.url}/webhooks/stripe/1",
        content=b"{}",
        headers={"host": "books.example.com", "x-forwarded-for": "3.18.12.63"},
    )
    assert (answer.status_code, answer.json()["error"]["reason"]) == (404, "unknown_connection")
    assert 'outcome="unknown_connection"} 1.0' in httpx.get(f"{running.url}/metrics").text
