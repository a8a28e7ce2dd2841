"""When an account takes its access back the connection ends, and an old farewell from history does not end a new one."""

from __future__ import annotations

import time
from pathlib import Path

from bookhand.core.facts import Link, Other, Seen
from bookhand.db.engine import Database
from bookhand.systems import store
from bookhand.systems.stripe import farewell_store
from bookhand.systems.stripe.token_auth import KEY
from bookhand.workspace.secrets_store import Secrets


def _farewell(at: float) -> Seen:
    fact = Other(id="ca_1", object="application")
    return Seen(fact=fact, delivery=1, as_of=int(at), told_by="event", event_type=farewell_store.EVENT)


def _hear(db: Database, link: Link, *seen: Seen) -> list[str]:
    with db.transaction() as cx:
        return [problem.kind for problem in farewell_store.read(cx, link, seen)]


def _status(db: Database, link: Link) -> str:
    with db.transaction() as cx:
        return store.get(cx, link.connection_id).status


def test_a_farewell_ends_the_connection_and_forgets_the_secrets(
    db: Database, link: Link, tmp_path: Path
) -> None:
    secrets = Secrets(tmp_path)
    with db.transaction() as cx:
        secrets.put(cx, link, KEY, "not a real key")
    assert _hear(db, link, _farewell(time.time())) == ["disconnected"]
    assert _status(db, link) == "disconnected"
    with db.transaction() as cx:
        assert secrets.get(cx, link, KEY) is None


def test_an_old_farewell_from_history_ends_nothing(db: Database, link: Link, tmp_path: Path) -> None:
    with db.transaction() as cx:
        Secrets(tmp_path).put(cx, link, KEY, "not a real key")
    assert _hear(db, link, _farewell(time.time() - 86_400)) == []
    assert _status(db, link) == "active"


def test_other_events_are_no_farewell(db: Database, link: Link) -> None:
    other = Seen(
        fact=Other(id="cus_1", object="customer"),
        delivery=1,
        as_of=1,
        told_by="event",
        event_type="customer.deleted",
    )
    assert _hear(db, link, other) == []
    assert _status(db, link) == "active"
