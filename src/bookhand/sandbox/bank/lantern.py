"""What the seeded company's banks write of its payouts, with every oddity that banks are known for planted once.

    company = bank_of(payouts_by_account)            # payouts as Stripe's API lists them
    company.accounts[0].lines                        # what the bank booked, oldest first
    company.oddities                                 # what was planted, with the payouts it is about

A payout arrives on its day with Stripe's descriptor and, where Stripe knows it by now, its trace id. Beside that there is the company's
own business (rent, wages, a customer's wire), and what `ODDITIES` names. Nothing here knows how it will be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.sandbox.bank.files import FileFormat

JSON = dict[str, Any]

ODDITIES = (
    "failed", "fetched back", "instant", "manual", "batched", "split", "FX", "bank fee", "missing", "foreign line",
)  # fmt: skip
_OPENING_MINOR = 4_215_077
_WIRE_FEE = 1_500
_RATE_PER_MILLE = 861
"""Euro for a thousand dollars, as the bank takes them."""


class Oddity(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was planted: the payouts it is about (none for a foreign line) and the lines that tell it (none for a missing one)."""

    kind: str
    payouts: tuple[str, ...]
    lines: tuple[tuple[str, str, int], ...]
    """Each by its account's number, day and minor units."""


class Account(msgspec.Struct, kw_only=True):
    """A bank account: its number, what it is kept in, the file format its bank gives, and what was booked on it."""

    name: str
    number: str
    currency: str
    format: FileFormat
    opening_minor: int = _OPENING_MINOR
    lines: list[StatementLine] = msgspec.field(default_factory=list)


class Bank(msgspec.Struct, frozen=True, kw_only=True):
    """The company's bank accounts, and what was planted in them."""

    accounts: tuple[Account, ...]
    oddities: tuple[Oddity, ...]


def bank_of(payouts: Mapping[str, Sequence[JSON]], *, seed: int = 1) -> Bank:
    """The bank accounts that the payouts of each Stripe account go to: one for each Stripe account and currency."""
    desk = _Desk(Random(seed))
    for stripe_account, found in payouts.items():
        for currency in sorted({each["currency"] for each in found}, reverse=True):
            desk.open(stripe_account, currency.upper())
    for stripe_account, found in payouts.items():
        desk.book_all(stripe_account, sorted(found, key=lambda each: (each["arrival_date"], each["id"])))
    return desk.closed()


class _Desk:
    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.accounts: dict[tuple[str, str], Account] = {}
        self.oddities: list[Oddity] = []
        self.count = 0

    def open(self, stripe_account: str, currency: str) -> None:
        formats: tuple[tuple[FileFormat, str], ...] = (
            ("ofx", "Checking"),
            ("csv", "Dollar account"),
            ("camt053", "Girokonto"),
        )
        form, name = formats[len(self.accounts) % 3]
        number = "DE02120300000000202051" if form == "camt053" else f"{self.chance.randrange(10**9, 10**10)}"
        self.accounts[stripe_account, currency] = Account(
            name=name, number=number, currency=currency, format=form
        )

    def book_all(self, stripe_account: str, payouts: Sequence[JSON]) -> None:
        """Every payout that has arrived, the ordinary way but for those that an oddity takes."""
        taken = self._odd(stripe_account, payouts)
        for payout in payouts:
            if payout["id"] not in taken and payout["status"] == "paid":
                self._arrive(stripe_account, payout)
        self._own_business(stripe_account, payouts)

    def closed(self) -> Bank:
        for account in self.accounts.values():
            account.lines.sort(key=lambda line: (line.day, line.key))
        return Bank(accounts=tuple(self.accounts.values()), oddities=tuple(self.oddities))

    # --- what banks do ---

    def _odd(self, stripe_account: str, payouts: Sequence[JSON]) -> set[str]:
        """Plant what this account's payouts allow; the ids of those that are booked here and not the ordinary way."""
        taken: set[str] = set()
        for payout in payouts:
            if payout["status"] == "failed":
                self._note("failed", [payout])
            elif payout["status"] == "paid" and payout["original_payout"]:
                self._note("fetched back", [payout], self._arrive(stripe_account, payout))
                taken.add(payout["id"])
            elif payout["status"] == "paid" and payout["method"] == "instant":
                self._note(
                    "instant", [payout], self._arrive(stripe_account, payout, text="VISA DIRECT STRIPE")
                )
                taken.add(payout["id"])
            elif payout["status"] == "paid" and not payout["automatic"] and not payout["reversed_by"]:
                self._note("manual", [payout], self._arrive(stripe_account, payout))
                taken.add(payout["id"])
        plain = [
            each for each in payouts
            if each["id"] not in taken and each["status"] == "paid" and each["automatic"] and _trace(each) and each["amount"] > 10 * _WIRE_FEE
        ]  # fmt: skip
        for plant in (self._batch, self._split, self._fee, self._miss, self._exchange):
            taken |= plant(stripe_account, [each for each in plain if each["id"] not in taken])
        return taken

    def _batch(self, stripe_account: str, plain: Sequence[JSON]) -> set[str]:
        """Two payouts in one line: the bank added up what came on two days."""
        for first, second in pairwise(plain):
            apart = second["arrival_date"] - first["arrival_date"]
            if first["currency"] == second["currency"] and 0 < apart <= 3 * 86_400:
                line = self._line(
                    stripe_account, second, first["amount"] + second["amount"], f"STRIPE TRANSFER 2 ITEMS {_trace(first)} {_trace(second)}",
                    references=(_trace(first), _trace(second)),
                )  # fmt: skip
                self._note("batched", [first, second], line)
                return {first["id"], second["id"]}
        return set()

    def _split(self, stripe_account: str, plain: Sequence[JSON]) -> set[str]:
        """One payout in two lines."""
        if not plain:
            return set()
        payout = plain[len(plain) // 2]
        part = payout["amount"] * 3 // 5
        lines = [
            self._line(stripe_account, payout, minor, f"STRIPE TRANSFER PART {number}/2 {_trace(payout)}", references=(_trace(payout),))
            for number, minor in enumerate((part, payout["amount"] - part), start=1)
        ]  # fmt: skip
        self._note("split", [payout], *lines)
        return {payout["id"]}

    def _fee(self, stripe_account: str, plain: Sequence[JSON]) -> set[str]:
        """The bank keeps its fee for an incoming wire."""
        if not plain:
            return set()
        payout = plain[len(plain) // 3]
        text = f"INCOMING WIRE STRIPE {_trace(payout)} LESS FEE {_WIRE_FEE // 100}.00"
        self._note(
            "bank fee", [payout],
            self._line(stripe_account, payout, payout["amount"] - _WIRE_FEE, text, references=(_trace(payout),)),
        )  # fmt: skip
        return {payout["id"]}

    def _miss(self, _stripe_account: str, plain: Sequence[JSON]) -> set[str]:
        """Stripe says paid, and the bank has nothing."""
        if not plain:
            return set()
        payout = plain[len(plain) * 2 // 3]
        self._note("missing", [payout])
        return {payout["id"]}

    def _exchange(self, stripe_account: str, plain: Sequence[JSON]) -> set[str]:
        """Dollars that arrive on the euro account, exchanged by the bank at its own rate."""
        if (stripe_account, "EUR") not in self.accounts:
            return set()
        dollars = [each for each in plain if each["currency"] == "usd"]
        if not dollars:
            return set()
        payout = dollars[len(dollars) // 4]
        line = self._line(
            stripe_account, payout, payout["amount"] * _RATE_PER_MILLE // 1000,
            f"STRIPE PAYMENTS {_trace(payout)} USD {payout['amount'] / 100:.2f} KURS 0,861", references=(_trace(payout),), currency="EUR",
            original=(payout["amount"], "USD"),
        )  # fmt: skip
        self._note("FX", [payout], line)
        return {payout["id"]}

    def _own_business(self, stripe_account: str, payouts: Sequence[JSON]) -> None:
        """What the company does beside Stripe; and one line that only looks like Stripe's."""
        arrived = [each for each in payouts if each["status"] == "paid"]
        if not arrived:
            return
        for (owner, currency), _ in list(self.accounts.items()):
            mine = [each for each in arrived if each["currency"].upper() == currency]
            if owner != stripe_account or not mine:
                continue
            first, last = _day(mine[0]), _day(mine[-1])
            month = first.replace(day=1)
            while month <= last and currency == "USD" and stripe_account == next(iter(self.accounts))[0]:
                for day, minor, text in ((3, -380_000, "RENT OFFICE 4B"), (25, -1_240_000, "PAYROLL")):
                    booked = month.replace(day=day)
                    if first <= booked <= last:
                        self._foreign(stripe_account, currency, booked, minor, text)
                month = (month + timedelta(days=32)).replace(day=1)
            middle = _day(mine[len(mine) // 2])
            self._foreign(stripe_account, currency, middle, 1_250_000, "WIRE FROM NORTHWIND TRADERS INV 2207")
            line = self._foreign(
                stripe_account,
                currency,
                middle + timedelta(days=1),
                48_211,
                "STRIPE TRANSFER OF ANOTHER BUSINESS",
            )
            self.oddities.append(Oddity(kind="foreign line", payouts=(), lines=(_place(line),)))

    # --- lines ---

    def _arrive(self, stripe_account: str, payout: JSON, *, text: str = "STRIPE TRANSFER") -> StatementLine:
        trace = _trace(payout)
        references = (trace,) if trace else ()
        return self._line(
            stripe_account, payout, payout["amount"], f"{text} {trace}".rstrip(), references=references
        )

    def _line(
        self, stripe_account: str, payout: JSON, minor: int, text: str, *, references: tuple[str, ...] = (), currency: str | None = None,
        original: tuple[int, str] | None = None,
    ) -> StatementLine:  # fmt: skip
        return self._booked(
            self.accounts[stripe_account, currency or payout["currency"].upper()], _day(payout), minor, text, counterparty="STRIPE",
            references=references, original=original,
        )  # fmt: skip

    def _foreign(self, stripe_account: str, currency: str, day: date, minor: int, text: str) -> StatementLine:
        return self._booked(self.accounts[stripe_account, currency], day, minor, text)

    def _booked(
        self, account: Account, day: date, minor: int, text: str, *, counterparty: str | None = None, references: tuple[str, ...] = (),
        original: tuple[int, str] | None = None,
    ) -> StatementLine:  # fmt: skip
        self.count += 1
        key = f"LM{day:%y%m%d}-{self.count:05d}"
        line = StatementLine(
            account=account.number, key=key, day=day.isoformat(), value_day=day.isoformat(), currency=account.currency, minor=minor,
            description=text, counterparty=counterparty, references=references, native_id=key,
            original_minor=original[0] if original else None, original_currency=original[1] if original else None,
        )  # fmt: skip
        account.lines.append(line)
        return line

    def _note(self, kind: str, payouts: Sequence[JSON], *lines: StatementLine) -> None:
        self.oddities.append(
            Oddity(
                kind=kind,
                payouts=tuple(each["id"] for each in payouts),
                lines=tuple(_place(line) for line in lines),
            )
        )


def _place(line: StatementLine) -> tuple[str, str, int]:
    return line.account, line.day, line.minor


def _trace(payout: JSON) -> str:
    found = payout.get("trace_id") or {}
    return str(found.get("value") or "")


def _day(payout: JSON) -> date:
    return datetime.fromtimestamp(payout["arrival_date"], UTC).date()
