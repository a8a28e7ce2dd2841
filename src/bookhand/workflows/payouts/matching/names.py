"""Which payouts the lines name: by the trace, or by the payout's id, in every form in which a bank may write one; pure.

Traces are looked up as they are. The many ids are put into a table only when a line has something that begins as they all do.
Every form has six characters or more, and a digit among them: words without are not looked up at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import compress, takewhile
from typing import Final

from bookhand.core.bank import StatementLine
from bookhand.workflows.payouts.matching import Expected
from bookhand.workflows.payouts.matching.line_text import PLAIN, WORDS, plain
from bookhand.workflows.payouts.matching.templates import template

_ID_LENGTH: Final = 6
"""Shorter ids meet by chance."""
_START: Final = 2
_SEVERAL: Final = 2
_WORD: Final = re.compile(r"[0-9A-Z_-]{6,}")
_PLAIN_ROWS: Final = {**PLAIN, ord("\n"): "\n"}
_Owner = int | tuple[int, ...]
"""The number of the payout whose id it is, or of several."""
_Words = tuple[tuple[int, int], ...]
"""Where words that could be ids stand in all texts of a template."""
_NO_WORDS: Final[_Words] = ()
_HYPHENS: Final[_Words] = ((0, 0),)
"""No such word, but digits and hyphens: together they may be one."""
_ANY_WORDS: Final[_Words] = ((0, -1),)
"""Texts or ids that have other letters than those of ASCII: each text is looked at as a whole."""


class Names:
    """The traces and ids of the payouts, whose numbers are their places in the order of their ids."""

    def __init__(self, payouts: Sequence[Expected], ids: Sequence[str], numbers: Sequence[int]) -> None:
        self._written, self._numbers = ids, numbers
        self._ids: dict[str, _Owner] | None = None
        self._traces: dict[str, _Owner] = {}
        traces = [one.trace_id for one in payouts]
        _add_traces(self._traces, list(filter(None, traces)), list(compress(numbers, traces)))
        start = _common_start(min(ids), max(ids)) if ids else ""
        self._starts = {start.upper()[:_START], plain(start)[:_START]}
        if not all(len(each) == _START and each[0].isalpha() for each in self._starts):
            _add(self._traces, zip(ids, numbers, strict=True))
            self._starts = set()
        self._forms = set(template("\n".join([*self._traces, *self._starts])).split("\n"))
        """The traces, and what ids begin with, each with a zero for every digit."""
        self._is_ascii = "".join(self._traces).isascii() and "".join(ids).isascii()

    def in_lines(
        self,
        lines: Sequence[StatementLine],
        texts: Sequence[str],
        forms: Sequence[int],
        templates: Sequence[str],
    ) -> dict[int, tuple[int, ...]]:
        """Lines (by their place in what is given) to the payouts that they name.

        `texts` are the descriptions in upper case, and `forms` says which of the templates each has.
        """
        named: dict[int, tuple[int, ...]] = {}
        words_of = [self._words(each) for each in templates]
        owner_of, references = self._traces.get, [line.references for line in lines]
        first = [owner_of(some[0]) if some else None for some in references]
        for index, (owner, some, form) in enumerate(zip(first, references, forms, strict=True)):
            words = words_of[form]
            if len(some) < _SEVERAL and len(words) < _SEVERAL and words is not _ANY_WORDS:
                # most lines have a trace, in a reference or in the text, beside an id of the bank's own or none
                told = owner_of(texts[index][words[0][0] : words[0][1]]) if words else owner
                if told is None:
                    if not words and not (some and self._may_tell(some[0])):
                        continue
                elif isinstance(told, int) and (
                    told == owner or not some or (owner is None and not self._may_tell(some[0]))
                ):
                    named[index] = (told,)
                    continue
            found = self._in_line(lines[index].description, texts[index], some, words)
            if found:
                one = found[0]
                named[index] = (one,) if len(found) == 1 and isinstance(one, int) else _numbers(found)
        return named

    def _in_line(
        self, description: str, text: str, references: Sequence[str], words: _Words
    ) -> list[_Owner] | None:
        """What the references and the text of a line name."""
        found: list[_Owner] | None = None
        for value in references:
            if (owner := self._traces.get(value)) is not None:
                found = [owner] if found is None else [*found, owner]
            elif self._may_tell(value):
                found = self._in_reference(value, found)
        if words and (more := self._in_text(description, text, words)):
            return [*found, *more] if found else more
        return found

    def _may_tell(self, value: str) -> bool:
        """Whether `_in_reference` could find something in a reference that is no trace as it stands."""
        if value.isdigit():
            return value[0] == "0"
        return value[:1] == "0" or value[:_START] in self._starts or not (value.isalnum() and value.isupper())

    def _in_reference(self, value: str, found: list[_Owner] | None) -> list[_Owner] | None:
        """What was found, and the owners of a reference that is no trace as it stands."""
        if not value.isdigit() and (
            value[:_START] in self._starts or not (value.isalnum() and value.isupper())
        ):
            return [*(found or ()), *(self._owners(value) or self._in_parts(value))]
        return [*(found or ()), *self._owners(plain(value))] if value[0] == "0" else found

    def _in_text(self, description: str, text: str, words: _Words) -> list[_Owner] | None:
        found: list[_Owner] | None = None
        if words is _ANY_WORDS:
            found = [owner for word in description.translate(WORDS).split() for owner in self._owners(word)]
        else:
            for first, last in words:
                word = text[first:last]
                owner = self._traces.get(word)
                if owner is not None:
                    found = [owner] if found is None else [*found, owner]
                elif word[:_START] in self._starts:
                    found = [*(found or ()), *self._owners(word)]
        return found or (self._in_parts(description) if "-" in text else None)

    def _words(self, text: str) -> _Words:
        if not self._is_ascii or not text.isascii():
            return _ANY_WORDS
        found = tuple([each.span() for each in _WORD.finditer(text) if self._may_be(each[0])])
        return found or (_HYPHENS if "-" in text and "0" in text else _NO_WORDS)

    def _may_be(self, word: str) -> bool:
        """Whether a word of a template may be a trace, or the beginning of an id, with other digits."""
        return "0" in word and (word in self._forms or word[:_START] in self._forms)

    def _in_parts(self, text: str) -> list[_Owner]:
        """The careful way: the whole text as one id, and each of its parts."""
        parts = [text, *text.translate(WORDS).replace("-", " ").split()]
        return [owner for part in parts for owner in self._owners(plain(part))]

    def _owners(self, form: str) -> list[_Owner]:
        found = [self._traces[form]] if form in self._traces else []
        if form[:_START] in self._starts:
            if self._ids is None:
                self._ids = _of_ids(self._written, self._numbers)
            if form in self._ids:
                found.append(self._ids[form])
        return found


def _common_start(first: str, last: str) -> str:
    """What the first and the last of some texts in order begin with, and so all between them."""
    same = takewhile(lambda at: first[at] == last[at], range(min(len(first), len(last))))
    return first[: sum(1 for _ in same)]


def _of_ids(ids: Sequence[str], numbers: Sequence[int]) -> dict[str, _Owner]:
    """The forms of ids: all of them at once, where each has two of its own."""
    whole = "\n".join(ids)
    found: dict[str, _Owner] = {}
    if whole.isascii() and whole.count("\n") == len(ids) - 1:
        written = whole.upper()
        forms = written.translate(_PLAIN_ROWS).split("\n")
        if min(map(len, forms)) >= _ID_LENGTH and not any(map(str.isalpha, forms)):
            found = dict(zip(written.split("\n"), numbers, strict=True))
            found.update(zip(forms, numbers, strict=True))
    if len(found) < 2 * len(ids):
        found = {}
        _add(found, zip(ids, numbers, strict=True))
    return found


def _add_traces(tokens: dict[str, _Owner], traces: Sequence[str], numbers: Sequence[int]) -> None:
    """The forms of traces: all of them at once that are one word of upper case and digits, as most are."""
    are_words = list(map(str.isalnum, traces))
    some = list(compress(traces, are_words))
    whole = "\n".join(some)
    if (
        whole.isascii() and whole == whole.upper() and min(map(len, some), default=0) >= _ID_LENGTH
        and "\n0" not in f"\n{whole}" and not any(map(str.isalpha, some))
    ):  # fmt: skip
        owners = list(compress(numbers, are_words))
        found = dict(zip(some, owners, strict=True))
        tokens.update(found)
        if len(found) < len(some):
            several: dict[str, list[int]] = {}
            for trace, number in zip(some, owners, strict=True):
                if found[trace] != number:
                    several.setdefault(trace, [found[trace]]).append(number)
            tokens.update({trace: tuple(each) for trace, each in several.items()})
        others = [not each for each in are_words]
        traces, numbers = list(compress(traces, others)), list(compress(numbers, others))
    _add(tokens, zip(traces, numbers, strict=True))


def _add(tokens: dict[str, _Owner], values: Iterable[tuple[str | None, int]]) -> None:
    for value, number in values:
        if value:
            written = value.upper()
            token = written if written[0] != "0" and written.isalnum() else plain(value)
            if len(token) >= _ID_LENGTH and not token.isalpha():
                for form in (token,) if token == written else (token, written):
                    if (before := tokens.setdefault(form, number)) != number:
                        tokens[form] = (*before, number) if isinstance(before, tuple) else (before, number)


def _numbers(found: Iterable[_Owner]) -> tuple[int, ...]:
    return tuple(sorted({each for some in found for each in ((some,) if isinstance(some, int) else some)}))
