"""What the first page shows, made from what was read: the picture of the months, and how far a newcomer has come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

import msgspec

from bookhand.core.money import EXPONENTS
from bookhand.web.home.store import Month, Waits
from bookhand.web.page.figures import Reads
from bookhand.web.page.wording import plain
from bookhand.web.status import Status

MONTHS = 12

StepState = Literal["done", "now", "later"]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the guide: `key` names its text, `to` is the page where it is done, `note` what is already there."""

    key: str
    state: StepState
    to: str
    note: str = ""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """Something that waits for a person: how many, and where."""

    key: str
    n: int
    to: str
    icon: str
    name: str = ""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is not connected any more, and the page where it is connected again."""

    name: str
    to: str


def month_before(today: date, months: int) -> str:
    """The month that was `months` before `today`'s, as ``2026-11``."""
    number = today.year * 12 + today.month - 1 - months
    return f"{number // 12:04d}-{number % 12 + 1:02d}"


def whole_year(found: Sequence[Month], today: date) -> list[Month]:
    """`MONTHS` months up to `today`'s, those without money among them."""
    by_month = {each.month: each for each in found}
    names = [month_before(today, ago) for ago in range(MONTHS - 1, -1, -1)]
    return [by_month.get(name) or Month(month=name) for name in names]


def picture(year: Sequence[Month], currency: str, reads: Reads) -> dict[str, Any]:
    """The year as bars: what was sold, and below the line what went back and what it cost."""
    return {
        "kind": "bars", "stacked": True, "currency": currency, "places": EXPONENTS.get(currency, 0),
        "names": [reads.month(each.month).split()[0][:3] for each in year],
        "series": [
            {"name": plain(f"home.money.{name}"), "values": [getattr(each, name) for each in year]}
            for name in ("sales", "refunds", "fees")
        ],
    }  # fmt: skip


def needs(waits: Waits) -> list[Need]:
    """What waits for a person, the most pressing first."""
    found = [
        Need(key="connection", n=1, to="/settings/integrations", icon="plug-off", name=name)
        for name in waits.pauses
    ]
    found += [
        Need(key="unknown", n=waits.unknown, to="/approvals", icon="help-circle"),
        Need(key="approvals", n=waits.approvals, to="/approvals", icon="checkbox"),
        Need(key="runs", n=waits.runs, to="/runs?state=paused", icon="player-pause"),
        Need(key="questions", n=waits.questions, to="/payouts/questions", icon="message-question"),
        Need(key="breaks", n=waits.breaks, to="/payouts/breaks", icon="unlink"),
        Need(key="problems", n=waits.problems, to="/problems", icon="alert-triangle"),
    ]
    return [each for each in found if each.n]


def steps(status: Status, *, books: int, kept: int, statements: bool) -> list[Step]:
    """The guide from nothing to proven books; each step is judged by what is there, not by what was clicked."""
    stripe = [row for row in status.connections if row.livemode or row.api_version]
    history_in = bool(status.histories) and all(row.status != "running" for row in status.histories)
    proven = bool(status.proofs) and all(row.off_by == 0 for row in status.proofs)
    done = {
        "stripe": bool(stripe),
        "history": history_in,
        "proof": proven and history_in,
        "book": kept > 0,
        "bank": statements,
    }
    to = {
        "stripe": "/settings/integrations/stripe",
        "history": "/settings/integrations/stripe",
        "proof": "/books",
        "book": "/books/outside" if books else "/settings/integrations",
        "bank": "/payouts/statements",
    }
    first_open = next((key for key, is_done in done.items() if not is_done), None)
    return [
        Step(key=key, state="done" if is_done else "now" if key == first_open else "later", to=to[key])
        for key, is_done in done.items()
    ]
