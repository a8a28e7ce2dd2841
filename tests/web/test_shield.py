"""Strangers see nothing; browsers may do nothing but show."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse

from bookhand.web.shield import HEADERS, Shield


async def get(
    path: str = "/", *hosts: str, base: str = "http://localhost:8787", **headers: str
) -> httpx.Response:
    shield = Shield(PlainTextResponse("the books"), hosts=hosts)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(shield), base_url=base) as client:
        return await client.get(
            path, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )


@pytest.mark.parametrize(
    "base", ["http://localhost:8787", "http://127.0.0.1", "http://[::1]:8787", "http://LOCALHOST"]
)
async def test_this_machine_is_answered(base: str) -> None:
    assert (await get(base=base)).text == "the books"


@pytest.mark.parametrize(
    "host",
    ["books.example.com", "evil.example:8787", "localhost.evil.example", "127.0.0.1.evil.example", "", "192.168.1.7", "[::1", "127.0.0.1:8787@evil.example"],
)  # fmt: skip
async def test_another_name_is_not(host: str) -> None:
    answer = await get(host=host)
    assert answer.status_code == 403
    assert "the books" not in answer.text
    assert "BOOKHAND_PAGE_HOSTS" in answer.text


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host"])
async def test_a_tunnel_that_says_localhost_is_not(header: str) -> None:
    proxied = {header: "203.0.113.9"}
    assert (await get(**proxied)).status_code == 403
    assert (await get("/", "books.example.com", **proxied)).status_code == 403
    assert (await get("/", "books.example.com", host="books.example.com", **proxied)).text == "the books"


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready"])
async def test_health_answers_everybody(path: str) -> None:
    assert (await get(path, host="10.0.0.3")).status_code == 200


async def test_every_answer_carries_the_headers() -> None:
    for answer in (await get(), await get(host="evil.example")):
        for name, value in HEADERS.items():
            assert answer.headers[name] == value
        assert answer.headers["cache-control"] == "no-store"
    assert "unsafe" not in HEADERS["content-security-policy"]
    assert "default-src 'none'" in HEADERS["content-security-policy"]
