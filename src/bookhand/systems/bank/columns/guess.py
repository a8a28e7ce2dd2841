r"""A proposal for a CSV that nobody has confirmed yet: what each column is, with the evidence, and what has to be asked. Pure.

Nothing that the file leaves open is guessed: 03/04 is asked, unless another day of the file (or its order, or its balances) settles it.

>>> from bookhand.systems.bank.columns.sheet import sheet_of
>>> found = proposal_of(sheet_of("Date,Description,Amount\n03/04/2026,STRIPE,10.00\n05/04/2026,FEE,-1.00\n"))
>>> found.profile.amount, [question.field for question in found.questions]
('Amount', ['date_order', 'currency'])
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Refusal
from bookhand.systems.bank.columns.cells import (
    MARKS,
    are_counted,
    order_of,
    orders_of,
    places_of,
    sign_of,
)
from bookhand.systems.bank.columns.chain import Chain, chains_of
from bookhand.systems.bank.columns.lines import booked_rows
from bookhand.systems.bank.columns.profile import Profile, Proposal, Question
from bookhand.systems.bank.columns.sheet import Row, Sheet
from bookhand.systems.bank.columns.values import ORDERS, DayOrder, Mark, day_of, is_day, is_number, number_of
from bookhand.systems.bank.columns.words import IN_WORDS, OUT_WORDS, roles_of, with_others

_SAMPLE = 5
_MOST_WORDS = 6
_LONGEST = 60
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "₹": "INR"}
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


def proposal_of(sheet: Sheet, *, currency: str | None = None) -> Proposal:
    """What `sheet` looks like; `currency` is the account's, where it is known. `Refusal` where there are no days or no amounts in it."""
    return _Guess(sheet, currency).proposal()


class _Guess:
    def __init__(self, sheet: Sheet, currency: str | None) -> None:
        self._sheet = sheet
        self._known_currency = currency
        self._evidence: list[tuple[str, str]] = []
        self._questions: list[Question] = []
        self._taken: set[str] = set()
        self._rows = [row for row in sheet.rows if self._has_day(row)]
        booked = set(map(id, booked_rows(sheet)))
        self._booked = [row for row in self._rows if id(row) in booked]
        if not self._rows:
            raise Refusal("The table (CSV) has no row with a day in it: it is no statement.")

    def proposal(self) -> Proposal:
        """All of it."""
        date = self._date_column()
        order = self._day_order(date)
        value_date = self._pick("value_date", self._is_days)
        currency_column = self._pick(
            "currency", lambda cells: all(cell.upper() in EXPONENTS for cell in cells)
        )
        currency = None if currency_column else self._currency()
        amounts = self._amounts()
        balance = self._pick("balance", self._is_numbers)
        decimal = self._decimal([*(name for name in amounts.values() if isinstance(name, str)), *([balance] if balance else [])],
                                currency_column, currency)  # fmt: skip
        profile = Profile(
            date=date, date_order=order, value_date=value_date, decimal=decimal, currency=currency, currency_column=currency_column,
            balance=balance, native_id=self._native_id(), account_column=self._account_column(), counterparty=self._pick("counterparty"),
            **self._directed(amounts),
        )  # fmt: skip
        profile = self._settled(profile)
        profile = msgspec.structs.replace(
            profile, references=self._every("reference"), description=self._descriptions()
        )
        return Proposal(
            fingerprint=self._sheet.fingerprint, header=self._sheet.header, profile=profile, evidence=tuple(self._evidence),
            questions=tuple(self._questions), sample=tuple(row.cells for row in self._sheet.rows[:_SAMPLE]),
        )  # fmt: skip

    # --- columns ---

    def _has_day(self, row: Row) -> bool:
        return any(is_day(cell, order) for cell in row.cells for order in ORDERS)

    def _cells(self, name: str) -> list[str]:
        place = self._sheet.header.index(name)
        return [row.cells[place] for row in self._rows if row.cells[place]]

    def _is_days(self, cells: Sequence[str]) -> bool:
        return any(all(is_day(cell, order) for cell in cells) for order in ORDERS)

    def _is_numbers(self, cells: Sequence[str]) -> bool:
        return all(is_number(cell) for cell in cells)

    def _take(self, role: str, name: str, why: str) -> str:
        self._taken.add(name)
        self._evidence.append((role, f"{name!r}: {why}"))
        return name

    def _free(self) -> list[str]:
        return [name for name in self._sheet.header if name not in self._taken]

    def _named(self, role: str) -> list[str]:
        """Free columns whose name speaks for `role`, those for which it is the first meaning before the others."""
        found = [name for name in self._free() if role in roles_of(name)]
        return sorted(found, key=lambda name: roles_of(name).index(role))

    def _pick(
        self, role: str, fits: Callable[[Sequence[str]], bool] | None = None, *, may_be_empty: bool = False
    ) -> str | None:
        """The first free column that is named for `role` and whose cells fit."""
        for name in self._named(role):
            cells = self._cells(name)
            if (cells or may_be_empty) and (fits is None or fits(cells)):
                return self._take(role, name, "by its name" + (" and what stands in it" if fits else ""))
        return None

    def _every(self, role: str) -> tuple[str, ...]:
        return tuple(
            self._take("references", name, "by its name") for name in self._named(role) if self._cells(name)
        )

    def _date_column(self) -> str:
        named = [name for name in self._named("date") if self._is_days(self._cells(name) or ["-"])]
        first = [name for name in named if roles_of(name)[0] == "date"]
        days = [name for name in self._free() if self._is_days(self._cells(name) or ["-"])]
        for found, why in (
            (first, "by its name and what stands in it"),
            (named, "by its name and what stands in it"),
            (days, "its cells are days"),
        ):
            full = [name for name in found if len(self._cells(name)) == len(self._rows)] or found
            if full:
                if found is days and len(days) > 1:
                    self._evidence.append(
                        ("date", f"{', '.join(map(repr, days))} are all days; the first one was taken")
                    )
                return self._take("date", full[0], why)
        raise Refusal("The table (CSV) has no column of days: it is no statement.")

    def _amounts(self) -> dict[str, Any]:
        money_in = self._pick("money_in", self._is_numbers, may_be_empty=True)
        money_out = self._pick("money_out", self._is_numbers, may_be_empty=True)
        if money_in and money_out and (self._cells(money_in) or self._cells(money_out)):
            return {"money_in": money_in, "money_out": money_out}
        self._taken -= {money_in or "", money_out or ""}
        self._evidence = [each for each in self._evidence if each[0] not in {"money_in", "money_out"}]
        amount = self._pick("amount", self._is_numbers)
        if amount:
            return {"amount": amount}
        self._refuse_half()
        rest = [
            name
            for name in self._free()
            if self._cells(name)
            and self._is_numbers(self._cells(name))
            and set(roles_of(name)) <= {"money_in", "money_out", "direction"}
        ]
        if rest:
            return {"amount": self._take("amount", rest[0], "its cells are numbers")}
        raise Refusal(
            "The table (CSV) has no column of amounts, which can be read in every row: it is no statement."
        )

    def _refuse_half(self) -> None:
        """`Refusal` where there are columns for money in and for money out, and one cannot be read: the other alone is half of the truth."""
        named = self._named("money_in"), self._named("money_out")
        for name in [name for names in named for name in names] if all(named) else ():
            wrong = next((cell for cell in self._cells(name) if not is_number(cell)), None)
            if wrong is not None:
                raise Refusal(
                    f"Column {name!r} is called as one for money that came in or went out, but {wrong[:_LONGEST]!r} in it is no number: nothing of the "
                    "file was taken."
                )

    def _directed(self, amounts: dict[str, Any]) -> dict[str, Any]:
        """The columns of amounts, with the column that says their direction where the amounts have no sign of their own."""
        if "money_in" in amounts:
            return {**amounts, "sign": 1}
        for name in self._named("direction"):
            words = sorted({cell.lower() for cell in self._cells(name)})
            known = all(word in IN_WORDS or word in OUT_WORDS for word in words)
            if words and len(words) <= _MOST_WORDS and known:
                self._take("direction", name, f"it says {', '.join(map(repr, words))}")
                agree = self._signs_agree(amounts["amount"], name)
                if agree:
                    self._evidence.append(
                        ("direction", "the amounts have signs of their own: this column is not needed")
                    )
                    return {**amounts, "sign": 1}
                ins, outs = with_others(words)
                if agree is False:
                    why = "some amounts have a minus where this column says otherwise: only balances can say what they mean"
                    self._evidence.append(("direction", why))
                return {**amounts, "direction": name, "in_words": ins, "out_words": outs, "sign": 1}
        return amounts

    def _signs_agree(self, amount: str, direction: str) -> bool | None:
        """Whether amounts have a minus where money went out, and nowhere else; None where none has one."""
        places = self._sheet.header.index(amount), self._sheet.header.index(direction)
        told = [(sign_of(row.cells[places[0]]), row.cells[places[1]].lower()) for row in self._rows]
        minus = [(sign < 0, word in OUT_WORDS) for sign, word in told if sign and word]
        if not any(is_minus for is_minus, _ in minus):
            return None
        return all(is_minus == went_out for is_minus, went_out in minus)

    def _native_id(self) -> str | None:
        def once(cells: Sequence[str]) -> bool:
            whole = len(cells) == len(self._rows) and len(set(cells)) == len(cells)
            return whole and not are_counted(cells)

        return self._pick("native_id", once)

    def _account_column(self) -> str | None:
        return self._pick(
            "account",
            lambda cells: (
                len(cells) == len(self._rows) and (len(set(cells)) == 1 or all(map(_IBAN.fullmatch, cells)))
            ),
        )

    def _descriptions(self) -> tuple[str, ...]:
        named = [
            self._take("description", name, "by its name")
            for name in self._named("description")
            if self._cells(name)
        ]
        if named:
            return tuple(named)
        texts = [
            name for name in self._free() if self._cells(name) and not self._is_numbers(self._cells(name))
        ]
        longest = sorted(texts, key=lambda name: -sum(map(len, self._cells(name))))[:1]
        return tuple(self._take("description", name, "the longest text") for name in longest)

    # --- what the values settle ---

    def _day_order(self, date: str) -> DayOrder | None:
        cells = self._cells(date)
        orders, ordered = orders_of(cells)
        if len(orders) == 1:
            self._evidence.append(("date_order", f"every day reads as {orders[0]}, and only so"))
            return orders[0]
        if len(ordered) == 1:
            self._evidence.append(
                ("date_order", f"the rows are in the order of their days only as {ordered[0]}")
            )
            return ordered[0]
        sample = cells[0]
        self._questions.append(
            Question(
                field="date_order", options=tuple(orders),
                sentence=f"Is {sample} the {day_of(sample, orders[0])} ({orders[0]}) or the {day_of(sample, orders[1])} ({orders[1]})? Nothing in the file says it.",
            )
        )  # fmt: skip
        return None

    def _currency(self) -> str | None:
        named = {
            code
            for name in self._sheet.header
            for code in re.findall(r"\b([A-Z]{3})\b", name)
            if code in EXPONENTS
        }
        signs = {
            _SIGNS[mark]
            for row in self._rows
            for cell in row.cells
            if is_number(cell)
            for mark in _SIGNS
            if mark in cell
        }
        above = {
            code
            for line in self._sheet.before
            for code in re.findall(r"\b([A-Z]{3})\b", line)
            if code in EXPONENTS
        }
        for found, why in ((named, "a column's name says so"), (above, "it stands above the table")):
            if len(found) == 1:
                code: str = next(iter(found))
                self._evidence.append(("currency", f"{code}: {why}"))
                return code
        if self._known_currency:
            self._evidence.append(("currency", f"{self._known_currency}: the account's own"))
            return self._known_currency
        if len(signs) == 1:  # a dollar sign is that of many dollars: said, and still asked
            self._evidence.append(("currency", f"the amounts bear the sign of {next(iter(signs))}"))
            if signs != {"USD"}:
                return next(iter(signs))
        self._questions.append(
            Question(
                field="currency",
                sentence="Which currency are the amounts in? The file does not say it.",
                options=tuple(signs),
            )
        )
        return None

    def _decimal(
        self, names: Sequence[str], currency_column: str | None, currency: str | None
    ) -> Mark | None:
        cells = [cell for name in names for cell in self._cells(name)]
        marks = [mark for mark in MARKS if all(is_number(cell, mark) for cell in cells)]
        if len(marks) > 1 and not any(set(cell) & {".", ","} for cell in cells):
            return self._said_decimal(".", "no amount has decimals")
        if len(marks) > 1 and currency and not currency_column:
            places = EXPONENTS[currency]
            kept = [
                mark for mark in marks if all(places_of(number_of(cell, mark)) <= places for cell in cells)
            ]
            if len(kept) == 1:
                return self._said_decimal(
                    kept[0], f"otherwise an amount has more decimals than {currency} has"
                )
            marks = kept or marks
        if len(marks) == 1:
            return self._said_decimal(marks[0], "every amount reads so, and only so")
        if not marks:
            raise Refusal(
                "The amounts of the table (CSV) cannot be read with a point nor with a comma for decimals."
            )
        sample = next(cell for cell in cells if set(cell) & {".", ","})
        self._questions.append(
            Question(field="decimal", options=tuple(marks), sentence=f"Is the mark in {sample!r} for decimals, or between thousands? Nothing in the file says it.")
        )  # fmt: skip
        return None

    def _said_decimal(self, mark: Mark, why: str) -> Mark:
        self._evidence.append(("decimal", f"{mark!r}: {why}"))
        return mark

    def _settled(self, profile: Profile) -> Profile:
        """Sign and order as the running balance shows them; the sign as the amounts show it else."""
        profile = msgspec.structs.replace(
            profile, order=order_of(self._cells(profile.date), profile.date_order)
        )
        chains = self._chains(profile)
        if not chains:
            profile, chains = self._with_fees(profile)
        if len({chain.sign for chain in chains}) == 1:
            self._evidence.append(("balance", chains[0].why))
            return msgspec.structs.replace(profile, sign=chains[0].sign, order=chains[0].order)
        if chains:
            self._evidence.append(
                ("balance", "it goes on from row to row with either sign: it does not settle which")
            )
        elif profile.balance and profile.decimal and len(self._rows) > 1:
            why = f"{profile.balance!r} does not go on from row to row: it checks nothing and is left out"
            self._evidence.append(("balance", why))
            profile = msgspec.structs.replace(profile, balance=None)
        if profile.sign is not None:
            return profile
        values = [
            number_of(cell, profile.decimal or ".")
            for cell in self._cells(profile.amount or "")
            if is_number(cell, profile.decimal or ".")
        ]
        if any(value < 0 for value in values) and any(value > 0 for value in values):
            self._evidence.append(
                ("sign", "there are both signs, and a plus is money in until somebody says otherwise")
            )
            return msgspec.structs.replace(profile, sign=1)
        self._questions.append(
            Question(
                field="sign", options=("1", "-1"),
                sentence="Every amount has the same sign, and no balance shows which way it goes: is a positive amount money in (1) or money out (-1)?",
            )
        )  # fmt: skip
        return profile

    def _chains(self, profile: Profile) -> list[Chain]:
        """The readings under which all balances go on, those of each currency for themselves; rows that are not booked have none."""
        if profile.balance is None or profile.decimal is None:
            return []
        groups: dict[str, list[Row]] = {}
        place = self._sheet.header.index(profile.currency_column) if profile.currency_column else None
        for row in self._booked:
            groups.setdefault("" if place is None else row.cells[place], []).append(row)
        found = [chains_of(self._sheet.header, rows, profile) for rows in groups.values() if len(rows) > 1]
        return [chain for chain in found[0] if all(chain in others for others in found)] if found else []

    def _with_fees(self, profile: Profile) -> tuple[Profile, list[Chain]]:
        """The profile with a column of fees that the balances show to come on top of the amounts; as it was where none do."""
        if profile.amount is None or profile.decimal is None:
            return profile, []
        for name in self._named("fee"):
            cells = self._cells(name)
            if not cells or not all(is_number(cell, profile.decimal) for cell in cells):
                continue
            if not any(number_of(cell, profile.decimal) for cell in cells):
                continue
            taken = msgspec.structs.replace(profile, fee=name)
            chains = [chain for chain in self._chains(taken) if chain.sign == 1]
            if chains:
                self._take("fee", name, f"each balance moves by {profile.amount!r} less this")
                return taken, chains
            why = f"{name!r} has amounts, and no balances show that they come on top of {profile.amount!r}: they are not counted"
            self._evidence.append(("fee", why))
        return profile, []
