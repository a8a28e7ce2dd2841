"""Connecting a Stripe account with a key, and opening its reader.

    connection = connect_with_key(db, secrets, "rk_test_…")         # finds out whose key it is, and whether it may read enough
    with open_reader(db, secrets, connection) as reader: ...

The mode is in the key's prefix and in Stripe's own answers, and the two must agree. Errors: `Refusal` with every missing
permission by name, for a wrong mode or a key of no use; `Outage` where Stripe cannot be asked. Nothing is stored until all is right.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready
from bookhand.systems import store
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Auth, Connection, mode_of_key
from bookhand.systems.manifest import Need
from bookhand.systems.stripe import MANIFEST, PINNED_VERSION
from bookhand.systems.stripe.answers import StripeRefusal
from bookhand.systems.stripe.client import Patience, StripeReader, sdk
from bookhand.systems.stripe.token_auth import DEVELOPER_KEY, KEY, TOKENS, Credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import stripe

    from bookhand.db.engine import Database
    from bookhand.workspace.secrets_store import Secrets

SYSTEM = "stripe"
_PROBES_AT_ONCE = 4
_BRIEF = Patience(tries=3)

log = structlog.get_logger(__name__)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose credential it is, by Stripe's own word."""

    account: str
    display: str
    livemode: bool


def connect_with_key(
    db: Database,
    secrets: Secrets,
    key: str,
    *,
    name: str | None = None,
    base_url: str | None = None,
    limits: Mapping[str, int] | None = None,
    need_webhooks: bool = False,
    again: int | None = None,
) -> Connection:
    """Connect the account a secret or restricted key is of; the same account and mode again becomes active with the new key.

    `again` is the connection that is to come back: another one's key is refused.
    """
    draft = _draft(key, auth="key", settings=_settings(base_url, limits))
    identity = _examine(draft, key, needs=_needs(webhooks=need_webhooks))
    return keep(db, secrets, draft, identity, {KEY: key}, name=name, again=again)


def connect_account(
    db: Database,
    secrets: Secrets,
    platform_key: str,
    account: str,
    *,
    name: str | None = None,
    base_url: str | None = None,
    limits: Mapping[str, int] | None = None,
    again: int | None = None,
) -> Connection:
    """Connect an account that a platform's key may act on (`Stripe-Account`)."""
    draft = _draft(platform_key, auth="platform", account=account, settings=_settings(base_url, limits))
    identity = _examine(draft, platform_key, needs=_needs(webhooks=False))
    if identity.account != account:
        raise Refusal(
            f"Stripe answered for {identity.account} where {account} was asked for: nothing was connected."
        )
    return keep(db, secrets, draft, identity, {KEY: platform_key}, name=name, again=again)


def connections(db: Database) -> list[Connection]:
    """Every Stripe connection, also those that are disconnected."""
    with db.transaction() as cx:
        return store.every(cx, system=SYSTEM)


def open_gate(db: Database, connection: Connection) -> Gate:
    """The gate that all workers share for this connection."""
    return Gate(store.SharedLeaser(db, connection.link))


def open_reader(
    db: Database,
    secrets: Secrets,
    connection: Connection,
    *,
    gate: Gate | None = None,
    patience: Patience | None = None,
) -> StripeReader:
    """A reader with a live credential, under the limits that all workers share."""
    credential = Credential(db, secrets, connection)
    return StripeReader(
        connection,
        token=credential.token,
        renew=credential.renew,
        gate=gate or open_gate(db, connection),
        patience=patience or Patience(),
    )


@contextmanager
def open_sdk(
    db: Database, secrets: Secrets, connection: Connection, *, gate: Gate | None = None
) -> Iterator[stripe.StripeClient]:
    """The official SDK with a live credential, for one act: an app's token lives an hour."""
    shared = gate or open_gate(db, connection)
    try:
        yield sdk(connection, token=Credential(db, secrets, connection).token(), gate=shared)
    finally:
        if gate is None:
            shared.close()


# --- finding out whose key it is, and what it may do ---


def _draft(key: str, *, auth: Auth, settings: dict[str, Any], account: str = "") -> Connection:
    mode = mode_of_key(key)
    return Connection(
        link=Link(workspace_id=0, connection_id=0, system=SYSTEM, account=account, mode=mode, api_version=PINNED_VERSION),
        name="a new connection", livemode=mode == "live", auth=auth, status="active", settings=settings,
    )  # fmt: skip


def _settings(base_url: str | None, limits: Mapping[str, int] | None) -> dict[str, Any]:
    return ({"base_url": base_url.rstrip("/")} if base_url else {}) | (
        {"limits": dict(limits)} if limits else {}
    )


def _needs(*, webhooks: bool) -> tuple[Need, ...]:
    return tuple(need for need in MANIFEST.needs if webhooks or need.access == "Read")


def _examine(draft: Connection, token: str, *, needs: tuple[Need, ...]) -> Identity:
    """Whose `token` it is; `Refusal` with all the permissions it lacks, or where its mode is not Stripe's."""
    with StripeReader(draft, token=lambda: token, gate=Gate(LocalLeaser()), patience=_BRIEF) as reader:
        with ThreadPoolExecutor(_PROBES_AT_ONCE) as pool:
            lacking = [need for need in pool.map(lambda need: _lacking(reader, need), needs) if need]
        if lacking:
            raise Refusal(
                "The key lacks permissions: " + "; ".join(lacking) + ". Add them to it in Stripe's dashboard "
                "(Developers, API keys) and connect again; nothing was stored."
            )
        return identify(reader)


def _lacking(reader: StripeReader, need: Need) -> str | None:
    """What a person has to add to the key, if `need` is not met; named as Stripe's own refusal names it."""
    for probe in need.probes:
        try:
            _probe(reader, probe)
        except StripeRefusal as refusal:
            if refusal.permission is None:
                raise
            named = need.permission if need.access == "Write" else refusal.permission
            return f"{need.resource}: {need.access} ({named}), {need.why}"
    return None


def _probe(reader: StripeReader, path: str) -> None:
    if path in _SINGLE:
        reader.one(path)
    else:
        reader.page(path, {"limit": 1})


_SINGLE = frozenset({"/v1/account", "/v1/balance"})


class _Dashboard(msgspec.Struct):
    display_name: str | None = None


class _AccountSettings(msgspec.Struct):
    dashboard: _Dashboard | None = None


class _Profile(msgspec.Struct):
    name: str | None = None


class _Account(msgspec.Struct):
    id: str
    settings: _AccountSettings | None = None
    business_profile: _Profile | None = None


class _Balance(msgspec.Struct):
    livemode: bool


def identify(reader: StripeReader) -> Identity:
    """The account a reader reads, with the mode that Stripe itself says; another mode than the credential's is refused."""
    try:
        account = msgspec.json.decode(reader.one("/v1/account") or b"", type=_Account)
        balance = msgspec.json.decode(reader.one("/v1/balance") or b"", type=_Balance)
    except msgspec.DecodeError as error:
        raise Outage(f"What answers is not Stripe ({error}): is the address right?") from None
    dashboard = account.settings.dashboard if account.settings else None
    display = (dashboard.display_name if dashboard else None) or (
        account.business_profile.name if account.business_profile else None
    )
    return Identity(account=account.id, display=display or "Stripe", livemode=balance.livemode)


def keep(
    db: Database,
    secrets: Secrets,
    draft: Connection,
    identity: Identity,
    sealed: Mapping[str, str],
    *,
    name: str | None,
    again: int | None = None,
) -> Connection:
    """Store a connection and its secrets in one transaction; what it signed in with before is forgotten."""
    new = store.NewConnection(
        system=SYSTEM, account=identity.account, mode=draft.link.mode, livemode=draft.livemode, name=name,
        default_name=f"{identity.display} ({identity.account}, {draft.link.mode})", api_version=PINNED_VERSION,
        auth=draft.auth, scopes=draft.scopes, settings=draft.settings,
    )  # fmt: skip
    with db.transaction() as cx:
        connection = store.keep(cx, db.workspace_id, new, again=again)
        for before in {KEY, TOKENS, DEVELOPER_KEY} - sealed.keys():
            secrets.drop(cx, connection.link, before)
        for secret, value in sealed.items():
            secrets.put(cx, connection.link, secret, value)
    log.info(
        "stripe_connected",
        connection=connection.id,
        account=identity.account,
        mode=draft.link.mode,
        auth=draft.auth,
    )
    return connection


ready(_Account, _Balance)  # see core.ready
