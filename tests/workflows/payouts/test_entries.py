"""The entries of a match: whatever is matched, they sum to zero in each currency, and the bank gets what the bank says."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bookhand.core.days import day_of
from bookhand.workflows.payouts.matching import Match
from bookhand.workflows.payouts.reconciling.entries import Arrived, Paid, Settled, entries_of, moment_of
from bookhand.workflows.payouts.reconciling.open_store import Open
from bookhand.workflows.payouts.reconciling.workflow import adds_up

AMOUNT = st.integers(-(10**9), 10**9).filter(bool)
LINES = st.lists(
    st.tuples(
        st.sampled_from(["DE1", "DE2"]), st.integers(1, 28), st.sampled_from(["USD", "USD", "EUR"]), AMOUNT
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=120)
@given(st.lists(st.tuples(st.integers(1, 3), AMOUNT), min_size=1, max_size=5), LINES)
def test_every_match_balances_and_the_bank_gets_what_it_says(payouts, lines):
    arrived = tuple(
        Arrived(account, f"k{n}", f"2026-02-{day:02d}", currency, minor)
        for n, (account, day, currency, minor) in enumerate(lines)
    )
    abroad = any(line.currency != "USD" for line in arrived)
    came, went = sum(line.minor for line in arrived), sum(minor for _, minor in payouts)
    settled = Settled(
        match="m", currency="USD", payouts=tuple(Paid(c, f"po_{n}", minor) for n, (c, minor) in enumerate(payouts)), lines=arrived,
        difference=0 if abroad else came - went, kind="none" if abroad else "bank_fee",
    )  # fmt: skip
    found = [
        (connection, entry)
        for connection, entries in entries_of(settled, timezone="Asia/Tokyo").items()
        for entry in entries
    ]
    assert {connection for connection, _ in found} <= {connection for connection, _ in payouts}
    assert len({(connection, entry.key) for connection, entry in found}) == len(found)
    bank: Counter[tuple[str, str]] = Counter()
    transit = 0
    for _, entry in found:
        assert entry.imbalance() == {}
        for line in entry.postings:
            bank[line.account, line.currency] += line.minor if line.account.startswith("bank:") else 0
            transit += line.minor if line.account == "bank_in_transit" else 0
    said: Counter[tuple[str, str]] = Counter()
    for line in arrived:
        said[f"bank:{line.account}", line.currency] += line.minor
    assert {key: minor for key, minor in bank.items() if minor} == {key: m for key, m in said.items() if m}
    assert transit == -went


def test_a_line_is_booked_on_the_banks_day_wherever_the_company_is():
    for timezone in ("Pacific/Kiritimati", "America/Los_Angeles", "UTC"):
        assert day_of(moment_of("2026-03-29", timezone), timezone).isoformat() == "2026-03-29"


def test_a_match_whose_sides_do_not_differ_by_what_it_says_is_not_booked():
    paid, key = Paid(1, "po_1", 1000), ("DE1", "k1")
    found = Open(
        payouts=[], lines=[], paid={"po_1": paid}, arrived={key: Arrived("DE1", "k1", "2026-02-02", "USD", 985)},
        currency={"po_1": "USD"}, version={}, matched={}, covered={},
    )  # fmt: skip
    said = Match(
        payouts=("po_1",),
        lines=(key,),
        rule="bank_fee",
        reason="",
        difference_minor=-15,
        difference="bank_fee",
    )
    assert adds_up(said, found)
    assert not adds_up(replace(said, difference_minor=0), found)
    assert not adds_up(replace(said, difference_minor=-16), found)
    assert adds_up(replace(said, rule="returned", difference_minor=985), found)
    found.arrived[key] = Arrived("DE1", "k1", "2026-02-02", "EUR", 900)
    assert adds_up(replace(said, rule="fx", difference_minor=0), found)
    assert not adds_up(said, found)
