"""The consent page: one sheet, the accounts to choose from, what will be allowed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, Template

from bookhand.sandbox.stripe.errors import JSON


def render(
    name: str,
    accounts: list[tuple[str, JSON]],
    fields: dict[str, str],
    *,
    permissions: dict[str, str] | None,
    livemode: bool,
) -> bytes:
    """The page as HTML."""
    shown = [
        {
            "id": id_,
            "name": (account.get("business_profile") or {}).get("name") or account.get("email") or id_,
            "place": f"{account.get('country', '')} · {str(account.get('default_currency', '')).upper()}",
        }
        for id_, account in accounts
    ]
    granted = [
        f"{'See and change' if way == 'write' else 'See'} {resource.replace('_', ' ')}s"
        for resource, way in sorted((permissions or {}).items())
        if resource != "*" and way != "none"
    ]
    return (
        _template()
        .render(
            name=name,
            accounts=shown,
            fields=fields,
            granted=granted or _by_scope(fields["scope"]),
            livemode=livemode,
        )
        .encode()
    )


def _by_scope(scope: str) -> list[str]:
    seen = ["See payments, customers and payouts", "See disputes, invoices and subscriptions"]
    if scope == "read_only":
        return seen
    return [*seen, "Create refunds, invoices and other objects for you"]


@cache
def _template() -> Template:
    text = Path(__file__).with_name("consent.html").read_text(encoding="utf-8")
    return Environment(autoescape=True).from_string(text)
