"""The pages as HTML, from values: templates of this package, everything escaped, no inline script and no inline style."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from bookhand.core.caller import WHAT, Caller, Role, capabilities
from bookhand.core.redaction import redact_text, redacted
from bookhand.web import words
from bookhand.web.api.reference import Reference
from bookhand.web.page.assets import address, product_version
from bookhand.web.status import Status, Tone, verdict
from bookhand.workspace.people.person import Person

_SEALS = {"good": "✓", "busy": "…", "look": "!", "quiet": "·"}
_SIGNED_IN_BY = {
    "key": "signed in by key",
    "app_oauth": "signed in by Stripe App",
    "connect_oauth": "signed in by Connect",
    "platform": "through the platform",
}


def status_page(status: Status, *, caller: Caller | None = None, csrf: str = "", begins: bool = False) -> str:
    """The status page; with who looks at it, where people sign in, or with how the first one comes in (`begins`)."""
    return (
        _environment()
        .get_template("status.html")
        .render(status=status, verdict=verdict(status), caller=caller, csrf=csrf, begins=begins)
    )


def sign_in_page(
    *, csrf: str, problem: str | None, email: str, ways: Sequence[str], provider: str | None, guarded: bool
) -> str:
    """Where people sign in; with `ways`, the second half. Where nobody is here yet (`guarded` False), it says how to begin."""
    return (
        _environment()
        .get_template("sign_in.html")
        .render(csrf=csrf, problem=problem, email=email, ways=ways, provider=provider, guarded=guarded)
    )


def welcome_page(
    *, csrf: str, link: str, email: str, role: Role, reset: bool, problem: str | None, name: str
) -> str:
    """Where a one-time link leads."""
    may = [WHAT[each] for each in WHAT if each in capabilities(role)]
    return (
        _environment()
        .get_template("welcome.html")
        .render(
            csrf=csrf, link=link, email=email, role=role, may=may, reset=reset, problem=problem, name=name
        )
    )


def enter_page(*, csrf: str, link: str) -> str:
    """Where a link of the machine's own leads from elsewhere: one button, so that a mail program's look does not use it up."""
    return _environment().get_template("enter.html").render(csrf=csrf, link=link)


def second_page(
    *, csrf: str, person: Person, secret: str, address: str, codes: Sequence[str], problem: str | None
) -> str:
    """Where a second factor is added; `codes` are the recovery codes, shown once."""
    return (
        _environment()
        .get_template("second.html")
        .render(
            csrf=csrf,
            person=person,
            secret=secret,
            address=address,
            picture=_qr(address) if address else "",
            codes=codes,
            problem=problem,
        )
    )


def _qr(address: str) -> Markup:
    """A QR code that an authenticator app reads from the screen: drawn here, no style and no script in it."""
    import segno  # noqa: PLC0415 (only one page draws)

    drawn = segno.make(address, error="m", micro=False)
    return Markup(  # noqa: S704 (made of numbers alone)
        drawn.svg_inline(svgclass="qr", lineclass=None, omitsize=True, dark="#111", light="#fff", border=3)
    )


def message_page(headline: str, detail: str, *, tone: Tone = "look") -> str:
    """A page that says one thing: an error, with what to do next."""
    return _environment().get_template("message.html").render(headline=headline, detail=detail, tone=tone)


def runs_page(name: str, seen: Mapping[str, Any]) -> str:
    """A page of runs: the list (``runs.html``) or one of them (``run.html``), with what it shows."""
    return _environment().get_template(name).render(**seen)


def reference_page(reference: Reference) -> str:
    """The API for people, made from its own description."""
    return _environment().get_template("reference.html").render(reference=reference)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bookhand.web"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"static": address, "version": product_version(), "seals": _SEALS}
    environment.filters |= {
        name: getattr(words, name)
        for name in ("amount", "count", "rate", "duration", "ago", "account", "kind")
    }
    environment.filters |= {
        "marked": _marked,
        "auth": lambda name: _SIGNED_IN_BY.get(name, name),
        "history": _history,
        "written": _written,
        "clean": redact_text,
        "redacted": redacted,
    }
    return environment


def _marked(sentence: str) -> Markup:
    """A sentence with what stands between backticks set as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(sentence))))  # noqa: S704 (escaped just before)


def _written(value: Any) -> str:
    """A value for people: text as it is, anything else as JSON, and never a secret."""
    if value is None:
        return ""
    safe = redacted(value)
    return redact_text(safe if isinstance(safe, str) else json.dumps(safe, ensure_ascii=False, default=str))


def _history(status: Status) -> str:
    """The history in a word: how far, how fast, how long still."""
    running = [row for row in status.backfills if not row.complete]
    if not status.histories:
        return "Not begun"
    if all(row.status == "complete" for row in status.histories):
        return f"Complete · {words.count(sum(row.done for row in status.backfills))} objects"
    if not running:
        return "Checking" if any(row.status == "running" for row in status.histories) else "Not complete"
    speed = sum(row.per_second or 0 for row in running)
    left = max((row.seconds_left or 0 for row in running), default=0)
    parts = [words.rate(speed) if speed else "Starting", f"{words.duration(left)} left" if left else ""]
    return " · ".join(part for part in parts if part)
