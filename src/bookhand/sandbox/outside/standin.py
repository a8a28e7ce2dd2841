"""A stand-in: what it is asked, what it answers, and what every one of them can do.

A stand-in overrides `answer`, and where it has more to it `admit`, `trouble`, `told` and `control`. All are called under its `lock`, one
at a time; a delay (`latency_seconds`, the fault ``slow``) is waited for outside of it, so requests do overlap: `under_way` says how many.

JSON is read and written exactly: a number with a point is a `Decimal`, never a float.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.faults import Fault, Faults

JSON = dict[str, Any]
decode = msgspec.json.Decoder(float_hook=Decimal).decode
encode = msgspec.json.Encoder(decimal_format="number").encode


class Request:
    """One request: header names are lower case, `query` has the last value of each name."""

    def __init__(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> None:
        self.method = method
        self.path = path
        self.query = dict(parse_qsl(query, keep_blank_values=True))
        self.headers = headers or {}
        self.body = body

    def json(self) -> Any:
        """The body as JSON; `msgspec.DecodeError` where it is none."""
        return decode(self.body)

    @cached_property
    def form(self) -> dict[str, str]:
        """The body as a form."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Response(msgspec.Struct, frozen=True):
    """One answer."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


def reply(data: Any, *, status: int = 200, **headers: str) -> Response:
    """`data` as JSON; underscores in the names of `headers` are hyphens."""
    told = (("content-type", "application/json"), *((n.replace("_", "-"), v) for n, v in headers.items()))
    return Response(status, encode(data), told)


def html(text: str, *, status: int = 200) -> Response:
    """A page."""
    return Response(status, text.encode(), (("content-type", "text/html; charset=utf-8"),))


def redirect(to: str) -> Response:
    """302."""
    return Response(302, b"", (("location", to),))


class NotHere(Exception):  # noqa: N818 (what is told, not a mistake)
    """There is no switch of that name."""


class StandIn:
    """The parent of stand-ins."""

    name = "Stand-in"
    kinds: tuple[str, ...] = ()
    """Faults of its own."""

    def __init__(self, *, seed: int = 1, clock: Clock | None = None) -> None:
        self.seed = seed
        self.clock = clock or Clock()
        self.faults = Faults(seed, kinds=self.kinds)
        self.lock = threading.RLock()
        self.calls: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.latency_seconds = 0.0
        self.under_way = 0
        """Requests that are being answered at this moment, the one that asks included."""

    def answer(self, request: Request) -> Response:
        """The answer to `request`."""
        raise NotImplementedError

    def admit(self, request: Request) -> Response | None:  # noqa: ARG002
        """A refusal at the very beginning (too many at once); None lets it in. The place for limits of requests under way."""
        return None

    def trouble(self, fault: Fault, request: Request) -> Response | None:  # noqa: ARG002
        """How this system says 429 and 500, and what its own faults do; None where the request goes on as it would have."""
        return Response(
            500 if fault.kind.startswith("500") else int(fault.kind) if fault.kind.isdigit() else 401
        )

    def counted_as(self, request: Request) -> str:
        """The name under which `request` is counted: without ids."""
        return f"{request.method} {request.path}"

    def told(self) -> JSON:
        """What ``GET /_standin`` says beside the counts."""
        return {}

    def control(self, switch: str, asked: JSON) -> JSON:  # noqa: ARG002
        """``POST /_standin/{switch}``; `NotHere` where there is none, ValueError for what it does not take."""
        raise NotHere(switch)

    def close(self) -> None:
        """Give back what is held."""
