"""Documents become NetSuite's JSON and come back the same, through the stand-in's own rules of what it takes."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.book import BookLine, Document
from bookhand.core.problems import Outage, Refusal
from bookhand.sandbox.netsuite.company import one_world
from bookhand.sandbox.netsuite.fields import unknown_names
from bookhand.sandbox.netsuite.transaction import rendered
from bookhand.sandbox.netsuite.writing import made_of
from bookhand.systems.netsuite.answers import encode
from bookhand.systems.netsuite.translate import (
    RECORDS,
    Terms,
    account_of,
    body_of,
    closed_through,
    differences,
    minor_of,
    posted_of,
    written,
)

COMPANY = one_world()
TERMS = Terms(
    subsidiary="1", currencies={"USD": "1", "GBP": "2", "EUR": "4"}, decimals={"USD": 2, "GBP": 2, "EUR": 2}
)
USABLE = [
    each.id
    for each in COMPANY.accounts.values()
    if not each.inactive
    and not each.summary
    and not each.subsidiaries
    and each.type not in {"AcctRec", "AcctPay", "Stat"}
]
AMOUNTS = st.integers(-(10**11), 10**11).filter(bool)
LINES = st.builds(
    BookLine,
    st.sampled_from(USABLE),
    AMOUNTS,
    st.sampled_from(["", "ch_1", "a fee"]),
    st.sampled_from([None, "1", "2"]),
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    lines = draw(st.lists(LINES, min_size=1, max_size=8))
    rest = -sum(line.minor for line in lines)
    kind = "deposit" if rest > 0 and draw(st.booleans()) else "journal_entry"
    balance = [BookLine(COMPANY.by_number("1000").id, rest)] if rest else []
    lines = (
        [*balance, *lines] if balance or len(lines) > 1 else [*lines, BookLine(USABLE[0], -lines[0].minor)]
    )
    return Document(
        key=draw(st.text(min_size=1, max_size=60)), kind=kind, day=draw(st.sampled_from(["2026-01-31", "2026-11-20"])),
        currency="USD", memo=draw(st.text(max_size=50)), lines=tuple(lines),
    )  # fmt: skip


def through(document: Document) -> object:
    """What REST tells of it, once it was written."""
    body = msgspec.json.Decoder(float_hook=Decimal).decode(encode(body_of(document, TERMS)))
    record = RECORDS[document.kind]
    assert unknown_names(record, body) == []
    made = made_of(COMPANY, record, body, id="77", today="2026-11-20")
    return msgspec.json.Decoder(float_hook=Decimal).decode(encode(rendered(COMPANY, made, "", expanded=True)))


@settings(max_examples=60)
@given(documents())
def test_there_and_back(document: Document) -> None:
    found = posted_of(through(document), document.kind, TERMS)  # type: ignore[arg-type]
    assert differences(document, found) == ()
    assert (found.key, found.number, found.id) == (document.key, document.number, "77")
    assert found.version == written(document, "77").version
    assert Counter(found.lines[1:]) == Counter(document.lines[1:])
    first, wanted = found.lines[0], document.lines[0]
    assert (first.account, first.minor) == (wanted.account, wanted.minor)


@settings(max_examples=40)
@given(documents(), st.integers(1, 10**6))
def test_another_amount_is_another_version_and_is_said(document: Document, more: int) -> None:
    one, two = document.lines[0], document.lines[-1]
    if one.account == two.account and one.category == two.category:
        return
    lines = (
        msgspec.structs.replace(one, minor=one.minor + more),
        *document.lines[1:-1],
        msgspec.structs.replace(two, minor=two.minor - more),
    )
    other = written(msgspec.structs.replace(document, lines=lines), "77")
    assert other.version != written(document, "77").version
    assert len(differences(document, other)) in {1, 2}


def test_amounts_are_exact_numbers() -> None:
    entry = Document(key="k", kind="journal_entry", day="2026-11-20", currency="USD", memo="", lines=(
        BookLine(USABLE[0], 1010), BookLine(USABLE[1], -1010)))  # fmt: skip
    assert b'"debit":10.10' in encode(body_of(entry, TERMS))
    assert minor_of(Decimal("0.29") + Decimal("0.01"), "USD") == 30
    with pytest.raises(Outage, match="more decimals"):
        minor_of(Decimal("0.125"), "USD")


@pytest.mark.parametrize(
    ("currency", "minor", "said"),
    [("CHF", 100, "does not have"), ("KWD", 1234, "would round"), ("KWD", 1230, None)],
)
def test_what_netsuite_cannot_keep_is_refused(currency: str, minor: int, said: str | None) -> None:
    terms = msgspec.structs.replace(TERMS, currencies={"USD": "1", "KWD": "9"}, decimals={"KWD": 2})
    entry = Document(key="k", kind="journal_entry", day="2026-11-20", currency=currency, memo="", lines=(
        BookLine(USABLE[0], minor), BookLine(USABLE[1], -minor)))  # fmt: skip
    if said is None:
        assert body_of(entry, terms)["line"]["items"][0]["debit"] == Decimal("1.23")
        return
    with pytest.raises(Refusal, match=said):
        body_of(entry, terms)


def test_accounts_and_closed_months() -> None:
    row = {
        "id": "7",
        "fullname": "Fees : Stripe fees",
        "accttype": "Expense",
        "isinactive": "F",
        "issummary": "F",
        "acctnumber": "6010",
    }
    found = account_of(row, TERMS)
    assert (found.name, found.nature, found.number, found.active) == (
        "Fees:Stripe fees",
        "expense",
        "6010",
        True,
    )
    assert not account_of(row | {"issummary": "T"}, TERMS).active
    months = [
        {"until": "2026-01-31", "closed": "T"},
        {"until": "2026-02-28", "closed": "F", "alllocked": "T"},
        {"until": "2026-03-31", "closed": "F"},
    ]
    assert closed_through(months) == "2026-02-28"
    assert closed_through(months[2:]) is None
