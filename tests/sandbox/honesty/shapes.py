"""What a JSON value may look like, and where a given one does not.

Two derivations build these shapes: `python_sdk` from the installed `stripe` package and `node_sdk` from
the type declarations of its npm sibling. A finding names the place by a path a reader can follow:

    >>> check(5, Text(), at="charge.currency")
    [Finding(at='charge.currency', says='is int 5, wants a string', weight='wrong')]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Weight = Literal["wrong", "unsure"]


@dataclass(frozen=True, slots=True)
class Finding:
    at: str
    says: str
    weight: Weight = "wrong"


@dataclass(frozen=True, slots=True)
class Text:
    pass


@dataclass(frozen=True, slots=True)
class Number:
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Flag:
    pass


@dataclass(frozen=True, slots=True)
class Anything:
    pass


@dataclass(frozen=True, slots=True)
class Words:
    """A literal enum; an open one may grow, so a stranger is a doubt and not an error."""

    values: tuple[Any, ...]
    open: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    of: Shape


@dataclass(frozen=True, slots=True)
class Page:
    """A `list` object: data, has_more, url."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Table:
    """Free keys, such as metadata."""

    of: Shape


@dataclass(frozen=True, slots=True)
class Key:
    shape: Shape
    required: bool
    nullable: bool


@dataclass(frozen=True, slots=True)
class Keys:
    """An object with known keys; `object_name` is its literal `object`, if it has one."""

    name: str
    load: Callable[[], Mapping[str, Key]] = field(repr=False, compare=False)
    object_name: str | None = None


@dataclass(frozen=True, slots=True)
class OneOf:
    options: tuple[Shape, ...]


Shape = Text | Number | Flag | Anything | Words | Rows | Page | Table | Keys | OneOf


def check(value: Any, shape: Shape, *, at: str) -> list[Finding]:  # noqa: C901, PLR0911, PLR0912
    """Every place where `value` is not what `shape` says."""
    match shape:
        case Anything():
            return []
        case Text():
            return [] if isinstance(value, str) else [_not(at, value, "a string")]
        case Flag():
            return [] if isinstance(value, bool) else [_not(at, value, "a boolean")]
        case Number(whole):
            good = isinstance(value, int | float) and not isinstance(value, bool)
            if whole:
                good = good and isinstance(value, int)
            return [] if good else [_not(at, value, "a whole number" if whole else "a number")]
        case Words(values, is_open):
            if any(value == word and type(value) is type(word) for word in values):
                return []
            if is_open and isinstance(value, str):
                return [Finding(at, f"is {value!r}, a word nobody listed", "unsure")]
            return [_not(at, value, "one of " + ", ".join(map(str, values)))]
        case Rows(of):
            if not isinstance(value, list):
                return [_not(at, value, "an array")]
            return [f for i, row in enumerate(value) for f in check(row, of, at=f"{at}[{i}]")]
        case Page(of):
            return check(value, _page(of), at=at)
        case Table(of):
            if not isinstance(value, dict):
                return [_not(at, value, "an object")]
            return [f for key, inner in value.items() for f in check(inner, of, at=f"{at}.{key}")]
        case Keys():
            return list(_check_keys(value, shape, at))
        case OneOf(options):
            return _check_one_of(value, options, at)


def _not(at: str, value: Any, wants: str) -> Finding:
    return Finding(at, f"is {type(value).__name__} {str(value)[:40]}, wants {wants}")


def _page(of: Shape) -> Keys:
    keys = {
        "object": Key(Words(("list",)), required=True, nullable=False),
        "data": Key(Rows(of), required=True, nullable=False),
        "has_more": Key(Flag(), required=True, nullable=False),
        "url": Key(Text(), required=True, nullable=False),
        "total_count": Key(Number(whole=True), required=False, nullable=False),
    }
    return Keys("list", lambda: keys, "list")


FULL_WHEN_DELETED = {"Discount"}


def _check_keys(value: Any, shape: Keys, at: str) -> Iterator[Finding]:  # noqa: C901
    if not isinstance(value, dict):
        yield _not(at, value, f"an object ({shape.name})")
        return
    known = shape.load()
    deleted = value.get("deleted") is True
    if (
        deleted
        and shape.name not in FULL_WHEN_DELETED
        and set(value) - {"id", "object", "deleted", "currency"}
    ):
        yield Finding(at, "is deleted and still says more than its id")
    for key, rule in known.items():
        if deleted and key == "deleted":
            continue
        if key not in value:
            if rule.required and not deleted:
                yield Finding(f"{at}.{key}", f"is missing ({shape.name})")
        elif value[key] is None:
            if not rule.nullable:
                yield Finding(f"{at}.{key}", "is null and may not be")
        else:
            yield from check(value[key], rule.shape, at=f"{at}.{key}")
    for key in value.keys() - known.keys():
        if not (deleted and key == "deleted"):
            yield Finding(f"{at}.{key}", f"is not a key of {shape.name}")


def _check_one_of(value: Any, options: tuple[Shape, ...], at: str) -> list[Finding]:
    if isinstance(value, dict) and isinstance(value.get("object"), str):
        named = [o for o in options if isinstance(o, Keys) and o.object_name == value["object"]]
        options = tuple(named) or options
    results = []
    for option in options:
        results.append(check(value, option, at=at))
        if not results[-1]:
            return []
    return min(results, key=_badness)


def _badness(findings: list[Finding]) -> tuple[int, int]:
    wrong = sum(f.weight == "wrong" for f in findings)
    return wrong, len(findings)
