"""Pinstripe: a whole stand-in Stripe in one object. The HTTP server is a thin skin over `answer`.

stripe = Pinstripe(seed=1, clock=Clock(start=1_760_000_000))
stripe.account("acct_1")
done = stripe.call("POST", "/v1/customers", {"email": "a@example.com"})
done.status, done.json()["id"]                # 200, 'cus_…'
with stripe.session("acct_1") as call:        # without a request, in one transaction
    call.find("customer")
stripe.advance(1_760_086_400)                 # runs the jobs due that day
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from bookhand.sandbox.stripe import answer, forms, idempotency, oauth, routes, versions
from bookhand.sandbox.stripe.answer import Request, Response
from bookhand.sandbox.stripe.call import Call
from bookhand.sandbox.stripe.clock import Clock
from bookhand.sandbox.stripe.courier import Courier
from bookhand.sandbox.stripe.endpoints import Endpoints
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.events import Events
from bookhand.sandbox.stripe.faults import Faults
from bookhand.sandbox.stripe.ids import Ids
from bookhand.sandbox.stripe.keys import KeyRing, Keys
from bookhand.sandbox.stripe.limits import Limits
from bookhand.sandbox.stripe.store import Store

DEFAULT_ACCOUNT = "acct_1Pinstripe0000000"
JOBS_PER_COMMIT = 500
SCHEMA = """
CREATE TABLE IF NOT EXISTS connections (
  platform TEXT, account TEXT, livemode INTEGER, scope TEXT, PRIMARY KEY (platform, livemode, account)) WITHOUT ROWID;
"""

_decode = msgspec.json.Decoder().decode


class Pinstripe:
    """One stand-in, in process; every call is one transaction."""

    def __init__(self, path: Path | None = None, *, seed: int = 1, clock: Clock | None = None) -> None:
        routes.load()
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.store = Store(path)
        self.store.db.executescript(SCHEMA + idempotency.SCHEMA + oauth.SCHEMA)
        self.seed = int(self.store.meta("seed") or seed)
        self.store.set_meta("seed", str(self.seed))
        self.ids = Ids(self.seed, self.store.counter)
        self.version = versions.CURRENT
        self._versions: dict[str, str] = {}
        self.default_account = self.store.meta("default_account") or DEFAULT_ACCOUNT
        self.events_from = 0
        self.latency_seconds = 0.0
        self.tally: Counter[str] = Counter()
        self.ring = KeyRing(self.store, self.ids)
        self.endpoints = Endpoints(self)
        self.events = Events(self)
        self.courier = Courier(self)
        self.limits = Limits()
        self.faults = Faults(self.seed)
        self._depth = 0
        self._reads = 0

    def close(self) -> None:
        """Stop delivering and let go of the store."""
        self.courier.stop()
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
                self.ring.open(id)
                if self.store.meta("default_account") is None:
                    self.default_account = id
                    self.store.set_meta("default_account", id)
        return found

    def accounts(self) -> list[str]:
        """Every account there is, oldest first."""
        rows = self.store.db.execute("SELECT account FROM parts GROUP BY account ORDER BY min(part)")
        return [row[0] for row in rows]

    def keys(self, account: str | None = None) -> Keys:
        """The keys of an account."""
        return self.ring.keys(account or self.default_account)

    def version_of(self, account: str) -> str:
        """The API version an account's calls and events have unless they say otherwise."""
        found = self._versions.get(account)
        if found is None:
            found = self._versions[account] = self.store.meta(f"version of {account}") or self.version
        return found

    def pin(self, account: str, version: str) -> None:
        """Give an account another default version."""
        with self.transaction():
            self.store.set_meta(f"version of {account}", versions.check(version))
        self._versions[account] = version

    def restricted(
        self, account: str, permissions: dict[str, str], *, livemode: bool = False, name: str = ""
    ) -> str:
        """A restricted key: `{"charge": "read", "refund": "write", "*": "none"}`; what is absent is none."""
        with self.transaction():
            return self.ring.restricted(account, permissions, livemode=livemode, name=name)

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
            keys = self.keys(account)
            key = keys.live if livemode else keys.test
        elif account:
            headers["stripe-account"] = account
        if version:
            headers["stripe-version"] = version
        if idempotency_key:
            headers["idempotency-key"] = idempotency_key
        headers["authorization"] = f"Bearer {key}"
        return self.answer(Request(method, path, forms.texts(params or {}), headers))

    def answer(self, request: Request) -> Response:
        """The answer to a request already decoded; header names are lower case."""
        with self.lock:
            return answer.answer(self, request)

    def request_id(self, method: str) -> str:
        """The next one; reads are counted apart, so that looking changes nothing."""
        if method == "GET":
            self._reads += 1
            return f"req_r{self._reads:013d}"
        return self.ids.new("req", 14)

    @contextmanager
    def session(self, account: str | None = None, *, livemode: bool = False) -> Iterator[Call]:
        """A call without a request: `with engine.session("acct_1") as call:` is one transaction."""
        with self.transaction():
            yield self._call(account or self.default_account, livemode, self.clock.now())

    # time

    def advance(self, to: int) -> None:
        """Move the clock to a moment, running the jobs due on the way, in time order."""
        with self.lock:
            self.run_jobs("", to)
            self.clock.set(to)
        self.courier.wake()

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
                    routes.JOBS[name](self._call(account, livemode, due, line), _decode(args))
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
            db.execute(f"SAVEPOINT s{depth}" if depth else "BEGIN IMMEDIATE")
            try:
                yield
                self._keep(depth)
            except BaseException as error:
                if isinstance(error, StripeError) and error.keep:
                    self._keep(depth)
                else:
                    self._undo(depth, *counters)
                raise
            finally:
                self._depth = depth

    def _call(self, account: str, livemode: bool, now: int, line: str = "") -> Call:  # noqa: FBT001
        """A call that no request made."""
        return Call(self, account, livemode=livemode, version=self.version, now=now, line=line)

    def _keep(self, depth: int) -> None:
        if depth:
            self.store.db.execute(f"RELEASE s{depth}")
            return
        self.store.keep_counters(self.ids.counter)
        self.store.db.execute("COMMIT")

    def _undo(self, depth: int, ids: int, seq: int) -> None:
        self.store.db.execute(f"ROLLBACK TO s{depth}" if depth else "ROLLBACK")
        if depth:
            self.store.db.execute(f"RELEASE s{depth}")
        self.ids.counter, self.store.seq = ids, seq
        self.store.forget_names()
        self._versions.clear()
        self.endpoints.forget()
        self.ring.forget()


def _account(id_: str, country: str, currency: str, now: int, settings: JSON) -> JSON:
    return {
        "id": id_,
        "object": "account",
        "business_profile": {"name": "Pinstripe", "support_email": None, "support_phone": None, "url": None},
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
