"""The shapes of Stripe's objects, read from the type declarations of the npm package `stripe`.

They tell what the Python annotations cannot: `key?: T` may be absent, `key: T | null` must be there even
when it is null. `folder` is that package's `esm` folder, and its version says which API it describes.

    >>> Declarations(folder).shape("payout").load()["failure_code"].required
    True
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from .shapes import Anything, Flag, Key, Keys, Number, OneOf, Page, Rows, Shape, Table, Text, Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*|=>|[{}\[\]()<>:;,|?=&]|\S")
SIMPLE: Mapping[str, Shape] = {
    "string": Text(),
    "number": Number(),
    "boolean": Flag(),
    "any": Anything(),
    "unknown": Anything(),
    "object": Anything(),
    "Metadata": Table(Text()),
    "Decimal": Text(),
    "OtherString": Text(),
    "true": Words((True,)),
    "false": Words((False,)),
    "null": Words((None,)),
}


@dataclass(slots=True)
class _Member:
    optional: bool
    tokens: list[str]


@dataclass(slots=True)
class _File:
    path: Path
    interfaces: dict[tuple[str, ...], dict[str, _Member]] = field(default_factory=dict)
    aliases: dict[tuple[str, ...], list[str]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)


class Declarations:
    """All declarations under one folder, read when asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._files: dict[Path, _File] = {}
        self._shapes: dict[tuple[Path, tuple[str, ...]], Keys] = {}

    def shape(self, object_name: str) -> Keys:
        """The shape of one kind of object, by the literal in its `object` key."""
        file, path = self._by_object_name[object_name]
        return self._keys(file, path)

    @cached_property
    def _by_object_name(self) -> dict[str, tuple[_File, tuple[str, ...]]]:
        found: dict[str, tuple[_File, tuple[str, ...]]] = {}
        for path in sorted((self.folder / "resources").rglob("*.d.ts")):
            file = self._file(path.resolve())
            for name, members in file.interfaces.items():
                literal = members["object"].tokens if "object" in members else []
                if (
                    len(name) == 1
                    and len(literal) == 1
                    and literal[0].startswith("'")
                    and not _is_deleted(members)
                ):
                    found.setdefault(literal[0].strip("'"), (file, name))
        return found

    def _file(self, path: Path) -> _File:
        if path not in self._files:
            file = self._files[path] = _File(path)
            if path.exists():
                tokens = TOKEN.findall(COMMENT.sub("", path.read_text()))
                _declarations(tokens, 0, (), file)
        return self._files[path]

    def _keys(self, file: _File, path: tuple[str, ...]) -> Keys:
        known = self._shapes.get((file.path, path))
        if known is None:
            known = self._shapes[file.path, path] = self._build(file, path)
        return known

    def _build(self, file: _File, path: tuple[str, ...]) -> Keys:
        members = file.interfaces[path]
        literal = members["object"].tokens if "object" in members else []
        named = literal[0].strip("'") if len(literal) == 1 and literal[0].startswith("'") else None
        loaded: dict[str, Key] = {}

        def load() -> Mapping[str, Key]:
            if not loaded:
                loaded.update({name: self._key(member, file, path) for name, member in members.items()})
            return loaded

        return Keys(".".join(path), load, named)

    def _key(self, member: _Member, file: _File, path: tuple[str, ...]) -> Key:
        options = [part for part in _split(member.tokens, "|") if part != ["void"]]
        shapes = tuple(self._read(part, file, path) for part in options if part != ["null"])
        return Key(
            _one_of(shapes),
            required=not member.optional and ["void"] not in _split(member.tokens, "|"),
            nullable=["null"] in options,
        )

    def _read(self, tokens: list[str], file: _File, inside: tuple[str, ...]) -> Shape:  # noqa: PLR0911
        parts = _split(tokens, "|")
        if len(parts) > 1:
            return _one_of(tuple(self._read(part, file, inside) for part in parts))
        head = tokens[0]
        if head[0] in "'\"":
            return Words((head[1:-1],))
        if head == "{":
            if tokens[1] == "[":
                return Table(self._read(tokens[tokens.index("]") + 2 : -1], file, inside))
            members = {}
            _members(tokens, 1, members)
            loaded = {name: self._key(member, file, inside) for name, member in members.items()}
            return Keys("an inline object", lambda: loaded)
        if len(tokens) > 1 and tokens[1] == "<":
            inner = self._read(tokens[2:-1], file, inside) if head != "Record" else Anything()
            return {"Array": Rows(inner), "ApiList": Page(inner)}.get(head, Anything())
        if head in SIMPLE:
            return SIMPLE[head]
        return self._named(tuple(head.split(".")), file, inside)

    def _named(self, path: tuple[str, ...], file: _File, inside: tuple[str, ...]) -> Shape:
        for depth in range(len(inside), -1, -1):
            full = (*inside[:depth], *path)
            if full in file.interfaces:
                if not file.interfaces[full]:  # `interface Object {}` stands for any object
                    return Anything()
                return self._keys(file, full)
            if full in file.aliases:
                return self._read(file.aliases[full], file, full[:-1])
        if path[0] in file.imports:
            source, name = file.imports[path[0]]
            target = self._file((file.path.parent / source).with_suffix(".d.ts").resolve())
            whole_folder = target.path.name == "index.d.ts"
            return self._named(path[1:] if whole_folder else (name, *path[1:]), target, ())
        raise TypeError(f"a type nobody knows in {file.path.name}: {'.'.join(path)}")


def _is_deleted(members: dict[str, _Member]) -> bool:
    return "deleted" in members and members["deleted"].tokens == ["true"]


def _one_of(shapes: tuple[Shape, ...]) -> Shape:
    if not shapes:  # `key: null` and `key?: void`
        return Words((None,))
    flat = tuple(leaf for s in shapes for leaf in (s.options if isinstance(s, OneOf) else (s,)))
    words = [s for s in flat if isinstance(s, Words)]
    values = tuple(v for w in words for v in w.values)
    rest = [s for s in flat if not isinstance(s, Words)]
    if words and not rest:
        return Words(values, open=any(w.open for w in words))
    if words and all(isinstance(s, Text) for s in rest):
        return Words(values, open=True)
    return flat[0] if len(flat) == 1 else OneOf(flat)


def _declarations(tokens: list[str], at: int, inside: tuple[str, ...], file: _File) -> int:
    while at < len(tokens) and tokens[at] != "}":
        match tokens[at]:
            case "export" | "declare":
                at += 1
            case "import":
                at = _import(tokens, at, file)
            case "interface":
                name = tokens[at + 1]
                start = tokens.index("{", at)
                members: dict[str, _Member] = {}
                at = _members(tokens, start + 1, members)
                file.interfaces[(*inside, name)] = members
            case "namespace":
                at = _declarations(tokens, at + 3, (*inside, tokens[at + 1]), file)
            case "type":
                end = _end(tokens, at)
                if tokens[at + 2] == "=":
                    body = tokens[at + 3 : end]
                    file.aliases[(*inside, tokens[at + 1])] = body[1:] if body[0] == "|" else body
                at = end + 1
            case "class" | "abstract":
                at = _balanced(tokens, tokens.index("{", at))
            case _:
                at = _end(tokens, at) + 1
    return at + 1


def _import(tokens: list[str], at: int, file: _File) -> int:
    end = _end(tokens, at)
    names = tokens[at + 1 : end]
    if "from" not in names:
        return end + 1
    if names[:2] == ["*", "as"]:
        file.imports[names[2]] = (names[-1].strip("'\""), "*")
    elif "{" in names:
        source = names[-1].strip("'\"")
        for part in _split(names[names.index("{") + 1 : names.index("}")], ","):
            if part:
                file.imports[part[-1]] = (source, part[0])
    return end + 1


def _members(tokens: list[str], at: int, into: dict[str, _Member]) -> int:
    while tokens[at] != "}":
        end = _end(tokens, at)
        line = tokens[at:end]
        if line[0] != "[" and ":" in line[:3]:
            colon = line.index(":")
            into[line[0].strip("'\"")] = _Member(line[1] == "?", line[colon + 1 :])
        at = end + 1
    return at + 1


def _end(tokens: list[str], at: int) -> int:
    """Where the statement ends: its own semicolon, or the brace that closes what it is in."""
    depth = 0
    while at < len(tokens):
        if tokens[at] in "{([<":
            depth += 1
        elif tokens[at] in "})]>":
            depth -= 1
        elif tokens[at] == ";" and depth == 0:
            return at
        at += 1
    return at


def _balanced(tokens: list[str], at: int) -> int:
    depth = 0
    while True:
        depth += {"{": 1, "}": -1}.get(tokens[at], 0)
        at += 1
        if depth == 0:
            return at


def _split(tokens: list[str], by: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += 1 if token in "{([<" else -1 if token in "})]>" else 0
        if token == by and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts
