"""The bank: what arrived and what left, as the bank itself wrote it down.

The manifest. Statement files (OFX/QFX, CAMT.053, MT940, BAI2, CSV) are read from an upload, a command or a watched folder; Plaid is a feed.
Nothing is ever written to a bank.
"""

from __future__ import annotations

from bookhand.systems.manifest import Alternative, Manifest

SYSTEM = "bank"
"""What connections of this system are called in their table."""
PLAID_VERSION = "2020-09-14"
"""The version of Plaid's API that its own client asks for (plaid-python 46)."""


MANIFEST = Manifest(
    key="bank",
    name="Bank statements",
    system="bank",
    category="bank",
    roles=("statements",),
    auth=("files", "folder"),
    for_what="What arrived and what left, as the bank itself wrote it down, from the files that every bank gives.",
    does=(
        "Reads statements from an upload, the command line or a watched folder, whole or not at all.",
        "Matches payouts with the lines they arrived as, and names what nobody has explained.",
        "Proves the lines against the balances that the bank states.",
    ),
    fits=(
        "Your bank offers statements for download, as nearly every one does.",
        "No outside party should see your bank's lines: the files stay on this machine.",
    ),
    not_for=("Lines within the hour, without anybody fetching a file: connect the bank through Plaid.",),
    gotchas=(
        "A CSV's columns are proposed with evidence and confirmed by a person, once for each kind of file.",
        "The same file again adds nothing; a line is never changed.",
        "Choose CAMT.053 where your bank offers it: it says most, and most exactly.",
    ),
    alternatives=(Alternative(key="plaid", when="Your bank is one that Plaid reaches, and lines should come by themselves."),),
    ways=(),
    limits="A file of 50 MB at most (`BOOKHAND_BANK_FILE_MB`), however it comes.",
    formats=("OFX", "CAMT.053", "MT940", "BAI2", "CSV"),
    known_gaps=(
        "MT940, BAI2 and most CSV files carry no id of a line: equal lines of one day are told apart by how many there are.",
        "One account is read from one kind of source: the same days from two formats are refused, for their lines cannot be told to be the same.",
        "BAI2 carries amounts in the currency's own minor units; a bank that writes others cannot be noticed except by its balances.",
    ),
)  # fmt: skip
