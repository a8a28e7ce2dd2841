"""What a call to NetSuite is signed with at this moment: an access token of the certificate (M2M), or OAuth 1.0a (TBA).

    credential = Credential(db, secrets, connection)
    credential.headers("GET", url)                  # Authorization
    credential.renew(refused)                       # after a 401: True where another try makes sense

An access token lives for an hour and there is no refresh token: a new one is asked for with a new assertion, ES256, kid = the certificate's id,
aud = the token URL, good for five minutes (Oracle's help, section_162790605110). Each process holds its own; nothing is stored.
"""

from __future__ import annotations

import secrets as chance
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx
import msgspec
import structlog
from joserfc import jwt
from joserfc.jwk import ECKey
from oauthlib.oauth1 import SIGNATURE_HMAC_SHA256
from oauthlib.oauth1 import Client as Signer

from bookhand.core.problems import Outage, Refusal
from bookhand.core.ready import ready
from bookhand.systems import store
from bookhand.systems.netsuite import answers
from bookhand.systems.netsuite.answers import Answer
from bookhand.systems.netsuite.session.certificate_auth import ALGORITHM, EXPIRING, expiry_problem
from bookhand.systems.netsuite.session.place import Place
from bookhand.workspace.store import clear, report

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.connection import Connection
    from bookhand.workspace.secrets_store import Secrets

CREDENTIAL = "credential"
"""The name under which a connection's secret is sealed: a `Certificate` or a `TokenPair` as JSON."""
SCOPES = ["rest_webservices"]
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_ASSERTED_SECONDS = 300
_EARLY_SECONDS = 300.0
_MOST_IN_A_ROW = 6
_ASKED = "POST /auth/oauth2/v1/token"

log = structlog.get_logger(__name__)


class Certificate(msgspec.Struct, frozen=True, kw_only=True, tag="m2m"):
    """What M2M signs with. `expires` is the certificate's last day (ISO)."""

    client_id: str
    certificate_id: str
    private_pem: str
    expires: str

    def __repr__(self) -> str:
        """Without the key."""
        return f"Certificate(certificate_id={self.certificate_id!r}, expires={self.expires!r})"


class TokenPair(msgspec.Struct, frozen=True, kw_only=True, tag="tba"):
    """What OAuth 1.0a signs with."""

    consumer_key: str
    consumer_secret: str
    token_id: str
    token_secret: str

    def __repr__(self) -> str:
        """Without the secrets."""
        return "TokenPair()"


Proof = Certificate | TokenPair


def sealed(proof: Proof) -> str:
    """As it is kept in `Secrets`."""
    return msgspec.json.encode(proof).decode()


class Access(msgspec.Struct, frozen=True):
    """An access token, and until when it is used (Unix seconds)."""

    token: str
    until: float

    def __repr__(self) -> str:
        """Without the token."""
        return f"Access(until={self.until})"


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int | str = 3600


def ask(place: Place, proof: Certificate, *, now: float) -> Access:
    """A new access token; `Refusal` where NetSuite does not take the certificate, `Outage` where it cannot be asked."""
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": _ASSERTION,
        "client_assertion": assertion(place, proof, now=now),
    }
    try:
        got = httpx.post(place.token_url, data=form, timeout=30)
    except httpx.HTTPError as error:
        raise answers.unsent(_ASKED, type(error).__name__) from None
    answer = Answer(status=got.status_code, headers=dict(got.headers), body=got.content)
    if answers.passing(answer):
        raise answers.outage(answer, asked=_ASKED, tries=1, retry_after_seconds=30)
    if not answer.is_ok:
        raise answers.refusal(answer, asked=_ASKED)
    try:
        granted = msgspec.json.decode(answer.body, type=_Granted)
        lives = float(granted.expires_in)
    except (msgspec.DecodeError, ValueError):
        raise Outage("The address of NetSuite's sign-in answered with something else: is it right?") from None
    return Access(granted.access_token, now + max(lives - _EARLY_SECONDS, lives / 2))


def assertion(place: Place, proof: Certificate, *, now: float) -> str:
    """The signed JWT that an access token is asked for with."""
    claims = {
        "iss": proof.client_id, "scope": SCOPES, "aud": place.token_url, "iat": int(now), "exp": int(now) + _ASSERTED_SECONDS,
        "jti": chance.token_urlsafe(16),
    }  # fmt: skip
    head = {"typ": "JWT", "alg": ALGORITHM, "kid": proof.certificate_id}
    return jwt.encode(head, claims, ECKey.import_key(proof.private_pem), algorithms=[ALGORITHM])


def signed(place: Place, proof: TokenPair, method: str, url: str) -> str:
    """The Authorization header of one call: HMAC-SHA256, with the query in it and no body."""
    signer = Signer(
        proof.consumer_key, client_secret=proof.consumer_secret, resource_owner_key=proof.token_id,
        resource_owner_secret=proof.token_secret, signature_method=SIGNATURE_HMAC_SHA256, realm=place.realm,
    )  # fmt: skip
    _, headers, _ = signer.sign(url, http_method=method)
    return str(headers["Authorization"])


class Credential:
    """Shared by the threads of one process."""

    def __init__(
        self,
        db: Database,
        secrets: Secrets,
        connection: Connection,
        place: Place,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._db = db
        self._secrets = secrets
        self._connection = connection
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._proof: Proof | None = None
        self._access: Access | None = None
        self._in_a_row = 0

    def headers(self, method: str, url: str) -> dict[str, str]:
        """What a call carries; a fresh access token is asked for where the last one ends soon."""
        proof = self._held()
        if isinstance(proof, TokenPair):
            return {"Authorization": signed(self._place, proof, method, url)}
        return {"Authorization": f"Bearer {self._token(proof).token}"}

    def renew(self, refused: str) -> bool:
        """Whether another try makes sense after NetSuite `refused` this header; else the connection is disconnected.

        A token may be revoked while another is asked for; several in a row, with no call that passed in between, are no accident.
        """
        with self._lock:
            proof, access = self._proof, self._access
            if isinstance(proof, Certificate):
                if access is None or refused != f"Bearer {access.token}":
                    return True  # somebody renewed it already
                self._access = None
                self._in_a_row += 1
                if self._in_a_row < _MOST_IN_A_ROW:
                    return True
            self._proof = None  # a person may give another
        self._lost(
            "NetSuite does not accept the sign-in any more: the role, the user or the integration was changed"
        )
        return False

    def works(self) -> None:
        """A call passed: what was refused before was an accident."""
        self._in_a_row = 0

    def _lost(self, why: str) -> None:
        """Mark the connection disconnected."""
        with self._db.transaction() as cx:
            store.set_status(cx, self._connection.id, "disconnected", reason=why)
        log.warning("netsuite_disconnected", connection=self._connection.id, why=why)

    def _held(self) -> Proof:
        with self._lock:
            if self._proof is None:
                with self._db.transaction() as cx:
                    kept = self._secrets.get(cx, self._connection.link, CREDENTIAL)
                if kept is None:
                    raise Refusal(
                        f"Connection {self._connection.id} ({self._connection.name}) has no credential: it was removed. Connect it again."
                    )
                self._proof = _decode(kept)
            return self._proof

    def _token(self, proof: Certificate) -> Access:
        with self._lock:
            if self._access is None or self._clock() >= self._access.until:
                self._access = self._asked(proof)
            return self._access

    def _asked(self, proof: Certificate) -> Access:
        log.info("netsuite_token", connection=self._connection.id)
        try:
            access = ask(self._place, proof, now=self._clock())
        except Refusal as refusal:
            self._proof = None
            self._lost("NetSuite does not accept the certificate any more")
            raise Refusal(
                f"{refusal} Connection {self._connection.id} ({self._connection.name}) was disconnected: its certificate was revoked or has "
                "expired, or the integration was changed. Connect it again."
            ) from None
        self._watch(proof)
        return access

    def _watch(self, proof: Certificate) -> None:
        """Keep a Problem while the certificate comes near to its end, and close it after."""
        today = datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
        problem = expiry_problem(proof.expires, today=today, subject=self._place.realm)
        with self._db.transaction() as cx:
            if problem:
                report(cx, self._connection.link, [problem])
            else:
                clear(cx, self._connection.link, kind=EXPIRING)


_decode: Callable[[str], Proof] = msgspec.json.Decoder(Certificate | TokenPair).decode
ready(Access, _Granted)  # see core.ready
