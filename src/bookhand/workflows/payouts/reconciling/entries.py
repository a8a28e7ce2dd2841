"""The journal entries of a match: money in transit arrives in the bank account. Pure.

Each line of the bank is booked on its own day: debit `bank:<account>`, credit `bank_in_transit` (the other way round for money that leaves).
What the bank kept goes to `bank_fees`, a difference by exchange to `fx_gain_loss`; a line in another currency passes through
`fx_conversion`, so that every currency sums to zero. Entries are keyed ``match:<id>``, and ``match:<id>:2`` … where a match has lines of several
days or payouts of several connections.

>>> one = Settled(match="m1", currency="USD", payouts=(Paid(1, "po_1", 10000),), lines=(Arrived("DE1", "l1", "2026-03-02", "USD", 9950),),
...     difference=-50, kind="bank_fee", reason="By its trace id.")
>>> [(p.account, p.minor) for p in entries_of(one, timezone="UTC")[1][0].postings]
[('bank:DE1', 9950), ('bank_in_transit', -10000), ('bank_fees', 50)]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from bookhand.core.days import zone
from bookhand.core.entry import Entry, Posting
from bookhand.core.ready import ready

BANK, IN_TRANSIT, FEES, EXCHANGED, FX, UNEXPLAINED = (
    "bank", "bank_in_transit", "bank_fees", "fx_conversion", "fx_gain_loss", "suspense",
)  # fmt: skip
Kind = Literal["none", "bank_fee", "fx", "unknown"]
_ROLE: dict[Kind, str] = {"bank_fee": FEES, "fx": FX, "unknown": UNEXPLAINED, "none": UNEXPLAINED}
_NOON = 12


class Paid(msgspec.Struct, frozen=True):
    """A payout of a match: its connection's number, its id and its amount."""

    connection_id: int
    payout: str
    minor: int


class Arrived(msgspec.Struct, frozen=True):
    """A line of a match: its account and key, its day, and its amount in its currency."""

    account: str
    key: str
    day: str
    currency: str
    minor: int
    connection_id: int = 0


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What is matched: `difference` is lines less payouts in `currency` (that of the payouts), zero where the lines are in another one."""

    match: str
    currency: str
    payouts: tuple[Paid, ...]
    lines: tuple[Arrived, ...]
    difference: int = 0
    kind: Kind = "none"
    reason: str = ""


def entries_of(settled: Settled, *, timezone: str) -> dict[int, list[Entry]]:
    """Connection to the entries in its journal; their dates in `timezone` are the lines' days.

    With payouts of several connections, each connection's journal takes its own payouts' amount, and the first one the difference.
    """
    connections = sorted({paid.connection_id for paid in settled.payouts})
    if len(connections) == 1:
        by_day = _days(settled)
        drafts = [(day, lines) for day, lines in sorted(by_day.items()) if lines]
        return {connections[0]: _named(settled, drafts, timezone)}
    day = max(line.day for line in settled.lines)
    rest = _sum([line for lines in _days(settled).values() for line in lines])
    found: dict[int, list[Entry]] = {}
    for connection_id in reversed(connections):
        share = rest if connection_id == connections[0] else _share(settled, connection_id)
        rest = _sum([*rest, *(Posting(line.account, line.currency, -line.minor) for line in share)])
        found[connection_id] = _named(settled, [(day, share)], timezone)
    return found


def _share(settled: Settled, connection_id: int) -> list[Posting]:
    """A connection's own payouts, into the account of the first line."""
    minor = sum(paid.minor for paid in settled.payouts if paid.connection_id == connection_id)
    bank = _bank(settled.lines[0])
    return [*_arrival(bank, settled.lines[0].currency, minor, settled.currency, minor)]


def _days(settled: Settled) -> dict[str, list[Posting]]:
    by_day: defaultdict[str, list[Posting]] = defaultdict(list)
    ordered = sorted(settled.lines, key=lambda line: (line.day, line.account, line.key))
    foreign = [line for line in ordered if line.currency != settled.currency]
    paid = sum(each.minor for each in settled.payouts)
    for line in ordered:
        if line.currency == settled.currency:
            by_day[line.day] += _arrival(_bank(line), line.currency, line.minor, settled.currency, line.minor)
    if foreign:
        known = sum(line.minor for line in ordered if line.currency == settled.currency)
        for line, minor in zip(foreign, _spread(paid - known, foreign), strict=True):
            by_day[line.day] += _arrival(_bank(line), line.currency, line.minor, settled.currency, minor)
    if settled.difference:
        last = ordered[-1].day
        by_day[last] += [
            Posting(IN_TRANSIT, settled.currency, settled.difference),
            Posting(_ROLE[settled.kind], settled.currency, -settled.difference),
        ]
    return {day: _sum(lines) for day, lines in by_day.items()}


def _arrival(bank: str, currency: str, minor: int, paid_in: str, paid: int) -> list[Posting]:
    lines = [Posting(bank, currency, minor), Posting(IN_TRANSIT, paid_in, -paid)]
    if currency != paid_in:
        lines += [Posting(EXCHANGED, paid_in, paid), Posting(EXCHANGED, currency, -minor)]
    return lines


def _spread(total: int, lines: Sequence[Arrived]) -> list[int]:
    """`total` over lines of another currency by their amounts, to the cent (the largest remainder)."""
    whole = sum(line.minor for line in lines) or 1
    shares = [total * line.minor // whole for line in lines]
    left = total - sum(shares)
    for place in sorted(range(len(lines)), key=lambda at: -(total * lines[at].minor % whole))[:left]:
        shares[place] += 1
    return shares


def _sum(lines: Sequence[Posting]) -> list[Posting]:
    """One line for each account and currency, in the order in which they first came; none of zero."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        sums[line.account, line.currency] = sums.get((line.account, line.currency), 0) + line.minor
    return [Posting(account, currency, minor) for (account, currency), minor in sums.items() if minor]


def _bank(line: Arrived) -> str:
    return f"{BANK}:{line.account}"


def _named(settled: Settled, drafts: Sequence[tuple[str, list[Posting]]], timezone: str) -> list[Entry]:
    refs = {"match": settled.match}
    if len(settled.payouts) == 1:
        refs["payout"] = settled.payouts[0].payout
    return [
        Entry(
            key=f"match:{settled.match}" + (f":{number}" if number > 1 else ""), happened_at=moment_of(day, timezone), kind="bank_match",
            why=f"At the bank. {settled.reason}".strip(), postings=tuple(lines), refs=refs,
        )
        for number, (day, lines) in enumerate(drafts, 1)
    ]  # fmt: skip


def moment_of(day: str, timezone: str) -> int:
    """Noon of a bank's day in the company's time zone, so that the ledger's date is that day."""
    return int(datetime.fromisoformat(day).replace(hour=_NOON, tzinfo=zone(timezone)).timestamp())


ready(Settled)  # see core.ready
