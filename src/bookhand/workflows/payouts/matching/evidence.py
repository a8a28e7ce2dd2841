"""What is known of the payouts and lines of one matching: read once, asked often; pure.

Payouts and lines go by their numbers in the `Reading`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS
from bookhand.workflows.payouts.matching import Bounds, Expected, line_text
from bookhand.workflows.payouts.matching.bank_days import calendar_of
from bookhand.workflows.payouts.matching.decisions import Decisions
from bookhand.workflows.payouts.matching.line_marks import LineMarks
from bookhand.workflows.payouts.matching.line_text import plain, sound
from bookhand.workflows.payouts.matching.reading import read

_FEE_PART: Final = 4
"""No bank keeps more than a quarter of a payout."""
_TWIN_LENGTH: Final = 8
_ENOUGH: Final = 100
_FEW: Final = 8
_MARKED_MOSTLY: Final = 0.9


class Evidence(LineMarks, Decisions):
    """The payouts and lines, what they say, what has been decided of them, and what can be asked of a pair."""

    def __init__(self, payouts: Iterable[Expected], lines: Iterable[StatementLine], bounds: Bounds) -> None:
        reading = read(payouts, lines)
        LineMarks.__init__(self, reading, bounds)
        Decisions.__init__(self, reading)
        self.bounds = bounds
        self.minors, self.line_minors = reading.minors, reading.line_minors
        self.by_amount, self.named = reading.by_amount, reading.named
        self.place_of = {currency: calendar_of(currency).place for currency in reading.currencies}
        self.anchors: dict[int, int] = {}
        """Line to the one payout that it names with another amount: a part of it, or more than it."""
        self._references: Counter[str] = Counter()
        self.targets, self.line_accounts = reading.targets, reading.line_accounts
        self.accounts, self.fitting = len(reading.seen), _Fits(reading.goes_to, list(reading.seen))

    def learn_marks(self) -> None:
        """Find the accounts whose lines of Stripe do not say so, by the lines that are matched by an id: there, saying nothing means nothing."""
        seen: Counter[str] = Counter()
        marked: Counter[str] = Counter()
        for line in self.named:
            account = self.keys[line][0]
            if seen[account] < _ENOUGH and not self.free_lines[line]:
                seen[account] += 1
                marked[account] += self.looks_like_stripe(line)
        self._unmarked = frozenset(
            account for account, count in seen.items() if marked[account] < _MARKED_MOSTLY * count
        )

    def lag(self, payout: int, line: int) -> int:
        """Business days from the arrival day to the line's."""
        one, other = self.payouts[payout], self.lines[line]
        if one.currency == other.currency:
            return self.line_places[line] - self.places[payout]
        return self.place_of[one.currency](other.day) - self.places[payout]

    def failed_after(self, payout: int) -> int | None:
        """Business days from the arrival day to the day on which it failed, where that is known."""
        one = self.payouts[payout]
        return (
            None
            if one.failed_day is None
            else self.place_of[one.currency](one.failed_day) - self.places[payout]
        )

    def around(self, payout: int, lines: Sequence[int]) -> Sequence[int]:
        """Those of the lines whose days could matter to a payout at all; `lines` as they are where they are few."""
        return self.near(payout, self.in_order(lines))

    def in_order(self, lines: Sequence[int]) -> Sequence[int]:
        """The lines in order of their days; as they are where they are few."""
        return lines if len(lines) <= _FEW else self.by_day(lines)

    def near(self, payout: int, in_order: Sequence[int]) -> Sequence[int]:
        """`around`, of lines that are `in_order` already."""
        if len(in_order) <= _FEW:
            return in_order
        place, bounds = self.place_of[self.payouts[payout].currency], self.bounds
        first = self.places[payout] - bounds.early_days - 1
        last = self.places[payout] + max(bounds.rival_days + bounds.return_days, bounds.trace_late_days)
        low = bisect_left(in_order, first, key=lambda line: place(self.lines[line].day))
        high = bisect_right(in_order, last, key=lambda line: place(self.lines[line].day))
        return in_order[low:high]

    def by_day(self, lines: Iterable[int]) -> list[int]:
        """Lines in order of their days."""
        return sorted(lines, key=lambda line: (self.lines[line].day, line))

    def could_be(self, line: int) -> bool:
        """Whether a line has anything to do with payouts: it looks so, names one, or looks like money that goes back."""
        return self.is_rival(line) or line in self.named or self.looks_like_return(line)

    def place(self, currency: str, day: str) -> int:
        """The place of a day in the calendar of a currency."""
        return calendar_of(currency).place(day)

    def fits(self, payout: int, line: int) -> bool:
        """Whether the line is on the account that the payout goes to, as far as that is known."""
        return self.fitting[self.targets[payout] * self.accounts + self.line_accounts[line]]

    def amount(self, line: int) -> tuple[str, int]:
        """What was sent: the original amount where the bank exchanged it and says so."""
        one = self.lines[line]
        if one.original_minor is not None and one.original_currency is not None:
            return one.original_currency, one.original_minor
        return one.currency, one.minor

    def sent(self, line: int) -> int:
        """The amount of `amount`, without its currency."""
        one = self.lines[line]
        return (
            one.minor if one.original_minor is None or one.original_currency is None else one.original_minor
        )

    def exact(self, payout: int, line: int) -> bool:
        """Whether the amounts are the same."""
        one = self.payouts[payout]
        return self.amount(line) == (one.currency, one.minor)

    def timely(self, payout: int, line: int) -> bool:
        """Whether the day fits a line that names the payout."""
        return self.within(payout, line, self.bounds.trace_late_days)

    def within(self, payout: int, line: int, late: int, early: int | None = None) -> bool:
        """Whether the line's day is in a window around the arrival day, and not before the payout was made."""
        early = self.bounds.early_days if early is None else early
        one, other = self.payouts[payout], self.lines[line]
        place = (
            self.line_places[line]
            if one.currency == other.currency
            else self.place_of[one.currency](other.day)
        )
        return -early <= place - self.places[payout] <= late and other.day >= one.created_day

    def contradicts(self, payout: int, line: int, *, whole: bool = True) -> str:
        """Why a line of the right amount is not this payout's, or nothing.

        It names another payout; or it carries an id of the very shape of this payout's trace, but another one; or the descriptor of
        another Stripe account.
        """
        names = self.named.get(line)
        if names is not None:
            return "" if payout in names else f"the line names {', '.join(self.payouts[p].id for p in names)}"
        one = self.payouts[payout]
        if one.trace_id is not None and (other := self.other_trace(one.trace_id, line)):
            return f"the line carries {other}, the payout's trace is {one.trace_id}"
        return "" if self.is_plain(line) else self._other_words(payout, line, whole=whole)

    def _other_words(self, payout: int, line: int, *, whole: bool) -> str:
        """Words of other business, or of another Stripe account."""
        one = self.payouts[payout]
        if self.is_doubtful(line) and (why := self._other_business(payout, line, whole=whole)) is not None:
            return why
        if not self.shows_any(line):
            return ""
        shown = self.descriptors(line)
        if sound(one.descriptor) not in shown:
            owners = {owner for each in shown for owner in self.owners[each]}
            if one.connection not in owners:
                return f"the line shows {shown[0]}, which is another Stripe account's"
        return ""

    def _other_business(self, payout: int, line: int, *, whole: bool) -> str | None:
        """Words that say that a line is something else than a whole payout."""
        one, found = self.payouts[payout], line_text.other_business(self.text(line))
        if found is not None and not (
            plain(one.id).startswith(plain(found)) or found in sound(one.descriptor).split()
        ):
            return f"the line says {found}"
        if one.minor < 0 and (found := line_text.bill(self.text(line))) is not None:
            return f"the line says {found}"
        if whole and self.stated_fees(line):
            return "the line says that a fee was kept of it"
        return None

    def arrives(self, payout: int, line: int) -> bool:
        """Whether a line can be the payout's own money, and is not money that is taken back; a payout that reverses another is both."""
        if self.payouts[payout].original is not None:
            return True
        return not self.lines[line].reversal and (
            line in self.named or not self.is_doubtful(line) or not line_text.says_taken_back(self.text(line))
        )

    def same_token(self, payout: int, other: int) -> bool:
        """Whether two payouts have the same trace, so that a line that carries it names both."""
        one, two = self.payouts[payout].trace_id, self.payouts[other].trace_id
        return one is not None and two is not None and plain(one) == plain(two)

    def gives_trace(self, payout: int, line: int) -> bool:
        """Whether the payout's trace is one of the references that the bank itself gives, and not a word in a text."""
        trace = self.payouts[payout].trace_id
        return trace is not None and plain(trace) in map(plain, self.lines[line].references)

    def shows_descriptor(self, payout: int, line: int) -> bool:
        """Whether what the payout asked the bank to show stands in the line."""
        if not self.shows_any(line):
            return False
        return sound(self.payouts[payout].descriptor) in self.descriptors(line)

    def is_like(self, payout: int, line: int) -> bool:
        """Whether the line's text is like the payout's descriptor or Stripe's name, cut or misspelt: support for a question, no more."""
        return line_text.is_like(self.text(line), ((self.payouts[payout].descriptor or "").upper(), "STRIPE"))

    def twins(self, lines: Sequence[int]) -> bool:
        """Whether two of the lines share a reference that no other line has: one of them is likely a copy."""
        here: Counter[str] = Counter(
            chain.from_iterable([set(self.lines[line].references) for line in lines])
        )
        shared = {
            value: count for value, count in here.items() if count > 1 and len(plain(value)) >= _TWIN_LENGTH
        }
        if shared and not self._references:
            self._references.update(chain.from_iterable([line.references for line in self.lines]))
        return any(count >= self._references[value] for value, count in shared.items())

    def is_fee(self, payout: int, fee: int) -> bool:
        """Whether a bank could keep so much of a payout: text can say anything."""
        one = self.payouts[payout]
        return 0 < fee <= self.fee_most(one.currency) and fee * _FEE_PART <= one.minor

    def fee_most(self, currency: str) -> int:
        """The most that is believed to be a bank's fee, in minor units."""
        places = EXPONENTS.get(currency, 2)
        return self.bounds.fee_most * (10**places if places else 100)

    def believes(self, payout: int, line: int) -> bool | None:
        """Whether there is a rate, and it lies in the band of its currencies; None where no band is stated."""
        band = self.bounds.rates.get((self.payouts[payout].currency, self.lines[line].currency))
        rate = self.rate(payout, line)
        if rate is None:
            return False
        return None if band is None else band[0] <= rate <= band[1]


class _Fits(dict[int, bool]):
    """Whether a target (of `Reading.goes_to`) may be an account, by target times the number of accounts plus account; each found out once."""

    def __init__(self, targets: Sequence[tuple[str | None, str | None]], accounts: Sequence[str]) -> None:
        super().__init__()
        self._targets, self._accounts = targets, accounts

    def __missing__(self, key: int) -> bool:
        target, at = divmod(key, len(self._accounts))
        found = self[key] = _is_account(*self._targets[target], self._accounts[at])
        return found


def is_account(payout: Expected, account: str) -> bool:
    """Whether a payout may have gone to this account; one whose name does not end in digits tells nothing of its last four."""
    return _is_account(payout.account, payout.last4, account)


def _is_account(known: str | None, last4: str | None, account: str) -> bool:
    if known is not None:
        return known == account
    if last4 is None or account.endswith(last4):
        return True
    tail = account.replace(" ", "")[-len(last4) :]
    return tail == last4 or not tail.isdigit()
