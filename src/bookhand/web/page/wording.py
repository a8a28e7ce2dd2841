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
    text = _text(key, values.get("n"))

    def filled(hole: re.Match[str]) -> str:
        name = hole.group(1)
        if name not in values:
            raise Bug(f"The text {key} has a hole {name}, and nothing was given for it.")
        return str(escape(values[name]))

    return Markup(_CODE.sub(r"<code>\1</code>", _HOLE.sub(filled, str(escape(text)))))  # noqa: S704 (escaped just before)


def marked(text: str) -> Markup:
    """A sentence that is data, with what stands between backticks set as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 (escaped just before)


def plain(key: str, **values: Any) -> str:
    """The same as plain text, for a title or an attribute."""
    return say(key, **values).striptags()


def knows(key: str) -> bool:
    """Whether there is a text of that name."""
    return key in texts()


def _text(key: str, number: Any) -> str:
    found = texts()
    if key in found:
        return found[key]
    if number is not None:
        counted = f"{key}.{'one' if number == 1 else 'other'}"
        if counted in found:
            return found[counted]
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
