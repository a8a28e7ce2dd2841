"""A person and what a role may do to another, pure.

A role is a set of capabilities, and nobody gives, takes or touches more than they have: an admin (who may not `own`) can neither
make an owner nor change one.

>>> address("  Ada@Example.COM ")
'ada@example.com'
>>> may_give(frozenset({"read", "people"}), "owner")
False
>>> new_secret("bhs", bytes(32))[:8], len(fingerprint("bhs_AAAA"))
('bhs_AAAA', 32)
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bookhand.core.caller import CAPABILITIES, Caller, Capability, NotAllowed, Role, capabilities
from bookhand.core.problems import Missing, Refusal

Note = Callable[[psycopg.Connection[Any], str, str, dict[str, Any]], None]
"""Appends to the trail, in the same transaction: ``note(cx, "person.role", "person:3", {"by": …, "from": …, "to": …})``."""

SECRET_BYTES = 32
_EMAIL = re.compile(r"[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+")
_LONGEST_EMAIL = 254
_LONGEST_NAME = 120


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody of a workspace. `second` says what is asked for beside a password; empty where nothing is."""

    workspace_id: int
    id: int
    email: str
    name: str
    role: Role
    second: tuple[str, ...] = ()
    created_at: datetime
    disabled_at: datetime | None = None

    @property
    def who(self) -> str:
        """As the trail and `Caller` name the person: ``person:3``."""
        return f"person:{self.id}"


class NotSignedIn(Refusal):
    """Who asks is not known: sign in, again."""


class NoSuch(Missing):
    """There is none of that number or name."""


def quiet(_cx: psycopg.Connection[Any], _what: str, _subject: str, _details: dict[str, Any]) -> None:
    """A `Note` that keeps nothing."""


def address(email: str) -> str:
    """An e-mail address as it is kept: trimmed, in lower case; `Refusal` for what is none."""
    found = email.strip().lower()
    if len(found) > _LONGEST_EMAIL or not found.isprintable() or not _EMAIL.fullmatch(found):
        raise Refusal("That is no e-mail address: it reads name@example.com.")
    return found


def typed(email: str) -> str:
    """What somebody typed as an address, to look for: whatever it is, it breaks nothing."""
    return "".join(char for char in email if char.isprintable()).strip().lower()[:_LONGEST_EMAIL]


def called(name: str, email: str) -> str:
    """A person's name, in one line; without one, the first part of the address."""
    found = " ".join("".join(char for char in name if char.isprintable()).split())
    return found[:_LONGEST_NAME] or email.partition("@")[0]


def may_give(can: Iterable[str], role: Role) -> bool:
    """Whether a caller with these capabilities may give `role`, or touch somebody who has it."""
    return capabilities(role) <= frozenset(can)


def need_over(caller: Caller, role: Role, *, what: str) -> None:
    """`NotAllowed` unless `caller` may care for people, and has everything that `role` has."""
    caller.need("people")
    if not may_give(caller.can, role):
        raise NotAllowed(f"{caller.name} ({caller.role}) may not {what}: {_whose(role)}.")


def need_scopes(caller: Caller, scopes: Iterable[str]) -> tuple[Capability, ...]:
    """The scopes of a new token, in the order of `CAPABILITIES`; `Refusal` for an unknown one or one beyond the caller's own."""
    asked = frozenset(scopes)
    unknown = sorted(asked.difference(CAPABILITIES))
    if unknown or not asked:
        what = f"There is no scope {unknown[0]!r}" if unknown else "A token needs at least one scope"
        raise Refusal(f"{what}; there are {', '.join(CAPABILITIES)}.")
    beyond = sorted(asked - caller.can)
    if beyond:
        raise NotAllowed(
            f"{caller.name} ({caller.role}) may not give a token {', '.join(beyond)}: a token can do no more than its person."
        )
    return tuple(each for each in CAPABILITIES if each in asked)


def new_secret(kind: str, chance: bytes) -> str:
    """A session (``bhs_``), token (``bhk_``), link (``bhl_``) or step (``bht_``): 256 random bits with a name in front."""
    return f"{kind}_{base64.urlsafe_b64encode(chance).decode().rstrip('=')}"


def fingerprint(secret: str) -> bytes:
    """What is kept of a secret: its SHA-256. It is long and random, so nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _whose(role: Role) -> str:
    if role == "owner":
        return "only an owner makes, changes or removes owners"
    return f"{role} can do more than they can"
