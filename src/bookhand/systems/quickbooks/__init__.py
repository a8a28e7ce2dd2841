"""QuickBooks Online: a book, written through the door and read back.

The manifest: what it is to bookhand, how it is connected, how fast it can be written, and what is known to be missing.
"""

from __future__ import annotations

import msgspec

SYSTEM = "quickbooks"
MINOR_VERSION = "75"
"""The lowest that Intuit still answers in, sent with every call."""
SCOPE = "com.intuit.quickbooks.accounting"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself."""

    name: str
    category: str
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    scopes: tuple[str, ...]
    api_version: str
    limits: str
    known_gaps: tuple[str, ...]


MANIFEST = Manifest(
    name="QuickBooks Online",
    category="erp",
    roles=("book",),
    auth=("oauth",),
    scopes=(SCOPE,),
    api_version=MINOR_VERSION,
    limits="500 calls a minute for a company, 10 a second and 40 batches of 30 a minute for one app: about 20 entries a second, "
    "and no more however many send. Each can be overridden for a connection under `limits`.",
    known_gaps=(
        "A deposit has no document number of its own: if somebody takes bookhand's mark out of its note, it is not known again.",
        "Lines on accounts receivable or payable need a customer or a vendor, and bookhand names none: map other accounts.",
        "An entry whose number somebody changed is known by its note when it is looked up or compared, not before it is written anew.",
        "A deposit's total has no description and no class: what the first line says is not kept.",
        "The rate of a document in another currency is QuickBooks' own of that day.",
        "A refresh token ends after 100 days without use, and five years after the sign-in whatever is done: then somebody signs in again.",
        "Whether the last closed day is protected by a password, QuickBooks does not tell.",
    ),
)
