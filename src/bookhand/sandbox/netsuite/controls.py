"""What people do in an account, as switches under ``/_standin``; each takes ``account``, the slug.

certificate    {"account", "pem"}                          an administrator maps a certificate: {"certificate_id", "client_id", "expires"}
revoke         {"account", "certificate_id"}               or {"account", "token_pair": true}
period         {"account", "name": "Oct 2026", "closed": true}
inactive       {"account", "id", "inactive": true}         an account of the chart
edit           {"account", "record", "id", "body", "replace": ["line"]}
delete         {"account", "record", "id"}
check          {"account", "bank", "other", "amount": "12.30", "day", "memo"}       a transaction that is none of ours
concurrency    {"account", "most": 5, "status": 429}       status 400 is what some accounts answer
deny           {"account", "record", "denied": true}       the role loses its right
"""

from __future__ import annotations

from collections.abc import Mapping

from bookhand.sandbox.netsuite.account import NetSuiteAccount
from bookhand.sandbox.netsuite.errors import NetSuiteError
from bookhand.sandbox.netsuite.signing import utc
from bookhand.sandbox.outside.standin import JSON, NotHere


def switched(accounts: Mapping[str, NetSuiteAccount], switch: str, asked: JSON, *, now: float) -> JSON:
    """Do it, and say what came of it; ValueError for what cannot be."""
    account = accounts[asked["account"]]
    try:
        return _done(account, switch, asked, now)
    except NetSuiteError as error:
        raise ValueError(error.detail) from None


def _done(account: NetSuiteAccount, switch: str, asked: JSON, now: float) -> JSON:
    at = utc(now).strftime("%Y-%m-%dT%H:%M:%SZ")
    match switch:
        case "certificate":
            made = account.keys.upload(asked["pem"], now=utc(now))
            return {
                "certificate_id": made.id,
                "client_id": made.client_id,
                "expires": made.expires.isoformat(),
            }
        case "revoke":
            _revoke(account, asked)
        case "period":
            account.close_period(asked["name"], closed=asked.get("closed", True))
        case "inactive":
            account.set_inactive(asked["id"], inactive=asked.get("inactive", True))
        case "edit":
            found = account.find(asked["record"], asked["id"], path="")
            account.change(found, asked["body"], replacing=tuple(asked.get("replace", ())), at=at)
        case "delete":
            account.delete(account.find(asked["record"], asked["id"], path=""))
        case "check":
            named = {name: asked[name] for name in ("bank", "amount", "day")}
            made_ = account.add_check(
                **named,
                account=asked["other"],
                memo=asked.get("memo", ""),
                subsidiary=asked.get("subsidiary"),
                at=at,
            )
            return {"id": made_.id}
        case "concurrency":
            account.most_at_once, account.too_many_status = int(asked["most"]), int(asked.get("status", 429))
        case "deny":
            (account.denied.add if asked.get("denied", True) else account.denied.discard)(asked["record"])
        case _:
            raise NotHere(switch)
    return {}


def _revoke(account: NetSuiteAccount, asked: JSON) -> None:
    if asked.get("token_pair"):
        account.pair.revoked = True
    else:
        account.keys.certificates[asked["certificate_id"]].revoked = True
