"""The OpenAPI description as values for a page: groups, routes, what each takes and gives. Pure.

groups = reference(openapi).groups          # [Group(name="Actions", routes=[Route(method="GET", path="/actions", …)])]
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

Json = Mapping[str, Any]
_METHODS = ("get", "post", "put", "delete")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter, or a field of a body or an answer."""

    name: str
    type: str
    about: str = ""
    where: str = ""
    required: bool = False


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be asked for."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    example: str
    status: str
    gives: str
    answer: tuple[Field, ...]
    errors: tuple[tuple[str, str], ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Routes that belong together."""

    id: str
    name: str
    about: str
    routes: tuple[Route, ...]


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    title: str
    about: tuple[str, ...]
    base: str
    groups: tuple[Group, ...]

    @property
    def errors(self) -> tuple[tuple[str, str], ...]:
        """What any route may answer beside its success, each once."""
        every = (error for group in self.groups for route in group.routes for error in route.errors)
        return tuple(sorted(dict(every).items()))


def reference(openapi: Json) -> Reference:
    """What the page shows of an OpenAPI description."""
    found = [
        (operation.get("tags", [""])[0], _route(openapi, path, method, operation))
        for path, item in openapi["paths"].items()
        for method, operation in item.items()
        if method in _METHODS
    ]
    groups = [
        Group(
            id=_id(tag["name"]), name=tag["name"], about=tag["description"],
            routes=tuple(route for name, route in found if name == tag["name"]),
        )
        for tag in openapi["tags"]
    ]  # fmt: skip
    known = {tag["name"] for tag in openapi["tags"]}
    others = tuple(route for name, route in found if name not in known)
    if others:
        groups.append(Group(id="more", name="More", about="", routes=others))
    return Reference(
        title=openapi["info"]["title"],
        about=tuple(part.replace("\n", " ") for part in openapi["info"]["description"].split("\n\n")),
        base=openapi["servers"][0]["url"],
        groups=tuple(group for group in groups if group.routes),
    )


def _route(openapi: Json, path: str, method: str, operation: Json) -> Route:
    body = _json_of(operation.get("requestBody", {}))
    status, good = next(
        ((code, each) for code, each in operation["responses"].items() if code.startswith("2")), ("200", {})
    )
    gives = _json_of(good)
    return Route(
        id=_id(f"{method} {path}"), method=method.upper(), path=path, summary=operation.get("summary", ""),
        about=operation.get("description", ""),
        parameters=tuple(_parameter(openapi, each) for each in operation.get("parameters", [])),
        body=_fields(openapi, body), example=_example(openapi, body), status=status, gives=_type(gives) if gives else "",
        answer=tuple(msgspec.structs.replace(each, required=False) for each in _fields(openapi, gives)),
        errors=tuple((code, each["description"]) for code, each in operation["responses"].items() if not code.startswith("2")),
    )  # fmt: skip


def _json_of(holder: Json) -> Json:
    found: Json = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _parameter(openapi: Json, given: Json) -> Field:
    schema = given.get("schema", {})
    return Field(
        name=given["name"], type=_type(_resolved(openapi, schema)), about=given.get("description", schema.get("description", "")),
        where=given["in"], required=given.get("required", False),
    )  # fmt: skip


def _fields(openapi: Json, schema: Json) -> tuple[Field, ...]:
    found = _resolved(openapi, schema)
    required = set(found.get("required", ()))
    return tuple(
        Field(name=name, type=_type(each), about=each.get("description", ""), required=name in required)
        for name, each in found.get("properties", {}).items()
    )


def _resolved(openapi: Json, schema: Json) -> Json:
    name = schema.get("$ref")
    return openapi["components"]["schemas"][name.rpartition("/")[2]] if name else schema


def _type(schema: Json) -> str:
    """A type in few words: ``text``, ``list of Proposal``, ``whole number or null``."""
    match schema:
        case {"$ref": str(name)}:
            return name.rpartition("/")[2]
        case {"anyOf": several}:
            return " or ".join(dict.fromkeys(_type(each) for each in several))
        case {"enum": values}:
            return " | ".join(map(str, values))
        case {"type": "array"}:
            return f"list of {_type(schema.get('items', {}))}"
        case {"format": "date-time"}:
            return "moment"
        case _:
            return str(schema.get("const") or _WORDS.get(str(schema.get("type")), "anything"))


_WORDS = {
    "string": "text", "integer": "whole number", "number": "number", "boolean": "yes or no", "object": "object", "null": "null",
}  # fmt: skip


def _example(openapi: Json, schema: Json) -> str:
    examples = _resolved(openapi, schema).get("examples", [])
    return json.dumps(examples[0], indent=2, ensure_ascii=False) if examples else ""


def _id(text: str) -> str:
    return "-".join("".join(char if char.isalnum() else " " for char in text.lower()).split())
