"""What the catalogue must at least hold, what is allowed after connecting, and that every event says who listens."""

from __future__ import annotations

import pytest

from bookhand.actions.rights.policy import DEFAULT_GRANTS, allows
from bookhand.wiring import catalogue

LISTED = (
    "customers charges payment_intents refunds disputes subscriptions subscription_items subscription_schedules invoices invoice_items"
    " credit_notes products prices payouts balance_transactions application_fees early_fraud_warnings events payment_methods accounts"
)
SEARCHED = "customers charges payment_intents subscriptions invoices products prices"
READ = "balance.retrieve tax_transactions.retrieve tax_transactions.list_line_items customers.history invoices.preview"
WRITTEN = (
    "customers.create customers.update refunds.create payment_intents.create subscriptions.create subscriptions.update"
    " subscriptions.cancel_at_period_end subscriptions.cancel subscriptions.pause_collection subscriptions.resume invoices.create"
    " invoices.finalize invoices.send invoices.pay invoices.void invoice_items.create credit_notes.create coupons.create"
    " payment_links.create customer_balance_transactions.create disputes.stage_evidence disputes.submit_evidence disputes.accept"
    " files.create payouts.create"
)
OWN = (
    "journal.list journal.retrieve journal.balances proofs.list reports.run runs.list runs.retrieve runs.start runs.pause runs.resume"
    " runs.cancel approvals.list approvals.retrieve approvals.approve approvals.reject periods.close periods.reopen"
    " payouts.arrivals payouts.breakdown payouts.matches payouts.questions payouts.reconciliation breaks.list payouts.match"
    " payouts.rule_out payouts.unmatch payouts.explain breaks.assign payouts.confirm_breakdown payouts.take_back_breakdown"
)
HAPPENS = (
    "charges.succeeded charges.refunded refunds.created refunds.failed disputes.created disputes.updated disputes.closed"
    " invoices.payment_failed invoices.paid subscriptions.created subscriptions.updated subscriptions.deleted"
    " subscriptions.trial_will_end payouts.paid payouts.failed payouts.reconciliation_completed accounts.deauthorized"
)
PROMISED = (
    *(f"{name}.{verb}" for name in LISTED.split() for verb in ("list", "retrieve")),
    *(f"{name}.search" for name in SEARCHED.split()),
    *READ.split(), *WRITTEN.split(), *OWN.split(),
)  # fmt: skip
ALLOWED = {
    *(name for name in PROMISED if name.partition(".")[0] in {"customers", "charges", "invoices", "disputes", "subscriptions"}
      and name.partition(".")[2] in {"list", "retrieve", "search", "history", "preview"}),
    "refunds.create", "subscriptions.update", "disputes.stage_evidence", "files.create",
}  # fmt: skip


@pytest.mark.parametrize("name", PROMISED)
def test_it_is_in_the_catalogue(name: str) -> None:
    described = catalogue().described(name)
    assert described["summary"]
    assert described["result"]["fields"]
    assert described["tag"] == "action"


@pytest.mark.parametrize("name", HAPPENS.split())
def test_an_event_is_in_the_catalogue_with_who_listens(name: str) -> None:
    described = catalogue().described_event(name)
    assert (described["tag"], described["vendor"]) == ("event", "stripe")
    assert any(each.startswith("journal:") for each in described["listeners"])
    assert any(each.startswith("payouts:") for each in described["listeners"]) == name.startswith("payouts.")
    assert any(each.startswith("farewell:") for each in described["listeners"]) == (
        name == "accounts.deauthorized"
    )


def test_after_connecting_exactly_this_is_allowed() -> None:
    found = {
        action.name
        for action in catalogue().actions.values()
        if action.vendor == "stripe"
        and allows(DEFAULT_GRANTS, grantee="person:1", action=action.name, reads=action.risk == "read")
    }
    assert found == ALLOWED


def test_to_cancel_now_and_at_the_end_are_two_actions_with_two_risks() -> None:
    actions = catalogue().actions
    assert actions["subscriptions.cancel_at_period_end"].risk == "write"
    assert actions["subscriptions.cancel"].risk == "irreversible"
