"""One company: its preferences, lists and documents, with the version of each and what was deleted.

company = Company("4620816365000001", "Acme Web Shop LLC", chart=SMALL, clock=clock)
account = company.account("Checking")
company.put("JournalEntry", {...})          # as it is, unchecked: see `documents.checked`
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from bookhand.sandbox.outside.clock import Clock
from bookhand.sandbox.outside.standin import JSON
from bookhand.sandbox.quickbooks.chart import (
    CLASSES,
    CLASSIFICATIONS,
    CUSTOMERS,
    RATES,
    TAX_CODES,
    VENDORS,
    Row,
)
from bookhand.sandbox.quickbooks.errors import QuickBooksFault, missing, not_found

DOCUMENTS = ("JournalEntry", "Deposit", "Transfer", "Purchase")
LISTS = ("Account", "Class", "TaxCode", "Customer", "Vendor", "CompanyCurrency", "CompanyInfo", "Preferences")
_NAMED = {"Account": "Name", "Customer": "DisplayName", "Vendor": "DisplayName", "Class": "Name"}
_FIRST_ID = {"Account": 1}
_FIRST_DOCUMENT = 101


class Gone(msgspec.Struct, frozen=True):
    """A document that was deleted."""

    entity: str
    id: str
    at: float


class Company:
    """Everything QuickBooks keeps of one company."""

    def __init__(
        self, realm: str, name: str, *, chart: Sequence[Row], clock: Clock, currencies: Sequence[str] = ()
    ) -> None:
        self.realm = realm
        self.name = name
        self.clock = clock
        self.home = "USD"
        self.currencies = tuple(currencies)
        self.rates = {code: Decimal(RATES[code]) for code in currencies}
        self.closed_through: str | None = None
        self.duplicate_numbers_refused = False
        """QuickBooks checks numbers of journal entries only where a company asked for it."""
        self.objects: dict[str, dict[str, JSON]] = {entity: {} for entity in (*LISTS, *DOCUMENTS)}
        self.gone: list[Gone] = []
        self.numbers: dict[str, list[tuple[str, str]]] = {}
        """DocNumber to (entity, id), where a document has one."""
        self._next = {"document": _FIRST_DOCUMENT}
        self._begin(chart)

    @property
    def multicurrency(self) -> bool:
        """Whether documents may be in other currencies than the home one; once on, it stays on."""
        return bool(self.currencies)

    def account(self, name: str) -> JSON:
        """The account of that full name; KeyError where there is none."""
        for account in self.objects["Account"].values():
            if name in (account["FullyQualifiedName"], account["Name"]):
                return account
        raise KeyError(name)

    def get(self, entity: str, id_: str) -> JSON:
        """One object; 610 where there is none."""
        found = self.objects[entity].get(id_)
        if found is None:
            raise not_found("Something you're trying to use has been made inactive. Check the fields with accounts, customers, items, vendors or employees.")  # fmt: skip
        return found

    def put(self, entity: str, obj: JSON) -> JSON:
        """Keep a new object (without an Id) or a changed one; its version and times are set here."""
        now = self._now()
        before = self.objects[entity].get(obj.get("Id", ""))
        if before is None:
            kept = {
                **obj,
                "Id": self._new_id(entity),
                "SyncToken": "0",
                "MetaData": {"CreateTime": now, "LastUpdatedTime": now},
            }
        else:
            token = str(int(before["SyncToken"]) + 1)
            kept = {**obj, "SyncToken": token, "MetaData": {**before["MetaData"], "LastUpdatedTime": now}}
            self._unnumber(entity, before)
        kept |= {"domain": "QBO", "sparse": False}
        self.objects[entity][kept["Id"]] = kept
        if entity in DOCUMENTS and kept.get("DocNumber"):
            self.numbers.setdefault(kept["DocNumber"], []).append((entity, kept["Id"]))
        return kept

    def remove(self, entity: str, id_: str) -> None:
        """Delete a document; CDC tells it."""
        self._unnumber(entity, self.get(entity, id_))
        del self.objects[entity][id_]
        self.gone.append(Gone(entity, id_, self.clock.now()))

    def expect_current(self, entity: str, obj: JSON) -> JSON:
        """The object as it stands, if `obj` has its Id and its SyncToken: 5010 for another version."""
        for name in ("Id", "SyncToken"):
            if not obj.get(name) and obj.get(name) != 0:
                raise missing(name)
        current = self.get(entity, str(obj["Id"]))
        if str(obj["SyncToken"]) != current["SyncToken"]:
            raise QuickBooksFault(
                "5010", "Stale Object Error",
                "Stale Object Error : You and another user were working on this at the same time. Another user finished before you did, "
                f"so your work was not saved. Entity={entity}",
            )  # fmt: skip
        return current

    def info(self) -> JSON:
        """CompanyInfo."""
        return self.objects["CompanyInfo"]["1"]

    def preferences(self) -> JSON:
        """Preferences, as they are now."""
        accounting: JSON = {
            "UseAccountNumbers": False,
            "ClassTrackingPerTxnLine": True,
            "CustomerTerminology": "Customers",
        }
        if self.closed_through:
            accounting["BookCloseDate"] = self.closed_through
        kept = self.objects["Preferences"]["1"]
        return {
            **kept,
            "AccountingInfoPrefs": accounting,
            "CurrencyPrefs": {
                "MultiCurrencyEnabled": self.multicurrency,
                "HomeCurrency": {"value": self.home},
            },
        }

    def named(self, entity: str, obj: JSON) -> bool:
        """Whether another object has the same name: customers and vendors share theirs."""
        field = _NAMED[entity]
        among = ("Customer", "Vendor") if field == "DisplayName" else (entity,)
        name = str(obj.get(field, "")).casefold()
        return any(
            other["Id"] != obj.get("Id")
            and str(other[field]).casefold() == name
            and other.get("ParentRef") == obj.get("ParentRef")
            for kind in among
            for other in self.objects[kind].values()
        )

    def _unnumber(self, entity: str, obj: JSON) -> None:
        holders = self.numbers.get(obj.get("DocNumber", ""), [])
        if (entity, obj["Id"]) in holders:
            holders.remove((entity, obj["Id"]))

    def _new_id(self, entity: str) -> str:
        counter = "document" if entity in DOCUMENTS else entity
        number = self._next.get(counter, _FIRST_ID.get(entity, 1))
        self._next[counter] = number + 1
        return str(number)

    def _now(self) -> str:
        return self.clock.moment().isoformat(timespec="seconds")

    def _begin(self, chart: Sequence[Row]) -> None:
        self.put("CompanyInfo", {"CompanyName": self.name, "LegalName": self.name, "Country": "US"})
        self.put("Preferences", {})
        for code in self.currencies:
            self.put("CompanyCurrency", {"Code": code, "Name": code, "Active": True})
        for name, kind, subtype, currency, parent in chart:
            self.put("Account", account_of(self, name, kind, subtype, currency=currency, parent=parent))
        for name in CLASSES:
            self.put("Class", {"Name": name, "FullyQualifiedName": name, "SubClass": False, "Active": True})
        for code, said in TAX_CODES:
            made = self.put(
                "TaxCode", {"Name": code, "Description": said, "Active": True, "Taxable": code == "TAX"}
            )
            del self.objects["TaxCode"][made["Id"]]
            self.objects["TaxCode"][code] = {**made, "Id": code}  # the United States' codes are these words
        for entity, names in (("Customer", CUSTOMERS), ("Vendor", VENDORS)):
            for name in names:
                self.put(entity, {"DisplayName": name, "Active": True, "CurrencyRef": {"value": self.home}})


def account_of(
    company: Company, name: str, kind: str, subtype: str, *, currency: str = "", parent: str = ""
) -> JSON:
    """An account as QuickBooks shows it."""
    above: dict[str, Any] = company.account(parent) if parent else {}
    found: JSON = {
        "Name": name,
        "FullyQualifiedName": f"{above['FullyQualifiedName']}:{name}" if above else name,
        "SubAccount": bool(above),
        "AccountType": kind,
        "AccountSubType": subtype,
        "Classification": CLASSIFICATIONS[kind],
        "Active": True,
        "CurrencyRef": {"value": currency or company.home},
    }
    return found | ({"ParentRef": {"value": above["Id"]}} if above else {})
