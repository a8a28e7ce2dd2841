"""What a bank writes is what is read: the made-up bank's files in every format, of any lines, in currencies with 0, 2 and 3 decimals."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.bank import StatementLine
from bookhand.sandbox.bank.files import FORMATS, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.columns.profile import Profile, confirmed
from bookhand.systems.bank.reading import Reading, Table, read

_WORDS = st.lists(
    st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcxyz0123456789.-&<'ÄéøñÇ", min_size=1, max_size=14),
    min_size=1,
    max_size=9,
).map(" ".join)
_NAMES = st.sampled_from(["", "STRIPE", "Stripe Payments Europe", "Müller & Söhne", "O'Neill Ltd"])
_DAYS = st.integers(0, 400).map(lambda n: (date(2025, 12, 1) + timedelta(n)).isoformat())
_UNIT = {"ISK": 100}


@st.composite
def accounts(draw: st.DrawFn) -> BankAccount:
    currency = draw(st.sampled_from(["USD", "EUR", "JPY", "KWD", "ISK"]))
    unit = _UNIT.get(currency, 1)
    days = sorted(draw(st.lists(_DAYS, min_size=1, max_size=8)))
    lines = []
    for number, day in enumerate(days):
        minor = draw(st.integers(-(10**9), 10**9).filter(bool)) * unit
        value = (date.fromisoformat(day) + timedelta(draw(st.integers(-3, 3)))).isoformat()
        lines.append(
            BankLine(
                id=f"TX{number}", day=day, value_day=draw(st.sampled_from([None, value])), minor=minor, description=draw(_WORDS),
                counterparty=draw(_NAMES), reference=draw(st.sampled_from(["", f"po_{number}", "po_same"])),
                reversal=draw(st.booleans()),
            )
        )  # fmt: skip
    return BankAccount(
        number=draw(st.sampled_from(["DE89370400440532013000", "0975312468"])), currency=currency,
        opening_minor=draw(st.integers(-(10**7), 10**7)) * unit, lines=tuple(lines),
    )  # fmt: skip


def read_back(account: BankAccount, kind: str) -> Reading:
    found = read(render(account, kind))
    if isinstance(found, Table):
        found = found.read_by(answered(found, account), account=account.number)
    return found


def answered(table: Table, account: BankAccount) -> Profile:
    """The profile with what the file cannot say, as a person who knows the bank would answer it."""
    proposal = table.proposal(currency=account.currency)
    known = {
        "date_order": {"Posting Date": "MDY", "Buchungstag": "DMY"}.get(proposal.profile.date, "DMY"),
        "decimal": "," if "Betrag" in proposal.header else ".",
        "sign": 1,
    }
    asked = {question.field for question in proposal.questions}
    assert asked <= set(known)
    return confirmed(proposal.profile, {name: known[name] for name in asked}, proposal.header)


def _of(lines: tuple[StatementLine, ...]) -> list[tuple[str, int]]:
    return [(line.day, line.minor) for line in lines]


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=25)
@given(account=accounts())
def test_what_is_written_is_read(kind: str, account: BankAccount) -> None:
    found = read_back(account, kind)
    lines = [line for statement in found.statements for line in statement.lines]
    assert [(line.day, line.minor) for line in lines] == _of(account.lines)
    assert len({line.key for line in lines}) == len(lines)
    for statement in found.statements:
        assert (statement.account, statement.currency) == (account.number, account.currency)
        assert statement.off_by in {0, None}
        assert statement.warnings == ()
    raw = (
        render(account, kind)
        .decode("cp1252" if kind in {"ofx", "csv_uk"} else "utf-8-sig")
        .replace("\r\n", "\n")
    )
    for line, written in zip(lines, account.lines, strict=True):
        assert line.raw.replace("\r\n", "\n") in raw
        if kind not in {"csv_uk", "ofx"}:  # Windows-1252 has not every letter
            assert " ".join(written.description.split()) in line.description
        if kind in {"ofx", "ofx_xml", "camt053", "camt053_v8", "csv_uk"}:
            assert line.native_id == written.id
        if kind in {"mt940", "bai2"}:
            assert written.id in line.references
        if kind not in {"csv_uk", "csv_in_out"}:
            assert not written.reference or written.reference in line.references
        if kind in {"camt053", "camt053_v8", "mt940"}:
            assert line.reversal == written.reversal
        if kind in {"camt053", "camt053_v8", "bai2"}:
            assert line.value_day == written.value_day


@pytest.mark.parametrize("kind", ["camt053", "camt053_v8", "mt940", "bai2", "csv_eu", "csv", "csv_in_out"])
@settings(max_examples=10)
@given(account=accounts())
def test_the_balances_hold(kind: str, account: BankAccount) -> None:
    statements = read_back(account, kind).statements
    known = [statement for statement in statements if statement.opening_minor is not None]
    if not known:  # a table of one row shows no order, so that its balance checks nothing
        assert len(account.lines) == 1
        return
    assert known[0].opening_minor == account.opening_minor
    assert known[-1].closing_minor == account.closing_minor


@settings(max_examples=15)
@given(account=accounts())
def test_a_batch_is_as_many_lines_as_it_has_payments(account: BankAccount) -> None:
    batch = BankLine(
        id="B1", day=account.last_day, minor=1000, description="BATCH", parts=((400, "po_a"), (600, "po_b"))
    )
    whole = msgspec.structs.replace(account, currency="EUR", lines=(*account.lines, batch))
    for kind in ("camt053", "camt053_v8"):
        statement = read_back(whole, kind).statements[0]
        assert [
            (line.minor, "po_a" in line.references, "po_b" in line.references)
            for line in statement.lines[-2:]
        ] == [
            (400, True, False),
            (600, False, True),
        ]
        assert statement.off_by == 0
