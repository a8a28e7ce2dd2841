"""The running balance: does each row's balance go on from the row beside it? It settles sign and order where it does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Literal, NamedTuple

from bookhand.systems.bank.columns.profile import Order, Profile
from bookhand.systems.bank.columns.sheet import Row
from bookhand.systems.bank.columns.values import number_of

_LEAST = 2


class Chain(NamedTuple):
    """Which sign and which order make every balance go on, and the sentence that says so."""

    sign: Literal[1, -1]
    order: Order
    why: str


def chains_of(header: tuple[str, ...], rows: Sequence[Row], profile: Profile) -> list[Chain]:
    """The readings under which all balances go on, in the profile's order where it has one."""
    try:
        pairs = [(moved(header, row, profile), balance(header, row, profile)) for row in rows]
    except ValueError:
        return []
    if len(pairs) < _LEAST:
        return []
    return [chain for chain in _READINGS if profile.order in {None, chain.order} and _goes_on(pairs, chain)]


def moved(header: tuple[str, ...], row: Row, profile: Profile) -> Decimal:
    """What a row moves by the profile's columns, before the profile's sign; `ValueError` where a cell is no number."""
    mark = profile.decimal or "."

    def cell(name: str) -> str:
        return row.cells[header.index(name)]

    if profile.amount is None:
        came = (
            number_of(cell(profile.money_in), mark)
            if profile.money_in and cell(profile.money_in)
            else Decimal(0)
        )
        went = (
            number_of(cell(profile.money_out), mark)
            if profile.money_out and cell(profile.money_out)
            else Decimal(0)
        )
        if came and went:
            raise ValueError("money came in and went out in one row")
        if came < 0:
            raise ValueError(
                f"{came} in column {profile.money_in!r}, which is for money that came in, is less than nothing"
            )
        return abs(came) - abs(went)
    value = number_of(cell(profile.amount), mark)
    fee = number_of(cell(profile.fee), mark) if profile.fee and cell(profile.fee) else Decimal(0)
    if profile.direction is None:
        return value - fee
    word = cell(profile.direction).lower()
    if word not in {*profile.in_words, *profile.out_words}:
        raise ValueError(f"{word[:40]!r} in column {profile.direction!r} says neither in nor out")
    return (value if word in profile.in_words else -value) - fee


def balance(header: tuple[str, ...], row: Row, profile: Profile) -> Decimal:
    """The balance that a row states; `ValueError` where it states none."""
    return number_of(row.cells[header.index(profile.balance or "")], profile.decimal or ".")


def breaks(pairs: Sequence[tuple[Decimal, Decimal]], sign: int, order: Order) -> list[int]:
    """The places (in the file's order) at which the balance does not go on."""
    if order == "newest_first":
        return [
            place
            for place in range(len(pairs) - 1)
            if pairs[place + 1][1] + sign * pairs[place][0] != pairs[place][1]
        ]
    return [
        place
        for place in range(1, len(pairs))
        if pairs[place - 1][1] + sign * pairs[place][0] != pairs[place][1]
    ]


def _goes_on(pairs: Sequence[tuple[Decimal, Decimal]], chain: Chain) -> bool:
    return not breaks(pairs, chain.sign, chain.order)


_READINGS = (
    Chain(
        1,
        "oldest_first",
        "each row's balance is that of the row above and its amount: oldest first, and a plus is money in",
    ),
    Chain(
        1,
        "newest_first",
        "each row's balance is that of the row below and its amount: newest first, and a plus is money in",
    ),
    Chain(
        -1,
        "oldest_first",
        "each row's balance is that of the row above less its amount: oldest first, and a plus is money out",
    ),
    Chain(
        -1,
        "newest_first",
        "each row's balance is that of the row below less its amount: newest first, and a plus is money out",
    ),
)
