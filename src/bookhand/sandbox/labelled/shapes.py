"""The shapes of the labelled data: payouts, labels, and files of both.

`Payout` has the fields that Stripe's payout has, in days instead of seconds; lines are `core.bank.StatementLine`.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any, Literal

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.ready import ready

Kind = Literal[
    "plain", "no_trace", "same_amount", "batch", "split", "failed", "returned", "retry", "instant", "manual", "bank_fee", "fx",
    "missing", "late", "cut", "duplicate", "reversal", "negative", "decoy", "mention", "foreign", "foreign_stripe", "trap",
]  # fmt: skip
LINE_KINDS: tuple[Kind, ...] = ("foreign", "foreign_stripe", "trap")
"""Kinds that are lines without a payout."""
LineKey = tuple[str, str]


class Payout(msgspec.Struct, kw_only=True):
    """A payout as Stripe knows it; money to the company is positive."""

    id: str
    connection: str
    currency: str
    minor: int
    arrival_day: str
    created_day: str
    status: Literal["pending", "in_transit", "paid", "failed", "canceled"] = "paid"
    automatic: bool = True
    method: Literal["standard", "instant"] = "standard"
    trace_id: str | None = None
    descriptor: str | None = None
    account: str | None = None
    last4: str | None = None
    failed_day: str | None = None
    original: str | None = None
    reversed_by: str | None = None


class Label(msgspec.Struct, kw_only=True):
    """What belongs together: all of these payouts are all of these lines. Either side may be empty."""

    kind: Kind
    payouts: tuple[str, ...]
    lines: tuple[LineKey, ...]
    decidable: bool = True
    """Whether the data tell; a matcher that does not answer is not at fault where they do not."""
    why_not: str = ""


class World(msgspec.Struct, kw_only=True):
    """One set of labelled data."""

    seed: int
    payouts: list[Payout]
    lines: list[StatementLine]
    labels: list[Label]
    rates: dict[tuple[str, str], tuple[str, str]]
    """(payout's currency, bank's currency) to the lowest and highest rate of these years, as decimals."""

    def write(self, folder: Path) -> list[Path]:
        """``payouts``, ``lines`` and ``labels``, each as CSV and as JSON lines; lists are JSON in their cells."""
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for name, rows in (("payouts", self.payouts), ("lines", self.lines), ("labels", self.labels)):
            plain: list[dict[str, Any]] = [msgspec.to_builtins(row) for row in rows]
            text, table = folder / f"{name}.jsonl", folder / f"{name}.csv"
            text.write_text("".join(json.dumps(row) + "\n" for row in plain))
            with table.open("w", newline="") as out:
                writer = csv.DictWriter(out, fieldnames=list(plain[0]) if plain else ["id"])
                writer.writeheader()
                writer.writerows({key: _cell(value) for key, value in row.items()} for row in plain)
            files += [text, table]
        return files


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | tuple | dict) else value


ready(Payout, Label, World)  # see core.ready
