"""Stripe's performer: what the door calls to read, fetch, send and look up at one connection.

    performer = StripePerformer(db, secrets)
    performer.read(link, action("refunds.list"), {"charge": "ch_1"}).data
    performer.send(link, action("refunds.create"), values, key="bh_7", marker="7")     # once; then look_up, never again

Each method takes the credential as it begins and holds it until it ends. All stand under the limits that every worker shares.
Errors are those of `core.action.Performer`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bookhand.core.action import Action, Found, Get, Looked, Performer, Sent, Values
from bookhand.core.problems import Bug
from bookhand.systems import store
from bookhand.systems.connection import usable
from bookhand.systems.stripe.actions.history import together
from bookhand.systems.stripe.auth import open_gate
from bookhand.systems.stripe.client import Host, Patience, StripeReader, base_url, host_of
from bookhand.systems.stripe.performing.asked import asked_of
from bookhand.systems.stripe.performing.looking_client import Looking, Patient
from bookhand.systems.stripe.performing.reading_client import Reading
from bookhand.systems.stripe.performing.sending_client import Line, Sender, Times
from bookhand.systems.stripe.token_auth import Credential

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.systems.client import Gate
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

_BRIEF = Patience(tries=4)


class StripePerformer(Performer):
    """Performs for vendor ``stripe``; safe to share between threads. Close it to give its gates and connections back."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        *,
        patience: Patience = _BRIEF,
        times: Times = Times(),  # noqa: B008 (frozen)
        patient: Patient = Patient(),  # noqa: B008 (frozen)
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._patience = patience
        self._times = times
        self._patient = patient
        self._clock = clock
        self._gates: dict[int, Gate] = {}
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()

    def read(self, link: Link, action: Action, values: Values, *, api_version: str | None = None) -> Found:
        """See `Performer`; what is composed of several lists is read list by list."""
        if action.risk != "read":
            raise Bug(f"{action.name} is no read: it was about to be performed without being asked for.")
        with self._reading(link, api_version) as reading:
            if action.call is not None:
                return reading.read(action, values)
            return together(action.name, values, now=int(self._clock()), read=reading.listed)

    def fetch(self, link: Link, get: Get, *, api_version: str | None = None) -> Any:
        """See `Performer`."""
        with self._reading(link, api_version) as reading:
            return reading.fetch(get)

    def send(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        api_version: str | None = None,
    ) -> Sent:
        """See `Performer`: one POST or DELETE, never sent again in here."""
        if action.call is None or action.call.way == "GET":
            raise Bug(f"{action.name} is no write: it has no call that could be sent.")
        asked = asked_of(action.call, values, marker=marker)
        return Sender(self._line(link), self._times).send(asked, key=key, version=api_version)

    def look_up(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        since: int,
        result_id: str | None = None,
    ) -> Looked:
        """See `Performer`; `Outage` while the request may still be under way."""
        with self._reading(link, None) as reading:
            looking = Looking(
                reading=reading, action=action, values=values, key=key, marker=marker, since=since,
                now=self._clock(), livemode=link.mode == "live", patient=self._patient,
            )  # fmt: skip
            return looking.look(result_id)

    def close(self) -> None:
        """Give the gates' database connections back."""
        with self._lock:
            gates, self._gates = self._gates, {}
            hosts, self._hosts = self._hosts, {}
        for gate in gates.values():
            gate.close()
        for pool, _ in hosts.values():
            pool.close()

    @contextmanager
    def _reading(self, link: Link, version: str | None) -> Iterator[Reading]:
        line = self._line(link)
        with StripeReader(
            line.connection,
            token=line.token,
            renew=line.renew,
            gate=line.gate,
            patience=self._patience,
            host=self._host(line.connection),
        ) as reader:
            yield Reading(reader, Sender(line, self._times), version)

    def _line(self, link: Link) -> Line:
        with self._db.transaction() as cx:
            connection = store.get(cx, link.connection_id)
        held = _Held(Credential(self._db, self._secrets, connection))
        return Line(usable(connection), held.token, held.renew, self._gate(connection))

    def _host(self, connection: Connection) -> Host:
        """Connections for reading, kept open: a handshake costs more than most reads."""
        url = base_url(connection)
        with self._lock:
            if url not in self._hosts:
                self._hosts[url] = host_of(url, self._patience)
            return self._hosts[url]

    def _gate(self, connection: Connection) -> Gate:
        with self._lock:
            if connection.id not in self._gates:
                self._gates[connection.id] = open_gate(self._db, connection)
            return self._gates[connection.id]


class _Held:
    """A credential taken once: another one only where Stripe refused it."""

    def __init__(self, credential: Credential) -> None:
        self._credential = credential
        self._token: str | None = None

    def token(self) -> str:
        if self._token is None:
            self._token = self._credential.token()
        return self._token

    def renew(self, refused: str) -> str | None:
        renewed = self._credential.renew(refused)
        self._token = renewed or self._token
        return renewed
