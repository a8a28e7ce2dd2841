"""The stand-in itself: addresses, switches, faults of its own.

Addresses: sign-in (`oauth`), ``/v3/company/{realm}/`` with {entity} (POST), {entity}/{id} (GET), query, batch, cdc, reports/GeneralLedger.
Switches beside those of every stand-in (all POST, JSON): ``limits``, ``close`` {realm, through}, ``company`` {realm,
duplicate_numbers_refused}, ``account`` {realm, account, active}, ``person`` {realm, operation, entity, object}, ``revoke`` {realm},
``tokens`` {rotation_seconds}, ``requestids`` {enabled}, ``reports`` {most_cells}. Faults of its own: ``stale`` (somebody edited it a
moment ago), ``closed`` (6210), ``busy`` (6000, "wait a few minutes"), ``no_json`` (HTTP 200, and a page), ``left`` (120: who signed in may not use the company any more).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.faults import Fault
from bookhand.sandbox.outside.standin import JSON, NotHere, Request, Response, StandIn, encode
from bookhand.sandbox.quickbooks import query
from bookhand.sandbox.quickbooks.chart import SMALL, TRADING
from bookhand.sandbox.quickbooks.company import DOCUMENTS, LISTS, Company
from bookhand.sandbox.quickbooks.errors import (
    QuickBooksFault,
    broken,
    business,
    missing,
    throttled,
    unauthorized,
    unsupported,
)
from bookhand.sandbox.quickbooks.ledger import MOST_CELLS, general_ledger
from bookhand.sandbox.quickbooks.limits import Limits, Rates
from bookhand.sandbox.quickbooks.oauth import App, OAuth
from bookhand.sandbox.quickbooks.writing import Remembered, batch, entity_of, write_once, written

SMALL_REALM = "4620816365000001"
TRADING_REALM = "4620816365000002"
CLOSED_REALM = "4620816365000003"
_PATH = re.compile(r"/v3/company/(\d+)/(.+)")
_CDC_DAYS = 30
_CDC_MOST = 1000
_BUSY = "An unexpected error occurred while accessing or saving your data. Please wait a few minutes and try again."
_CLOSED = "Account Period Closed, Cannot Update Through Services Error"
_TROUBLES: dict[str, Callable[[], QuickBooksFault]] = {
    "429": lambda: throttled("On demand."),
    "500": broken,
    "500_after": broken,
    "closed": lambda: QuickBooksFault("6210", _CLOSED, "On demand."),
    "busy": lambda: business(_BUSY),
    "left": lambda: QuickBooksFault(
        "120",
        "Authorization Failure",
        "AuthorizationFailure: You do not have access to use QuickBooks Online Plus.",
        status=401,
        kind="AuthorizationFault",
    ),
}
_XML = b'<?xml version="1.0"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3"/>'


class QuickBooks(StandIn):
    """Three companies: a small one, one that trades in three currencies, and one whose last year is closed."""

    name = "QuickBooks"
    kinds = ("stale", "closed", "busy", "no_json", "left")

    def __init__(self, *, seed: int = 1, clock: Clock | None = None, rates: Rates | None = None) -> None:
        super().__init__(seed=seed, clock=clock)
        known = hashlib.sha256(f"quickbooks {seed}".encode()).hexdigest()
        self.app = App(client_id=f"AB{known[:40]}", client_secret=known[24:64])
        self.oauth = OAuth(self, self.app)
        self.companies = {
            SMALL_REALM: Company(SMALL_REALM, "Acme Web Shop LLC", chart=SMALL, clock=self.clock),
            TRADING_REALM: Company(
                TRADING_REALM,
                "Meridian Trading Inc",
                chart=TRADING,
                clock=self.clock,
                currencies=("EUR", "JPY"),
            ),
            CLOSED_REALM: Company(CLOSED_REALM, "Old Mill Crafts", chart=SMALL, clock=self.clock),
        }
        year = self.clock.moment().year
        self.companies[CLOSED_REALM].closed_through = f"{year - 1}-12-31"
        self.limits = Limits(rates or Rates())
        self.seen = Remembered()
        self.most_cells = MOST_CELLS
        self._order = Random(seed)
        self._answers = 0

    # --- answering ---

    def answer(self, request: Request) -> Response:
        """See `StandIn`."""
        signing_in = self.oauth.answer(request)
        if signing_in is not None:
            return signing_in
        try:
            return self._told(self._company_call(request))
        except QuickBooksFault as fault:
            return self._fault(fault)
        except msgspec.DecodeError as error:
            return self._fault(
                QuickBooksFault("2010", "Request has invalid or unsupported property", str(error))
            )

    def trouble(self, fault: Fault, request: Request) -> Response | None:
        """See `StandIn`."""
        if fault.kind == "no_json":
            return Response(200, b"<html>a proxy</html>", (("content-type", "text/html"),))
        if fault.kind in _TROUBLES:
            return self._fault(_TROUBLES[fault.kind]())
        if fault.kind == "token_revoked":
            found = _PATH.fullmatch(request.path)
            self.oauth.revoke(found[1] if found else SMALL_REALM)
        else:
            self._edit_first(request)
        return None

    def counted_as(self, request: Request) -> str:
        """See `StandIn`: without company and ids."""
        found = _PATH.fullmatch(request.path)
        return f"{request.method} {re.sub('/[0-9]+$', '/{id}', found[2]) if found else request.path}"

    def told(self) -> JSON:
        """See `StandIn`."""
        return {
            "companies": {
                realm: {
                    "name": company.name,
                    "documents": {entity: len(company.objects[entity]) for entity in DOCUMENTS},
                    "closed_through": company.closed_through,
                }
                for realm, company in self.companies.items()
            },
            "refreshes": self.oauth.refreshes,
            "app": {"client_id": self.app.client_id},
        }

    def _company_call(self, request: Request) -> JSON | bytes:
        found = _PATH.fullmatch(request.path)
        if found is None:
            raise QuickBooksFault("-1", "Not Found", request.path, status=404, kind="SystemFault")
        realm, path = found[1], found[2]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        grant = self.oauth.grant_of(token)
        if grant is None:
            raise unauthorized("Token expired or revoked")
        if grant.realm != realm:
            raise QuickBooksFault(
                "3100", "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403", "Wrong company",
                status=403, kind="AuthorizationFault",
            )  # fmt: skip
        self.limits.admit(realm, grant.client_id, batch=path == "batch")
        if "application/json" not in request.headers.get("accept", ""):
            return _XML
        return self._of_company(self.companies[realm], request, path)

    def _of_company(self, company: Company, request: Request, path: str) -> JSON:
        first, _, rest = path.partition("/")
        match request.method, first:
            case (("GET" | "POST"), "query"):
                text = request.query.get("query") or request.body.decode()
                return {"QueryResponse": query.run(company, text)}
            case "POST", "batch":
                return batch(
                    company,
                    request.json(),
                    request_id=request.query.get("requestid"),
                    seen=self.seen,
                    order=self._order,
                )
            case "GET", "cdc":
                return self._changes(company, request.query)
            case "GET", "reports" if rest == "GeneralLedger":
                return general_ledger(company, request.query, most_cells=self.most_cells)
            case "GET", _ if rest or first == "preferences":
                return self._one(company, first, rest)
            case "POST", _ if not rest:
                return write_once(
                    company, entity_of(first), request.json(), operation=request.query.get("operation", "create"),
                    request_id=request.query.get("requestid"), seen=self.seen,
                )  # fmt: skip
            case _:
                raise unsupported(f"{request.method} {path}")

    def _one(self, company: Company, path: str, id_: str) -> JSON:
        entity = next((name for name in (*LISTS, *DOCUMENTS) if name.lower() == path), None)
        if entity is None:
            raise unsupported(f"read {path}")
        if entity == "Preferences":
            return {entity: company.preferences()}
        if entity == "CompanyInfo":
            return {entity: company.info()}
        return {entity: company.get(entity, id_)}

    def _changes(self, company: Company, asked: dict[str, str]) -> JSON:
        entities = [name for name in asked.get("entities", "").split(",") if name in DOCUMENTS]
        if not entities or not asked.get("changedSince"):
            raise missing("entities, changedSince")
        since = datetime.fromisoformat(asked["changedSince"])
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        if since < self.clock.moment() - timedelta(days=_CDC_DAYS):
            raise business("changedSince is more than 30 days ago.")
        return {
            "CDCResponse": [{"QueryResponse": [self._changed(company, entity, since) for entity in entities]}]
        }

    def _changed(self, company: Company, entity: str, since: datetime) -> JSON:
        changed = [
            document
            for document in company.objects[entity].values()
            if datetime.fromisoformat(document["MetaData"]["LastUpdatedTime"]) >= since
        ]
        deleted = [
            {"domain": "QBO", "status": "Deleted", "Id": gone.id}
            for gone in company.gone
            if gone.entity == entity and gone.at >= since.timestamp()
        ]
        found = [*changed, *deleted][:_CDC_MOST]
        return {entity: found, "startPosition": 1, "maxResults": len(found)} if found else {}

    def _told(self, answer: JSON | bytes) -> Response:
        if isinstance(answer, bytes):
            return Response(200, answer, (("content-type", "application/xml"),))
        return self._answered(200, {**answer, "time": self._time()})

    def _fault(self, fault: QuickBooksFault) -> Response:
        return self._answered(fault.status, {"Fault": fault.as_json(), "time": self._time()})

    def _answered(self, status: int, body: JSON) -> Response:
        return Response(
            status, encode(body), (("content-type", "application/json"), ("intuit_tid", self._tid()))
        )

    def _time(self) -> str:
        return self.clock.moment().isoformat(timespec="milliseconds")

    def _tid(self) -> str:
        self._answers += 1
        return f"1-standin-{self.seed}-{self._answers}"

    # --- switches ---

    def control(self, switch: str, asked: JSON) -> JSON:
        """See `StandIn`."""
        match switch:
            case "limits":
                self.limits = Limits(msgspec.convert(asked, Rates, strict=False))
                return {"limits": msgspec.to_builtins(self.limits.rates)}
            case "close":
                self.companies[asked["realm"]].closed_through = asked.get("through")
            case "company":
                self.companies[asked["realm"]].duplicate_numbers_refused = bool(
                    asked["duplicate_numbers_refused"]
                )
            case "account":
                self.companies[asked["realm"]].account(asked["account"])["Active"] = bool(asked["active"])
            case "person":
                return self.person(asked["realm"], asked["operation"], asked["entity"], asked["object"])
            case "revoke":
                return {"ended": self.oauth.revoke(asked["realm"])}
            case "tokens":
                self.oauth.rotation_seconds = float(asked["rotation_seconds"])
            case "requestids":
                self.seen.enabled = bool(asked["enabled"])
            case "reports":
                self.most_cells = int(asked["most_cells"])
            case _:
                raise NotHere(switch)
        return {}

    def person(self, realm: str, operation: str, entity: str, obj: JSON) -> JSON:
        """Somebody creates, edits (sparsely) or deletes a document in QuickBooks itself; the version is taken as it is now."""
        company = self.companies[realm]
        with self.lock:
            try:
                if operation != "create":
                    token = company.get(entity, str(obj["Id"]))["SyncToken"]
                    obj = {**obj, "SyncToken": token, "sparse": True}
                return written(company, entity, obj, operation=operation)
            except QuickBooksFault as fault:
                raise ValueError(str(fault)) from None

    def _edit_first(self, request: Request) -> None:
        """Another person's edit, a moment before this request: its SyncToken is stale then."""
        found = _PATH.fullmatch(request.path)
        asked: Any = request.json() if request.body else {}
        if found and isinstance(asked, dict) and asked.get("Id"):
            self.person(found[1], "update", entity_of(found[2]), {"Id": str(asked["Id"])})
