"""One of each object that can be read, in a stand-in Stripe."""

from __future__ import annotations

from bookhand.sandbox.stripe.answer import Request
from bookhand.sandbox.stripe.call import Upload

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Shop:
    """``post`` and ``get`` answer with the object or fail."""

    def __init__(self, engine):
        self.engine = engine

    def send(self, method, path, account=None, **params):
        key = self.engine.keys().test
        answer = self.engine.call(method, path, params, key=key, account=account)
        assert answer.status == 200, answer.json()
        return answer.json()

    def post(self, path, **params):
        return self.send("POST", path, **params)

    def get(self, path, **params):
        return self.send("GET", path, **params)

    def pay(self, amount=2000, card="pm_card_visa", **more):
        """A confirmed payment intent."""
        return self.post(
            "/v1/payment_intents", amount=amount, currency="usd", payment_method=card, confirm=True, **more
        )

    def customer(self, **more):
        """A customer who can pay."""
        made = self.post("/v1/customers", email="ada@example.com", name="Ada", **more)["id"]
        method = self.post("/v1/payment_methods/pm_card_visa/attach", customer=made)["id"]
        self.post(f"/v1/customers/{made}", invoice_settings={"default_payment_method": method})
        return made

    def upload(self, name="proof.png"):
        headers = {"authorization": f"Bearer {self.engine.keys().test}"}
        file = Upload(name, "image/png", PNG)
        request = Request("POST", "/v1/files", {"purpose": "dispute_evidence"}, headers, {"file": file})
        return self.engine.answer(request).json()["id"]


def stocked(shop: Shop) -> dict[str, str]:
    """Makes one of each; names of path parameters to their ids."""
    shop.pay(90_000, "pm_card_bypassPending")
    made: dict[str, str] = {"customer": (ada := shop.customer())}
    paid = shop.pay(5000, "pm_card_bypassPending", customer=ada)
    made |= {"payment_intent": paid["id"], "charge": paid["latest_charge"]}
    made["refund"] = shop.post("/v1/refunds", charge=made["charge"], amount=700)["id"]
    shop.pay(7000, "pm_card_createDispute", customer=ada)
    made["dispute"] = shop.get("/v1/disputes")["data"][0]["id"]
    shop.pay(1100, "pm_card_createIssuerFraudRecord")
    warnings = shop.get("/v1/radar/early_fraud_warnings")
    made["early_fraud_warning"] = warnings["data"][0]["id"]
    made["payment_method"] = shop.get("/v1/payment_methods", customer=ada)["data"][0]["id"]
    return made | _billing(shop, ada) | _money(shop)


def _billing(shop: Shop, ada: str) -> dict[str, str]:
    product = shop.post("/v1/products", name="Plan")["id"]
    price = shop.post(
        "/v1/prices", product=product, unit_amount=2000, currency="usd", recurring={"interval": "month"}
    )["id"]
    made = shop.post("/v1/subscriptions", customer=ada, items=[{"price": price}])
    schedule = shop.post(
        "/v1/subscription_schedules", customer=ada, start_date="now",
        phases=[{"items": [{"price": price}], "duration": {"interval": "month", "interval_count": 1}}],
    )["id"]  # fmt: skip
    invoice = made["latest_invoice"]
    line = shop.get(f"/v1/invoices/{invoice}/lines")["data"][0]["id"]
    lines = [{"type": "invoice_line_item", "invoice_line_item": line, "amount": 500}]
    return {
        "product": product, "price": price, "subscription": made["id"], "schedule": schedule, "invoice": invoice,
        "item": made["items"]["data"][0]["id"],
        "invoiceitem": shop.post("/v1/invoiceitems", customer=ada, amount=300, currency="usd")["id"],
        "credit_note": shop.post("/v1/credit_notes", invoice=invoice, lines=lines, credit_amount=500)["id"],
        "coupon": shop.post("/v1/coupons", percent_off=10, duration="once")["id"],
    }  # fmt: skip


def _money(shop: Shop) -> dict[str, str]:
    partner = shop.post("/v1/accounts", type="express", country="US", email="baker@example.com")["id"]
    shop.post(
        "/v1/charges",
        account=partner,
        amount=9000,
        currency="usd",
        source="tok_visa",
        application_fee_amount=500,
    )
    office = {
        "address": {"country": "US", "state": "CA", "postal_code": "94607"},
        "address_source": "billing",
    }
    shop.post(
        "/v1/tax/settings", head_office={"address": office["address"]}, defaults={"tax_code": "txcd_10000000"}
    )
    sums = shop.post(
        "/v1/tax/calculations", currency="usd", line_items=[{"amount": 1000, "reference": "one"}], customer_details=office
    )["id"]  # fmt: skip
    sold = shop.post("/v1/tax/transactions/create_from_calculation", calculation=sums, reference="order-1")
    return {
        "account": partner, "transaction": sold["id"], "file": shop.upload(),
        "payout": shop.post("/v1/payouts", amount=1000, currency="usd")["id"],
        "balance_transaction": shop.get("/v1/balance_transactions")["data"][0]["id"],
        "application_fee": shop.get("/v1/application_fees")["data"][0]["id"],
        "event": shop.get("/v1/events")["data"][0]["id"],
    }  # fmt: skip
