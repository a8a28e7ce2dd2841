"""What every book keeps, whichever vendor's: a document is written once, people's work is seen, and what cannot be is refused."""

from __future__ import annotations

import uuid

import pytest

from bookhand.core.book import BookLine, Document
from bookhand.core.book_params import params_of
from bookhand.core.problems import Outage, Refusal, UnknownOutcome

FIRST, LAST = "2026-01-01", "2026-12-31"


class Pen:
    """Writes documents as the door does, and reads them back."""

    def __init__(self, shelf) -> None:
        self.shelf, self.link = shelf, shelf.connection.link

    def write(self, document: Document, *, key: str | None = None):
        kind = {"journal_entry": "journal_entries", "deposit": "deposits"}[document.kind]
        return self.shelf.performer.send(
            self.link, self.action(kind), params_of(document), key=key or uuid.uuid4().hex, marker="prop_1_0"
        ).data  # fmt: skip

    def action(self, kind: str):
        name = f"{self.link.system}.{kind}.create"
        return next(action for action in self.shelf.actions if action.name == name)

    def look(self, document: Document):
        return self.shelf.performer.look_up(
            self.link,
            self.action("journal_entries"),
            params_of(document),
            key="k",
            marker="prop_1_0",
            since=0,
        )

    def posted(self):
        return list(self.shelf.books.documents(self.link, since=FIRST, until=LAST))


@pytest.fixture
def pen(shelf) -> Pen:
    return Pen(shelf)


def sale(shelf, n: int = 1, minor: int = 9680, *, day: str = "2026-02-03", currency: str = "USD") -> Document:
    at = shelf.accounts
    lines = (
        BookLine(at["clearing"], minor, f"ch_{n}"),
        BookLine(at["fees"], 320, f"fee of ch_{n}"),
        BookLine(at["sales"], -minor - 320, f"ch_{n}"),
    )
    return Document(key=f"acct_1:test:txn_{n}", kind="journal_entry", day=day, currency=currency, memo=f"Charge ch_{n}", lines=lines)  # fmt: skip


def payout(shelf) -> Document:
    at = shelf.accounts
    lines = (
        BookLine(at["bank"], 14_360, "Payout po_1"), BookLine(at["sales"], -20_000, "Gross ch_1"), BookLine(at["fees"], 640, "Fee ch_1"),
        BookLine(at["sales"], 5_000, "Refund re_1"),
    )  # fmt: skip
    return Document(
        key="acct_1:test:po_1",
        kind="deposit",
        day="2026-02-05",
        currency="USD",
        memo="Payout po_1",
        lines=lines,
    )


def amounts(lines):
    return sorted((line.account, line.minor) for line in lines)


def test_it_says_whose_book_it_is_and_what_accounts_it_has(shelf, pen):
    company = shelf.books.company(pen.link)
    assert company.home_currency == "USD"
    assert "USD" in company.currencies
    assert company.documents_per_second > 0
    chart = {account.id: account for account in shelf.books.accounts(pen.link)}
    assert set(shelf.accounts.values()) <= set(chart)
    assert chart[shelf.accounts["bank"]].nature == "bank"
    assert not chart[shelf.accounts["old"]].active
    assert chart[shelf.accounts["euro"]].currency == "EUR"


def test_what_was_written_is_given_back_to_the_cent(shelf, pen):
    documents = [sale(shelf), payout(shelf), sale(shelf, 2, 1)]
    answers = [pen.write(each) for each in documents]
    found = {each.key: each for each in pen.posted()}
    assert set(found) == {each.key for each in documents}
    for document, answer in zip(documents, answers, strict=True):
        there = found[document.key]
        assert (there.id, there.number, there.day, there.currency) == (
            str(answer["id"]),
            document.number,
            document.day,
            "USD",
        )
        assert amounts(there.lines) == amounts(document.lines)
    wanted = {shelf.accounts["clearing"], shelf.accounts["bank"]}
    lines = list(shelf.books.postings(pen.link, wanted, since=FIRST, until=LAST))
    assert sorted((line.account, line.minor, line.day) for line in lines) == sorted(
        [(shelf.accounts["clearing"], 9680, "2026-02-03"), (shelf.accounts["clearing"], 1, "2026-02-03"), (shelf.accounts["bank"], 14_360, "2026-02-05")]
    )  # fmt: skip
    assert shelf.check() == []


def test_days_bound_what_is_given_back(shelf, pen):
    pen.write(sale(shelf))
    at = {shelf.accounts["clearing"]}
    assert list(shelf.books.documents(pen.link, since="2026-02-04", until=LAST)) == []
    assert list(shelf.books.postings(pen.link, at, since=FIRST, until="2026-02-02")) == []
    assert len(list(shelf.books.documents(pen.link, since="2026-02-03", until="2026-02-03"))) == 1


def test_a_key_is_written_once_under_whatever_idempotency_key(shelf, pen):
    first = pen.write(sale(shelf), key="one")
    again = pen.write(sale(shelf), key="two")
    assert first["id"] == again["id"]
    assert len(pen.posted()) == 1


def test_a_lost_answer_is_looked_up(shelf, pen):
    assert pen.look(sale(shelf)).outcome == "not_done"
    shelf.fault("cut_after", times=1)
    with pytest.raises(UnknownOutcome):
        pen.write(sale(shelf))
    looked = pen.look(sale(shelf))
    assert looked.outcome == "done"
    assert str(looked.data["id"]) == pen.posted()[0].id


def test_an_answer_that_was_cut_before_left_nothing(shelf, pen):
    shelf.fault("cut_before", times=1)
    with pytest.raises(Outage):
        pen.write(sale(shelf))
    assert pen.look(sale(shelf)).outcome == "not_done"
    assert pen.posted() == []


def test_what_people_edit_and_delete_is_seen(shelf, pen):
    one, other = sale(shelf), sale(shelf, 2)
    before = pen.write(one)
    pen.write(other)
    shelf.edit(one.number, account=shelf.accounts["clearing"], minor=9000, other=shelf.accounts["sales"])
    shelf.delete(other.number)
    [there] = pen.posted()
    assert (there.key, there.id) == (one.key, str(before["id"]))
    assert there.version != str(before["version"])
    assert (shelf.accounts["clearing"], 9000) in amounts(there.lines)


def test_a_closed_period_is_refused(shelf, pen):
    shelf.close("2026-02-28")
    assert shelf.books.company(pen.link).closed_through == "2026-02-28"
    with pytest.raises(Refusal, match=r"(?i)clos"):
        pen.write(sale(shelf))
    pen.write(sale(shelf, day="2026-03-01"))
    assert [each.day for each in pen.posted()] == ["2026-03-01"]


@pytest.mark.parametrize("account", ["none", "old"])
def test_an_account_that_cannot_take_it_is_refused(shelf, pen, account):
    document = sale(shelf)
    name = shelf.accounts.get(account, "Assets:Nowhere" if shelf.name == "beancount" else "99999")
    lines = (BookLine(name, 100), BookLine(shelf.accounts["sales"], -100))
    with pytest.raises(Refusal):
        pen.write(
            Document(key="k", kind="journal_entry", day=document.day, currency="USD", memo="", lines=lines)
        )
    assert pen.posted() == []


def test_what_does_not_balance_is_refused(shelf, pen):
    lines = (BookLine(shelf.accounts["clearing"], 100), BookLine(shelf.accounts["sales"], -99))
    with pytest.raises(Refusal):
        pen.write(
            Document(key="k", kind="journal_entry", day="2026-02-03", currency="USD", memo="", lines=lines)
        )
    assert pen.posted() == []


def test_another_currency_goes_to_accounts_that_take_it(shelf, pen):
    at = shelf.accounts
    lines = (BookLine(at["euro"], 5_000), BookLine(at["sales"], -5_000))
    pen.write(
        Document(
            key="acct_1:test:eur",
            kind="journal_entry",
            day="2026-02-03",
            currency="EUR",
            memo="",
            lines=lines,
        )
    )
    [there] = pen.posted()
    assert (there.currency, amounts(there.lines)) == ("EUR", amounts(lines))
    with pytest.raises(Refusal):
        pen.write(
            Document(
                key="acct_1:test:usd",
                kind="journal_entry",
                day="2026-02-03",
                currency="USD",
                memo="",
                lines=lines,
            )
        )


def test_a_reversal_undoes_it_in_every_account(shelf, pen):
    document = payout(shelf)
    pen.write(document)
    pen.write(document.reversed(day="2026-02-07"))
    wanted = set(shelf.accounts.values())
    sums: dict[str, int] = {}
    for line in shelf.books.postings(pen.link, wanted, since=FIRST, until=LAST):
        sums[line.account] = sums.get(line.account, 0) + line.minor
    assert set(sums.values()) == {0}
