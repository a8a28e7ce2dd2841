"""Customers, subscriptions and invoices: what was foretold is what came of it, and what cannot be is refused before."""

from __future__ import annotations

import pytest

from bookhand.core.action import Change
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.previews_invoices import credit_note
from bookhand.systems.stripe.actions.previews_subscriptions import create as begin
from bookhand.systems.stripe.actions.previews_subscriptions import update

from .writing import DAY, Shop, booked, looked


@pytest.fixture
def shop() -> Shop:
    return Shop()


# customers


def test_a_customer_is_created_and_changed(shop: Shop) -> None:
    done = shop.do("customers.create", name="Fernwood Bakery", email="ada@example.com")
    assert done.preview.says == "Create customer Fernwood Bakery"
    assert done.preview.warnings == ()
    looked(shop, done, "listed", "events")
    again = shop.preview("customers.create", email="ada@example.com")
    assert done.made["id"] in again.warnings[0]
    changed = shop.do(
        "customers.update", customer=done.made["id"], email="new@example.com", name="Fernwood Bakery", metadata={"tier": "gold"},
    )  # fmt: skip
    assert changed.preview.changes == (
        Change("email", "ada@example.com", "new@example.com"),
        Change("metadata tier", None, "gold"),
    )
    assert (changed.made["email"], changed.made["metadata"]["tier"]) == ("new@example.com", "gold")
    looked(shop, changed, "marked", "events")
    later = shop.do("customers.update", customer=done.made["id"], email="")
    assert later.preview.changes == (Change("email", "new@example.com", None),)
    assert later.made["email"] is None
    looked(shop, later, "marked", "events")
    assert shop.look_up(changed)["marked"] is None


def test_a_deleted_customer_is_not_changed(shop: Shop) -> None:
    gone = shop.customer(None)
    shop.call("DELETE", f"/v1/customers/{gone['id']}")
    with pytest.raises(Refusal, match="any more"):
        shop.preview("customers.update", customer=gone["id"], name="A")


def test_an_address_is_laid_over_the_old_one(shop: Shop) -> None:
    customer = shop.customer(None, address={"city": "Oakland", "country": "US"})
    done = shop.do("customers.update", customer=customer["id"], address={"line1": "1 Way", "city": "Berkeley", "country": "US"})  # fmt: skip
    (one,) = done.preview.changes
    assert "Oakland" in (one.before or "")
    assert "Berkeley" in (one.after or "")
    assert done.made["address"]["city"] == "Berkeley"


@pytest.mark.parametrize(("amount", "words"), [(-1500, "Credit $15.00"), (700, "Add $7.00")])
def test_a_balance(shop: Shop, amount: int, words: str) -> None:
    customer = shop.customer(None)
    done = shop.do(
        "customer_balance_transactions.create", customer=customer["id"], amount=amount, currency="usd"
    )
    assert done.preview.says.startswith(words)
    after = shop.get(f"customers/{customer['id']}")["balance"]
    assert (after, done.preview.moves[0].minor) == (amount, -amount)
    assert done.preview.changes[0].before == "$0.00"
    found = shop.look_up(done)
    assert found["listed"] == done.made["id"]
    assert found["events"] is not None


def test_coupons(shop: Shop) -> None:
    done = shop.do("coupons.create", id="SPRING", percent_off=12.5, duration="repeating", duration_in_months=3, max_redemptions=10)  # fmt: skip
    assert done.preview.says == "Create a coupon: 12.5% off for 3 months, at most 10 times"
    assert (done.made["percent_off"], done.made["duration_in_months"]) == (12.5, 3)
    looked(shop, done, "listed", "events")
    with pytest.raises(Refusal, match="exists already"):
        shop.preview("coupons.create", id="SPRING", percent_off="10")
    money = shop.do("coupons.create", amount_off=500, currency="eur", name="Five")
    assert money.preview.says.startswith("Create a coupon: 'Five', €5.00 off once")
    assert money.made["amount_off"] == 500


def test_payment_links(shop: Shop) -> None:
    price = shop.price(2500, "Workshop", recurring=None)
    done = shop.do("payment_links.create", line_items=[{"price": price["id"], "quantity": 2}],
                   restrictions={"completed_sessions": {"limit": 5}})  # fmt: skip
    assert done.preview.says == "Create a payment link for 2 x Workshop at $25.00"
    assert done.preview.warnings == ()
    (line,) = shop.get(f"payment_links/{done.made['id']}/line_items")["data"]
    assert (line["amount_total"], line["description"]) == (5000, "Workshop")
    looked(shop, done, "listed", "events")
    shop.post(f"prices/{price['id']}", active=False)
    with pytest.raises(Refusal, match="not active"):
        shop.preview("payment_links.create", line_items=[{"price": price["id"]}])


# subscriptions


def test_a_subscription_begins(shop: Shop) -> None:
    customer, price = shop.customer(), shop.price(3000)
    done = shop.do(
        "subscriptions.create", customer=customer["id"], items=[{"price": price["id"], "quantity": 2}]
    )
    assert done.preview.says == (
        "Start a subscription for Fernwood Bakery: 2 x Pro at $30.00 a month; $60.00 is charged now"
    )
    invoice = shop.get(
        f"invoices/{done.made['latest_invoice']}", expand=["payments.data.payment.payment_intent"]
    )
    assert (invoice["amount_paid"], done.preview.moves[0].minor) == (6000, -6000)
    assert done.made["status"] == "active"
    charge = invoice["payments"]["data"][0]["payment"]["payment_intent"]["latest_charge"]
    booked(shop, done.preview.movement, charge)
    looked(shop, done, "listed", "events")
    assert any("one more" in one for one in shop.preview(
        "subscriptions.create", customer=customer["id"], items=[{"price": price["id"]}]).warnings)  # fmt: skip


def test_a_trial_charges_nothing_yet(shop: Shop) -> None:
    customer = shop.customer(None)
    done = shop.do("subscriptions.create", customer=customer["id"], items=[{"price": shop.price()["id"]}], trial_period_days=14)  # fmt: skip
    assert done.preview.says.endswith("14 days of trial first")
    assert (done.preview.moves, done.preview.movement) == ((), None)
    assert "no default payment method" in done.preview.warnings[0]
    assert done.made["status"] == "trialing"


def test_a_price_that_cannot_be_subscribed_to(shop: Shop) -> None:
    once = shop.price(recurring=None)
    values = shop.values("subscriptions.create", customer=shop.customer()["id"], items=[{"price": once["id"]}], trial_period_days=3)  # fmt: skip
    with pytest.raises(Refusal, match="paid once"):
        begin(values, shop.reads("subscriptions.create", values))


def test_a_change_invoiced_at_once(shop: Shop) -> None:
    sub = shop.subscription()
    item = sub["items"]["data"][0]
    shop.day(10)
    moment = shop.engine.clock.now()
    done = shop.do("subscriptions.update", subscription=sub["id"], proration_behavior="always_invoice",
                   proration_date=moment, items=[{"id": item["id"], "quantity": 3}])  # fmt: skip
    assert done.preview.changes[0] == Change("item", "Pro at $30.00 a month", "3 x Pro at $30.00 a month")
    invoice = shop.get(f"invoices/{done.made['latest_invoice']}")
    assert done.preview.moves[0].minor == -invoice["amount_due"]
    assert invoice["billing_reason"] == "subscription_update"
    assert "is invoiced now" in done.preview.says
    looked(shop, done, "marked", "events")


def test_a_change_that_waits_for_the_next_invoice(shop: Shop) -> None:
    sub = shop.subscription()
    item, other = sub["items"]["data"][0], shop.price(500, "Seats")
    shop.day(10)
    done = shop.do("subscriptions.update", subscription=sub["id"], items=[{"id": item["id"], "deleted": True}, {"price": other["id"], "quantity": 4}])  # fmt: skip
    assert done.preview.changes[:2] == (
        Change("item", "Pro at $30.00 a month", None),
        Change("item", None, "4 x Seats at $5.00 a month"),
    )
    assert "the next invoice is about" in done.preview.says
    assert "for the rest of this period" in done.preview.says
    assert [one["price"]["id"] for one in done.made["items"]["data"]] == [other["id"]]
    shop.day(33)
    invoice = shop.get(f"invoices/{shop.get('subscriptions/' + sub['id'])['latest_invoice']}")
    assert abs(-done.preview.moves[0].minor - invoice["amount_due"]) <= 5
    with pytest.raises(Refusal, match="is not on this subscription"):
        update(
            shop.values(
                "subscriptions.update", subscription=sub["id"], items=[{"id": "si_none", "quantity": 1}]
            ),
            {"subscription": shop.get(f"subscriptions/{sub['id']}")},
        )


def test_cancel_at_the_end_and_back(shop: Shop) -> None:
    sub = shop.subscription()
    done = shop.do("subscriptions.cancel_at_period_end", subscription=sub["id"], cancellation_details={"feedback": "unused"})  # fmt: skip
    assert done.preview.says == (
        f"Cancel the subscription of Fernwood Bakery ({sub['id']}) at the end of its period, 1 Feb 2026"
    )
    assert (done.made["cancel_at_period_end"], done.made["status"]) == (True, "active")
    looked(shop, done, "marked", "events")
    with pytest.raises(Refusal, match="already to be canceled"):
        shop.preview("subscriptions.cancel_at_period_end", subscription=sub["id"])
    back = shop.do("subscriptions.update", subscription=sub["id"], cancel_at_period_end=False)
    assert back.preview.changes == (Change("cancel at period end", "yes", "no"),)
    assert back.made["cancel_at_period_end"] is False
    assert shop.look_up(done)["marked"] is None


def test_cancel_now(shop: Shop) -> None:
    sub = shop.subscription()
    done = shop.do("subscriptions.cancel", subscription=sub["id"])
    assert done.preview.changes == (Change("status", "active", done.made["status"]),)
    assert "not credited" in done.preview.says
    # Stripe takes no idempotency key on this DELETE, so the state tells alone
    assert shop.look_up(done)["state"] == done.made["id"]
    with pytest.raises(Refusal, match="canceled already"):
        shop.preview("subscriptions.cancel", subscription=sub["id"])
    for name, more in (("pause_collection", {"pause_collection": {"behavior": "void"}}), ("resume", {}),
                       ("cancel_at_period_end", {}), ("resume_collection", {})):  # fmt: skip
        with pytest.raises(Refusal, match="canceled already"):
            shop.preview(f"subscriptions.{name}", subscription=sub["id"], **more)


def test_pause_and_resume_collecting(shop: Shop) -> None:
    sub = shop.subscription()
    until = shop.engine.clock.now() + 60 * DAY
    with pytest.raises(Refusal, match="is not paused"):
        shop.preview("subscriptions.resume_collection", subscription=sub["id"])
    done = shop.do("subscriptions.pause_collection", subscription=sub["id"], pause_collection={"behavior": "void", "resumes_at": until})  # fmt: skip
    assert "until 2 Mar 2026: its invoices are voided" in done.preview.says
    assert done.made["pause_collection"] == {"behavior": "void", "resumes_at": until}
    assert done.made["status"] == "active"
    looked(shop, done, "marked", "events")
    with pytest.raises(Refusal, match=r"use subscriptions\.resume_collection"):
        shop.preview("subscriptions.resume", subscription=sub["id"])
    on = shop.do("subscriptions.resume_collection", subscription=sub["id"])
    assert on.preview.changes == (Change("pause collection", "void", None),)
    assert on.made["pause_collection"] is None
    looked(shop, on, "marked", "events")


def test_resume_a_paused_subscription(shop: Shop) -> None:
    sub = shop.subscription()
    shop.post(f"subscriptions/{sub['id']}/pause")
    done = shop.do("subscriptions.resume", subscription=sub["id"])
    assert done.preview.changes == (Change("status", "paused", done.made["status"]),)
    invoice = shop.get(f"invoices/{done.made['latest_invoice']}")
    assert done.preview.moves[0].minor == -invoice["total"]
    looked(shop, done, "state", "events")


# invoices


def test_the_life_of_an_invoice(shop: Shop) -> None:
    customer = shop.customer()
    made = shop.do("invoices.create", customer=customer["id"])
    assert made.preview.says == "Draft an invoice for Fernwood Bakery, without lines yet"
    looked(shop, made, "listed", "events")
    id_ = made.made["id"]
    item = shop.do("invoice_items.create", customer=customer["id"], invoice=id_, amount=8000, currency="usd", description="Work")  # fmt: skip
    assert item.preview.says == f"Add $80.00 on draft invoice {id_} of Fernwood Bakery: Work"
    looked(shop, item, "listed", "events")

    with pytest.raises(Refusal, match="is draft and cannot be paid: finalize it first"):
        shop.preview("invoices.pay", invoice=id_)
    final = shop.do("invoices.finalize", invoice=id_, auto_advance=False)
    assert final.preview.changes == (Change("status", "draft", final.made["status"]),)
    assert final.preview.moves[0].minor == -final.made["amount_due"] == -8000
    looked(shop, final, "state", "events")
    with pytest.raises(Refusal, match="is open and cannot be finalized"):
        shop.preview("invoices.finalize", invoice=id_)

    paid = shop.do("invoices.pay", invoice=id_)
    assert paid.preview.says == (
        f"Charge $80.00 to the visa ending 4242 of Fernwood Bakery for invoice {final.made['number']}"
    )
    assert (paid.made["status"], paid.made["amount_remaining"]) == ("paid", 0)
    payment = shop.get("invoice_payments", invoice=id_)["data"][0]["payment"]["payment_intent"]
    booked(shop, paid.preview.movement, shop.get(f"payment_intents/{payment}")["latest_charge"])
    looked(shop, paid, "state", "events")
    with pytest.raises(Refusal, match="is paid"):
        shop.preview("invoices.pay", invoice=id_)
    with pytest.raises(Refusal, match="is paid and cannot be voided: it is settled"):
        shop.preview("invoices.void", invoice=id_)


def test_money_that_is_converted_foretells_no_movement(shop: Shop) -> None:
    customer = shop.customer()
    paid = shop.preview("payment_intents.create", amount=500, currency="gbp", customer=customer["id"],
                        payment_method=shop.method(customer), confirm=True)  # fmt: skip
    assert paid.movement is None
    assert "holds no GBP" in paid.warnings[-1]


def test_a_note_on_what_a_bank_debited(shop: Shop) -> None:
    invoice = shop.open_invoice(shop.customer("pm_usBankAccount_success"))
    shop.post(f"invoices/{invoice['id']}/pay")
    shop.day(9)
    assert shop.get(f"invoices/{invoice['id']}")["status"] == "paid"
    done = shop.do("credit_notes.create", invoice=invoice["id"], amount=1000, refund_amount=1000)
    booked(shop, done.preview.movement, done.made["refunds"][0]["refund"])


def test_a_draft_of_what_waits(shop: Shop) -> None:
    customer = shop.customer()
    one = shop.do(
        "invoice_items.create", customer=customer["id"], amount=-500, currency="usd", description="Sorry"
    )
    assert one.preview.says == "Credit $5.00 on the next invoice of Fernwood Bakery: Sorry"
    price = shop.price(700, "Box", recurring=None)
    two = shop.do("invoice_items.create", customer=customer["id"], pricing={"price": price["id"]}, quantity=3)
    assert two.preview.says == "Add $21.00 on the next invoice of Fernwood Bakery: 3 x Box at $7.00"
    assert two.made["amount"] == 2100
    done = shop.do("invoices.create", customer=customer["id"], pending_invoice_items_behavior="include")
    assert "with 2 waiting items, $16.00 before tax" in done.preview.says
    assert done.made["subtotal"] == 1600


def test_paid_elsewhere(shop: Shop) -> None:
    invoice = shop.open_invoice()
    done = shop.do("invoices.pay", invoice=invoice["id"], paid_out_of_band=True)
    assert "paid outside Stripe" in done.preview.says
    assert (done.preview.moves, done.preview.movement) == ((), None)
    assert (done.made["status"], shop.get("charges")["data"]) == ("paid", [])
    looked(shop, done, "state", "events")


def test_a_payment_under_way_is_not_made_twice(shop: Shop) -> None:
    customer = shop.customer("pm_usBankAccount_success")
    invoice = shop.open_invoice(customer)
    done = shop.do("invoices.pay", invoice=invoice["id"])
    assert done.made["status"] == "open"
    assert shop.look_up(done)["state"] == invoice["id"]
    with pytest.raises(Refusal, match="on its way already"):
        shop.preview("invoices.pay", invoice=invoice["id"])


def test_sending(shop: Shop) -> None:
    automatic = shop.open_invoice()
    with pytest.raises(Refusal, match="charged automatically"):
        shop.preview("invoices.send", invoice=automatic["id"])
    draft = shop.draft(collection_method="send_invoice", days_until_due=14)
    done = shop.do("invoices.send", invoice=draft["id"])
    assert "by e-mail to jo@example.com: $80.00 due by 15 Jan 2026" in done.preview.says
    assert done.preview.changes == (Change("status", "draft", done.made["status"]),)
    looked(shop, done, "events")


def test_voiding(shop: Shop) -> None:
    invoice = shop.open_invoice()
    done = shop.do("invoices.void", invoice=invoice["id"])
    assert done.preview.says.endswith("$80.00 is owed no longer")
    assert done.preview.changes[0] == Change("status", "open", done.made["status"])
    looked(shop, done, "state", "events")
    with pytest.raises(Refusal, match="is void"):
        shop.preview("invoices.void", invoice=invoice["id"])
    with pytest.raises(Refusal, match="is draft and cannot be voided"):
        shop.preview("invoices.void", invoice=shop.draft()["id"])


def test_crediting_an_open_invoice(shop: Shop) -> None:
    invoice = shop.open_invoice()
    done = shop.do("credit_notes.create", invoice=invoice["id"], amount=3000, reason="order_change")
    assert "Credit $30.00 on invoice" in done.preview.says
    assert done.preview.changes == (Change("owed", "$80.00", "$50.00"),)
    assert shop.get(f"invoices/{invoice['id']}")["amount_remaining"] == 5000
    assert (done.preview.movement, done.made["pre_payment_amount"]) == (None, 3000)
    looked(shop, done, "listed", "events")


def test_crediting_a_paid_invoice(shop: Shop) -> None:
    customer = shop.customer()
    invoice = shop.post(f"invoices/{shop.open_invoice(customer)['id']}/pay")
    done = shop.do(
        "credit_notes.create", invoice=invoice["id"], amount=3000, refund_amount=2000, credit_amount=1000
    )
    assert "$20.00 is refunded, $10.00 is credited to the customer's balance" in done.preview.says
    booked(shop, done.preview.movement, done.made["refunds"][0]["refund"])
    assert shop.get(f"customers/{customer['id']}")["balance"] == -1000
    looked(shop, done, "listed", "events")
    found = {"invoice": shop.get(f"invoices/{invoice['id']}")}
    values = shop.values("credit_notes.create", invoice=invoice["id"], amount=5001, refund_amount=5001)
    with pytest.raises(Refusal, match=r"Only \$50\.00"):
        credit_note(values, found)
    values = shop.values("credit_notes.create", invoice=invoice["id"], amount=500)
    with pytest.raises(Refusal, match="must add up to 500"):
        credit_note(values, found)
    values = shop.values("credit_notes.create", invoice=shop.draft()["id"], amount=500)
    with pytest.raises(Refusal, match="is draft and cannot be credited"):
        credit_note(values, {"invoice": shop.draft()})
