"""The catalogue as a page shows it: actions and events by vendor and resource, narrowed by filters. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, get_args

import msgspec

from bookhand.actions.catalogue import OWN, Catalogue
from bookhand.core.action import Action, EventKind, Risk

What = Literal["actions", "events"]
RISKS: tuple[Risk, ...] = get_args(Risk)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody looks for: '' is all of it."""

    what: What = "actions"
    vendor: str = ""
    risk: str = ""
    text: str = ""

    @property
    def is_all(self) -> bool:
        """Whether nothing narrows it."""
        return not (self.vendor or self.risk or self.text)


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """What one vendor offers for one kind of object."""

    vendor: str
    resource: str
    entries: tuple[Action | EventKind, ...]

    @property
    def id(self) -> str:
        """The id of its heading."""
        return f"{self.vendor}-{self.resource}".replace(".", "-")


def shelves(catalogue: Catalogue, wanted: Wanted) -> tuple[Shelf, ...]:
    """What fits, in the catalogue's order; what belongs to one kind of object stands together."""
    found: dict[tuple[str, str], list[Action | EventKind]] = {}
    for entry in _entries(catalogue, wanted.what):
        if _fits(entry, wanted):
            found.setdefault((entry.vendor, _resource(entry)), []).append(entry)
    return tuple(
        Shelf(vendor=vendor, resource=resource, entries=tuple(entries))
        for (vendor, resource), entries in sorted(
            found.items(), key=lambda item: _order(catalogue, item[0][0])
        )
    )


def vendors(catalogue: Catalogue) -> tuple[str, ...]:
    """Every vendor that something can be asked of; bookhand itself comes last."""
    found = list(dict.fromkeys(each.vendor for each in catalogue.actions.values()))
    return tuple(sorted(found, key=lambda vendor: _order(catalogue, vendor)))


def _order(catalogue: Catalogue, vendor: str) -> int:
    order = list(dict.fromkeys(each.vendor for each in catalogue.actions.values()))
    return len(order) if vendor == OWN or vendor not in order else order.index(vendor)


def _entries(catalogue: Catalogue, what: What) -> Iterable[Action | EventKind]:
    return catalogue.actions.values() if what == "actions" else catalogue.events.values()


def _resource(entry: Action | EventKind) -> str:
    return entry.name.rpartition(".")[0].removeprefix(f"{entry.vendor}.")


def _fits(entry: Action | EventKind, wanted: Wanted) -> bool:
    when = entry.when if isinstance(entry, Action) else ""
    haystack = f"{entry.name} {entry.summary} {when}".lower()
    return (
        wanted.vendor in {"", entry.vendor}
        and (not wanted.risk or (isinstance(entry, Action) and entry.risk == wanted.risk))
        and all(word in haystack for word in wanted.text.lower().split())
    )


def near(catalogue: Catalogue, entry: Action | EventKind) -> Sequence[Action]:
    """The other actions on the same kind of object."""
    resource = entry.name.rpartition(".")[0]
    return [
        each for each in catalogue.actions.values() if each.resource == resource and each.name != entry.name
    ]
