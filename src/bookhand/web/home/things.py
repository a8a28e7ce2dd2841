"""What a Problem is about, as the page where it stands, and whether it can be sent again from there. Pure.

>>> thing("book_waits_breakdown", "po_1", 4), thing("run_held", "run_7", 1)
(Thing(what='payout', at='/payouts/po_1'), Thing(what='run', at='/runs/run_7'))
>>> thing("book_waits_unmapped", "payout_fees in USD", 4)
Thing(what='mapping', at='/books/outside/4/setup')
>>> thing("book_document_refused", "acct_1:test:po_1", 4).at
'/books/outside/4/documents/acct_1%3Atest%3Apo_1'
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote

REFUSED = "book_document_refused"
_OF_CONNECTIONS = {"disconnected", "read_quota", "backfill_refused", "errand_refused"}
_NOT_OURS = ("book_break_unknown", "book_break_foreign")


class Thing(NamedTuple):
    """`what` names its text; `at` is where it is."""

    what: str
    at: str


def thing(kind: str, subject: str, connection_id: int) -> Thing | None:
    """Where what a Problem is about is shown; None where no page shows it."""
    name, book = quote(subject, safe=""), f"/books/outside/{connection_id}"
    is_document = kind == REFUSED or (kind.startswith("book_break_") and kind not in _NOT_OURS)
    places = (
        (subject.startswith("po_"), Thing("payout", f"/payouts/{name}")),
        (is_document, Thing("document", f"{book}/documents/{name}")),
        (kind == "book_waits_unmapped", Thing("mapping", f"{book}/setup")),
        (kind.startswith("book_"), Thing("book", book)),
        (kind == "run_held", Thing("run", f"/runs/{name}")),
        (kind == "unknown_outcome", Thing("approvals", "/approvals")),
        (subject.startswith("txn_"), Thing("entry", f"/books/journal?q={name}")),
        (kind in _OF_CONNECTIONS, Thing("connection", "/settings/integrations")),
    )
    return next((place for fits, place in places if fits), None)
