"""Our webhook endpoint at Stripe: one for a connection, found again, mended, and never piled up.

    reconcile(db, secrets, connection, "https://books.example.com")     # creates it, updates it, or leaves it as it is
    signing_secrets(cx, secrets, link)                                  # ("whsec_…",)

Ours is the one with our mark in its metadata, or with our address. The mark is drawn for each connection, so that two bookhands on
one account (one to try things, one that counts) leave each other's endpoint alone. Its API version cannot be changed at Stripe and its secret is
told once, so where either is not ours to use, a new endpoint is made first and the old one removed after.
"""

from __future__ import annotations

import secrets as chance
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import stripe
import structlog

from bookhand.core.problems import Outage, Refusal
from bookhand.systems import store
from bookhand.systems.stripe import EVENTS, auth
from bookhand.systems.stripe.answers import StripeRefusal, clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bookhand.core.facts import Link
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.systems.store import Transaction
    from bookhand.workspace.secrets_store import Secrets

SECRET, SECRET_BEFORE = "webhook_secret", "webhook_secret_before"
_MARK = "bookhand"
_KEPT_MARK = "webhook_mark"
_PAGE = 100

log = structlog.get_logger(__name__)


def reconcile(db: Database, secrets: Secrets, connection: Connection, public_url: str) -> str:
    """Bring Stripe's endpoint for `connection` to what it should be; its id."""
    url, mark = address(public_url, connection), _mark(db, connection)
    with _asking(db, secrets, connection) as client:
        found = _ours(client, mark, url)
        kept = _still_good(db, secrets, connection, found)
        if kept is None:
            kept = _create(db, secrets, connection, client, url=url, mark=mark)
        elif _differs(kept, url):
            changed: Any = {"url": url, "enabled_events": list(EVENTS), "disabled": False}
            client.v1.webhook_endpoints.update(kept.id, changed)
            log.info("stripe_webhook_updated", connection=connection.id, endpoint=kept.id)
        for each in found:
            if each.id != kept.id:
                client.v1.webhook_endpoints.delete(each.id)
                log.info("stripe_webhook_removed", connection=connection.id, endpoint=each.id)
    return str(kept.id)


def remove(db: Database, secrets: Secrets, connection: Connection) -> None:
    """Remove every endpoint of ours for `connection`."""
    if not connection.settings.get("webhook_endpoint"):
        return
    with _asking(db, secrets, connection) as client:
        for each in _ours(client, _mark(db, connection), None):
            client.v1.webhook_endpoints.delete(each.id)


def signing_secrets(cx: Transaction, secrets: Secrets, link: Link) -> tuple[str, ...]:
    """What deliveries may be signed with: the endpoint's secret, and that of the one before it, whose last deliveries may be on the way."""
    found = (secrets.get(cx, link, name) for name in (SECRET, SECRET_BEFORE))
    return tuple(secret for secret in found if secret)


def address(public_url: str, connection: Connection) -> str:
    """Where Stripe sends this connection's events."""
    return f"{public_url.rstrip('/')}/webhooks/stripe/{connection.id}"


@contextmanager
def _asking(db: Database, secrets: Secrets, connection: Connection) -> Iterator[stripe.StripeClient]:
    """The SDK, its errors made ours."""
    try:
        with auth.open_sdk(db, secrets, connection) as client:
            yield client
    except stripe.StripeError as error:
        raise _ours_of(error) from None


def _still_good(db: Database, secrets: Secrets, connection: Connection, found: list[Any]) -> Any | None:
    """The endpoint whose secret we hold and whose version is ours."""
    with db.transaction() as cx:
        secret = secrets.get(cx, connection.link, SECRET)
        known = store.get(cx, connection.id).settings.get("webhook_endpoint")
    if secret is None:
        return None
    version = connection.link.api_version
    return next((each for each in found if each.id == known and each.api_version == version), None)


def _mark(db: Database, connection: Connection) -> str:
    """What tells our endpoint from another bookhand's; drawn once and kept."""
    with db.transaction() as cx:
        kept = store.get(cx, connection.id).settings.get(_KEPT_MARK)
        if kept is None:
            kept = chance.token_hex(8)
            store.set_settings(cx, connection.id, **{_KEPT_MARK: kept})
    return str(kept)


def _ours(client: stripe.StripeClient, mark: str, url: str | None) -> list[Any]:
    listed = client.v1.webhook_endpoints.list({"limit": _PAGE})
    return [
        each for each in listed.auto_paging_iter()
        if (url is not None and each.url == url) or (each.metadata and _marked(each.metadata) == mark)
    ]  # fmt: skip


def _marked(metadata: Any) -> str | None:
    return getattr(metadata, _MARK, None)


def _differs(endpoint: Any, url: str) -> bool:
    return endpoint.url != url or set(endpoint.enabled_events) != set(EVENTS) or endpoint.status != "enabled"


def _create(
    db: Database,
    secrets: Secrets,
    connection: Connection,
    client: stripe.StripeClient,
    *,
    url: str,
    mark: str,
) -> Any:
    """A new endpoint, its secret sealed and its id kept; where storing fails, the next reconcile makes another and removes this one."""
    asked: Any = {
        "url": url, "enabled_events": list(EVENTS), "api_version": connection.link.api_version,
        "description": f"bookhand: {connection.name}"[:200], "metadata": {_MARK: mark},
    }  # fmt: skip
    made = client.v1.webhook_endpoints.create(asked)
    with db.transaction() as cx:
        before = secrets.get(cx, connection.link, SECRET)
        if before:
            secrets.put(cx, connection.link, SECRET_BEFORE, before)
        secrets.put(cx, connection.link, SECRET, str(made.secret))
        store.set_settings(cx, connection.id, webhook_endpoint=made.id)
    log.info("stripe_webhook_created", connection=connection.id, endpoint=made.id)
    return made


def _ours_of(error: stripe.StripeError) -> Refusal | Outage:
    """The SDK's error as one of our families."""
    text = clean(str(error.user_message or error))
    if isinstance(error, stripe.APIConnectionError | stripe.APIError | stripe.RateLimitError):
        return Outage(f"Stripe did not take the webhook endpoint: {text}", retry_after_seconds=60)
    status = error.http_status or 0
    lacking = (
        " Give the key the permission Webhook endpoints: Write (rak_webhook_write)."
        if status == _FORBIDDEN
        else ""
    )
    return StripeRefusal(
        f"Stripe refused the webhook endpoint: {text}{lacking}",
        status=status, code=error.code, param=getattr(error, "param", None), permission=None, request_id=error.request_id,
    )  # fmt: skip


_FORBIDDEN = 403
