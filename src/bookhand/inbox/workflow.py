"""Reading the mail: what is queued becomes facts, its readers read them, and it leaves the queue, all in one transaction.

`drain` reads one connection's queue; an advisory lock makes it the only one there, so readers see one writer. A delivery that
cannot be read is parked with a Problem and never blocks the rest: a reader that fails on a batch is given halves of it until the
one delivery that breaks it stands alone. What the mail says must still be fetched (new money, a payout's members, an object in
doubt) is written down as errands in the same transaction, and run by `errands_workflow`.

    drain(db, link, [journal.read])        # how many deliveries were read
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg
import structlog

from bookhand.core.facts import Link, Payout, Seen
from bookhand.core.ports import Reader
from bookhand.core.problems import Outage, Problem
from bookhand.core.ready import ready
from bookhand.db.engine import Database
from bookhand.inbox import errand_store, snapshot_store, store
from bookhand.inbox.delivery import (
    MEMBERS,
    OTHER_VERSION,
    UNREADABLE,
    Delivery,
    Opened,
    Unreadable,
    open_delivery,
)
from bookhand.inbox.errand_store import PULL, Errand
from bookhand.inbox.errands_workflow import strays
from bookhand.inbox.lists import moves_money, path_of
from bookhand.inbox.ordering import Sight, settle
from bookhand.systems.stripe.translate import problems_of
from bookhand.workspace.store import clear, report

BATCH = 500
READER_FAILED = "reader_failed"
"""The kind of Problem that a delivery is which breaks a reader."""
DOUBT_SECONDS = 2.0
"""How long an object in doubt waits before it is asked for, so that mail of the same moment may settle it first."""

log = structlog.get_logger(__name__)

Letter = tuple[int, int, Delivery]
"""Lane, number, delivery."""


def drain(
    db: Database,
    link: Link,
    readers: Sequence[Reader],
    *,
    batch: int = BATCH,
    most: int | None = None,
    wait: bool = False,
) -> int:
    """Read what is queued for `link` (at most about `most`); how many deliveries left the queue.

    0 where the queue is empty or somebody else is reading it; with `wait` their batch is waited for, so 0 means it is empty. Raises `Outage` where PostgreSQL is not there.
    """
    read, size = 0, batch
    while most is None or read < most:
        try:
            count = _drain_batch(db, link, readers, size=size, wait=wait)
        except (psycopg.OperationalError, Outage):
            raise
        except Exception as error:  # noqa: BLE001 (a reader's failure, whatever it is, must not stop the mail)
            if size == 1:
                read += _park_first(db, link, error)
                size = batch
            else:
                log.warning(
                    "batch_failed", connection=link.connection_id, size=size, error=type(error).__name__
                )
                size = max(1, size // 4)
            continue
        read += count
        if count == 0:
            break
        size = min(batch, size * 2)
    return read


def retry_parked(db: Database, link: Link) -> int:
    """Read again what was put aside: at every start, because what could not be read then may be readable now. How many."""
    with db.transaction() as cx:
        count = store.unpark(cx, link)
        if count:
            for kind in (READER_FAILED, UNREADABLE):
                clear(cx, link, kind=kind)
            cx.execute("select pg_notify(%s, %s)", (store.CHANNEL, str(link.connection_id)))
    return count


def replayed(db: Database, link: Link) -> Iterator[list[Seen]]:
    """Every fact of every delivery that can be read, in the order they came: what `bookhand check` reads again from the start."""
    with db.transaction() as cx:
        for letters in store.replay(cx, link):
            opened = (open_delivery(seq, delivery, api_version=link.api_version) for seq, delivery in letters)
            yield [seen for each in opened if isinstance(each, Opened) for seen in each.facts]


def _drain_batch(db: Database, link: Link, readers: Sequence[Reader], *, size: int, wait: bool) -> int:
    with db.transaction() as cx:
        if not store.take_turn(cx, link, wait=wait):
            return 0
        letters = store.take(cx, link, limit=size)
        if letters:
            _read(cx, link, readers, letters)
            store.finish(cx, link, [(lane, seq) for lane, seq, _ in letters])
        return len(letters)


def _park_first(db: Database, link: Link, error: Exception) -> int:
    """The first delivery of the queue breaks a reader all by itself: park it."""
    with db.transaction() as cx:
        if not store.take_turn(cx, link):
            return 0
        letters = store.take(cx, link, limit=1)
        for lane, seq, delivery in letters:
            log.error("delivery_parked", connection=link.connection_id, key=delivery.key, error=repr(error))
            why = Unreadable(
                kind=READER_FAILED,
                message=f"{delivery.key} could not be posted ({type(error).__name__}: {error}). It was put aside whole; this is a fault "
                "of bookhand's: report it. It is read again at the next start, so an upgrade mends it.",
            )
            _park(cx, link, seq, delivery, why)
            store.finish(cx, link, [(lane, seq)])
        return len(letters)


def _read(cx: store.Transaction, link: Link, readers: Sequence[Reader], letters: Sequence[Letter]) -> None:
    opened: list[tuple[int, Delivery, Opened]] = []
    foreign: list[Delivery] = []
    for lane, seq, delivery in letters:
        found = open_delivery(seq, delivery, api_version=link.api_version)
        if isinstance(found, Unreadable):
            _park(cx, link, seq, delivery, found)
            if found.kind == OTHER_VERSION and lane == store.LIVE:
                foreign.append(delivery)
        else:
            opened.append((seq, delivery, found))
    facts = [seen for _, _, each in opened for seen in each.facts]
    problems = problems_of(seen.fact for seen in facts)
    for reader in readers:
        problems += reader(cx, link, facts)
    report(cx, link, problems)
    doubtful = _see(cx, link, opened)
    errand_store.want(cx, link, doubtful, delay_seconds=DOUBT_SECONDS)
    errand_store.want(cx, link, list(_errands(cx, link, opened)))
    errand_store.want(cx, link, list(_instead(cx, link, foreign)))


def _park(cx: store.Transaction, link: Link, seq: int, delivery: Delivery, why: Unreadable) -> None:
    store.park(cx, link, seq, why)
    subject = (
        (delivery.api_version or "none") if why.kind == OTHER_VERSION else delivery.key
    )  # one finding, not one an event
    report(cx, link, [Problem(kind=why.kind, subject=subject, message=why.message)])


# --- snapshots ---


def _see(cx: store.Transaction, link: Link, opened: Sequence[tuple[int, Delivery, Opened]]) -> list[Errand]:
    """Bring snapshots up to date; returns the objects in doubt, to be asked for again."""
    tellings = [
        ((delivery.object, delivery.object_id), _sight(seq, delivery, each))
        for seq, delivery, each in opened
        if delivery.object_id and delivery.kind != "thin"
    ]
    known = snapshot_store.sights(cx, link, sorted({name for name, _ in tellings}))
    latest: dict[tuple[str, str], Sight] = {}
    doubts: dict[tuple[str, str], Sight] = {}
    for name, told in tellings:
        verdict = settle(latest.get(name) or known.get(name), told)
        if verdict == "replace":
            latest[name] = told
            doubts.pop(name, None)
        elif verdict == "doubt" and name[0] != MEMBERS:
            doubts[name] = told
    snapshot_store.put_sights(cx, link, latest)
    return [
        _fetch(name, object_id, born=told.born)
        for (name, object_id), told in doubts.items()
        if path_of(name, object_id)
    ]


def _sight(seq: int, delivery: Delivery, opened: Opened) -> Sight:
    return Sight(
        as_of=delivery.created, told_by=delivery.kind, digest=opened.digest, gone=opened.gone, seq=seq, born=opened.born
    )  # fmt: skip


# --- errands ---


def _instead(cx: store.Transaction, link: Link, foreign: Sequence[Delivery]) -> Iterator[Errand]:
    """What pushed events in another API version tell is asked for in ours, so the books do not wait for somebody to mend it."""
    if any(moves_money(each.event_type) for each in foreign if each.event_type):
        yield PULL
    yield from strays(cx, link, foreign)


def _errands(
    cx: store.Transaction, link: Link, opened: Sequence[tuple[int, Delivery, Opened]]
) -> Iterator[Errand]:
    """What this mail says must be fetched."""
    if any(delivery.event_type and moves_money(delivery.event_type) for _, delivery, _ in opened):
        yield PULL
    for _, delivery, _ in opened:
        if delivery.kind == "thin" and (errand := _thin(delivery)):
            yield errand
    yield from _members(
        cx, link, [seen.fact for _, _, each in opened for seen in each.facts if type(seen.fact) is Payout]
    )


def _members(cx: store.Transaction, link: Link, payouts: Sequence[Payout]) -> Iterator[Errand]:
    """Payouts whose members Stripe can name and has not named to us."""
    ready = sorted(
        {each.id for each in payouts if each.automatic and each.reconciliation_status == "completed"}
    )
    if not ready:
        return
    told = snapshot_store.sights(cx, link, [(MEMBERS, payout) for payout in ready])
    yield from (
        Errand(kind="members", object="payout", object_id=payout)
        for payout in ready
        if (MEMBERS, payout) not in told
    )


def _thin(delivery: Delivery) -> Errand | None:
    """The object a thin event points at; its own address only if it is one of Stripe's API."""
    if not delivery.object_id:
        return None
    path = path_of(delivery.object, delivery.object_id) or _related_path(delivery.body)
    return _fetch(delivery.object, delivery.object_id, path=path) if path else None


def _fetch(object_name: str, object_id: str, *, path: str | None = None, born: int | None = None) -> Errand:
    where = path or path_of(object_name, object_id)
    return Errand(kind="fetch", object=object_name, object_id=object_id, path=where, born=born)


class _Related(msgspec.Struct):
    url: str | None = None


class _ThinBody(msgspec.Struct):
    related_object: _Related | None = None


def _related_path(body: bytes) -> str | None:
    related: Any = msgspec.json.decode(body, type=_ThinBody).related_object
    url = related.url if related else None
    return url if url and url.startswith(("/v1/", "/v2/")) and ".." not in url and "?" not in url else None


ready(_ThinBody)  # see core.ready
