"""The parameters of every endpoint, read from the source of the installed official SDK.

    python -m tests.sandbox.stripe.sdk_parameters      # writes the stand-in's table anew

Each service method names its verb and path in one `self._request(…)` and its parameters in a TypedDict.
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

import stripe

from bookhand.sandbox.stripe import parameters

SDK = Path(stripe.__file__).parent


@cache
def endpoints() -> dict[str, set[str]]:
    """`POST /v1/charges/{}` → its parameters, as the SDK declares them."""
    found: dict[str, set[str]] = {}
    for path in sorted(SDK.rglob("_*_service.py")):
        tree = _parsed(path)
        imports = _imports(tree)
        for method in ast.walk(tree):
            if isinstance(method, ast.FunctionDef) and (asked := _request(method)):
                names = _fields(method, imports)
                if names is not None:
                    found.setdefault(asked, set()).update(names)
    return found


def table() -> str:
    """The stand-in's table: one endpoint to a line, `expand` left out because every endpoint takes it."""
    lines = [
        " ".join([endpoint, *sorted(names - {"expand"})]) for endpoint, names in sorted(endpoints().items())
    ]
    return "\n".join(lines) + "\n"


def _request(method: ast.FunctionDef) -> str | None:
    for node in ast.walk(method):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("_request", "_request_stream"):
            verb, path = node.args[0], node.args[1]
            if isinstance(path, ast.Call) and isinstance(path.func, ast.Attribute):
                path = path.func.value
            if isinstance(verb, ast.Constant) and isinstance(path, ast.Constant):
                return parameters.named(str(verb.value).upper(), str(path.value))
    return None


def _fields(method: ast.FunctionDef, imports: dict[str, str]) -> set[str] | None:
    for argument in [*method.args.args, *method.args.kwonlyargs]:
        if argument.arg == "params" and argument.annotation is not None:
            for name in re.findall(r"\w+Params", ast.unparse(argument.annotation)):
                if name in imports:
                    return _declared(imports[name], name)
    return set()


@cache
def _declared(module: str, name: str) -> set[str]:
    tree = _parsed(SDK.parent / (module.replace(".", "/") + ".py"))
    fields: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            fields |= {line.target.id for line in node.body if isinstance(line, ast.AnnAssign)}
            fields -= {"self"}
            for base in node.bases:
                fields |= _functional(tree, ast.unparse(base))
    return fields


def _functional(tree: ast.Module, name: str) -> set[str]:
    """The fields of `_Base = TypedDict("_Base", {"from": …})`."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == name
            and isinstance(node.value, ast.Call)
        ):
            return {key.value for key in node.value.args[1].keys}
    return set()


def _imports(tree: ast.Module) -> dict[str, str]:
    return {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and ".params" in f".{node.module}"
        for alias in node.names
    }


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    parameters.TABLE.write_text(table(), encoding="utf-8")
    sys.stdout.write(f"{len(table().splitlines())} endpoints\n")
