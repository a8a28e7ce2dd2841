"""How one account handles money: where it is, what it settles in, when it is paid out.

    with engine.session("acct_1") as call:
        configure(call, settles=["usd", "eur"], interval="weekly", weekly=["monday"])
        profile(call).settlement("eur")      # 'eur'; a currency that is not settled becomes the default one

Stripe's own endpoints change the same settings (`POST /v1/balance_settings`); what only exists here, such as
`fees_later` (seconds until a charge learns its balance transaction), is set by `POST /_pinstripe/settings`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from bookhand.sandbox.money import calendar
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call
    from bookhand.sandbox.stripe.engine import Pinstripe

KIND = "_pinstripe.money"
ID = "money"


@dataclass(frozen=True, slots=True)
class Profile:
    """The settings; every field has the value of a plain US account."""

    country: str = "US"
    currency: str = "usd"
    settles: list[str] = field(default_factory=list)
    delay_days: int = 2
    interval: str = "daily"
    weekly: list[str] = field(default_factory=lambda: ["monday"])
    monthly: list[int] = field(default_factory=lambda: [1])
    minimums: dict[str, int] = field(default_factory=dict)
    debit_negative: bool = True
    payouts_enabled: bool = True
    descriptor: str | None = None
    fees_later: int = 0
    fee_tax_percent: float = 0.0
    payout_failure: str | None = None
    smart_disputes: bool = False

    def settlement(self, currency: str) -> str:
        """The currency in which a payment in `currency` reaches the balance."""
        return currency if currency == self.currency or currency in self.settles else self.currency

    def payday(self, day: int) -> bool:
        """Whether automatic payouts are made on this day."""
        return self.payouts_enabled and calendar.payday(day, self.interval, self.weekly, self.monthly)

    def next_payday(self, day: int) -> int | None:
        """The first payday after this day."""
        if not self.payouts_enabled:
            return None
        return calendar.next_payday(day, self.interval, self.weekly, self.monthly)


_known: WeakKeyDictionary[Pinstripe, dict[int, Profile]] = WeakKeyDictionary()
_FIELDS = {one.name for one in fields(Profile)}


def profile(call: Call) -> Profile:
    """The settings of the call's account in its mode."""
    cache = _known.setdefault(call.engine, {})
    found = cache.get(call.part)
    if found is None:
        found = cache[call.part] = _read(call)
    return found


def configure(call: Call, **changes: Any) -> Profile:
    """Change some of them."""
    unknown = set(changes) - _FIELDS
    if unknown:
        raise StripeError(
            f"Received unknown parameter: {min(unknown)}", code="parameter_unknown", param=min(unknown)
        )
    changed = replace(_read(call), **changes)
    stored: JSON = {"id": ID, "object": KIND, **asdict(changed)}
    if call.look(KIND, ID) is None:
        call.add(stored, stamp=False)
    else:
        call.save(stored)
    _known.setdefault(call.engine, {}).pop(call.part, None)
    return changed


@route("POST", "/_pinstripe/settings")
def change(call: Call) -> JSON:
    """What only the stand-in can set: `fees_later`, `fee_tax_percent`, `payout_failure`, `settles` ..."""
    changes: dict[str, Any] = {}
    for name in call.params:
        if name in ("fees_later", "delay_days"):
            changes[name] = call.integer(name, min=0)
        elif name == "settles":
            changes[name] = [str(one) for one in call.listing(name)]
        elif name in ("debit_negative", "payouts_enabled", "smart_disputes"):
            changes[name] = call.boolean(name)
        elif name == "fee_tax_percent":
            changes[name] = float(call.text(name) or 0)
        else:
            changes[name] = call.text(name)
    return asdict(configure(call, **changes))


def _read(call: Call) -> Profile:
    stored = call.look(KIND, ID)
    if stored is not None:
        return Profile(**{name: value for name, value in stored.items() if name in _FIELDS})
    account = call.look("account", call.account) or {}
    country = str(account.get("country") or "US")
    return Profile(
        country=country,
        currency=str(account.get("default_currency") or "usd"),
        interval="weekly" if country == "JP" else "daily",
    )
