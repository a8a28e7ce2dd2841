"""The way of one request: who asks, may they, was it asked before, do it, show it.

    answer(engine, Request("GET", "/v1/charges", {"limit": "3"}, {"authorization": "Bearer sk_test_…"}))

Header names are lower case. Every answer carries a `Request-Id`; every refusal Stripe's shape.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.stripe import expand, idempotency, parameters, permissions, routes, versions
from bookhand.sandbox.stripe.call import Call, Content, Upload
from bookhand.sandbox.stripe.errors import JSON, StripeError, unknown_url
from bookhand.sandbox.stripe.keys import Key, credential

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe
    from bookhand.sandbox.stripe.routes import Route

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
WRITES = ("POST", "DELETE")


@dataclass(frozen=True, slots=True)
class Request:
    """What came over the wire, decoded."""

    method: str
    path: str
    params: JSON
    headers: dict[str, str]
    files: dict[str, Upload] = field(default_factory=dict)

    @property
    def idempotency_key(self) -> str:
        """The key under which the answer is kept; empty for none."""
        if self.method == "POST" or (self.method == "DELETE" and self.path.startswith("/v2/")):
            return self.headers.get("idempotency-key", "")
        return ""


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back: exactly what HTTP sends."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> JSON:
        """The body, decoded."""
        found: JSON = _decode(self.body)
        return found


def answer(engine: Pinstripe, request: Request) -> Response:
    """Do it, or say why not."""
    request_id = engine.request_id(request.method)
    try:
        found = _run(engine, request, request_id)
    except StripeError as error:
        found = refusal(engine, request, error, request_id)
    engine.tally[f"{request.method} {found.status}"] += 1
    return found


def refusal(engine: Pinstripe, request: Request, error: StripeError, request_id: str) -> Response:
    """An error as it is sent."""
    key = engine.ring.find(credential(request.headers))
    body = error.body(
        request_id=request_id,
        account=key.account if key else None,
        livemode=bool(key and key.livemode),
    )
    headers = {"Request-Id": request_id, "Content-Type": "application/json", **error.headers}
    return Response(error.status, headers, _encode(body))


def _run(engine: Pinstripe, request: Request, request_id: str) -> Response:
    found = routes.match(request.method, request.path)
    if found is not None and found[0].options.get("open"):
        return _open(engine, request, *found, request_id)
    now = engine.clock.now()
    key = engine.ring.authenticate(request.headers, now)
    version = versions.check(request.headers.get("stripe-version") or engine.version_of(key.account))
    if found is None:
        raise unknown_url(request.method, request.path)
    route, names = found
    account = _account(engine, key, request)
    engine.limits.take(account, key.livemode, route)
    engine.faults.refuse(request.method, request.path)
    permissions.check(key, route, account)
    pinned = request.headers.get("stripe-version") == versions.CURRENT
    parameters.check(route, request.params, pinned=pinned)
    call = Call(
        engine,
        account,
        livemode=key.livemode,
        version=version,
        now=now,
        params=request.params,
        path=names,
        url=request.path,
        request_id=request_id,
        idempotency_key=request.idempotency_key or None,
        platform=key.account if account != key.account else None,
        key=key.key,
        files=request.files,
        headers=request.headers,
    )
    write = request.method in WRITES
    answer = _write(call, route, request) if write else _shown(call, route.handler(call))
    engine.faults.cut_after(request.method, request.path)
    return answer


def _write(call: Call, route: Route, request: Request) -> Response:
    engine, key = call.engine, request.idempotency_key
    if not key:
        with engine.transaction():
            return _shown(call, route.handler(call))
    seen = idempotency.recall(engine.store, call.part, request, call.now)
    if seen is not None:
        headers = {
            **seen.headers,
            "Idempotent-Replayed": "true",
            "Original-Request": seen.headers["Request-Id"],
            "Request-Id": call.request_id or "",
        }
        return Response(seen.status, headers, seen.body)
    try:
        with engine.transaction():
            answer = _shown(call, route.handler(call))
            idempotency.remember(engine.store, call.part, request, answer, call.now)
    except StripeError as error:
        if idempotency.worth_keeping(error, request.path):
            failed = refusal(engine, request, error, call.request_id or "")
            with engine.transaction():
                idempotency.remember(engine.store, call.part, request, failed, call.now)
        raise
    return answer


def _open(
    engine: Pinstripe, request: Request, route: Route, names: dict[str, str], request_id: str
) -> Response:
    """A page, an exchange of tokens or a control, that asks for no key as other calls do; the controls never fail on demand."""
    control = request.path.startswith("/_pinstripe")
    if not control:
        engine.faults.refuse(request.method, request.path)
    with engine.transaction():
        call = Call(
            engine,
            engine.default_account,
            livemode=False,
            version=engine.version,
            params=request.params,
            path=names,
            url=request.path,
            request_id=request_id,
            headers=request.headers,
        )
        answer = _shown(call, route.handler(call))
    if not control:
        engine.faults.cut_after(request.method, request.path)
    return answer


def _account(engine: Pinstripe, key: Key, request: Request) -> str:
    """The account a request acts on: the key's own, or one connected to it."""
    headers = request.headers
    asked = headers.get("stripe-account") or headers.get("stripe-context") or ""
    if not asked or asked == key.account:
        return key.account
    scope = engine.connected(key.account, livemode=key.livemode).get(asked)
    if scope is None:
        raise StripeError(
            f"The provided key '{key.masked}' does not have access to account '{asked}' (or that account does not "
            "exist). Application access may have been revoked.",
            code="account_invalid",
            status=403,
        )
    if scope == "read_only" and request.method in WRITES:
        raise StripeError(
            f"The provided key '{key.masked}' may only read account '{asked}': it was connected with the scope "
            "read_only.",
            code="account_invalid",
            status=403,
        )
    return asked


def _shown(call: Call, result: Any) -> Response:
    headers = {"Request-Id": call.request_id or "", "Stripe-Version": call.version}
    if call.idempotency_key:
        headers["Idempotency-Key"] = call.idempotency_key
    if call.platform:
        headers["Stripe-Account"] = call.account
    if isinstance(result, Content):
        return Response(
            result.status, {**headers, "Content-Type": result.type, **result.headers}, result.data
        )
    headers["Content-Type"] = "application/json"
    if "expand" in call.params:
        result = expand.expand(call, _decode(_encode(result)), call.listing("expand"))
    if call.version != versions.CURRENT:
        result = versions.render(_decode(_encode(result)), call.version)
    return Response(200, headers, _encode(result))
