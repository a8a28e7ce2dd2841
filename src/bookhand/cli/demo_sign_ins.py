"""What the demo's pages need for people to say yes at the stand-ins: an application there, with keys that are made at its start.

settings.model_copy(update=at_stripe(url, home="http://127.0.0.1:8787", permissions={"charge": "read"}))
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import httpx
from pydantic import SecretStr

from bookhand.cli.demo_process import stand_in
from bookhand.sandbox.quickbooks.standin import QuickBooks

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

_PLATFORM = "acct_1BookhandDemoApp0"
"""The account that the demo's Stripe App belongs to; it is not one of the company's."""


def at_stripe(url: str, *, home: str, permissions: Mapping[str, str]) -> dict[str, Any]:
    """Register a Stripe App whose way back is under `home`; the settings that sign in by it."""
    with httpx.Client(base_url=f"{url}/_pinstripe/", timeout=30) as pinstripe:
        account = pinstripe.post("accounts", data={"id": _PLATFORM}).raise_for_status().json()
        asked = {
            "account": _PLATFORM, "name": "bookhand", "kind": "app", "redirect_uris[]": f"{home}/oauth/stripe/app",
            **{f"permissions[{resource}]": way for resource, way in permissions.items()},
        }  # fmt: skip
        client = pinstripe.post("applications", data=asked).raise_for_status().json()
    return {
        "stripe_client_id": client["id"],
        "stripe_developer_key": SecretStr(account["test"]),
        "stripe_application": "app",
        "stripe_connect_url": url,
        "stripe_marketplace_url": url,
    }


def at_intuit(url: str) -> dict[str, Any]:
    """The settings that sign in at the stand-in QuickBooks; its application is made from its seed."""
    app = QuickBooks(seed=1).app
    return {
        "quickbooks_client_id": app.client_id,
        "quickbooks_client_secret": SecretStr(app.client_secret),
        "quickbooks_mode": "test",
        "quickbooks_base_url": url,
        "quickbooks_discovery_url": f"{url}/.well-known/openid_configuration",
    }


def at_plaid(stack: ExitStack, folder: Path) -> dict[str, Any]:
    """Start a stand-in Plaid with keys of its own, until `stack` ends; the settings that sign in there."""
    client_id, secret = secrets.token_hex(12), secrets.token_hex(15)
    keys = ("--client-id", client_id, "--secret", secret)
    url = stack.enter_context(stand_in("Plaid", "plaid", keys, log=folder / "plaid.log"))
    return {"plaid_client_id": client_id, "plaid_secret": SecretStr(secret), "plaid_base_url": url}
