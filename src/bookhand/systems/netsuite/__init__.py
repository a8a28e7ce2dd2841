"""NetSuite: a company's books, mirrored as journal entries and bank deposits over REST.

The manifest: how it is connected, which permissions the role needs, how fast it lets us write, and what is known to be missing.
"""

from __future__ import annotations

import msgspec

SYSTEM = "netsuite"
API_VERSION = "v1"
"""Of the record and query services; NetSuite has no other yet."""
AT_ONCE = 5
"""Requests at once that we allow ourselves, of the 15 or more that an account shares among all of its integrations."""
SECONDS_A_CALL = 0.8
"""What a write of a small transaction takes, from 0.3 s to 2 s as integrators tell it (UNVERIFIED): for estimates alone."""
CALLS_A_DOCUMENT = 2
"""A document is looked for by its external id, then written."""


class Need(msgspec.Struct, frozen=True, kw_only=True):
    """A permission of the role, as NetSuite's role page calls it, and why."""

    permission: str
    level: str
    why: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a system says of itself."""

    name: str
    category: str
    roles: tuple[str, ...]
    auth: tuple[str, ...]
    api_version: str
    needs: tuple[Need, ...]
    limits: str
    known_gaps: tuple[str, ...]


def _need(permission: str, level: str, why: str) -> Need:
    return Need(permission=permission, level=level, why=why)


MANIFEST = Manifest(
    name="NetSuite",
    category="ledger",
    roles=("book",),
    auth=("m2m", "tba"),
    api_version=API_VERSION,
    needs=(
        _need("REST Web Services", "Full", "to be asked at all"),
        _need("Log in using OAuth 2.0 Access Tokens", "Full", "to sign in with a certificate (Log in using Access Tokens for TBA)"),
        _need("SuiteAnalytics Workbook", "Edit", "to read what is booked, by SuiteQL"),
        _need("Make Journal Entry", "Full", "to write journal entries"),
        _need("Deposit", "Full", "to write bank deposits"),
        _need("Accounts", "View", "to know the chart of accounts"),
        _need("Currency", "View", "to know the currencies"),
        _need("Subsidiaries", "View", "to know the companies of a OneWorld account"),
        _need("Classes", "View", "to know the classes"),
        _need("Manage Accounting Periods", "View", "to know which months are closed"),
        _need("Find Transaction", "View", "to read other people's transactions on the mapped accounts"),
    ),
    limits=(
        "No calls a second, but requests at once: 15 for an account of the first tier, shared by all that is connected to it. "
        "bookhand takes 5 of them, over all of its workers; say --at-once where it may have more."
    ),
    known_gaps=(
        "Intercompany journal entries, lines on receivable and payable accounts, payments into deposits and tax fields are not written.",
        "A currency with more decimals at Stripe than NetSuite keeps is refused where an amount would be rounded.",
        "Certificates are renewed by a person; NetSuite's own rotation endpoint is not used.",
        "Whether a journal entry needs an approval is the account's own preference; ours ask to be approved at once.",
        "Tried against the stand-in and Oracle's published documentation, not against a live account.",
    ),
)  # fmt: skip
