"""Mirroring: how much of the pace that a vendor allows is used, and what the door adds to each document.

The whole path is real: the journal's entries, the room of books, the door, the performer, and the stand-in as a process of its own that
counts as the vendor does. QuickBooks holds to Intuit's limits (40 batches a minute, 500 calls a minute, 10 a second); NetSuite blocks
whatever is more than five requests at once. A folder of Beancount has no limits: what is left there is ours.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import programs
from bench.figures import Figure
from bench.ground import Ground
from bookhand import logs
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.books import store as book_store
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.action import Action, BulkPerformer, Item, Sent
from bookhand.core.book import Books
from bookhand.core.book_params import params_of
from bookhand.core.caller import Caller, capabilities
from bookhand.core.facts import BalanceTransaction, Charge, FeeDetail, Link, Seen
from bookhand.core.problems import BookhandError
from bookhand.db.engine import Database
from bookhand.journal.workflow import read
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, QuickBooks
from bookhand.systems.beancount import actions as beancount
from bookhand.systems.beancount.acting_client import AT_ONCE, BeancountBooks
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.connection import Connection
from bookhand.systems.netsuite import actions as netsuite
from bookhand.systems.netsuite import auth as netsuite_auth
from bookhand.systems.netsuite.acting_client import NetSuitePerformer
from bookhand.systems.quickbooks import actions as quickbooks
from bookhand.systems.quickbooks import auth as quickbooks_auth
from bookhand.systems.quickbooks.acting_client import QuickBooksPerformer
from bookhand.systems.quickbooks.layers import BATCH_ITEMS, layers_of, limits
from bookhand.workspace.secrets_store import Secrets

SECTION = "mirror"
QUICKBOOKS_LATENCY, NETSUITE_LATENCY = 0.3, 0.5
SLOTS = 5
FOLDER_DOCUMENTS = 3_000
WHO = Caller(
    workspace_id=1, who="person:1", name="bench", role="owner", can=capabilities("owner"), channel="cli"
)
_START = 1_767_225_600  # 2026-01-01
_ACCOUNT, _SLUG = "1002_SB1", "1002-sb1"


def measure(ground: Ground, options: argparse.Namespace) -> Iterator[Figure]:
    logs.setup(level="warning")
    yield from _folder(ground)
    yield from _netsuite(ground, options.mirror_netsuite)
    yield from _quickbooks(ground, options.mirror_quickbooks)


def options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mirror-quickbooks", type=int, default=3_700, help="entries for QuickBooks, 1,200 a minute"
    )
    parser.add_argument("--mirror-netsuite", type=int, default=300, help="entries for NetSuite, 300 a minute")


class Timed(BulkPerformer):
    """A performer that says when each of its requests was begun, when each ended, and how long it was worked in all."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.began: list[tuple[float, int]] = []
        """When a write left, and with how many documents."""
        self.spans: list[tuple[float, float]] = []

    def read(self, *given: Any, **named: Any) -> Any:
        return self.inner.read(*given, **named)

    def fetch(self, *given: Any, **named: Any) -> Any:
        return self.inner.fetch(*given, **named)

    def send(self, *given: Any, **named: Any) -> Any:
        return self.inner.send(*given, **named)

    def look_up(self, *given: Any, **named: Any) -> Any:
        return self.inner.look_up(*given, **named)

    def bulk(self, action: Action) -> int:
        return int(self.inner.bulk(action))

    def at_once(self, link: Link) -> int:
        return int(self.inner.at_once(link))

    def send_many(
        self,
        link: Link,
        action: Action,
        items: Sequence[Item],
        *,
        begin: Callable[[], None],
        api_version: str | None = None,
    ) -> list[Sent | BookhandError]:
        begun: list[float] = []

        def beginning() -> None:
            begin()
            begun.append(time.perf_counter())

        at = time.perf_counter()
        try:
            found: list[Sent | BookhandError] = self.inner.send_many(
                link, action, items, begin=beginning, api_version=api_version
            )
        finally:
            self.spans.append((at, time.perf_counter()))
            self.began += [(each, len(items)) for each in begun[-1:]]  # those before it missed their turn
        return found

    @property
    def busy(self) -> float:
        """Seconds inside of it, one request beside another counted twice."""
        return sum(end - start for start, end in self.spans)

    @property
    def lasted(self) -> float:
        """Seconds from its first request to the end of its last."""
        return max(end for _, end in self.spans) - min(start for start, _ in self.spans)


@dataclass(frozen=True, slots=True)
class Book:
    """A connected book that was agreed to, before which a journal waits."""

    room: BookRoom
    link: Link
    timed: Timed
    db: Database

    def mirrored(self, documents: int) -> float:
        """Plan, then send; the seconds of the sending. Every document is in the book once, or this is no figure."""
        self.room.mirrors.plans.plan(self.link)
        at = time.perf_counter()
        written = self.room.mirrors.send(self.link)
        took = time.perf_counter() - at
        first, last = "2026-01-01", "2026-12-31"
        there = [each.key for each in self.room.kit.reader(self.link).documents(self.link, since=first, until=last)]  # fmt: skip
        if not written == len(there) == len(set(there)) == documents:
            raise RuntimeError(
                f"{written} documents of {documents} were written, and {len(there)} are in the book."
            )
        return took


@contextmanager
def _book(
    ground: Ground, entries: int, actions: Sequence[Action], connect: Callable[[Database, Secrets, Path], tuple[Connection, Any, Books]]
) -> Iterator[Book]:  # fmt: skip
    with ground.place() as place, Database(place.url) as db:
        with db.transaction() as cx:
            read(cx, place.link, list(_sales(entries)))
        connection, performer, reader = connect(db, Secrets(place.folder), place.folder)
        timed, system = Timed(performer), connection.link.system
        catalogue = Catalogue((*actions, *OWN_ACTIONS))
        door = Door(Kit(db=db, catalogue=catalogue, performers={system: timed}, own=OWN))
        room = BookRoom(BookKit(db=db, door=door, books={system: reader}))
        shown = room.setups.propose(WHO, connection.link, method="clearing")
        room.setups.agree(WHO, connection.link, shown.choice(), "bench")
        yield Book(room, connection.link, timed, db)
        if hasattr(performer, "close"):
            performer.close()


def _sales(count: int) -> Iterator[Seen]:
    """Charges with their fees, over January."""
    for number in range(count):
        at, amount = _START + number * 30 * 86_400 // count, 2_000 + number
        charge = Charge(id=f"ch_{number}", created=at, currency="USD", amount=amount, payment_intent=f"pi_{number}")  # fmt: skip
        moved = BalanceTransaction(
            id=f"txn_{number}", created=at, available_on=at, type="charge", reporting_category="charge", balance_type="payments",
            currency="USD", amount=amount, fee=88, net=amount - 88, source=charge.id, fee_details=(FeeDetail("stripe_fee", "USD", 88),),
        )  # fmt: skip
        for fact in (charge, moved):
            yield Seen(fact=fact, delivery=number + 1, as_of=at, told_by="listed")


# --- what the door adds ---


def _folder(ground: Ground) -> Iterator[Figure]:
    def connect(db: Database, _: Secrets, folder: Path) -> tuple[Connection, Any, Books]:
        books = BeancountBooks(db)
        return connect_folder(db, folder / "book", mode="test"), books, books

    with _book(ground, FOLDER_DOCUMENTS, beancount.ACTIONS, connect) as book:
        took = book.mirrored(FOLDER_DOCUMENTS)
        inside = book.timed.busy
        direct = _direct(book, ground)
    added = (took - inside) / FOLDER_DOCUMENTS * 1_000
    yield Figure(
        section=SECTION, name=f"{FOLDER_DOCUMENTS:,} documents into a folder", value=round(FOLDER_DOCUMENTS / took), unit="/s",
        peer="the performer without the door", peer_value=round(FOLDER_DOCUMENTS / direct),
        note=f"asked for, approved, sent and read back; {added:.2f} ms a document outside of the performer; {_load()}",
    )  # fmt: skip


def _direct(book: Book, ground: Ground) -> float:
    """Seconds that the same documents take when the performer is called alone, into a folder of its own."""
    with book.db.transaction() as cx:
        items = [
            Item(params_of(each.content), f"bench-{number}", f"bench-{number}")
            for number, each in enumerate(book_store.documents(cx, book.link))
        ]
    other = connect_folder(book.db, ground.folder / f"direct-{book.link.connection_id}-{time.time_ns()}", mode="test")  # fmt: skip
    [action] = [each for each in beancount.ACTIONS if each.name == "beancount.journal_entries.create"]
    at = time.perf_counter()
    for first in range(0, len(items), AT_ONCE):
        some = items[first : first + AT_ONCE]
        answers = book.timed.inner.send_many(other.link, action, some, begin=lambda: None)
        if not all(isinstance(each, Sent) for each in answers):
            raise RuntimeError(f"The performer alone could not write: {answers}")
    return time.perf_counter() - at


# --- the pace that is allowed ---


def _netsuite(ground: Ground, documents: int) -> Iterator[Figure]:
    with ExitStack() as held:
        server = held.enter_context(programs.running("bookhand.sandbox.netsuite", "--at-once", SLOTS))

        def connect(db: Database, secrets: Secrets, _: Path) -> tuple[Connection, Any, Books]:
            pair = netsuite_auth.begin(db, secrets, _ACCOUNT, now=datetime.now(UTC))
            told = _switch(server.url, "certificate", account=_SLUG, pem=pair.certificate_pem)
            made = netsuite_auth.connect_with_certificate(
                db, secrets, _ACCOUNT, client_id=told["client_id"], certificate_id=told["certificate_id"],
                base_url=f"{server.url}/{{account}}", limits={"at_once": SLOTS},
            )  # fmt: skip
            performer = NetSuitePerformer(db, secrets)
            return made, performer, performer.books

        book = held.enter_context(_book(ground, documents, netsuite.ACTIONS, connect))
        _switch(server.url, "latency", seconds=NETSUITE_LATENCY)
        whole = book.mirrored(documents)
        told = _told(server.url)
    pace, ideal = documents / book.timed.lasted, SLOTS / NETSUITE_LATENCY / 2
    yield Figure(
        section=SECTION, name="NetSuite: share of what its slots allow", value=round(100 * pace / ideal, 1), unit="%", least=95,
        note=f"{documents} documents, {pace:.2f}/s of {ideal:g}/s; {SLOTS} slots, {NETSUITE_LATENCY} s a request, two requests a document; "
        f"the whole took {whole:.0f} s; at most {told['accounts'][_SLUG]['most_seen']} at once; {_load()}",
    )  # fmt: skip
    yield Figure(section=SECTION, name="NetSuite: requests blocked", value=told["too_many"], unit="", most=0)


def _quickbooks(ground: Ground, documents: int) -> Iterator[Figure]:
    with ExitStack() as held:
        server = held.enter_context(programs.running("bookhand.sandbox.quickbooks"))
        app = QuickBooks(seed=1).app  # the same seed, the same keys
        application = quickbooks_auth.Application(
            client_id=app.client_id, client_secret=app.client_secret, mode="test", base_url=server.url,
            redirect_uri="http://localhost:8787/oauth/quickbooks", discovery_url=f"{server.url}/.well-known/openid_configuration",
        )  # fmt: skip

        def connect(db: Database, secrets: Secrets, _: Path) -> tuple[Connection, Any, Books]:
            back = come_back(quickbooks_auth.start_sign_in(db, application), realm=SMALL_REALM)
            made = quickbooks_auth.finish_sign_in(db, secrets, application, quickbooks_auth.back_of(back))
            performer = QuickBooksPerformer(db, secrets)
            return made, performer, performer.books

        book = held.enter_context(_book(ground, documents, quickbooks.ACTIONS, connect))
        _switch(server.url, "latency", seconds=QUICKBOOKS_LATENCY)
        whole = book.mirrored(documents)
        told = _told(server.url)
    [batches] = [each.count for each in layers_of(limits(), batch=True) if each.name == "batch"]
    allowed = batches * BATCH_ITEMS / 60
    began = sorted(book.timed.began)
    windows = (len(began) - 1) // batches
    if windows < 1:
        raise RuntimeError(f"{documents} documents do not fill a window of {batches} batches.")
    last = windows * batches
    pace = sum(count for _, count in began[:last]) / (began[last][0] - began[0][0])
    yield Figure(
        section=SECTION, name="QuickBooks: share of Intuit's limits", value=round(100 * pace / allowed, 1), unit="%", least=95,
        note=f"{pace:.2f}/s of {allowed:g}/s from the first batch to batch {last + 1}, {windows} whole windows of {batches} batches; "
        f"{documents:,} documents in {len(began)} batches, {whole:.0f} s; {QUICKBOOKS_LATENCY} s a request; {_load()}",
    )  # fmt: skip
    yield Figure(section=SECTION, name="QuickBooks: 429s", value=told["too_many"], unit="", most=0)


def _switch(url: str, which: str, **asked: Any) -> Any:
    request = urllib.request.Request(f"{url}/_standin/{which}", data=json.dumps(asked).encode(), method="POST")  # fmt: skip
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def _told(url: str) -> Any:
    with urllib.request.urlopen(f"{url}/_standin", timeout=30) as answer:
        return json.load(answer)


def _load() -> str:
    return f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
