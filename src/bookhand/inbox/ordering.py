"""Which telling of an object is the latest: the one rule by which a snapshot is replaced.

A newer time replaces an older one, an older one never replaces a newer. Two tellings of the same second that differ decide
nothing: the object is asked for again, and that answer, asked after both, settles it. What is gone does not come back.

>>> known = Sight(as_of=10, told_by="event", digest="a")
>>> settle(known, Sight(as_of=10, told_by="event", digest="b")), settle(known, Sight(as_of=10, told_by="fetched", digest="b"))
('doubt', 'replace')
"""

from __future__ import annotations

from typing import Literal

import msgspec

Verdict = Literal["replace", "keep", "doubt"]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One telling of an object's state: when it was true (Unix seconds), by what, and what it said."""

    as_of: int
    told_by: str
    digest: str
    gone: bool = False
    seq: int = 0
    born: int | None = None


def settle(known: Sight | None, told: Sight) -> Verdict:
    """What a telling does to what we knew."""
    if known is None:
        return "replace"
    if known.gone != told.gone:
        return "replace" if told.gone else "keep"
    if told.as_of != known.as_of:
        return "replace" if told.as_of > known.as_of else "keep"
    if told.digest == known.digest:
        return "keep"
    return "replace" if told.told_by == "fetched" else "doubt"
