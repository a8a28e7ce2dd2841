"""NetSuite's performer: what the door calls to read, fetch, send and look up at one connection.

    performer = NetSuitePerformer(db, secrets)
    performer.send(link, action("netsuite.journal_entries.create"), values, key="bh_7", marker="7").data["id"]
    performer.books.company(link)

A document is looked for by its external id first. One that is there is done: it is never edited, and where it holds something else than was
asked for, that is said in the answer (`differs`). NetSuite keeps no idempotency keys for calls like these; the external id is the key.
Calls go alone, as many at once as the account's slots allow. Errors are those of `core.action.Performer`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.core.action import Action, BulkPerformer, Found, Get, Item, Looked, Sent, Values
from bookhand.core.book import Document, DocumentKind, Posted
from bookhand.core.book_params import document_of
from bookhand.core.problems import BookhandError, Bug, Missing
from bookhand.systems.netsuite.actions import CHART
from bookhand.systems.netsuite.books_client import NetSuiteBooks, chart_of
from bookhand.systems.netsuite.marks import external_id
from bookhand.systems.netsuite.session.sessions_auth import Session, Sessions
from bookhand.systems.netsuite.translate import RECORDS, SUBLISTS, body_of, differences, posted_of, written

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.systems.netsuite.client import Patience
    from bookhand.workspace.secrets_store import Secrets

_RECORD = re.compile(r"/record/v1/(journalEntry|deposit)/(\S+)")
_KINDS: dict[str, DocumentKind] = {"journal_entries": "journal_entry", "deposits": "deposit"}
_PAGE = 1000
_WAITING = 3

log = structlog.get_logger(__name__)


class NetSuitePerformer(BulkPerformer):
    """Performs for vendor ``netsuite``; safe to share between threads. Close it to give its connections back."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        *,
        patience: Patience | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sessions = Sessions(db, secrets, patience=patience, clock=clock)
        self.books = NetSuiteBooks(self._sessions)

    def read(self, link: Link, action: Action, values: Values, *, api_version: str | None = None) -> Found:  # noqa: ARG002 (NetSuite has one)
        """See `Performer`."""
        if action.risk != "read":
            raise Bug(f"{action.name} is no read: it was about to be performed without being asked for.")
        match action.name.removeprefix("netsuite."):
            case "company.retrieve":
                return Found(data=msgspec.to_builtins(self.books.company(link)))
            case "accounts.list":
                return _many(self.books.accounts(link))
            case "journal_entries.list" | "deposits.list":
                kind = _kind(action)
                found = self.books.documents(link, since=values["since"], until=values["until"])
                return _many([each for each in found if each.kind == kind])
            case "suiteql.query":
                return self._query(link, values["query"], values.get("limit", _PAGE))
            case _:
                kind = _kind(action)
                record = self._record(link, kind, values["id"])
                if record is None:
                    raise Missing(f"NetSuite has no {_words(kind)} {values['id']}.")
                return Found(data=msgspec.to_builtins(record))

    def fetch(self, link: Link, get: Get, *, api_version: str | None = None) -> Any:  # noqa: ARG002 (NetSuite has one)
        """See `Performer`: the chart (kept for ten minutes), or one record."""
        session = self._sessions.open(link)
        if get.path == CHART:
            return session.remembered("chart", lambda: _chart(session))
        found = _RECORD.fullmatch(get.path)
        if found is None:
            raise Bug(f"NetSuite was to be asked for {get.path}, which is no address of it.")
        return session.client.record(found[1], found[2])

    def bulk(self, action: Action) -> int:  # noqa: ARG002 (NetSuite takes none together)
        """See `BulkPerformer`: documents go alone; it is the renewed claim that is needed, for the last of a chunk wait long."""
        return 1

    def at_once(self, link: Link) -> int:
        """See `BulkPerformer`: every slot of the account in use, and always somebody who waits for the next that is free."""
        return self._sessions.at_once(link) + _WAITING

    def send_many(
        self,
        link: Link,
        action: Action,
        items: Sequence[Item],
        *,
        begin: Callable[[], None],
        api_version: str | None = None,  # noqa: ARG002 (NetSuite has one)
    ) -> list[Sent | BookhandError]:
        """See `BulkPerformer`; `begin` is called whenever a write is about to leave."""
        found: list[Sent | BookhandError] = []
        for item in items:
            try:
                found.append(self._written(link, action, item.values, begin))
            except BookhandError as error:
                found.append(error)
        return found

    def send(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,  # noqa: ARG002 (the document's own key is what NetSuite keeps)
        marker: str,  # noqa: ARG002 (the mark in the memo is the document's key)
        api_version: str | None = None,  # noqa: ARG002 (NetSuite has one)
    ) -> Sent:
        """See `Performer`: written where nothing of that key is there."""
        return self._written(link, action, values, lambda: None)

    def _written(self, link: Link, action: Action, values: Values, begin: Callable[[], None]) -> Sent:
        if action.risk == "read":
            raise Bug(f"{action.name} is no write: it has no call that could be sent.")
        document = document_of(values)
        session = self._sessions.open(link)
        record, eid = RECORDS[document.kind], f"eid:{external_id(document.key, session.terms.subsidiary)}"
        body = body_of(document, session.terms)
        there = session.client.record(record, eid)
        if there is not None:
            return Sent(data=_told(document, posted_of(there, document.kind, session.terms)))
        number = session.client.put(record, eid, body, replacing=SUBLISTS[record], begin=begin)
        log.info(
            "netsuite_written",
            connection=link.connection_id,
            record=record,
            id=number,
            number=document.number,
        )
        return Sent(data=msgspec.to_builtins(written(document, number)))

    def look_up(
        self,
        link: Link,
        action: Action,  # noqa: ARG002 (the document says what it is)
        values: Values,
        *,
        key: str,  # noqa: ARG002 (the document's own key is what NetSuite keeps)
        marker: str,  # noqa: ARG002 (the mark in the memo is the document's key)
        since: int,  # noqa: ARG002 (an external id is there or not, whenever it was written)
        result_id: str | None = None,  # noqa: ARG002 (found by its external id)
    ) -> Looked:
        """See `Performer`: by external id, which NetSuite keeps once for each kind of record."""
        document = document_of(values)
        session = self._sessions.open(link)
        record, eid = RECORDS[document.kind], f"eid:{external_id(document.key, session.terms.subsidiary)}"
        there = session.client.record(record, eid)
        words = _words(document.kind)
        if there is None:
            return Looked(outcome="not_done", why=f"NetSuite has no {words} under {eid}.")
        told = _told(document, posted_of(there, document.kind, session.terms))
        return Looked(outcome="done", why=f"NetSuite has it as {words} {told['id']}.", data=told)

    def close(self) -> None:
        """Give the connections back."""
        self._sessions.close()

    def _record(self, link: Link, kind: DocumentKind, number: str) -> Posted | None:
        session = self._sessions.open(link)
        found = session.client.record(RECORDS[kind], number)
        return posted_of(found, kind, session.terms) if found is not None else None

    def _query(self, link: Link, query: str, limit: int) -> Found:
        client = self._sessions.open(link).client
        rows: list[Any] = []
        for row in client.rows(query):
            if len(rows) == limit:
                return Found(
                    data=rows,
                    count=len(rows),
                    cut=f"There are more than {limit} rows: ask for more with limit.",
                )
            rows.append(row)
        return Found(data=rows, count=len(rows))


def _told(document: Document, posted: Posted) -> dict[str, Any]:
    """What stands there, and in words what of it is not as it was asked for."""
    found: dict[str, Any] = msgspec.to_builtins(posted)
    return found | {"already": True, "differs": list(differences(document, posted))}


def _many(found: list[Any]) -> Found:
    return Found(data=msgspec.to_builtins(found), count=len(found))


def _chart(session: Session) -> dict[str, Any]:
    return {each.id: {"name": each.name, "active": each.active} for each in chart_of(session)}


def _kind(action: Action) -> DocumentKind:
    return _KINDS[action.resource.rpartition(".")[2]]


def _words(kind: DocumentKind) -> str:
    return kind.replace("_", " ")
