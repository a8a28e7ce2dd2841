"""The ticks of a batch over many pages, without anything kept between them: the rows that are left out travel with the form. Pure.

>>> written({3, 7, 8, 9}), sorted(read("3,7-9", size=20))
('3,7-9', [3, 7, 8, 9])
>>> sorted(left_out({3, 12}, shown=[10, 11, 12], ticked=[10, 12]))
[3, 11]
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from bookhand.actions.proposal import Proposal, Row
from bookhand.core.problems import Refusal
from bookhand.web.page.wording import plain

MOST = 1_000
"""Rows that can be left out of one batch here; with more, it is better asked for anew."""
_LONGEST = 8_000
_DIGITS = 6
"""Of the number of a row: a batch has 50,000 at most."""


def written(numbers: Collection[int]) -> str:
    """Row numbers as a short text: single ones and spans."""
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ",".join("-".join(str(end) for end in span) for span in spans)


def read(text: str, *, size: int) -> frozenset[int]:
    """The rows that `written` wrote; `Refusal` where it is no such text, or names rows that are not there."""
    found: set[int] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        ends = [first, last or first]
        if len(text) > _LONGEST or not all(
            end.isascii() and end.isdigit() and len(end) <= _DIGITS for end in ends
        ):
            raise Refusal(plain("approvals.rows.unreadable"))
        low, high = int(ends[0]), int(ends[1])
        if not low <= high < size or high - low >= MOST:
            raise Refusal(plain("approvals.rows.unreadable"))
        found.update(range(low, high + 1))
    return few(found)


def number(text: str) -> int:
    """The row after which a page begins; -1 is before the first one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else -1


def few(numbers: Collection[int]) -> frozenset[int]:
    """`numbers`; `Refusal` where they are too many to be left out one by one."""
    if len(numbers) > MOST:
        raise Refusal(plain("approvals.rows.too_many", most=f"{MOST:,}"))
    return frozenset(numbers)


def left_out(before: Collection[int], *, shown: Iterable[int], ticked: Iterable[int]) -> frozenset[int]:
    """What is left out after a page: as before on other pages, and of this one what is not ticked."""
    here = set(shown)
    return few((set(before) - here) | (here - set(ticked)))


def chosen(size: int, without: Collection[int]) -> list[int] | None:
    """The rows of a batch that a yes is for; None is all of them."""
    return [number for number in range(size) if number not in without] if without else None


def elsewhere(
    proposal: Proposal, page: Sequence[Row], without: Collection[int], left: Iterable[Row]
) -> tuple[int, Mapping[str, int]]:
    """How many rows are chosen on the other pages, and what they come to by currency; `left` are the rows that are left out."""
    here = {row.row_no for row in page}
    sums: dict[str, int] = {}
    for each in proposal.preview.moves:
        sums[each.currency.upper()] = sums.get(each.currency.upper(), 0) + each.minor
    for row in (*page, *(row for row in left if row.row_no not in here)):
        for each in row.moves:
            sums[each.currency.upper()] = sums.get(each.currency.upper(), 0) - each.minor
    count = proposal.size - len(here) - len([number for number in without if number not in here])
    return count, sums
