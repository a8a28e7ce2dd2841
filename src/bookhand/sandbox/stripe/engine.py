"""Pinstripe: a whole stand-in Stripe in one object. The HTTP server is a thin skin over `call`.

stripe = Pinstripe(seed=1, clock=Clock(start=1_760_000_000))
stripe.account("acct_1")
answer = stripe.call("POST", "/v1/customers", {"email": "a@example.com"})
answer.status, answer.json()["id"]            # 200, 'cus_…'
with stripe.session("acct_1") as call:        # without a request, in one transaction
call.find("customer")
stripe.advance(1_760_086_400)                 # runs the jobs due that day
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from bookhand.sandbox.stripe import forms, routes, versions
from bookhand.sandbox.stripe.call import Call
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.errors import JSON, StripeError, unknown_url
from bookhand.sandbox.stripe.events import Events
from bookhand.sandbox.stripe.ids import Ids
from bookhand.sandbox.stripe.store import Store

DEFAULT_ACCOUNT = "acct_1Pinstripe0000000"
JOBS_PER_COMMIT = 500

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


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


@dataclass(frozen=True, slots=True)
class Keys:
    """The secret keys of an account, by mode; restricted ones are made with `Pinstripe.restricted`."""

    test: str
    live: str
    publishable_test: str
    publishable_live: str


@dataclass(frozen=True, slots=True)
class Key:
    """Who asks: an account, its mode, and what a restricted key may do (None = everything)."""

    key: str
    account: str
    livemode: bool
    kind: str = "secret"
    permissions: dict[str, str] | None = field(default=None)


class Pinstripe:
    """One stand-in, in process; every call is one transaction."""

    def __init__(self, path: Path | None = None, *, seed: int = 1, clock: Clock | None = None) -> None:
        routes.load()
        self.clock = clock or Clock()
        self.store = Store(path)
        self.seed = int(self.store.meta("seed") or seed)
        self.store.set_meta("seed", str(self.seed))
        self.ids = Ids(self.seed, int(self.store.meta("ids") or 0))
        self.version = versions.CURRENT
        self.events_from = 0
        self.events = Events(self)
        self.lock = threading.RLock()
        self._depth = 0
        self._reads = 0
        self._known: dict[str, Key] = {}

    def close(self) -> None:
        """Let go of the store."""
        with self.lock:
            self.store.close()

    # accounts and keys

    def account(
        self,
        id: str = DEFAULT_ACCOUNT,  # noqa: A002
        *,
        country: str = "US",
        default_currency: str = "usd",
        **settings: Any,
    ) -> JSON:
        """Open an account, creating it and its keys when it is new; `settings` are further fields of the account."""
        with self.session(id) as call:
            found = call.look("account", id)
            if found is None:
                found = _account(id, country, default_currency, call.now, settings)
                call.add(found, stamp=False)
                call.on(id, livemode=True).add(dict(found), stamp=False)
                self._make_keys(id)
        return found

    def keys(self, account: str = DEFAULT_ACCOUNT) -> Keys:
        """The keys of an account."""
        letters = self.ids.letters
        return Keys(
            test=f"sk_test_{letters(f'sk_test:{account}')}",
            live=f"sk_live_{letters(f'sk_live:{account}')}",
            publishable_test=f"pk_test_{letters(f'pk_test:{account}')}",
            publishable_live=f"pk_live_{letters(f'pk_live:{account}')}",
        )

    def restricted(
        self, account: str, permissions: dict[str, str], *, livemode: bool = False, name: str = ""
    ) -> str:
        """A restricted key: permissions by resource, `{"charge": "read", "refund": "write"}`; absent means none."""
        mode = "live" if livemode else "test"
        key = f"rk_{mode}_{self.ids.letters(f'rk:{account}:{mode}:{name}:{sorted(permissions.items())}')}"
        self._store_key(Key(key, account, livemode, "restricted", permissions))
        return key

    def connect(
        self, platform: str, account: str, *, livemode: bool = False, scope: str = "read_write"
    ) -> None:
        """Let a platform act on an account with `Stripe-Account`."""
        with self.transaction():
            self.store.db.execute(
                "INSERT OR REPLACE INTO connections VALUES (?, ?, ?, ?)", (platform, account, livemode, scope)
            )

    def disconnect(self, platform: str, account: str, *, livemode: bool = False) -> bool:
        """End that; False if it was not so."""
        with self.transaction():
            done = self.store.db.execute(
                "DELETE FROM connections WHERE platform = ? AND account = ? AND livemode = ?",
                (platform, account, livemode),
            )
            return done.rowcount > 0

    def connected(self, platform: str, *, livemode: bool = False) -> dict[str, str]:
        """The accounts a platform may act on, with the scope of each."""
        rows = self.store.db.execute(
            "SELECT account, scope FROM connections WHERE platform = ? AND livemode = ? ORDER BY account",
            (platform, livemode),
        )
        return dict(rows.fetchall())

    def platforms(self, account: str, *, livemode: bool = False) -> list[str]:
        """The platforms that may act on an account."""
        rows = self.store.db.execute(
            "SELECT platform FROM connections WHERE account = ? AND livemode = ? ORDER BY platform",
            (account, livemode),
        )
        return [row[0] for row in rows]

    # calls

    def call(
        self,
        method: str,
        path: str,
        params: JSON | None = None,
        *,
        key: str | None = None,
        account: str | None = None,
        livemode: bool = False,
        version: str | None = None,
        idempotency_key: str | None = None,
    ) -> Response:
        """Do what an HTTP request would. Without a key, `account` (or the default one) calls for itself."""
        headers = {}
        if key is None:
            keys = self.keys(account or DEFAULT_ACCOUNT)
            key = keys.live if livemode else keys.test
        elif account:
            headers["stripe-account"] = account
        if version:
            headers["stripe-version"] = version
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        headers["authorization"] = f"Bearer {key}"
        return self.answer(method, path, forms.texts(params or {}), headers)

    def answer(self, method: str, path: str, params: JSON, headers: dict[str, str]) -> Response:
        """The answer to a request already decoded; header names are lower case."""
        with self.lock:
            request_id = self._request_id(method)
            try:
                return self._run(method, path, params, headers, request_id)
            except StripeError as error:
                found = self._known.get(_bearer(headers))
                body = error.body(
                    request_id=request_id,
                    account=found.account if found else None,
                    livemode=bool(found and found.livemode),
                )
                return Response(error.status, {"Request-Id": request_id, **error.headers}, _encode(body))

    @contextmanager
    def session(self, account: str = DEFAULT_ACCOUNT, *, livemode: bool = False) -> Iterator[Call]:
        """A call without a request: `with engine.session("acct_1") as call:` is one transaction."""
        with self.transaction():
            yield Call(self, account, livemode=livemode, version=self.version)

    # time

    def advance(self, to: int) -> None:
        """Move the clock to a moment, running the jobs due on the way, in time order."""
        self.run_jobs("", to)
        self.clock.set(to)

    def tick(self) -> int:
        """Run what is due now (a server's timer); how many ran."""
        return self.run_jobs("", self.clock.now(), moving=False)

    def run_jobs(self, line: str, to: int, *, moving: bool = True) -> int:
        """Run the jobs of a line of time up to a moment; the default line moves the clock with them."""
        ran = 0
        while True:
            with self.transaction():
                for _ in range(JOBS_PER_COMMIT):
                    found = self.store.next_job(line, to)
                    if found is None:
                        return ran
                    due, _, part, name, args = found
                    if moving and line == "" and self.clock.now() < due:
                        self.clock.set(due)
                    account, livemode = self.store.account_of(part)
                    call = Call(self, account, livemode=livemode, version=self.version, now=due, line=line)
                    routes.JOBS[name](call, _decode(args))
                    ran += 1

    # the whole

    def digest(self) -> str:
        """One hash of every object: the same seed and the same calls give the same one."""
        with self.lock:
            found = sha256()
            for part, kind, created, seq, id_, body in self.store.everything():
                found.update(f"{part} {kind} {created} {seq} {id_} ".encode())
                found.update(body)
            return found.hexdigest()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another it is a part of that one, undone alone."""
        with self.lock:
            depth, self._depth = self._depth, self._depth + 1
            counters = self.ids.counter, self.store.seq
            db = self.store.db
            db.execute("BEGIN IMMEDIATE" if depth == 0 else f"SAVEPOINT s{depth}")
            try:
                yield
                self._keep(depth)
            except BaseException as error:
                if isinstance(error, StripeError) and error.keep:
                    self._keep(depth)
                else:
                    db.execute("ROLLBACK" if depth == 0 else f"ROLLBACK TO s{depth}")
                    if depth:
                        db.execute(f"RELEASE s{depth}")
                    self.ids.counter, self.store.seq = counters
                    self.store.forget_names()
                raise
            finally:
                self._depth = depth

    def _keep(self, depth: int) -> None:
        if depth:
            self.store.db.execute(f"RELEASE s{depth}")
            return
        self.store.set_meta("ids", str(self.ids.counter))
        self.store.set_meta("seq", str(self.store.seq))
        self.store.db.execute("COMMIT")

    def _run(
        self, method: str, path: str, params: JSON, headers: dict[str, str], request_id: str
    ) -> Response:
        key = self._authenticate(headers)
        version = versions.check(headers.get("stripe-version") or self.version)
        found = routes.match(method, path)
        if found is None:
            raise unknown_url(method, path)
        route, names = found
        account = headers.get("stripe-account") or key.account
        call = Call(
            self,
            account,
            livemode=key.livemode,
            version=version,
            params=params,
            path=names,
            url=path,
            request_id=request_id,
            idempotency_key=headers.get("idempotency-key"),
            platform=key.account if account != key.account else None,
            key=key.key,
            headers=headers,
        )
        if method == "GET":
            body = _encode(route.handler(call))
        else:
            with self.transaction():
                body = _encode(route.handler(call))
        return Response(200, {"Request-Id": request_id, "Stripe-Version": version}, body)

    def _authenticate(self, headers: dict[str, str]) -> Key:
        key = _bearer(headers)
        if not key:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
                status=401,
            )
        found = self._known.get(key) or self._load_key(key)
        if found is None:
            raise StripeError(f"Invalid API Key provided: {key[:8]}****{key[-4:]}", status=401)
        return found

    def _request_id(self, method: str) -> str:
        if method == "GET":
            self._reads += 1
            return f"req_r{self._reads:013d}"
        return self.ids.new("req", 14)

    def _make_keys(self, account: str) -> None:
        keys = self.keys(account)
        self._store_key(Key(keys.test, account, livemode=False))
        self._store_key(Key(keys.live, account, livemode=True))

    def _store_key(self, key: Key) -> None:
        with self.transaction():
            self.store.db.execute(
                "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?)",
                (key.key, key.account, key.livemode, key.kind, _encode(key.permissions)),
            )
        self._known[key.key] = key

    def _load_key(self, key: str) -> Key | None:
        row = self.store.db.execute(
            "SELECT account, livemode, kind, permissions FROM keys WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        found = self._known[key] = Key(key, row[0], bool(row[1]), row[2], _decode(row[3]))
        return found


def _bearer(headers: dict[str, str]) -> str:
    return headers.get("authorization", "").partition(" ")[2].strip()


def _account(id_: str, country: str, currency: str, now: int, settings: JSON) -> JSON:
    return {
        "id": id_,
        "object": "account",
        "business_profile": {"name": "Pinstripe", "url": None, "support_email": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": country,
        "created": now,
        "default_currency": currency,
        "details_submitted": True,
        "email": None,
        "metadata": {},
        "payouts_enabled": True,
        "settings": {},
        "type": "standard",
        **settings,
    }
