"""What a read found, as a table or as facts. Pure; nothing that looks like a secret is in it.

of(Found(data=[{"id": "ch_1", "amount": 1500, "currency": "usd"}]))      # a table of three columns, the amount as money
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bookhand.core.action import Found
from bookhand.core.money import EXPONENTS
from bookhand.core.redaction import redacted

MOST_ROWS, _MOST_COLUMNS, _LOOKED_AT = 200, 8, 50
_RAW_BYTES = 200_000
_FIRST = ("id", "key", "name", "summary", "state", "status", "amount", "minor", "currency", "created")
_LAST = frozenset({"object", "livemode", "metadata", "workspace_id", "api_version"})
_AMOUNTS = frozenset(
    {"net", "fee", "total", "subtotal", "minor", "balance", "clearing", "stripe_balance", "off_by", "unmatched", "suspense"}
)  # fmt: skip
_MOMENTS = frozenset(
    {
        "created",
        "arrival_date",
        "available_on",
        "current_period_end",
        "current_period_start",
        "due_date",
        "start_date",
    }
)
_SECONDS = range(10**8, 5 * 10**9)


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One value: an amount in minor units with its currency, a moment, yes or no, or a text."""

    sort: Literal["money", "moment", "flag", "text", "number"]
    value: Any
    currency: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of `columns`, or (without any) facts by name; `left` rows more were found. `raw` is None where it is too long to show."""

    columns: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    facts: tuple[tuple[str, Cell], ...] = ()
    count: int
    left: int = 0
    cut: str | None = None
    raw: Any = None


def of(found: Found) -> Result:
    """The result of a read, to be shown."""
    data = redacted(msgspec.to_builtins(found.data))
    raw = data if len(msgspec.json.encode(data)) <= _RAW_BYTES else None
    listed = _listed(data)
    if listed is None:
        facts = (
            tuple((name, cell(data, name)) for name in data if _is_plain(data[name]))
            if isinstance(data, dict)
            else ()
        )
        return Result(facts=facts, count=found.count, cut=found.cut, raw=raw)
    columns = _columns(listed)
    rows = tuple(tuple(cell(row, name) for name in columns) for row in listed[:MOST_ROWS])
    return Result(
        columns=columns,
        rows=rows,
        count=found.count,
        left=max(0, len(listed) - MOST_ROWS),
        cut=found.cut,
        raw=raw,
    )


def cell(row: Mapping[str, Any], name: str) -> Cell:
    """One field of an object, as what it is."""
    value, currency = row.get(name), row.get("currency")
    code = currency.upper() if isinstance(currency, str) else ""
    if type(value) is int:
        return _number(value, name, code)
    match value:
        case bool():
            return Cell(sort="flag", value=value)
        case list():
            return Cell(sort="number", value=len(value))
        case dict():
            return Cell(sort="text", value=str(value.get("name") or value.get("id") or ""))
        case _:
            return Cell(sort="text", value="" if value is None else str(value))


def _number(value: int, name: str, code: str) -> Cell:
    if code in EXPONENTS and (name in _AMOUNTS or "amount" in name):
        return Cell(sort="money", value=value, currency=code)
    if value in _SECONDS and (name in _MOMENTS or name.endswith("_at")):
        return Cell(sort="moment", value=datetime.fromtimestamp(value, UTC))
    return Cell(sort="number", value=value)


def _listed(data: Any) -> Sequence[Mapping[str, Any]] | None:
    found = data.get("data") if isinstance(data, dict) else data
    if isinstance(found, list) and all(isinstance(each, dict) for each in found):
        return found
    return None


def _columns(rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    names = dict.fromkeys(
        name for row in rows[:_LOOKED_AT] for name, value in row.items() if _is_plain(value)
    )
    order = [
        *(name for name in _FIRST if name in names),
        *(name for name in names if name not in _FIRST and name not in _LAST),
    ]
    return tuple(order[:_MOST_COLUMNS])


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float) and value != ""
