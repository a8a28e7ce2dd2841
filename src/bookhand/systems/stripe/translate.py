"""Stripe's JSON to facts, at the border: pure, exact and fast.

`facts_of` turns one object, with whatever was expanded inside it, into `bookhand.core.facts`. Amounts must be whole numbers (a
float, a text or a bool is refused), currencies become upper-case, an exchange rate is kept as its exact decimal text. A shape that
is not Stripe's raises `ValueError` with a sentence; an object the journal does not read becomes `Other`; a deleted one `Gone`.
`problems_of` checks the sums, `envelope` opens an event without reading all of it, `about` says what any object is.

>>> facts_of("refund", b'{"id":"re_1","object":"refund","created":1,"currency":"usd","amount":5,"status":"pending"}')[0].currency
'USD'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec

from bookhand.core import facts
from bookhand.core.money import EXPONENTS, as_text
from bookhand.core.problems import Problem
from bookhand.systems.stripe import shapes
from bookhand.systems.stripe.shapes import id_of

if TYPE_CHECKING:
    from bookhand.core.facts import Fact

Body = bytes | msgspec.Raw
"""JSON as Stripe sent it."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """An event, opened no further than its envelope; `object` is the bytes of what it tells, as sent.

    A thin event has no object (``null``) and no version: fetch `object_id`. An object without an id (a balance, an upcoming
    invoice) has None there. `account` is set on a platform's events about connected accounts.
    """

    id: str
    type: str
    created: int
    livemode: bool
    api_version: str | None
    account: str | None
    object: msgspec.Raw
    object_id: str | None
    object_name: str
    thin: bool = False


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What any object says of itself; `livemode` is None where Stripe does not say (refunds, balance transactions).

    `test_clock` is set on objects that live in a simulated time: they are no part of any books.
    """

    id: str | None
    object: str
    created: int | None
    livemode: bool | None
    test_clock: str | None
    deleted: bool


def facts_of(object_name: str, body: Body, *, event_type: str | None = None) -> list[Fact]:
    """One object's JSON to its facts: itself first, then what was expanded inside it.

    `event_type` is what told it, if an event did: ``customer.deleted`` carries a last picture of what is gone.
    An invoice that is a draft, or lives on a test clock, is `Other`: its taxes are not fixed, or not real.
    """
    reader = _READERS.get(object_name)
    if reader is None or event_type in _GONE_BY:
        return [_named(object_name, body, gone=event_type in _GONE_BY)]
    try:
        return list(reader(body))
    except msgspec.DecodeError as error:
        return [_deleted_or_raise(object_name, body, error)]


def members_of(payout: str, transactions: Iterable[Body]) -> list[Fact]:
    """What a list of balance transactions by ``payout=`` says: that each went out with `payout`."""
    listed = (_header(each).id for each in transactions)
    return [facts.PayoutMember(payout=payout, balance_transaction=each) for each in listed if each]


def problems_of(told: Iterable[Fact]) -> list[Problem]:
    """What does not add up in `told`: sums within a balance transaction, and currencies nobody knows."""
    return [problem for fact in told for problem in _problems(fact)]


def about(body: Body) -> About:
    """Whose and what `body` is, whatever it is; `ValueError` if it is no Stripe object at all."""
    header = _header(body)
    return About(
        id=header.id, object=header.object, created=_seconds(header.created), livemode=header.livemode,
        test_clock=id_of(header.test_clock), deleted=header.deleted,
    )  # fmt: skip


def envelope(body: bytes) -> Event:
    """An event's envelope, snapshot or thin; `ValueError` with a sentence if `body` is not an event."""
    try:
        event = _EVENT.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(
            f"That is no event of Stripe's ({error}): it was refused and nothing changed."
        ) from None
    return _thin(event) if type(event) is shapes.ThinEventShape else _snapshot(event)  # type: ignore[arg-type]


# --- events ---


def _snapshot(event: shapes.EventShape) -> Event:
    header = _header(event.data.object)
    return Event(
        id=event.id, type=event.type, created=event.created, livemode=event.livemode, api_version=event.api_version,
        account=event.account, object=event.data.object, object_id=header.id, object_name=header.object,
    )  # fmt: skip


def _thin(event: shapes.ThinEventShape) -> Event:
    related = event.related_object
    return Event(
        id=event.id, type=event.type, created=_seconds(event.created) or 0, livemode=event.livemode, api_version=None,
        account=event.context, object=msgspec.Raw(b"null"), object_id=related.id if related else None,
        object_name=related.type.removeprefix("v1.") if related else "", thin=True,
    )  # fmt: skip


def _seconds(created: int | str | None) -> int | None:
    """Unix seconds of v1's integer or v2's ISO text."""
    if not isinstance(created, str):
        return created
    try:
        return int(datetime.fromisoformat(created).timestamp())
    except ValueError:
        raise ValueError(
            f"Stripe's time {created!r} is no ISO 8601 instant: the object was refused."
        ) from None


# --- objects, in the order of the journal's interest ---


def _transactions(body: Body) -> Iterator[Fact]:
    try:
        shape = _TRANSACTION.decode(body)
    except msgspec.ValidationError:
        source = _other_source(body)
        if source is None:
            raise
        shape = _TRANSACTION.decode(_with_source(body, source.id))
        yield _transaction(shape)
        yield facts.Other(id=source.id, object=source.object)
        return
    yield _transaction(shape)
    if shape.source.__class__ is not str and shape.source is not None:
        yield from _source(shape.source)  # type: ignore[arg-type]


def _other_source(body: Body) -> shapes.Named | None:
    """The expanded source of a kind that has no shape here; None if the trouble lies elsewhere."""
    try:
        source = _OTHER_SOURCE.decode(body).source
    except msgspec.DecodeError:
        return None
    return None if source.object in _SOURCES else source


def _with_source(body: Body, source: str) -> bytes:
    """`body` with its expanded source folded back into an id; every other field stays as it was sent."""
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({**fields, "source": source})


def _transaction(shape: shapes.BalanceTransactionShape) -> facts.BalanceTransaction:
    source, rate = shape.source, shape.exchange_rate
    return facts.BalanceTransaction(
        id=shape.id, created=shape.created, available_on=shape.available_on, type=shape.type,
        reporting_category=shape.reporting_category, balance_type=shape.balance_type, currency=shape.currency.upper(),
        amount=shape.amount, fee=shape.fee, net=shape.net,
        source=source if source.__class__ is str or source is None else source.id,  # type: ignore[union-attr]
        fee_details=tuple([
            facts.FeeDetail(each.type, each.currency.upper(), each.amount, each.description) for each in shape.fee_details
        ]),
        exchange_rate=None if rate is None else format(rate, "f"), description=shape.description,
    )  # fmt: skip


def _source(
    shape: shapes.ChargeShape | shapes.RefundShape | shapes.DisputeShape | shapes.PayoutShape,
) -> Iterator[Fact]:
    match shape:
        case shapes.ChargeShape():
            return _charge(shape)
        case shapes.RefundShape():
            return _refund(shape)
        case shapes.DisputeShape():
            return _dispute(shape)
        case shapes.PayoutShape():
            return _payout(shape)


def _charge(shape: shapes.ChargeShape) -> Iterator[Fact]:
    yield facts.Charge(
        id=shape.id, created=shape.created, currency=shape.currency.upper(), amount=shape.amount,
        payment_intent=id_of(shape.payment_intent), customer=id_of(shape.customer),
        source_transfer=id_of(shape.source_transfer), description=shape.description,
    )  # fmt: skip
    yield from _embedded(shape.balance_transaction, shape.failure_balance_transaction)


def _refund(shape: shapes.RefundShape) -> Iterator[Fact]:
    yield facts.Refund(
        id=shape.id, created=shape.created, currency=shape.currency.upper(), amount=shape.amount, status=shape.status,
        charge=id_of(shape.charge), payment_intent=id_of(shape.payment_intent),
        failure_balance_transaction=id_of(shape.failure_balance_transaction),
    )  # fmt: skip
    yield from _embedded(shape.balance_transaction, shape.failure_balance_transaction)


def _dispute(shape: shapes.DisputeShape) -> Iterator[Fact]:
    yield facts.Dispute(
        id=shape.id, created=shape.created, currency=shape.currency.upper(), amount=shape.amount, status=shape.status,
        reason=shape.reason, charge=id_of(shape.charge), payment_intent=id_of(shape.payment_intent),
        balance_transactions=tuple(each.id for each in shape.balance_transactions),
    )  # fmt: skip
    yield from _embedded(*shape.balance_transactions)


def _payout(shape: shapes.PayoutShape) -> Iterator[Fact]:
    bank, trace = shape.destination, shape.trace_id
    yield facts.Payout(
        id=shape.id, created=shape.created, currency=shape.currency.upper(), amount=shape.amount, status=shape.status,
        automatic=shape.automatic, method=shape.method, arrival_date=shape.arrival_date,
        reconciliation_status=shape.reconciliation_status, balance_transaction=id_of(shape.balance_transaction),
        failure_balance_transaction=id_of(shape.failure_balance_transaction), failure_code=shape.failure_code,
        original_payout=id_of(shape.original_payout), reversed_by=id_of(shape.reversed_by), type=shape.type,
        failure_message=shape.failure_message, statement_descriptor=shape.statement_descriptor, description=shape.description,
        destination=id_of(bank), destination_last4=bank.last4 if isinstance(bank, shapes.DestinationShape) else None,
        trace_id=trace.value if trace else None, trace_status=trace.status if trace else None,
    )  # fmt: skip
    yield from _embedded(shape.balance_transaction, shape.failure_balance_transaction)


def _embedded(*transactions: str | shapes.BalanceTransactionShape | None) -> Iterator[Fact]:
    for each in transactions:
        if each is not None and not isinstance(each, str):
            yield _transaction(each)


def _payment_intent(shape: shapes.PaymentIntentShape) -> Iterator[Fact]:
    yield facts.Other(id=shape.id, object="payment_intent")
    if shape.latest_charge is not None and not isinstance(shape.latest_charge, str):
        yield from _charge(shape.latest_charge)


def _invoice(shape: shapes.InvoiceShape) -> Iterator[Fact]:
    if shape.status in {None, "draft"} or shape.test_clock is not None:
        yield facts.Other(id=shape.id, object="invoice")
        return
    details = shape.parent.subscription_details if shape.parent else None
    yield facts.Invoice(
        id=shape.id, created=shape.created, currency=shape.currency.upper(), status=shape.status or "", total=shape.total,
        number=shape.number, customer=id_of(shape.customer), subscription=id_of(details.subscription) if details else None,
        taxes=_taxes(shape.total_taxes),
    )  # fmt: skip
    for payment in shape.payments.data if shape.payments else ():
        yield from _invoice_payment(payment)


def _taxes(taxes: list[shapes.TaxShape] | None) -> tuple[facts.InvoiceTax, ...]:
    return tuple(
        facts.InvoiceTax(
            each.amount, each.tax_behavior, each.tax_rate_details.tax_rate if each.tax_rate_details else None
        )
        for each in taxes or ()
    )


def _invoice_payment(shape: shapes.InvoicePaymentShape) -> Iterator[Fact]:
    yield facts.InvoicePayment(
        id=shape.id, invoice=id_of(shape.invoice) or "", currency=shape.currency.upper(), status=shape.status,
        amount_paid=shape.amount_paid or 0,  # null while nothing is paid
        payment_intent=id_of(shape.payment.payment_intent), charge=id_of(shape.payment.charge),
    )  # fmt: skip


def _credit_note(shape: shapes.CreditNoteShape) -> Iterator[Fact]:
    refunds = (id_of(each.refund) for each in shape.refunds)
    yield facts.CreditNote(
        id=shape.id, created=shape.created, invoice=id_of(shape.invoice) or "", currency=shape.currency.upper(),
        total=shape.total, status=shape.status, taxes=_taxes(shape.total_taxes),
        refunds=tuple(each for each in refunds if each),
    )  # fmt: skip


# --- any object ---


def _named(object_name: str, body: Body, *, gone: bool) -> Fact:
    header = _header_of(object_name, body)
    state = facts.Gone if gone or header.deleted else facts.Other
    return state(id=header.id or "", object=object_name)


def _deleted_or_raise(object_name: str, body: Body, error: msgspec.DecodeError) -> Fact:
    """A deleted object keeps nothing but its name; anything else that did not decode is refused with its place."""
    header = _header_of(object_name, body)
    if header.deleted:
        return facts.Gone(id=header.id or "", object=object_name)
    if object_name == "invoice" and header.id is None:
        return facts.Other(
            id="", object="invoice"
        )  # a preview (invoice.upcoming) has no id and is never kept
    raise ValueError(
        f"Stripe's {object_name} {header.id or 'without an id'} has a shape bookhand does not know: {error}. "
        "It was kept as it came; nothing was posted from it."
    ) from None


def _header_of(object_name: str, body: Body) -> shapes.HeaderShape:
    header = _header(body)
    if header.object != object_name:
        raise ValueError(
            f"A {object_name} was expected, but Stripe's JSON is the {header.object} {header.id}: it was refused."
        )
    return header


def _header(body: Body) -> shapes.HeaderShape:
    try:
        return _HEADER.decode(body)
    except msgspec.DecodeError as error:
        raise ValueError(f"That is no object of Stripe's ({error}): it was refused.") from None


def _problems(fact: Fact) -> Iterator[Problem]:
    currency = getattr(fact, "currency", None)
    if currency is not None and currency not in EXPONENTS:
        yield Problem(
            kind="unknown_currency", subject=fact.id,  # type: ignore[union-attr]
            message=f"{fact.id} is in {currency}, a currency bookhand does not know: add its decimals to core/money.py.",  # type: ignore[union-attr]
        )  # fmt: skip
    if type(fact) is facts.BalanceTransaction:
        yield from _sums(fact)


def _sums(fact: facts.BalanceTransaction) -> Iterator[Problem]:
    net, amount, fee = (as_text(minor, fact.currency) for minor in (fact.net, fact.amount, fact.fee))
    if fact.net != fact.amount - fact.fee:
        yield Problem(
            kind="sums_differ", subject=fact.id,
            message=f"{fact.id}: net {net} is not amount {amount} less fee {fee}. "
            "Ask Stripe which of them is right; the entry follows the net.",
        )  # fmt: skip
    parts = sum(each.amount for each in fact.fee_details)
    if parts != fact.fee:
        yield Problem(
            kind="fees_differ", subject=fact.id,
            message=f"{fact.id}: the parts of its fee add up to {as_text(parts, fact.currency)}, not to {fee}. "
            "Ask Stripe what the rest of it is.",
        )  # fmt: skip


Read = TypeVar("Read")


def _reader(shape: type[Read], read: Callable[[Read], Iterator[Fact]]) -> Callable[[Body], Iterator[Fact]]:
    decode = msgspec.json.Decoder(shape).decode
    return lambda body: read(decode(body))


_EVENT: msgspec.json.Decoder[shapes.EventShape | shapes.ThinEventShape] = msgspec.json.Decoder(
    shapes.EventShape | shapes.ThinEventShape
)
_HEADER = msgspec.json.Decoder(shapes.HeaderShape)
_TRANSACTION = msgspec.json.Decoder(shapes.BalanceTransactionShape)
_OTHER_SOURCE = msgspec.json.Decoder(shapes.OtherSourceShape)
_SOURCES = frozenset({"charge", "refund", "dispute", "payout"})

_READERS: dict[str, Callable[[Body], Iterator[Fact]]] = {
    "balance_transaction": _transactions,
    "charge": _reader(shapes.ChargeShape, _charge),
    "refund": _reader(shapes.RefundShape, _refund),
    "dispute": _reader(shapes.DisputeShape, _dispute),
    "payout": _reader(shapes.PayoutShape, _payout),
    "payment_intent": _reader(shapes.PaymentIntentShape, _payment_intent),
    "invoice": _reader(shapes.InvoiceShape, _invoice),
    "invoice_payment": _reader(shapes.InvoicePaymentShape, _invoice_payment),
    "credit_note": _reader(shapes.CreditNoteShape, _credit_note),
}

_GONE_BY = frozenset({
    "coupon.deleted", "customer.deleted", "invoice.deleted", "invoiceitem.deleted", "plan.deleted", "price.deleted", "product.deleted",
})  # fmt: skip
"""Events after which the object is not there any more (``customer.subscription.deleted`` is not one: it is canceled, and stays)."""
