"""What goes wrong on demand, for any stand-in.

    stand_in.faults.add("429", path="*/batch", times=3)
    stand_in.faults.add("cut_after", method="POST", path="*/journalentry")      # written, but the answer never arrives
    stand_in.faults.add("500", chance=0.05, times=None)                         # now and then, until cleared; drawn from the seed

Kinds: 429 · 500 (nothing was done) · 500_after (done, and then 500) · cut_before · cut_after · slow (`seconds` before anything is done)
· slow_after (done, and answered `seconds` later) · token_revoked, and what a stand-in has of its own. Paths are whole, or have ``*`` in them.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from random import Random

import msgspec

KINDS = ("429", "500", "500_after", "cut_before", "cut_after", "slow", "slow_after", "token_revoked")


class Fault(msgspec.Struct):
    """One thing to go wrong, `times` times (None: until cleared). `detail` is a stand-in's own."""

    kind: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    chance: float = 1.0
    seconds: float = 0.0
    detail: str = ""
    happened: int = 0


class Faults:
    """Those that wait to happen, and how often each kind did."""

    def __init__(self, seed: int, *, kinds: Iterable[str] = ()) -> None:
        self.kinds = (*KINDS, *kinds)
        self.waiting: list[Fault] = []
        self.happened: dict[str, int] = {}
        self._chance = Random(seed)

    def add(self, kind: str, **how: object) -> Fault:
        """Let something go wrong; `how` as in `Fault`. ValueError for what is no fault."""
        fault = msgspec.convert({"kind": kind, **how}, Fault, strict=False)
        if fault.kind not in self.kinds:
            raise ValueError(f"There is no fault {fault.kind!r}: there are {', '.join(self.kinds)}.")
        self.waiting.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.waiting.clear()

    def of(self, method: str, path: str, *kinds: str) -> Fault | None:
        """The fault of one of `kinds` that happens to this request, if one does; it is counted."""
        for fault in self.waiting:
            if fault.kind in kinds and fault.method in ("*", method) and fnmatchcase(path, fault.path):
                if fault.chance < 1 and self._chance.random() >= fault.chance:
                    continue
                self._count(fault)
                return fault
        return None

    def _count(self, fault: Fault) -> None:
        fault.happened += 1
        self.happened[fault.kind] = self.happened.get(fault.kind, 0) + 1
        if fault.times is not None and fault.happened >= fault.times:
            self.waiting.remove(fault)
