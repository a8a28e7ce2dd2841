"""The bank: what arrived and what left, as the bank itself wrote it down.

The manifest. Statement files (OFX/QFX, CAMT.053, MT940, BAI2, CSV) are read from an upload, a command or a watched folder; Plaid is a feed.
Nothing is ever written to a bank.
"""

from __future__ import annotations

import msgspec

SYSTEM = "bank"
"""What connections of this system are called in their table."""
PLAID_VERSION = "2020-09-14"
"""The version of Plaid's API that its own client asks for (plaid-python 46)."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself."""

    name: str
    category: str
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    formats: tuple[str, ...]
    known_gaps: tuple[str, ...]


MANIFEST = Manifest(
    name="Bank",
    category="bank",
    roles=("statements",),
    auth=("files", "folder", "plaid"),
    formats=("OFX", "CAMT.053", "MT940", "BAI2", "CSV"),
    known_gaps=(
        "MT940, BAI2 and most CSV files carry no id of a line: equal lines of one day are told apart by how many there are.",
        "One account is read from one kind of source: the same days from two formats are refused, for their lines cannot be told to be the same.",
        "BAI2 carries amounts in the currency's own minor units; a bank that writes others cannot be noticed except by its balances.",
        "Plaid tells a balance of this moment only, so a feed's lines are not proven against one.",
    ),
)
