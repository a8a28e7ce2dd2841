"""The stand-in as a process of its own: started by command, killed at any moment, asked by many at once."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import contextmanager

import httpx


@contextmanager
def started(*options):
    command = [sys.executable, "-m", "bookhand.sandbox.stripe", "--port", "0", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = re.search(r"http://\S+", process.stdout.readline())[0]
        key = process.stdout.readline().split()[-1]
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}) as client:
            yield process, client
    finally:
        process.kill()
        process.wait(timeout=10)
        process.stdout.close()


def test_what_was_answered_survives_a_kill(tmp_path):
    options = ("--db", str(tmp_path / "stripe.db"), "--seed", "11", "--clock", "1760000000")
    with started(*options) as (_, client):
        made = [
            client.post(
                "/v1/webhook_endpoints", data={"url": f"http://127.0.0.1:1/{at}", "enabled_events[]": "*"}
            ).json()
            for at in range(5)
        ]
    with started(*options) as (_, client):
        shown = client.get("/_pinstripe").json()
        assert (shown["seed"], shown["clock"]) == (11, 1_760_000_000)
        kept = client.get("/v1/webhook_endpoints").json()["data"]
        assert [one["id"] for one in kept] == [one["id"] for one in reversed(made)]


def test_a_running_clock_latency_and_limits_by_command():
    options = ("--clock", "1760000000", "--speed", "100000", "--latency", "30", "--limits")
    with started(*options) as (_, client):
        assert client.get("/_pinstripe/clock").json()["now"] > 1_760_000_000
        answers = [client.get("/v1/events") for _ in range(3)]
        assert {answer.status_code for answer in answers} == {200}
        assert min(answer.elapsed.total_seconds() for answer in answers) >= 0.03


def test_many_at_once(stand):
    def post():
        with httpx.Client(headers={"Authorization": f"Bearer {stand.engine.keys().test}"}) as client:
            for _ in range(25):
                assert client.post(f"{stand.url}/v1/widgets", data={"amount": 1}).status_code == 200

    def call():
        for _ in range(25):
            assert stand.engine.call("POST", "/v1/widgets", {"amount": 1}).status == 200

    threads = [threading.Thread(target=work) for work in (post, post, call, call)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with stand.engine.session() as call_:
        assert len(call_.find("widget")) == 100
        assert call_.marks("widgets") == 100
