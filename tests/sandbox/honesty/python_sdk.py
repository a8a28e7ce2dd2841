"""The shapes of Stripe's objects, read from the annotations of the installed `stripe` package.

Nothing is imported from the package's classes: its source is parsed, because the annotations name types
that exist only while type checking. `Optional[X]` there means "may be null or absent", so a missing
optional key is seen by `node_sdk` and the OpenAPI judge, not here.

    >>> shape("payout").name
    'Payout'
"""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from stripe._object_classes import OBJECT_CLASSES, V2_OBJECT_CLASSES

from .shapes import Anything, Flag, Key, Keys, Number, OneOf, Page, Rows, Shape, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Mapping

BASES = {"StripeObject", "ListObject", "Generic"}
SIMPLE: Mapping[str, Shape] = {
    "str": Text(),
    "int": Number(whole=True),
    "float": Number(),
    "bool": Flag(),
    "Any": Anything(),
    "object": Anything(),
    "Decimal": Text(),  # a decimal travels as a string; the SDK decodes it
    "UntypedStripeObject": Table(Anything()),
    "StripeObject": Anything(),
    "T": Anything(),  # the row of a list, checked by its own `object`
}


@cache
def names() -> tuple[str, ...]:
    """Every value `object` can have."""
    return tuple(sorted(OBJECT_CLASSES))


@cache
def shape(object_name: str) -> Keys:
    """The shape of one kind of object, by the literal in its `object` key."""
    module, class_name = (OBJECT_CLASSES | V2_OBJECT_CLASSES)[object_name]
    return _keys(_module(module), (class_name,))


@dataclass(frozen=True, slots=True)
class _Module:
    name: str
    classes: Mapping[tuple[str, ...], ast.ClassDef]
    imports: Mapping[str, tuple[str, str]]


@cache
def _module(name: str) -> _Module:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise LookupError(f"the stripe package has no module {name}")
    tree = ast.parse(Path(spec.origin).read_text())
    classes: dict[tuple[str, ...], ast.ClassDef] = {}
    _collect(tree.body, (), classes)
    imports = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    return _Module(name, classes, imports)


def _collect(
    body: list[ast.stmt], inside: tuple[str, ...], into: dict[tuple[str, ...], ast.ClassDef]
) -> None:
    for node in body:
        if isinstance(node, ast.ClassDef):
            into[(*inside, node.name)] = node
            _collect(node.body, (*inside, node.name), into)


@cache
def _keys_of(module_name: str, path: tuple[str, ...]) -> Mapping[str, Key]:
    module = _module(module_name)
    node = module.classes[path]
    renamed = _assigned(node, "_field_remappings")
    found: dict[str, Key] = {}
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
            continue
        if _head(line.annotation) == "ClassVar":
            continue
        nullable, annotation = _optional(line.annotation)
        key = renamed.get(line.target.id, line.target.id)
        found[key] = Key(_read(annotation, module, path), required=not nullable, nullable=nullable)
    return found


def _keys(module: _Module, path: tuple[str, ...]) -> Keys:
    name = _object_name(module.classes[path])
    return Keys(".".join(path), lambda: _keys_of(module.name, path), name)


def _assigned(node: ast.ClassDef, name: str) -> dict[str, str]:
    for line in node.body:
        if isinstance(line, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in line.targets
        ):
            return dict(ast.literal_eval(line.value))
    return {}


def _object_name(node: ast.ClassDef) -> str | None:
    for line in node.body:
        if (
            isinstance(line, ast.AnnAssign)
            and isinstance(line.target, ast.Name)
            and line.target.id == "object"
        ):
            words = [n.value for n in ast.walk(line.annotation) if isinstance(n, ast.Constant)]
            return str(words[0]) if words else None
    return None


def _head(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _head(node.value)
    return node.id if isinstance(node, ast.Name) else ""


def _optional(node: ast.expr) -> tuple[bool, ast.expr]:
    if isinstance(node, ast.Subscript) and _head(node) == "Optional":
        return True, node.slice
    return False, node


def _read(node: ast.expr, module: _Module, inside: tuple[str, ...]) -> Shape:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        node = ast.parse(node.value, mode="eval").body
    if isinstance(node, ast.Name):
        return _named((node.id,), module, inside)
    if isinstance(node, ast.Attribute):
        return _named(tuple(ast.unparse(node).split(".")), module, inside)
    if isinstance(node, ast.Subscript):
        return _generic(node, module, inside)
    raise TypeError(f"an annotation of a new kind in {module.name}: {ast.unparse(node)}")


def _generic(node: ast.Subscript, module: _Module, inside: tuple[str, ...]) -> Shape:  # noqa: PLR0911
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    match _head(node):
        case "Literal":
            return Words(tuple(ast.literal_eval(part) for part in parts))
        case "List":
            return Rows(_read(parts[0], module, inside))
        case "ListObject":
            return Page(_read(parts[0], module, inside))
        case "Dict" | "Mapping":
            return Table(_nullable(parts[1], module, inside))
        case "UntypedStripeObject":
            return Table(_nullable(parts[0], module, inside))
        case "ExpandableField":
            return _one_of((Text(), _read(parts[0], module, inside)))
        case "Union":
            return _one_of(tuple(_read(part, module, inside) for part in parts))
        case "Optional":
            return _nullable(node, module, inside)
        case other:
            raise TypeError(f"a generic of a new kind in {module.name}: {other}")


def _nullable(node: ast.expr, module: _Module, inside: tuple[str, ...]) -> Shape:
    nullable, inner = _optional(node)
    read = _read(inner, module, inside)
    return OneOf((read, Words((None,)))) if nullable else read


def _one_of(options: tuple[Shape, ...]) -> Shape:
    flat = tuple(leaf for o in options for leaf in (o.options if isinstance(o, OneOf) else (o,)))
    words = [o for o in flat if isinstance(o, Words)]
    if words and any(isinstance(o, Text) for o in flat) and len(flat) == len(words) + 1:
        return Words(tuple(v for w in words for v in w.values), open=True)
    return OneOf(flat)


def _named(path: tuple[str, ...], module: _Module, inside: tuple[str, ...]) -> Shape:
    for depth in range(len(inside), -1, -1):
        if (*inside[:depth], *path) in module.classes:
            return _keys(module, (*inside[:depth], *path))
    if path[0] in module.imports and module.imports[path[0]][0].startswith("stripe."):
        source, name = module.imports[path[0]]
        if (name, *path[1:]) in _module(source).classes and name not in SIMPLE:
            return _keys(_module(source), (name, *path[1:]))
    if path[-1] in SIMPLE:
        return SIMPLE[path[-1]]
    raise TypeError(f"an annotation nobody knows in {module.name}: {'.'.join(path)}")
