"""The columns of a CSV as a form: one choice for each column, and what the file as a whole means. Pure.

>>> roles(Profile(date="Day", amount="Sum", description=("Text",)), ("Day", "Sum", "Text", "X"))
['date', 'amount', 'description', '']
>>> sent = {"role_0": "date", "role_1": "amount", "role_2": "description", "date_order": "DMY", "sign": "1", "decimal": ",", "currency": "eur"}
>>> changes(sent, ("Day", "Sum", "Text"))["date"], changes(sent, ("Day", "Sum", "Text"))["currency"]
('Day', 'EUR')
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bookhand.core.problems import Refusal
from bookhand.systems.bank.columns.profile import Profile
from bookhand.web.page.wording import plain

ONCE: Final = (
    "date", "value_date", "amount", "money_in", "money_out", "fee", "direction", "currency_column", "counterparty", "native_id",
    "balance", "account_column",
)  # fmt: skip
"""What one column at most is."""
SEVERAL: Final = ("description", "references")
"""What several columns may be."""
ROLES: Final = ("", "date", "value_date", "amount", "money_in", "money_out", "fee", "direction", "balance", "description", "counterparty",
                "references", "native_id", "currency_column", "account_column")  # fmt: skip
"""The choices, in the order in which they are offered; the first means nothing that is read."""
_ORDERS: Final = ("", "oldest_first", "newest_first")


def roles(profile: Profile, header: tuple[str, ...]) -> list[str]:
    """What each column of `header` is by `profile`; empty for what is not read."""
    named: dict[str, str] = {}
    for role in SEVERAL:
        named |= dict.fromkeys(getattr(profile, role), role)
    named |= {name: role for role in ONCE if (name := getattr(profile, role))}
    return [named.get(name, "") for name in header]


def changes(sent: Mapping[str, str], header: tuple[str, ...]) -> dict[str, Any]:
    """What a person chose, as fields of a profile; `Refusal` where one thing is said of two columns, or a fee goes with none."""
    found: dict[str, Any] = {**dict.fromkeys(ONCE), **{role: [] for role in SEVERAL}}
    for place, name in enumerate(header):
        role = sent.get(f"role_{place}", "")
        if role in SEVERAL:
            found[role].append(name)
        elif role in ONCE:
            if found[role] is not None:
                raise Refusal(
                    plain(
                        "payouts.columns.twice",
                        role=plain(f"payouts.role.{role}"),
                        one=found[role],
                        other=name,
                    )
                )
            found[role] = name
    if found["date"] is None:
        raise Refusal(plain("payouts.columns.no_day"))
    found |= {
        "date_order": sent.get("date_order") or None, "decimal": sent.get("decimal") or None, "order": sent.get("order") or None,
        "sign": {"1": 1, "-1": -1}.get(sent.get("sign", "")), "currency": (sent.get("currency") or "").strip().upper() or None,
        "in_words": _words(sent.get("in_words", "")), "out_words": _words(sent.get("out_words", "")),
    }  # fmt: skip
    if found["currency_column"]:
        found["currency"] = None
    if found["fee"] and (found["money_in"] or found["money_out"] or found["sign"] == -1):
        raise Refusal(plain("payouts.columns.fee_alone", column=found["fee"]))
    return found


def settings(profile: Profile) -> dict[str, str]:
    """The rest of a profile as a form shows it."""
    return {
        "date_order": profile.date_order or "", "decimal": profile.decimal or "", "sign": str(profile.sign or ""),
        "currency": profile.currency or "", "order": profile.order or "", "in_words": ", ".join(profile.in_words),
        "out_words": ", ".join(profile.out_words),
    }  # fmt: skip


def _words(text: str) -> list[str]:
    return [word for each in text.split(",") if (word := each.strip())]
