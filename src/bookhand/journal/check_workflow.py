"""The check: everything again from the raw deliveries, in a second journal, and compared with the first byte by byte.

    report = check(db, link, facts_of_all_deliveries)
    report.holds, report.sentences

Memory is bounded: facts come in batches, the second journal is temporary tables of PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link, Seen
from bookhand.core.money import EXPONENTS, as_text, format_minor
from bookhand.db.engine import Database
from bookhand.journal import check_store, payout_store, proof_store
from bookhand.journal.proof import Standing
from bookhand.journal.workflow import read

_MEMORY = ("work_mem = '64MB'", "temp_buffers = '32MB'", "max_parallel_workers_per_gather = 0")


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found, in plain sentences; `holds` where nothing differs."""

    entries: int
    differing: int
    holds: bool
    sentences: list[str]


def check(db: Database, link: Link, replay: Iterable[Sequence[Seen]]) -> Report:
    """Replay all facts of `link` (in batches, in any order) into a second journal and compare it with the first."""
    cx = db.connect()
    try:
        for setting in _MEMORY:
            cx.execute(f"set {setting}")
        check_store.shadow(cx, link)
        cx.commit()
        last = 0
        for facts in replay:
            read(cx, link, facts)
            cx.commit()
            last = max(last, *(seen.delivery for seen in facts), 0)
        check_store.settle(cx)
        return _report(cx, link, last)
    finally:
        cx.close()


def _report(cx: psycopg.Connection[Any], link: Link, last: int) -> Report:
    entries, differing, examples = check_store.differing(cx, link, last=last)
    again = proof_store.standing(cx, link)
    findings = [f"{key} {wrong}." for key, wrong in examples]
    if differing > len(examples):
        findings.append(f"{differing - len(examples)} more entries differ.")
    findings += [f"{key} does not sum to zero." for key in check_store.unbalanced_entries(cx, link)]
    findings += [
        f"{account} in {currency} is kept as {_sum(running, currency)} and its postings sum to {_sum(summed, currency)}."
        for account, currency, running, summed in check_store.drifted(cx, link)
    ]
    findings += [
        f"{payout}: its members were added up otherwise."
        for payout in check_store.payouts_differing(cx, link)
    ]
    standing = [_stands(currency, one) for currency, one in again.items()]
    open_groups = len(payout_store.unbalanced(cx, link))
    if open_groups:
        standing.append(f"{open_groups} payouts do not sum to zero with what is known to be in them.")
    verdict = (
        f"All {entries} entries follow from the deliveries, byte for byte, and every balance is the sum of its postings."
        if not findings
        else f"{differing} of {entries} entries differ from what the deliveries say:"
    )
    return Report(
        entries=entries, differing=differing, holds=not findings, sentences=[verdict, *findings, *standing]
    )


def _sum(minor: int | None, currency: str) -> str:
    return "nothing" if minor is None else as_text(minor, currency)


def _stands(currency: str, one: Standing) -> str:
    clearing = sum(one.clearing.values())
    if currency not in EXPONENTS:
        return f"{currency}: clearing {clearing}, unmatched {clearing - one.linked}, in minor units (nobody knows its decimals)."
    show = [format_minor(minor, currency) for minor in (clearing, clearing - one.linked, one.suspense)]
    return f"{currency}: clearing {show[0]}, unmatched {show[1]}, suspense {show[2]}."
