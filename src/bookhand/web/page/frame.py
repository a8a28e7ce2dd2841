"""A page, from values: templates of this package with everything a page needs around it.

    frame(me, "books/proof.html", {"proofs": proofs})

Everything is escaped; there is no inline script and no inline style. `me` is in every template, and the filters ``money``, ``moment``,
``day``, ``ago`` … write as `me` reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup, escape

from bookhand.core.caller import Caller
from bookhand.core.money import EXPONENTS
from bookhand.core.redaction import redact_text, redacted
from bookhand.web import words
from bookhand.web.page import assets, navigation, wording
from bookhand.web.page.figures import Reads
from bookhand.web.page.pulse import NAMES

LOOK = "bookhand-look"
"""The cookie that says how its person wants pages to look."""
Look = Literal["auto", "light", "dark"]
Tone = Literal["good", "bad", "look", "quiet"]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence at the head of the next page: what was done, or why it was not."""

    text: str
    tone: Tone = "good"


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at a page, how they read, and what waits for them (`counts`, by the badge's name)."""

    caller: Caller
    token: str
    reads: Reads
    zone_chosen: bool
    look: Look
    now: datetime
    path: str
    address: str = ""
    """Path and query of a page that was asked for; '' where a form was answered, whose address nobody can ask for."""
    said: Said | None = None
    counts: Mapping[str, int] = {}
    workspace: str = ""
    fragment: bool = False

    def can(self, capability: str) -> bool:
        """Whether this viewer's role allows it."""
        return capability in self.caller.can


def frame(me: Viewer, name: str, seen: Mapping[str, Any]) -> str:
    """The page `name` with `seen` in it."""
    return (
        environment()
        .get_template(name)
        .render(
            **seen,
            me=me,
            nav=navigation.seen_by(me.caller),
            here=navigation.here(me.path),
        )
    )


def look_of(carried: Mapping[str, str]) -> Look:
    """Light or dark, as a browser's cookies say was chosen; else as its machine is set."""
    return _LOOKS.get(carried.get(LOOK, ""), "auto")


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates' own language."""
    made = Environment(
        loader=PackageLoader("bookhand.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {
        "say": wording.say,
        "plain": wording.plain,
        "knows": wording.knows,
        "asset": assets.address,
        "icon": icon,
        "version": assets.product_version(),
        "places": places,
        "moves": NAMES,
    }
    made.filters |= {
        "money": _money,
        "sentence": _sentence,
        "count": _count,
        "moment": _moment,
        "second": _second,
        "clock": _clock,
        "day": _day,
        "month": _month,
        "ago": _ago,
        "stamp": _stamp,
        "unix": _unix,
        "duration": words.duration,
        "rate": words.rate,
        "account": words.account,
        "kind": words.kind,
        "clean": redact_text,
        "marked": wording.marked,
        "redacted": redacted,
        "json": as_json,
        "code": as_code,
        "code_words": wording.marked,
        "from_unix": _from_unix,
    }
    return made


def icon(name: str, label: str | None = None) -> Markup:
    """A Tabler icon; with a `label` it is told to who cannot see it, else it is an ornament."""
    told = f' role="img" aria-label="{escape(label)}"' if label else ' aria-hidden="true"'
    drawn = f'<svg class="icon"{told}><use href="{escape(assets.address("icons.svg"))}#{escape(name)}"></use></svg>'
    return Markup(drawn)  # noqa: S704 (each part was escaped just before)


def places(currency: str) -> int:
    """The decimals of a currency, for scripts."""
    return EXPONENTS.get(currency.upper(), 0)


def _from_unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def as_json(value: Any) -> str:
    """For an attribute that a script reads."""
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False, separators=(",", ":"))


def as_code(value: Any) -> str:
    """Raw JSON for people, without what looks like a secret."""
    return json.dumps(redacted(msgspec.to_builtins(value)), ensure_ascii=False, indent=2, default=str)


def _me(context: Context) -> Viewer:
    found = context["me"]
    assert isinstance(found, Viewer)  # noqa: S101 (`frame` puts it there)
    return found


@pass_context
def _money(context: Context, minor: int, currency: str) -> str:
    return _me(context).reads.money(minor, currency)


@pass_context
def _sentence(context: Context, text: str) -> str:
    return _me(context).reads.sentence(text)


@pass_context
def _count(context: Context, number: int) -> str:
    return _me(context).reads.count(number)


@pass_context
def _moment(context: Context, at: datetime) -> str:
    return _me(context).reads.moment(at)


@pass_context
def _second(context: Context, at: datetime) -> str:
    return _me(context).reads.second(at)


def _unix(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


@pass_context
def _stamp(context: Context, at: str) -> str:
    """A moment that was written down as ISO text."""
    return _me(context).reads.second(datetime.fromisoformat(at))


@pass_context
def _clock(context: Context, at: datetime) -> str:
    return _me(context).reads.clock(at)


@pass_context
def _day(context: Context, on: Any) -> str:
    return _me(context).reads.day(on)


@pass_context
def _month(context: Context, on: Any) -> str:
    return _me(context).reads.month(on)


@pass_context
def _ago(context: Context, at: datetime) -> str:
    me = _me(context)
    seconds = (me.now - at).total_seconds()
    return words.ago(at, me.now) if 0 <= seconds < _A_DAY else me.reads.day(at)


_A_DAY = 86_400
_LOOKS: Mapping[str, Look] = {"light": "light", "dark": "dark"}
