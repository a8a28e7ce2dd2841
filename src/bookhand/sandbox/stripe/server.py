"""The HTTP skin: an ASGI app over one Pinstripe, answering for api, connect, files and marketplace.stripe.com alike.

    with running(Pinstripe()) as url:       # in a thread, on a free port of 127.0.0.1
        StripeClient(key, base_addresses={"api": url, "connect": url, "files": url})

The app also runs the stand-in's timer (jobs that fall due) and its courier (webhooks).
"""

from __future__ import annotations

import asyncio
import contextlib
from io import BytesIO
from typing import Any

import msgspec
import structlog
import uvicorn
from python_multipart.multipart import parse_form

from bookhand.sandbox import serving
from bookhand.sandbox.serving import Receive, Send
from bookhand.sandbox.stripe import forms, idempotency, routes
from bookhand.sandbox.stripe.answer import Request, Response, refusal
from bookhand.sandbox.stripe.call import Upload
from bookhand.sandbox.stripe.engine import Pinstripe
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.faults import Cut
from bookhand.sandbox.stripe.keys import credential

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
LARGEST_BODY = 64 * 1024 * 1024
BROKEN = StripeError("An unknown error occurred while processing the request.", type="api_error", status=500)


class App:
    """Decodes, asks the engine, sends."""

    def __init__(self, engine: Pinstripe) -> None:
        self.engine = engine
        self._busy: set[tuple[str, str]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """One request, or the life of the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = scope["method"], scope["path"]
        try:
            params = forms.decode(scope["query_string"].decode())
            files: dict[str, Upload] = {}
            if method != "GET":
                params |= _body(headers, await _read(receive), files)
            request = Request(method, path, params, headers, files)
        except (StripeError, ValueError) as error:
            await _send(send, self._unread(Request(method, path, {}, headers), error))
            return
        try:
            answer = await self._answer(request)
        except Cut:
            await serving.cut(scope, send)
            return
        except Exception:
            log.exception("a handler broke", method=method, path=path)
            answer = self._unread(request, BROKEN)
        await _send(send, answer)

    async def _answer(self, request: Request) -> Response:
        delay = self.engine.latency_seconds + self.engine.faults.delay(request.method, request.path)
        if not delay or request.path.startswith("/_pinstripe"):
            return self.engine.answer(request)
        key = request.idempotency_key
        claim = (request.headers.get("authorization", ""), key)
        if key and claim in self._busy:
            return self._unread(request, idempotency.in_use(key))
        self._busy.add(claim)
        try:
            with self._place(request):
                await asyncio.sleep(delay)
                return self.engine.answer(request)
        except StripeError as error:
            return self._unread(request, error)
        finally:
            self._busy.discard(claim)

    def _place(self, request: Request) -> contextlib.AbstractContextManager[None]:
        """Only who waits is ever beside another."""
        key = self.engine.ring.find(credential(request.headers))
        found = routes.match(request.method, request.path)
        if key is None or found is None:
            return contextlib.nullcontext()
        account = request.headers.get("stripe-account") or key.account
        return self.engine.limits.place(account, key.livemode, found[0])

    def _unread(self, request: Request, error: Exception) -> Response:
        if not isinstance(error, StripeError):
            error = StripeError(f"Invalid request: the body could not be read ({type(error).__name__}).")
        with self.engine.lock:
            return refusal(self.engine, request, error, self.engine.request_id("GET"))

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self._tasks = [
                    asyncio.create_task(self.engine.courier.run()),
                    asyncio.create_task(self._tick()),
                ]
            else:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return

    async def _tick(self) -> None:
        """Run jobs as they fall due."""
        while True:
            nap = TICK_SECONDS
            try:
                self.engine.tick()
                with self.engine.lock:  # one connection to SQLite: two threads in it at once end the process
                    due = self.engine.store.due()
                nap = TICK_SECONDS if due is None else self.engine.clock.wait(due)
            except Exception:
                log.exception("a job broke")
            await asyncio.sleep(min(max(nap, 0.005), TICK_SECONDS))


def serve(engine: Pinstripe) -> uvicorn.Server:
    """A server; `run(sockets=[sock])` starts it."""
    return serving.serve(App(engine))


def running(engine: Pinstripe) -> contextlib.AbstractContextManager[str]:
    """The stand-in over HTTP in a thread, on a free port of 127.0.0.1; gives its address."""
    return serving.running(App(engine))


def _body(headers: dict[str, str], body: bytes, files: dict[str, Upload]) -> JSON:
    kind = headers.get("content-type", "")
    if kind.startswith("application/json"):
        found = msgspec.json.decode(body) if body else {}
        if not isinstance(found, dict):
            raise StripeError("The request body must be a JSON object.")
        return {str(name): value for name, value in forms.texts(found).items()}
    if kind.startswith("multipart/form-data"):
        return _parts(kind, body, files)
    return forms.decode(body.decode())


def _parts(kind: str, body: bytes, files: dict[str, Upload]) -> JSON:
    pairs: list[tuple[str, str]] = []

    def on_field(field: Any) -> None:
        pairs.append((field.field_name.decode(), (field.value or b"").decode()))

    def on_file(file: Any) -> None:
        file.file_object.seek(0)
        name = (file.file_name or b"file").decode()
        content_type = getattr(file, "content_type", None) or b"application/octet-stream"
        if isinstance(content_type, bytes):
            content_type = content_type.decode()
        files[(file.field_name or b"file").decode()] = Upload(name, content_type, file.file_object.read())

    parse_form(
        {"Content-Type": kind.encode(), "Content-Length": str(len(body)).encode()},
        BytesIO(body),
        on_field,
        on_file,
    )
    return forms.nest(pairs)


async def _read(receive: Receive) -> bytes:
    try:
        return await serving.read(receive, largest=LARGEST_BODY)
    except ValueError as error:
        raise StripeError(str(error), status=413) from None


async def _send(send: Send, answer: Response) -> None:
    await serving.answer(send, answer.status, answer.headers.items(), answer.body)
