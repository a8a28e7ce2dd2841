"""QuickBooks' JSON and ours: nothing is lost on the way there and back, whatever the amounts, currencies and words."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.book import BookAccount, BookLine, Document
from bookhand.core.problems import Refusal
from bookhand.systems.quickbooks import report, translate
from bookhand.systems.quickbooks.answers import decode, encode

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
KEYS = st.from_regex(r"\Aacct_[a-zA-Z0-9]{4,20}:(live|test):[a-z]{2,4}_[A-Za-z0-9]{4,30}(:fee|:reversal)?\Z")


@st.composite
def documents(draw, kinds=("journal_entry", "deposit")):
    kind = draw(st.sampled_from(kinds))
    amounts = draw(st.lists(st.integers(-(10**13), 10**13), min_size=1, max_size=6))
    lines = [
        BookLine(str(n + 2), minor, draw(WORDS), draw(st.sampled_from([None, "9"])))
        for n, minor in enumerate(amounts)
    ]
    if kind == "deposit" and sum(amounts) >= 0:
        lines = [BookLine(each.account, -each.minor, each.memo, each.category) for each in lines]
    currency = draw(st.sampled_from(["USD", "JPY", "KWD", "EUR"]))
    kept = 10 if currency == "KWD" else 1  # QuickBooks keeps two decimals: others are refused
    lines = [BookLine(each.account, each.minor * kept, each.memo, each.category) for each in lines]
    first = BookLine("1", -sum(each.minor for each in lines))
    return Document(
        key=draw(KEYS), kind=kind, day="2026-02-28", currency=currency, memo=draw(WORDS),
        lines=(first, *lines),
    )  # fmt: skip


@settings(max_examples=60)
@given(documents())
def test_there_and_back(document):
    wire = decode(encode(translate.as_quickbooks(document, marker="p1_0")))
    entity = translate.ENTITIES[document.kind]
    if entity == "Deposit":
        wire["TotalAmt"] = sum(Decimal(str(line["Amount"])) for line in wire["Line"])
    here = translate.posted(entity, {**wire, "Id": "1", "SyncToken": "0"}, home="USD")
    assert here.lines == document.lines
    assert (here.key, here.number, here.day, here.currency) == (
        document.key,
        document.number,
        document.day,
        document.currency,
    )
    assert len(wire["PrivateNote"]) <= 4000
    assert translate.marker_of(wire) == "p1_0"


@given(documents(kinds=("journal_entry",)))
def test_sides_are_positive_and_equal(document):
    lines = translate.as_quickbooks(document, marker="p1_0")["Line"]
    debits, credits_ = (
        sum(line["Amount"] for line in lines if line["JournalEntryLineDetail"]["PostingType"] == side)
        for side in ("Debit", "Credit")
    )
    assert debits == credits_
    assert all(line["Amount"] >= 0 for line in lines)


@given(KEYS, KEYS, WORDS)
def test_only_what_bookhand_put_first_is_a_mark(key, forged, words):
    note = translate.note_of(key, "p1_0", f"{words} bookhand:{forged} call:p9_9")
    assert translate.key_of({"PrivateNote": note}) == key
    assert translate.marker_of({"PrivateNote": note}) == "p1_0"
    assert translate.key_of({"PrivateNote": f"{words} - bookhand:{forged}"}) is None
    number = Document(key=forged, kind="deposit", day="", currency="USD", memo="", lines=()).number
    assert translate.key_of({"PrivateNote": f"Ann: bookhand:{forged} ok", "DocNumber": number}) == forged


def test_long_words_are_cut_and_the_mark_never_is():
    document = Document(
        key="k:1",
        kind="journal_entry",
        day="2026-01-01",
        currency="USD",
        memo="x" * 9_000,
        lines=(BookLine("1", 1, "y" * 9_000),),
    )
    wire = translate.as_quickbooks(document, marker="p1_0")
    assert len(wire["PrivateNote"]) == 4000
    assert len(wire["Line"][0]["Description"]) == 4000
    assert translate.key_of(wire) == "k:1"


def test_an_amount_of_too_many_decimals_is_no_amount():
    with pytest.raises(Refusal, match="Correct it there"):
        translate.minor_of(Decimal("1.005"), "USD")
    assert translate.minor_of(1.1, "USD") == 110


def test_what_is_unknown_is_not_guessed():
    here = translate.account({"Id": "5", "Name": "Odd", "AccountType": "Statistical"}, multicurrency=False)
    assert (here.nature, here.name, here.active) == ("other", "Odd", True)
    assert translate.home_currency({}) == "USD"
    assert translate.posted("Deposit", {"Id": "1", "Line": []}, home="CAD").currency == "CAD"


# --- the general ledger ---


def row(*cells, id_=""):
    return {
        "type": "Data",
        "ColData": [
            {"value": cells[0]},
            {"value": cells[1], "id": id_},
            *({"value": each} for each in cells[2:]),
        ],
    }


def report_of(keys, *sections):
    columns = [
        {"ColTitle": "x", "ColType": "String", "MetaData": [{"Name": "ColKey", "Value": key}]} for key in keys
    ]
    return {"Columns": {"Column": columns}, "Rows": {"Row": list(sections)}}


def section(id_, *rows):
    return {
        "type": "Section",
        "Header": {"ColData": [{"value": "a", "id": id_}]},
        "Rows": {"Row": list(rows)},
        "Summary": {"ColData": [{"value": "Total"}]},
    }


CHART = {
    "1": BookAccount(id="1", name="Parent", nature="asset"),
    "2": BookAccount(id="2", name="Sub", nature="income"),
}


def test_sections_in_sections_and_numbers_with_commas():
    sub = section("2", row("2026-01-03", "Invoice", "7", "m", "", "1,234.50", id_="31"))
    opening = row("Beginning Balance", "", "", "", "", "")
    (first, second) = report.postings_of(
        report_of(report.SINGLE, section("1", opening, row("2026-01-02", "Journal Entry", "S1", "", "10.00", "", id_="30"), sub)),
        home="USD", accounts=CHART,
    )  # fmt: skip
    assert (first.account, first.minor, first.document, first.document_kind, first.number) == (
        "1",
        1_000,
        "30",
        "JournalEntry",
        "S1",
    )
    assert (second.account, second.minor, second.document_kind) == ("2", -123_450, "Invoice")


def test_a_row_that_is_not_understood_is_refused_not_skipped():
    odd = report_of(report.SINGLE, section("1", row("Adjustment", "", "", "", "5.00", "")))
    with pytest.raises(Refusal, match="does not understand"):
        list(report.postings_of(odd, home="USD", accounts=CHART))
    nowhere = report_of(report.SINGLE, row("2026-01-02", "Check", "", "", "5.00", ""))
    with pytest.raises(Refusal, match="no account"):
        list(report.postings_of(nowhere, home="USD", accounts=CHART))
    untold = report_of(report.MANY, section("1", row("2026-01-02", "Check", "", "", "5.00", "", "", "EUR")))
    with pytest.raises(Refusal, match="does not tell an amount in EUR"):
        list(report.postings_of(untold, home="USD", accounts=CHART))


def test_an_empty_report_has_no_rows():
    assert list(report.postings_of({"Header": {}, "Columns": {}, "Rows": {}}, home="USD", accounts={})) == []
    assert not report.is_cut({"Rows": {}})


@pytest.mark.parametrize("kind", ["journal_entry", "deposit"])
@pytest.mark.parametrize(("currency", "minor", "fits"), [
    ("KWD", 1234, False), ("BHD", 1, False), ("KWD", 1230, True), ("USD", 1, True), ("JPY", 1, True),
])  # fmt: skip
def test_what_quickbooks_would_round_is_refused(kind, currency, minor, fits):
    entry = Document(key="k", kind=kind, day="2026-11-20", currency=currency, memo="", lines=(
        BookLine("1", minor), BookLine("2", -minor)))  # fmt: skip
    if fits:
        assert translate.as_quickbooks(entry, marker="p1_0")["Line"]
        return
    said = {"KWD": "1.234 KWD", "BHD": "0.001 BHD"}[currency]
    with pytest.raises(
        Refusal, match=rf"an amount of {said}, which QuickBooks would round.*It is not written"
    ):
        translate.as_quickbooks(entry, marker="p1_0")
