"""Disputes: what becomes of the money that waits in ``disputes_pending``.

The withdrawal and the reinstatement are balance transactions and have their entries; an outcome has none, and is told by the
dispute's status. Lost: the withdrawn amount becomes a loss. Reinstated after it was lost (a late win): that loss is taken back. Won
with less than was withdrawn: the difference is a loss. An inquiry moves no money and makes no entry.

Stripe does not say when a dispute was decided, so a loss is dated with the withdrawal: the day the money was gone.

>>> case = DisputeCase(dispute="dp_1", lost=True, moves=(Moved(1, "txn_1", "dispute", "USD", -5000),))
>>> [(line.account, line.minor) for line in outcome(case)[0].postings]
[('disputes_losses', 5000), ('disputes_pending', -5000)]
"""

from __future__ import annotations

from bookhand.core.entry import Entry
from bookhand.journal.cases import DisputeCase, Moved, refinement

PENDING, LOSSES = "disputes_pending", "disputes_losses"


def outcome(case: DisputeCase) -> list[Entry]:
    """The entries that a dispute's outcome makes."""
    entries = []
    if case.lost:
        for moved in case.moves:
            entries += _lost(case, moved) if moved.amount < 0 else _won_late(case, moved)
    for pair in sorted(set(case.won_with)):
        entries += _partly_won(case, pair)
    return entries


def _lost(case: DisputeCase, moved: Moved) -> list[Entry]:
    return _entry(
        case,
        f"{moved.key}:lost",
        moved,
        "dispute_lost",
        f"Dispute {case.dispute} is lost",
        loss=-moved.amount,
    )


def _won_late(case: DisputeCase, moved: Moved) -> list[Entry]:
    why = f"Dispute {case.dispute} was lost and is won after all"
    return _entry(case, f"{moved.key}:lost_reversed", moved, "dispute_won_late", why, loss=-moved.amount)


def _partly_won(case: DisputeCase, pair: tuple[str, ...]) -> list[Entry]:
    """What a won dispute did not bring back; undone where the loss was already booked as a whole."""
    moves = sorted(moved for moved in case.moves if moved.key in pair)
    if len(moves) != len(pair) or len({moved.currency for moved in moves}) != 1:
        return []
    left, last = -sum(moved.amount for moved in moves), moves[-1]
    if left <= 0 or last.amount <= 0:
        return []
    why = f"Dispute {case.dispute} is won in part"
    entries = _entry(case, f"{last.key}:partly_won", last, "dispute_partly_won", why, loss=left)
    if case.lost:
        why = f"Dispute {case.dispute} was lost before: the whole loss is booked already"
        entries += _entry(
            case, f"{last.key}:partly_won:undone", last, "reversal", why, loss=-left, reverses=entries[0].key
        )
    return entries


def _entry(
    case: DisputeCase, key: str, moved: Moved, kind: str, why: str, *, loss: int, reverses: str | None = None
) -> list[Entry]:
    return refinement(
        key,
        at=moved.created,
        kind=kind,
        why=why,
        lines=[(LOSSES, moved.currency, loss), (PENDING, moved.currency, -loss)],
        refs={"balance_transaction": moved.key, "dispute": case.dispute},
        reverses=reverses,
    )
