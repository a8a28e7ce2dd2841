"""Letting go of a Stripe account: a person disconnects it here, and what we were granted is given back there.

    undone = disconnect(db, secrets, connection.id)     # in sentences, what Stripe still has of us

The connection is disconnected and its secrets are forgotten whatever Stripe answers; its books stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from bookhand.core.problems import BookhandError
from bookhand.systems import store
from bookhand.systems.stripe import answers
from bookhand.systems.stripe.client import post_form
from bookhand.systems.stripe.token_auth import KEY
from bookhand.systems.stripe.webhook_client import remove

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

log = structlog.get_logger(__name__)


def disconnect(
    db: Database, secrets: Secrets, connection_id: int, *, reason: str = "disconnected by a person"
) -> list[str]:
    """Let go: our webhook endpoint is removed, a platform's access given back, every secret forgotten.

    Returns, in sentences, what could not be done at Stripe; the connection is disconnected all the same.
    """
    with db.transaction() as cx:
        connection = store.get(cx, connection_id)
    undone = []
    for what, undo in (("its webhook endpoint", remove), ("its access", _deauthorize)):
        try:
            undo(db, secrets, connection)
        except BookhandError as error:
            undone.append(f"Stripe still has {what}: {error}")
    deauthorized(db, secrets, connection, reason=reason)
    return undone


def deauthorized(
    db: Database,
    secrets: Secrets,
    connection: Connection,
    *,
    reason: str = "the account took its access back",
) -> None:
    """Stripe says that it is over (``account.application.deauthorized``): forget every secret, keep all the books."""
    with db.transaction() as cx:
        secrets.drop(cx, connection.link)
        store.set_status(cx, connection.id, "disconnected", reason=reason)
        store.set_settings(cx, connection.id, webhook_endpoint=None)
    log.info("stripe_disconnected", connection=connection.id, reason=reason)


def _deauthorize(db: Database, secrets: Secrets, connection: Connection) -> None:
    """Give a platform's access back; keys and apps have nothing to give back."""
    if connection.auth != "connect_oauth" or connection.status != "active":
        return
    with db.transaction() as cx:
        key = secrets.get(cx, connection.link, KEY)
    if key is None:
        return
    answer = post_form(
        f"{connection.settings['connect_url']}/oauth/deauthorize",
        {"client_id": connection.settings["client_id"], "stripe_user_id": connection.link.account},
        key=key,
    )
    if answers.passing(answer):
        raise answers.outage(answer, asked="POST /oauth/deauthorize", tries=1, retry_after_seconds=60)
    if (
        not answer.is_ok and answers.error_of(answer).code != "invalid_client"
    ):  # which is: no longer connected
        raise answers.refusal(answer, asked="POST /oauth/deauthorize")
