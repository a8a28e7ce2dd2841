"""A Beancount book for the door and for comparing: documents written once, and everything read back.

    books = BeancountBooks(db)
    books.company(link).home_currency
    books.send(link, action, params_of(document), key="bh_7", marker="prop_1_0")       # for the door only

A document whose key stands in the ledger is never written again: the one that is there is the answer. Errors are those of
`core.action.Performer` and `core.book.Books`.
"""

# ruff: noqa: ARG002 (a role's parameters, of which a folder needs few)

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.action import Action, BulkPerformer, Found, Get, Item, Looked, Sent, Values
from bookhand.core.book import BookAccount, BookPosting, Books, Company, Document, Posted
from bookhand.core.book_params import document_of
from bookhand.core.problems import BookhandError, Bug, Refusal
from bookhand.systems.beancount import posting
from bookhand.systems.beancount.auth import folder_of
from bookhand.systems.beancount.book_client import BookFolder, Shelf
from bookhand.systems.beancount.ledger import transaction

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database

AT_ONCE = 240


class BeancountBooks(BulkPerformer, Books):
    """Performs for vendor ``beancount`` and reads its books; safe to share between threads."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._shelf = Shelf()

    # --- Books ---

    def company(self, link: Link) -> Company:
        """See `Books`."""
        folder = self._folder(link)
        return posting.company_of(folder.read(), id_=link.account, name=folder.path.name)

    def accounts(self, link: Link) -> list[BookAccount]:
        """See `Books`."""
        return posting.accounts_of(self._folder(link).read())

    def documents(self, link: Link, *, since: str, until: str) -> Iterator[Posted]:
        """See `Books`; those whose key was taken away are among them while their number stands."""
        for each in posting.posted_of(self._folder(link).read()):
            if since <= each.day <= until:
                yield each

    def postings(
        self, link: Link, accounts: Collection[str], *, since: str, until: str
    ) -> Iterator[BookPosting]:
        """See `Books`."""
        return posting.postings_of(self._folder(link).read(), accounts, since=since, until=until)

    # --- Performer ---

    def read(self, link: Link, action: Action, values: Values, *, api_version: str | None = None) -> Found:
        """See `Performer`."""
        what = action.name.rpartition(".")[0].rpartition(".")[2]
        if what == "company":
            return Found(data=msgspec.to_builtins(self.company(link)))
        found: list[Any] = (
            self.accounts(link)
            if what == "accounts"
            else list(self.documents(link, since=values["since"], until=values["until"]))
        )
        return Found(data=msgspec.to_builtins(found), count=len(found))

    def fetch(self, link: Link, get: Get, *, api_version: str | None = None) -> Any:
        """See `Performer`; nothing is fetched for a preview."""
        raise Bug(f"Nothing is fetched from a Beancount book, and {get.path} was asked for.")

    def bulk(self, action: Action) -> int:
        """See `BulkPerformer`."""
        return AT_ONCE

    def send(
        self,
        link: Link,
        action: Action,
        values: Values,
        *,
        key: str,
        marker: str,
        api_version: str | None = None,
    ) -> Sent:
        """See `Performer`."""
        [answer] = self.send_many(
            link, action, [Item(values, key, marker)], begin=lambda: None, api_version=api_version
        )
        if isinstance(answer, Sent):
            return answer
        raise answer

    def send_many(
        self,
        link: Link,
        action: Action,
        items: Sequence[Item],
        *,
        begin: Callable[[], None],
        api_version: str | None = None,
    ) -> list[Sent | BookhandError]:
        """See `BulkPerformer`: all of a month in one step, under the folder's lock."""
        if action.risk == "read":
            raise Bug(f"{action.name} is no write.")
        folder = self._folder(link)
        with folder.held():
            begin()
            ledger = folder.read()
            answers: dict[int, Sent | BookhandError] = {}
            months: dict[str, list[tuple[int, Document, str]]] = defaultdict(list)
            coming: set[str] = set()
            for place, item in enumerate(items):
                document = document_of(item.values)
                known = ledger.of_key(document.key)
                if known is not None:
                    answers[place] = _again(posting.posted(known), document)
                elif document.key in coming:
                    answers[place] = Refusal(
                        f"{document.key} was asked for twice at once: the first is written."
                    )
                else:
                    try:
                        posting.must_fit(document, ledger)
                    except Refusal as error:
                        answers[place] = error
                        continue
                    coming.add(document.key)
                    months[document.day[:7]].append((place, document, item.marker))
            for month, made in sorted(months.items()):
                answers |= _added(folder, month, made)
        return [answers[place] for place in range(len(items))]

    def look_up(
        self, link: Link, action: Action, values: Values, *, key: str, marker: str, since: int, result_id: str | None = None,
    ) -> Looked:  # fmt: skip
        """See `Performer`: a document is there if its key is; nothing else writes keys."""
        folder = self._folder(link)
        with folder.held():  # whoever is writing now has written
            found = [each for each in posting.posted_of(folder.read()) if each.key == values["key"]]
        if not found:
            return Looked(
                outcome="not_done", why=f"No document in {folder.path} has the key {values['key']}."
            )
        twice = f", {len(found)} times" if len(found) > 1 else ""
        return Looked(
            outcome="done",
            why=f"{found[0].number} stands in {folder.path}{twice}.",
            data=msgspec.to_builtins(found[0]),
        )

    def _folder(self, link: Link) -> BookFolder:
        return self._shelf.folder(folder_of(self._db, link))


def _again(known: Posted, document: Document) -> Sent | Refusal:
    """What stands under the key is the answer, if it is the same; a person's edit is not ours to write over."""
    if (known.lines, known.day, known.currency) == (document.lines, document.day, document.currency):
        return Sent(data=msgspec.to_builtins(known))
    return Refusal(
        f"{document.number} ({document.key}) stands in the book already, and says something else: compare the two."
    )


def _added(
    folder: BookFolder, month: str, made: Sequence[tuple[int, Document, str]]
) -> dict[int, Sent | BookhandError]:
    texts = [transaction(document, mark=marker) for _, document, marker in made]
    try:
        folder.add(month, texts)
    except BookhandError as error:
        return {place: error for place, _, _ in made}
    now = folder.read()
    return {
        place: Sent(data=msgspec.to_builtins(posting.posted(found)))
        for place, document, _ in made
        if (found := now.of_key(document.key)) is not None
    }
