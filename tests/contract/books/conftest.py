"""A book of each kind, connected, with the door before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.books.days import must_be_kept
from tests.contract.books.shelf import SHELVES, Shelf

from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
from bookhand.books.actions import BOOK_ACTIONS
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.caller import Caller, capabilities
from bookhand.db.engine import Database
from bookhand.workspace.secrets_store import Secrets

OWNER = Caller(
    workspace_id=1,
    who="person:1",
    name="owner@example.com",
    role="owner",
    can=capabilities("owner"),
    channel="rest",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The stand-ins over HTTP cost more: of what is tried by every method in a folder, they try the whole way by each, the rest by deposit; what no vendor
    has a part in they do not try.
    """
    items[:] = [item for item in items if not _spared(item)]


def _spared(item: pytest.Item) -> bool:
    how = getattr(item, "callspec", None)
    if how is None or how.params.get("shelf") in {None, "beancount"}:
        return False
    if any(name in item.name for name in _OURS):
        return True
    return how.params.get("case", "deposit") != "deposit" and "the_book_holds" not in item.name


_OURS = (
    "another_mapping",
    "not_mapped_is_refused",
    "begins_with_a_month",
    "standing_approval",
    "right_is_taken_back",
    "method_is_not_changed",
    "planned",
    "undone_beside_its_supplement",
)
"""What no vendor has a part in: tried in a folder alone."""


@pytest.fixture(params=sorted(SHELVES))
def shelf(request, db: Database, tmp_path) -> Iterator[Shelf]:
    with SHELVES[request.param](db, Secrets(tmp_path), tmp_path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def days(db: Database) -> Iterator[None]:
    """After every test: the sums of days are those of the documents."""
    yield
    must_be_kept(db)


@pytest.fixture
def room(db: Database, shelf: Shelf) -> BookRoom:
    system = shelf.connection.link.system
    door = Door(
        Kit(
            db=db, catalogue=Catalogue((*shelf.actions, *OWN_ACTIONS, *BOOK_ACTIONS)), performers={system: shelf.performer}, own=OWN, settle_seconds=0,
            believe_seconds=0,
        )
    )  # fmt: skip
    return BookRoom(BookKit(db=db, door=door, books={system: shelf.books}, patience_seconds=5))
