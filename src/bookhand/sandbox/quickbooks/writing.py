"""Creating, updating and deleting: one at a time or thirty in a batch, each once for a request id.

An update is full (what is not named goes away) or ``sparse``; both and a deletion need the Id and the current SyncToken. A request id that
was seen in this company gives the first answer again, for a batch the whole of it. Source: Intuit's blog of 2015-04-06 (request ids: 50
characters, 36 for a batch, whose bIds then have 10 at most) and its pages on batches.
"""

from __future__ import annotations

from random import Random
from typing import Any

from bookhand.sandbox.outside.standin import JSON, decode, encode
from bookhand.sandbox.quickbooks import query
from bookhand.sandbox.quickbooks.company import DOCUMENTS, Company
from bookhand.sandbox.quickbooks.documents import checked, expect_open
from bookhand.sandbox.quickbooks.errors import QuickBooksFault, business, missing, too_long, unsupported

MOST_ITEMS = 30
_MOST_ID = 50
_MOST_BATCH_ID = 36
_MOST_ITEM_ID = 10
_WRITTEN = {name.lower(): name for name in (*DOCUMENTS, "Account", "Customer", "Class")}
_FIXED = ("Id", "SyncToken", "MetaData", "domain")


def entity_of(path: str) -> str:
    """``JournalEntry`` of ``journalentry``; a fault for what cannot be written."""
    try:
        return _WRITTEN[path]
    except KeyError:
        raise unsupported(f"write {path}") from None


class Remembered:
    """The answers given by request id, company by company."""

    def __init__(self) -> None:
        self.enabled = True
        """False: request ids are ignored, as some report of QuickBooks."""
        self._answers: dict[tuple[str, str], bytes] = {}

    def find(self, company: Company, request_id: str | None, *, most: int) -> Any:
        """The answer that this id had, or None."""
        if request_id is None:
            return None
        if len(request_id) > most:
            raise too_long("requestid", most)
        kept = self._answers.get((company.realm, request_id))
        return decode(kept) if kept is not None and self.enabled else None

    def keep(self, company: Company, request_id: str | None, answer: Any) -> None:
        """Remember `answer`."""
        if request_id is not None:
            self._answers[(company.realm, request_id)] = encode(answer)


def write_once(
    company: Company, entity: str, asked: JSON, *, operation: str, request_id: str | None, seen: Remembered
) -> JSON:
    """One write; ``{"JournalEntry": {…}}``."""
    before = seen.find(company, request_id, most=_MOST_ID)
    if before is not None:
        return dict(before)
    answer = {entity: written(company, entity, asked, operation=operation)}
    seen.keep(company, request_id, answer)
    return answer


def written(company: Company, entity: str, asked: JSON, *, operation: str) -> JSON:
    """What became of one write."""
    today = company.clock.day()
    match operation:
        case "create" if not asked.get("Id"):
            return company.put(entity, checked(company, entity, asked, today=today))
        case "create" | "update":
            return _updated(company, entity, asked, today)
        case "delete" if entity in DOCUMENTS:
            current = company.expect_current(entity, asked)
            expect_open(company, current["TxnDate"])
            company.remove(entity, current["Id"])
            return {"domain": "QBO", "status": "Deleted", "Id": current["Id"]}
        case _:
            raise unsupported(f"{operation} {entity}")


def batch(company: Company, asked: JSON, *, request_id: str | None, seen: Remembered, order: Random) -> JSON:
    """Up to thirty operations, each with its own outcome, answered in any order."""
    before = seen.find(company, request_id, most=_MOST_BATCH_ID)
    if before is not None:
        return dict(before)
    items = asked.get("BatchItemRequest")
    if not isinstance(items, list) or not items:
        raise missing("BatchItemRequest")
    if len(items) > MOST_ITEMS:
        raise business(f"A batch may have at most {MOST_ITEMS} items, and this one has {len(items)}.")
    ids = [str(item.get("bId", "")) for item in items]
    if len(set(ids)) != len(ids):
        raise business("Each item of a batch needs a bId of its own.")
    if request_id is not None and any(len(id_) > _MOST_ITEM_ID for id_ in ids):
        raise too_long("bId", _MOST_ITEM_ID)
    answers = [_item(company, item) for item in items]
    order.shuffle(answers)
    answer: JSON = {"BatchItemResponse": answers}
    seen.keep(company, request_id, answer)
    return answer


def _item(company: Company, item: JSON) -> JSON:
    id_ = item.get("bId")
    try:
        if "Query" in item:
            return {"bId": id_, "QueryResponse": query.run(company, str(item["Query"]))}
        entity = next((name for name in _WRITTEN.values() if name in item), None)
        if entity is None:
            raise unsupported(f"batch of {', '.join(sorted(set(item) - {'bId', 'operation'})) or 'nothing'}")
        return {
            "bId": id_,
            entity: written(company, entity, item[entity], operation=str(item.get("operation", ""))),
        }
    except QuickBooksFault as fault:
        return {"bId": id_, "Fault": fault.as_json()}


def _updated(company: Company, entity: str, asked: JSON, today: str) -> JSON:
    current = company.expect_current(entity, asked)
    if entity in DOCUMENTS:
        expect_open(company, current["TxnDate"])
    given = {name: value for name, value in asked.items() if name != "sparse"}
    whole = {**current, **given} if asked.get("sparse") else {**{n: current[n] for n in _FIXED}, **given}
    return company.put(entity, {**checked(company, entity, whole, today=today), "Id": current["Id"]})
