"""The smallest honest value of a shape, so that a judge can be tried on every kind of object.

>>> sample(shape("fee_refund"))["object"]
'fee_refund'
"""

from __future__ import annotations

from typing import Any

from .shapes import Anything, Flag, Keys, Number, OneOf, Page, Rows, Shape, Table, Text, Words


def sample(shape: Shape) -> Any:  # noqa: PLR0911
    """A value `check` has nothing to say about: optional keys left out, nullable ones null."""
    match shape:
        case Text() | Anything():
            return "text"
        case Number():
            return 1
        case Flag():
            return True
        case Words(values):
            return values[0]
        case Rows(of):
            return [sample(of)]
        case Table(of):
            return {"key": sample(of)}
        case Page(of):
            return {"object": "list", "data": [sample(of)], "has_more": False, "url": "/v1/x"}
        case OneOf(options):
            return sample(min(options, key=lambda o: isinstance(o, Keys | Page)))
        case Keys(_, load):
            rules = load().items()
            return {k: None if r.nullable else sample(r.shape) for k, r in rules if r.required}


def spoilt(value: Any) -> Any:
    """A value of another JSON type that no shape which took `value` for its kind accepts."""
    return 7 if isinstance(value, str | dict | list | bool) or value is None else "seven"
