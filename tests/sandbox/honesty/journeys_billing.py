"""Walks with the official SDK through customers, the catalogue, subscriptions, invoices and credit notes."""

from __future__ import annotations

from typing import Any

import stripe

Client = stripe.StripeClient
DAY = 86_400


def subscriber(c: Client, card: str = "pm_card_visa", **more: Any) -> Any:
    """A customer with a default card."""
    customer = c.v1.customers.create({"email": "ada@example.com", "name": "Ada", **more})
    method = c.v1.payment_methods.attach(card, {"customer": customer.id})
    c.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
    return customer


def price(c: Client, amount: int = 2_000, currency: str = "usd", **more: Any) -> Any:
    """A monthly price of a new product."""
    product = c.v1.products.create({"name": "Plan"})
    recurring = {"recurring": {"interval": "month"}} | more
    return c.v1.prices.create(
        {"product": product.id, "unit_amount": amount, "currency": currency, **recurring}
    )


def customers(c: Client) -> None:
    address = {"line1": "1 Way", "city": "Oakland", "country": "US", "state": "CA", "postal_code": "94607"}
    made = subscriber(c, address=address, metadata={"a": "1"}, phone="+15555550100")
    c.v1.customers.update(
        made.id, {"metadata": {"a": "", "b": "2"}, "shipping": {"name": "A", "address": address}}
    )
    c.v1.customers.retrieve(made.id, {"expand": ["invoice_settings.default_payment_method", "subscriptions"]})
    c.v1.customers.list({"limit": 2, "email": "ada@example.com"})
    c.v1.customers.search({"query": "email:'ada@example.com'"})
    methods = c.v1.customers.payment_methods.list(made.id)
    c.v1.customers.payment_methods.retrieve(made.id, methods.data[0].id)
    tax_id = c.v1.customers.tax_ids.create(made.id, {"type": "eu_vat", "value": "DE123456789"})
    c.v1.customers.tax_ids.retrieve(made.id, tax_id.id)
    c.v1.customers.tax_ids.list(made.id)
    c.v1.customers.tax_ids.delete(made.id, tax_id.id)
    moved = c.v1.customers.balance_transactions.create(made.id, {"amount": -500, "currency": "usd"})
    c.v1.customers.balance_transactions.retrieve(made.id, moved.id)
    c.v1.customers.balance_transactions.update(made.id, moved.id, {"description": "Goodwill"})
    c.v1.customers.balance_transactions.list(made.id)
    gone = c.v1.customers.create({"description": "leaves"})
    c.v1.customers.delete(gone.id)
    c.v1.customers.retrieve(gone.id)


def methods(c: Client) -> None:
    card = {"number": "4242424242424242", "exp_month": 8, "exp_year": 2034, "cvc": "314"}
    made = c.v1.payment_methods.create({"type": "card", "card": card, "billing_details": {"name": "Ada"}})
    customer = c.v1.customers.create({})
    c.v1.payment_methods.attach(made.id, {"customer": customer.id})
    c.v1.payment_methods.update(made.id, {"metadata": {"a": "b"}, "card": {"exp_year": 2040}})
    c.v1.payment_methods.retrieve(made.id, {"expand": ["customer"]})
    c.v1.payment_methods.list({"customer": customer.id, "type": "card"})
    c.v1.payment_methods.attach("pm_usBankAccount_success", {"customer": customer.id})
    c.v1.payment_methods.detach(made.id)


def catalogue(c: Client) -> None:
    product = c.v1.products.create({"name": "Team", "description": "For teams", "metadata": {"a": "b"}})
    flat = c.v1.prices.create({"product": product.id, "unit_amount": 9_900, "currency": "eur"})
    tiers = [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 400, "flat_amount": 100}]
    tiered = c.v1.prices.create(
        {
            "product": product.id,
            "currency": "usd",
            "recurring": {"interval": "year"},
            "billing_scheme": "tiered",
            "tiers_mode": "graduated",
            "tiers": tiers,
            "tax_behavior": "exclusive",
        }
    )
    c.v1.prices.retrieve(tiered.id, {"expand": ["tiers", "product"]})
    c.v1.prices.update(flat.id, {"nickname": "Flat", "active": False})
    c.v1.prices.list({"product": product.id})
    c.v1.prices.search({"query": "active:'true'"})
    c.v1.products.update(product.id, {"default_price": tiered.id})
    c.v1.products.retrieve(product.id, {"expand": ["default_price"]})
    c.v1.products.list({"active": True})
    c.v1.products.search({"query": "active:'true'"})
    c.v1.products.delete(c.v1.products.create({"name": "Never sold"}).id)
    c.v1.plans.list()
    c.v1.plans.retrieve(tiered.id)
    rate = c.v1.tax_rates.create(
        {"display_name": "VAT", "percentage": 19, "inclusive": True, "country": "DE", "tax_type": "vat"}
    )
    c.v1.tax_rates.update(rate.id, {"active": False})
    c.v1.tax_rates.retrieve(rate.id)
    c.v1.tax_rates.list()
    coupon = c.v1.coupons.create({"percent_off": 25, "duration": "repeating", "duration_in_months": 3})
    c.v1.coupons.update(coupon.id, {"name": "Quarter off"})
    c.v1.coupons.retrieve(coupon.id)
    c.v1.coupons.list()
    code = c.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "WELCOME"}
    )
    c.v1.promotion_codes.update(code.id, {"active": False})
    c.v1.promotion_codes.retrieve(code.id)
    c.v1.promotion_codes.list()
    c.v1.coupons.delete(c.v1.coupons.create({"amount_off": 100, "currency": "usd", "duration": "once"}).id)


def subscriptions(c: Client) -> None:
    small, large = price(c), price(c, 9_000)
    customer = subscriber(c, address={"country": "US", "state": "CA", "postal_code": "94607"})
    coupon = c.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    made = c.v1.subscriptions.create(
        {
            "customer": customer.id,
            "items": [{"price": small.id, "quantity": 2}],
            "discounts": [{"coupon": coupon.id}],
            "automatic_tax": {"enabled": True},
            "expand": ["latest_invoice.payments", "items.data.price.product"],
        }
    )
    item = made["items"].data[0]
    c.v1.invoices.create_preview(
        {
            "customer": customer.id,
            "subscription": made.id,
            "subscription_details": {"items": [{"id": item.id, "price": large.id}]},
        }
    )
    c.v1.subscriptions.update(
        made.id, {"items": [{"id": item.id, "price": large.id}], "proration_behavior": "always_invoice"}
    )
    c.v1.subscription_items.list({"subscription": made.id})
    extra = c.v1.subscription_items.create({"subscription": made.id, "price": small.id, "quantity": 1})
    c.v1.subscription_items.update(extra.id, {"quantity": 3})
    c.v1.subscription_items.retrieve(extra.id)
    c.v1.subscription_items.delete(extra.id)
    c.v1.subscriptions.update(made.id, {"pause_collection": {"behavior": "void"}})
    c.v1.subscriptions.update(made.id, {"pause_collection": ""})
    c.v1.subscriptions.delete_discount(made.id)
    c.v1.subscriptions.pause(made.id, {"type": "subscription"})
    c.v1.subscriptions.resume(made.id, {"billing_cycle_anchor": "now"})
    c.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
    c.v1.subscriptions.retrieve(made.id, {"expand": ["customer", "default_payment_method", "latest_invoice"]})
    c.v1.subscriptions.list({"customer": customer.id})
    c.v1.subscriptions.list({"status": "all", "limit": 3})
    c.v1.subscriptions.search({"query": "status:'active'"})
    c.v1.subscriptions.cancel(made.id, {"prorate": True, "invoice_now": True})
    trial = c.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": small.id}], "trial_period_days": 14}
    )
    c.v1.subscriptions.update(trial.id, {"trial_end": "now"})
    incomplete = c.v1.customers.create({})
    c.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": incomplete.id})
    failing = c.v1.customers.payment_methods.list(incomplete.id).data[0]
    c.v1.subscriptions.create(
        {"customer": incomplete.id, "items": [{"price": small.id}], "default_payment_method": failing.id}
    )


def schedules(c: Client) -> None:
    small, large = price(c), price(c, 9_000)
    customer = subscriber(c)
    running = c.v1.subscriptions.create({"customer": customer.id, "items": [{"price": small.id}]})
    made = c.v1.subscription_schedules.create({"from_subscription": running.id})
    phase = made.phases[0]
    c.v1.subscription_schedules.update(
        made.id,
        {
            "phases": [
                {"items": [{"price": small.id}], "start_date": phase.start_date, "end_date": phase.end_date},
                {"items": [{"price": large.id}], "duration": {"interval": "month", "interval_count": 2}},
            ]
        },
    )
    c.v1.subscription_schedules.retrieve(made.id)
    c.v1.subscription_schedules.list({"customer": customer.id})
    c.v1.subscription_schedules.release(made.id)
    later = c.v1.subscription_schedules.create(
        {
            "customer": customer.id,
            "start_date": "now",
            "end_behavior": "release",
            "phases": [
                {"items": [{"price": small.id}], "duration": {"interval": "month", "interval_count": 3}}
            ],
        }
    )
    c.v1.subscription_schedules.cancel(later.id)


def invoices(c: Client) -> None:
    customer = subscriber(c)
    rate = c.v1.tax_rates.create({"display_name": "VAT", "percentage": 20, "inclusive": False})
    item = c.v1.invoice_items.create(
        {
            "customer": customer.id,
            "amount": 5_000,
            "currency": "usd",
            "tax_rates": [rate.id],
            "description": "Help",
        }
    )
    c.v1.invoice_items.update(item.id, {"amount": 6_000})
    c.v1.invoice_items.retrieve(item.id)
    c.v1.invoice_items.list({"customer": customer.id})
    draft = c.v1.invoices.create(
        {"customer": customer.id, "auto_advance": False, "pending_invoice_items_behavior": "include"}
    )
    c.v1.invoices.update(draft.id, {"description": "For help", "metadata": {"po": "7"}})
    c.v1.invoices.line_items.list(draft.id)
    c.v1.invoices.finalize_invoice(draft.id)
    paid = c.v1.invoices.pay(draft.id, {"expand": ["payments", "customer", "lines"]})
    held = c.v1.invoice_payments.list({"invoice": paid.id})
    c.v1.invoice_payments.retrieve(held.data[0].id)
    c.v1.invoices.retrieve(paid.id, {"expand": ["payments.data.payment.payment_intent"]})
    c.v1.invoices.list({"customer": customer.id, "status": "paid"})
    c.v1.invoices.search({"query": f"customer:'{customer.id}'"})
    empty = c.v1.invoices.create({"customer": customer.id})
    filled = c.v1.invoices.add_lines(empty.id, {"lines": [{"amount": 700, "description": "By hand"}]})
    line = filled.lines.data[0].id
    c.v1.invoices.update_lines(empty.id, {"lines": [{"id": line, "description": "By two hands"}]})
    c.v1.invoices.line_items.update(empty.id, line, {"amount": 900})
    c.v1.invoices.remove_lines(empty.id, {"lines": [{"id": line, "behavior": "delete"}]})
    c.v1.invoices.delete(empty.id)
    c.v1.invoice_items.create({"customer": customer.id, "amount": 2_500, "currency": "usd"})
    owed = c.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    c.v1.invoices.finalize_invoice(owed.id, {"auto_advance": False})
    intent = c.v1.payment_intents.create({"amount": 2_500, "currency": "usd", "customer": customer.id})
    c.v1.invoices.attach_payment(owed.id, {"payment_intent": intent.id})
    c.v1.invoice_items.delete(
        c.v1.invoice_items.create({"customer": customer.id, "amount": 10, "currency": "usd"}).id
    )
    for ending in ("send", "void", "uncollectible"):
        c.v1.invoice_items.create({"customer": customer.id, "amount": 3_000, "currency": "usd"})
        mailed = c.v1.invoices.create(
            {
                "customer": customer.id,
                "collection_method": "send_invoice",
                "days_until_due": 7,
                "pending_invoice_items_behavior": "include",
            }
        )
        c.v1.invoices.send_invoice(mailed.id)
        if ending == "void":
            c.v1.invoices.void_invoice(mailed.id)
        elif ending == "uncollectible":
            c.v1.invoices.mark_uncollectible(mailed.id)
        else:
            c.v1.invoices.pay(mailed.id, {"paid_out_of_band": True})


def credit_notes(c: Client) -> None:
    customer = subscriber(c)
    c.v1.invoice_items.create({"customer": customer.id, "amount": 8_000, "currency": "usd"})
    draft = c.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    c.v1.invoices.finalize_invoice(draft.id)
    invoice = c.v1.invoices.pay(draft.id)
    line = invoice.lines.data[0]
    lines = [{"type": "invoice_line_item", "invoice_line_item": line.id, "amount": 1_000}]
    c.v1.credit_notes.preview({"invoice": invoice.id, "lines": lines, "refund_amount": 1_000})
    c.v1.credit_notes.preview_lines.list({"invoice": invoice.id, "lines": lines, "refund_amount": 1_000})
    note = c.v1.credit_notes.create({"invoice": invoice.id, "lines": lines, "refund_amount": 1_000})
    c.v1.credit_notes.update(note.id, {"memo": "Sorry"})
    c.v1.credit_notes.retrieve(note.id, {"expand": ["refunds.refund"]})
    c.v1.credit_notes.list({"customer": customer.id})
    c.v1.credit_notes.line_items.list(note.id)
    credit = c.v1.credit_notes.create({"invoice": invoice.id, "amount": 500, "credit_amount": 500})
    c.v1.credit_notes.retrieve(credit.id)
    c.v1.invoice_items.create({"customer": customer.id, "amount": 4_000, "currency": "usd"})
    open_one = c.v1.invoices.create({"customer": customer.id, "pending_invoice_items_behavior": "include"})
    c.v1.invoices.finalize_invoice(open_one.id, {"auto_advance": False})
    before = c.v1.credit_notes.create({"invoice": open_one.id, "amount": 300})
    c.v1.credit_notes.void_credit_note(before.id)


def tax(c: Client) -> None:
    settings = {"defaults": {"tax_behavior": "exclusive", "tax_code": "txcd_10103001"}}
    office = {
        "address": {
            "line1": "1 Way",
            "city": "Oakland",
            "country": "US",
            "state": "CA",
            "postal_code": "94607",
        }
    }
    c.v1.tax.settings.update({**settings, "head_office": office})
    c.v1.tax.settings.retrieve()
    made = c.v1.tax.registrations.create(
        {
            "country": "US",
            "country_options": {"us": {"state": "CA", "type": "state_sales_tax"}},
            "active_from": "now",
        }
    )
    c.v1.tax.registrations.update(made.id, {"expires_at": "now"})
    c.v1.tax.registrations.retrieve(made.id)
    c.v1.tax.registrations.list()
    codes = c.v1.tax_codes.list()
    c.v1.tax_codes.retrieve(codes.data[0].id)
    sums = c.v1.tax.calculations.create(
        {
            "currency": "usd",
            "line_items": [{"amount": 1_000, "reference": "one"}, {"amount": 2_000, "reference": "two"}],
            "customer_details": {**office, "address_source": "billing"},
        }
    )
    c.v1.tax.calculations.retrieve(sums.id)
    c.v1.tax.calculations.line_items.list(sums.id)
    sold = c.v1.tax.transactions.create_from_calculation({"calculation": sums.id, "reference": "order-1"})
    c.v1.tax.transactions.retrieve(sold.id)
    c.v1.tax.transactions.line_items.list(sold.id)
    c.v1.tax.transactions.create_reversal(
        {"mode": "full", "original_transaction": sold.id, "reference": "order-1-back"}
    )


def payment_links(c: Client) -> None:
    made = c.v1.payment_links.create(
        {
            "line_items": [{"price": price(c).id, "quantity": 2}],
            "metadata": {"a": "1"},
            "restrictions": {"completed_sessions": {"limit": 3}},
            "after_completion": {"type": "redirect", "redirect": {"url": "https://example.com/thanks"}},
        }
    )
    c.v1.payment_links.retrieve(made.id, {"expand": ["line_items"]})
    c.v1.payment_links.line_items.list(made.id)
    closed = c.v1.payment_links.update(made.id, {"active": False, "inactive_message": "Sold out"})
    assert (closed.active, closed.metadata["a"]) == (False, "1")
    assert made.id not in [one.id for one in c.v1.payment_links.list({"active": True}).data]
    assert c.v1.payment_links.list().data[0].id == made.id


def clocks(c: Client) -> None:
    start = 1_790_000_000
    clock = c.v1.test_helpers.test_clocks.create({"frozen_time": start, "name": "Renewals"})
    customer = subscriber(c, test_clock=clock.id)
    made = c.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price(c).id}]})
    c.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": start + 33 * DAY})
    c.v1.test_helpers.test_clocks.retrieve(clock.id)
    c.v1.test_helpers.test_clocks.list()
    c.v1.invoices.list({"subscription": made.id})
    c.v1.test_helpers.test_clocks.delete(clock.id)


ALL = (
    customers,
    methods,
    catalogue,
    subscriptions,
    schedules,
    invoices,
    credit_notes,
    tax,
    payment_links,
    clocks,
)
