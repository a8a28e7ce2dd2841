"""What invoices add up to: proration, tax, discounts, balances, credit notes, to the cent."""

from __future__ import annotations

import random

import pytest

from .conftest import DAY, JSON, START, Company


def adds_up(invoice: JSON, every_line: list[JSON] | None = None) -> None:
    """The identities that hold for every invoice."""
    lines = every_line or invoice["lines"]["data"]
    assert len(lines) == invoice["lines"]["total_count"]
    off = sum(d["amount"] for d in invoice["total_discount_amounts"])
    added = sum(t["amount"] for t in invoice["total_taxes"] if t["tax_behavior"] == "exclusive")
    inside = sum(t["amount"] for t in invoice["total_taxes"] if t["tax_behavior"] == "inclusive")
    assert invoice["subtotal"] == sum(line["amount"] for line in lines)
    assert invoice["total"] == invoice["subtotal"] - off + added
    assert invoice["total_excluding_tax"] == invoice["total"] - added - inside
    assert off == sum(d["amount"] for line in lines for d in line["discount_amounts"])
    for tax in invoice["total_taxes"]:
        rate = tax["tax_rate_details"]["tax_rate"]
        own = [t for line in lines for t in line["taxes"] if t["tax_rate_details"]["tax_rate"] == rate]
        assert tax["amount"] == sum(t["amount"] for t in own)
        assert tax["taxable_amount"] == sum(t["taxable_amount"] for t in own)
    end = invoice["ending_balance"] if invoice["ending_balance"] is not None else 0
    if invoice["status"] != "draft":
        lowered = invoice["pre_payment_credit_notes_amount"]
        assert invoice["amount_due"] == invoice["total"] - lowered + invoice["starting_balance"] - end
    assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]


def test_more_seats_in_the_middle_of_a_month(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price(3100))
    item = sub["items"]["data"][0]
    company.day(15.5)
    company.post(f"subscription_items/{item['id']}", quantity=3)
    pending = company.all("invoiceitems", pending="true")
    assert sorted(i["amount"] for i in pending) == [-1550, 4650]
    assert all(i["proration"] for i in pending)
    company.day(32)
    renewal = company.latest(sub)
    assert renewal["total"] == 3 * 3100 + 4650 - 1550
    adds_up(renewal)
    credit = next(line for line in renewal["lines"]["data"] if line["amount"] < 0)
    details = credit["parent"]["subscription_item_details"]
    assert details["proration_details"]["credited_items"]["invoice"] == sub["latest_invoice"]
    assert company.all("invoiceitems", pending="true") == []


def test_an_upgrade_invoiced_at_once(company: Company) -> None:
    small, large = company.price(1000), company.price(4000)
    sub = company.subscribe(company.customer(), small)
    company.day(20)
    changed = company.post(
        f"subscriptions/{sub['id']}",
        items=[{"id": sub["items"]["data"][0]["id"], "price": large["id"]}],
        proration_behavior="always_invoice",
    )
    invoice = company.latest(changed)
    assert (invoice["billing_reason"], invoice["status"]) == ("subscription_update", "paid")
    assert invoice["total"] == round(4000 * 11 / 31) - round(1000 * 11 / 31)
    assert changed["items"]["data"][0]["current_period_end"] == START + 31 * DAY
    told = company.events("customer.subscription.updated")[-1]
    assert told["data"]["previous_attributes"]["items"]["data"][0]["price"]["id"] == small["id"]


def test_from_monthly_to_yearly_starts_anew(company: Company) -> None:
    monthly, yearly = company.price(3100), company.price(30000, "year")
    sub = company.subscribe(company.customer(), monthly)
    company.day(10)
    changed = company.post(
        f"subscriptions/{sub['id']}", items=[{"id": sub["items"]["data"][0]["id"], "price": yearly["id"]}]
    )
    assert changed["billing_cycle_anchor"] == START + 10 * DAY
    assert changed["items"]["data"][0]["current_period_end"] == START + 375 * DAY
    invoice = company.latest(changed)
    assert [line["amount"] for line in invoice["lines"]["data"]] == [-2100, 30000]
    adds_up(invoice)
    company.day(60)
    assert company.latest(changed)["id"] == invoice["id"]


def test_without_proration_nothing_waits(company: Company) -> None:
    sub = company.subscribe(company.customer(), company.price(3100))
    company.day(10)
    company.post(f"subscription_items/{sub['items']['data'][0]['id']}", quantity=2, proration_behavior="none")
    assert company.all("invoiceitems") == []
    company.day(32)
    assert company.latest(sub)["total"] == 6200


def test_items_come_and_go(company: Company) -> None:
    base, extra = company.price(3100), company.price(620)
    sub = company.subscribe(company.customer(), base)
    company.day(21)
    item = company.post("subscription_items", subscription=sub["id"], price=extra["id"], quantity=1)
    assert len(company.get("subscription_items", subscription=sub["id"])["data"]) == 2
    company.day(26)
    assert company.delete(f"subscription_items/{item['id']}")["deleted"] is True
    amounts = sorted(i["amount"] for i in company.all("invoiceitems"))
    assert amounts == [-100, 200]
    last = company.get(f"subscriptions/{sub['id']}")["items"]["data"]
    assert len(last) == 1


@pytest.mark.parametrize("seed", range(12))
def test_any_change_at_any_second_sums_to_the_time_used(seed: int) -> None:
    company, chance = Company(seed), random.Random(seed)
    prices = [company.price(chance.randint(100, 99_999)) for _ in range(3)]
    sub = company.subscribe(company.customer(), prices[0])
    item, at, price, quantity = sub["items"]["data"][0]["id"], 0.0, prices[0], 1
    used = 0.0
    for _ in range(6):
        then = at + chance.random() * (30 - at)
        used += price["unit_amount"] * quantity * (int(then * DAY) - int(at * DAY)) / (31 * DAY)
        company.day(then)
        price, quantity, at = chance.choice(prices), chance.randint(1, 9), then
        company.post(f"subscription_items/{item}", price=price["id"], quantity=quantity)
    used += price["unit_amount"] * quantity * (31 * DAY - int(at * DAY)) / (31 * DAY)
    company.day(32)
    renewal = company.latest(sub)
    assert renewal["lines"]["has_more"]
    assert len(renewal["lines"]["data"]) == 10
    adds_up(renewal, company.all(f"invoices/{renewal['id']}/lines"))
    billed = prices[0]["unit_amount"] + renewal["total"] - price["unit_amount"] * quantity
    assert abs(billed - used) <= 6


def test_tax_by_hand_exclusive_and_inclusive(company: Company) -> None:
    vat = company.post("tax_rates", display_name="VAT", percentage=19, inclusive=False, country="DE")
    inside = company.post("tax_rates", display_name="GST", percentage=10, inclusive=True)
    customer = company.customer()
    outer = company.subscribe(customer, company.price(999), default_tax_rates=[vat["id"]])
    inner = company.subscribe(customer, company.price(1100), default_tax_rates=[inside["id"]])
    first, second = company.latest(outer), company.latest(inner)
    assert (first["subtotal"], first["total"], first["total_taxes"][0]["amount"]) == (999, 1189, 190)
    assert (second["total"], second["total_excluding_tax"], second["total_taxes"][0]["amount"]) == (
        1100,
        1000,
        100,
    )
    assert second["subtotal_excluding_tax"] == 1000
    adds_up(first)
    adds_up(second)


@pytest.mark.parametrize("seed", range(15))
def test_tax_and_discounts_are_exact_on_any_lines(seed: int) -> None:
    company, chance = Company(seed), random.Random(seed)
    customer = company.customer()
    rates = [
        company.post(
            "tax_rates", display_name="T", percentage=chance.choice([5, 8.875, 19, 7.7, 25.5]), inclusive=flag
        )
        for flag in (False, True, chance.random() < 0.5)
    ]
    coupons = [
        company.post("coupons", percent_off=chance.choice([10, 33.33, 50]), duration="forever"),
        company.post("coupons", amount_off=chance.randint(1, 900), currency="usd", duration="forever"),
    ]
    for _ in range(chance.randint(1, 9)):
        company.post(
            "invoiceitems",
            customer=customer["id"],
            amount=chance.randint(-500, 20_000),
            currency="usd",
            tax_rates=[r["id"] for r in rates if chance.random() < 0.4],
            discounts=[{"coupon": coupons[0]["id"]}] if chance.random() < 0.3 else [],
        )
    invoice = company.post(
        "invoices",
        customer=customer["id"],
        pending_invoice_items_behavior="include",
        discounts=[{"coupon": c["id"]} for c in coupons if chance.random() < 0.6],
        currency="usd",
    )
    adds_up(invoice)
    final = company.post(f"invoices/{invoice['id']}/finalize")
    assert final["total"] == invoice["total"]
    adds_up(final)
    for tax in final["total_taxes"]:
        rate = next(r for r in rates if r["id"] == tax["tax_rate_details"]["tax_rate"])
        exact = tax["taxable_amount"] * rate["percentage"] / 100
        assert abs(tax["amount"] - exact) < 1 + len(invoice["lines"]["data"]) * rate["inclusive"] * 0.3


def test_automatic_tax_where_registered(company: Company) -> None:
    place = {
        "country": "US",
        "state": "CA",
        "postal_code": "94107",
        "line1": "1 Main",
        "city": "San Francisco",
    }
    customer = company.customer(address=place)
    price = company.price(10_000)
    missing = company.subscribe(customer, price, automatic_tax={"enabled": True})
    tax = company.latest(missing)["total_taxes"][0]
    assert (tax["amount"], tax["taxability_reason"]) == (0, "not_collecting")
    company.post(
        "tax/registrations",
        country="US",
        country_options={"us": {"state": "CA", "type": "state_sales_tax"}},
        active_from="now",
    )
    sub = company.subscribe(customer, company.price(10_000), automatic_tax={"enabled": True})
    invoice = company.latest(sub)
    assert (invoice["total"], invoice["automatic_tax"]["status"]) == (10_725, "complete")
    rate = company.get(f"tax_rates/{invoice['total_taxes'][0]['tax_rate_details']['tax_rate']}")
    assert (rate["jurisdiction"], rate["percentage"]) == ("California", 7.25)
    adds_up(invoice)
    company.post(f"customers/{customer['id']}", tax_exempt="reverse")
    company.day(32)
    renewal = company.latest(sub)
    assert renewal["total_taxes"][0]["taxability_reason"] == "reverse_charge"
    assert renewal["total"] == 10_000
    nowhere = company.customer()
    error = company.refused(
        "subscriptions",
        customer=nowhere["id"],
        items=[{"price": price["id"]}],
        automatic_tax={"enabled": True},
    )
    assert error["code"] == "customer_tax_location_invalid"


def test_coupons_for_once_some_months_and_ever(company: Company) -> None:
    company_price = company.price(1000)
    once = company.post("coupons", percent_off=50, duration="once")
    some = company.post("coupons", percent_off=20, duration="repeating", duration_in_months=2)
    ever = company.post("coupons", amount_off=150, currency="usd", duration="forever")
    totals = {}
    subs = {
        coupon["id"]: company.subscribe(
            company.customer(), company_price, discounts=[{"coupon": coupon["id"]}]
        )
        for coupon in (once, some, ever)
    }
    for day in (1, 32, 60, 91):
        company.day(day)
        for coupon, sub in subs.items():
            totals.setdefault(coupon, []).append(company.latest(sub)["total"])
    assert totals == {
        once["id"]: [500, 1000, 1000, 1000],
        some["id"]: [800, 800, 1000, 1000],
        ever["id"]: [850, 850, 850, 850],
    }


def test_a_promotion_code_is_redeemed_no_more_than_it_may(company: Company) -> None:
    coupon = company.post("coupons", percent_off=10, duration="forever")
    code = company.post(
        "promotion_codes", promotion={"type": "coupon", "coupon": coupon["id"]}, code="TEN", max_redemptions=1
    )
    price = company.price(1000)
    sub = company.subscribe(company.customer(), price, discounts=[{"promotion_code": code["id"]}])
    assert company.latest(sub)["total"] == 900
    error = company.refused(
        "subscriptions",
        customer=company.customer()["id"],
        items=[{"price": price["id"]}],
        discounts=[{"promotion_code": code["id"]}],
    )
    assert error["param"] == "discounts[0][promotion_code]"


def test_credit_is_used_up_before_the_card(company: Company) -> None:
    customer = company.customer()
    company.post(f"customers/{customer['id']}/balance_transactions", amount=-4000, currency="usd")
    sub = company.subscribe(customer, company.price(3000))
    first = company.latest(sub)
    assert (first["amount_due"], first["starting_balance"], first["ending_balance"]) == (0, -4000, -1000)
    assert company.all("charges") == []
    company.day(32)
    second = company.latest(sub)
    assert (second["amount_due"], second["amount_paid"], second["ending_balance"]) == (2000, 2000, 0)
    moves = company.all(f"customers/{customer['id']}/balance_transactions")
    assert [m["amount"] for m in reversed(moves)] == [-4000, 3000, 1000]
    assert company.get(f"customers/{customer['id']}")["balance"] == sum(m["amount"] for m in moves) == 0


def test_a_downgrade_leaves_credit(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price(31_000))
    company.day(1)
    company.post(
        f"subscriptions/{sub['id']}",
        items=[{"id": sub["items"]["data"][0]["id"], "price": company.price(3100)["id"]}],
        proration_behavior="always_invoice",
    )
    invoice = company.latest(sub)
    assert (invoice["total"], invoice["status"], invoice["amount_due"]) == (-27_000, "paid", 0)
    assert company.get(f"customers/{customer['id']}")["balance"] == -27_000


def test_too_little_to_charge_waits_on_the_balance(company: Company) -> None:
    customer = company.customer()
    company.post("invoiceitems", customer=customer["id"], amount=30, currency="usd")
    draft = company.post("invoices", customer=customer["id"], pending_invoice_items_behavior="include")
    final = company.post(f"invoices/{draft['id']}/finalize")
    assert (final["status"], final["amount_due"], final["ending_balance"]) == ("paid", 0, 30)
    assert company.all(f"customers/{customer['id']}/balance_transactions")[0]["type"] == "invoice_too_small"


def test_dinars_are_charged_in_tens(company: Company) -> None:
    vat = company.post("tax_rates", display_name="VAT", percentage=5, inclusive=False)
    sub = company.subscribe(
        company.customer(), company.price(12_350, currency="kwd"), default_tax_rates=[vat["id"]]
    )
    invoice = company.latest(sub)
    assert (invoice["total"], invoice["amount_paid"], invoice["ending_balance"]) == (12_968, 12_960, 8)
    adds_up(invoice)


def test_a_credit_note_before_payment(company: Company) -> None:
    customer = company.customer(card=None)
    company.post("invoiceitems", customer=customer["id"], amount=5000, currency="usd")
    draft = company.post(
        "invoices",
        customer=customer["id"],
        pending_invoice_items_behavior="include",
        collection_method="send_invoice",
        days_until_due=30,
    )
    invoice = company.post(f"invoices/{draft['id']}/send")
    note = company.post("credit_notes", invoice=invoice["id"], amount=2000)
    assert (note["type"], note["number"]) == ("pre_payment", f"{invoice['number']}-CN-01")
    lowered = company.get(f"invoices/{invoice['id']}")
    assert (lowered["amount_remaining"], lowered["pre_payment_credit_notes_amount"]) == (3000, 2000)
    adds_up(lowered)
    company.post(f"credit_notes/{note['id']}/void")
    assert company.get(f"invoices/{invoice['id']}")["amount_remaining"] == 5000
    company.post("credit_notes", invoice=invoice["id"], amount=5000)
    assert company.get(f"invoices/{invoice['id']}")["status"] == "paid"


def test_a_credit_note_after_payment_goes_three_ways(company: Company) -> None:
    vat = company.post("tax_rates", display_name="VAT", percentage=20, inclusive=False)
    customer = company.customer()
    sub = company.subscribe(customer, company.price(10_000), default_tax_rates=[vat["id"]])
    invoice = company.latest(sub)
    line = invoice["lines"]["data"][0]
    note = company.post(
        "credit_notes",
        invoice=invoice["id"],
        lines=[{"type": "invoice_line_item", "invoice_line_item": line["id"], "amount": 2500}],
        refund_amount=1000,
        credit_amount=1500,
        out_of_band_amount=500,
        reason="order_change",
    )
    assert (note["total"], note["subtotal"], note["total_taxes"][0]["amount"]) == (3000, 2500, 500)
    assert (note["type"], note["post_payment_amount"]) == ("post_payment", 3000)
    refund = company.get(f"refunds/{note['refunds'][0]['refund']}")
    assert (refund["amount"], refund["status"]) == (1000, "succeeded")
    assert company.get(f"customers/{customer['id']}")["balance"] == -1500
    assert company.get(f"invoices/{invoice['id']}")["post_payment_credit_notes_amount"] == 3000
    wrong = company.refused("credit_notes", invoice=invoice["id"], amount=1000, refund_amount=999)
    assert wrong["param"] == "refund_amount"
    company.refused("credit_notes", invoice=invoice["id"], amount=12_000, refund_amount=12_000)


def test_a_preview_changes_nothing(company: Company) -> None:
    customer = company.customer()
    sub = company.subscribe(customer, company.price(3100))
    company.day(10)
    before = company.engine.digest()
    preview = company.post(
        "invoices/create_preview",
        subscription=sub["id"],
        subscription_details={"items": [{"id": sub["items"]["data"][0]["id"], "quantity": 2}]},
    )
    assert preview["total"] == 6200 + 4200 - 2100
    assert company.engine.digest() == before
    company.post(f"subscription_items/{sub['items']['data'][0]['id']}", quantity=2)
    company.day(32)
    assert company.latest(sub)["total"] == preview["total"]


def test_tiers_and_packages(company: Company) -> None:
    product = company.post("products", name="Seats")
    tiers = [{"up_to": 10, "unit_amount": 500}, {"up_to": "inf", "unit_amount": 400, "flat_amount": 1000}]
    price = {"product": product["id"], "currency": "usd", "recurring": {"interval": "month"}}
    graduated = company.post("prices", **price, tiers=tiers, billing_scheme="tiered", tiers_mode="graduated")
    volume = company.post("prices", **price, tiers=tiers, billing_scheme="tiered", tiers_mode="volume")
    packs = company.post(
        "prices", **price, unit_amount=700, transform_quantity={"divide_by": 5, "round": "up"}
    )
    assert "tiers" not in graduated
    shown = company.get(f"prices/{graduated['id']}", expand=["tiers"])
    assert [tier["up_to"] for tier in shown["tiers"]] == [10, None]
    totals = []
    for one in (graduated, volume, packs):
        sub = company.subscribe(company.customer(), items=[{"price": one["id"], "quantity": 12}])
        totals.append(company.latest(sub)["total"])
    assert totals == [10 * 500 + 2 * 400 + 1000, 12 * 400 + 1000, 3 * 700]


def test_currency_options(company: Company) -> None:
    price = company.price(1000, currency_options={"eur": {"unit_amount": 900}})
    sub = company.subscribe(company.customer(), price, currency="eur")
    invoice = company.latest(sub)
    assert (invoice["currency"], invoice["total"]) == ("eur", 900)
    refused = company.refused(
        "subscriptions", customer=company.customer()["id"], items=[{"price": price["id"]}], currency="jpy"
    )
    assert refused["param"] == "items"


def test_each_currency_has_its_own_balance(company: Company) -> None:
    customer = company.customer()
    dollars, euros = company.price(1000), company.price(2000, currency="eur")
    company.post(f"customers/{customer['id']}/balance_transactions", amount=-1500, currency="usd")
    company.post(f"customers/{customer['id']}/balance_transactions", amount=-500, currency="eur")
    first = company.latest(company.subscribe(customer, euros, currency="eur"))
    assert (first["amount_due"], first["starting_balance"], first["ending_balance"]) == (1500, -500, 0)
    second = company.latest(company.subscribe(customer, dollars, currency="usd"))
    assert (second["amount_due"], second["starting_balance"], second["ending_balance"]) == (0, -1500, -500)
    shown = company.get(f"customers/{customer['id']}", expand=["invoice_credit_balance"])
    assert (shown["balance"], shown["invoice_credit_balance"]) == (-500, {"usd": -500, "eur": 0})


def test_lines_of_a_draft_can_be_changed(company: Company) -> None:
    customer = company.customer()
    vat = company.post("tax_rates", display_name="VAT", percentage=20, inclusive=False)
    company.post("invoiceitems", customer=customer["id"], amount=1000, currency="usd")
    draft = company.post("invoices", customer=customer["id"], pending_invoice_items_behavior="include")
    line = draft["lines"]["data"][0]["id"]
    changed = company.post(f"invoices/{draft['id']}/lines/{line}", amount=1500, tax_rates=[vat["id"]])
    assert (changed["amount"], changed["taxes"][0]["amount"]) == (1500, 300)
    assert company.get(f"invoices/{draft['id']}")["total"] == 1800
    assert (
        company.post(f"invoices/{draft['id']}/remove_lines", lines=[{"id": line, "behavior": "delete"}])[
            "total"
        ]
        == 0
    )
    assert company.all("invoiceitems") == []


def test_what_a_deleted_customer_owes_can_still_be_settled(company: Company) -> None:
    customer = company.customer("pm_usBankAccount_success")
    sub = company.subscribe(customer, company.price())
    company.delete(f"customers/{customer['id']}")
    company.day(10)
    invoice = company.get(f"invoices/{sub['latest_invoice']}")
    assert (invoice["status"], invoice["amount_paid"]) == ("paid", 3000)
