"""What became of a write whose answer was lost: looked for where the catalogue says, and told with the reason.

Each way gives done, certainly not, or nothing. "Done" of any way stands. "Not done" is said only if an object or a whole list that
would show it was read, or all events since; and only once the request cannot be under way any more (`Outage` until then).

    Looking(reading, action, values, key=key, marker=marker, since=since, now=now, livemode=True).look(result_id=None)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from bookhand.core.action import Action, Call, Get, Looked, Lookup, Values
from bookhand.core.problems import Outage, Refusal
from bookhand.systems.stripe.performing.asked import carries, marker_of, placed
from bookhand.systems.stripe.performing.reading_client import Reading

SETTLED_SECONDS = 30
"""After that long a request that was cut is not under way any more."""
TOLD_SECONDS = 120
"""After that long its events can be read."""
KEPT_SECONDS = 30 * 86_400 - 3_600
"""How long Stripe keeps events, less an hour to read them in."""
_EARLIER_SECONDS = 300
"""For clocks that disagree."""
_MOST_TYPES = 20
_UNTIMED = re.compile(
    r"/v1/(payment_links|subscription_items|payment_methods|customers/[^/]+/payment_methods|.+/(line_items|lines))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """The waits above, for tests to shorten."""

    settled_seconds: float = SETTLED_SECONDS
    told_seconds: float = TOLD_SECONDS


@dataclass(frozen=True, slots=True)
class Way:
    """What one way of looking gave; `found` is the object where it was done, `no` whether it is certainly not."""

    why: str
    found: Any = None
    no: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Looking:
    """One search for one write."""

    reading: Reading
    action: Action
    values: Values
    key: str
    marker: str
    since: int
    now: float
    livemode: bool
    patient: Patient

    def look(self, result_id: str | None) -> Looked:
        """All ways in their order, until one says that it was done."""
        tried = []
        for name, way in self._ways(result_id):
            told = _told(name, way)
            if told.found is not None:
                return Looked(outcome="done", why=told.why, data=told.found)
            tried.append(told)
        why = "; ".join(way.why for way in tried) or "the catalogue names no place to look"
        if not any(way.no for way in tried):
            return Looked(outcome="cannot_tell", why=f"Nobody can tell: {why}.")
        self._wait_until_settled()
        return Looked(outcome="not_done", why=f"It was not done: {why}.")

    def _ways(self, result_id: str | None) -> Iterator[tuple[str, Callable[[], Way]]]:
        lookup = self.action.lookup or Lookup()
        if result_id is not None and self.action.call is not None:
            path = object_path(self.action.call, self.values, result_id)
            if path is not None:
                yield "the object", lambda: self._known(path)
        if lookup.listed is not None:
            listed = lookup.listed(self.values)
            yield listed.path, lambda: self._listed(listed)
        if lookup.marked is not None:
            marked = lookup.marked(self.values)
            yield marked.path, lambda: self._marked(marked)
        if lookup.state is not None:
            state, holds = lookup.state
            yield "the object's state", lambda: self._state(state(self.values), holds)
        if lookup.events:
            yield "events", lambda: self._events(lookup.events)

    def _known(self, path: str) -> Way:
        found = self.reading.one(path, {})
        return Way(f"{path} is {'there' if found else 'not there'}", found=found)

    def _listed(self, get: Get) -> Way:
        listed = self.reading.listed(get.path, {**get.params, **self._span(get)})
        for found in listed.data:
            if carries(found, self.marker):
                return Way(f"{found.get('id')} in {get.path} carries this call's mark", found=found)
        whole = listed.cut is None
        return Way(
            f"none of the {listed.count:,} objects in {get.path} carries this call's mark"
            + ("" if whole else " (not all were read)"),
            no=whole,
        )

    def _span(self, get: Get) -> dict[str, Any]:
        """Only what was created since; not where a test clock may have given an object another time.

        What lives on a test clock is listed by that clock alone.
        """
        if "test_clock" in self.values:
            return {"test_clock": self.values["test_clock"]}
        narrow = self.livemode or not get.params
        if not narrow or not takes_created(get.path) or "created" in get.params:
            return {}
        return {"created": {"gte": self.since - _EARLIER_SECONDS}}

    def _marked(self, get: Get) -> Way:
        found = self.reading.one(get.path, get.params)
        if found is None:
            return Way(f"{get.path} is not there")
        if carries(found, self.marker):
            return Way(f"{found.get('id')} carries this call's mark", found=found)
        if marker_of(found) is None:
            return Way(f"{get.path} carries no call's mark", no=True)
        return Way(f"{get.path} carries another call's mark, which may have come before or after")

    def _state(self, get: Get, holds: Callable[[Values, Any], bool]) -> Way:
        found = self.reading.one(get.path, get.params)
        if found is None:
            return Way(f"{get.path} is not there")
        if holds(self.values, found):
            return Way(f"{get.path} is as this call would have made it", found=found)
        return Way(f"{get.path} is not as this call would have made it", no=True)

    def _events(self, types: tuple[str, ...]) -> Way:
        if self.now - self.since >= KEPT_SECONDS:
            return Way("the events of that time are not kept any more")
        for at in range(0, len(types), _MOST_TYPES):
            told = self._told_by(list(types[at : at + _MOST_TYPES]))
            if told.found is not None or not told.no:
                return told
        if self.now - self.since < self.patient.told_seconds:
            return Way("no event tells of it yet")
        return Way("no event since tells this call's idempotency key", no=True)

    def _told_by(self, types: list[str]) -> Way:
        since = {"created": {"gte": self.since - _EARLIER_SECONDS}}
        listed = self.reading.listed("/v1/events", {"types": types, **since})
        for event in listed.data:
            if (event.get("request") or {}).get("idempotency_key") == self.key:
                return Way(
                    f"the event {event['id']} tells this call's idempotency key",
                    found=event["data"]["object"],
                )
        return Way(
            "no event tells of it" + ("" if listed.cut is None else " (not all were read)"),
            no=listed.cut is None,
        )

    def _wait_until_settled(self) -> None:
        left = self.patient.settled_seconds - (self.now - self.since)
        if left > 0:
            raise Outage(
                f"There is no trace yet of {self.action.name}, and it may still be under way: look again in {left:.0f} seconds.",
                retry_after_seconds=left,
            )


def takes_created(path: str) -> bool:
    """Whether the list at `path` can be narrowed by when its objects were created."""
    return _UNTIMED.fullmatch(path) is None


def object_path(call: Call, values: Values, result_id: str) -> str | None:
    """Where the object that `call` made is fetched; None where the call only changed one that was there before."""
    if result_id in values.values():
        return None
    path, _ = placed(call.path, values)
    return f"{path}/{result_id}"


def _told(name: str, way: Callable[[], Way]) -> Way:
    """What a way gave; one that may not be read tells nothing."""
    try:
        return way()
    except Refusal as refusal:
        return Way(f"{name} could not be read ({refusal})")
