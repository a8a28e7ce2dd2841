"""The pages of the books over a real journal, a stand-in Stripe over HTTP, and a Beancount folder as the outside book."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from tests.actions.conftest import QUICK, connected, engine, secrets, server, shop, url  # noqa: F401 (fixtures)
from tests.contract.books.company import first, second, told
from tests.contract.books.days import must_be_kept
from tests.web.browsing import Browser
from tests.web.page.conftest import House

from bookhand.actions.act_workflow import DoorRuns, act_template
from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.facts import Seen
from bookhand.db.engine import Database
from bookhand.journal.workflow import read
from bookhand.runs.workflow import Engine
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.auth import open_reader
from bookhand.tie_out_workflow import TieOut
from bookhand.web.books.hands import ROOM, Hands
from bookhand.wiring import OWN_ACTS, READERS, catalogue
from bookhand.workspace.secrets_store import Secrets

OURS = {"sec-fetch-site": "same-origin"}
Tell = Callable[..., None]


@pytest.fixture
def tie_out(db: Database, secrets: Secrets, connected: Connection) -> TieOut:  # noqa: F811
    reader = open_reader(db, secrets, connected, patience=QUICK)
    return TieOut(db, connected.link, reader, READERS, timezone="UTC")


@pytest.fixture(autouse=True)
def days(db: Database) -> Iterator[None]:
    """After every test: the sums of days are those of the documents."""
    yield
    must_be_kept(db)


@pytest.fixture
def web(db: Database, tmp_path: Any, tie_out: TieOut) -> House:
    books = BeancountBooks(db)
    kit = Kit(
        db=db,
        catalogue=catalogue(),
        performers={"beancount": books},
        own=OWN_ACTS,
        settle_seconds=0,
        believe_seconds=0,
    )
    made = House(db, tmp_path, door=Door(kit))
    made.site.books = BookRoom(BookKit(db=db, door=made.site.door, books={"beancount": books}))
    made.site.rooms[ROOM] = Hands(
        prove=lambda _number: tie_out.prove(name_gaps=True), gaps=lambda _number: tie_out.gaps()
    )
    return made


@pytest.fixture
def runs(web: House) -> Iterator[Engine]:
    """Runs do what is asked for, in this process."""
    door = web.site.door
    made = Engine(web.db, [act_template(door)])
    door.kit.runs = DoorRuns(nudge=made.nudge)
    made.launch(work=True)
    yield made
    made.close()


@pytest.fixture
def tell(db: Database, connected: Connection) -> Tell:  # noqa: F811
    """Facts into the journal of the Stripe account, each with a delivery's number."""

    def put(*facts: Any, to: Connection = connected) -> None:
        with db.transaction() as cx:
            read(cx, to.link, told(list(facts)))

    return put


@pytest.fixture
def company(db: Database, connected: Connection) -> list[Seen]:  # noqa: F811
    """A small company's two months, in the journal."""
    facts = told(first(), second())
    with db.transaction() as cx:
        read(cx, connected.link, facts)
    return facts


@pytest.fixture
def book(db: Database, company: list[Seen], tmp_path: Any) -> Connection:
    return connect_folder(db, tmp_path / "book", mode="test", name="Ledger")


def text(page: Any) -> str:
    """What a page says, without its tags."""
    bare = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", bare).split())


async def send(browser: Browser, at: str, path: str, **fields: Any) -> Any:
    """Send a form of the page `at` to `path`."""
    token = re.search(r'name="form-token" content="([0-9a-f]+)"', (await browser.get(at)).text)
    assert token is not None
    return await browser.client.post(path, data={"csrf": token[1], **fields}, headers=OURS)


def fields_of(page: str) -> dict[str, Any]:
    """What the proposal's form would send as it stands."""
    found: dict[str, Any] = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    found |= {
        name: value for name, value, _ in re.findall(r'name="(method)" value="([^"]+)"( checked)', page)
    }
    found["source"] = [value for value, _ in re.findall(r'name="source" value="(\d+)"( checked)', page)]
    for name, options in re.findall(r'<select[^>]* name="([^"]+)".*?>(.*?)</select>', page, flags=re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    return found


def decoded(value: str) -> Any:
    """A picture's data, from the page's attribute."""
    return msgspec.json.decode(value.replace("&#34;", '"').replace("&#39;", "'").replace("&amp;", "&"))
