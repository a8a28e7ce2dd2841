"""What a system says of itself: one shape for all, so that pages and commands can show any of them. Pure.

    MANIFEST = Manifest(key="quickbooks", name="QuickBooks Online", system="quickbooks", category="finance", …)

A manifest is data: what the system is for, when it is not the right one, how it is connected and with which fields, what it limits. Which
actions and events it has stands in the catalogue, under the name of its `system`.

>>> version = Version(name="75", says="")
>>> standing(version, "70", today=date(2026, 11, 28)), standing(version, "75", today=date(2026, 11, 28))
(Standing(kind='behind', days=None, ends=None), Standing(kind='current', days=None, ends=None))
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from bookhand.core.problems import Problem

Category = Literal["finance", "crm", "communication", "bank", "tax"]
Kind = Literal["current", "behind", "ending", "ended"]
NOTICE_DAYS = 180
"""How long before the end of a version it is told."""
VERSION_ENDS = "api_version_ends"


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A permission that bookhand needs there, in the system's own words, and why.

    `resource` is how a dashboard calls it where that is another word, `probes` are reads that show whether it is there.
    """

    permission: str
    access: str
    why: str
    resource: str = ""
    probes: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What a person looks for."""
        return self.resource or self.permission


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """Something a person types in to connect. A `secret` is never shown again."""

    name: str
    label: str
    hint: str = ""
    secret: bool = False
    needed: bool = True
    choices: tuple[str, ...] = ()


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to connect: at the system's own page (no fields), or by a form of ours."""

    key: str
    name: str
    says: str
    fields: tuple[Field, ...] = ()
    prepares: bool = False
    """Whether it connects nothing yet: it gives what another way needs."""

    @property
    def is_consent(self) -> bool:
        """Whether a person says yes at the system itself."""
        return not self.fields


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Another system (its key) that may fit better, and when."""

    key: str
    when: str


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """The version of its API that bookhand speaks. `ends` is the ISO day after which it is not answered any more, where one was announced.

    `older_end` is that day of every version before it.
    """

    name: str
    says: str
    since: str | None = None
    ends: str | None = None
    older_end: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How a connection's version stands: the ISO day it `ends` on and the `days` until then, where one was announced."""

    kind: Kind
    days: int | None = None
    ends: str | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself. `auth` are the ways its connections are marked with, `system` what they are stored under."""

    key: str
    name: str
    system: str
    category: Category
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    for_what: str
    does: tuple[str, ...]
    fits: tuple[str, ...]
    not_for: tuple[str, ...]
    gotchas: tuple[str, ...]
    ways: tuple[Way, ...]
    limits: str
    alternatives: tuple[Alternative, ...] = ()
    version: Version | None = None
    needs: tuple[Need, ...] = ()
    scopes: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    program: str = ""
    known_gaps: tuple[str, ...] = ()

    def way(self, key: str) -> Way | None:
        """The way to connect of that name."""
        return next((each for each in self.ways if each.key == key), None)


def standing(version: Version, used: str, *, today: date) -> Standing:
    """How a connection that speaks `used` stands towards the version that bookhand speaks now."""
    usual: Kind = "current" if used == version.name else "behind"
    ends = version.ends if used == version.name else version.older_end
    if ends is None:
        return Standing(kind=usual)
    days = (date.fromisoformat(ends) - today).days
    if days < 0:
        return Standing(kind="ended", days=days, ends=ends)
    return Standing(kind="ending" if days <= NOTICE_DAYS else usual, days=days, ends=ends)


def version_problem(version: Version, used: str, *, today: date, name: str, subject: str) -> Problem | None:
    """What a person has to know of a connection called `name` whose version comes to its end, or is past it."""
    stands = standing(version, used, today=today)
    if stands.kind not in {"ending", "ended"}:
        return None
    what = "is not answered any more since" if stands.kind == "ended" else "is answered until"
    mend = (
        "install a bookhand that speaks a newer one, then connect the account again"
        if used == version.name
        else f"connect the account again, and it moves to {version.name}"
    )
    says = f"{name} speaks API version {used}, which {what} {stands.ends}: {mend}."
    return Problem(kind=VERSION_ENDS, subject=subject, message=says)
