"""Which payouts a line names: the fast way is held against the plain one, which looks at every word of every text."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.matching import Expected
from bookhand.workflows.payouts.matching.line_text import WORDS, plain
from bookhand.workflows.payouts.matching.names import Names
from bookhand.workflows.payouts.matching.templates import template, upper_and_template

_IDS = [
    "po_1AbC9x",
    "po_1AbC9y",
    "po_1",
    "PO1ABC9X",
    "0012345678",
    "tr-77aa12",
    "ABCDEF",
    "91000012345",
    "pö_1äbc9",
    "x12345",
]
_ids = st.sampled_from(_IDS)
_words = st.one_of(
    _ids,
    _ids.map(str.upper),
    _ids.map(plain),
    st.sampled_from(["STRIPE", "-", "po", "0910-0001 2345", "é", "a\nb"]),
)
_texts = st.lists(_words, max_size=4).flatmap(
    lambda some: st.sampled_from([" ", "-", "/", ""]).map(lambda gap: gap.join(some))
)


def _payout(payout_id: str, trace: str | None) -> Expected:
    return Expected(
        id=payout_id, connection="acct_1", currency="USD", minor=1, arrival_day="2026-01-05", created_day="2026-01-02",
        status="paid", trace_id=trace,
    )  # fmt: skip


def _line(text: str, references: list[str]) -> StatementLine:
    return StatementLine(
        account="1",
        key="k",
        day="2026-01-05",
        currency="USD",
        minor=1,
        description=text,
        references=tuple(references),
    )


def _plainly(payouts: list[Expected], line: StatementLine) -> tuple[int, ...]:
    owners: dict[str, set[int]] = {}
    for number, one in enumerate(payouts):
        for value in filter(None, (one.trace_id, one.id)):
            written = value.upper()
            token = written if written.isalnum() and written[0] != "0" else plain(value)
            if len(token) >= 6 and not token.isalpha():
                owners.setdefault(token, set()).add(number)
                owners.setdefault(written, set()).add(number)

    def in_parts(text: str) -> set[int]:
        parts = [text, *text.translate(WORDS).replace("-", " ").split()]
        return set().union(*(owners.get(plain(part), set()) for part in parts))

    found: set[int] = set()
    for value in line.references:
        if value in owners:
            found |= owners[value]
        elif value[:1] == "0" or not (value.isdigit() or (value.isalnum() and value.isupper())):
            found |= in_parts(value)
    words = [word for word in line.description.translate(WORDS).split() if word in owners]
    for word in words:
        found |= owners[word]
    if not words and "-" in line.description:
        found |= in_parts(line.description)
    return tuple(sorted(found))


@settings(max_examples=300)
@given(
    st.lists(st.tuples(_ids, st.none() | _ids), unique_by=lambda each: each[0], max_size=5),
    st.lists(st.tuples(_texts, st.lists(_words, max_size=2)), max_size=4),
)
def test_the_same_payouts_are_named_as_by_looking_at_every_word(some, rows):
    payouts = [_payout(payout_id, trace) for payout_id, trace in sorted(some)]
    lines = [_line(text, references) for text, references in rows]
    texts, templates = upper_and_template([line.description for line in lines])
    assert texts == [line.description.upper() for line in lines]
    assert templates == [template(text) for text in texts]
    forms = list(range(len(lines)))
    ids = [one.id for one in payouts]
    named = Names(payouts, ids, list(range(len(ids)))).in_lines(lines, texts, forms, templates)
    assert named == {at: found for at, line in enumerate(lines) if (found := _plainly(payouts, line))}
