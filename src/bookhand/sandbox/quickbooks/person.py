"""Somebody who signs in at the stand-in: says yes on its page for one company, and comes back with what the page sends.

query = come_back(authorize_url, realm=SMALL_REALM)         # {"code": …, "state": …, "realmId": …}
"""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

_FIELD = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)">')
_FOUND = 302


def come_back(authorize_url: str, *, realm: str) -> dict[str, str]:
    """The query of the address that the page sends somebody back to; ValueError with the page where it sends nobody anywhere."""
    with httpx.Client(timeout=30) as browser:
        page = browser.get(authorize_url)
        fields = {name: unescape(value) for name, value in _FIELD.findall(page.text)}
        answer = browser.post(urljoin(authorize_url, "/connect/oauth2"), data={**fields, "realm": realm})
    if page.status_code != httpx.codes.OK or answer.status_code != _FOUND:
        raise ValueError(page.text)
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
