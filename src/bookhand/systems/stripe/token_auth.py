"""The credential of a connection at this moment: a key, or a Stripe App's access token kept fresh.

An app's access token lives an hour; its refresh token is new on every exchange, and the old one dies with it. So a refresh is done
by one process at a time (the row of the tokens is locked), and its answer is stored before anyone uses it; whoever waited for the
lock finds the new token there and exchanges nothing.

    credential = Credential(db, secrets, connection)
    credential.token()                # for the next call
    credential.renew(refused)         # another one after a 401, or None: the connection is then marked disconnected
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
import structlog

from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready
from bookhand.systems.connection import Connection, NoCredential
from bookhand.systems.store import set_status
from bookhand.systems.stripe import answers
from bookhand.systems.stripe.client import base_url, post_form

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.store import Transaction
    from bookhand.systems.stripe.answers import Answer
    from bookhand.workspace.secrets_store import Secrets

KEY, TOKENS, DEVELOPER_KEY = "key", "tokens", "developer_key"
"""The names under which a connection's secrets are sealed."""

_FRESH_SECONDS = 3300.0

log = structlog.get_logger(__name__)


class Tokens(msgspec.Struct, frozen=True):
    """What an exchange gives, and when (Unix seconds). Sealed as JSON, never logged."""

    access_token: str
    refresh_token: str
    issued_at: float

    def __repr__(self) -> str:
        """Without the tokens."""
        return f"Tokens(issued_at={self.issued_at})"


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
        self._held: str | None = None
        self._fresh_until = 0.0

    def token(self) -> str:
        """What to send with the next call."""
        with self._lock:
            if self._held is None or self._clock() >= self._fresh_until:
                self._held = self._fetch(None)
            return self._held

    def renew(self, refused: str) -> str | None:
        """Another credential than the one Stripe `refused`; None where there is no other."""
        with self._lock:
            if self._held is not None and self._held != refused:
                return self._held
            try:
                self._held = self._fetch(refused)
            except Refusal:
                self._held = None
            return self._held

    def _fetch(self, refused: str | None) -> str:
        if self._connection.auth == "app_oauth":
            return self._app_token(refused)
        with self._db.transaction() as cx:
            key = self._secrets.get(cx, self._connection.link, KEY)
            if key is not None and key == refused:
                set_status(
                    cx, self._connection.id, "disconnected", reason="Stripe does not accept the key any more"
                )
        if key is None or key == refused:
            raise self._lost("its key is not accepted any more" if key else "its key was removed")
        self._fresh_until = float("inf")
        return key

    def _app_token(self, refused: str | None) -> str:
        refusal: Refusal | None = None
        with self._db.transaction() as cx:
            tokens = self._locked(cx)
            if tokens.access_token == refused or not self._is_fresh(tokens):
                answer = self._exchange(cx, tokens)
                refusal = self._refusal(answer)
                if refusal:
                    set_status(
                        cx,
                        self._connection.id,
                        "disconnected",
                        reason="Stripe refused to renew the app's token",
                    )
                else:
                    tokens = read_tokens(answer, at=self._clock(), before=tokens)
                    self._secrets.put(cx, self._connection.link, TOKENS, msgspec.json.encode(tokens).decode())
        if refusal:
            raise refusal
        self._fresh_until = tokens.issued_at + _FRESH_SECONDS
        return tokens.access_token

    def _locked(self, cx: Transaction) -> Tokens:
        sealed = self._secrets.get(cx, self._connection.link, TOKENS, for_update=True)
        if sealed is None:
            raise self._lost("its tokens were removed")
        return msgspec.json.decode(sealed, type=Tokens)

    def _is_fresh(self, tokens: Tokens) -> bool:
        return self._clock() < tokens.issued_at + _FRESH_SECONDS

    def _exchange(self, cx: Transaction, tokens: Tokens) -> Answer:
        key = self._secrets.get(cx, self._connection.link, DEVELOPER_KEY)
        if key is None:
            raise self._lost("the app's developer key was removed")
        log.info("stripe_token_refresh", connection=self._connection.id)
        answer = post_form(
            f"{base_url(self._connection)}/v1/oauth/token",
            {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token},
            key=key,
        )
        if answers.passing(answer):
            raise answers.outage(answer, asked="POST /v1/oauth/token", tries=1, retry_after_seconds=30)
        return answer

    def _refusal(self, answer: Answer) -> Refusal | None:
        return None if answer.is_ok else answers.refusal(answer, asked="POST /v1/oauth/token")

    def _lost(self, why: str) -> NoCredential:
        return NoCredential(
            f"Connection {self._connection.id} ({self._connection.name}) has no credential: {why}. Connect it again."
        )


class Granted(msgspec.Struct, frozen=True, kw_only=True):
    """Stripe's answer to an exchange; an answer without a refresh token keeps the one before."""

    access_token: str
    livemode: bool
    refresh_token: str | None = None
    stripe_user_id: str | None = None
    scope: str | None = None

    def __repr__(self) -> str:
        """Without the tokens."""
        return (
            f"Granted(stripe_user_id={self.stripe_user_id!r}, livemode={self.livemode}, scope={self.scope!r})"
        )


def granted(answer: Answer) -> Granted:
    """The tokens in an answer; `Outage` for one that is no such thing (a proxy's page)."""
    try:
        return msgspec.json.decode(answer.body, type=Granted)
    except msgspec.DecodeError:
        raise Outage(
            "The address of Stripe's OAuth answered with something else: a proxy in between?"
        ) from None


def read_tokens(answer: Answer, *, at: float, before: Tokens | None = None) -> Tokens:
    """`answer` as tokens issued `at`."""
    new = granted(answer)
    refresh = new.refresh_token or (before.refresh_token if before else "")
    return Tokens(access_token=new.access_token, refresh_token=refresh, issued_at=at)


ready(Tokens, Granted)  # see core.ready
