"""What the pages of integrations need of the house: to connect, to let go, to bring history in. The command line hands it in.

    connecting: Connecting = site.rooms["integrations"]
    address = connecting.start(caller, "stripe", name=None, bound=bound)

All of it raises `Refusal` (with one sentence for each thing that is wrong) or `Outage`, and writes into the trail what was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from bookhand.core.caller import Caller
from bookhand.systems.connection import Auth, Connection
from bookhand.systems.store import Bound
from bookhand.web.page.wording import plain

NO_SIGN_IN = frozenset({"files", "folder", "plaid"})
"""Ways whose sign-in nothing takes the place of: there is none, or each one is a connection of its own."""


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """One rate limit of a connection: how many, of how many without a word of anybody's."""

    name: str
    count: int
    usual: int


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key pair, for a person to upload, and the ISO day it ends on."""

    pem: str
    expires: str


class Came(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody is connected: what to tell them, and how it signed in before (`was`), where the connection was in use already."""

    connection: Connection
    says: str
    was: Auth | None = None

    @property
    def swapped(self) -> bool:
        """Whether bookhand signs in otherwise from now on."""
        return self.was not in {None, self.connection.auth}

    @property
    def replaced(self) -> str:
        """The sentence that says what took the place of what; '' where nothing did."""
        if self.was is None:
            return ""
        way, was = (plain(f"integrations.auth.{each}") for each in (self.connection.auth, self.was))
        if self.swapped:
            return plain("integrations.form.swapped", name=self.connection.name, was=was, way=way)
        return plain("integrations.form.renewed", name=self.connection.name, way=way)


class Connecting(Protocol):
    """See the module's docstring. `key` is a manifest's."""

    def lacking(self, key: str) -> str | None:
        """Why nobody can say yes at the system's own page now, in a sentence; None where they can."""
        ...

    def start(
        self, caller: Caller, key: str, *, name: str | None, bound: Bound, again: int | None = None
    ) -> str:
        """Begin a sign-in: the address at the system to send the person to; `again` is the connection that is to come back, and no other."""
        ...

    def bound(self, state: str) -> Bound | None:
        """Whose a sign-in under way is; None for one of the command line's, and for none."""
        ...

    def finish(self, kind: str, sent: Mapping[str, str]) -> Came:
        """Finish the sign-in of somebody who came back (`kind` is ``app``, ``connect``, ``quickbooks`` or ``plaid``)."""
        ...

    def connect(
        self, caller: Caller, key: str, way: str, fields: Mapping[str, str], *, again: int | None = None
    ) -> Came | None:
        """Connect by what was typed into the form of a way; None where that only prepares another way.

        `again` is the connection that is to come back, and no other.
        """
        ...

    def certificate(self, caller: Caller, account: str) -> Certificate:
        """The certificate that waits to be uploaded at NetSuite; one is made where there is none."""
        ...

    def part(self, caller: Caller, number: int) -> list[str]:
        """Let go of a connection; in sentences what still stands of us on the other side."""
        ...

    def limits(self, connection: Connection) -> list[Limit]:
        """The rate limits bookhand keeps there; empty where there are none to set."""
        ...

    def set_limits(self, caller: Caller, number: int, counts: Mapping[str, int]) -> None:
        """Keep other limits from now on."""
        ...

    def ask_history(self, caller: Caller, number: int, *, since: str | None, until: str | None) -> None:
        """Ask for the history from day `since` (ISO; None: from the first) up to but without `until`; a worker brings it in."""
        ...

    def hold_history(self, caller: Caller, number: int, *, pause: bool) -> None:
        """Let the backfill under way stand, or go on."""
        ...

    def bank_folder(self) -> Path | None:
        """The folder of statements that is watched, where there is one."""
        ...

    def backfill_months(self) -> int:
        """How far back a history goes where nobody says otherwise."""
        ...
