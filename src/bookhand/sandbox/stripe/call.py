"""What a handler is given: the request's parameters and the account's part of the world.

    @route("GET", "/v1/charges/{id}")
    def charge(call: Call) -> JSON:
        return call.get("charge", call.path["id"])

A `Call` lives inside one transaction; everything it writes stays or goes together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.sandbox.stripe import lists
from bookhand.sandbox.stripe.errors import JSON, missing
from bookhand.sandbox.stripe.params import Params

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Call(Params):
    """One request, job or session on one account in one mode."""

    def __init__(
        self,
        engine: Pinstripe,
        account: str,
        *,
        livemode: bool,
        version: str,
        now: int | None = None,
        params: JSON | None = None,
        path: dict[str, str] | None = None,
        url: str = "",
        request_id: str | None = None,
        idempotency_key: str | None = None,
        platform: str | None = None,
        line: str = "",
        key: str | None = None,
        files: dict[str, Upload] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(params or {})
        self.engine = engine
        self.account = account
        self.livemode = livemode
        self.version = version
        self.now = engine.clock.now() if now is None else now
        self.path = path or {}
        self.url = url
        self.request_id = request_id
        self.idempotency_key = idempotency_key
        self.platform = platform
        self.line = line
        self.key = key
        self.files = files or {}
        self.headers = headers or {}
        self.part = engine.store.part(account, livemode)

    # objects

    def new_id(self, prefix: str) -> str:
        """The next id: deterministic from the seed and a counter."""
        return self.engine.ids.new(prefix)

    def add(self, obj: JSON, *, stamp: bool = True, **index: str | None) -> JSON:
        """Insert an object; `created` and `livemode` are filled if absent (unless stamp=False); `index` = look-ups."""
        if stamp:
            obj.setdefault("created", self.now)
            obj.setdefault("livemode", self.livemode)
        created = obj.get("created")
        if not isinstance(created, int):
            created = self.now
        links = {name: value for name, value in index.items() if value}
        self.engine.store.add(self.part, obj["object"], obj["id"], _encode(obj), created=created, links=links)
        return obj

    def save(self, obj: JSON, **index: str | None) -> JSON:
        """Replace an object; look-ups named here change, the others stay."""
        if not self.engine.store.replace(self.part, obj["object"], obj["id"], _encode(obj), index):
            raise missing(obj["object"], obj["id"])
        return obj

    def look(self, object: str, id: str | None) -> JSON | None:  # noqa: A002
        """An object, or None."""
        body = self.engine.store.body(self.part, object, id) if id else None
        return None if body is None else _decode(body)

    def get(self, object: str, id: str, *, param: str = "id", deleted: bool = False) -> JSON:  # noqa: A002
        """An object, or the refusal "No such …"; with deleted=True the stub of a deleted one."""
        found = self.look(object, id)
        if found is not None:
            return found
        if deleted and self.engine.store.deleted(self.part, object, id):
            return {"id": id, "object": object, "deleted": True}
        elsewhere = self.engine.store.twin(self.account, not self.livemode)
        similar = elsewhere is not None and self.engine.store.body(elsewhere, object, id) is not None
        raise missing(object, id, param=param, livemode=self.livemode if similar else None)

    def delete(self, object: str, id: str, *, stub: bool = True) -> JSON:  # noqa: A002
        """Take an object away; with a stub, `get(…, deleted=True)` still answers `{id, object, deleted}`."""
        if not self.engine.store.remove(self.part, object, id, stub=stub):
            raise missing(object, id)
        return {"id": id, "object": object, "deleted": True}

    def find(
        self,
        object: str,  # noqa: A002
        *,
        limit: int | None = None,
        newest_first: bool = True,
        **index: str,
    ) -> list[JSON]:
        """Every object with these look-ups."""
        found = self.engine.store.bodies(
            self.part, object, links=index, limit=-1 if limit is None else limit, newest_first=newest_first
        )
        return [_decode(body) for body in found]

    def first(self, object: str, **index: str) -> JSON | None:  # noqa: A002
        """The newest object with these look-ups, or None."""
        found = self.engine.store.bodies(self.part, object, links=index, limit=1)
        return _decode(found[0]) if found else None

    def page(self, object: str, *, created: bool = True, **index: str | None) -> JSON:  # noqa: A002
        """The standard list answer; index values that are None do not filter."""
        links = {name: value for name, value in index.items() if value is not None}
        return lists.page(self, object, links, created=created)

    def embedded(self, items: list[JSON], url: str, *, has_more: bool = False) -> JSON:
        """A list inside an object."""
        return {"object": "list", "data": items, "has_more": has_more, "url": url}

    # counters, time, events

    def marks(self, name: str) -> int:
        """A small counter of this account and mode."""
        return self.engine.store.mark(self.part, name)

    def bump(self, name: str, by: int = 1) -> int:
        """Add to a counter and read it."""
        return self.engine.store.bump(self.part, name, by)

    def marked(self, prefix: str) -> dict[str, int]:
        """Every counter whose name begins so."""
        return self.engine.store.marks(self.part, prefix)

    def emit(self, type: str, obj: JSON, previous: JSON | None = None) -> None:  # noqa: A002
        """Tell that something happened; `previous` = the changed fields as they were, for *.updated.

        What happens on a test clock is told at the account's own time, or the clock would sweep its events away.
        """
        line, now = self.line, self.now
        if line:
            self.line, self.now = "", self.engine.clock.now()
        self.engine.events.emit(self, type, obj, previous)
        self.line, self.now = line, now

    def after(self, seconds: int, job: str, **args: Any) -> None:
        """Run a job later."""
        self.at(self.now + seconds, job, **args)

    def at(self, ts: int, job: str, **args: Any) -> None:
        """Run a job at a moment, on this call's line of time."""
        self.engine.store.schedule(self.line, ts, self.part, job, _encode(args))

    # other calls in the same transaction

    def on(self, account: str, *, livemode: bool | None = None) -> Call:
        """The same moment on another account: a platform acting on its connected one, or back."""
        return Call(
            self.engine,
            account,
            livemode=self.livemode if livemode is None else livemode,
            version=self.version,
            now=self.now,
            request_id=self.request_id,
            idempotency_key=self.idempotency_key,
            line=self.line,
        )

    def timeline(self, line: str, now: int) -> Call:
        """The same account on a test clock's own line of time: its jobs run by `run_line` alone."""
        other = self.on(self.account)
        other.line, other.now = line, now
        return other

    def run_line(self, line: str, to: int) -> int:
        """Run the jobs of a test clock up to a moment, in time order; how many ran."""
        return self.engine.run_jobs(line, to)


class Upload(msgspec.Struct, frozen=True):
    """A file sent as multipart/form-data."""

    filename: str
    content_type: str
    data: bytes


class Content(msgspec.Struct, frozen=True):
    """An answer that is not JSON: a file, a page, a redirect."""

    data: bytes = b""
    type: str = "application/octet-stream"
    status: int = 200
    headers: dict[str, str] = msgspec.field(default_factory=dict)
