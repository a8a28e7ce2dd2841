"""A small HTTP/1.1 client for deliveries: keeps connections open, posts bytes, reads the status.

    wire = Wire(timeout_seconds=10)
    await wire.post("http://127.0.0.1:9000/hook", {"Content-Type": "application/json"}, b"{}")    # 200

Anything that is not an answer in time is an `OSError` (or `TimeoutError`, which is one).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from typing import NamedTuple
from urllib.parse import urlsplit

IDLE_EACH = 64
HEAD_BYTES = 65_536


class Place(NamedTuple):
    """Whom to talk to."""

    host: str
    port: int
    tls: bool


class Line(NamedTuple):
    """An open connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


class Wire:
    """Connections by place."""

    def __init__(self, *, timeout_seconds: float = 10) -> None:
        self.timeout_seconds = timeout_seconds
        self._idle: dict[Place, list[Line]] = defaultdict(list)

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> int:
        """The status of the answer."""
        parts = urlsplit(url)
        tls = parts.scheme == "https"
        place = Place(parts.hostname or "", parts.port or (443 if tls else 80), tls)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        message = f"POST {target} HTTP/1.1\r\n{head}\r\n".encode() + body
        async with asyncio.timeout(self.timeout_seconds):
            return await self._exchange(place, message)

    async def close(self) -> None:
        """Hang up everywhere."""
        for lines in self._idle.values():
            for line in lines:
                line.writer.close()
        self._idle.clear()

    async def _exchange(self, place: Place, message: bytes) -> int:
        while self._idle[place]:
            line = self._idle[place].pop()
            if line.reader.at_eof():
                line.writer.close()
                continue
            try:
                return await self._talk(place, line, message)
            except (ConnectionError, EOFError):
                break  # it was closed while it lay idle: once more on a fresh one
        secure = ssl.create_default_context() if place.tls else None
        reader, writer = await asyncio.open_connection(place.host, place.port, ssl=secure, limit=HEAD_BYTES)
        try:
            return await self._talk(place, Line(reader, writer), message)
        except EOFError as error:
            raise ConnectionError("hung up before an answer") from error

    async def _talk(self, place: Place, line: Line, message: bytes) -> int:
        kept = False
        try:
            line.writer.write(message)
            status, fields = await _head(line.reader)
            await _drain(line.reader, fields)
            kept = fields.get("connection", "").lower() != "close" and len(self._idle[place]) < IDLE_EACH
            if kept:
                self._idle[place].append(line)
            return status
        finally:
            if not kept:
                line.writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise ConnectionError("the answer's head is too long") from error
    first, *rest = head.decode("latin-1").split("\r\n")
    words = first.split(" ", 2)
    if len(words) < 2 or not words[1].isdecimal():
        raise ConnectionError(f"not an HTTP answer: {first[:80]}")
    fields = dict(field.split(":", 1) for field in rest if ":" in field)
    return int(words[1]), {name.strip().lower(): value.strip() for name, value in fields.items()}


async def _drain(reader: asyncio.StreamReader, fields: dict[str, str]) -> None:
    if fields.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0], 16):
            await reader.readexactly(size + 2)
        await reader.readline()
    elif "content-length" in fields:
        await reader.readexactly(int(fields["content-length"]))
    else:
        fields["connection"] = "close"
