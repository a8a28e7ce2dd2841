"""Documents are written once: whatever becomes of the answer, and whoever was there before."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from tests.systems.netsuite.conftest import BY_NAME, DEPOSIT, ENTRY
from tests.systems.netsuite.connecting import QUICK, Connected, connected, switch

from bookhand.core.action import Get, Item, Sent
from bookhand.core.book import Document
from bookhand.core.book_params import params_of
from bookhand.core.problems import Bug, Missing, Outage, Refusal, UnknownOutcome
from bookhand.db.engine import Database
from bookhand.sandbox.netsuite.netsuite import NetSuite
from bookhand.systems.netsuite.actions import ACTIONS, CHART
from bookhand.workspace.secrets_store import Secrets

SLUG = "1002-sb1"


def send(books: Connected, document: Document):
    action = DEPOSIT if document.kind == "deposit" else ENTRY
    return books.performer.send(books.connection.link, action, params_of(document), key="k", marker="m").data


def look(books: Connected, document: Document):
    action = DEPOSIT if document.kind == "deposit" else ENTRY
    return books.performer.look_up(
        books.connection.link, action, params_of(document), key="k", marker="m", since=0
    )


@pytest.mark.parametrize("kind", ["journal_entry", "deposit"])
def test_written_once_and_found_again(
    books: Connected, netsuite: NetSuite, entry: Callable[..., Document], kind: str
) -> None:
    document = entry("acct_1:test:x", *((9000, 320, -9320) if kind == "deposit" else ()), kind=kind)
    assert look(books, document).outcome == "not_done"
    first = send(books, document)
    assert (first["key"], first["number"]) == (document.key, document.number)
    again = send(books, document)
    assert (again["id"], again["already"], again["differs"], again["version"]) == (
        first["id"],
        True,
        [],
        first["version"],
    )
    assert (look(books, document).outcome, look(books, document).data["id"]) == ("done", first["id"])
    assert len(netsuite.accounts[SLUG].transactions) == 1


def test_what_a_person_changed_is_told_and_never_overwritten(
    books: Connected, netsuite: NetSuite, url: str, entry: Callable[..., Document]
) -> None:
    document = entry()
    made = send(books, document)
    lines = [
        {"account": {"id": document.lines[0].account}, "debit": 50},
        {"account": {"id": document.lines[2].account}, "credit": 50},
    ]
    switch(
        url,
        "edit",
        account=SLUG,
        record="journalEntry",
        id=made["id"],
        body={"line": {"items": lines}},
        replace=["line"],
    )
    again = send(books, document)
    assert again["id"] == made["id"]
    assert again["version"] != made["version"]
    assert (
        f"50.00 USD on account {document.lines[0].account} where 96.80 USD was to be written"
        in again["differs"]
    )
    [held] = netsuite.accounts[SLUG].transactions.values()
    assert [line.minor for line in held.lines] == [5000, -5000]


@pytest.mark.parametrize(
    ("fault", "there"), [("cut_before", 0), ("cut_after", 1), ("500", 0), ("500_after", 1), ("slow_after", 1)]
)
def test_a_lost_answer_is_an_unknown_outcome_and_looking_tells(
    url: str,
    db: Database,
    secrets: Secrets,
    netsuite: NetSuite,
    entry: Callable[..., Document],
    fault: str,
    there: int,
) -> None:
    hasty = msgspec.structs.replace(QUICK, answer_seconds=0.4)
    with connected(url, db, secrets, patience=hasty) as books:
        document = entry()
        books.books.accounts(books.connection.link)
        netsuite.faults.add(fault, method="PUT", seconds=0.8)
        with pytest.raises(UnknownOutcome):
            send(books, document)
        assert len(netsuite.accounts[SLUG].transactions) == there
        assert look(books, document).outcome == ("done" if there else "not_done")
        assert bool(send(books, document).get("already")) == bool(there)
        assert len(netsuite.accounts[SLUG].transactions) == 1


@pytest.mark.parametrize("status", [429, 400])
def test_what_was_blocked_was_not_done_and_is_sent_again(
    books: Connected, netsuite: NetSuite, entry: Callable[..., Document], status: int
) -> None:
    netsuite.accounts[SLUG].too_many_status = status
    document = entry()
    netsuite.faults.add("429", method="PUT", times=2)
    assert "already" not in send(books, document)
    netsuite.faults.add("429", method="PUT", times=None)
    with pytest.raises(Outage, match="too many requests under way") as raised:
        send(books, entry("another"))
    assert not isinstance(raised.value, UnknownOutcome)
    assert len(netsuite.accounts[SLUG].transactions) == 1


def test_reads_try_again_and_a_revoked_token_is_renewed(
    books: Connected, netsuite: NetSuite, entry: Callable[..., Document]
) -> None:
    netsuite.faults.add("500", method="POST", path="*/suiteql", times=2)
    assert books.books.accounts(books.connection.link)
    netsuite.faults.add("token_revoked", method="PUT")
    assert "already" not in send(books, entry())
    netsuite.faults.add("500", method="GET", times=None)
    with pytest.raises(Outage, match="answered 500"):
        send(books, entry("other"))
    netsuite.faults.clear()
    assert look(books, entry("other")).outcome == "not_done"


def test_what_netsuite_does_not_take_is_refused_in_its_words(
    books: Connected, url: str, netsuite: NetSuite, entry: Callable[..., Document]
) -> None:
    switch(url, "period", account=SLUG, name="Oct 2026")
    assert books.books.company(books.connection.link).closed_through == "2026-10-31"
    with pytest.raises(Refusal, match=r"posting period Oct 2026 .* closed"):
        send(books, entry(day="2026-10-31"))
    switch(url, "inactive", account=SLUG, id=entry().lines[0].account)
    with pytest.raises(Refusal, match="Invalid Field Value"):
        send(books, entry())
    with pytest.raises(Refusal, match="adds nothing to its bank account"):
        send(books, entry("d", -9000, 320, 8680, kind="deposit"))
    switch(url, "deny", account=SLUG, record="deposit")
    with pytest.raises(Refusal, match="Manage Roles"):
        send(books, entry("d", 9000, 320, -9320, kind="deposit"))
    assert not netsuite.accounts[SLUG].transactions


def test_a_preview_names_the_accounts_and_warns_of_those_that_cannot_be(
    books: Connected, entry: Callable[..., Document]
) -> None:
    link, document = books.connection.link, entry()
    assert ENTRY.plan is not None
    reads = ENTRY.plan.reads(params_of(document))
    there = {name: books.performer.fetch(link, get) for name, get in reads.items()}
    preview = ENTRY.plan.preview(params_of(document), there)
    assert preview.says.startswith("Write journal entry S")
    assert "Stripe clearing, Merchant services:Stripe fees to Sales" in preview.says
    assert preview.warnings == ()
    for number, said in (("99999", "not in NetSuite's chart"), ("115", "inactive or a summary")):
        wrong = params_of(document)
        wrong["lines"][0]["account"] = number
        [warning] = ENTRY.plan.preview(wrong, there).warnings
        assert said in warning
        with pytest.raises(Refusal, match="Invalid Field Value"):
            books.performer.send(link, ENTRY, wrong, key="", marker="")
    assert ENTRY.lookup is not None
    assert ENTRY.lookup.marked is not None
    assert books.performer.fetch(link, ENTRY.lookup.marked(params_of(document))) is None
    made = send(books, document)
    assert books.performer.fetch(link, ENTRY.lookup.marked(params_of(document)))["id"] == made["id"]
    with pytest.raises(Bug):
        books.performer.fetch(link, Get("/elsewhere"))


def test_a_worker_that_came_too_late_sends_nothing(
    books: Connected, netsuite: NetSuite, entry: Callable[..., Document]
) -> None:
    """`begin` is asked right before each write leaves, blocked ones included."""
    begun: list[str] = []
    items = [Item(params_of(entry(key)), key, key) for key in ("a", "b")]

    def begin() -> None:
        begun.append("")
        if len(begun) == 3:
            raise Outage("Somebody else has it.")

    netsuite.faults.add("429", method="PUT")
    one, two = books.performer.send_many(books.connection.link, ENTRY, items, begin=begin)
    assert isinstance(one, Sent)
    assert isinstance(two, Outage)
    assert not isinstance(two, UnknownOutcome)
    assert [each.external_id for each in netsuite.accounts[SLUG].transactions.values()] == ["bookhand-a"]
    assert books.performer.bulk(ENTRY) == 1


def test_reads_of_the_catalogue(books: Connected, entry: Callable[..., Document]) -> None:
    link = books.connection.link
    made, deposit = send(books, entry()), send(books, entry("po", 9000, 320, -9320, kind="deposit"))

    def read(name: str, **values):
        return books.performer.read(link, BY_NAME[f"netsuite.{name}"], values)

    assert read("company.retrieve").data["home_currency"] == "USD"
    assert read("accounts.list").count == len(books.books.accounts(link))
    span = {"since": "2026-11-01", "until": "2026-11-30"}
    assert [each["id"] for each in read("journal_entries.list", **span).data] == [made["id"]]
    assert [each["id"] for each in read("deposits.list", **span).data] == [deposit["id"]]
    assert read("deposits.retrieve", id=deposit["id"]).data["version"] == deposit["version"]
    with pytest.raises(Missing):
        read("deposits.retrieve", id=made["id"])
    rows = read("suiteql.query", query="SELECT id FROM account ORDER BY id", limit=3)
    assert (rows.count, bool(rows.cut)) == (3, True)
    with pytest.raises(Bug):
        books.performer.read(link, ENTRY, {})
    for wrong in ("DELETE FROM account", "SELECT 1; DELETE FROM account"):
        with pytest.raises(ValueError, match="only one SELECT"):
            BY_NAME["netsuite.suiteql.query"].params(query=wrong)
    assert CHART not in {action.call.path for action in ACTIONS if action.call}


def test_many_at_once_never_exceed_the_account(
    url: str, db: Database, secrets: Secrets, netsuite: NetSuite, entry: Callable[..., Document]
) -> None:
    """Two workers, eight threads each, three requests at once: NetSuite never has to block one."""
    netsuite.latency_seconds = 0.01
    netsuite.accounts[SLUG].most_at_once = 3
    with connected(url, db, secrets, at_once=3) as one, connected(url, db, secrets, at_once=3) as two:
        with ThreadPoolExecutor(16) as pool:
            made = list(pool.map(lambda n: send((one, two)[n % 2], entry(f"k{n // 2}")), range(40)))
        assert netsuite.accounts[SLUG].most_seen == 3
        assert netsuite.statuses[429] == 0
    assert len({each["id"] for each in made}) == len(netsuite.accounts[SLUG].transactions) == 20
