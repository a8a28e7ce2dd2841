"""The stand-in, asked without HTTP by somebody who has signed in."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.standin import Request, Response, decode
from bookhand.sandbox.quickbooks.limits import Rates
from bookhand.sandbox.quickbooks.oauth import SCOPE
from bookhand.sandbox.quickbooks.standin import SMALL_REALM, TRADING_REALM, QuickBooks

BACK = "http://localhost:1/back"


@dataclass
class Caller:
    """One app's access to one company."""

    qb: QuickBooks
    realm: str
    token: str = ""

    def ask(
        self, method: str, path: str, body: Any = None, *, accept: str = "application/json", **query: str
    ) -> Response:
        headers = {
            "authorization": f"Bearer {self.token}",
            "accept": accept,
            "content-type": "application/json",
        }
        content = b"" if body is None else msgspec.json.encode(body)
        return self.qb.answer(
            Request(
                method,
                f"/v3/company/{self.realm}/{path}",
                query=urlencode(query),
                headers=headers,
                body=content,
            )
        )

    def got(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        answer = self.ask(method, path, body, **query)
        assert answer.status == 200, answer.body
        return decode(answer.body)

    def code(self, method: str, path: str, body: Any = None, **query: str) -> str:
        """The code of the Fault that comes."""
        return str(decode(self.ask(method, path, body, **query).body)["Fault"]["Error"][0]["code"])

    def query(self, text: str) -> Any:
        return self.got("GET", "query", query=text)["QueryResponse"]

    def id(self, account: str) -> str:
        return str(self.qb.companies[self.realm].account(account)["Id"])

    def entry(self, amount: Any = "10.00", **given: Any) -> dict[str, Any]:
        return {
            "TxnDate": "2026-03-05",
            "Line": [self.side("Debit", "Checking", amount), self.side("Credit", "Sales", amount)],
        } | given

    def side(self, side: str, account: str, amount: Any, **detail: Any) -> dict[str, Any]:
        told = {"PostingType": side, "AccountRef": {"value": self.id(account)}, **detail}
        return {"DetailType": "JournalEntryLineDetail", "Amount": amount, "JournalEntryLineDetail": told}

    def deposit(self, *amounts: Any, **given: Any) -> dict[str, Any]:
        lines = [
            {
                "DetailType": "DepositLineDetail",
                "Amount": each,
                "DepositLineDetail": {"AccountRef": {"value": self.id("Sales")}},
            }
            for each in amounts
        ]
        return {
            "TxnDate": "2026-03-05",
            "DepositToAccountRef": {"value": self.id("Checking")},
            "Line": lines,
        } | given

    # --- signing in ---

    def form(
        self, path: str, fields: dict[str, str], *, secret: str | None = None, **headers: str
    ) -> Response:
        app = self.qb.app
        basic = base64.b64encode(f"{app.client_id}:{secret or app.client_secret}".encode()).decode()
        told = {
            "authorization": f"Basic {basic}",
            "content-type": "application/x-www-form-urlencoded",
            **headers,
        }
        return self.qb.answer(Request("POST", path, headers=told, body=urlencode(fields).encode()))

    def consent(self, **given: str) -> Response:
        asked = {
            "client_id": self.qb.app.client_id, "redirect_uri": BACK, "state": "s1", "scope": SCOPE, "response_type": "code",
            "realm": self.realm,
        }  # fmt: skip
        return self.qb.answer(Request("POST", "/connect/oauth2", body=urlencode(asked | given).encode()))

    def exchange(self, **given: str) -> dict[str, Any]:
        back = parse_qs(urlsplit(dict(self.consent().headers)["location"]).query)
        assert (back["state"], back["realmId"]) == (["s1"], [self.realm])
        fields = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": BACK}
        answer = self.form(TOKENS, fields | given, **{"x-include-refresh-token-hard-expires-in": "true"})
        return dict(decode(answer.body))

    def refresh(self, token: str) -> dict[str, Any]:
        return dict(decode(self.form(TOKENS, {"grant_type": "refresh_token", "refresh_token": token}).body))


TOKENS = "/oauth2/v1/tokens/bearer"


def signed_in(realm: str) -> Caller:
    qb = QuickBooks(clock=Clock(1_772_800_000, stands=True), rates=Rates(enabled=False))
    caller = Caller(qb, realm)
    caller.token = caller.exchange()["access_token"]
    return caller


@pytest.fixture
def small() -> Caller:
    return signed_in(SMALL_REALM)


@pytest.fixture
def trading() -> Caller:
    return signed_in(TRADING_REALM)
