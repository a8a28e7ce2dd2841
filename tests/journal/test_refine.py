"""Tax, exchange and disputes: cents always add up, and money that came back whole leaves nothing behind."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.facts import InvoiceTax
from bookhand.journal.cases import (
    ChargeCase,
    Credited,
    DisputeCase,
    InvoiceCase,
    Moved,
    Returned,
    TaxedPayment,
)
from bookhand.journal.disputes import outcome
from bookhand.journal.exchange import exchange
from bookhand.journal.refine import charge_entries
from bookhand.journal.tax import settled, tax

_TAXES = st.lists(st.integers(0, 50_000), min_size=1, max_size=3)


@st.composite
def _parts(draw, whole: int) -> list[int]:
    """`whole` cut into one to five parts of at least one."""
    cuts = draw(st.sets(st.integers(1, whole - 1), max_size=4)) if whole > 1 else set()
    edges = [0, *sorted(cuts), whole]
    return [end - start for start, end in pairwise(edges)]


@st.composite
def _paid_in_parts(draw):
    amounts = draw(_TAXES)
    total = sum(amounts) + draw(st.integers(1, 100_000))
    taxes = tuple(InvoiceTax(amount, "exclusive", f"txr_{place}") for place, amount in enumerate(amounts))
    parts = draw(_parts(total))
    payments = [TaxedPayment(f"inpay_{n}", "in_1", part, total, taxes) for n, part in enumerate(parts)]
    return taxes, payments


def _balances(entries) -> Counter:
    for entry in entries:
        assert entry.imbalance() == {}
        assert not any(line.account.startswith("stripe_clearing") for line in entry.postings)
    sums: Counter = Counter()
    for entry in entries:
        for line in entry.postings:
            sums[line.account, line.currency] += line.minor
    return Counter({key: minor for key, minor in sums.items() if minor})


def _charge(number: int, amount: int, **more) -> ChargeCase:
    arrivals = (Moved(number, f"txn_{number}", "charge", "USD", amount),)
    return ChargeCase(charge=f"ch_{number}", currency="USD", amount=amount, arrivals=arrivals, **more)


@given(_paid_in_parts())
def test_tax_paid_in_parts_adds_up_to_the_invoices_tax(paid):
    taxes, payments = paid
    entries = [
        entry
        for n, payment in enumerate(payments)
        for entry in tax(_charge(n, payment.paid, payments=(payment,)))
    ]
    entries += settled(
        InvoiceCase(invoice="in_1", currency="USD", payments=tuple((one, 1) for one in payments))
    )
    owed = {f"sales_tax_payable:{one.tax_rate}": -one.amount for one in taxes if one.amount}
    balances = _balances(entries)
    assert {account: minor for (account, _), minor in balances.items() if account != "revenue"} == owed
    assert balances["revenue", "USD"] == sum(one.amount for one in taxes)


@given(_paid_in_parts(), st.data())
def test_tax_of_a_charge_returned_in_parts_is_owed_no_more(paid, data):
    _, payments = paid
    amount = payments[0].paid
    parts = data.draw(_parts(amount))
    returns = tuple(
        Returned(Moved(9 + n, f"txn_r{n}", "refund", "USD", -part), f"re_{n}", part)
        for n, part in enumerate(parts)
    )
    said = data.draw(st.integers(0, parts[0]))
    note = Credited("cn_1", 9, "in_1", parts[0], (InvoiceTax(said, "exclusive", "txr_0"),), ("re_0",))
    notes = data.draw(st.sampled_from([(), (note,)])) if len(parts) > 1 else ()
    entries = tax(_charge(1, amount, payments=(payments[0],), returns=returns, credit_notes=notes))
    assert {account for account, _ in _balances(entries)} <= {"revenue", "refunds"}


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.data())
def test_a_charge_in_another_currency_returned_in_parts_leaves_no_open_conversion(
    presented, settled_minor, data
):
    parts = data.draw(_parts(presented))
    back = [data.draw(st.integers(1, 10**7)) for _ in parts]
    case = ChargeCase(
        charge="ch_1", currency="EUR", amount=presented, arrivals=(Moved(1, "txn_1", "charge", "USD", settled_minor),),
        returns=tuple(Returned(Moved(2 + n, f"txn_r{n}", "refund", "USD", -minor), f"re_{n}", part)
                      for n, (part, minor) in enumerate(zip(parts, back, strict=True))),
    )  # fmt: skip
    balances = _balances(exchange(case))
    assert ("fx_conversion", "EUR") not in balances
    assert ("fx_conversion", "USD") not in balances
    assert balances["fx_gain_loss", "USD"] == sum(back) - settled_minor


def test_a_charge_that_settles_in_its_own_currency_needs_nothing():
    assert charge_entries(_charge(1, 500)) == ([], [])


def test_tax_that_cannot_be_split_is_a_problem_and_stays_in_revenue():
    odd = TaxedPayment("inpay_1", "in_1", 100, 50, (InvoiceTax(80, "exclusive", "txr_1"),))
    entries, [problem] = charge_entries(_charge(1, 100, payments=(odd,)))
    assert entries == []
    assert (problem.kind, problem.subject) == ("tax_does_not_fit", "inpay_1")
    assert "(0.80 USD of 0.50 USD, paid 1.00 USD" in problem.message


@given(st.integers(1, 10**6), st.integers(0, 10**6), st.booleans(), st.booleans())
def test_whatever_a_dispute_is_told_to_be_pending_ends_at_zero(withdrawn, reinstated, lost, won):
    reinstated = min(reinstated, withdrawn)
    moves = (Moved(1, "txn_1", "dispute", "USD", -withdrawn),)
    if won and reinstated:
        moves += (Moved(2, "txn_2", "dispute_reversal", "USD", reinstated),)
    case = DisputeCase(
        dispute="dp_1", lost=lost, won_with=(("txn_1", "txn_2"),) if won and reinstated else (), moves=moves
    )
    pending = -sum(moved.amount for moved in moves) + _balances(outcome(case))["disputes_pending", "USD"]
    decided = lost or (won and reinstated > 0)
    assert pending == (0 if decided else withdrawn)
    if decided:
        assert _balances(outcome(case))["disputes_losses", "USD"] == withdrawn - (reinstated if won else 0)
