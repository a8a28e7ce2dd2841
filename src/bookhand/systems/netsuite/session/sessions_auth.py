"""Clients of connections, opened once and kept: credential, slots and open HTTP connections of each.

sessions = Sessions(db, secrets)
session = sessions.open(link)                 # Refusal where the connection is away
session.client.rows("SELECT …"), session.terms
sessions.close()
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from bookhand.core.problems import Refusal
from bookhand.systems import store
from bookhand.systems.connection import usable
from bookhand.systems.netsuite import AT_ONCE
from bookhand.systems.netsuite.client import NetSuiteClient, Patience, http_of
from bookhand.systems.netsuite.session.place import Place, place_of
from bookhand.systems.netsuite.session.slots_store import Slots
from bookhand.systems.netsuite.session.token_auth import Credential
from bookhand.systems.netsuite.translate import Terms

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

_FRESH_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Session:
    """One connection's client, and the settings it was opened with."""

    connection: Connection
    client: NetSuiteClient
    slots: Slots
    http: httpx.Client
    kept: dict[str, tuple[float, Any]]
    clock: Callable[[], float]

    @property
    def subsidiary(self) -> str | None:
        """The subsidiary that is ours, in a OneWorld account."""
        found: str | None = self.connection.settings.get("subsidiary")
        return found

    @property
    def at_once(self) -> int:
        """Requests at once that we take of the account's."""
        return at_once(self.connection.settings)

    def remembered(self, name: str, read: Callable[[], Any]) -> Any:
        """What `read` gives, for ten minutes."""
        held = self.kept.get(name)
        if held is None or self.clock() - held[0] > _FRESH_SECONDS:
            held = (self.clock(), read())
            self.kept[name] = held
        return held[1]

    @property
    def terms(self) -> Terms:
        """The company's currencies and our subsidiary; read once in ten minutes."""
        found: Terms = self.remembered("terms", self._terms)
        return found

    def _terms(self) -> Terms:
        rows = list(
            self.client.rows(
                "SELECT id, symbol, currencyprecision FROM currency WHERE isinactive = 'F' ORDER BY id"
            )
        )
        if not rows:
            raise Refusal(
                "NetSuite showed no currency: give the role the permission Currency (View), then connect again."
            )
        return Terms(
            subsidiary=self.subsidiary,
            currencies={row["symbol"]: row["id"] for row in rows},
            decimals={
                row["symbol"]: int(row["currencyprecision"]) for row in rows if "currencyprecision" in row
            },
        )


class Sessions:
    """Safe to share between threads."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._patience = patience or Patience()
        self._clock = clock
        self._open: dict[int, Session] = {}
        self._retired: list[Session] = []
        """Of other settings: somebody may still be in the middle of a call."""
        self._lock = threading.Lock()

    def open(self, link: Link) -> Session:
        """The session of a connection that is active; a new one where its settings were changed."""
        with self._db.transaction() as cx:
            connection = usable(store.get(cx, link.connection_id))
        with self._lock:
            held = self._open.get(connection.id)
            if (
                held is not None
                and held.connection.settings == connection.settings
                and held.connection.auth == connection.auth
            ):
                return held
            if held is not None:
                self._retired.append(held)
            self._open[connection.id] = self.opened(connection)
            return self._open[connection.id]

    def at_once(self, link: Link) -> int:
        """The requests at once that a connection's settings allow, whether it is active or not."""
        with self._db.transaction() as cx:
            return at_once(store.get(cx, link.connection_id).settings)

    def opened(self, connection: Connection) -> Session:
        """A session of its own, which the caller lets go of."""
        place = place_of_connection(connection)
        count = at_once(connection.settings)
        slots = Slots(self._db, f"{self._db.workspace_id}/{place.realm}", count=count)
        http = http_of(self._patience, at_once=count)
        credential = Credential(self._db, self._secrets, connection, place, clock=self._clock)
        client = NetSuiteClient(place, credential, slots, http, patience=self._patience)
        return Session(connection, client, slots, http, {}, self._clock)

    def close(self) -> None:
        """Let go of all."""
        with self._lock:
            held = [*self._open.values(), *self._retired]
            self._open, self._retired = {}, []
        for session in held:
            let_go(session)


def place_of_connection(connection: Connection) -> Place:
    """The account that a connection is of."""
    return place_of(connection.link.account.partition("/")[0], base_url=connection.settings.get("base_url"))


def at_once(settings: Mapping[str, Any]) -> int:
    """The requests at once that a connection's settings allow."""
    limits = settings.get("limits")
    given = limits.get("at_once") if isinstance(limits, Mapping) else None
    return int(given) if given else AT_ONCE


def let_go(session: Session) -> None:
    """Close what a session holds."""
    session.http.close()
    session.slots.close()
