"""Calls to Plaid, by plaid-python's own client; amounts are read exactly, never as floats.

    plaid = PlaidClient(Application(client_id="…", secret="…", base_url="https://production.plaid.com"))
    plaid.post("/transactions/sync", {"access_token": "…"})

The typed models of plaid-python are left aside: they read amounts as floats, and stop at a word that is newer than they are. Errors: `Parted`
where somebody has to sign in again, `Mutated` where a listing has to begin again, `Outage` where trying again helps, else `Refusal`.
Source: plaid.com/docs/errors, plaid.com/docs/api/products/transactions.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import urllib3
from plaid import ApiClient, Configuration
from plaid.exceptions import ApiException

from bookhand.core.problems import Outage, Refusal
from bookhand.core.redaction import redact_text

_TIMEOUT_SECONDS = (10, 60)
_MUTATION = "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION"
_PARTED = frozenset(
    {"ITEM_LOGIN_REQUIRED", "ITEM_NOT_FOUND", "INVALID_ACCESS_TOKEN", "ITEM_LOCKED", "USER_PERMISSION_REVOKED", "USER_ACCOUNT_REVOKED",
     "ACCESS_NOT_GRANTED", "INVALID_CREDENTIALS", "INSUFFICIENT_CREDENTIALS", "INVALID_MFA", "PENDING_DISCONNECT"}
)  # fmt: skip
_AGAIN = frozenset({"PRODUCT_NOT_READY", "INTERNAL_SERVER_ERROR", "PLANNED_MAINTENANCE"})
_PASSING_TYPES = frozenset({"RATE_LIMIT_EXCEEDED", "INSTITUTION_ERROR", "API_ERROR"})
_TOO_MANY, _FAULTS = 429, 500
_MINUTE = 60.0

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """Your keys at Plaid (dashboard.plaid.com), and which of its hosts is asked."""

    client_id: str
    secret: str
    base_url: str = "https://production.plaid.com"

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Application(client_id={self.client_id!r}, base_url={self.base_url!r})"


class Parted(Refusal):
    """The bank does not let Plaid in any more: somebody signs in again. `code` is Plaid's."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class Mutated(Outage):
    """The transactions changed while their pages were read: the listing begins again."""


class PlaidClient:
    """One application's calls."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._client = ApiClient(Configuration(host=application.base_url))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """The answer to one call, numbers with a point as `Decimal`."""
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Plaid-Version": "2020-09-14",
        }
        keys = {"client_id": self._application.client_id, "secret": self._application.secret}
        try:
            answer = self._client.request(
                "POST",
                f"{self._application.base_url}{path}",
                headers=headers,
                body={**keys, **body},
                _request_timeout=_TIMEOUT_SECONDS,
            )
            found: dict[str, Any] = _decode(answer.data)
        except ApiException as error:
            raise _trouble(error, path) from None
        except urllib3.exceptions.HTTPError as error:
            raise Outage(
                f"Plaid does not answer ({type(error).__name__} at {path}): it is tried again."
            ) from None
        except msgspec.DecodeError:
            raise Outage(
                f"The address of Plaid answered {path} with something else: a proxy in between?"
            ) from None
        return found

    def close(self) -> None:
        """Let go of the connections."""
        self._client.rest_client.pool_manager.clear()


def _trouble(error: ApiException, path: str) -> Refusal | Outage:
    said = _said(error)
    kind, code = str(said.get("error_type", "")), str(said.get("error_code", ""))
    message = redact_text(str(said.get("error_message") or error.reason or ""))[:300]
    where = f"Plaid, {path}: {code or error.status}: {message}".rstrip(": ")
    if code == _MUTATION:
        return Mutated(f"{where}. The listing begins again.")
    if code in _PARTED:
        return Parted(f"{where}. Sign in to the bank again (bookhand connect plaid).", code=code)
    if (
        kind in _PASSING_TYPES
        or code in _AGAIN
        or error.status == _TOO_MANY
        or (error.status or 0) >= _FAULTS
    ):
        return Outage(
            f"{where}. It is tried again.", retry_after_seconds=_MINUTE if error.status == _TOO_MANY else None
        )
    return Refusal(f"{where}.")


def _said(error: ApiException) -> dict[str, Any]:
    try:
        found = _decode(error.body or b"{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}
