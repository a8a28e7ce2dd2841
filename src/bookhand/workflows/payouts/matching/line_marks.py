"""What each line says of itself: whether it looks like Stripe's, shows a descriptor, carries an id, states a fee; pure.

Banks write the same few texts again and again, and only the numbers in them differ. So a text is read once for all lines of its template, as far
as numbers do not matter to it; what they do matter to is read line by line, where a template allows it at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from bookhand.workflows.payouts.matching import Bounds, line_text
from bookhand.workflows.payouts.matching.line_text import sound
from bookhand.workflows.payouts.matching.reading import Reading
from bookhand.workflows.payouts.matching.templates import template

_READ, _STRIPES, _DOUBTFUL, _SHOWS = 1, 2, 4, 8
_NOTHING: Final[list[str]] = []
_NO_FEES: Final[set[int]] = set()
_DESCRIPTOR_LENGTH: Final = 5


class LineMarks:
    """The texts of the lines of a reading, each looked at when it is asked for."""

    def __init__(self, reading: Reading, bounds: Bounds) -> None:
        self.reading, self.lines = reading, reading.lines
        self.texts, self.forms, self.given = reading.texts, reading.forms, reading.given
        self.fees: dict[str, set[int]] = {account: set(known) for account, known in bounds.fees.items()}
        """Account to the fees that its bank is known to keep."""
        self.owners = _owners(reading.descriptors)
        """Each descriptor that says something, and the connections that use it."""
        self._by_word: dict[str, list[str]] = {}
        self._templates_by_word: dict[str, list[str]] = {}
        for text in sorted(self.owners):
            self._by_word.setdefault(text.split(" ", 1)[0], []).append(text)
        for text in sorted({template(each) for each in self.owners}):
            self._templates_by_word.setdefault(text.split(" ", 1)[0], []).append(text)
        self._doubtful, self._marks = reading.doubtful, bytearray(len(self.lines))
        self._marks_of = bytearray(len(reading.templates))
        self._shown: dict[int, list[str]] = {}
        self._shapes: dict[str, str] = {}
        self._shapes_of: dict[int, frozenset[str]] = {}
        self._unmarked: frozenset[str] = frozenset()

    def text(self, line: int) -> str:
        """Description and counterparty, in upper case."""
        other_side = self.lines[line].counterparty
        text = self.texts[self.given[line]]
        return f"{text} {other_side.upper()}" if other_side else text

    def looks_like_stripe(self, line: int) -> bool:
        """Whether the line says Stripe (and not Pinstripe), or what a payout asked the bank to show.

        Where the bank names the other side, it is the other side that must say so: others may write of Stripe.
        """
        return bool((self._marks[line] or self._read(line)) & _STRIPES)

    def is_plain(self, line: int) -> bool:
        """Whether the line says Stripe, and nothing that any other rule wants to know."""
        return (self._marks[line] or self._read(line)) == _READ | _STRIPES

    def is_doubtful(self, line: int) -> bool:
        """Whether the line has any of the words that other business has: a quick look before the exact one."""
        return bool((self._marks[line] or self._read(line)) & _DOUBTFUL)

    def shows_any(self, line: int) -> bool:
        """Whether any payout's descriptor stands in the line."""
        return bool((self._marks[line] or self._read(line)) & _SHOWS)

    def is_rival(self, line: int) -> bool:
        """Whether a line could be Stripe's: it looks so, or its account does not tell."""
        return self.looks_like_stripe(line) or (
            bool(self._unmarked) and self.lines[line].account in self._unmarked
        )

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

    def descriptors(self, line: int) -> list[str]:
        """The descriptors of payouts that stand in the line, word for word."""
        found = self._shown.get(line)
        if found is None:
            found = self._shown[line] = _shown(self.text(line), self._by_word)
        return found

    def other_trace(self, trace: str, line: int) -> str | None:
        """An id in the line that has the very shape of the trace and is another one, if there is any."""
        shape = self._shapes.get(trace)
        if shape is None:
            shape = self._shapes[trace] = line_text.shape(trace)
        form = self.forms[self.given[line]]
        here = self._shapes_of.get(form)
        if here is None:
            here = self._shapes_of[form] = line_text.shapes(line_text.ids_in(self.reading.templates[form][0]))
        one = self.lines[line]
        if shape in here or (one.references and shape in line_text.shapes(one.references)):
            return line_text.of_shape(one, shape)
        return None

    def stated_fees(self, line: int) -> list[int]:
        """The fees that the line's text states, in minor units of its currency."""
        found, charge = line_text.fees_in(self.text(line), self.lines[line].currency), self.reading.charges
        return [*found, charge[line]] if line in charge else found

    def fees_of(self, line: int) -> set[int]:
        """What the bank may have kept of a line: the fees of its account, and those that it states."""
        usual = self.fees.get(self.lines[line].account, _NO_FEES) if self.fees else _NO_FEES
        if not self.is_doubtful(line):
            return usual
        stated = self.stated_fees(line)
        return usual.union(stated) if stated else usual

    def _read(self, line: int) -> int:
        """What a line says, as bits; read once."""
        form = self.forms[self.given[line]]
        found = self._marks_of[form]
        if not found:
            found = self._marks_of[form] = self._read_template(*self.reading.templates[form])
        if self._doubtful[line]:
            found |= _DOUBTFUL
        if found & _SHOWS:
            shown = self.descriptors(line)
            if not shown:
                found ^= _SHOWS
            elif not found & _STRIPES:
                who = sound(self.lines[line].counterparty or self.texts[self.given[line]])
                found |= _STRIPES * any(line_text.shows(who, each) for each in shown)
        self._marks[line] = found
        return found

    def _read_template(self, form: str, other_side: str) -> int:
        """What all lines of a template say; that they show a descriptor means that they may."""
        other_side = other_side.upper()
        text = f"{form} {other_side}" if other_side else form
        stripes = line_text.is_stripes_name(other_side) if other_side else line_text.says_stripe(text)
        may_show = bool(self._by_word) and bool(_shown(template(text), self._templates_by_word))
        return _READ | _STRIPES * stripes | _DOUBTFUL * line_text.is_doubtful(text) | _SHOWS * may_show


def _owners(descriptors: Iterable[tuple[str | None, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for descriptor, connection in descriptors:
        text = sound(descriptor)
        if len(text) >= _DESCRIPTOR_LENGTH and not line_text.is_only_stripe(text):
            found.setdefault(text, set()).add(connection)
    return found


def _shown(text: str, by_word: dict[str, list[str]]) -> list[str]:
    """Those of some descriptors, by their first words, that stand in a text."""
    words = line_text.words(text)
    if by_word.keys().isdisjoint(words):
        return _NOTHING
    whole = f" {' '.join(words)} "
    return [each for word in words for each in by_word.get(word, ()) if f" {each} " in whole]
