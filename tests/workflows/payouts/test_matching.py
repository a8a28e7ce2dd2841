"""The matcher: never wrong on labelled worlds of any seed, the same for any order, and each rule by an example."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookhand.core.bank import StatementLine
from bookhand.core.problems import Bug
from bookhand.sandbox.labelled import Score, World, generate, score
from bookhand.sandbox.labelled.world import KINDS
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.matcher import match
from bookhand.workflows.payouts.matching import Bounds, Expected, Outcome

WELL_MARKED = {"plain", "no_trace", "manual", "instant"}
worlds = st.builds(
    lambda seed, payouts, days, kinds: generate(
        seed=seed, payouts=payouts, days=days, foreign=0.3, mix=dict.fromkeys(kinds, 1)
    ),
    seed=st.integers(0, 2**40),
    payouts=st.integers(1, 40),
    days=st.integers(1, 40),
    kinds=st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=8, unique=True),
)


def matched(world: World, lines: list[StatementLine] | None = None) -> Outcome:
    rates = {pair: (Decimal(low), Decimal(high)) for pair, (low, high) in world.rates.items()}
    return match(expected(world), world.lines if lines is None else lines, Bounds(rates=rates))


def expected(world: World) -> list[Expected]:
    return [Expected(**msgspec.structs.asdict(one)) for one in world.payouts]


def scored(world: World, outcome: Outcome) -> Score:
    amounts = {one.id: (one.currency, one.minor) for one in world.payouts}
    answers = [(one.payouts, one.lines) for one in outcome.matches]
    return score(world.labels, answers, equal_amounts=amounts)


@pytest.fixture(scope="module")
def large() -> World:
    return generate(seed=20261128, payouts=6000)


def test_nothing_is_wrong_and_hardly_anything_decidable_is_left(large):
    found = scored(large, matched(large))
    assert found.wrong == []
    assert found.whole.recall >= 0.99
    assert found.whole.decidable > 5000
    low = {
        kind: tally.recall
        for kind, tally in found.kinds.items()
        if tally.recall is not None and tally.recall < 0.9
    }
    assert low == {}


def test_a_bare_join_is_wrong_on_the_same_world(large):
    """The labelled world is hard enough for the test above to mean something."""
    waiting: dict[tuple[str, int, str], list[str]] = {}
    for payout in large.payouts:
        waiting.setdefault((payout.currency, payout.minor, payout.arrival_day), []).append(payout.id)
    answers = [
        ((some.pop(),), ((line.account, line.key),))
        for line in large.lines
        if (some := waiting.get((line.currency, line.minor, line.day)))
    ]
    amounts = {one.id: (one.currency, one.minor) for one in large.payouts}
    found = score(large.labels, answers, equal_amounts=amounts)
    assert len(found.wrong) > 50
    assert found.whole.recall < 0.9


def test_each_payout_and_line_is_told_once_and_matches_add_up(large):
    outcome = matched(large)
    payouts = [one for each in (*outcome.matches, *outcome.questions) for one in each.payouts]
    lines = [one for each in (*outcome.matches, *outcome.questions) for one in each.lines]
    payouts += [each.id for each in outcome.payouts]
    lines += [each.line for each in outcome.lines]
    assert sorted(payouts) == sorted(one.id for one in large.payouts)
    assert sorted(lines) == sorted((one.account, one.key) for one in large.lines)
    minors = {one.id: one.minor * (one.status != "failed") for one in large.payouts}
    amounts = {(one.account, one.key): one.minor for one in large.lines}
    for each in outcome.matches:
        if each.difference != "fx":
            assert (
                sum(amounts[line] for line in each.lines)
                == sum(minors[p] for p in each.payouts) + each.difference_minor
            )
        assert each.certain
        assert each.reason


@settings(max_examples=120, deadline=None)
@given(world=worlds)
def test_no_world_makes_a_wrong_match(world):
    assert scored(world, matched(world)).wrong == []


@settings(max_examples=40, deadline=None)
@given(world=worlds, shuffle=st.randoms(use_true_random=False))
def test_order_changes_nothing(world, shuffle):
    before = matched(world)
    shuffle.shuffle(world.payouts)
    shuffle.shuffle(world.lines)
    assert matched(world) == before


@settings(max_examples=60, deadline=None)
@given(world=worlds, seed=st.integers(0, 2**30), marked=st.booleans())
def test_a_stranger_of_the_same_amount_makes_nothing_wrong(world, seed, marked):
    """A line more, of a payout's amount and day, that says Stripe or does not: the payout keeps its line, or it is asked."""
    own = [label for label in world.labels if label.kind in WELL_MARKED and label.lines]
    if not own:
        return
    key = random.Random(seed).choice(own).lines[0]
    line = next(one for one in world.lines if (one.account, one.key) == key)
    text = "STRIPE TRANSFER" if marked else "CUSTOMER 2207"
    stranger = StatementLine(
        account=line.account,
        key="stranger",
        day=line.day,
        currency=line.currency,
        minor=line.minor,
        description=text,
    )
    found = matched(world, [*world.lines, stranger])
    taken = [each for each in found.matches if ("stranger" in {k for _, k in each.lines})]
    assert taken == []


@settings(max_examples=60, deadline=None)
@given(world=worlds, seed=st.integers(0, 2**30))
def test_a_payout_that_is_not_read_yet_makes_nothing_wrong(world, seed):
    """A payout less: its line is nobody else's."""
    gone = random.Random(seed).choice(world.payouts)
    with_it = {label.kind for label in world.labels if gone.id in label.payouts}
    if with_it & {"same_amount", "retry", "batch"}:
        return  # its line may be another's for all that the data tell
    found = match([one for one in expected(world) if one.id != gone.id], world.lines)
    lines = {line for label in world.labels if gone.id in label.payouts for line in label.lines}
    assert [each for each in found.matches if lines.intersection(each.lines)] == []


def payout(name: str, minor: int = 125_00, **more: object) -> Expected:
    known = {
        "connection": "acct_1",
        "currency": "USD",
        "arrival_day": "2026-03-10",
        "created_day": "2026-03-08",
        "status": "paid",
    }
    return msgspec.convert({"id": f"po_1{name * 20}", "minor": minor, **known, **more}, Expected)


def line(key: str, minor: int = 125_00, text: str = "STRIPE TRANSFER", **more: object) -> StatementLine:
    known = {"account": "A1", "day": "2026-03-10", "currency": "USD", "description": text}
    return msgspec.convert({"key": key, "minor": minor, **known, **more}, StatementLine)


T = "091000012345678"
RULES = [
    ("trace", [payout("a", trace_id=T)], [line("1", references=["91000012345678"])]),
    ("id", [payout("a")], [line("1", text="ACME PO_1AAAAAAAAAAAAAAAAAAAA")]),
    ("amount", [payout("a")], [line("1", day="2026-03-13")]),
    ("descriptor", [payout("a", descriptor="ACME SHOP 4")], [line("1", text="ACH ACME*SHOP 4")]),
    ("group", [payout("a"), payout("b")], [line("1"), line("2")]),
    ("batch", [payout("a"), payout("b", 4_11)], [line("1", 129_11)]),
    ("split", [payout("a")], [line("1", 100_03), line("2", 24_97)]),
    ("returned", [payout("a", status="failed")], [line("1"), line("2", -125_00, "RETURN STRIPE", day="2026-03-12")]),
    ("bank_fee", [payout("a")], [line("1", 110_00, "STRIPE LESS FEE 15.00")]),
    ("fx", [payout("a")], [line("1", 107_13, currency="EUR", original_minor=125_00, original_currency="USD")]),
    ("amount", [payout("a", -125_00)], [line("1", -125_00)]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "payouts", "lines"), RULES, ids=[f"{n}-{each[0]}" for n, each in enumerate(RULES)]
)
def test_each_rule(rule, payouts, lines):
    [found] = match(payouts, lines).matches
    assert (found.rule, set(found.payouts), set(found.lines)) == (
        rule, {each.id for each in payouts}, {(each.account, each.key) for each in lines},
    )  # fmt: skip


def test_a_fee_and_a_rate_are_told():
    fee = match([payout("a")], [line("1", 110_00)], Bounds(fees={"A1": (15_00,)})).matches[0]
    assert (fee.difference, fee.difference_minor) == ("bank_fee", -15_00)
    euro = line("1", 107_13, currency="EUR", original_minor=125_00, original_currency="USD")
    rate = match([payout("a")], [euro]).matches[0]
    assert (rate.difference, rate.rate) == ("fx", Decimal("0.85704000"))


ASKED = [
    (Cause.DUPLICATE, [payout("a")], [line("1"), line("2")]),
    (Cause.SAME_AMOUNT, [payout("a"), payout("b")], [line("1")]),
    (Cause.LATE, [payout("a")], [line("1", day="2026-03-20")]),
    (Cause.WEAK, [payout("a")], [line("1", text="ACH CREDIT 22")]),
    (Cause.CONTRADICTION, [payout("a", trace_id=T)], [line("1", references=["091000099999999"])]),
    (Cause.BANK_FEE, [payout("a", trace_id=T)], [line("1", 110_00, references=[T])]),
    (Cause.FAILED_NOT_RETURNED, [payout("a", status="failed")], [line("1")]),
    (Cause.RETURNED_NOT_FAILED, [payout("a")], [line("1"), line("2", -125_00, "REVERSAL STRIPE", day="2026-03-11")]),
    (Cause.FX, [payout("a", trace_id=T)], [line("1", 107_13, currency="EUR", references=[T])]),
    (Cause.AMOUNT, [payout("a", trace_id=T)], [line("1", 300_00, references=[T])]),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "payouts", "lines"), ASKED, ids=[each[0] for each in ASKED])
def test_what_is_not_certain_is_asked(cause, payouts, lines):
    outcome = match(payouts, lines)
    assert outcome.matches == ()
    [question] = outcome.questions
    assert question.cause == cause
    assert all(not each.certain for each in question.candidates)


def test_what_nothing_fits_has_a_cause():
    covered = Bounds(covered={"A1": "2026-03-31"}, holes={"A1": (("2026-03-16", "2026-03-18"),)})
    payouts = [
        payout("a"), payout("b", 1, arrival_day="2026-04-01"), payout("c", 2, status="failed"), payout("d", 3, status="canceled"),
        payout("e", 4, arrival_day="2026-03-17"), payout("f", 5, arrival_day="2025-01-01", created_day="2024-12-30"),
    ]  # fmt: skip
    lines = [line("1", 7, day="2026-03-02"), line("2", -15_00, "WIRE FEE"), line("3", 9, "PINSTRIPE TAILORS")]
    found = match(payouts, lines, covered)
    assert [each.cause for each in found.payouts] == [
        Cause.MISSING, Cause.IN_TRANSIT, Cause.FAILED, Cause.CANCELED, Cause.NOT_COVERED, Cause.NOT_COVERED,
    ]  # fmt: skip
    assert [each.cause for each in found.lines] == [
        Cause.LOOKS_LIKE_STRIPE,
        Cause.BANK_FEE_LINE,
        Cause.FOREIGN,
    ]


def test_the_same_twice_is_our_fault():
    with pytest.raises(Bug):
        match([payout("a"), payout("a")], [])
    with pytest.raises(Bug):
        match([], [line("1"), line("1")])


def test_a_year_of_equal_daily_payouts_is_matched_in_groups():
    """Nothing tells them apart and all are there; both sides of a group are in order of days."""
    days = [f"2026-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    payouts = [
        msgspec.structs.replace(payout("a"), id=f"po_{day}", arrival_day=day, created_day=day) for day in days
    ]
    found = match(payouts, [line(day, day=day) for day in days]).matches
    assert {each.rule for each in found} == {"group"}
    assert sorted(one for each in found for one in each.payouts) == [f"po_{day}" for day in days]
    for each in found:
        assert [one.removeprefix("po_") for one in each.payouts] == [key for _, key in each.lines]


def equal(count: int, lines: int, **line: str) -> tuple[list[Expected], list[StatementLine]]:
    """So many payouts of one amount and day, and so many lines of it."""
    payouts = [
        Expected(
            id=f"po_{n:04}", connection="acct_1", currency="USD", minor=125_00, arrival_day="2026-11-25",
            created_day="2026-11-23", status="paid", trace_id=f"0210000{n:08}", descriptor=f"SHOP {n:04}X",
        )
        for n in range(count)
    ]  # fmt: skip
    told = {"day": "2026-11-25", "description": "STRIPE TRANSFER", **line}
    return payouts, [
        StatementLine(account="DE1", key=f"k{n:04}", currency="USD", minor=125_00, **told)
        for n in range(lines)
    ]


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, which is the same on every machine."""
    count, before = 0, sys.getprofile()

    def one_more(_frame: object, event: str, _arg: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(one_more)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    ("fewer", "line"),
    [
        (0, {}),
        (1, {}),
        (0, {"day": "2026-11-27"}),
        (1, {"day": "2026-11-27"}),
        (0, {"description": "TRANSFER"}),
    ],
    ids=["all", "one less", "late", "late, one less", "saying nothing"],
)
def test_twice_as_many_equal_payouts_of_a_day_are_twice_the_work(fewer, line):
    few, many = (equal(count, count - fewer, **line) for count in (200, 400))
    assert calls(lambda: match(*many)) < 2.5 * calls(lambda: match(*few))


def test_equal_payouts_are_a_group_and_asked_where_one_line_is_missing():
    payouts, lines = equal(300, 300)
    (group,) = match(payouts, lines).matches
    assert (group.rule, len(group.payouts), len(group.lines)) == ("group", 300, 300)
    outcome = match(payouts, lines[1:])
    assert outcome.matches == ()
    (asked,) = outcome.questions
    assert (asked.cause, len(asked.payouts), len(asked.lines)) == (Cause.SAME_AMOUNT, 300, 299)


def test_a_payout_that_a_line_names_is_told_apart_from_its_equals():
    payouts, lines = equal(12, 12)
    another = msgspec.structs.replace(lines[3], description="STRIPE TRANSFER po_0007")
    outcome = match(payouts, [*lines[:3], another, *lines[4:]])
    named = [(one.payouts, one.lines) for one in outcome.matches if one.rule in {"id", "trace"}]
    assert named == [(("po_0007",), (("DE1", "k0003"),))]
    assert [len(one.payouts) for one in outcome.matches if one.rule == "group"] == [11]


@pytest.mark.parametrize(
    "hostile",
    [
        line("1", text="STRIPE LESS FEE " + "9" * 6_000),
        line("1", 124_00, text="STRIPE LESS FEE 9" + ".9" * 6_000, references=[T]),
        line("1", 2**63 - 1, currency="JPY", references=[T]),
        line("1", 2**63 - 1, currency="JPY", references=[T], original_minor=1, original_currency="USD"),
        line("1", -(2**63), currency="JPY", references=[T]),
    ],
)
def test_what_stands_in_a_line_never_stops_the_others_from_being_matched(hostile):
    other = payout("b", 77_00, trace_id="ABCDEF0123456789")
    outcome = match(
        [payout("a", 1, trace_id=T), payout("c"), other],
        [hostile, line("2", 77_00, references=["ABCDEF0123456789"])],
        Bounds(),
    )
    assert [each.payouts for each in outcome.matches if each.lines == (("A1", "2"),)] == [(other.id,)]


@pytest.mark.parametrize("minor", [125_00, 2**63, 10**30])
def test_any_amount_is_matched_however_large(minor):
    """Amounts lie beside each other as machine words only where all of them are so small."""
    payout = Expected(
        id="po_1", connection="acct_1", currency="USD", minor=minor, arrival_day="2026-11-25", created_day="2026-11-23", status="paid",
    )  # fmt: skip
    line = StatementLine(
        account="1", key="k1", day="2026-11-25", currency="USD", minor=minor, description="STRIPE TRANSFER"
    )
    assert [one.lines for one in match([payout], [line]).matches] == [(("1", "k1"),)]


@pytest.mark.parametrize(("created_day", "found"), [("2026-11-25", 1), ("2026-11-27", 0)])
@pytest.mark.parametrize("trace", [None, "TRACE20261125"])
def test_a_line_before_its_payout_was_made_is_not_taken(created_day, found, trace):
    """The arrival day that Stripe names may lie before the day on which the payout was made; what counts is the later one."""
    payout = Expected(
        id="po_1", connection="acct_1", currency="USD", minor=125_00, arrival_day="2026-11-25", created_day=created_day, status="paid",
        trace_id=trace,
    )  # fmt: skip
    line = StatementLine(
        account="1", key="k1", day="2026-11-25", currency="USD", minor=125_00, description=f"STRIPE TRANSFER {trace or ''}",
    )  # fmt: skip
    assert len(match([payout], [line]).matches) == found
