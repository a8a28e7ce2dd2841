"""What a refund, a payment and a payout would do, from the objects as they are; pure.

    refund({"charge": "ch_1", "amount": 1500}, {"charge": {…}, "disputes": {"data": []}}).says
    # 'Refund $15.00 of $80.00 to Fernwood Bakery (ch_1)'

Each raises `Refusal` where the objects forbid the call, so that nobody is asked to approve what cannot be done.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bookhand.core.action import Change, Movement, Moves, Preview, Values
from bookhand.core.money import PAYOUT_MULTIPLE
from bookhand.core.problems import Refusal
from bookhand.systems.stripe.actions.own_fields import chargeable
from bookhand.systems.stripe.actions.words import (
    at,
    clocked,
    id_of,
    inside,
    method,
    money,
    payer,
    rows,
    share,
    text,
    there,
    whole,
    whom,
)

Found = Mapping[str, Any]

OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review",
        "appeal_needs_response", "appeal_under_review")  # fmt: skip
_INSTANT_POINTS, _INSTANT_LEAST = 150, 50


def refund(values: Values, found: Found) -> Preview:
    """Money back to who paid a charge."""
    charge = _charge(values, found)
    left = _left(charge)
    _refundable(charge, rows(found.get("disputes")))
    wanted: int = values.get("amount", left)
    coin = text(charge.get("currency"), 8)
    if wanted > left:
        raise Refusal(
            f"Only {money(left, coin)} of {id_of(charge)} is left to refund, not {money(wanted, coin)}: ask for less."
        )
    if "amount" in values:
        takes(wanted, coin, "Leave the amount out to give back all that is left." if wanted == left else "")
    before = whole(charge, "amount_refunded")
    return Preview(
        says=f"Refund {money(wanted, coin)} of {money(charge.get('amount'), coin)} to {payer(charge)} ({id_of(charge)})",
        subject=id_of(charge),
        customer=id_of(charge.get("customer")),
        changes=(Change("refunded of this charge", money(before, coin), money(before + wanted, coin)),),
        moves=(Moves(wanted, coin, f"back to {payer(charge)}"),),
        movement=_refund_movement(charge, wanted),
        fees=(_kept_fee(charge),),
        cannot_undo="A refund that has been sent cannot be called back.",
        warnings=(*_disputed(charge, rows(found.get("disputes"))), *_refund_warnings(values, charge)),
    )


def takes(amount: int, currency: str, instead: str = "") -> None:
    """`Refusal` where Stripe takes no such amount of the currency: it asks three-decimal ones to end in 0, ISK and UGX in 00."""
    try:
        chargeable(amount, currency)
    except ValueError as error:
        raise Refusal(f"{error} {instead}".strip()) from None


def _charge(values: Values, found: Found) -> Found:
    intent = values.get("payment_intent")
    if intent is None:
        return there(found, "charge", "charge", values.get("charge"))
    held = there(found, "payment_intent", "payment intent", intent)
    charge = inside(held.get("latest_charge"))
    if not charge:
        raise Refusal(f"Payment intent {text(intent)} has no charge, so there is nothing to refund.")
    return {**charge, "customer": held.get("customer") or charge.get("customer")}


def _left(charge: Found) -> int:
    name = id_of(charge)
    if charge.get("status") != "succeeded" or charge.get("paid") is False:
        raise Refusal(
            f"Charge {name} is {text(charge.get('status')) or 'in an unknown state'}, not succeeded: it cannot be refunded."
        )
    if charge.get("captured") is False:
        raise Refusal(f"Charge {name} is not captured: cancel its payment intent instead of refunding it.")
    left = whole(charge, "amount") - whole(charge, "amount_refunded")
    if "amount_captured" in charge:
        left = min(left, whole(charge, "amount_captured"))
    if left <= 0 or charge.get("refunded") is True:
        raise Refusal(f"Charge {name} is already refunded in full: nothing is left to give back.")
    return left


def _refundable(charge: Found, disputes: list[Found]) -> None:
    for dispute in disputes:
        status = str(dispute.get("status"))
        if (
            dispute.get("is_charge_refundable") is False
            and status != "won"
            and not status.startswith("warning_")
        ):
            raise Refusal(
                f"Charge {id_of(charge)} is charged back ({id_of(dispute)}, {text(status)}): Stripe refuses to refund it on top. "
                "Answer the dispute, or accept it."
            )


def _refund_movement(charge: Found, wanted: int) -> Movement:
    paid = inside(charge.get("balance_transaction"))
    settled = text(paid.get("currency"), 8) or text(charge.get("currency"), 8)
    same = settled == charge.get("currency") or not whole(paid, "amount")
    return Movement(
        category="refund",
        type="payment_refund" if str(charge.get("id", "")).startswith("py_") else "refund",
        currency=settled,
        amount=-(wanted if same else share(wanted, whole(charge, "amount"), whole(paid, "amount"))),
    )


def _kept_fee(charge: Found) -> str:
    paid = inside(charge.get("balance_transaction"))
    if not whole(paid, "fee"):
        return "Stripe's fee on this charge is not returned."
    return f"Stripe's fee of {money(paid['fee'], paid.get('currency'))} on this charge is not returned."


def _disputed(charge: Found, disputes: list[Found]) -> tuple[str, ...]:
    told = [_dispute_warning(one) for one in disputes]
    if charge.get("disputed") and not disputes:
        told.append("This charge is disputed: a refund on top of a chargeback pays the customer twice.")
    return tuple(filter(None, told))


def _dispute_warning(dispute: Found) -> str:
    name, status, coin = id_of(dispute), dispute.get("status"), dispute.get("currency")
    taken = money(dispute.get("amount"), coin)
    if status == "lost":
        return f"Dispute {name} was lost: the customer already has {taken} back, and a refund pays twice."
    if status not in OPEN:
        return ""
    if str(status).startswith("warning_"):
        return (
            f"Inquiry {name} over {taken} is open: a refund in full usually ends it, a partial one may not."
        )
    return f"Dispute {name} over {taken} is open ({text(status)}): a refund on top of a chargeback pays the customer twice."


def _refund_warnings(values: Values, charge: Found) -> tuple[str, ...]:
    paid = inside(charge.get("balance_transaction"))
    told = list(clocked(charge))
    if paid.get("currency") and paid["currency"] != charge.get("currency"):
        told.append(
            f"The customer paid in {text(charge.get('currency'), 8).upper()} and you were paid in "
            f"{text(paid['currency'], 8).upper()}: today's rate decides what leaves your balance, so the figure is an estimate."
        )
    if values.get("reason") == "fraudulent":
        told.append("The reason 'fraudulent' also puts the card and the e-mail on Stripe's block lists.")
    if (charge.get("transfer") or charge.get("transfer_data")) and not values.get("reverse_transfer"):
        told.append("The connected account keeps its share unless reverse_transfer is true.")
    if charge.get("application_fee") and not values.get("refund_application_fee"):
        told.append("The application fee is kept unless refund_application_fee is true.")
    return tuple(told)


def payment(values: Values, found: Found) -> Preview:
    """A new payment intent: confirmed it charges at once, else it only waits."""
    customer = there(found, "customer", "customer", values["customer"]) if values.get("customer") else {}
    card = inside(found.get("payment_method"))
    _belongs(card, values)
    amount, coin = values["amount"], values["currency"]
    sum_, who = money(amount, coin), whom(customer or at(card, "billing_details"))
    if not values.get("confirm"):
        return Preview(
            says=f"Prepare a payment of {sum_} by {who}: nothing is charged until it is confirmed",
            customer=id_of(customer),
            moves=(Moves(-amount, coin, "asked for, once it is confirmed"),),
            warnings=clocked(customer),
        )
    held = values.get("capture_method") == "manual"
    using = method(card or values.get("payment_method"))
    return Preview(
        says=f"{'Hold' if held else 'Charge'} {sum_} {'on' if held else 'to'} the {using} of {who}",
        customer=id_of(customer),
        moves=(Moves(-amount, coin, f"held for {who}" if held else f"from {who}"),),
        movement=None if held else incoming(amount, coin, card, found.get("balance")),
        fees=("Stripe takes its processing fee from it; how much is known once it is charged.",),
        cannot_undo=None
        if held
        else "A payment is not undone: it can be refunded, and Stripe keeps its fee.",
        warnings=(
            *clocked(customer),
            *_payment_warnings(values, held=held),
            *converted(coin, found.get("balance")),
        ),
    )


def incoming(amount: int, currency: str, card: Found, balance: Any) -> Movement | None:
    """The balance transaction of a payment, its fee not known before; None where Stripe will convert it at its own rate."""
    if converted(currency, balance):
        return None
    is_card = card.get("type") in (None, "card", "link")
    return Movement(
        category="charge", type="charge" if is_card else "payment", currency=currency, amount=amount
    )


def converted(currency: str, balance: Any) -> tuple[str, ...]:
    """The warning that the account holds no such currency, so that what arrives is another amount of another."""
    held = {text(one.get("currency"), 8) for one in rows(inside(balance).get("available"))} - {""}
    if not held or currency in held:
        return ()
    return (
        f"Your Stripe balance holds no {text(currency, 8).upper()}: Stripe converts the payment, at a rate known afterwards.",
    )


def _belongs(card: Found, values: Values) -> None:
    owner = id_of(card.get("customer"))
    if owner is not None and owner != values.get("customer"):
        raise Refusal(
            f"Payment method {id_of(card)} belongs to {owner}: name that customer, or another payment method."
        )


def _payment_warnings(values: Values, *, held: bool) -> tuple[str, ...]:
    told = []
    if held:
        told.append(
            "A hold ends by itself, after about seven days for most cards: capture or cancel it before."
        )
    if not values.get("off_session"):
        told.append("The customer may be asked to confirm (3-D Secure): then it waits in requires_action.")
    if not values.get("customer"):
        told.append("No customer is named, so the payment will stand in nobody's history.")
    return tuple(told)


def payout(values: Values, found: Found) -> Preview:
    """Money from the Stripe balance to the bank."""
    amount, coin = values["amount"], values["currency"]
    instant = values.get("method") == "instant"
    _payable(amount, coin)
    fee = _instant_fee(amount) if instant and coin == "usd" else 0
    has = _available(there(found, "balance", "balance", ""), coin, values.get("source_type"), instant=instant)
    if amount > has:
        raise Refusal(
            f"{money(has, coin)} is {'instantly ' if instant else ''}available for a payout, not {money(amount, coin)}: "
            "ask for less, or wait until more is available."
        )
    way = "an instant" if instant else "a standard"
    target = f" ({text(values['destination'])})" if values.get("destination") else ""
    return Preview(
        says=f"Pay out {money(amount, coin)} to your bank account{target} by {way} payout",
        changes=(Change("available for payouts", money(has, coin), money(has - amount, coin)),),
        moves=(Moves(amount, coin, "to your bank"),),
        movement=Movement(category="payout", type="payout", currency=coin, amount=-amount, fee=fee),
        fees=_payout_fees(fee, coin, instant=instant),
        cannot_undo="An instant payout cannot be canceled."
        if instant
        else "A payout can be canceled only while it is pending.",
        warnings=(
            "Stripe cannot say which transactions a manual payout holds: it is proven against the balance as a whole.",
        ),
    )


def _payable(amount: int, currency: str) -> None:
    multiple = PAYOUT_MULTIPLE.get(currency.upper(), 1)
    if amount % multiple:
        raise Refusal(
            f"Payouts in {currency.upper()} are whole units, which {money(amount, currency)} is not: round it down."
        )


def _available(balance: Found, currency: str, source: str | None, *, instant: bool) -> int:
    listed = rows(balance.get("instant_available" if instant else "available"))
    row = next((one for one in listed if one.get("currency") == currency), {})
    kinds = row.get("source_types")
    return whole(row, f"source_types.{source}") if source and kinds else whole(row, "amount")


def _instant_fee(amount: int) -> int:
    return max(_INSTANT_LEAST, share(amount, 10_000, _INSTANT_POINTS))


def _payout_fees(fee: int, currency: str, *, instant: bool) -> tuple[str, ...]:
    if not instant:
        return ()
    about = f", about {money(fee, currency)} here" if fee else ""
    return (
        f"An instant payout costs 1.5% and at least 0.50 USD by Stripe's published US price{about}; yours may differ.",
    )
