"""The catalogue: every action and event there is, found by name, with parameters checked before anything else happens. Pure.

    catalogue = Catalogue(actions=(...), events=(...))
    action = catalogue.action("refunds.create")
    target, values = arguments(action, {"charge": "ch_1", "amount": 1500, "mode": "live"})

Errors: `Refusal` that names the nearest action, or every parameter that is wrong and what it takes.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from bookhand.core.action import Action, EventKind, Values
from bookhand.core.problems import Missing, Refusal
from bookhand.core.redaction import redact_text

OWN = "bookhand"
"""The vendor of bookhand's own actions: they reach no outside system."""
OVERRIDES = ("mode", "account", "api_version")
_LISTED = 12


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where a call goes, as far as the caller said: a mode, an account (by id or by the connection's name), another API version."""

    mode: str | None = None
    account: str | None = None
    api_version: str | None = None


class Catalogue:
    """What can be done, and what can happen, by name."""

    def __init__(
        self,
        actions: Iterable[Action],
        events: Iterable[EventKind] = (),
        *,
        listeners: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        """`listeners` is event type to what listens to it, in words; ``*`` listens to every one."""
        self.actions: dict[str, Action] = {}
        for action in actions:
            if action.name in self.actions:
                raise ValueError(f"Two actions are named {action.name}.")
            self.actions[action.name] = action
        self.events = {event.name: event for event in events}
        self._listeners = {name: tuple(who) for name, who in (listeners or {}).items()}

    def action(self, name: str) -> Action:
        """The action of that name; `Refusal` with the nearest ones."""
        found = self.actions.get(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self.actions, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "`bookhand actions` lists what there is."
        raise Missing(f"There is no action {redact_text(name)[:80]!r}. {hint}")

    def listeners(self, event: EventKind) -> list[str]:
        """What listens to an event, in words."""
        found = [*self._listeners.get("*", ())]
        for kind in event.types:
            found += [who for who in self._listeners.get(kind, ()) if who not in found]
        return found

    def described(self, name: str) -> dict[str, Any]:
        """An action as JSON: what it does, takes and gives, its risk, scope and limits."""
        action = self.action(name)
        return {
            "name": action.name, "tag": "action", "vendor": action.vendor, "summary": action.summary, "when": action.when,
            "risk": action.risk, "scope": action.scope, "limits": action.limits, "params": action.params.model_json_schema(),
            "result": {"object": action.result.object, "many": action.result.many, "fields": dict(action.result.fields)},
            "call": f"{action.call.way} {action.call.path}" if action.call else None,
            "previewed": action.plan is not None, "looked_up": action.lookup is not None,
        }  # fmt: skip

    def described_event(self, name: str) -> dict[str, Any]:
        """An event as JSON: what it means, the vendor's own names, and what listens."""
        event = self.events[name]
        return {
            "name": event.name, "tag": "event", "vendor": event.vendor, "summary": event.summary, "types": list(event.types),
            "listeners": self.listeners(event),
        }  # fmt: skip


def arguments(action: Action, given: Mapping[str, Any]) -> tuple[Target, Values]:
    """Where to, and the checked parameters; `Refusal` that names every one that is wrong.

    A parameter of the action's own wins over an override of the same name.
    """
    own = action.params.model_fields
    overrides = {name: given[name] for name in OVERRIDES if name in given and name not in own}
    wrong = [name for name, value in overrides.items() if not (isinstance(value, str) and value.strip())]
    if wrong:
        raise Refusal(f"{action.name}: {wrong[0]} must be a text.")
    rest = {name: value for name, value in given.items() if name not in overrides}
    try:
        checked = action.params.model_validate(rest)
    except ValidationError as error:
        raise Refusal(_sentence(action, error)) from None
    return Target(**overrides), checked.model_dump(mode="json", exclude_none=True, by_alias=True)


def faults(action: Action, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with the parameters, each by its name (dotted; '' is the whole) and in a sentence; none where they fit."""
    try:
        action.params.model_validate(dict(given))
    except ValidationError as error:
        return [
            (_name(item), redact_text("It is missing." if item["type"] == "missing" else f"{_said(item)}."))
            for item in _errors(error)
        ]
    return []


def _sentence(action: Action, error: ValidationError) -> str:
    found = []
    for item in _errors(error):
        name = _name(item)
        if item["type"] == "extra_forbidden":
            takes = ", ".join(action.params.model_fields) or "nothing"
            found.append(f"it takes no {name} (it takes {takes})")
        elif item["type"] == "missing":
            found.append(f"{name} is missing")
        else:
            found.append(f"{name}: {_said(item)}" if name else _said(item))
    return redact_text(f"{action.name} cannot be called like this: {'; '.join(found)}.")


def _errors(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_context=False, include_input=False)[:_LISTED])


def _name(item: Mapping[str, Any]) -> str:
    return ".".join(str(part) for part in item["loc"])


def _said(item: Mapping[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ").rstrip(".")


def endpoint(action: Action, values: Values) -> str:
    """The exact call in words: ``POST /v1/charges/ch_1/refunds``; for bookhand's own the action's name."""
    if action.call is None:
        return action.name
    path = action.call.path
    for name, value in values.items():
        path = path.replace(f"{{{name}}}", str(value))
    return f"{action.call.way} {path}"
