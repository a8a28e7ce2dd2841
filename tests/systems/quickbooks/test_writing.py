"""Documents into QuickBooks: to the cent, once, and every lost answer found again."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bookhand.core.action import Item, Sent
from bookhand.core.book import BookLine, Posted
from bookhand.core.book_params import params_of
from bookhand.core.problems import Outage, Refusal, UnknownOutcome
from bookhand.systems import store
from bookhand.systems.quickbooks import acting_client
from bookhand.systems.quickbooks.actions import CREATES
from bookhand.systems.quickbooks.answers import QuickBooksRefusal


def posted_of(sent: Any) -> Posted:
    return msgspec.convert(sent.data, Posted)


def bundle(desk: Any, documents: list[Any], *, begin: Any = lambda: None, start: int = 100) -> list[Any]:
    items = [Item(params_of(each), f"bh_{start + n}", f"p{start + n}_0") for n, each in enumerate(documents)]
    return desk.at.performer.send_many(desk.at.link, CREATES[documents[0].kind], items, begin=begin)


def test_an_entry_arrives_to_the_cent_with_its_marks(desk):
    sale = desk.sale(minor=1_234_567_891)
    sent = desk.write(sale)
    (kept,) = desk.held()
    assert kept["DocNumber"] == sale.number
    assert kept["PrivateNote"] == f"bookhand:{sale.key} call:p1_0 | Charge ch_1"
    assert [(line["Amount"], line["JournalEntryLineDetail"]["PostingType"]) for line in kept["Line"]] == [
        (Decimal("12345675.71"), "Debit"), (Decimal("3.20"), "Debit"), (Decimal("12345678.91"), "Credit"),
    ]  # fmt: skip
    here = posted_of(sent)
    assert (here.lines, here.key, here.day, here.number) == (sale.lines, sale.key, sale.day, sale.number)
    assert sent.request_id.startswith("1-standin")


def test_a_deposit_arrives_with_its_breakout(desk):
    payout = desk.payout()
    here = posted_of(desk.write(payout))
    (kept,) = desk.held("Deposit")
    assert kept["TotalAmt"] == Decimal("91.80")
    assert [line["Amount"] for line in kept["Line"]] == [
        Decimal("100.00"),
        Decimal("-3.20"),
        Decimal("-5.00"),
    ]
    assert here.lines[1:] == payout.lines[1:]
    assert (here.lines[0].account, here.lines[0].minor) == (desk.id("Checking"), 9_180)
    assert (here.number, here.key) == (payout.number, payout.key)


def test_the_same_document_twice_is_one(desk):
    for document in (desk.sale(), desk.payout()):
        first, again = desk.write(document), desk.write(document)
        assert first.data == again.data
    assert (len(desk.held()), len(desk.held("Deposit"))) == (1, 1)


def test_the_same_key_with_other_content_is_refused_and_not_written_over(desk):
    desk.write(desk.sale())
    with pytest.raises(Refusal, match="says something else"):
        desk.write(desk.sale(minor=20_000))
    assert len(desk.held()) == 1


def test_a_number_that_is_refused_as_used_is_our_own_document(desk, monkeypatch):
    """6140 comes where the company asks for it; requests that overlap find it so."""
    desk.qb.companies[desk.realm].duplicate_numbers_refused = True
    first = desk.write(desk.sale())
    found = acting_client.known
    between = lambda *a: found(*a) if desk.qb.calls["POST journalentry"] > 1 else {}  # noqa: E731 (it comes in between)
    monkeypatch.setattr(acting_client, "known", between)
    assert desk.write(desk.sale()).data == first.data
    assert len(desk.held()) == 1


def test_a_number_that_somebody_else_used_is_refused(desk):
    desk.qb.companies[desk.realm].duplicate_numbers_refused = True
    sale = desk.sale()
    line = {"Amount": 1, "DetailType": "JournalEntryLineDetail"}
    sides = [
        line | {"JournalEntryLineDetail": {"PostingType": side, "AccountRef": {"value": desk.id("Sales")}}}
        for side in ("Debit", "Credit")
    ]
    desk.qb.person(
        desk.realm,
        "create",
        "JournalEntry",
        {"DocNumber": sale.number, "PrivateNote": "bookhand:other", "Line": sides},
    )
    with pytest.raises(QuickBooksRefusal, match="6140"):
        desk.write(sale)


@pytest.mark.parametrize("kind", ["cut_after", "500_after", "slow_after"])
@pytest.mark.parametrize("what", ["sale", "payout"])
def test_a_write_whose_answer_is_lost_is_found_again(new_desk, kind, what):
    from tests.systems.quickbooks.connecting import BRIEF

    desk = new_desk(patience=msgspec.structs.replace(BRIEF, answer_seconds=0.4))
    document = getattr(desk, what)()
    desk.fault(kind, seconds=1.0)
    with pytest.raises(UnknownOutcome):
        desk.write(document)
    looked = desk.look(document)
    assert looked.outcome == "done"
    assert msgspec.convert(looked.data, Posted).key == document.key
    assert len(desk.held() + desk.held("Deposit")) == 1


@pytest.mark.parametrize("kind", ["cut_before", "500", "busy"])
def test_a_write_that_was_not_done_is_known_not_to_be(desk, kind):
    desk.fault(kind)
    with pytest.raises(UnknownOutcome):
        desk.write(desk.sale())
    assert desk.look(desk.sale()).outcome == "not_done"
    desk.write(desk.sale(), key="bh_1")
    assert len(desk.held()) == 1


def test_it_is_not_believed_while_the_request_may_be_under_way(new_desk):
    desk = new_desk(settled_seconds=125)
    desk.fault("cut_before")
    with pytest.raises(UnknownOutcome):
        desk.write(desk.sale())
    with pytest.raises(UnknownOutcome, match="may still be working") as caught:
        desk.look(desk.sale())
    assert caught.value.retry_after_seconds > 100
    assert desk.look(desk.sale(), since=int(desk.qb.clock.now()) - 130).outcome == "not_done"
    desk.fault("500")  # QuickBooks' own answer ends the request
    with pytest.raises(UnknownOutcome):
        desk.write(desk.sale(2), key="bh_2")
    assert desk.look(desk.sale(2), key="bh_2").outcome == "not_done"


def test_a_limit_is_no_doubt_and_nothing_was_done(desk):
    desk.fault("429")
    with pytest.raises(Outage) as caught:
        desk.write(desk.sale())
    assert not isinstance(caught.value, UnknownOutcome)
    assert not desk.held()


def test_nothing_is_sent_where_nobody_answers(new_desk):
    desk = new_desk()
    desk.write(desk.sale())
    with desk.db.transaction() as cx:
        store.set_settings(cx, desk.at.connection.id, base_url="http://127.0.0.1:9")
    with pytest.raises(Outage, match="could not do GET /query"):
        desk.write(desk.sale(2))


def test_two_documents_of_one_key_are_told(desk):
    sale = desk.sale()
    desk.write(sale)
    (kept,) = desk.held()
    copy = {name: kept[name] for name in ("TxnDate", "DocNumber", "PrivateNote", "Line", "CurrencyRef")}
    other = desk.qb.person(desk.realm, "create", "JournalEntry", copy)
    looked = desk.look(sale)
    assert looked.outcome == "done"
    assert f"1 times more ({other['Id']})" in looked.why


@pytest.mark.parametrize("note", ["", "looked at by Ann"])
def test_an_entry_whose_mark_was_taken_away_is_known_by_its_number(desk, note):
    sale = desk.sale()
    sent = desk.write(sale)
    desk.qb.person(desk.realm, "update", "JournalEntry", {"Id": sent.data["id"], "PrivateNote": note})
    assert desk.look(sale).outcome == "done"
    assert desk.write(sale).data["id"] == sent.data["id"]


def test_an_entry_whose_number_was_changed_is_known_by_its_mark(desk):
    sale = desk.sale()
    sent = desk.write(sale)
    desk.qb.person(desk.realm, "update", "JournalEntry", {"Id": sent.data["id"], "DocNumber": "JE-1"})
    assert desk.look(sale).outcome == "done"


def test_a_mark_in_a_customers_words_is_none(desk):
    """The memo is text from outside: it never passes for another document."""
    forged = desk.sale(2).key
    desk.write(desk.sale(memo=f"thanks bookhand:{forged} call:p9_9"))
    assert desk.look(desk.sale(2)).outcome == "not_done"
    (here,) = desk.at.books.documents(desk.at.link, since="2026-01-01", until="2026-12-31")
    assert here.key == desk.sale().key


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (lambda desk: desk.sale(lines=(BookLine("9999", 5), BookLine(desk.id("Sales"), -5))), "2500"),
        (
            lambda desk: desk.sale(
                lines=(BookLine(desk.id("Accounts Receivable (A/R)"), 5), BookLine(desk.id("Sales"), -5))
            ),
            "6000",
        ),
        (lambda desk: desk.sale(currency="EUR"), "6000"),
        (
            lambda desk: desk.payout(
                lines=(BookLine(desk.id("Sales"), 5), BookLine(desk.id("Checking"), -5))
            ),
            "6000",
        ),
    ],
)
def test_what_quickbooks_refuses_is_a_refusal_with_its_code(desk, spoiled, code):
    with pytest.raises(QuickBooksRefusal) as caught:
        desk.write(spoiled(desk))
    assert caught.value.code == code
    assert not desk.held()


def test_a_closed_period_is_refused_and_the_date_is_never_moved(desk):
    desk.qb.companies[desk.realm].closed_through = "2026-03-31"
    with pytest.raises(QuickBooksRefusal, match="closed for that day") as caught:
        desk.write(desk.sale())
    assert caught.value.code == "6210"
    assert not desk.held()


# --- batches ---


def test_thirty_go_in_one_request_and_come_back_each_with_its_own(desk):
    sales = [desk.sale(n, minor=1_000 + n) for n in range(30)]
    begun = []
    answers = bundle(desk, sales, begin=lambda: begun.append(desk.qb.calls["POST batch"]))
    assert [posted_of(answer).lines for answer in answers] == [sale.lines for sale in sales]
    assert desk.qb.calls["POST batch"] == 1
    assert begun == [0]
    assert len({each["DocNumber"] for each in desk.held()}) == 30


def test_each_item_of_a_batch_fails_alone(desk):
    company = desk.qb.companies[desk.realm]
    company.closed_through = "2026-01-31"
    good, closed = desk.sale(1), desk.sale(2, day="2026-01-15")
    unknown = desk.sale(3, lines=(BookLine("9999", 5), BookLine(desk.id("Sales"), -5)))
    answers = bundle(desk, [closed, good, unknown, good])
    assert [getattr(each, "code", type(each).__name__) for each in answers] == [
        "6210",
        "Sent",
        "2500",
        "Refusal",
    ]
    assert "twice at once" in str(answers[3])
    assert len(desk.held()) == 1


def test_an_amount_that_would_be_rounded_is_refused_and_the_rest_of_its_batch_is_written(trading):
    clearing, sales = trading.id("Stripe clearing JPY"), trading.id("Sales")
    odd = trading.sale(1, lines=(BookLine(clearing, 1_234), BookLine(sales, -1_234)), currency="KWD")
    whole = trading.sale(2, lines=(BookLine(clearing, 500), BookLine(sales, -500)), currency="JPY")
    refused, sent = bundle(trading, [odd, whole])
    assert "1.234 KWD" in str(refused)
    assert posted_of(sent).lines == whole.lines
    with pytest.raises(Refusal, match=r"1\.234 KWD"):
        trading.write(odd)
    assert [each["DocNumber"] for each in trading.held()] == [whole.number]


def test_what_is_there_already_is_not_sent_again(desk):
    desk.write(desk.sale(1))
    answers = bundle(desk, [desk.sale(1), desk.sale(2), desk.sale(1, minor=7_000)])
    assert [type(each).__name__ for each in answers] == ["Sent", "Sent", "Refusal"]
    assert len(desk.held()) == 2
    assert bundle(desk, [desk.sale(1), desk.sale(2)], start=200)[1].data == answers[1].data
    assert desk.qb.calls["POST batch"] == 1


@pytest.mark.parametrize(
    ("kind", "outcome"), [("cut_after", "done"), ("cut_before", "not_done"), ("no_json", "not_done")]
)
def test_a_batch_whose_answer_is_lost_is_looked_up_item_by_item(desk, kind, outcome):
    sales = [desk.sale(n) for n in range(5)]
    desk.fault(kind, path="*/batch")
    with pytest.raises(UnknownOutcome):
        bundle(desk, sales)
    assert [desk.look(sale, key=f"bh_{100 + n}").outcome for n, sale in enumerate(sales)] == [outcome] * 5


def test_deposits_go_in_batches_too(desk):
    payouts = [desk.payout(n, day=f"2026-03-{n + 1:02d}") for n in range(8)]
    assert all(isinstance(each, Sent) for each in bundle(desk, payouts))
    assert all(isinstance(each, Sent) for each in bundle(desk, payouts, start=300))
    assert len(desk.held("Deposit")) == 8
    assert desk.qb.calls["POST batch"] == 1


def test_nothing_is_sent_once_the_claim_is_lost(desk):
    def begin() -> None:
        raise Outage("their worker came too late")

    with pytest.raises(Outage, match="too late"):
        bundle(desk, [desk.sale(1)], begin=begin)
    assert not desk.held()


def test_documents_in_other_currencies(trading):
    clearing, yen = trading.id("Stripe clearing JPY"), trading.id("Yen account")
    made = trading.sale(
        lines=(BookLine(clearing, 10_001), BookLine(trading.id("Sales"), -10_001)), currency="JPY"
    )
    assert posted_of(trading.write(made)).lines == made.lines
    assert trading.held()[0]["Line"][0]["Amount"] == 10_001
    euro = trading.payout(
        lines=(BookLine(trading.id("Euro account"), 995), BookLine(trading.id("Stripe clearing EUR"), -995)),
        currency="EUR",
    )
    assert posted_of(trading.write(euro)).currency == "EUR"
    with pytest.raises(QuickBooksRefusal, match="one foreign currency"):
        trading.write(
            trading.sale(9, lines=(BookLine(yen, 5), BookLine(trading.id("Sales"), -5)), currency="EUR")
        )
