"""Finding documents of ours in a QuickBooks company: what is there already is the answer to whoever wants to write it.

    there = known(client, documents, home).get(document.key)
    sent = again(there, document)                               # or a `Refusal`, where it says something else

Errors: those of `QuickBooksClient.every`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.action import Sent
from bookhand.core.book import Document, Posted
from bookhand.core.days import moment
from bookhand.core.problems import Refusal
from bookhand.systems.quickbooks import translate

if TYPE_CHECKING:
    from bookhand.systems.quickbooks.client import QuickBooksClient

_EARLIER_SECONDS = 300
"""For clocks that disagree."""


def known(client: QuickBooksClient, documents: Sequence[Document], home: str) -> dict[str, Posted]:
    """Those of `documents` that the book holds already, by key: two queries at most."""
    keys = {document.key for document in documents}
    found: dict[str, Posted] = {}
    for kind, entity in translate.ENTITIES.items():
        asked = [document for document in documents if document.kind == kind]
        if not asked:
            continue
        for obj in client.every(entity, _where_known(asked)):
            key = _key_among(obj, asked)
            if key in keys and key is not None:
                found.setdefault(key, translate.posted(entity, obj, home=home))
    return found


def every_of(
    client: QuickBooksClient, document: Document, since: int, home: str
) -> Iterator[tuple[dict[str, Any], Posted]]:
    """Every document of this key: by its number or day, then among what was made since it was sent."""
    entity, seen = translate.ENTITIES[document.kind], set()
    made = f"MetaData.CreateTime >= '{moment(since - _EARLIER_SECONDS)}'"
    wheres = [
        _where_known([document]),
        f"{made} AND TxnDate = '{document.day}'" if document.kind == "journal_entry" else made,
    ]
    for where in wheres:
        for obj in client.every(entity, where):
            if obj["Id"] not in seen and _key_among(obj, [document]) == document.key:
                seen.add(obj["Id"])
                yield obj, translate.posted(entity, obj, home=home)
        if seen:
            return


def again(there: Posted, document: Document) -> Sent:
    """What stands under the key is the answer, if it says the same; a person's edit is not ours to write over."""
    if _content(there.lines) == _content(document.lines) and (there.day, there.currency) == (
        document.day,
        document.currency,
    ):
        return Sent(data=msgspec.to_builtins(there))
    raise Refusal(
        f"{document.number} ({document.key}) stands in QuickBooks already, as {there.id}, and says something else: compare the two."
    )


def _where_known(documents: Sequence[Document]) -> str:
    """Where documents would be: journal entries by their numbers, deposits (which have none) by their days."""
    if documents[0].kind == "journal_entry":
        numbers = ", ".join(f"'{document.number}'" for document in documents)
        return f"DocNumber IN ({numbers})"
    days = sorted(document.day for document in documents)
    return f"TxnDate >= '{days[0]}' AND TxnDate <= '{days[-1]}'"


def _key_among(obj: dict[str, Any], documents: Sequence[Document]) -> str | None:
    """The key of a document of ours: by its mark, or by its number where somebody took the mark away."""
    key = translate.key_of(obj)
    if key is not None:
        return key
    number = obj.get("DocNumber")
    return next((document.key for document in documents if number and document.number == number), None)


def _content(lines: Sequence[Any]) -> list[tuple[str, int]]:
    """What lines book, without their words."""
    return sorted((line.account, line.minor) for line in lines)
