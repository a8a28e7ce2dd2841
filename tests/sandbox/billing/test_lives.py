"""Subscriptions day by day: what a company sees of them from the first invoice to the end."""

from __future__ import annotations

import pytest

from .conftest import DAY, START, Company


def test_a_month_and_the_next(company: Company) -> None:
    customer, price = company.customer(), company.price(3000)
    sub = company.subscribe(customer, price)
    first = company.latest(sub)
    assert (sub["status"], first["status"], first["billing_reason"]) == (
        "active",
        "paid",
        "subscription_create",
    )
    assert first["amount_paid"] == 3000
    assert sub["items"]["data"][0]["current_period_end"] == START + 31 * DAY

    company.day(31)
    draft = company.latest(sub)
    assert (draft["status"], draft["billing_reason"]) == ("draft", "subscription_cycle")
    assert draft["automatically_finalizes_at"] == START + 31 * DAY + 3600
    assert (draft["period_start"], draft["period_end"]) == (START, START + 31 * DAY)

    company.day(32)
    renewal = company.latest(sub)
    assert (renewal["id"], renewal["status"]) == (draft["id"], "paid")
    assert renewal["number"] == first["number"].replace("0001", "0002")
    line = renewal["lines"]["data"][0]
    assert line["period"] == {"start": START + 31 * DAY, "end": START + 59 * DAY}
    assert line["parent"]["subscription_item_details"]["subscription"] == sub["id"]
    told = company.told()
    for type_ in ("customer.subscription.created", "invoice.created", "invoice.finalized", "invoice_payment.paid",
                  "invoice.paid", "invoice.payment_succeeded", "customer.subscription.updated",
                  "payment_method.attached", "charge.succeeded"):  # fmt: skip
        assert type_ in told
    assert (
        told.index("invoice.finalized") < told.index("invoice.paid") < told.index("invoice.payment_succeeded")
    )


def test_the_payment_is_found_from_both_sides(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price())
    invoice = company.get(
        f"invoices/{sub['latest_invoice']}", expand=["payments.data.payment.payment_intent"]
    )
    payment = invoice["payments"]["data"][0]
    intent = payment["payment"]["payment_intent"]
    assert (payment["status"], intent["status"], intent["amount"]) == ("paid", "succeeded", 3000)
    found = company.get(
        "invoice_payments", payment={"type": "payment_intent", "payment_intent": intent["id"]}
    )
    assert [one["invoice"] for one in found["data"]] == [invoice["id"]]


def test_the_last_day_of_the_month_never_drifts(company: Company) -> None:
    company.day(30)
    sub = company.subscribe(company.customer(), company.price())
    ends = []
    for day in (30, 58, 89, 119, 150):
        company.day(day)
        ends.append(company.get(f"subscriptions/{sub['id']}")["items"]["data"][0]["current_period_end"])
    assert ends == [START + day * DAY for day in (58, 89, 119, 150, 180)]


def test_a_trial_warns_three_days_before_and_becomes_active(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price(), trial_period_days=14)
    assert (sub["status"], sub["trial_end"]) == ("trialing", START + 14 * DAY)
    assert company.latest(sub)["total"] == 0
    company.day(10.9)
    assert "customer.subscription.trial_will_end" not in company.told()
    company.day(11)
    assert company.events("customer.subscription.trial_will_end")[0]["created"] == START + 11 * DAY
    company.day(15)
    now = company.get(f"subscriptions/{sub['id']}")
    assert (now["status"], now["items"]["data"][0]["current_period_start"]) == ("active", START + 14 * DAY)
    assert company.latest(sub)["amount_paid"] == 3000


@pytest.mark.parametrize(
    ("behavior", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
)
def test_a_trial_without_a_card_ends_as_it_was_told_to(company: Company, behavior: str, status: str) -> None:
    sub = company.subscribe(
        company.customer(card=None),
        company.price(),
        trial_period_days=7,
        trial_settings={"end_behavior": {"missing_payment_method": behavior}},
    )
    assert sub["pending_setup_intent"].startswith("seti_")
    company.day(8)
    now = company.get(f"subscriptions/{sub['id']}")
    assert now["status"] == status
    if behavior == "pause":
        assert now["status_details"]["paused"]["subscription"]["type"] == "trial_end_without_payment_method"
        assert "customer.subscription.paused" in company.told()


def test_an_unpaid_first_invoice_expires_after_23_hours(company: Company) -> None:
    customer = company.customer("pm_card_chargeCustomerFail")
    sub = company.subscribe(customer, company.price())
    assert sub["status"] == "incomplete"
    assert company.latest(sub)["status"] == "open"
    company.day(22.9 / 24)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "incomplete"
    company.day(23 / 24)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "incomplete_expired"
    assert company.latest(sub)["status"] == "void"
    company.day(60)
    assert len(company.all("invoices")) == 1


def test_a_first_invoice_paid_in_time_activates(company: Company) -> None:
    customer = company.customer("pm_card_chargeCustomerFail")
    sub = company.subscribe(customer, company.price())
    good = company.post("payment_methods/pm_card_visa/attach", customer=customer["id"])
    paid = company.post(f"invoices/{sub['latest_invoice']}/pay", payment_method=good["id"])
    assert (paid["status"], paid["amount_remaining"]) == ("paid", 0)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "active"
    assert len(company.all("payment_intents")) == 1
    assert len(company.all("charges")) == 2


def test_default_incomplete_waits_for_the_customer(company: Company) -> None:
    customer = company.customer(card=None)
    sub = company.subscribe(
        customer,
        company.price(),
        payment_behavior="default_incomplete",
        payment_settings={"save_default_payment_method": "on_subscription"},
        expand=["latest_invoice.confirmation_secret"],
    )
    secret = sub["latest_invoice"]["confirmation_secret"]["client_secret"]
    assert sub["status"] == "incomplete"
    company.post(f"payment_intents/{secret.split('_secret')[0]}/confirm", payment_method="pm_card_visa")
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "active"
    assert company.latest(sub)["status"] == "paid"
    company.day(32)
    assert company.latest(sub)["status"] == "paid"
    assert len(company.all("charges")) == 2


def test_error_if_incomplete_leaves_nothing(company: Company) -> None:
    customer, price = company.customer("pm_card_chargeCustomerFail"), company.price()
    error = company.refused(
        "subscriptions",
        customer=customer["id"],
        items=[{"price": price["id"]}],
        payment_behavior="error_if_incomplete",
    )
    assert (error["type"], error["code"]) == ("card_error", "card_declined")
    assert company.all("subscriptions", status="all") == []
    assert company.all("invoices") == []


def test_without_a_card_there_is_no_subscription(company: Company) -> None:
    customer, price = company.customer(card=None), company.price()
    error = company.refused("subscriptions", customer=customer["id"], items=[{"price": price["id"]}])
    assert error["code"] == "resource_missing"
    assert company.all("subscriptions", status="all") == []


def test_failed_renewals_are_tried_again_and_then_canceled(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price())
    company.fails_from_now(customer, times=9)
    company.day(32)
    invoice = company.latest(sub)
    failed = START + 31 * DAY + 3600
    assert (invoice["status"], invoice["attempt_count"]) == ("open", 1)
    assert invoice["next_payment_attempt"] == failed + 3 * DAY
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "past_due"
    assert company.get(f"customers/{customer['id']}")["delinquent"] is True
    company.day(35)
    assert company.latest(sub)["next_payment_attempt"] == failed + 8 * DAY
    company.day(47)
    invoice, now = company.latest(sub), company.get(f"subscriptions/{sub['id']}")
    assert (invoice["status"], invoice["attempt_count"], invoice["next_payment_attempt"]) == ("open", 4, None)
    assert (now["status"], now["cancellation_details"]["reason"]) == ("canceled", "payment_failed")
    assert now["ended_at"] == failed + 15 * DAY
    assert len(company.events("invoice.payment_failed")) == 4
    assert len(company.all("payment_intents")) == 2
    assert company.all("subscriptions") == []
    assert [one["id"] for one in company.all("subscriptions", status="all")] == [sub["id"]]


@pytest.mark.parametrize(
    ("then", "invoice", "status"), [("unpaid", "uncollectible", "unpaid"), ("past_due", "open", "past_due")]
)
def test_the_account_chooses_what_follows_the_last_try(
    company: Company, then: str, invoice: str, status: str
) -> None:
    company.call("POST", "/_pinstripe/billing", retry_days=[1], then=then, invoice=invoice)
    customer = company.customer()
    sub = company.subscribe(customer, company.price())
    company.fails_from_now(customer, times=2)
    company.day(34)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == status
    found = company.latest(sub)
    assert found["status"] == invoice
    if invoice == "uncollectible":
        assert found["status_details"]["uncollectible"]["reason"] == "max_payment_attempts"


def test_a_new_card_saves_a_late_one(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price())
    company.fails_from_now(customer, times=1)
    company.day(36)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "active"
    assert company.latest(sub)["attempt_count"] == 2
    assert company.get(f"customers/{customer['id']}")["delinquent"] is False


def test_canceling_now_and_at_the_end(company: Company) -> None:
    customer, price = company.customer(), company.price()
    now, later = company.subscribe(customer, price), company.subscribe(customer, price)
    gone = company.delete(f"subscriptions/{now['id']}", cancellation_details={"feedback": "too_expensive"})
    assert (gone["status"], gone["ended_at"]) == ("canceled", START)
    assert gone["cancellation_details"]["feedback"] == "too_expensive"
    pending = company.post(f"subscriptions/{later['id']}", cancel_at_period_end=True)
    assert (pending["status"], pending["cancel_at"]) == ("active", START + 31 * DAY)
    company.day(40)
    ended = company.get(f"subscriptions/{later['id']}")
    assert (ended["status"], ended["ended_at"]) == ("canceled", START + 31 * DAY)
    assert len(company.all("invoices", subscription=later["id"])) == 1
    assert len(company.events("customer.subscription.deleted")) == 2
    assert (
        company.refused(f"subscriptions/{later['id']}", items=[{"price": price["id"]}])["type"]
        == "invalid_request_error"
    )


def test_an_end_taken_back_is_no_end(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price())
    company.post(f"subscriptions/{sub['id']}", cancel_at_period_end=True)
    kept = company.post(f"subscriptions/{sub['id']}", cancel_at_period_end=False)
    assert (kept["cancel_at"], kept["canceled_at"]) == (None, None)
    company.day(33)
    assert company.latest(sub)["status"] == "paid"


def test_canceling_at_a_date(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price(), cancel_at=START + 45 * DAY)
    company.day(60)
    ended = company.get(f"subscriptions/{sub['id']}")
    assert (ended["status"], ended["ended_at"]) == ("canceled", START + 45 * DAY)


@pytest.mark.parametrize(
    ("behavior", "status"),
    [("keep_as_draft", "draft"), ("mark_uncollectible", "uncollectible"), ("void", "void")],
)
def test_collection_paused(company: Company, behavior: str, status: str) -> None:
    sub = company.subscribe(company.customer(), company.price())
    company.post(
        f"subscriptions/{sub['id']}", pause_collection={"behavior": behavior, "resumes_at": START + 40 * DAY}
    )
    company.day(35)
    assert company.latest(sub)["status"] == status
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "active"
    company.day(62)
    assert company.get(f"subscriptions/{sub['id']}")["pause_collection"] is None
    assert company.latest(sub)["status"] == "paid"


def test_paused_and_resumed(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price())
    assert company.post(f"subscriptions/{sub['id']}/pause", type="subscription")["status"] == "paused"
    company.day(50)
    assert len(company.all("invoices")) == 1
    back = company.post(f"subscriptions/{sub['id']}/resume")
    assert back["status"] == "active"
    assert "status_details" not in back
    assert back["items"]["data"][0]["current_period_start"] == START + 50 * DAY
    assert company.latest(sub)["status"] == "paid"
    assert "customer.subscription.resumed" in company.told()


def test_an_invoice_that_is_sent(company: Company) -> None:
    customer = company.customer(card=None)
    sub = company.subscribe(customer, company.price(), collection_method="send_invoice", days_until_due=10)
    assert sub["status"] == "active"
    company.day(1)
    invoice = company.latest(sub)
    assert (invoice["status"], invoice["due_date"]) == ("open", START + 10 * DAY)
    company.day(11)
    assert "invoice.overdue" in company.told()
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "past_due"
    paid = company.post(f"invoices/{invoice['id']}/pay", paid_out_of_band=True)
    assert (paid["status"], paid["amount_paid_off_stripe"]) == ("paid", 3000)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "active"
    assert company.all("charges") == []


def test_an_anchor_in_the_future_bills_a_part_first(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price(3100), billing_cycle_anchor=START + 10 * DAY)
    assert company.latest(sub)["total"] == 1000
    assert sub["items"]["data"][0]["current_period_end"] == START + 10 * DAY
    company.day(12)
    assert company.latest(sub)["total"] == 3100


def test_a_bank_debit_pays_later(company: Company) -> None:
    customer = company.customer("pm_usBankAccount_success")
    sub = company.subscribe(customer, company.price())
    assert company.latest(sub)["status"] == "open"
    company.day(10)
    assert company.latest(sub)["status"] == "paid"


def test_deleting_a_customer_ends_what_runs(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price())
    assert company.delete(f"customers/{customer['id']}") == {
        "id": customer["id"],
        "object": "customer",
        "deleted": True,
    }
    assert company.get(f"customers/{customer['id']}")["deleted"] is True
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "canceled"
    company.day(40)
    assert len(company.all("invoices")) == 1


def test_a_change_waits_for_its_money(company: Company) -> None:
    customer, small, large = company.customer(), company.price(1000), company.price(9000)
    sub = company.subscribe(customer, small)
    item = sub["items"]["data"][0]["id"]
    company.fails_from_now(customer, times=1)
    wanted = {
        "items": [{"id": item, "price": large["id"]}],
        "payment_behavior": "pending_if_incomplete",
        "proration_behavior": "always_invoice",
    }
    held = company.post(f"subscriptions/{sub['id']}", **wanted)
    assert held["items"]["data"][0]["price"]["id"] == small["id"]
    assert (held["status"], held["pending_update"]["expires_at"]) == ("active", START + 23 * 3600)
    invoice = company.latest(held)
    assert (invoice["status"], invoice["total"]) == ("open", 8000)
    company.post(f"invoices/{invoice['id']}/pay")
    done = company.get(f"subscriptions/{sub['id']}")
    assert (done["pending_update"], done["items"]["data"][0]["price"]["id"]) == (None, large["id"])
    assert "customer.subscription.pending_update_applied" in company.told()


def test_a_change_that_nobody_pays_is_forgotten(company: Company) -> None:
    customer, small, large = company.customer(), company.price(1000), company.price(9000)
    sub = company.subscribe(customer, small)
    company.fails_from_now(customer, times=9)
    held = company.post(
        f"subscriptions/{sub['id']}",
        items=[{"id": sub["items"]["data"][0]["id"], "price": large["id"]}],
        payment_behavior="pending_if_incomplete",
        proration_behavior="always_invoice",
    )
    company.day(2)
    now = company.get(f"subscriptions/{sub['id']}")
    assert (now["pending_update"], now["status"]) == (None, "active")
    assert now["items"]["data"][0]["price"]["id"] == small["id"]
    assert company.get(f"invoices/{held['latest_invoice']}")["status"] == "void"
    assert "customer.subscription.pending_update_expired" in company.told()


def test_a_renewal_that_asks_the_customer(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price())
    company.fails_from_now(customer, "decline:authentication_required")
    company.day(32)
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "past_due"
    assert "invoice.payment_action_required" in company.told()


def test_the_next_invoice_is_announced_when_the_account_wants_it(company: Company) -> None:
    company.call("POST", "/_pinstripe/billing", upcoming_days=7)
    sub = company.subscribe(company.customer(), company.price())
    company.day(25)
    told = company.events("invoice.upcoming")
    assert [event["created"] for event in told] == [START + 24 * DAY]
    assert told[0]["data"]["object"]["total"] == 3000
    assert len(company.all("invoices")) == 1
    assert (
        company.get(f"subscriptions/{sub['id']}")["items"]["data"][0]["current_period_end"]
        == START + 31 * DAY
    )


def test_a_last_invoice_settles_what_was_not_used(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price(3100))
    company.day(11)
    gone = company.delete(f"subscriptions/{sub['id']}", prorate=True, invoice_now=True)
    last = company.get(f"invoices/{gone['latest_invoice']}")
    assert (last["status"], last["total"], last["amount_due"]) == ("paid", -2000, 0)
    assert company.get(f"customers/{customer['id']}")["balance"] == -2000


def test_a_bank_debit_that_comes_back_is_dunned(company: Company) -> None:
    customer = company.customer("pm_usBankAccount_insufficientFunds")
    sub = company.subscribe(customer, company.price())
    assert sub["status"] == "active"
    company.day(8)
    invoice = company.latest(sub)
    assert (invoice["status"], invoice["amount_paid"]) == ("open", 0)
    assert invoice["next_payment_attempt"] > START + 4 * DAY
    assert company.get(f"subscriptions/{sub['id']}")["status"] == "past_due"


def test_the_cycle_can_begin_anew_but_not_inside_a_trial(company: Company) -> None:
    customer, price = company.customer(), company.price(3100)
    sub = company.subscribe(customer, price)
    trial = company.subscribe(customer, price, trial_period_days=20)
    company.day(10)
    moved = company.post(f"subscriptions/{sub['id']}", billing_cycle_anchor="now")
    assert moved["items"]["data"][0]["current_period_start"] == START + 10 * DAY
    assert company.latest(moved)["total"] == 3100 - 2100
    error = company.refused(f"subscriptions/{trial['id']}", billing_cycle_anchor="now")
    assert error["param"] == "billing_cycle_anchor"
