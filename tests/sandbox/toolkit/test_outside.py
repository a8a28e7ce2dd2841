"""What the stand-ins share, over HTTP: faults that hurt as they say, a clock that goes forward, exact JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.server import running
from bookhand.sandbox.outside.standin import Request, Response, StandIn, decode, reply

LEDGER = """
from bookhand.sandbox.outside.server import start
from bookhand.sandbox.outside.standin import StandIn, reply

class Ledger(StandIn):
    name = "Ledger"
    def answer(self, request):
        return reply({"path": request.path})

start(lambda chosen: Ledger(seed=chosen.seed), default_port=0)
"""


class Ledger(StandIn):
    """Keeps what it is sent, and refuses a second request beside the first."""

    name = "Ledger"
    kinds = ("locked",)

    def __init__(self) -> None:
        super().__init__(clock=Clock(1_767_225_600, stands=True))
        self.kept: list[object] = []

    def answer(self, request: Request) -> Response:
        if request.method == "POST":
            self.kept.append(request.json())
        return reply({"kept": self.kept, "day": self.clock.day()})

    def trouble(self, fault: object, request: Request) -> Response | None:
        kind = getattr(fault, "kind", "")
        return reply({"fault": kind}, status=423) if kind == "locked" else super().trouble(fault, request)  # type: ignore[arg-type]

    def admit(self, request: Request) -> Response | None:
        return reply({}, status=409) if self.under_way > 1 and request.path == "/alone" else None


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def http(ledger: Ledger) -> Iterator[httpx.Client]:
    with running(ledger) as url, httpx.Client(base_url=url, timeout=10) as client:
        yield client


def test_cut_before_does_nothing_and_cut_after_does_it(ledger: Ledger, http: httpx.Client) -> None:
    for kind, kept in (("cut_before", 0), ("cut_after", 1), ("500", 1), ("500_after", 2), ("429", 2)):
        http.post(
            "/_standin/faults", json={"kind": kind, "method": "POST", "path": "/ent*"}
        ).raise_for_status()
        if kind.startswith("cut"):
            with pytest.raises(httpx.RemoteProtocolError):
                http.post("/entry", json={"n": 1})
        else:
            assert http.post("/entry", json={"n": 1}).status_code == int(kind[:3])
        assert len(ledger.kept) == kept, kind
    assert http.post("/entry", json={"n": 1}).status_code == 200  # each happened once
    seen = http.get("/_standin").json()
    assert seen["too_many"] == 1
    assert seen["calls"] == {"POST /entry": 6}
    assert seen["faults"]["happened"] == {"cut_before": 1, "cut_after": 1, "500": 1, "500_after": 1, "429": 1}


def test_a_fault_of_its_own_and_one_that_stays_until_cleared(http: httpx.Client) -> None:
    http.post("/_standin/faults", json={"kind": "locked", "times": None})
    assert [http.get("/x").status_code for _ in range(3)] == [423] * 3
    http.delete("/_standin/faults")
    assert http.get("/x").status_code == 200
    refused = http.post("/_standin/faults", json={"kind": "flood"})
    assert (refused.status_code, "There is no fault 'flood'" in refused.json()["error"]) == (400, True)
    assert http.post("/_standin/nothing", json={}).status_code == 404


def test_chance_is_drawn_from_the_seed() -> None:
    def drawn() -> list[bool]:
        ledger = Ledger()
        ledger.faults.add("500", chance=0.5, times=None)
        return [ledger.faults.of("GET", "/", "500") is not None for _ in range(40)]

    assert drawn() == drawn()
    assert 5 < sum(drawn()) < 35


def test_the_clock_is_moved_and_goes_forward_only(http: httpx.Client) -> None:
    http.post("/_standin/clock", json={"advance": 86_400}).raise_for_status()
    assert http.get("/x").json()["day"] == "2026-01-02"
    assert http.post("/_standin/clock", json={"advance": -1}).status_code == 400


def test_numbers_are_exact(ledger: Ledger, http: httpx.Client) -> None:
    answer = http.post(
        "/entry", content=b'{"Amount": 90071992547409.93}', headers={"content-type": "application/json"}
    )
    assert ledger.kept == [{"Amount": Decimal("90071992547409.93")}]
    assert b"90071992547409.93" in answer.content
    assert decode(answer.content)["kept"] == ledger.kept


def test_requests_overlap_while_they_are_slow(ledger: Ledger, http: httpx.Client) -> None:
    ledger.faults.add("slow", path="/slow", seconds=0.4)
    with httpx.Client(base_url=http.base_url) as other, other.stream("GET", "/_standin"):
        pass

    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(http.get, "/slow")
        while not ledger.under_way:
            pass
        assert httpx.get(f"{http.base_url}/alone").status_code == 409
        assert slow.result().status_code == 200
    assert httpx.get(f"{http.base_url}/alone").status_code == 200


def test_it_starts_as_a_program_and_says_where_it_is(tmp_path: Path) -> None:
    program = tmp_path / "ledger.py"
    program.write_text(LEDGER)
    with subprocess.Popen(
        [sys.executable, str(program), "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        said = re.fullmatch(r"Ledger on (http://127\.0\.0\.1:\d+)\n", child.stdout.readline())
        try:
            assert said is not None
            assert json.loads(httpx.get(f"{said[1]}/a").content) == {"path": "/a"}
        finally:
            child.terminate()
