"""The fields of each record, as the metadata catalogue tells them: which names a body may have, and their types.

The header ``X-NetSuite-PropertyNameValidation: Error`` refuses names that are not here. Names as in Oracle's examples ("Use Case for
Creating a Journal Entry" section_0223040947, "Journal Entry" section_159886587653, "Deposit" article_14124948339) and, for the lines of a
deposit, in the older web service's schema (DepositOther, DepositCashBack). A subset: what a bookkeeper's integration writes and reads.
"""

from __future__ import annotations

from typing import Any

REF, TEXT, DAY, NUMBER, YES = "ref", "string", "date", "number", "boolean"

_LINE = {"account": REF, "memo": TEXT, "class": REF, "department": REF, "location": REF, "entity": REF}
RECORDS: dict[str, dict[str, Any]] = {
    "journalEntry": {
        "externalId": TEXT, "tranDate": DAY, "tranId": TEXT, "memo": TEXT, "subsidiary": REF, "currency": REF, "exchangeRate": NUMBER,
        "postingPeriod": REF, "approved": YES, "reversalDate": DAY, "class": REF, "department": REF, "location": REF,
        "line": {**_LINE, "debit": NUMBER, "credit": NUMBER, "line": NUMBER},
    },
    "deposit": {
        "externalId": TEXT, "tranDate": DAY, "tranId": TEXT, "memo": TEXT, "subsidiary": REF, "currency": REF, "exchangeRate": NUMBER,
        "postingPeriod": REF, "account": REF, "class": REF, "department": REF, "location": REF,
        "other": {**_LINE, "amount": NUMBER, "refNum": TEXT, "paymentMethod": REF}, "cashBack": {**_LINE, "amount": NUMBER},
        "payment": {"id": REF, "deposit": YES},
    },
}  # fmt: skip
READ_ONLY = {"id", "links", "createdDate", "lastModifiedDate", "total", "status", "refName", "customForm"}
CANONICAL = {name.lower(): name for name in RECORDS}
"""Record names are taken in any case, as Oracle's own examples use both."""
SUBLISTS = {
    name: tuple(f for f, kind in fields.items() if isinstance(kind, dict)) for name, fields in RECORDS.items()
}


def unknown_names(record: str, body: dict[str, Any]) -> list[str]:
    """The names in `body` that the record does not have, with their place."""
    fields = RECORDS[record]
    found = [name for name in body if name not in fields and name not in READ_ONLY]
    for sublist in SUBLISTS[record]:
        items = (body.get(sublist) or {}).get("items") or []
        for at, item in enumerate(items):
            found += [
                f"{sublist}.items[{at}].{n}" for n in item if n not in fields[sublist] and n not in READ_ONLY
            ]
    return found


def schema(record: str) -> dict[str, Any]:
    """``GET /metadata-catalog/{record}`` with ``Accept: application/schema+json``."""
    return {
        "$schema": "http://json-schema.org/draft-06/hyper-schema#", "type": "object", "$id": f"/services/rest/record/v1/metadata-catalog/{record}",
        "x-ns-filterable": ["externalId", "tranDate", "tranId"], "properties": {n: _property(kind) for n, kind in RECORDS[record].items()},
    }  # fmt: skip


def _property(kind: Any) -> dict[str, Any]:
    if isinstance(kind, dict):
        item = {"type": "object", "properties": {name: _property(each) for name, each in kind.items()}}
        return {"type": "object", "properties": {"items": {"type": "array", "items": item}}}
    if kind == REF:
        return {"type": "object", "properties": {"id": {"type": "string"}, "refName": {"type": "string"}}}
    return {"type": "string", "format": "date"} if kind == DAY else {"type": kind}
