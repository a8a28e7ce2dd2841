"""Beancount: a plain-text ledger that anybody can read, check and keep under version control.

The manifest. Beancount and Fava are GPL programs: bookhand starts them and never imports them.
"""

from __future__ import annotations

import msgspec

SYSTEM = "beancount"
FORMAT = "3"
"""The version of Beancount's syntax that is written and read."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself."""

    name: str
    category: str
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    program: str
    known_gaps: tuple[str, ...]


MANIFEST = Manifest(
    name="Beancount",
    category="ledger",
    roles=("book",),
    auth=("none",),
    program="bean-check 3.2 or newer",
    known_gaps=(
        "The mirror of the whole journal (`bookhand export`) is one way: what a person writes in a file of their own is left alone.",
        "A book that documents are written into is read back; an amount that is a sum (`(1 + 2) USD`) is refused there.",
    ),
)
