"""Balance settings: when money is paid out, what is kept, how fast it settles.

stripe.BalanceSettings.modify(payments={"payouts": {"schedule": {"interval": "weekly",
                                                                  "weekly_payout_days": ["monday"]}}})
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.money.balance import watch
from bookhand.sandbox.money.currencies import day_of
from bookhand.sandbox.money.profile import Profile, configure, profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.params import Params

INTERVALS = ("manual", "daily", "weekly", "monthly")
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")


@route("GET", "/v1/balance_settings")
def retrieve_settings(call: Call) -> JSON:
    """As they are."""
    return shown(profile(call))


@route("POST", "/v1/balance_settings")
def update_settings(call: Call) -> JSON:
    """Changed; a new schedule holds from the next payday on."""
    before = profile(call)
    payments = call.sub("payments")
    changes: dict[str, Any] = {}
    debit = payments.boolean("debit_negative_balances")
    if debit is not None:
        changes["debit_negative"] = debit
    minimums = payments.mapping("payouts[minimum_balance_by_currency]")
    if minimums:
        merged = {**before.minimums, **{name: int(one) for name, one in minimums.items() if one}}
        changes["minimums"] = {name: one for name, one in merged.items() if minimums.get(name) != "" and one}
    if payments.sent("payouts[statement_descriptor]"):
        changes["descriptor"] = payments.text("payouts[statement_descriptor]", max=22)
    delay = payments.integer("settlement_timing[delay_days_override]", min=0, max=31)
    if delay is not None:
        changes["delay_days"] = delay
    changes.update(schedule(payments.sub("payouts"), "weekly_payout_days", "monthly_payout_days"))
    after = rescheduled(call, changes)
    call.emit("balance_settings.updated", shown(after), {"payments": shown(before)["payments"]})
    return shown(after)


def rescheduled(call: Call, changes: dict[str, Any]) -> Profile:
    """Change the settings, and see that the next payday of the new schedule comes."""
    after = configure(call, **changes)
    following = after.next_payday(day_of(call.now))
    if following is not None:
        watch(call, following)
    return after


def schedule(payouts: Params, weekly: str, monthly: str) -> dict[str, Any]:
    """The parts of a profile that a `schedule` names."""
    given = payouts.sub("schedule")
    changes: dict[str, Any] = {}
    interval = given.choice("interval", INTERVALS)
    if interval:
        changes["interval"] = interval
    if given.sent(weekly):
        changes["weekly"] = [_day(given, one) for one in _many(given, weekly)]
    if given.sent(monthly):
        changes["monthly"] = [int(one) for one in _many(given, monthly) if str(one).isdigit()]
    return changes


def shown(how: Profile) -> JSON:
    """The object."""
    plan: JSON = {"interval": how.interval}
    if how.interval == "weekly":
        plan["weekly_payout_days"] = how.weekly
    if how.interval == "monthly":
        plan["monthly_payout_days"] = how.monthly
    return {
        "object": "balance_settings",
        "payments": {
            "debit_negative_balances": how.debit_negative,
            "payouts": {
                "automatic_transfer_rules_by_currency": {},
                "minimum_balance_by_currency": how.minimums or None,
                "schedule": plan,
                "statement_descriptor": how.descriptor,
                "status": "enabled" if how.payouts_enabled else "disabled",
            },
            "settlement_timing": {
                "delay_days": how.delay_days,
                "start_of_day": {"hour": 0, "minutes": 0, "timezone": "Etc/UTC"},
            },
        },
    }


def _many(given: Params, name: str) -> list[Any]:
    found = given.value(name)
    return found if isinstance(found, list) else [found]


def _day(given: Params, one: Any) -> str:
    if one not in DAYS:
        raise StripeError(f"Invalid payout day: {one}", param=given.named("weekly_payout_days"))
    return str(one)
