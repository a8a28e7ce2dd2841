"""The money room of the stand-in Stripe: what is paid, given back, disputed, paid out, and the balance of it all.

    intent = pay(call, amount=2000, currency="usd", customer="cus_1", payment_method="pm_card_visa")
    refund(call, call.get("charge", intent["latest_charge"]), 500)
    open_dispute(call, charge, "product_not_received", amount=1500)

Money moves through `balance.book` alone, one balance transaction for each movement, so that for every currency

    sum of net over the balance transactions = available + pending,  and  the members of a payout sum to zero.

What Stripe's test mode has (test cards, tokens, evidence texts) works here. What only time or a bank does in reality
is asked for:

    POST /_pinstripe/settings                              fees_later, fee_tax_percent, settles[], payout_failure …
    POST /_pinstripe/balance_transactions                  any type: amount, type, reporting_category, fee
    POST /_pinstripe/payment_methods/{id}/outcome          outcome=decline:do_not_honor, times
    POST /_pinstripe/payment_intents/{id}/authenticate     succeed
    POST /_pinstripe/charges/{id}/fail                     a bank debit comes back: failure_code
    POST /_pinstripe/charges/{id}/dispute                  reason, amount, inquiry, prevented
    POST /_pinstripe/charges/{id}/warning                  fraud_type
    POST /_pinstripe/disputes/{id}/decide|escalate|appeal  won
    POST /_pinstripe/refunds/{id}/fail                     failure_reason
    POST /_pinstripe/payouts/{id}/fail                     failure_code
    POST /_pinstripe/topups/{id}/fail                      failure_code
    POST /_pinstripe/reserve_transactions|reserve_holds    amount, days
    POST /_pinstripe/connect_collections                   account
    POST /_pinstripe/accounts/{id}/settles                 currency
"""
