"""The files that pages are made with: those of ``static/``, and those that ``tools/frontend.py`` builds into ``built/``.

    address("app.css")           # "/static/app.css?5c1f…": it changes with the content, so browsers may keep it for ever
    found("app.css", gzip=True)  # its media type and its bytes, made small once

A wheel carries ``built/``; in a checkout ``make`` builds it. Where it is missing, `missing` says what to do.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files

import msgspec

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}
_WORTH_GZIP = 1_000
_NEEDED = "app.css"


class Asset(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what it is, its bytes, and the same made small (None where that saves nothing)."""

    media: str
    body: bytes
    small: bytes | None
    digest: str


@lru_cache(maxsize=1)
def assets() -> Mapping[str, Asset]:
    """Every file by its name."""
    found = {}
    for folder in ("static", "built"):
        place = files("bookhand.web").joinpath(folder)
        if not place.is_dir():
            continue
        for path in place.iterdir():
            media = _TYPES.get(path.name.rpartition(".")[2])
            if media:
                found[path.name] = _asset(media, path.read_bytes())
    return found


def _asset(media: str, body: bytes) -> Asset:
    small = gzip.compress(body, 9, mtime=0) if len(body) >= _WORTH_GZIP else None
    return Asset(
        media=media,
        body=body,
        small=small if small and len(small) < len(body) else None,
        digest=hashlib.blake2b(body, digest_size=4).hexdigest(),
    )


def address(name: str) -> str:
    """Where a browser finds `name`; a name that is not there is an address that answers 404."""
    asset = assets().get(name)
    return f"/static/{name}?{asset.digest}" if asset else f"/static/{name}"


def missing() -> str | None:
    """What to do where the pages' files were never built; None where they were."""
    if _NEEDED in assets():
        return None
    return "The pages' style was never built in this checkout: run `make pages` and start bookhand again."


@lru_cache(maxsize=1)
def product_version() -> str:
    """Bookhand's own version, or ``development`` where it runs from a checkout that was not installed."""
    try:
        return version("bookhand")
    except PackageNotFoundError:
        return "development"
