"""Accounts: one's own, and those a platform makes and acts on.

    account = stripe.Account.create(type="express", country="DE", email="baker@example.com")
    stripe.Charge.create(amount=1000, currency="eur", source="tok_visa", stripe_account=account.id,
                         application_fee_amount=100)

An account is stored with what was said of it; what every account has is added when it is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bookhand.sandbox.money.balance import currencies, destination
from bookhand.sandbox.money.balance_settings import rescheduled, schedule
from bookhand.sandbox.money.pages import sliced
from bookhand.sandbox.money.profile import Profile, configure, profile
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.expand import shown
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

CURRENCIES = {
    "AU": "aud",
    "BR": "brl",
    "CA": "cad",
    "CH": "chf",
    "DK": "dkk",
    "GB": "gbp",
    "HK": "hkd",
    "JP": "jpy",
    "MX": "mxn",
    "NO": "nok",
    "NZ": "nzd",
    "PL": "pln",
    "SE": "sek",
    "SG": "sgd",
    "US": "usd",
}
BUSINESS = ("mcc", "name", "product_description", "support_email", "support_phone", "support_url", "url")
TYPES = ("custom", "express", "standard")


@route("POST", "/v1/accounts")
def create_account(call: Call) -> JSON:
    """A connected account, ready to take payments."""
    country = (call.text("country") or profile(call).country).upper()
    kind = call.choice("type", TYPES, default="standard")
    id_ = call.new_id("acct")
    made = call.engine.account(
        id_,
        country=country,
        default_currency=(call.text("default_currency") or CURRENCIES.get(country, "eur")).lower(),
        type=kind,
        email=call.text("email"),
        business_type=call.text("business_type"),
        business_profile=_business(call, {}),
        metadata=call.metadata(),
    )
    call.engine.connect(call.account, id_, livemode=call.livemode)
    theirs = call.on(id_)
    _set_schedule(call, theirs)
    call.bump("accounts")
    return show(theirs, made)


@route("GET", "/v1/account")
def retrieve_own(call: Call) -> JSON:
    """The account that asks."""
    return show(call, call.get("account", call.account))


@route("GET", "/v1/accounts/{account}")
def retrieve_account(call: Call) -> JSON:
    """A connected account, or one's own."""
    theirs = reach(call)
    return show(theirs, theirs.get("account", theirs.account))


@route("GET", "/v1/accounts")
def list_accounts(call: Call) -> JSON:
    """The connected ones, newest first."""
    found = []
    for id_ in call.engine.connected(call.account, livemode=call.livemode):
        theirs = call.on(id_)
        stored = theirs.look("account", id_)
        if stored is not None:
            found.append(show(theirs, stored))
    found.sort(key=lambda one: (one["created"], one["id"]), reverse=True)
    return sliced(call, found)


@route("POST", "/v1/accounts/{account}")
def update_account(call: Call) -> JSON:
    """Email, business profile, metadata, payout settings."""
    theirs = reach(call)
    stored = theirs.get("account", theirs.account)
    before = show(theirs, stored)
    stored["email"] = call.text("email") or stored["email"]
    stored["business_type"] = call.text("business_type") or stored["business_type"]
    stored["business_profile"] = _business(call, stored["business_profile"])
    stored["metadata"] = call.metadata(old=stored["metadata"])
    theirs.save(stored)
    _set_schedule(call, theirs)
    after = show(theirs, stored)
    changed = {key: old for key, old in before.items() if after[key] != old}
    if changed:
        theirs.emit("account.updated", after, changed)
    return after


@route("DELETE", "/v1/accounts/{account}")
def delete_account(call: Call) -> JSON:
    """Only an account without money can go."""
    theirs = reach(call)
    if any(theirs.marked("balance:payments:").values()):
        raise StripeError("This account cannot be deleted: it has a balance.")
    call.engine.disconnect(call.account, theirs.account, livemode=call.livemode)
    return theirs.delete("account", theirs.account)


@route("GET", "/v1/accounts/{account}/external_accounts")
def list_external(call: Call) -> JSON:
    """The bank accounts that take its payouts."""
    theirs = reach(call)
    return sliced(call, banks(theirs, profile(theirs)))


@route("GET", "/v1/accounts/{account}/external_accounts/{id}")
def retrieve_external(call: Call) -> JSON:
    """One of them."""
    theirs = reach(call)
    found = [one for one in banks(theirs, profile(theirs)) if one["id"] == call.path["id"]]
    if not found:
        raise StripeError(
            f"No such external account: '{call.path['id']}'", code="resource_missing", param="id", status=404
        )
    return found[0]


@route("POST", "/_pinstripe/accounts/{account}/settles")
def settle_in(call: Call) -> JSON:
    """A bank account for another `currency`: payments in it are kept and paid out in it."""
    theirs = reach(call)
    currency = (call.text("currency", required=True) or "").lower()
    how = profile(theirs)
    if currency not in (how.currency, *how.settles):
        configure(theirs, settles=[*how.settles, currency])
    return show(theirs, theirs.get("account", theirs.account))


@shown("account")
def show(call: Call, stored: JSON) -> JSON:
    """The account with every key."""
    how = profile(call)
    found: JSON = {
        "business_profile": {},
        "business_type": None,
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "controller": {"type": "account"},
        "details_submitted": True,
        "email": None,
        "external_accounts": {
            "object": "list",
            "data": banks(call, how),
            "has_more": False,
            "total_count": 1 + len(how.settles),
            "url": f"/v1/accounts/{call.account}/external_accounts",
        },
        "future_requirements": requirements(),
        "metadata": {},
        "payouts_enabled": how.payouts_enabled,
        "requirements": requirements(),
        "tos_acceptance": {"date": stored["created"], "ip": "127.0.0.1", "user_agent": None},
        "type": "standard",
        **stored,
    }
    found["business_profile"] = {**_nothing_known(), **found["business_profile"]}
    found["settings"] = {**_settings(how, found), **(stored.get("settings") or {})}
    return found


def banks(call: Call, how: Profile) -> list[JSON]:
    """The bank account of each currency that is paid out."""
    paid = [how.currency, *[one for one in currencies(call) if one in how.settles and one != how.currency]]
    rest = [one for one in how.settles if one not in paid]
    return [_bank(call, how, one) for one in [*paid, *rest]]


def reach(call: Call) -> Call:
    """The call on the account named in the path, if the caller may act on it."""
    id_ = call.path["account"]
    if id_ != call.account and id_ not in call.engine.connected(call.account, livemode=call.livemode):
        raise StripeError(
            f"The provided key does not have access to account '{id_}' (or that account does not exist). "
            "Application access may have been revoked.",
            code="account_invalid",
            status=403,
        )
    return call.on(id_)


def _set_schedule(call: Call, theirs: Call) -> None:
    payouts = call.sub("settings").sub("payouts")
    changes: dict[str, Any] = schedule(payouts, "weekly_payout_days", "monthly_payout_days")
    for old, new in (("weekly_anchor", "weekly"), ("monthly_anchor", "monthly")):
        anchor = payouts.text(f"schedule[{old}]")
        if anchor:
            changes[new] = [int(anchor) if anchor.isdigit() else anchor]
    delay = payouts.text("schedule[delay_days]")
    if delay:
        changes["delay_days"] = 2 if delay == "minimum" else int(delay)
    if payouts.sent("statement_descriptor"):
        changes["descriptor"] = payouts.text("statement_descriptor", max=22)
    debit = payouts.boolean("debit_negative_balances")
    if debit is not None:
        changes["debit_negative"] = debit
    if changes:
        rescheduled(theirs, changes)


def _business(call: Call, old: JSON) -> JSON:
    given = call.sub("business_profile")
    return {**old, **{name: given.text(name) for name in BUSINESS if given.sent(name)}}


def _nothing_known() -> JSON:
    return {
        **dict.fromkeys(BUSINESS),
        "annual_revenue": None,
        "estimated_worker_count": None,
        "minority_owned_business_designation": None,
        "specified_commercial_transactions_act_url": None,
        "support_address": None,
    }


def requirements() -> JSON:
    """Nothing is asked for."""
    return {
        "alternatives": [],
        "current_deadline": None,
        "currently_due": [],
        "disabled_reason": None,
        "errors": [],
        "eventually_due": [],
        "past_due": [],
        "pending_verification": [],
    }


def _settings(how: Profile, account: JSON) -> JSON:
    plan: JSON = {"delay_days": how.delay_days, "interval": how.interval}
    if how.interval == "weekly":
        plan.update(weekly_anchor=how.weekly[0], weekly_payout_days=how.weekly)
    if how.interval == "monthly":
        plan.update(monthly_anchor=how.monthly[0], monthly_payout_days=how.monthly)
    unsaid = dict.fromkeys(
        (
            "statement_descriptor",
            "statement_descriptor_kana",
            "statement_descriptor_kanji",
            "statement_descriptor_prefix_kana",
            "statement_descriptor_prefix_kanji",
        )
    )
    prefixes = ("", "_kana", "_kanji")
    return {
        "bacs_debit_payments": {"display_name": None, "service_user_number": None},
        "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
        "card_issuing": {"tos_acceptance": {"date": None, "ip": None}},
        "card_payments": {
            "decline_on": {"avs_failure": False, "cvc_failure": False},
            **{f"statement_descriptor_prefix{one}": None for one in prefixes},
        },
        "dashboard": {"display_name": account["business_profile"].get("name"), "timezone": "Etc/UTC"},
        "invoices": {"default_account_tax_ids": None, "hosted_payment_method_save": "offer"},
        "payments": unsaid,
        "payouts": {
            "debit_negative_balances": how.debit_negative,
            "schedule": plan,
            "statement_descriptor": how.descriptor,
        },
        "sepa_debit_payments": {},
    }


def _bank(call: Call, how: Profile, currency: str) -> JSON:
    id_ = destination(call, currency, how)
    return {
        "id": id_,
        "object": "bank_account",
        "account": call.account,
        "account_holder_name": None,
        "account_holder_type": "company",
        "account_type": None,
        "available_payout_methods": ["standard", "instant"],
        "bank_name": "STRIPE TEST BANK",
        "country": how.country,
        "currency": currency,
        "default_for_currency": True,
        "fingerprint": call.engine.ids.letters(f"fingerprint:{id_}", 16),
        "future_requirements": _due(),
        "last4": "6789",
        "metadata": {},
        "requirements": _due(),
        "routing_number": "110000000" if how.country == "US" else None,
        "status": "new",
    }


def _due() -> JSON:
    return {"currently_due": [], "errors": [], "past_due": [], "pending_verification": []}
