"""Rate limits in layers, pure: which limits a call is under, and at which moments it may start.

A layer is so many calls in any window of so many seconds. A call stands under several (the account, its endpoint, perhaps its
object) and takes a moment that suits all of them at once. `grant` finds such moments; its state is the moments already given, so
whoever holds the state (a process, or a row that all workers share) holds the limit. Moments lie on the grid of the account's
rate, which spreads calls evenly and lets endpoints interleave without gaps.

A moment may be used up to the layer's lateness after it, and not later; windows are stretched by as much, so that the count of
calls that start in any window is never over the layer's, however the sleepers wake. That costs 3.4 % of the rate. A moment that was
not used is given back (`give_back`), or whoever wakes late would pay for it twice.

>>> state: State = {}
>>> moments = grant(state, [(Layer("account", 100),)] * 3, now=0)
>>> [later - sooner for sooner, later in zip(moments, moments[1:])]
[10350, 10350]
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Collection, Mapping, Sequence

import msgspec

from bookhand.core.problems import Problem, Refusal

LATENESS = 35_000
"""Microseconds after its moment in which a call may still start, where its layer does not say otherwise."""

_SECOND = 1_000_000
_GRID_SECONDS = 1.0

State = dict[str, list[int]]
"""Moments given (microseconds, ascending), by layer."""


class Layer(msgspec.Struct, frozen=True):
    """At most `count` calls in any `window_seconds`; `name` is what is counted together, `lateness` is in microseconds."""

    name: str
    count: int
    window_seconds: float = 1.0
    lateness: int = LATENESS

    @property
    def span(self) -> int:
        """The window in microseconds, stretched by the lateness that is allowed."""
        return round(self.window_seconds * _SECOND) + self.lateness

    @property
    def gap(self) -> int:
        """Microseconds between calls when they are spread evenly."""
        return -(-self.span // self.count)


def grant(state: State, wanted: Sequence[Sequence[Layer]], *, now: int) -> list[int]:
    """A moment for each of `wanted`, the next that suits all of its layers, written into `state`.

    The first layer of each is the widest, and sets the grid.
    """
    prune(state, now, {layer for layers in wanted for layer in layers})
    return [_grant_one(state, layers, now) for layers in wanted]


def give_back(state: State, layers: Sequence[Layer], moment: int) -> list[int]:
    """Take a moment that nobody used out of `state`; no moment is given for it.

    >>> given: State = {"account": [0, 10350]}
    >>> give_back(given, [Layer("account", 100)], 10350), given
    ([], {'account': [0]})
    """
    for layer in layers:
        given = state.get(layer.name, [])
        at = bisect_left(given, moment)
        if at < len(given) and given[at] == moment:
            del given[at]
    return []


def _grant_one(state: State, layers: Sequence[Layer], now: int) -> int:
    step = layers[0].gap
    moment = _first_fit(state, layers, _on_grid(now, step), step)
    for layer in layers:
        insort(state.setdefault(layer.name, []), moment)
    return moment


def binding(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """`layers` without those that allow no less than the first does: they never bind."""
    widest, *others = layers
    return (
        widest,
        *(
            each
            for each in others
            if each.count < widest.count or each.window_seconds != widest.window_seconds
        ),
    )


def prune(state: State, now: int, layers: Collection[Layer]) -> None:
    """Forget the moments that no window reaches any more."""
    reach = {layer.name: layer.span + layer.lateness for layer in layers}
    longest = 3600 * _SECOND + 2 * LATENESS
    for name, moments in list(state.items()):
        del moments[: bisect_left(moments, now - reach.get(name, longest))]
        if not moments:
            del state[name]


def _first_fit(state: State, layers: Sequence[Layer], moment: int, step: int) -> int:
    while True:
        later = max(_earliest(state.get(layer.name, []), layer, moment, step) for layer in layers)
        if later == moment:
            return moment
        moment = _on_grid(later, step)


def _earliest(given: Sequence[int], layer: Layer, moment: int, step: int) -> int:
    """`moment` if the layer has room for it, else a later one to try."""
    at = bisect_left(given, moment)
    if layer.window_seconds > _GRID_SECONDS:
        return _after_all(given, layer, moment)
    pace = max(step, layer.gap // step * step)
    if at and moment - given[at - 1] < pace:
        return given[at - 1] + pace
    if at < len(given) and given[at] - moment < pace:
        return given[at] + pace
    around = [*given[max(0, at - layer.count) : at], moment, *given[at : at + layer.count]]
    crowded = any(
        around[last] - around[last - layer.count] < layer.span for last in range(layer.count, len(around))
    )
    return moment + step if crowded else moment


def _after_all(given: Sequence[int], layer: Layer, moment: int) -> int:
    """Long windows are filled in order: they are for one object, which is never hurried."""
    if len(given) < layer.count:
        return moment
    return max(moment, given[-layer.count] + layer.span)


def _on_grid(moment: int, step: int) -> int:
    return -(-moment // step) * step


# --- the monthly allocation of reads ---

QUOTA_DAYS = 30
READ_QUOTA = "read_quota"
READS_FLOOR = 10_000
READS_PER_TRANSACTION = 500
_WARN_AT = 0.8


class ReadQuota(msgspec.Struct, frozen=True, kw_only=True):
    """Reads of the last `QUOTA_DAYS` days against what Stripe allots (500 a transaction, 10,000 at least)."""

    reads: int
    transactions: int

    @property
    def allowed(self) -> int:
        """How many reads the window allots."""
        return max(READS_FLOOR, READS_PER_TRANSACTION * self.transactions)


def quota_problem(quota: ReadQuota, *, account: str) -> Problem | None:
    """A warning from 80 % of the allocation on."""
    if quota.reads < _WARN_AT * quota.allowed:
        return None
    return Problem(
        kind=READ_QUOTA, subject=account,
        message=f"{quota.reads:,} reads of {account} in {QUOTA_DAYS} days, of {quota.allowed:,} that Stripe allots "
        f"({READS_PER_TRANSACTION} a transaction, {READS_FLOOR:,} at least): poll less often, or lean on webhooks.",
    )  # fmt: skip


def overridden(counts: Mapping[str, int], overrides: Mapping[str, object]) -> dict[str, int]:
    """`counts` with a connection's own; `Refusal` for one that is no positive whole number."""
    merged = dict(counts)
    for name, count in overrides.items():
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise Refusal(
                f"The limit {name!r} is {count!r}: it must be a whole number of calls a second, at least 1. Correct the "
                "connection's limits."
            )
        merged[name] = count
    return merged
