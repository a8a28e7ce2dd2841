"""QuickBooks' performer: what the door calls to read, fetch, send and look up at one company.

    performer = QuickBooksPerformer(db, secrets)
    performer.send(link, CREATES["journal_entry"], params_of(document), key="bh_7", marker="p1_0")    # once; then look_up, never again

A document is written once, for ever: before it is sent, the book is asked whether one of its key is there already; if so, that one is the
answer (or a refusal, where it says something else). QuickBooks' own ``requestid`` stands behind that, but nothing relies on it alone. Errors
are those of `core.action.Performer`.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.action import Action, BulkPerformer, Found, Get, Item, Looked, Sent, Values
from bookhand.core.book import Document
from bookhand.core.book_params import document_of
from bookhand.core.problems import BookhandError, Bug, Outage, Refusal, UnknownOutcome
from bookhand.systems.quickbooks import answers, translate
from bookhand.systems.quickbooks.actions import ACCOUNTS, COMPANY
from bookhand.systems.quickbooks.answers import QuickBooksRefusal
from bookhand.systems.quickbooks.books_client import Lines, QuickBooksBooks
from bookhand.systems.quickbooks.finding_client import again, every_of, known
from bookhand.systems.quickbooks.layers import BATCH_ITEMS

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.systems.quickbooks.client import Patience, QuickBooksClient
    from bookhand.workspace.secrets_store import Secrets

SETTLED_SECONDS = 125.0
"""QuickBooks works on a request for 120 seconds at most: after that, one that was cut is not under way any more."""
_REMEMBERED = 100_000


class QuickBooksPerformer(BulkPerformer):
    """Performs for vendor ``quickbooks``; safe to share between threads. `books` reads the same companies."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        *,
        patience: Patience | None = None,
        settled_seconds: float = SETTLED_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._lines = Lines(db, secrets, patience=patience)
        self.books = QuickBooksBooks(self._lines)
        self._settled_seconds = settled_seconds
        self._clock = clock
        self._over: dict[str, None] = {}
        """Keys of calls of this process that QuickBooks answered, if only with an error of its own: they are not under way."""
        self._lock = threading.Lock()

    def read(self, link: Link, action: Action, values: Values, *, api_version: str | None = None) -> Found:  # noqa: ARG002 (one version)
        """See `Performer`."""
        if action.risk != "read":
            raise Bug(f"{action.name} is no read: it was about to be performed without being asked for.")
        return self._read(link, action, values)

    def fetch(self, link: Link, get: Get, *, api_version: str | None = None) -> Any:  # noqa: ARG002
        """See `Performer`: the chart and the company, that previews are made from."""
        match get.path:
            case path if path == ACCOUNTS:
                return self.books.chart(link)
            case path if path == COMPANY:
                return self.books.brief(link)
            case _:
                raise Bug(f"Nothing is fetched from QuickBooks at {get.path}.")

    def send(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        api_version: str | None = None,  # noqa: ARG002
    ) -> Sent:
        """See `Performer`: one POST, never sent again in here."""
        document, path = document_of(values), _path(action)
        entity, home = translate.ENTITIES[document.kind], self.books.home(link)
        with self._lines.open(link) as client:
            there = known(client, [document], home).get(document.key)
            if there is not None:
                return again(there, document)
            try:
                body, answer = self._posted(
                    client, path, translate.as_quickbooks(document, marker=marker), keys=[key], request_id=_request_id([key]), begin=_nothing
                )  # fmt: skip
            except QuickBooksRefusal as refusal:
                if refusal.code == answers.DUPLICATE_NUMBER:
                    return self._duplicate(client, document, home, refusal)
                raise
        return _sent(entity, body.get(entity), home, answer.tid)

    def bulk(self, action: Action) -> int:
        """See `BulkPerformer`."""
        return 1 if action.risk == "read" else BATCH_ITEMS

    def send_many(
        self,
        link: Link,
        action: Action,
        items: Sequence[Item],
        *,
        begin: Callable[[], None],
        api_version: str | None = None,  # noqa: ARG002
    ) -> list[Sent | BookhandError]:
        """See `BulkPerformer`: one batch; what is in the book already is not sent."""
        _path(action)
        if len(items) > BATCH_ITEMS:
            raise Bug(f"A batch of QuickBooks takes {BATCH_ITEMS} documents, and {len(items)} came.")
        documents, home = [document_of(item.values) for item in items], self.books.home(link)
        found: list[Sent | BookhandError | None] = [None] * len(items)
        with self._lines.open(link) as client:
            there = known(client, documents, home)
            for place, document in enumerate(documents):
                first = next(at for at, each in enumerate(documents) if each.key == document.key)
                if document.key in there:
                    found[place] = _outcome(partial(again, there[document.key], document))
                elif first != place:
                    found[place] = Refusal(
                        f"{document.key} was asked for twice at once: the first is written."
                    )
                else:
                    found[place] = _unwritable(document)
            waiting = [place for place, each in enumerate(found) if each is None]
            if waiting:
                for place, each in self._batched(client, items, documents, waiting, home=home, begin=begin):
                    found[place] = each
        return [each if each is not None else Bug("An item of a batch was forgotten.") for each in found]

    def look_up(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        since: int,
        result_id: str | None = None,  # noqa: ARG002
    ) -> Looked:
        """See `Performer`; `UnknownOutcome` while the request may still be under way."""
        _path(action)
        document = document_of(values)
        home = self.books.home(link)
        with self._lines.open(link) as client:
            found = list(every_of(client, document, since, home))
        if not found:
            self._must_be_over(key, since)
            return Looked(outcome="not_done", why=f"No document in QuickBooks has the key {document.key}.")
        obj, here = found[0]
        said = f"QuickBooks holds it as {translate.ENTITIES[document.kind]} {here.id}"
        if len(found) > 1:
            said += f", and {len(found) - 1} times more ({', '.join(each.id for _, each in found[1:])}): delete those there"
        elif translate.marker_of(obj) not in {marker, None}:
            said += ", written by another call"
        return Looked(outcome="done", why=f"{said}.", data=msgspec.to_builtins(here))

    def close(self) -> None:
        """Give what is held back."""
        self._lines.close()

    # --- reading ---

    def _read(self, link: Link, action: Action, values: Values) -> Found:
        books = self.books
        match action.name.removeprefix("quickbooks."):
            case "company.retrieve":
                return Found(data=msgspec.to_builtins(books.company(link)))
            case "accounts.list":
                return _many(books.accounts(link))
            case "reports.general_ledger":
                return _many(
                    books.ledger(link, values["accounts"], since=values["since"], until=values["until"])
                )
            case name:
                entity = _ENTITY_OF[name.partition(".")[0]]
                if name.endswith(".list"):
                    every = books.every(link, entity, since=values["since"], until=values["until"])
                    return _many([translate.posted(entity, obj, home=home) for obj, home in every])
                return self._one(link, entity, values["id"])

    def _one(self, link: Link, entity: str, id_: str) -> Found:
        home = self.books.home(link)
        with self._lines.open(link) as client:
            obj = client.one(entity, id_)
        if obj is None:
            raise Refusal(f"QuickBooks has no {entity} {id_}, or it was deleted.")
        return Found(data=msgspec.to_builtins(translate.posted(entity, obj, home=home)))

    # --- writing ---

    def _batched(
        self, client: QuickBooksClient, items: Sequence[Item], documents: Sequence[Document], waiting: Sequence[int], *, home: str,
        begin: Callable[[], None],
    ) -> Iterator[tuple[int, Sent | BookhandError]]:  # fmt: skip
        """Send those that wait in one request; each with what became of it, found by its own bId."""
        asked = [
            {
                "bId": str(place), "operation": "create",
                translate.ENTITIES[documents[place].kind]: translate.as_quickbooks(documents[place], marker=items[place].marker),
            }
            for place in waiting
        ]  # fmt: skip
        keys = [items[place].key for place in waiting]
        body, answer = self._posted(
            client,
            "/batch",
            {"BatchItemRequest": asked},
            keys=keys,
            request_id=_request_id(keys),
            begin=begin,
        )
        told = answers.items_of(body)
        for place in waiting:
            document = documents[place]
            yield (
                place,
                _outcome(partial(self._item, client, document, told.get(str(place)), home, answer.tid)),
            )

    def _item(
        self,
        client: QuickBooksClient,
        document: Document,
        item: dict[str, Any] | None,
        home: str,
        tid: str | None,
    ) -> Sent:
        """What became of one item of a batch."""
        entity = translate.ENTITIES[document.kind]
        asked = f"{document.number} in a batch"
        if item is None:
            raise answers.lost(asked, "it is not in the answer")
        if "Fault" not in item:
            return _sent(entity, item.get(entity), home, tid)
        trouble = answers.of_fault(answers.read_fault(item["Fault"]), asked=asked, tid=tid)
        if isinstance(trouble, QuickBooksRefusal) and trouble.code == answers.DUPLICATE_NUMBER:
            return self._duplicate(client, document, home, trouble)
        raise trouble

    def _posted(
        self, client: QuickBooksClient, path: str, body: Any, *, keys: Sequence[str], request_id: str, begin: Callable[[], None]
    ) -> tuple[dict[str, Any], answers.Answer]:  # fmt: skip
        """Send, and remember of which calls it is known that they are not under way any more."""
        with self._lock:
            for key in keys:
                self._over.pop(key, None)
        try:
            found = client.post(path, body, request_id=request_id, begin=begin)
        except UnknownOutcome as error:
            if isinstance(error, answers.AnsweredLost):
                self._end(keys)
            raise
        except BookhandError:
            self._end(keys)
            raise
        self._end(keys)
        return found

    def _end(self, keys: Sequence[str]) -> None:
        with self._lock:
            if len(self._over) > _REMEMBERED:
                self._over.clear()
            self._over.update(dict.fromkeys(keys))

    def _must_be_over(self, key: str, since: int) -> None:
        """Nothing, if the request cannot be under way any more; else the `UnknownOutcome` to come back after."""
        left = since + self._settled_seconds - self._clock()
        if key not in self._over and left > 0:
            raise UnknownOutcome(
                f"QuickBooks does not hold it yet, and may still be working on it: it is looked up again in {left:.0f} s.",
                retry_after_seconds=left,
            )

    def _duplicate(
        self, client: QuickBooksClient, document: Document, home: str, refusal: QuickBooksRefusal
    ) -> Sent:
        """QuickBooks has that number already: if it is ours, that is the answer."""
        there = known(client, [document], home).get(document.key)
        if there is None:
            raise refusal
        return again(there, document)


_ENTITY_OF = {"journal_entries": "JournalEntry", "deposits": "Deposit"}


def _path(action: Action) -> str:
    if action.call is None or action.call.way != "POST":
        raise Bug(f"{action.name} is no write: it has no call that could be sent.")
    return action.call.path


def _request_id(keys: Sequence[str]) -> str:
    """QuickBooks' idempotency key of a request: the same for the same calls, 32 characters (a batch's may have 36)."""
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()[:32]


def _sent(entity: str, obj: Any, home: str, tid: str | None) -> Sent:
    if not isinstance(obj, dict) or not obj.get("Id"):
        raise answers.lost(f"the new {entity}", "it has no id")
    try:
        here = translate.posted(entity, obj, home=home)
    except Refusal as error:
        raise answers.lost(f"the new {entity} {obj['Id']}", str(error)) from None
    return Sent(data=msgspec.to_builtins(here), request_id=tid)


def _unwritable(document: Document) -> Refusal | None:
    """Why a document cannot be written; the others of its batch can."""
    try:
        translate.require_exact(document)
    except Refusal as error:
        return error
    return None


def _outcome(act: Callable[[], Sent]) -> Sent | BookhandError:
    try:
        return act()
    except (Refusal, Outage) as error:
        return error


def _many(found: Sequence[Any]) -> Found:
    return Found(data=msgspec.to_builtins(found), count=len(found))


def _nothing() -> None:
    """Nothing is to be done before a single call."""
