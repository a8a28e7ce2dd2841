"""A book of each kind, connected, with the door before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.contract.books.shelf import SHELVES, Shelf

from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN
from bookhand.actions.workflow import Door
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


@pytest.fixture(params=sorted(SHELVES))
def shelf(request, db: Database, tmp_path) -> Iterator[Shelf]:
    with SHELVES[request.param](db, Secrets(tmp_path), tmp_path) as opened:
        yield opened


@pytest.fixture
def room(db: Database, shelf: Shelf) -> BookRoom:
    system = shelf.connection.link.system
    door = Door(
        Kit(
            db=db, catalogue=Catalogue((*shelf.actions, *OWN_ACTIONS)), performers={system: shelf.performer}, own=OWN, settle_seconds=0,
            believe_seconds=0,
        )
    )  # fmt: skip
    return BookRoom(BookKit(db=db, door=door, books={system: shelf.books}, patience_seconds=5))
