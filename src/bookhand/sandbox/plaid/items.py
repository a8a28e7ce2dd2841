"""Items of the stand-in: their accounts, and a log of every change to their transactions. Pure but for the ids, which are counted.

A cursor is a place in the log. What changed between two places is told once for each transaction, as it is at the end: added, modified or
removed; what came and went in between is not told at all. Amounts are Plaid's: money that leaves is positive.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

JSON = dict[str, Any]
Change = Literal["added", "modified", "removed"]


class NoSuchTransactionError(ValueError):
    """A switch named a transaction that is not there."""


@dataclass(slots=True)
class Item:
    """One sign-in at a bank. `log` has (change, the transaction as it became)."""

    id: str
    access_token: str
    accounts: list[JSON]
    institution: str = "ins_109508"
    log: list[tuple[Change, JSON]] = field(default_factory=list)
    trouble: str | None = None
    """An error code with which every call on it is answered until it is repaired."""
    _count: int = 0

    def post(
        self, *, amount: str, date: str, name: str, account: int = 0, pending: bool = False, **more: Any
    ) -> JSON:
        """A new transaction."""
        return self._add(
            amount=Decimal(amount), date=date, name=name, account=account, pending=pending, more=more
        )

    def settle(self, transaction_id: str, **changed: Any) -> JSON:
        """A pending transaction goes, and the posted one comes under an id of its own."""
        before = self._standing(transaction_id)
        self.log.append(("removed", before))
        place = next(
            at for at, each in enumerate(self.accounts) if each["account_id"] == before["account_id"]
        )
        amount = Decimal(str(changed.pop("amount", before["amount"])))
        more = {
            "original_description": before["original_description"],
            **changed,
            "pending_transaction_id": transaction_id,
        }
        date, name = str(more.pop("date", before["date"])), str(more.pop("name", before["name"]))
        return self._add(amount=amount, date=date, name=name, account=place, pending=False, more=more)

    def modify(self, transaction_id: str, **changed: Any) -> JSON:
        """The same transaction, told otherwise."""
        if "amount" in changed:
            changed["amount"] = Decimal(str(changed["amount"]))
        made = {**self._standing(transaction_id), **changed}
        self.log.append(("modified", made))
        return made

    def remove(self, transaction_id: str) -> JSON:
        """The bank takes it back."""
        before = self._standing(transaction_id)
        self.log.append(("removed", before))
        return before

    def since(self, place: int) -> list[tuple[Change, JSON]]:
        """What changed after `place`, once a transaction, as it is now."""
        known = {each["transaction_id"] for change, each in self.log[:place] if change != "removed"}
        known -= {each["transaction_id"] for change, each in self.log[:place] if change == "removed"}
        last: dict[str, tuple[Change, JSON]] = {}
        for change, each in self.log[place:]:
            last[each["transaction_id"]] = (change, each)
        told: list[tuple[Change, JSON]] = []
        for identity, (change, each) in last.items():
            if change == "removed":
                told += [("removed", each)] if identity in known else []
            else:
                told.append(("modified" if identity in known else "added", each))
        return told

    def _standing(self, transaction_id: str) -> JSON:
        found = [(change, each) for change, each in self.log if each["transaction_id"] == transaction_id]
        if not found or found[-1][0] == "removed":
            raise NoSuchTransactionError(f"There is no transaction {transaction_id}.")
        return found[-1][1]

    def _add(self, *, amount: Decimal, date: str, name: str, account: int, pending: bool, more: JSON) -> JSON:
        self._count += 1
        made = {
            "transaction_id": f"tx{self.id[-4:]}{self._count:08d}", "account_id": self.accounts[account]["account_id"], "amount": amount,
            "iso_currency_code": self.accounts[account]["balances"]["iso_currency_code"], "unofficial_currency_code": None,
            "date": date, "authorized_date": None, "name": name, "original_description": name, "merchant_name": None, "pending": pending,
            "pending_transaction_id": None, "check_number": None, "transaction_code": None, "counterparties": [],
            "payment_meta": {"reference_number": None, "ppd_id": None, "payee": None, "payer": None, "by_order_of": None},
            "payment_channel": "other", **more,
        }  # fmt: skip
        self.log.append(("added", made))
        return made


def account(number: int, *, currency: str = "USD", name: str = "Plaid Checking") -> JSON:
    """A checking account as ``accounts/get`` tells it."""
    return {
        "account_id": f"acc{number:06d}", "name": name, "official_name": f"{name} Gold", "mask": f"{number:04d}"[-4:],
        "type": "depository", "subtype": "checking",
        "balances": {"available": Decimal("100.25"), "current": Decimal("110.25"), "iso_currency_code": currency, "limit": None, "unofficial_currency_code": None},
    }  # fmt: skip
