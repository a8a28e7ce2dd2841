"""The tables of what the stand-in answers: routes by method and path, jobs by name.

    @route("POST", "/v1/charges")
    def create_charge(call: Call) -> JSON: ...

    @job("payout.arrive")
    def arrive(call: Call, args: JSON) -> None: ...

A fixed path wins over one with braces: `/v1/charges/search` before `/v1/charges/{id}`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, TypeVar

from bookhand.sandbox.stripe.errors import JSON

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call, Content

Handler = Callable[["Call"], "JSON | Content"]
H = TypeVar("H", bound=Handler)
Job = Callable[["Call", JSON], None]

JOBS: dict[str, Job] = {}
ROOMS = ("bookhand.sandbox.stripe", "bookhand.sandbox.money", "bookhand.sandbox.billing")


@dataclass(slots=True)
class Route:
    """One endpoint; `permission` is the resource a restricted key needs, found from the path when not given."""

    method: str
    path: str
    handler: Handler
    permission: str | None = None
    options: JSON = field(default_factory=dict)


@dataclass(slots=True)
class Node:
    """One step of a path."""

    fixed: dict[str, Node] = field(default_factory=dict)
    open: Node | None = None
    name: str = ""
    routes: dict[str, Route] = field(default_factory=dict)


TREE = Node()
FIXED: dict[tuple[str, str], Route] = {}


def route(method: str, path: str, *, permission: str | None = None, **options: Any) -> Callable[[H], H]:
    """Answer this method and path with the function below."""

    def register(handler: H) -> H:
        found = Route(method, path, handler, permission, options)
        node = TREE
        for part in path.strip("/").split("/"):
            if part.startswith("{"):
                node.open = node.open or Node()
                node = node.open
            else:
                node = node.fixed.setdefault(part, Node())
        node.routes[method] = found
        if "{" not in path:
            FIXED[method, path] = found
        return handler

    return register


def job(name: str) -> Callable[[Job], Job]:
    """Run the function below when a job of this name is due."""

    def register(handler: Job) -> Job:
        JOBS[name] = handler
        return handler

    return register


def match(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route for a request and the values of its braces."""
    found = FIXED.get((method, path))
    if found is not None:
        return found, {}
    parts = path.strip("/").split("/")
    for found in _walk(TREE, parts, 0, method):
        names = [part[1:-1] for part in found.path.strip("/").split("/")]
        steps = found.path.strip("/").split("/")
        return found, {
            name: part for name, step, part in zip(names, steps, parts, strict=True) if step[0] == "{"
        }
    return None


def every() -> list[Route]:
    """Each route there is."""

    def below(node: Node) -> list[Route]:
        inner = [*node.fixed.values(), *([node.open] if node.open else [])]
        return [*node.routes.values(), *(route for child in inner for route in below(child))]

    return below(TREE)


def load() -> None:
    """Import every file of the rooms that register routes."""
    for room in ROOMS:
        package = import_module(room)
        for found in iter_modules(package.__path__):
            if not found.name.startswith("__"):
                import_module(f"{room}.{found.name}")


def _walk(node: Node, parts: list[str], at: int, method: str) -> list[Route]:
    if at == len(parts):
        return [node.routes[method]] if method in node.routes else []
    fixed = node.fixed.get(parts[at])
    found = _walk(fixed, parts, at + 1, method) if fixed else []
    if not found and node.open is not None and parts[at]:
        found = _walk(node.open, parts, at + 1, method)
    return found
