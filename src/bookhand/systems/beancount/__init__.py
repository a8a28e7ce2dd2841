"""Beancount: a plain-text ledger that anybody can read, check and keep under version control.

The manifest. Beancount and Fava are GPL programs: bookhand starts them and never imports them.
"""

from __future__ import annotations

import msgspec


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
    known_gaps=("One way: what a person writes in a file of their own is left alone and is not read back.",),
)
