"""The parameters of a call with everything inside them, read from the source of the installed official SDK.

    fields("RefundCreateParams")["reason"]      # "Literal['duplicate', 'fraudulent', 'requested_by_customer'] | str"

`missing` compares one of our models with such a class, name by name, down to the words an enumeration may have.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import stripe

from bookhand.core.action import Params

FOLDER = Path(stripe.__file__).parent / "params"


@cache
def fields(name: str) -> dict[str, str]:
    """The fields of a params class, with their annotations as text."""
    return _module(_head(name))[name]


def missing(model: type[Params], name: str, *, at: str, but: tuple[str, ...] = ()) -> Iterator[str]:
    """What `model` has and the SDK's class does not; `but` are names that stand in the path."""
    known = fields(name)
    for field, told in model.model_fields.items():
        if field in but:
            continue
        where = f"{at}.{field}"
        if field not in known:
            yield f"{where} is not in {name}"
            continue
        words = set(re.findall(r"'([^']*)'", known[field]))
        yield from (f"{where} may not be {word!r}" for word in _words(told.annotation) - words)
        inner = [one for one in re.findall(r"\w+", known[field]) if one in _module(_head(name))]
        for own in _models(told.annotation):
            if inner:
                yield from missing(own, inner[0], at=where)
            else:
                yield f"{where} has nothing inside"


def described(model: type[Params], *, at: str) -> Iterator[str]:
    """The fields without a description, at every depth."""
    for field, told in model.model_fields.items():
        if not told.description:
            yield f"{at}.{field}"
        for own in _models(told.annotation):
            yield from described(own, at=f"{at}.{field}")


def _models(annotation: Any) -> list[type[Params]]:
    if isinstance(annotation, type) and issubclass(annotation, Params):
        return [annotation]
    return [one for arg in get_args(annotation) for one in _models(arg)]


def _words(annotation: Any) -> set[str]:
    if get_origin(annotation) is Literal:
        return {one for one in get_args(annotation) if isinstance(one, str)}
    return {one for arg in get_args(annotation) for one in _words(arg)}


def _head(name: str) -> str:
    return name[: name.index("Params") + len("Params")]


@cache
def _module(name: str) -> dict[str, dict[str, str]]:
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    tree = ast.parse((FOLDER / f"_{snake}.py").read_text(encoding="utf-8"))
    return {
        node.name: {
            line.target.id: ast.unparse(line.annotation)
            for line in node.body
            if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
        }
        for node in tree.body
        if isinstance(node, ast.ClassDef)
    }
