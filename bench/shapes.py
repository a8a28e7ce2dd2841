"""Stripe's objects as bytes, made from a number by one formatting: the same number gives the same object wherever it is told.

charge 7 is ``ch_000000000000000000000007``, its money ``txn_000000000000000000000007``.
"""

from __future__ import annotations

VERSION = "2026-10-28.endive"
AMOUNT, FEE = 2000, 88
NET = AMOUNT - FEE

_CHARGE = (
    '{"id":"ch_%(n)024d","object":"charge","amount":2000,"amount_captured":2000,"amount_refunded":0,"application":null,'
    '"application_fee":null,"application_fee_amount":null,"balance_transaction":"txn_%(n)024d","billing_details":{"address":{"city":null,'
    '"country":"US","line1":null,"line2":null,"postal_code":"94107","state":null},"email":"jenny@example.com","name":"Jenny Rosen",'
    '"phone":null,"tax_id":null},"calculated_statement_descriptor":"EXAMPLE","captured":true,"created":%(at)d,"currency":"usd",'
    '"customer":"cus_000000000000000000000001","description":"Subscription creation","disputed":false,"failure_balance_transaction":null,'
    '"failure_code":null,"failure_message":null,"fraud_details":{},"livemode":%(live)s,"metadata":{},"on_behalf_of":null,"outcome":'
    '{"network_status":"approved_by_network","reason":null,"risk_level":"normal","risk_score":12,"seller_message":"Payment complete.",'
    '"type":"authorized"},"paid":true,"payment_intent":"pi_%(n)024d","payment_method":"pm_000000000000000000000001",'
    '"payment_method_details":{"card":{"amount_authorized":2000,"brand":"visa","checks":{"address_line1_check":null,'
    '"address_postal_code_check":"pass","cvc_check":"pass"},"country":"US","exp_month":8,"exp_year":2030,"fingerprint":"Xt5EWLLDS7FJjR1c",'
    '"funding":"credit","installments":null,"last4":"4242","network":"visa","wallet":null},"type":"card"},"receipt_email":null,'
    '"receipt_number":null,"receipt_url":"https://pay.stripe.com/receipts/x","refunded":false,"review":null,"shipping":null,"source":null,'
    '"source_transfer":null,"statement_descriptor":null,"statement_descriptor_suffix":null,"status":"succeeded","transfer_data":null,'
    '"transfer_group":null}'
)
_TRANSACTION = (
    '{"id":"txn_%%(n)024d","object":"balance_transaction","amount":2000,"available_on":%%(at)d,"balance_type":"payments",'
    '"created":%%(at)d,"currency":"usd","description":"Subscription creation","exchange_rate":null,"fee":88,"fee_details":[{"amount":88,'
    '"application":null,"currency":"usd","description":"Stripe processing fees","type":"stripe_fee"}],"net":1912,'
    '"reporting_category":"charge","source":%s,"status":"available","type":"charge"}'
)
_OTHER = (
    '{"id":"%s_%%(n)024d","object":"%s","amount":2000,"created":%%(at)d,"currency":"usd","customer":"cus_000000000000000000000001",'
    '"description":"Subscription creation","livemode":%%(live)s,"metadata":{"order":"%%(n)024d"},"status":"%s"}'
)
# Stripe sends events indented, which makes one of this charge some 3 kB.
_EVENT = (
    '{"id":"evt_%%(n)024d","object":"event","api_version":"%s","created":%%(at)d,"data":{"object":%s},"livemode":%%(live)s,'
    '"pending_webhooks":1,"request":{"id":null,"idempotency_key":null},"type":"charge.succeeded"%s}'
)

TEMPLATES = {
    "charges": _CHARGE,
    "balance_transactions": _TRANSACTION % '"ch_%(n)024d"',
    "payment_intents": _OTHER % ("pi", "payment_intent", "succeeded"),
    "customers": _OTHER % ("cus", "customer", "active"),
    "invoices": _OTHER % ("in", "invoice", "paid"),
    "products": _OTHER % ("prod", "product", "active"),
    "prices": _OTHER % ("price", "price", "active"),
    "credit_notes": _OTHER % ("cn", "credit_note", "issued"),
    "subscriptions": _OTHER % ("sub", "subscription", "active"),
    "payment_methods": _OTHER % ("pm", "payment_method", "active"),
}
EXPANDED = _TRANSACTION % _CHARGE
EVENT = _EVENT % (VERSION, _CHARGE, " " * 900)


def made(template: str, number: int, *, created: int, live: bool = False) -> bytes:
    """One object."""
    return (template % {"n": number, "at": created, "live": "true" if live else "false"}).encode()


def event(number: int, *, created: int) -> bytes:
    """The event ``charge.succeeded`` of charge `number`, 3 kB as Stripe's are."""
    return made(EVENT, number, created=created)
