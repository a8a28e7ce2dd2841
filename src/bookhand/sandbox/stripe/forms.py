"""Stripe's nested form encoding, read and written.

decode("metadata[a]=b&items[0][price]=p&expand[]=data.source")
# {"metadata": {"a": "b"}, "items": [{"price": "p"}], "expand": ["data.source"]}
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from bookhand.sandbox.stripe.errors import JSON, StripeError

DEPTH = 10
INDEXES = 1000


def decode(text: str) -> JSON:
    """A query string or form body to nested values; leaves stay text."""
    if not text:
        return {}
    return nest(parse_qsl(text, keep_blank_values=True, max_num_fields=10_000))


def nest(pairs: Iterable[tuple[str, str]]) -> JSON:
    """`a[b][]=c` pairs to nested values."""
    root: JSON = {}
    deep = False
    for name, value in pairs:
        if "[" in name:
            _place(root, _names(name), value, name)
            deep = True
        else:
            root[name] = value
    if not deep:
        return root
    return {name: _listed(value) for name, value in root.items()}


def pairs(params: JSON) -> list[tuple[str, str]]:
    """Nested values to `name[...]` pairs, numbering lists: the inverse of `nest`."""
    found: list[tuple[str, str]] = []
    for name, value in params.items():
        _flatten(name, value, found)
    return found


def text(value: Any) -> str:
    """A leaf as it stands on the wire."""
    if value is True:
        return "true"
    if value is False:
        return "false"
    return "" if value is None else str(value)


def texts(value: Any) -> Any:
    """Every leaf as text, as if it had come over the wire."""
    if isinstance(value, dict):
        return {str(name): texts(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [texts(inner) for inner in value]
    return text(value)


def _names(name: str) -> list[str]:
    head, _, rest = name.partition("[")
    if not head or not rest.endswith("]"):
        raise StripeError(f"Invalid parameter name: {name}", param=name)
    parts = [head, *rest[:-1].split("][")]
    if len(parts) > DEPTH:
        raise StripeError("Parameters are nested too deeply.", param=name)
    return parts


def _place(root: JSON, names: list[str], value: str, whole: str) -> None:
    node: JSON = root
    for name in names[:-1]:
        key = name or str(len(node))
        inner = node.setdefault(key, {})
        if not isinstance(inner, dict):
            raise StripeError(f"Invalid {names[0]}: conflicting values", param=whole)
        node = inner
    node[names[-1] or str(len(node))] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(item) for name, item in value.items()}
    if inner and len(inner) <= INDEXES and all(name.isdecimal() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def _flatten(name: str, value: Any, found: list[tuple[str, str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _flatten(f"{name}[{key}]", inner, found)
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            _flatten(f"{name}[{index}]", inner, found)
    else:
        found.append((name, text(value)))
