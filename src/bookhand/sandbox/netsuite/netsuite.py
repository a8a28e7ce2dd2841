"""The stand-in: what each address answers, for both accounts.

    POST   /{slug}/services/rest/auth/oauth2/v1/token
    POST   /{slug}/services/rest/record/v1/journalEntry             204, and Location ends in the id
    GET    /{slug}/services/rest/record/v1/journalEntry/eid:bh.x    ?expandSubResources=true for the lines
    PUT    /{slug}/services/rest/record/v1/deposit/eid:bh.x         makes it, or changes the one that is there (?replace=other,cashBack)
    POST   /{slug}/services/rest/query/v1/suiteql                   Prefer: transient

Everything but the token endpoint counts towards the requests at once that an account may have; more are blocked. UNVERIFIED: which record
names take a PUT by internal id (here all do), and the paging of record lists beyond limit and offset; `q` is not taken.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from urllib.parse import quote, unquote
from weakref import WeakSet

import msgspec

from bookhand.sandbox.netsuite import fields, suiteql
from bookhand.sandbox.netsuite.account import NetSuiteAccount
from bookhand.sandbox.netsuite.company import Company, one_world, simple
from bookhand.sandbox.netsuite.controls import switched
from bookhand.sandbox.netsuite.errors import (
    NetSuiteError,
    bad_query,
    broken,
    forbidden,
    invalid,
    not_there,
    said,
    too_many,
    unauthorized,
)
from bookhand.sandbox.netsuite.signing import Denied, utc
from bookhand.sandbox.netsuite.transaction import Transaction, rendered
from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.faults import Fault
from bookhand.sandbox.outside.standin import JSON, Request, Response, StandIn, reply

_REST = "/services/rest"
_TOKEN = "/auth/oauth2/v1/token"  # noqa: S105 (an address)
_LISTS = {
    "account": "accounts", "subsidiary": "subsidiaries", "currency": "currencies", "classification": "classes", "department": "departments",
    "location": "locations", "accountingperiod": "periods",
}  # fmt: skip


class NetSuite(StandIn):
    """Two accounts: ``tstdrv1001`` (OneWorld) and ``1002-sb1`` (one company, one currency)."""

    name = "NetSuite"

    def __init__(self, *, seed: int = 1, clock: Clock | None = None, more: Sequence[Company] = ()) -> None:
        """`more` are accounts beside the two."""
        super().__init__(seed=seed, clock=clock)
        companies = (one_world(), simple(), *more)
        self.accounts = {each.slug: NetSuiteAccount(each, seed=seed) for each in companies}
        self._busy: dict[str, WeakSet[Request]] = {slug: WeakSet() for slug in self.accounts}

    def admit(self, request: Request) -> Response | None:
        """Too many at once are blocked."""
        account, path = self._account(request)
        if account is None or path == _TOKEN:
            return None
        busy = self._busy[account.company.slug]
        busy.add(request)
        account.most_seen = max(account.most_seen, len(busy))
        if len(busy) <= account.most_at_once:
            return None
        busy.discard(request)
        return _refused(too_many(account.too_many_status))

    def answer(self, request: Request) -> Response:
        """What the address answers."""
        account, path = self._account(request)
        if account is None:
            return _refused(not_there(request.path))
        try:
            if path == _TOKEN:
                return self._grant(account, request)
            self._require_caller(account, request)
            return self._routed(account, request, path)
        except NetSuiteError as error:
            return _refused(error)
        finally:
            self._busy[account.company.slug].discard(request)

    def trouble(self, fault: Fault, request: Request) -> Response | None:
        """A fault, as NetSuite says it."""
        account, _ = self._account(request)
        if fault.kind == "token_revoked" and account is not None:
            account.keys.tokens.clear()
            return None
        return _refused(too_many(429) if fault.kind == "429" else broken())

    def counted_as(self, request: Request) -> str:
        """Method and record, without the account and the ids."""
        _, path = self._account(request)
        return f"{request.method} {'/'.join(path.split('/')[1:4])}"

    def told(self) -> JSON:
        """The accounts, with what it takes to sign in."""
        return {
            "accounts": {
                slug: {
                    "realm": each.company.realm, "client_id": each.keys.client_id, "transactions": len(each.transactions),
                    "certificates": list(each.keys.certificates), "most_at_once": each.most_at_once, "most_seen": each.most_seen,
                    "token_pair": {
                        "consumer_key": each.pair.consumer_key, "consumer_secret": each.pair.consumer_secret,
                        "token_id": each.pair.token_id, "token_secret": each.pair.token_secret,
                    },
                }
                for slug, each in self.accounts.items()
            }
        }  # fmt: skip

    def control(self, switch: str, asked: JSON) -> JSON:
        """What a person does in the account, or its administrator: see `controls`."""
        return switched(self.accounts, switch, asked, now=self.clock.now())

    def close(self) -> None:
        """Let go of the tables."""
        for each in self.accounts.values():
            each.close()

    # --- who ---

    def _account(self, request: Request) -> tuple[NetSuiteAccount | None, str]:
        slug, _, rest = request.path.lstrip("/").partition("/")
        return self.accounts.get(slug), f"/{rest}".removeprefix(_REST)

    def _grant(self, account: NetSuiteAccount, request: Request) -> Response:
        url = f"{_base(account, request)}{_TOKEN}"
        try:
            return reply(account.keys.grant(request.form, token_url=url, now=time.time()))
        except Denied as denied:
            return reply({"error": denied.code, "error_description": denied.detail}, status=400)

    def _require_caller(self, account: NetSuiteAccount, request: Request) -> None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        url = f"http://{request.headers.get('host', '')}{quote(request.path, safe='/:%')}"
        known = (
            account.keys.check(token.strip(), now=time.time())
            if kind.lower() == "bearer"
            else account.pair.check(request, url=url, realm=account.company.realm, now=time.time())
        )
        if not known:
            raise unauthorized()

    # --- what ---

    def _routed(self, account: NetSuiteAccount, request: Request, path: str) -> Response:
        if path == "/query/v1/suiteql":
            return self._query(account, request)
        steps = [unquote(step) for step in path.removeprefix("/record/v1/").split("/")]
        if not path.startswith("/record/v1/") or not 1 <= len(steps) <= 2:
            raise not_there(request.path)
        if steps[0] == "metadata-catalog":
            return _catalog(steps)
        if steps[0].lower() in _LISTS:
            return _listed(account, request, steps)
        record = fields.CANONICAL.get(steps[0].lower())
        if record is None:
            raise NetSuiteError(
                f"Record type '{steps[0]}' does not exist.",
                code="NONEXISTENT_ID",
                status=404,
                where=("o:errorUrl", request.path),
            )
        if record in account.denied:
            raise forbidden("Make Journal Entry" if record == "journalEntry" else "Deposit")
        return self._record(account, request, record, steps[1] if len(steps) > 1 else None)

    def _record(self, account: NetSuiteAccount, request: Request, record: str, key: str | None) -> Response:
        at = utc(self.clock.now()).strftime("%Y-%m-%dT%H:%M:%SZ")
        match request.method, key:
            case "GET", None:
                return _page(request, [each.id for each in account.of(record)])
            case "POST", None:
                return self._here(account, request, account.create(record, _body(request, record), at=at))
            case "GET", str():
                found = account.find(record, key, path=request.path)
                expanded = request.query.get("expandSubResources", "").lower() == "true"
                return reply(
                    rendered(
                        account.company, found, f"{_base(account, request)}/record/v1", expanded=expanded
                    )
                )
            case "PUT", str() if key.startswith("eid:"):
                return self._upsert(account, request, record, key, at)
            case "PATCH" | "PUT", str():
                found = account.find(record, key, path=request.path)
                made = account.change(
                    found, _body(request, record), replacing=_replacing(request, record), at=at
                )
                return self._here(account, request, made)
            case "DELETE", str():
                account.delete(account.find(record, key, path=request.path))
                return Response(204)
            case _:
                raise NetSuiteError("The method is not allowed here.", code="METHOD_NOT_ALLOWED", status=405)

    def _upsert(self, account: NetSuiteAccount, request: Request, record: str, key: str, at: str) -> Response:
        body = {**_body(request, record), "externalId": key.removeprefix("eid:")}
        try:
            found = account.find(record, key, path=request.path)
        except NetSuiteError:
            return self._here(account, request, account.create(record, body, at=at))
        return self._here(
            account, request, account.change(found, body, replacing=_replacing(request, record), at=at)
        )

    def _here(self, account: NetSuiteAccount, request: Request, made: Transaction) -> Response:
        where = f"{_base(account, request)}/record/v1/{made.record}/{made.id}"
        return Response(204, b"", (("location", where),))

    def _query(self, account: NetSuiteAccount, request: Request) -> Response:
        if request.method != "POST":
            raise NetSuiteError("The method is not allowed here.", code="METHOD_NOT_ALLOWED", status=405)
        if request.headers.get("prefer", "").lower() != "transient":
            raise NetSuiteError(
                "Invalid header value. The 'Prefer' header must be 'transient'.",
                code="INVALID_HEADER",
                where=("o:errorHeader", "Prefer"),
            )
        body = _json(request)
        limit, offset = _limits(request)
        here = f"{_base(account, request)}/query/v1/suiteql"
        return reply(suiteql.page(account.tables, body.get("q"), limit=limit, offset=offset, here=here))


def _base(account: NetSuiteAccount, request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}/{account.company.slug}{_REST}"


def _refused(error: NetSuiteError) -> Response:
    return reply(said(error), status=error.status)


def _json(request: Request) -> JSON:
    try:
        body = request.json()
    except msgspec.DecodeError:
        body = None
    if not isinstance(body, dict):
        raise NetSuiteError(
            "Invalid content in the request body: it is no JSON object.", code="INVALID_CONTENT"
        )
    return body


def _body(request: Request, record: str) -> JSON:
    body = _json(request)
    validation = request.headers.get("x-netsuite-propertynamevalidation", "warning").lower()
    unknown = fields.unknown_names(record, body)
    if unknown and validation == "error":
        raise invalid(f"Unknown reference or field: {unknown[0]}", path=unknown[0])
    return body


def _replacing(request: Request, record: str) -> tuple[str, ...]:
    asked = [name.strip() for name in request.query.get("replace", "").split(",") if name.strip()]
    if wrong := [name for name in asked if name not in fields.SUBLISTS[record]]:
        raise NetSuiteError(
            f"Invalid value of the query parameter: {wrong[0]}",
            code="INVALID_PARAMETER",
            where=("o:errorQueryParam", "replace"),
        )
    return tuple(asked)


def _limits(request: Request) -> tuple[int, int]:
    asked = [request.query.get(name, default) for name, default in (("limit", "1000"), ("offset", "0"))]
    if not all(each.isdigit() for each in asked):
        raise bad_query("limit and offset must be numbers.")
    return int(asked[0]), int(asked[1])


def _page(request: Request, ids: list[str]) -> Response:
    if "q" in request.query:
        raise NetSuiteError(
            "The stand-in does not filter lists: use SuiteQL.",
            code="INVALID_PARAMETER",
            where=("o:errorQueryParam", "q"),
        )
    limit, offset = _limits(request)
    suiteql.require_page(limit, offset)
    items = [{"links": [], "id": each} for each in ids[offset : offset + limit]]
    return reply({
        "links": [], "count": len(items), "hasMore": offset + limit < len(ids), "items": items, "offset": offset, "totalResults": len(ids),
    })  # fmt: skip


def _catalog(steps: list[str]) -> Response:
    if len(steps) == 1:
        return reply({"items": [{"name": name, "links": []} for name in fields.RECORDS]})
    record = fields.CANONICAL.get(steps[1].lower())
    if record is None:
        raise not_there(f"/metadata-catalog/{steps[1]}")
    return reply(fields.schema(record))


def _listed(account: NetSuiteAccount, request: Request, steps: list[str]) -> Response:
    """Accounts, subsidiaries and the other lists: read only."""
    if request.method != "GET" or (steps[0].lower() == "subsidiary" and not account.company.one_world):
        raise not_there(request.path)
    found = getattr(account.company, _LISTS[steps[0].lower()])
    if len(steps) == 1:
        return _page(request, list(found))
    if steps[1] not in found:
        raise not_there(request.path)
    return reply({"links": [], **{n: v for n, v in vars(found[steps[1]]).items() if v is not None}})
