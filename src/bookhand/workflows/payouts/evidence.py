"""What is known of the payouts and lines of one matching: read once, asked often; pure.

Payouts and lines go by their numbers in the `Reading`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import Any, Final

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS, exponent, format_minor
from bookhand.workflows.payouts import line_text
from bookhand.workflows.payouts.bank_days import calendar_of
from bookhand.workflows.payouts.breaks import Cause
from bookhand.workflows.payouts.line_text import plain, sound
from bookhand.workflows.payouts.matching import Bounds, Expected, Match, Question, Rule
from bookhand.workflows.payouts.reading import read

_READ, _STRIPES, _DOUBTFUL, _SHOWS = 1, 2, 4, 8
_NOTHING: Final[list[str]] = []
_FEE_PART: Final = 4
"""No bank keeps more than a quarter of a payout."""
_TWIN_LENGTH: Final = 8
_DESCRIPTOR_LENGTH: Final = 5
_ENOUGH: Final = 100
_FEW_WORDS: Final = 16
_FEW: Final = 8
_MOST_RATE_PLACES: Final = 12
"""No bank exchanges at a trillion for one: an amount is damaged, or a currency is another's."""
_MARKED_MOSTLY: Final = 0.9


class Evidence:
    """The payouts and lines, what has been decided of them, and what can be asked of a pair."""

    def __init__(self, payouts: Iterable[Expected], lines: Iterable[StatementLine], bounds: Bounds) -> None:
        self.bounds = bounds
        self.reading = read(payouts, lines)
        self.payouts, self.places, self.by_amount, self.lines, self.keys, self.line_places, self.named = (
            self.reading[:7]
        )
        self._texts: dict[int, str] = {}
        self.place_of = {
            currency: calendar_of(currency).place for currency in {p.currency for p in self.payouts}
        }
        self.free_payouts = bytearray(b"\x01" * len(self.payouts))
        self.free_lines = bytearray(b"\x01" * len(self.lines))
        self.matches: list[Match] = []
        self.questions: list[Question] = []
        self.anchors: dict[int, int] = {}
        """Line to the one payout that it names with another amount: a part of it, or more than it."""
        self.fees: dict[str, set[int]] = {account: set(known) for account, known in bounds.fees.items()}
        self._descriptors = _owners(self.payouts)
        self._by_word: dict[str, list[str]] = {}
        for text in sorted(self._descriptors):
            self._by_word.setdefault(text.split(" ", 1)[0], []).append(text)
        self._shown: dict[int, list[str]] = {}
        self._shapes: dict[str, str] = {}
        self._line_shapes: dict[int, frozenset[str]] = {}
        self._read = bytearray(len(self.lines))
        self._unmarked: frozenset[str] = frozenset()
        self._references: Counter[str] = Counter()

    def text(self, line: int) -> str:
        """Description and counterparty, in upper case."""
        found = self._texts.get(line)
        if found is None:
            one = self.lines[line]
            whole = f"{one.description} {one.counterparty}" if one.counterparty else one.description
            found = self._texts[line] = whole.upper()
        return found

    def looks_like_stripe(self, line: int) -> bool:
        """Whether the line says Stripe (and not Pinstripe), or what a payout asked the bank to show.

        Where the bank names the other side, it is the other side that must say so: others may write of Stripe.
        """
        return bool((self._read[line] or self._read_line(line)) & _STRIPES)

    def is_plain(self, line: int) -> bool:
        """Whether the line says Stripe, and nothing that any other rule wants to know."""
        return (self._read[line] or self._read_line(line)) == _READ | _STRIPES

    def _read_line(self, line: int) -> int:
        """What a line's text says, as bits; read once."""
        text = self.text(line)
        shown = self.descriptors(line) if self._by_word else _NOTHING
        one = self.lines[line]
        if one.counterparty:
            who = one.counterparty.upper()
            stripes = line_text.is_stripes_name(who)
        else:
            who, stripes = text, line_text.says_stripe(text)
        stripes = stripes or (bool(shown) and any(line_text.shows(sound(who), each) for each in shown))
        doubtful = (
            one.reversal or one.minor < 0 or line in self.reading.charges or line_text.is_doubtful(text)
        )
        found = _READ | _STRIPES * stripes | _DOUBTFUL * doubtful | _SHOWS * bool(shown)
        self._read[line] = found
        return found

    def descriptors(self, line: int) -> list[str]:
        """The descriptors of payouts that stand in the line, word for word."""
        found = self._shown.get(line)
        if found is None:
            text = self.text(line)
            words = line_text.words(text) if self._may_show(text) else _NOTHING
            if self._by_word.keys().isdisjoint(words):
                found = _NOTHING
            else:
                near = [each for word in words for each in self._by_word.get(word, ())]
                whole = f" {' '.join(words)} "
                found = [each for each in near if f" {each} " in whole]
            self._shown[line] = found
        return found

    def _may_show(self, text: str) -> bool:
        """Whether a descriptor could stand in a text: a quick look where there are few."""
        return len(self._by_word) > _FEW_WORDS or any([word in text for word in self._by_word])  # noqa: C419 (a list is faster)

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

    def is_rival(self, line: int) -> bool:
        """Whether a line could be Stripe's: it looks so, or its account does not tell."""
        return self.lines[line].account in self._unmarked or self.looks_like_stripe(line)

    def looks_like_return(self, line: int) -> bool:
        """Whether a line looks like money that goes back to Stripe, or from the bank to us."""
        one, text = self.lines[line], self.text(line)
        if one.reversal or self.looks_like_stripe(line):
            return True
        return not one.counterparty and line_text.says_return(text) and not line_text.says_cheque(text)

    def takes_back(self, line: int) -> bool:
        """Whether a line of Stripe's says that money goes back."""
        if not self.looks_like_stripe(line):
            return False
        return self.lines[line].reversal or line_text.says_return(self.text(line))

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
        if len(lines) <= _FEW:
            return lines
        place, bounds = self.place_of[self.payouts[payout].currency], self.bounds
        first = self.places[payout] - bounds.early_days - 1
        last = self.places[payout] + max(bounds.rival_days + bounds.return_days, bounds.trace_late_days)
        in_order = self.by_day(lines)
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
        return is_account(self.payouts[payout], self.keys[line][0])

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
        if self._doubtful(line) and (why := self._other_business(payout, line, whole=whole)) is not None:
            return why
        if not self._read[line] & _SHOWS:
            return ""
        shown = self.descriptors(line)
        if sound(one.descriptor) not in shown:
            owners = {owner for each in shown for owner in self._descriptors[each]}
            if one.connection not in owners:
                return f"the line shows {shown[0]}, which is another Stripe account's"
        return ""

    def _doubtful(self, line: int) -> bool:
        """Whether the line has any of the words that other business has: a quick look before the exact one."""
        return bool((self._read[line] or self._read_line(line)) & _DOUBTFUL)

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
            line in self.named or not self._doubtful(line) or not line_text.says_taken_back(self.text(line))
        )

    def same_token(self, payout: int, other: int) -> bool:
        """Whether two payouts have the same trace, so that a line that carries it names both."""
        one, two = self.payouts[payout].trace_id, self.payouts[other].trace_id
        return one is not None and two is not None and plain(one) == plain(two)

    def other_trace(self, trace: str, line: int) -> str | None:
        """An id in the line that has the very shape of the trace and is another one, if there is any."""
        shape = self._shapes.get(trace)
        if shape is None:
            shape = self._shapes[trace] = line_text.shape(trace)
        here = self._line_shapes.get(line)
        if here is None:
            here = self._line_shapes[line] = line_text.shapes(self.lines[line])
        return line_text.of_shape(self.lines[line], shape) if shape in here else None

    def gives_trace(self, payout: int, line: int) -> bool:
        """Whether the payout's trace is one of the references that the bank itself gives, and not a word in a text."""
        trace = self.payouts[payout].trace_id
        return trace is not None and plain(trace) in map(plain, self.lines[line].references)

    def shows_descriptor(self, payout: int, line: int) -> bool:
        """Whether what the payout asked the bank to show stands in the line."""
        if not self._read[line] & _SHOWS:
            return False
        return sound(self.payouts[payout].descriptor) in self.descriptors(line)

    def is_like(self, payout: int, line: int) -> bool:
        """Whether the line's text is like the payout's descriptor or Stripe's name, cut or misspelt: support for a question, no more."""
        return line_text.is_like(self.text(line), ((self.payouts[payout].descriptor or "").upper(), "STRIPE"))

    def twins(self, lines: Sequence[int]) -> bool:
        """Whether two of the lines share a reference that no other line has: one of them is likely a copy."""
        if not self._references:
            self._references.update(chain.from_iterable([line.references for line in self.lines]))
        here: Counter[str] = Counter(
            chain.from_iterable([set(self.lines[line].references) for line in lines])
        )
        return any(
            count > 1 and count >= self._references[value] and len(plain(value)) >= _TWIN_LENGTH
            for value, count in here.items()
        )

    def stated_fees(self, line: int) -> list[int]:
        """The fees that the line's text states, in minor units of its currency."""
        found, charge = line_text.fees_in(self.text(line), self.lines[line].currency), self.reading.charges
        return [*found, charge[line]] if line in charge else found

    def is_fee(self, payout: int, fee: int) -> bool:
        """Whether a bank could keep so much of a payout: text can say anything."""
        one = self.payouts[payout]
        return 0 < fee <= self.fee_most(one.currency) and fee * _FEE_PART <= one.minor

    def fee_most(self, currency: str) -> int:
        """The most that is believed to be a bank's fee, in minor units."""
        places = EXPONENTS.get(currency, 2)
        return self.bounds.fee_most * (10**places if places else 100)

    def rate(self, payout: int, line: int) -> Decimal | None:
        """Units of the line's currency for one of the payout's, to eight places; None for nothing, a currency that is not known, and beyond all rates."""
        one, other = self.payouts[payout], self.lines[line]
        if not one.minor or not {one.currency, other.currency} <= EXPONENTS.keys():
            return None
        gave = Decimal(one.minor).scaleb(-exponent(one.currency))
        got = Decimal(other.minor).scaleb(-exponent(other.currency))
        found = got / gave
        return None if found.adjusted() > _MOST_RATE_PLACES else found.quantize(Decimal("1e-8"))

    def believes(self, payout: int, line: int) -> bool | None:
        """Whether there is a rate, and it lies in the band of its currencies; None where no band is stated."""
        band = self.bounds.rates.get((self.payouts[payout].currency, self.lines[line].currency))
        rate = self.rate(payout, line)
        if rate is None:
            return False
        return None if band is None else band[0] <= rate <= band[1]

    def pair(self, payout: int, line: int, rule: Rule, reason: str) -> None:
        """Decide one payout and one line of its amount and currency."""
        self.free_payouts[payout] = self.free_lines[line] = 0
        self.matches.append(
            Match(payouts=(self.payouts[payout].id,), lines=(self.keys[line],), rule=rule, reason=reason)
        )

    def accept(
        self, payouts: Sequence[int], lines: Sequence[int], rule: Rule, reason: str, **more: Any
    ) -> None:
        """Decide it."""
        for payout in payouts:
            self.free_payouts[payout] = 0
        for line in lines:
            self.free_lines[line] = 0
        self.matches.append(self.match(payouts, lines, rule, reason, **more))

    def match(
        self, payouts: Sequence[int], lines: Sequence[int], rule: Rule, reason: str, **more: Any
    ) -> Match:
        """The match of these, with the rate where it is another currency's."""
        if len(payouts) == 1 == len(lines):
            line = self.lines[lines[0]]
            if line.currency != self.payouts[payouts[0]].currency and line.minor:
                more = {**more, "difference": "fx", "rate": self.rate(payouts[0], lines[0])}
        return Match(
            payouts=tuple([self.payouts[p].id for p in payouts]),
            lines=tuple([self.keys[one] for one in lines]),
            rule=rule,
            reason=reason,
            **more,
        )

    def ask(
        self,
        cause: Cause,
        payouts: Sequence[int],
        lines: Sequence[int],
        sentence: str,
        candidates: Sequence[Match] = (),
    ) -> None:
        """Leave it to a person."""
        for payout in payouts:
            self.free_payouts[payout] = 0
        for line in lines:
            self.free_lines[line] = 0
        self.questions.append(
            Question(
                cause=cause,
                sentence=sentence,
                payouts=tuple(self.payouts[p].id for p in payouts),
                lines=tuple(self.keys[one] for one in lines),
                candidates=tuple(candidates),
            )
        )

    def candidate(self, payout: int, line: int, reason: str) -> Match:
        """One payout and one line as an answer to a question."""
        one, other = self.payouts[payout], self.lines[line]
        if one.currency == other.currency and one.minor != other.minor:
            return self.match(
                [payout], [line], "person", reason, certain=False, difference="unknown",
                difference_minor=other.minor - one.minor,
            )  # fmt: skip
        return self.match([payout], [line], "person", reason, certain=False)


def is_account(payout: Expected, account: str) -> bool:
    """Whether a payout may have gone to this account; one whose name does not end in digits tells nothing of its last four."""
    if payout.account is not None:
        return payout.account == account
    if payout.last4 is None:
        return True
    tail = account.replace(" ", "")[-len(payout.last4) :]
    return tail == payout.last4 or not tail.isdigit()


def shown(minor: int, currency: str) -> str:
    """An amount in a sentence; of a currency that nobody knows, in minor units, for matching goes on."""
    if currency not in EXPONENTS:
        return f"{minor} minor units of {currency}"
    return f"{format_minor(minor, currency)} {currency}"


@lru_cache(maxsize=64)
def days(lag: int) -> str:
    """A lag in words: ``on its arrival day``, ``1 business day late``."""
    if lag == 0:
        return "on its arrival day"
    return f"{abs(lag)} business day{'s' * (abs(lag) > 1)} {'late' if lag > 0 else 'early'}"


def _owners(payouts: Iterable[Expected]) -> dict[str, set[str]]:
    """Each descriptor that says something, and the connections that use it."""
    found: dict[str, set[str]] = {}
    for descriptor, connection in {(one.descriptor, one.connection) for one in payouts}:
        text = sound(descriptor)
        if len(text) >= _DESCRIPTOR_LENGTH and not line_text.is_only_stripe(text):
            found.setdefault(text, set()).add(connection)
    return found
