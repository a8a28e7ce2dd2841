"""Outside books over REST: shown, proposed, agreed to, their documents and how they compare."""

from __future__ import annotations

import pytest
from tests.contract.books.company import first, second, told

from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.journal.workflow import read
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.systems.beancount.auth import connect_folder


@pytest.fixture
def book(db, connected, tmp_path):
    with db.transaction() as cx:
        read(cx, connected.link, told(first(), second()))
    return connect_folder(db, tmp_path / "book", mode="test", name="Ledger")


def test_a_book_from_proposal_to_comparison(api, db, door, book):
    [shown] = api("viewer").get("/books").json()["items"]
    assert (shown["name"], shown["method"], shown["tally"]["entries"]) == ("Ledger", None, 0)
    path = f"/books/{book.id}"
    found = api("viewer").post(f"{path}/setup/proposal", {"method": "deposit"}).json()
    assert found["unmapped"] == []
    assert found["sample"][0]["kind"] == "deposit"
    assert found["sample"][0]["lines"][0]["minor"] == 1_912
    lines = [
        {name: line[name] for name in ("journal", "account", "currency")}
        for line in found["mapping"]["lines"]
    ]
    given = {
        "method": "deposit",
        "since": found["since"],
        "sources": found["sources"],
        "lines": lines,
        "alone": found["alone"],
        "why": "why",
    }
    assert api("operator").post(f"{path}/setup", given).status_code == 403
    assert api("approver").post(f"{path}/setup", given).status_code == 403, "who keeps books also manages"
    kept = api("owner").post(f"{path}/setup", given)
    assert kept.status_code == 200, kept.text
    assert kept.json()["standing_id"].startswith("stand_")
    assert api("owner").post(f"{path}/setup", {**given, "lines": lines[1:]}).status_code == 422
    room = BookRoom(BookKit(db=db, door=door, books={"beancount": BeancountBooks(db)}))
    written = room.mirrors.mirror(book.link).written
    page = api("viewer").get(f"{path}/documents?limit=1").json()
    every = [*page["items"]]
    while page["next"]:
        page = api("viewer").get(f"{path}/documents?limit=1&cursor={page['next']}").json()
        every += page["items"]
    assert len({each["key"] for each in every}) == len(every) == written
    same = api("viewer").get(f"{path}/comparison").json()
    assert (same["equal"], same["breaks"], same["unexplained"]) == (True, [], [])
    assert {each["cause"]: each["minor"] for each in same["waiting"]} == {
        "breakdown": -1_000,
        "payout": 2_883,
    }
    assert all(row["difference"] == 0 for row in same["rows"])
    assert api("viewer").get(f"{path}/documents?cursor=bad").status_code == 422
