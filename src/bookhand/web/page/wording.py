"""The sentences of the pages, all in one place: ``web/strings/*.toml``, one file for each part of the app.

    say("books.proof.off_by")                        # the text of [proof] off_by in books.toml
    say("approvals.waiting", n=3)                     # one of [waiting] one, other; {n} is filled in
    say("books.gap", account="Lantern <Europe>")      # what is filled in is escaped where the page is HTML

A text is Markdown in one respect: what stands between backticks is set as code. A key that is not there is an error.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

from markupsafe import Markup, escape

from bookhand.core.problems import Bug

_HOLE = re.compile(r"\{(\w+)\}")
_CODE = re.compile(r"`([^`]+)`")


def say(key: str, **values: Any) -> Markup:
    """The text of `key` with `values` in its holes; with `n`, the text for that number."""
    first, *rest = _parts(_form(key, values.get("n")))
    said = [first]
    for name, after in zip(rest[::2], rest[1::2], strict=True):
        if name not in values:
            raise Bug(f"The text {key} has a hole {name}, and nothing was given for it.")
        said += (escape(values[name]), after)
    return Markup("".join(said))  # noqa: S704 (each part is escaped)


@lru_cache(maxsize=4096)
def _parts(form: str) -> tuple[str, ...]:
    """The text as HTML, cut at its holes: text, name of a hole, text, …"""
    return tuple(_HOLE.split(marked(texts()[form])))


def marked(text: str) -> Markup:
    """A sentence that is data, with what stands between backticks set as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped just before)


def plain(key: str, **values: Any) -> str:
    """The same as plain text, for a title or an attribute."""
    return say(key, **values).striptags()


def knows(key: str) -> bool:
    """Whether there is a text of that name."""
    return key in texts()


def _form(key: str, number: Any) -> str:
    """The key itself, or that of the text for the number."""
    found = texts()
    if key in found:
        return key
    if number is not None:
        counted = f"{key}.{'one' if number == 1 else 'other'}"
        if counted in found:
            return counted
    raise Bug(f"There is no text {key!r} in web/strings.")


@lru_cache(maxsize=1)
def texts() -> Mapping[str, str]:
    """Every text by its key: the file's name, then the tables, then the name."""
    found: dict[str, str] = {}
    for path in sorted(files("bookhand.web").joinpath("strings").iterdir(), key=lambda each: each.name):
        if path.name.endswith(".toml"):
            _flat(found, path.name.removesuffix(".toml"), tomllib.loads(path.read_text(encoding="utf-8")))
    return found


def _flat(into: dict[str, str], prefix: str, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        match value:
            case str():
                into[f"{prefix}.{name}"] = value
            case dict():
                _flat(into, f"{prefix}.{name}", value)
            case _:
                raise Bug(f"web/strings: {prefix}.{name} is no text.")
