"""What goes wrong on demand.

    engine.faults.add("429", path="/v1/charges", times=3)
    engine.faults.add("cut_after", method="POST", path="/v1/refunds")      # done, but the answer never arrives
    engine.faults.add("duplicate", type="charge.*", chance=0.1, times=None)

Requests: 429 · lock_timeout · 500 · cut_before · cut_after · slow (seconds). Paths are whole, or end in `*`.
Events: duplicate · reorder · drop · delay (seconds) · version. Chance is drawn from the seed.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from random import Random

import msgspec

from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.limits import locked, too_many

REQUESTS = ("429", "lock_timeout", "500", "cut_before", "cut_after", "slow")
EVENTS = ("duplicate", "reorder", "drop", "delay", "version")


class Cut(ConnectionError):  # noqa: N818 - what happens, not a mistake
    """The connection is cut; in process it is raised to the caller."""


class Fault(msgspec.Struct):
    """One thing to go wrong, `times` times (None = until cleared)."""

    kind: str
    method: str = "*"
    path: str = "*"
    type: str = "*"
    times: int | None = 1
    chance: float = 1.0
    seconds: float = 0.0
    version: str = "2024-06-20"
    reason: str = "endpoint-rate"
    happened: int = 0


class Faults:
    """Those that wait to happen."""

    def __init__(self, seed: int) -> None:
        self.waiting: list[Fault] = []
        self._chance = Random(seed)

    def add(self, kind: str, **how: object) -> Fault:
        """Let something go wrong; `how` as in `Fault`."""
        return self.put(msgspec.convert({"kind": kind, **how}, Fault))

    def put(self, fault: Fault) -> Fault:
        """The same, for one that is made."""
        if fault.kind not in REQUESTS + EVENTS:
            raise StripeError(f"No such fault: {fault.kind}", param="kind")
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.waiting.clear()

    def delay(self, method: str, path: str) -> float:
        """Seconds this request is held up before anything is done."""
        if not self.waiting:
            return 0.0
        fault = self._of_request(("slow",), method, path)
        return fault.seconds if fault else 0.0

    def refuse(self, method: str, path: str) -> None:
        """Fail this request before it took effect, if it is to fail."""
        if not self.waiting:
            return
        fault = self._of_request(("429", "lock_timeout", "500", "cut_before"), method, path)
        if fault is None:
            return
        if fault.kind == "429":
            raise too_many(fault.reason)
        if fault.kind == "lock_timeout":
            raise locked()
        if fault.kind == "500":
            raise StripeError(
                "An error occurred with our connection to a dependent service. Please try again.",
                type="api_error",
                status=500,
            )
        raise Cut(f"cut before {method} {path} took effect")

    def cut_after(self, method: str, path: str) -> None:
        """Lose the answer of this request, if it is to be lost."""
        if self.waiting and self._of_request(("cut_after",), method, path):
            raise Cut(f"cut after {method} {path} took effect")

    def of_event(self, type: str) -> list[Fault]:  # noqa: A002
        """What happens to an event's delivery."""
        if not self.waiting:
            return []
        return [
            fault
            for fault in list(self.waiting)
            if fault.kind in EVENTS and fnmatchcase(type, fault.type) and self._happens(fault)
        ]

    def _of_request(self, kinds: tuple[str, ...], method: str, path: str) -> Fault | None:
        for fault in list(self.waiting):
            if (
                fault.kind in kinds
                and fault.method in ("*", method)
                and fnmatchcase(path, fault.path)
                and self._happens(fault)
            ):
                return fault
        return None

    def _happens(self, fault: Fault) -> bool:
        if fault.chance < 1 and self._chance.random() >= fault.chance:
            return False
        fault.happened += 1
        if fault.times is not None and fault.happened >= fault.times:
            self.waiting.remove(fault)
        return True
