"""What is known of the payouts and lines of one matching: read once, asked often; pure.

Payouts and lines are numbered in the order of their ids, so that the order in which they were given changes nothing. The text of a line is
data: it says whether the line looks like Stripe's and which ids it carries, and never more than that.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from rapidfuzz import fuzz

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS, exponent
from bookhand.core.problems import Bug
from bookhand.workflows.payouts.bank_days import calendar_of
from bookhand.workflows.payouts.breaks import Cause, LineKey
from bookhand.workflows.payouts.matching import Bounds, Expected, Match, Question, Rule

_STRIPE: Final = re.compile(r"(?<![A-Z])STRIPE(?![A-Z])|(?<![A-Z])STRIPE(?=TRANSFER|PAYMENTS|PAYOUT|TECHN)")
_WORD: Final = re.compile(r"[0-9A-Z][0-9A-Z_-]{5,}")
_SOUND: Final = re.compile(r"[^\W_]+")
_ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ONLY_ALNUM: Final[dict[int, str | None]] = {
    code: chr(code) if chr(code) in _ALNUM else None for code in range(128)
}
_WORDS: Final[dict[int, str]] = {
    code: chr(code).upper() if chr(code).isalnum() or chr(code) in "_-" else " " for code in range(128)
}
"""To upper case, with blanks for all that is in no id; one character for one, so that it is fast."""
_SHAPE: Final[dict[int, str | None]] = {
    code: None if kept is None else "9" if kept.isdigit() else "A" for code, kept in _ONLY_ALNUM.items()
}
_RETURN: Final = re.compile(
    r"\b(RETURN\w*|REVERS\w*|REJECT\w*|RTN|R0[1-9]|R[1-8]\d|RUECK\w*|RÜCK\w*|REFUS\w*)\b"
)
_FEE: Final = re.compile(
    r"\b(?:FEES?|CHGS?|CHARGES?|SPESEN|GEB|GEBUEHR|GEBÜHR|FRAIS|COMM)\b[ :=]*(?:[A-Z]{3}[ ]?)?(\d+(?:[.,]\d{1,3})?)(?![\d.,])"
)
_NOTHING: Final[list[str]] = []
_ID_LENGTH: Final = 6
"""Shorter ids meet by chance."""
_SHAPE_LENGTH: Final = 10
_DESCRIPTOR_LENGTH: Final = 5
_ENOUGH: Final = 100
_FEW: Final = 8
_LIKE: Final = 85
_MARKED_MOSTLY: Final = 0.9


def plain(value: str) -> str:
    """An id as it is compared: upper-case letters and digits alone, without the zeros that banks drop in front of numbers."""
    text = value.upper().translate(_ONLY_ALNUM)
    return text.lstrip("0") if text[:1] == "0" and text.isdigit() else text


class Evidence:
    """The payouts and lines, what has been decided of them, and what can be asked of a pair."""

    def __init__(self, payouts: Iterable[Expected], lines: Iterable[StatementLine], bounds: Bounds) -> None:
        self.bounds = bounds
        self.payouts: list[Expected] = _payouts_in_order(payouts)
        self.lines: list[StatementLine] = _lines_in_order(lines)
        self.keys: list[LineKey] = [(one.account, one.key) for one in self.lines]
        self._texts: dict[int, str] = {}
        self.place_of = {currency: calendar_of(currency).place for currency in {p.currency for p in self.payouts}}
        self.places: list[int] = _places((one.currency, one.arrival_day) for one in self.payouts)
        self.line_places: list[int] = _places((one.currency, one.day) for one in self.lines)
        self.free_payouts = bytearray(b"\x01" * len(self.payouts))
        self.free_lines = bytearray(b"\x01" * len(self.lines))
        self.matches: list[Match] = []
        self.questions: list[Question] = []
        self.named: dict[int, tuple[int, ...]] = {}
        """Line to the payouts whose trace or payout id it carries."""
        self.anchors: dict[int, int] = {}
        """Line to the one payout that it names with another amount: a part of it, or more than it."""
        self.fees: dict[str, set[int]] = {account: set(known) for account, known in bounds.fees.items()}
        self._descriptors = _owners(self.payouts)
        self._by_word: dict[str, list[str]] = {}
        for text in sorted(self._descriptors):
            self._by_word.setdefault(text.split(" ", 1)[0], []).append(text)
        self._shown: dict[int, list[str]] = {}
        self._shapes: dict[str, str] = {}
        self._looks: dict[int, bool] = {}
        self._unmarked: frozenset[str] = frozenset()
        self._references: Counter[str] = Counter()
        self._find_names()

    def _find_names(self) -> None:
        """Which lines carry the trace or the id of a payout."""
        tokens: dict[str, tuple[int, ...]] = {}
        for index, payout in enumerate(self.payouts):
            for value in (payout.trace_id, payout.id):
                if value and len(token := plain(value)) >= _ID_LENGTH and not token.isalpha():
                    for form in {token, value.upper()}:
                        tokens[form] = (*tokens[form], index) if form in tokens else (index,)
        get, keys = tokens.get, tokens.keys()
        for index, line in enumerate(self.lines):
            found: tuple[int, ...] = ()
            for value in line.references:
                if value in tokens:
                    found += tokens[value]
                elif value[:1] == "0" or not (value.isdigit() or (value.isalnum() and value.isupper())):
                    found += get(plain(value), ())
            here = line.description.translate(_WORDS).split()
            if not keys.isdisjoint(here):
                for word in here:
                    found += get(word, ())
            elif "-" in line.description:
                for part in line.description.translate(_WORDS).replace("-", " ").split():
                    found += get(plain(part), ())
            if found:
                self.named[index] = found if len(found) == 1 else tuple(sorted(set(found)))

    def text(self, line: int) -> str:
        """Description and counterparty, in upper case."""
        found = self._texts.get(line)
        if found is None:
            one = self.lines[line]
            whole = f"{one.description} {one.counterparty}" if one.counterparty else one.description
            found = self._texts[line] = whole.upper()
        return found

    def looks_like_stripe(self, line: int) -> bool:
        """Whether the line says Stripe (and not Pinstripe), or what a payout asked the bank to show."""
        found = self._looks.get(line)
        if found is None:
            text = self.text(line)
            found = ("STRIPE" in text and _STRIPE.search(text) is not None) or bool(self.descriptors(line))
            self._looks[line] = found
        return found

    def descriptors(self, line: int) -> list[str]:
        """The descriptors of payouts that stand in the line, word for word."""
        found = self._shown.get(line)
        if found is None:
            words = _SOUND.findall(self.text(line))
            if self._by_word.keys().isdisjoint(words):
                found = _NOTHING
            else:
                near = [text for word in words for text in self._by_word.get(word, ())]
                whole = f" {' '.join(words)} "
                found = [text for text in near if f" {text} " in whole]
            self._shown[line] = found
        return found

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
        one = self.lines[line]
        return one.reversal or self.looks_like_stripe(line) or _RETURN.search(self.text(line)) is not None

    def lag(self, payout: int, line: int) -> int:
        """Business days from the arrival day to the line's."""
        one, other = self.payouts[payout], self.lines[line]
        if one.currency == other.currency:
            return self.line_places[line] - self.places[payout]
        return self.place_of[one.currency](other.day) - self.places[payout]

    def failed_after(self, payout: int) -> int | None:
        """Business days from the arrival day to the day on which it failed, where that is known."""
        one = self.payouts[payout]
        return None if one.failed_day is None else self.place_of[one.currency](one.failed_day) - self.places[payout]

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
        return one.minor if one.original_minor is None or one.original_currency is None else one.original_minor

    def exact(self, payout: int, line: int) -> bool:
        """Whether the amounts are the same."""
        one = self.payouts[payout]
        return self.amount(line) == (one.currency, one.minor)

    def timely(self, payout: int, line: int) -> bool:
        """Whether the day fits a line that names the payout."""
        return -self.bounds.early_days <= self.lag(payout, line) <= self.bounds.trace_late_days

    def contradicts(self, payout: int, line: int) -> str:
        """Why a line of the right amount is not this payout's, or nothing.

        It names another payout; or it carries an id of the very shape of this payout's trace, but another one; or the descriptor of
        another Stripe account.
        """
        names = self.named.get(line)
        if names is not None:
            return (
                "" if payout in names else f"the line names {', '.join(self.payouts[p].id for p in names)}"
            )
        one = self.payouts[payout]
        if one.trace_id is not None and (other := self._other_trace(one.trace_id, line)):
            return f"the line carries {other}, the payout's trace is {one.trace_id}"
        shown = self.descriptors(line)
        if shown and sound(one.descriptor) not in shown:
            owners = {owner for each in shown for owner in self._descriptors[each]}
            if one.connection not in owners:
                return f"the line shows {shown[0]}, which is another Stripe account's"
        return ""

    def _other_trace(self, trace: str, line: int) -> str | None:
        shape = self._shapes.get(trace)
        if shape is None:
            shape = self._shapes[trace] = trace.upper().translate(_SHAPE)
        if len(shape) < _SHAPE_LENGTH or "9" not in shape:
            return None
        one = self.lines[line]
        for value in (*one.references, *_WORD.findall(one.description.upper())):
            if len(value) >= len(shape) and value.upper().translate(_SHAPE) == shape:
                return value
        return None

    def gives_trace(self, payout: int, line: int) -> bool:
        """Whether the payout's trace is one of the references that the bank itself gives, and not a word in a text."""
        trace = self.payouts[payout].trace_id
        return trace is not None and plain(trace) in map(plain, self.lines[line].references)

    def shows_descriptor(self, payout: int, line: int) -> bool:
        """Whether what the payout asked the bank to show stands in the line."""
        wanted = sound(self.payouts[payout].descriptor)
        return bool(wanted) and wanted in self.descriptors(line)

    def is_like(self, payout: int, line: int) -> bool:
        """Whether the line's text is like the payout's descriptor or Stripe's name, cut or misspelt: support for a question, no more."""
        text = self.text(line)
        return any(
            fuzz.partial_ratio(wanted, text) >= _LIKE
            for wanted in ((self.payouts[payout].descriptor or "").upper(), "STRIPE")
            if wanted
        )

    def twins(self, lines: Sequence[int]) -> bool:
        """Whether two of the lines share a reference that no other line has: one of them is likely a copy."""
        if not self._references:
            self._references.update(chain.from_iterable([line.references for line in self.lines]))
        here: Counter[str] = Counter(chain.from_iterable([set(self.lines[line].references) for line in lines]))
        return any(
            count > 1 and count >= self._references[value] and len(value) >= _ID_LENGTH
            for value, count in here.items()
        )

    def stated_fees(self, line: int) -> list[int]:
        """The fees that the line's text states, in minor units of its currency."""
        places = EXPONENTS.get(self.lines[line].currency, 2)
        found = []
        for digits in _FEE.findall(self.text(line)):
            whole, _, rest = digits.replace(",", ".").partition(".")
            if len(rest) <= places:
                found.append(int(whole + rest.ljust(places, "0")))
        return [fee for fee in found if fee]

    def fee_most(self, currency: str) -> int:
        """The most that is believed to be a bank's fee, in minor units."""
        places = EXPONENTS.get(currency, 2)
        return self.bounds.fee_most * (10**places if places else 100)

    def rate(self, payout: int, line: int) -> Decimal:
        """Units of the line's currency for one of the payout's, to eight places."""
        one, other = self.payouts[payout], self.lines[line]
        gave = Decimal(one.minor).scaleb(-exponent(one.currency))
        got = Decimal(other.minor).scaleb(-exponent(other.currency))
        return (got / gave).quantize(Decimal("1e-8"))

    def believes(self, payout: int, line: int) -> bool | None:
        """Whether the rate lies in the band of its currencies; None where no band is stated."""
        band = self.bounds.rates.get((self.payouts[payout].currency, self.lines[line].currency))
        if band is None:
            return None
        return band[0] <= self.rate(payout, line) <= band[1]

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
    return payout.last4 is None or account.endswith(payout.last4) or not account[-4:].isdigit()


def sound(text: str | None) -> str:
    """The words of a text in upper case, one blank between: how descriptors are compared."""
    return " ".join(_SOUND.findall(text.upper())) if text else ""


def days(lag: int) -> str:
    """A lag in words: ``on its arrival day``, ``1 business day late``."""
    if lag == 0:
        return "on its arrival day"
    return f"{abs(lag)} business day{'s' * (abs(lag) > 1)} {'late' if lag > 0 else 'early'}"


def _payouts_in_order(payouts: Iterable[Expected]) -> list[Expected]:
    given = list(payouts)
    by_id = {one.id: one for one in given}
    if len(by_id) < len(given):
        raise Bug("A payout was given to the matcher twice.")
    return [by_id[each] for each in sorted(by_id)]


def _lines_in_order(lines: Iterable[StatementLine]) -> list[StatementLine]:
    given = list(lines)
    by_account: dict[str, dict[str, StatementLine]] = {}
    for one in given:
        by_account.setdefault(one.account, {})[one.key] = one
    found = [some[key] for _, some in sorted(by_account.items()) for key in sorted(some)]
    if len(found) < len(given):
        raise Bug("A statement line was given to the matcher twice.")
    return found


def _places(days: Iterable[tuple[str, str]]) -> list[int]:
    """The places of (currency, day), each in the calendar of its currency."""
    known: dict[tuple[str, str], int] = {}
    found = []
    for each in days:
        place = known.get(each)
        if place is None:
            place = known[each] = calendar_of(each[0]).place(each[1])
        found.append(place)
    return found


def _owners(payouts: Iterable[Expected]) -> dict[str, set[str]]:
    """Each descriptor that says something, and the connections that use it."""
    found: dict[str, set[str]] = {}
    for descriptor, connection in {(one.descriptor, one.connection) for one in payouts}:
        text = sound(descriptor)
        if len(text) >= _DESCRIPTOR_LENGTH and _STRIPE.fullmatch(text) is None:
            found.setdefault(text, set()).add(connection)
    return found
