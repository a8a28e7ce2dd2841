"""A company of the stand-in, connected as a person connects it: for this folder's tests and the contract of all books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bookhand.core.facts import Link
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, QuickBooks
from bookhand.systems import store
from bookhand.systems.quickbooks.acting_client import QuickBooksPerformer
from bookhand.systems.quickbooks.auth import Application, back_of, finish_sign_in, start_sign_in
from bookhand.systems.quickbooks.books_client import QuickBooksBooks
from bookhand.systems.quickbooks.client import Patience

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

BRIEF = Patience(tries=4, first_seconds=0.02, longest_seconds=0.1, answer_seconds=5.0, throttled_seconds=0.1)
"""As patient as a test can wait."""
FAST = {"company": 100_000, "app": 200, "batch": 100_000}
"""Our own limits, so wide that no test waits for them."""


@dataclass(frozen=True)
class Connected:
    """A connection with all that speaks for it."""

    connection: Connection
    performer: QuickBooksPerformer
    application: Application

    @property
    def link(self) -> Link:
        return self.connection.link

    @property
    def books(self) -> QuickBooksBooks:
        return self.performer.books


def application_of(url: str, stand_in: QuickBooks) -> Application:
    """The stand-in's app, with its addresses."""
    return Application(
        client_id=stand_in.app.client_id, client_secret=stand_in.app.client_secret, mode="test", base_url=url,
        redirect_uri="http://localhost:8787/oauth/quickbooks", discovery_url=f"{url}/.well-known/openid_configuration",
    )  # fmt: skip


def connect_for_test(
    url: str,
    stand_in: QuickBooks,
    db: Database,
    secrets: Secrets,
    *,
    realm: str = SMALL_REALM,
    patience: Patience = BRIEF,
    limits: dict[str, int] | None = FAST,
    settled_seconds: float = 0.0,
) -> Connected:
    """Connect `realm` by signing in, and open a performer for it; close the performer after."""
    application = application_of(url, stand_in)
    query = come_back(start_sign_in(db, application), realm=realm)
    made = finish_sign_in(db, secrets, application, back_of(query), patience=patience)
    if limits is not None:
        with db.transaction() as cx:
            store.set_settings(cx, made.id, limits=limits)
            made = store.get(cx, made.id)
    performer = QuickBooksPerformer(db, secrets, patience=patience, settled_seconds=settled_seconds)
    return Connected(made, performer, application)
