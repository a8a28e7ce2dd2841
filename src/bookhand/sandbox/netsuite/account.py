"""One NetSuite account at work: its company, its transactions, its sign-in, and what people do in it.

account = NetSuiteAccount(simple(), seed=1)
account.create("journalEntry", body, at="2026-11-20T10:00:00Z").id
account.close_period("Oct 2026")
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Any

from bookhand.sandbox.netsuite.company import Company
from bookhand.sandbox.netsuite.errors import duplicate, not_there, user_error
from bookhand.sandbox.netsuite.signing import Keys
from bookhand.sandbox.netsuite.tables import Tables
from bookhand.sandbox.netsuite.token_pair import TokenPair
from bookhand.sandbox.netsuite.transaction import Line, Transaction, minor_of
from bookhand.sandbox.netsuite.writing import changed, made_of

_PREFIX = {"journalEntry": "JE", "deposit": "DEP", "check": "CHK"}


def _four(chance: Random) -> tuple[str, str, str, str]:
    one, two, three, four = (f"{chance.getrandbits(256):064x}" for _ in range(4))
    return one, two, three, four


class NetSuiteAccount:
    """What one account holds; the caller holds a lock."""

    def __init__(self, company: Company, *, seed: int) -> None:
        chance = Random(f"{seed}/{company.slug}")
        self.company = company
        self.tables = Tables(company)
        self.transactions: dict[str, Transaction] = {}
        self.keys = Keys(f"{chance.getrandbits(256):064x}")
        self.pair = TokenPair(*_four(chance))
        self.most_at_once = 5
        self.too_many_status = 429
        """Some accounts answer 400 with the same code."""
        self.most_seen = 0
        self.denied: set[str] = set()
        """Records that the role may not touch any more."""
        self._by_external: dict[tuple[str, str], str] = {}
        self._next = 5000
        self._numbers = dict.fromkeys(_PREFIX, 0)

    # --- records ---

    def find(self, record: str, key: str, *, path: str) -> Transaction:
        """By id, or by ``eid:…``; `NetSuiteError` 404 where there is none."""
        number = self._by_external.get((record, key.removeprefix("eid:"))) if key.startswith("eid:") else key
        found = self.transactions.get(number or "")
        if found is None or found.record != record:
            raise not_there(path)
        return found

    def of(self, record: str) -> list[Transaction]:
        """All of a record, oldest first."""
        return [each for each in self.transactions.values() if each.record == record]

    def create(self, record: str, body: Mapping[str, Any], *, at: str) -> Transaction:
        """A new one; a second of the same external id is refused."""
        made = made_of(self.company, record, body, id=str(self._next), today=at[:10])
        if made.external_id is not None and (record, made.external_id) in self._by_external:
            raise duplicate()
        self._next += 1
        self._numbers[record] += 1
        made.number = made.number or f"{_PREFIX[record]}{self._numbers[record]}"
        made.created = made.modified = at
        return self._keep(made)

    def change(
        self, before: Transaction, body: Mapping[str, Any], *, replacing: tuple[str, ...], at: str
    ) -> Transaction:
        """An edit, by whoever."""
        after = changed(self.company, before, body, replacing=replacing)
        after.modified = at
        taken = self._by_external.get((after.record, after.external_id or ""))
        if taken not in {None, after.id}:
            raise duplicate()
        return self._keep(after)

    def delete(self, made: Transaction) -> None:
        """Gone; refused in a closed period."""
        period = self.company.period_of(made.day)
        if period is not None and (period.closed or period.locked):
            raise user_error(f"The posting period {period.name} for the date {made.day} is closed or locked.")
        del self.transactions[made.id]
        self._by_external.pop((made.record, made.external_id or ""), None)
        self.tables.forget(made.id)

    def _keep(self, made: Transaction) -> Transaction:
        before = self.transactions.get(made.id)
        if before is not None and before.external_id is not None:
            self._by_external.pop((before.record, before.external_id), None)
        if made.external_id is not None:
            self._by_external[made.record, made.external_id] = made.id
        self.transactions[made.id] = made
        self.tables.keep(made)
        return made

    # --- what people do ---

    def close_period(self, name: str, *, closed: bool = True) -> None:
        """Close a month and all before it, or open it and all after it: NetSuite keeps their order. KeyError where there is none."""
        months = [each for each in self.company.periods.values() if each.kind == "month"]
        chosen = next((each for each in months if each.name == name), None)
        if chosen is None:
            raise KeyError(f"There is no period {name}.")
        for each in months:
            if each.end <= chosen.end if closed else each.start >= chosen.start:
                each.closed = closed
        self.tables.refresh()

    def set_inactive(self, account: str, *, inactive: bool = True) -> None:
        """Take an account of the chart out of use, by its id, or back into it."""
        self.company.accounts[account].inactive = inactive
        self.tables.refresh()

    def add_check(
        self,
        *,
        bank: str,
        account: str,
        amount: str,
        day: str,
        memo: str = "",
        subsidiary: str | None = None,
        at: str | None = None,
    ) -> Transaction:
        """A person writes a check: a transaction that is none of ours."""
        chosen = self.company.accounts[bank]
        currency = chosen.currency or next(iter(self.company.currencies))
        minor = minor_of(Decimal(amount), self.company.currencies[currency].symbol)
        moment = at or datetime.fromisoformat(day).isoformat() + "Z"
        self._numbers["check"] += 1
        made = Transaction(
            id=str(self._next), record="check", day=day, currency=currency, memo=memo, created=moment, modified=moment,
            subsidiary=subsidiary if self.company.one_world else None, number=f"CHK{self._numbers['check']}",
            lines=[Line(bank, -minor, memo, place="main"), Line(account, minor, memo)],
        )  # fmt: skip
        self._next += 1
        return self._keep(made)

    def close(self) -> None:
        """Let go of the tables."""
        self.tables.close()
