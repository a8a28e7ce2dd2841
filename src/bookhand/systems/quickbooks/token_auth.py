"""Tokens of a QuickBooks connection: exchanged, kept fresh, given back.

An access token lives an hour. A refresh token's value changes about once a day, and the one before is refused from then on; each use gives
it another 100 days, but it ends five years after the sign-in. So a refresh is done by one process at a time (the row of the tokens is
locked), its answer is stored and committed before anyone uses it, and whoever waited finds the new token there. ``invalid_grant`` means
that it is over: the connection is disconnected, with the reason, and somebody signs in again.

    credential = Credential(db, secrets, connection)
    credential.token()                # for the next call
    credential.renew(refused)         # another one after a 401, or None
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import structlog

from bookhand.core.days import day_of
from bookhand.core.problems import Outage, Problem, Refusal
from bookhand.core.ready import ready
from bookhand.systems.quickbooks.client import trust
from bookhand.systems.store import set_status
from bookhand.workspace.store import clear, report

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.systems.store import Transaction
    from bookhand.workspace.secrets_store import Secrets

TOKENS, CLIENT_SECRET = "tokens", "client_secret"
"""The names under which a connection's secrets are sealed."""
RECONNECT = "quickbooks_reconnect"
"""The kind of Problem that reminds of signing in again."""

_EARLY_SECONDS = 300.0
_SOFT_DAYS, _HARD_DAYS = 30, 60
"""Reminded so long before the refresh token ends for want of use, and before it ends for good."""
_DAY = 86_400.0
_TIMEOUT_SECONDS = 30.0
_OK, _BAD_REQUEST, _UNAUTHORIZED = 200, 400, 401

log = structlog.get_logger(__name__)


class Tokens(msgspec.Struct, frozen=True):
    """What an exchange gives; moments are Unix seconds. Sealed as JSON, never logged."""

    access_token: str
    refresh_token: str
    issued_at: float
    expires_at: float
    refresh_ends_at: float
    """When the refresh token ends, if nobody uses it."""
    hard_ends_at: float | None = None
    """When it ends whatever is done; None where Intuit did not say."""

    def __repr__(self) -> str:
        """Without the tokens."""
        return f"Tokens(issued_at={self.issued_at}, expires_at={self.expires_at})"


class _Granted(msgspec.Struct, kw_only=True):
    access_token: str
    refresh_token: str
    expires_in: int = 3600
    x_refresh_token_expires_in: int = 100 * 86_400
    x_refresh_token_hard_expires_in: int | None = None


class _Refused(msgspec.Struct):
    error: str = ""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where tokens are had, and as which app."""

    token_url: str
    revoke_url: str
    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Endpoint(token_url={self.token_url!r}, client_id={self.client_id!r})"


def exchange(endpoint: Endpoint, form: Mapping[str, str], *, at: float) -> Tokens:
    """One POST for tokens, sent once; `Refusal` for a definite no (``invalid_grant`` …), `Outage` for none at all."""
    answer = _post(endpoint, endpoint.token_url, form)
    if answer.status_code == _OK:
        try:
            return _tokens(msgspec.json.decode(answer.content, type=_Granted), at)
        except msgspec.DecodeError:
            raise Outage(
                "The address of Intuit's tokens answered with something else: a proxy in between?"
            ) from None
    error = _error(answer)
    if answer.status_code in {_BAD_REQUEST, _UNAUTHORIZED} and error:
        raise Refusal(_WHY.get(error, f"Intuit refused the sign-in ({error})."))
    raise Outage(f"Intuit gave no tokens (HTTP {answer.status_code}).", retry_after_seconds=60)


_WHY = {
    "invalid_grant": "Intuit does not accept the sign-in any more: it was revoked, has expired, or was used already. Connect QuickBooks again.",
    "invalid_client": "Intuit does not know the app: look at BOOKHAND_QUICKBOOKS_CLIENT_ID and BOOKHAND_QUICKBOOKS_CLIENT_SECRET.",
}


def revoke(endpoint: Endpoint, token: str) -> None:
    """Give access back; that it was over already is no error."""
    answer = _post(endpoint, endpoint.revoke_url, {"token": token})
    if answer.status_code not in {_OK, _BAD_REQUEST}:
        raise Outage(
            f"Intuit did not take the access back (HTTP {answer.status_code}).", retry_after_seconds=60
        )


class Credential:
    """Shared by the threads of one process; processes agree through the database."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self._held: Tokens | None = None

    def token(self) -> str:
        """What to send with the next call."""
        with self._lock:
            if self._held is None or not self._is_fresh(self._held):
                self._held = self._fetch(None)
            return self._held.access_token

    def renew(self, refused: str) -> str | None:
        """Another access token than the one QuickBooks `refused`; None where there is none, and the connection is over."""
        with self._lock:
            if self._held is not None and self._held.access_token != refused:
                return self._held.access_token
            self._held = None
            try:
                self._held = self._fetch(refused)
            except Refusal:
                return None
            return self._held.access_token

    def keep_alive(self, *, days: float = 1.0) -> bool:
        """Refresh if that was last done so many days ago, so that the refresh token never ends for want of use; whether it was."""
        with self._db.transaction() as cx:
            held = self._sealed(cx, for_update=False)
        if self._clock() < held.issued_at + days * _DAY:
            return False
        with self._lock:
            self._held = self._fetch(held.access_token)
        return True

    def _fetch(self, refused: str | None) -> Tokens:
        refusal: Refusal | None = None
        with self._db.transaction() as cx:
            tokens = self._sealed(cx, for_update=False)
            if tokens.access_token != refused and self._is_fresh(tokens):
                return tokens  # nobody waits for anybody while it is good
            tokens = self._sealed(cx, for_update=True)
            if tokens.access_token == refused or not self._is_fresh(tokens):
                try:
                    tokens = self._refreshed(cx, tokens)
                except Refusal as error:
                    refusal = error
                    set_status(cx, self._connection.id, "disconnected", reason=str(error))
        if refusal:
            raise refusal
        return tokens

    def _refreshed(self, cx: Transaction, tokens: Tokens) -> Tokens:
        """New tokens, stored in the transaction that holds the lock: nobody sees them before they are kept."""
        link, now = self._connection.link, self._clock()
        endpoint = endpoint_of(cx, self._secrets, self._connection)
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        fresh = exchange(endpoint, form, at=now)
        if fresh.hard_ends_at is None:
            fresh = msgspec.structs.replace(fresh, hard_ends_at=tokens.hard_ends_at)
        self._secrets.put(cx, link, TOKENS, msgspec.json.encode(fresh).decode())
        remind(cx, self._connection, fresh, now=now)
        log.info("quickbooks_token_refreshed", connection=self._connection.id)
        return fresh

    def _sealed(self, cx: Transaction, *, for_update: bool) -> Tokens:
        sealed = self._secrets.get(cx, self._connection.link, TOKENS, for_update=for_update)
        if sealed is None:
            raise Refusal(
                f"Connection {self._connection.id} ({self._connection.name}) has no tokens: connect QuickBooks again."
            )
        return msgspec.json.decode(sealed, type=Tokens)

    def _is_fresh(self, tokens: Tokens) -> bool:
        return self._clock() < tokens.expires_at - _EARLY_SECONDS


def endpoint_of(cx: Transaction, secrets: Secrets, connection: Connection) -> Endpoint:
    """Where the tokens of `connection` are had."""
    secret = secrets.get(cx, connection.link, CLIENT_SECRET)
    if secret is None:
        raise Refusal(
            f"Connection {connection.id} ({connection.name}) has no app's secret: connect QuickBooks again."
        )
    told = connection.settings
    return Endpoint(
        token_url=told["token_url"],
        revoke_url=told["revoke_url"],
        client_id=told["client_id"],
        client_secret=secret,
    )


def reconnect_problem(tokens: Tokens, *, now: float, name: str, subject: str) -> Problem | None:
    """A reminder, while the sign-in is about to end."""
    hard = tokens.hard_ends_at
    if hard is not None and hard - now < _HARD_DAYS * _DAY:
        end, why = hard, "Intuit ends every sign-in after five years"
    elif tokens.refresh_ends_at - now < _SOFT_DAYS * _DAY:
        end, why = tokens.refresh_ends_at, "it was not used for a long time"
    else:
        return None
    return Problem(
        kind=RECONNECT, subject=subject,
        message=f"The sign-in of {name} at QuickBooks ends on {day_of(int(end), 'UTC')}, for {why}: run `bookhand connect quickbooks` before.",
    )  # fmt: skip


def remind(cx: Transaction, connection: Connection, tokens: Tokens, *, now: float) -> None:
    """Keep the reminder while it is due, and close it after."""
    subject = str(connection.id)
    problem = reconnect_problem(tokens, now=now, name=connection.name, subject=subject)
    if problem:
        report(cx, connection.link, [problem])
    else:
        clear(cx, connection.link, kind=RECONNECT, subjects=[subject])


def _post(endpoint: Endpoint, url: str, form: Mapping[str, str]) -> httpx.Response:
    told = {
        "Accept": "application/json",
        "x-include-refresh-token-hard-expires-in": "true",
        "User-Agent": "bookhand",
    }
    try:
        return httpx.post(
            url, data=dict(form), headers=told, auth=(endpoint.client_id, endpoint.client_secret), timeout=_TIMEOUT_SECONDS, verify=trust(),
        )  # fmt: skip
    except httpx.HTTPError as error:
        raise Outage(
            f"Intuit gave no answer about tokens ({type(error).__name__}).", retry_after_seconds=30
        ) from None


def _tokens(granted: _Granted, at: float) -> Tokens:
    hard = granted.x_refresh_token_hard_expires_in
    return Tokens(
        access_token=granted.access_token, refresh_token=granted.refresh_token, issued_at=at, expires_at=at + granted.expires_in,
        refresh_ends_at=at + granted.x_refresh_token_expires_in, hard_ends_at=None if hard is None else at + hard,
    )  # fmt: skip


def _error(answer: httpx.Response) -> str:
    try:
        return msgspec.json.decode(answer.content, type=_Refused).error
    except msgspec.DecodeError:
        return ""


def as_json(tokens: Tokens) -> str:
    """What is sealed."""
    return msgspec.json.encode(tokens).decode()


def settings_of(found: Any) -> dict[str, str]:
    """The addresses of a discovery document, as a connection's settings keep them."""
    return {"token_url": str(found["token_endpoint"]), "revoke_url": str(found["revocation_endpoint"])}


ready(Tokens, _Granted, _Refused)  # see core.ready
