"""What pages are made with: small, kept for ever by its address, and the whole first load under 300 kB."""

from __future__ import annotations

import gzip
import re

import pytest
from tests.web.page.conftest import House

from bookhand.web.app import create_app
from bookhand.web.page import assets

MOST_BYTES = 300_000
LATER = {"charts.js"}


@pytest.fixture
def files(web: House):
    """The real app, for what is served to anybody."""
    web.app = create_app(web.db, reception=web.reception, site=web.site)
    return web.browser()


def test_they_were_built():
    assert assets.missing() is None
    assert {"app.css", "app.js", "look.js", "charts.js", "icons.svg", "licences.txt"} <= set(assets.assets())


async def test_each_is_served_small_and_for_ever(files):
    for name, asset in assets.assets().items():
        answer = await files.get(assets.address(name), **{"accept-encoding": "gzip"})
        assert answer.status_code == 200
        assert answer.content == asset.body  # undone by the client
        assert answer.headers["content-type"].startswith(asset.media.partition(";")[0])
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert (answer.headers.get("content-encoding") == "gzip") == (asset.small is not None)
        plain = await files.get(assets.address(name), **{"accept-encoding": "identity"})
        assert (plain.content, "content-encoding" in plain.headers) == (asset.body, False)
        assert "accept-encoding" in answer.headers["vary"].lower()


async def test_what_is_not_there_is_not_there(files):
    for name in ("nothing.js", "..%2Fapp.py", "%2e%2e/shield.py", "app.css%00"):
        assert (await files.get(f"/static/{name}")).status_code in {303, 404}, name
    assert assets.address("nothing.js") == "/static/nothing.js"


def test_an_address_changes_with_the_content():
    digests = {assets.address(name).partition("?")[2] for name in assets.assets()}
    assert len(digests) == len(assets.assets())


async def test_the_first_load_is_under_300_kb_besides_charts(web: House):
    owner = await web.owner()
    page = await owner.get("/")
    names = set(re.findall(r'"/static/([\w.]+)\?', page.text)) - LATER
    assert {"app.css", "app.js", "icons.svg"} <= names
    sizes = {name: len(assets.assets()[name].small or assets.assets()[name].body) for name in names}
    sizes["/"] = len(gzip.compress(page.content))
    assert sum(sizes.values()) < MOST_BYTES, sizes


def test_nothing_of_them_comes_from_elsewhere():
    for name in ("app.css", "look.js"):
        assert not re.search(rb"url\(\s*['\"]?(?:https?:)?//|@import", assets.assets()[name].body), name
    assert not re.search(rb"\beval\(|new Function\(", assets.assets()["look.js"].body)


async def test_pages_name_each_file_by_its_digest_and_run_nothing_of_their_own(web: House):
    owner = await web.owner()
    for path in ("/", "/trial", "/trial?how=missing"):
        text = (await owner.get(path)).text
        assert re.findall(r'"/static/(?![\w.]+\?[0-9a-f]{8}["#])[^"]*"', text) == []
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
        assert all(body == "" for body in re.findall(r"<script[^>]*>(.*?)</script>", text, re.DOTALL))
        assert set(re.findall(r'(?:src|href)="(\w+:)?//', text)) == set()
