"""Connecting a NetSuite account: with a certificate (OAuth 2.0, machine to machine), or with a token pair (OAuth 1.0a).

    pair = begin(db, secrets, "1234567", now=…)                     # pair.certificate_pem is uploaded by a person in NetSuite
    connect_with_certificate(db, secrets, "1234567", client_id="…", certificate_id="…", subsidiary="2")
    connect_with_tokens(db, secrets, "1234567", pair, subsidiary=None)

Nothing is stored until NetSuite let us in and showed what the books need. Errors: `Refusal` with every missing permission, or with the
subsidiaries to choose from; `Outage` where NetSuite cannot be asked. Token-based sign-in goes away: from 2027.1 no new integrations.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.core.problems import Refusal
from bookhand.systems import store
from bookhand.systems.connection import Auth, Connection
from bookhand.systems.netsuite import API_VERSION, MANIFEST, SYSTEM
from bookhand.systems.netsuite.answers import FORBIDDEN, NetSuiteRefusal
from bookhand.systems.netsuite.books_client import subsidiaries
from bookhand.systems.netsuite.client import NetSuiteClient, Patience, http_of
from bookhand.systems.netsuite.session import certificate_auth
from bookhand.systems.netsuite.session.certificate_auth import EXPIRING, KeyPair
from bookhand.systems.netsuite.session.place import Place, place_of
from bookhand.systems.netsuite.session.sessions_auth import at_once
from bookhand.systems.netsuite.session.token_auth import (
    CREDENTIAL,
    Access,
    Certificate,
    Proof,
    TokenPair,
    ask,
    sealed,
    signed,
)
from bookhand.systems.netsuite.translate import DEPOSIT, JOURNAL
from bookhand.workspace.store import clear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bookhand.db.engine import Database
    from bookhand.workspace.secrets_store import Secrets

_BRIEF = Patience(tries=3)

log = structlog.get_logger(__name__)


def begin(db: Database, secrets: Secrets, account: str, *, now: datetime, fresh: bool = False) -> KeyPair:
    """The key pair that waits for its certificate to be uploaded: the one made before, or with `fresh` a new one."""
    realm = place_of(account).realm
    with db.transaction() as cx:
        kept = None if fresh else secrets.get_own(cx, db.workspace_id, _waiting(realm))
        if kept is not None:
            pair = msgspec.json.decode(kept, type=KeyPair)
            if pair.expires > now.date().isoformat():
                return pair
        pair = certificate_auth.make(realm, now=now)
        secrets.put_own(cx, db.workspace_id, _waiting(realm), msgspec.json.encode(pair).decode())
    return pair


def connect_with_certificate(
    db: Database,
    secrets: Secrets,
    account: str,
    *,
    client_id: str,
    certificate_id: str,
    subsidiary: str | None = None,
    name: str | None = None,
    base_url: str | None = None,
    limits: Mapping[str, int] | None = None,
    again: int | None = None,
) -> Connection:
    """Connect with the key pair that `begin` made, once its certificate was uploaded under `certificate_id`."""
    place = place_of(account, base_url=base_url)
    with db.transaction() as cx:
        kept = secrets.get_own(cx, db.workspace_id, _waiting(place.realm))
    if kept is None:
        raise Refusal(
            f"No certificate was made for {place.realm} yet: run `bookhand connect netsuite --account {place.realm}` first."
        )
    pair = msgspec.json.decode(kept, type=KeyPair)
    proof = Certificate(
        client_id=client_id, certificate_id=certificate_id, private_pem=pair.private_pem, expires=pair.expires
    )
    settings = _settings(base_url, limits) | {
        "certificate_id": certificate_id,
        "certificate_expires": pair.expires,
    }
    connection = _connected(
        db,
        secrets,
        place,
        proof,
        auth="m2m",
        subsidiary=subsidiary,
        name=name,
        settings=settings,
        again=again,
    )
    with db.transaction() as cx:
        secrets.drop_own(cx, db.workspace_id, _waiting(place.realm))
    return connection


def connect_with_tokens(
    db: Database,
    secrets: Secrets,
    account: str,
    pair: TokenPair,
    *,
    subsidiary: str | None = None,
    name: str | None = None,
    base_url: str | None = None,
    limits: Mapping[str, int] | None = None,
    again: int | None = None,
) -> Connection:
    """Connect with the four values of token-based sign-in."""
    place = place_of(account, base_url=base_url)
    return _connected(
        db,
        secrets,
        place,
        pair,
        auth="tba",
        subsidiary=subsidiary,
        name=name,
        settings=_settings(base_url, limits),
        again=again,
    )


def disconnect(
    db: Database, secrets: Secrets, connection_id: int, *, reason: str = "disconnected by a person"
) -> list[str]:
    """Forget the credential; what was booked stays. In sentences, what NetSuite still has of us."""
    with db.transaction() as cx:
        connection = store.get(cx, connection_id)
        secrets.drop(cx, connection.link)
        clear(cx, connection.link, kind=EXPIRING)
        store.set_status(cx, connection.id, "disconnected", reason=reason)
    where = "OAuth 2.0 Client Credentials (M2M) Setup" if connection.auth == "m2m" else "Access Tokens"
    return [f"NetSuite still has what was mapped for bookhand: revoke it there, in Setup > {where}."]


# --- letting ourselves in, and looking around ---


class _Seen(msgspec.Struct, frozen=True):
    """What the account showed: the company's name (empty where it has no subsidiaries), and the subsidiary that was chosen."""

    name: str
    subsidiary: str | None


def _connected(
    db: Database, secrets: Secrets, place: Place, proof: Proof, *, auth: Auth, subsidiary: str | None, name: str | None,
    settings: dict[str, Any], again: int | None,
) -> Connection:  # fmt: skip
    with _trial(place, proof, at_once(settings)) as client:
        _require_rights(client)
        seen = _seen(client, place, subsidiary)
    chosen = {"subsidiary": seen.subsidiary} if seen.subsidiary else {}
    new = store.NewConnection(
        system=SYSTEM, account=f"{place.realm}/{seen.subsidiary}" if seen.subsidiary else place.realm, mode=place.mode,
        livemode=place.mode == "live", name=name, default_name=f"{seen.name} (NetSuite {place.realm}, {place.mode})" if seen.name else f"NetSuite {place.realm} ({place.mode})",
        api_version=API_VERSION, auth=auth, scopes=["rest_webservices"], settings=settings | chosen,
    )  # fmt: skip
    with db.transaction() as cx:
        connection = store.keep(cx, db.workspace_id, new, again=again)
        secrets.put(cx, connection.link, CREDENTIAL, sealed(proof))
        clear(cx, connection.link, kind=EXPIRING)
    log.info("netsuite_connected", connection=connection.id, account=place.realm, auth=auth)
    return connection


def _require_rights(client: NetSuiteClient) -> None:
    """`Refusal` with every permission that the role lacks, as far as reading shows it."""
    probes: tuple[tuple[str, Callable[[], object]], ...] = (
        ("Make Journal Entry", lambda: client.page(JOURNAL)),
        ("Deposit", lambda: client.page(DEPOSIT)),
        (
            "SuiteAnalytics Workbook",
            lambda: client.rows_page("SELECT id FROM currency ORDER BY id", limit=1, offset=0),
        ),
        ("Accounts", lambda: client.rows_page("SELECT id FROM account ORDER BY id", limit=1, offset=0)),
        (
            "Manage Accounting Periods",
            lambda: client.rows_page("SELECT id FROM accountingperiod ORDER BY id", limit=1, offset=0),
        ),
        (
            "Find Transaction",
            lambda: client.rows_page("SELECT id FROM transaction ORDER BY id", limit=1, offset=0),
        ),
    )
    lacking = [permission for permission, probe in probes if not _may(probe)]
    if lacking:
        why = {need.permission: f"{need.permission} ({need.access}), {need.why}" for need in MANIFEST.needs}
        raise Refusal(
            "The role lacks permissions: "
            + "; ".join(why[permission] for permission in lacking)
            + ". Add them to it in NetSuite "
            "(Setup > Users/Roles > Manage Roles) and connect again; nothing was stored."
        )


def _may(probe: Callable[[], object]) -> bool:
    try:
        probe()
    except NetSuiteRefusal as refusal:
        if refusal.status == FORBIDDEN or "not found" in str(refusal) or "ermission" in str(refusal):
            return False
        raise
    return True


def _seen(client: NetSuiteClient, place: Place, subsidiary: str | None) -> _Seen:
    """The company; `Refusal` where a subsidiary has to be chosen, or is not there."""
    rows = subsidiaries(client)
    if not rows:
        if subsidiary:
            raise Refusal(
                f"NetSuite account {place.realm} has no subsidiaries that the role may see: leave --subsidiary out."
            )
        return _Seen("", None)
    chosen = [row for row in rows if row["id"] == subsidiary] if subsidiary else rows
    if len(chosen) != 1:
        listed = ", ".join(f"{row['id']} ({row['name']})" for row in rows)
        raise Refusal(f"Choose whose books these are with --subsidiary: {listed}.")
    return _Seen(chosen[0]["name"], chosen[0]["id"])


@contextmanager
def _trial(place: Place, proof: Proof, count: int) -> Iterator[NetSuiteClient]:
    """A client with a credential that nobody has stored."""
    patience = _BRIEF
    http = http_of(patience, at_once=count)
    try:
        yield NetSuiteClient(place, _Trial(place, proof), _Unshared(), http, patience=patience)
    finally:
        http.close()


class _Trial:
    """A credential on trial: it is not renewed, and nothing is marked."""

    def __init__(self, place: Place, proof: Proof) -> None:
        self._place = place
        self._proof = proof
        self._access: Access | None = None

    def headers(self, method: str, url: str) -> dict[str, str]:
        """See `Credential`."""
        if isinstance(self._proof, TokenPair):
            return {"Authorization": signed(self._place, self._proof, method, url)}
        self._access = self._access or ask(self._place, self._proof, now=time.time())
        return {"Authorization": f"Bearer {self._access.token}"}

    def renew(self, _: str) -> bool:
        """Never."""
        return False

    def works(self) -> None:
        """It does."""


class _Unshared:
    """No slot: a person connects, with one request at a time."""

    @contextmanager
    def hold(self) -> Iterator[None]:
        """See `Slots`."""
        yield


def _settings(base_url: str | None, limits: Mapping[str, int] | None) -> dict[str, Any]:
    return ({"base_url": base_url.rstrip("/")} if base_url else {}) | (
        {"limits": dict(limits)} if limits else {}
    )


def _waiting(realm: str) -> str:
    return f"netsuite/certificate/{realm}"
