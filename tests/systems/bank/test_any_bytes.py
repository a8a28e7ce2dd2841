"""Whatever bytes come: statements, a table, or a refusal in a sentence; never another error, and never a line that is half of one."""

from __future__ import annotations

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.problems import Refusal
from bookhand.sandbox.bank.files import FORMATS, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.columns.profile import confirmed
from bookhand.systems.bank.reading import Table, read

LINES = tuple(
    BankLine(
        id=f"T{n}",
        day=f"2026-11-0{n}",
        minor=1000 * n - 1500,
        description=f"STRIPE {n}",
        reference=f"po_{n}",
        counterparty="X",
    )
    for n in range(1, 4)
)
FILES = [render(BankAccount(number="77", currency="EUR", lines=LINES), kind) for kind in FORMATS]
PIECES = st.sampled_from(
    [b"", b"<", b">", b":61:", b":86:", b"16,", b"88,", b",", b"/", b"\n", b"-", b"0", b"99999999999999999999", b"EUR", b"<Ntry>", b"</Stmt>", b"\xff", b"?20",
     b"<STMTTRN>", b"2026-02-30", b"261302", b'"', b";", b"&amp;", b"&#0;", b"//", b"C", b"V,", b"D,9,", b"inf", b"1e9", b"\xe2\x88\x92", b"\xd9\xa3"]
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = draw(st.sampled_from(FILES))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = min(len(raw), start + draw(st.integers(0, 12)))
        raw = raw[:start] + draw(PIECES) + raw[end:]
    return raw


def whole(raw: bytes) -> None:
    with contextlib.suppress(Refusal):
        found = read(raw)
        if isinstance(found, Table):
            proposal = found.proposal(currency="EUR")
            answers = {"date_order": "MDY", "sign": 1, "decimal": "."}
            asked = {question.field for question in proposal.questions}
            found = found.read_by(
                confirmed(
                    proposal.profile, {name: answers[name] for name in asked & set(answers)}, proposal.header
                ),
                account="A",
            )
        for statement in found.statements:
            assert statement.account
            for line in statement.lines:
                assert line.key
                assert len(line.day) == 10
                assert line.raw


@settings(max_examples=200)
@given(damaged())
def test_a_damaged_file_is_read_or_refused(raw: bytes) -> None:
    whole(raw)


@settings(max_examples=60)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.tuples(st.sampled_from(FILES), st.integers(0, 400)).map(lambda it: it[0][: it[1]]),
    )
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    whole(raw)
