"""Subscription schedules: what a subscription will sell, phase after phase.

    POST /v1/subscription_schedules customer=cus_1 start_date=now end_behavior=release
         phases[0][items][0][price]=price_trial phases[0][duration][interval]=month
         phases[1][items][0][price]=price_full

Each phase starts by changing (or making) the subscription; after the last it is released, canceled or left to run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.billing import ending, fields, phases, standing
from bookhand.sandbox.billing.clocks import enter
from bookhand.sandbox.billing.customers import get as get_customer
from bookhand.sandbox.stripe.errors import StripeError, parameter_missing
from bookhand.sandbox.stripe.routes import job, route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

JSON = dict[str, Any]
KIND = "subscription_schedule"
ENDS = ("cancel", "none", "release", "renew")


@route("POST", "/v1/subscription_schedules")
def create(call: Call) -> JSON:
    """From phases, or around a subscription that runs."""
    if call.text("from_subscription"):
        return _around(call, call.text("from_subscription") or "")
    customer = get_customer(call, call.text("customer", required=True) or "")
    start = call.now if call.text("start_date") in (None, "now") else call.timestamp("start_date") or call.now
    if not call.subs("phases"):
        raise parameter_missing("phases")
    schedule = blank(call, customer, call.choice("end_behavior", ENDS, default="release") or "")
    schedule["phases"] = phases.read(call, call.subs("phases"), start)
    _settings(call, schedule)
    call.add(schedule, customer=customer["id"], status="not_started")
    call.emit("subscription_schedule.created", schedule)
    if start <= call.now:
        _enter_phase(call, schedule, 0)
    else:
        _wait(call, schedule, start, 0)
    return schedule


@route("GET", "/v1/subscription_schedules")
def index(call: Call) -> JSON:
    """Schedules, newest first."""
    return call.page(
        KIND,
        customer=call.text("customer"),
        status="not_started" if call.boolean("scheduled") else None,
    )


@route("GET", "/v1/subscription_schedules/{id}")
def read(call: Call) -> JSON:
    """One schedule."""
    return call.get(KIND, call.path["id"])


@route("POST", "/v1/subscription_schedules/{id}")
def change(call: Call) -> JSON:
    """New phases from the current one on, another end."""
    before = _living(call)
    after = fields.copy(before)
    customer = get_customer(call, after["customer"])
    after["end_behavior"] = call.choice("end_behavior", ENDS, default=after["end_behavior"])
    after["metadata"] = call.metadata(old=after["metadata"])
    _settings(call, after)
    if call.subs("phases"):
        start = (after["current_phase"] or after["phases"][0])["start_date"]
        after["phases"] = phases.read(call, call.subs("phases"), start)
        if after["status"] == "active":
            _resume(call, after, customer, start)
    return fields.update(call, before, after, "subscription_schedule.updated", status=after["status"])


@route("POST", "/v1/subscription_schedules/{id}/cancel")
def cancel(call: Call) -> JSON:
    """End the schedule and its subscription now."""
    schedule = _living(call)
    sub = call.look("subscription", schedule["subscription"])
    if sub is not None and sub["status"] not in standing.OVER:
        sub["schedule"] = None
        ending.cancel_now(
            call,
            sub,
            reason="cancellation_requested",
            prorate=bool(call.boolean("prorate", default=True)),
            invoice_now=bool(call.boolean("invoice_now", default=True)),
        )
    schedule["status"], schedule["canceled_at"], schedule["current_phase"] = "canceled", call.now, None
    call.save(schedule, status="canceled")
    call.emit("subscription_schedule.canceled", schedule)
    return schedule


@route("POST", "/v1/subscription_schedules/{id}/release")
def release(call: Call) -> JSON:
    """Let the subscription go on alone."""
    schedule = _living(call)
    _release(call, schedule)
    return schedule


@job("billing.schedule.phase")
def next_phase(call: Call, args: JSON) -> None:
    """A phase begins, or the last one is over."""
    schedule = call.look(KIND, args["schedule"])
    if schedule is None or schedule["status"] not in ("active", "not_started"):
        return
    at = args["phase"]
    starts = (
        schedule["phases"][at]["start_date"]
        if at < len(schedule["phases"])
        else schedule["phases"][-1]["end_date"]
    )
    if starts != call.now:
        return
    if at < len(schedule["phases"]):
        _enter_phase(call, schedule, at)
    else:
        _end(call, schedule)


def blank(call: Call, customer: JSON, end_behavior: str) -> JSON:
    """A schedule without phases."""
    return {
        "id": call.new_id("sub_sched"),
        "object": KIND,
        "application": None,
        "billing_mode": {"flexible": {"proration_discounts": "included"}, "type": "flexible"},
        "canceled_at": None,
        "completed_at": None,
        "created": call.now,
        "current_phase": None,
        "customer": customer["id"],
        "customer_account": None,
        "default_settings": {
            "application_fee_percent": None,
            "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
            "billing_cycle_anchor": "automatic",
            "billing_thresholds": None,
            "collection_method": "charge_automatically",
            "default_payment_method": None,
            "description": None,
            "invoice_settings": {
                "account_tax_ids": None,
                "custom_fields": None,
                "days_until_due": None,
                "description": None,
                "footer": None,
                "issuer": {"type": "self"},
            },
            "on_behalf_of": None,
            "transfer_data": None,
        },
        "end_behavior": end_behavior,
        "livemode": call.livemode,
        "metadata": {},
        "pause_schedules": [],
        "phases": [],
        "released_at": None,
        "released_subscription": None,
        "status": "not_started",
        "subscription": None,
        "test_clock": customer["test_clock"],
    }


def _around(call: Call, id_: str) -> JSON:
    sub = call.get("subscription", id_, param="from_subscription")
    enter(call, sub)
    if sub["schedule"]:
        raise StripeError("This subscription already has a schedule.", param="from_subscription")
    customer = get_customer(call, sub["customer"])
    schedule = blank(call, customer, "release")
    schedule["phases"] = [phases.of_subscription(sub)]
    schedule["status"], schedule["subscription"] = "active", sub["id"]
    phase = schedule["phases"][0]
    schedule["current_phase"] = {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    call.add(schedule, customer=customer["id"], status="active")
    call.emit("subscription_schedule.created", schedule)
    fields.update(call, sub, {**sub, "schedule": schedule["id"]}, "customer.subscription.updated")
    _wait(call, schedule, phase["end_date"], 1)
    return schedule


def _enter_phase(call: Call, schedule: JSON, at: int) -> None:
    phase = schedule["phases"][at]
    before = fields.copy(schedule)
    customer = get_customer(call, schedule["customer"])
    sub = call.look("subscription", schedule["subscription"])
    if sub is None:
        sub = phases.begin(call, customer, schedule, phase)
        schedule["subscription"] = sub["id"]
    elif sub["status"] not in standing.OVER:
        phases.apply(call, customer, sub, phase)
    schedule["status"] = "active"
    schedule["current_phase"] = {"end_date": phase["end_date"], "start_date": phase["start_date"]}
    fields.update(call, before, schedule, "subscription_schedule.updated", status="active")
    _wait(call, schedule, phase["end_date"], at + 1)


def _resume(call: Call, schedule: JSON, customer: JSON, start: int) -> None:
    at = next((i for i, p in enumerate(schedule["phases"]) if p["start_date"] <= call.now < p["end_date"]), 0)
    phase = schedule["phases"][at]
    schedule["current_phase"] = {"end_date": phase["end_date"], "start_date": max(start, phase["start_date"])}
    sub = call.get("subscription", schedule["subscription"])
    phases.apply(call, customer, sub, phase)
    _wait(call, schedule, phase["end_date"], at + 1)


def _end(call: Call, schedule: JSON) -> None:
    if schedule["end_behavior"] == "cancel":
        sub = call.look("subscription", schedule["subscription"])
        schedule["status"], schedule["completed_at"], schedule["current_phase"] = "completed", call.now, None
        call.save(schedule, status="completed")
        call.emit("subscription_schedule.completed", schedule)
        if sub is not None and sub["status"] not in standing.OVER:
            ending.cancel_now(call, sub, reason="cancellation_requested")
        return
    _release(call, schedule)


def _release(call: Call, schedule: JSON) -> None:
    sub = call.look("subscription", schedule["subscription"])
    schedule["status"], schedule["released_at"], schedule["current_phase"] = "released", call.now, None
    schedule["released_subscription"], schedule["subscription"] = schedule["subscription"], None
    call.save(schedule, status="released")
    call.emit("subscription_schedule.released", schedule)
    if sub is not None:
        fields.update(call, sub, {**sub, "schedule": None}, "customer.subscription.updated")


def _wait(call: Call, schedule: JSON, until: int, phase: int) -> None:
    call.at(until, "billing.schedule.phase", schedule=schedule["id"], phase=phase)


def _settings(call: Call, schedule: JSON) -> None:
    own, inner = schedule["default_settings"], call.sub("default_settings")
    fields.set_texts(inner, own, ("default_payment_method", "description", "on_behalf_of"))
    if inner.sent("collection_method"):
        own["collection_method"] = inner.choice("collection_method", ("charge_automatically", "send_invoice"))
    if inner.sent("automatic_tax[enabled]"):
        own["automatic_tax"]["enabled"] = bool(inner.boolean("automatic_tax[enabled]"))
    if inner.sent("invoice_settings[days_until_due]"):
        own["invoice_settings"]["days_until_due"] = inner.integer("invoice_settings[days_until_due]")
    schedule["metadata"] = call.metadata(old=schedule["metadata"])


def _living(call: Call) -> JSON:
    schedule = call.get(KIND, call.path["id"])
    if schedule["status"] not in ("active", "not_started"):
        raise StripeError(f"This schedule is {schedule['status']}; it can no longer change.", param="id")
    enter(call, schedule)
    return schedule
