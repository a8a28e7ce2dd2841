"""Whether a label can be told from the data: what a careful person who sees only payouts and lines could prove.

- A line that carries the trace or id of exactly its payouts tells, where no second line does so with the same amount.
- Else the amount tells, where the line says Stripe, comes in the usual days, and everything of that amount in three weeks is complete.
- A fee tells where it is usual on the account or stated; an exchange where the sent amount is stated, or the trace with a rate of these years.
- Parts and sums tell where they are all that is left of their day, or one of them is named and only one choice adds up.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations

from bookhand.core.bank import StatementLine
from bookhand.core.money import exponent
from bookhand.sandbox.labelled.banks import Bank
from bookhand.sandbox.labelled.shapes import Label, LineKey, Payout, World

_NEAR_DAYS = 24
_USUAL = range(-1, 4)
_NAMED_USUAL = range(-1, 11)
_OFTEN = 2
_CHUNK = re.compile(r"[0-9A-Za-z_-]{6,}")
_STRIPE = re.compile(r"\bSTRIPE\b")


def judge(world: World, banks: Sequence[Bank]) -> None:
    """Fill in `decidable` and `why_not` of every label."""
    Judge(world, banks).run()


class Judge:
    """The world, looked up in the ways that the questions need."""

    def __init__(self, world: World, banks: Sequence[Bank]) -> None:
        self.world = world
        self.bank = {bank.number: bank for bank in banks}
        self.home = {bank.connection: bank for bank in banks}
        self.payouts = {one.id: one for one in world.payouts}
        self.lines: dict[LineKey, StatementLine] = {(one.account, one.key): one for one in world.lines}
        self.told = self._told()
        self.telling: defaultdict[str, set[LineKey]] = defaultdict(set)
        for key, ids in self.told.items():
            for one in ids:
                self.telling[one].add(key)
        self.named = {id(label): self._is_named(label) for label in world.labels}
        self.label_of: dict[object, Label] = {}
        for label in world.labels:
            for each in (*label.payouts, *label.lines):
                self.label_of[each] = label
        self.by_amount = self._by_amount()
        self.left_payouts, self.left_lines = self._left()
        self.fees = self._usual_fees()

    def run(self) -> None:
        """Judge each."""
        for label in self.world.labels:
            if label.payouts and label.lines:
                label.why_not = self._why_not(label)
                label.decidable = not label.why_not

    def _told(self) -> dict[LineKey, set[str]]:
        ids: defaultdict[str, set[str]] = defaultdict(set)
        for one in self.world.payouts:
            for value in (one.id, one.trace_id):
                if value:
                    ids[_bare(value)].add(one.id)
        found: dict[LineKey, set[str]] = {}
        for key, line in self.lines.items():
            chunks = [chunk for text in (line.description, *line.references) for chunk in _CHUNK.findall(text)]
            some = {one for chunk in chunks for one in ids.get(_bare(chunk), ())}
            if some:
                found[key] = some
        return found

    def _is_named(self, label: Label) -> bool:
        """Whether each line tells exactly the label's payouts."""
        if not label.payouts or not label.lines:
            return False
        if any(self.told.get(line) != set(label.payouts) for line in label.lines):
            return False
        others = {line for one in label.payouts for line in self.telling[one]} - set(label.lines)
        whole = {(self.payouts[one].currency, abs(self.payouts[one].minor)) for one in label.payouts}
        return not any(_sent(self.lines[line]) in whole for line in others)

    def _by_amount(self) -> dict[tuple[str, int], tuple[list[str], list[LineKey]]]:
        """What is not named: payouts that may arrive, and lines that say Stripe, by amount."""
        found: defaultdict[tuple[str, int], tuple[list[str], list[LineKey]]] = defaultdict(lambda: ([], []))
        for label in self.world.labels:
            if self.named[id(label)]:
                continue
            for one in label.payouts:
                if label.lines or self.payouts[one].status != "failed":
                    found[self.payouts[one].currency, abs(self.payouts[one].minor)][0].append(one)
            for line in label.lines:
                if self._marked(line):
                    found[_sent(self.lines[line])][1].append(line)
        return found

    def _left(self) -> tuple[dict[tuple[str, str], list[str]], dict[tuple[str, str], list[LineKey]]]:
        """By account and day: payouts and lines to the company that neither an id nor their own amount explains."""
        payouts: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        lines: defaultdict[tuple[str, str], list[LineKey]] = defaultdict(list)
        for label in self.world.labels:
            alone = len(label.payouts) == 1 == len(label.lines)
            same = alone and _sent(self.lines[label.lines[0]])[1] == abs(self.payouts[label.payouts[0]].minor)
            if self.named[id(label)] or same:
                continue
            for one in label.payouts:
                it = self.payouts[one]
                if it.status != "failed" and it.minor > 0 and it.currency == self.home[it.connection].currency:
                    payouts[self.home[it.connection].number, self._first(one).isoformat()].append(one)
            for key in label.lines:
                if self.lines[key].minor > 0 and self._marked(key):
                    lines[key[0], self.lines[key].day].append(key)
        return payouts, lines

    def _usual_fees(self) -> dict[str, set[int]]:
        counts: Counter[tuple[str, int]] = Counter()
        for label in self.world.labels:
            if label.kind == "bank_fee" and self.named[id(label)]:
                line = self.lines[label.lines[0]]
                counts[line.account, self.payouts[label.payouts[0]].minor - line.minor] += 1
        found: defaultdict[str, set[int]] = defaultdict(set)
        for (account, fee), count in counts.items():
            if count >= _OFTEN:
                found[account].add(fee)
        return found

    def _why_not(self, label: Label) -> str:
        named = self.named[id(label)]
        late = max(self._lag(label.payouts[0], key) for key in label.lines[:1])
        if label.kind == "duplicate":
            return "the bank shows it twice, and nothing tells the copy"
        if late not in (_NAMED_USUAL if named else _USUAL):
            return "it came later than payouts come"
        match label.kind:
            case "batch":
                return "" if named else self._why_no_batch(label)
            case "split":
                return "" if named else self._why_no_split(label)
            case "bank_fee":
                return "" if named else self._why_no_fee(label)
            case "fx":
                return self._why_no_exchange(label, named=named)
            case _:
                return "" if named else self._why_no_amount(label)

    def _why_no_amount(self, label: Label) -> str:
        if not all(self._marked(key) or (i and self._marked_back(key)) for i, key in enumerate(label.lines)):
            return "the line does not say Stripe"
        for other in self._same_amounts(label):
            if not (other.payouts and other.lines) or len(other.payouts) > 1:
                return f"a {other.kind} of the same amount is near"
            if self._lag(other.payouts[0], other.lines[0]) not in _USUAL:
                return "another of the same amount came late"
            if _sent(self.lines[other.lines[0]])[1] != abs(self.payouts[other.payouts[0]].minor):
                return f"a {other.kind} of the same amount is near"
        return ""

    def _same_amounts(self, label: Label) -> list[Label]:
        """Labels that share the amount, one within three weeks of the next."""
        one = self.payouts[label.payouts[0]]
        payouts, lines = self.by_amount[one.currency, abs(one.minor)]
        days = [(self._first(each), each) for each in payouts]
        days += [(date.fromisoformat(self.lines[key].day), key) for key in lines]
        found, reach, todo = {id(label): label}, {self._first(one.id)}, True
        while todo:
            todo = False
            for day, each in days:
                other = self.label_of[each]
                if id(other) not in found and any(abs((day - at).days) <= _NEAR_DAYS for at in reach):
                    found[id(other)] = other
                    todo = True
                    reach.add(day)
        return list(found.values())

    def _why_no_batch(self, label: Label) -> str:
        key = label.lines[0]
        if not self._marked(key):
            return "the line does not say Stripe"
        pool = self.left_payouts[key[0], self._first(label.payouts[0]).isoformat()]
        amounts = {one: self.payouts[one].minor for one in pool}
        return self._why_no_sum(set(label.payouts), amounts, self.lines[key].minor, bool(self.told.get(key)))

    def _why_no_split(self, label: Label) -> str:
        if not all(self._marked(key) for key in label.lines):
            return "a line does not say Stripe"
        first = label.lines[0]
        pool = self.left_lines[first[0], self.lines[first].day]
        amounts = {key: self.lines[key].minor for key in pool}
        some = any(self.told.get(key) for key in label.lines)
        return self._why_no_sum(set(label.lines), amounts, self.payouts[label.payouts[0]].minor, some)

    @staticmethod
    def _why_no_sum(parts: set[object], amounts: dict[object, int], total: int, named: bool) -> str:
        if set(amounts) == parts:
            return ""
        if not named or len(amounts) > 10:
            return "others of the day are open too, and sums meet by chance"
        ways = sum(
            sum(amounts[each] for each in some) == total
            for size in range(2, len(amounts) + 1)
            for some in combinations(amounts, size)
        )
        return "" if ways == 1 else "more than one choice adds up"

    def _why_no_fee(self, label: Label) -> str:
        key, one = label.lines[0], self.payouts[label.payouts[0]]
        line = self.lines[key]
        if not self._marked(key):
            return "the line does not say Stripe"
        if "FEE" not in line.description and one.minor - line.minor not in self.fees.get(key[0], ()):
            return "the fee is neither stated nor usual"
        near = self.by_amount[one.currency, one.minor][1] + self.by_amount[one.currency, line.minor][0]
        return "something else has one of the amounts" if near else ""

    def _why_no_exchange(self, label: Label, *, named: bool) -> str:
        line, one = self.lines[label.lines[0]], self.payouts[label.payouts[0]]
        if line.original_minor is not None:
            return "" if named else self._why_no_amount(label)
        if not named:
            return "neither an id nor the sent amount is stated"
        low, high = (Decimal(each) for each in self.world.rates[one.currency, line.currency])
        rate = Decimal(line.minor).scaleb(-exponent(line.currency)) / Decimal(one.minor).scaleb(-exponent(one.currency))
        return "" if low <= rate <= high else "the rate is not one of these years"

    def _marked(self, key: LineKey) -> bool:
        line = self.lines[key]
        text = f"{line.description} {line.counterparty or ''}".upper()
        shown = self.bank[key[0]].descriptor
        return _STRIPE.search(text) is not None or bool(shown and shown in text)

    def _marked_back(self, key: LineKey) -> bool:
        line = self.lines[key]
        return line.reversal or line.description.split()[0] in {"RETURN", "REVERSAL", "R03"}

    def _first(self, payout: str) -> date:
        one = self.payouts[payout]
        return self.home[one.connection].later(date.fromisoformat(one.arrival_day), 0)

    def _lag(self, payout: str, key: LineKey) -> int:
        """Days of the bank from the first on which it could have come."""
        bank, first = self.bank[key[0]], self._first(payout)
        day = bank.later(date.fromisoformat(self.lines[key].day), 0)
        low, high = min(first, day), max(first, day)
        days = sum(bank.works(low + timedelta(days=n)) for n in range((high - low).days))
        return days if day >= first else -days


def _sent(line: StatementLine) -> tuple[str, int]:
    if line.original_minor is not None and line.original_currency is not None:
        return line.original_currency, abs(line.original_minor)
    return line.currency, abs(line.minor)


def _bare(value: str) -> str:
    text = re.sub(r"[^0-9A-Za-z]", "", value).upper()
    return text.lstrip("0") if text.isdigit() else text
