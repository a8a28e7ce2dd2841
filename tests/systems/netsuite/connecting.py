"""Connecting to a running stand-in as a person would: certificate made, uploaded, named; or the token pair typed in.

with connected(url, db, secrets, account="1002_SB1") as books:
    books.connection, books.performer, books.performer.books
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

from bookhand.db.engine import Database
from bookhand.systems.connection import Connection
from bookhand.systems.netsuite import auth
from bookhand.systems.netsuite.acting_client import NetSuitePerformer
from bookhand.systems.netsuite.books_client import NetSuiteBooks
from bookhand.systems.netsuite.client import Patience
from bookhand.systems.netsuite.session.place import place_of
from bookhand.systems.netsuite.session.token_auth import TokenPair
from bookhand.workspace.secrets_store import Secrets

ONE_WORLD, SIMPLE = "TSTDRV1001", "1002_SB1"
QUICK = Patience(
    tries=4, first_wait_seconds=0.02, longest_wait_seconds=0.1, connect_seconds=2, answer_seconds=2
)


class Connected(NamedTuple):
    """A connection with what reads and writes it."""

    connection: Connection
    performer: NetSuitePerformer
    books: NetSuiteBooks


@contextmanager
def connected(
    url: str,
    db: Database,
    secrets: Secrets,
    *,
    account: str = SIMPLE,
    subsidiary: str | None = None,
    auth_by: str = "m2m",
    patience: Patience = QUICK,
    at_once: int | None = None,
) -> Iterator[Connected]:
    """Connect one of the stand-in's accounts, and close what was opened."""
    connection = connect(
        url, db, secrets, account=account, subsidiary=subsidiary, auth_by=auth_by, at_once=at_once
    )
    performer = NetSuitePerformer(db, secrets, patience=patience)
    try:
        yield Connected(connection, performer, performer.books)
    finally:
        performer.close()


def connect(
    url: str,
    db: Database,
    secrets: Secrets,
    *,
    account: str = SIMPLE,
    subsidiary: str | None = None,
    auth_by: str = "m2m",
    at_once: int | None = None,
) -> Connection:
    """The connection alone."""
    more: dict[str, Any] = {
        "subsidiary": subsidiary,
        "base_url": f"{url}/{{account}}",
        "limits": {"at_once": at_once} if at_once else None,
    }
    slug = place_of(account).slug
    if auth_by == "tba":
        pair = TokenPair(**told(url)["accounts"][slug]["token_pair"])
        return auth.connect_with_tokens(db, secrets, account, pair, **more)
    pair_ = auth.begin(db, secrets, account, now=datetime.now(UTC))
    mapped = switch(url, "certificate", account=slug, pem=pair_.certificate_pem)
    return auth.connect_with_certificate(
        db, secrets, account, client_id=mapped["client_id"], certificate_id=mapped["certificate_id"], **more
    )


def switch(url: str, which: str, **asked: Any) -> Any:
    """Throw a switch of the stand-in."""
    request = urllib.request.Request(
        f"{url}/_standin/{which}", data=json.dumps(asked).encode(), method="POST"
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def told(url: str) -> Any:
    """What the stand-in says of itself."""
    with urllib.request.urlopen(f"{url}/_standin") as answer:
        return json.load(answer)
