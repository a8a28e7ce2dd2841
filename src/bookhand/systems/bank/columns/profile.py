"""A profile: what stands in which column of one bank's CSV. Confirmed once by a person, remembered by the header it belongs to. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from bookhand.core.problems import Refusal
from bookhand.core.ready import ready
from bookhand.systems.bank.columns.values import DayOrder, Mark

Order = Literal["oldest_first", "newest_first"]


class Profile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns are named as the header names them. None is what the file does not have, or what is still to be asked."""

    date: str
    date_order: DayOrder | None = None
    value_date: str | None = None
    amount: str | None = None
    """One column with a sign."""
    money_in: str | None = None
    money_out: str | None = None
    """Two columns instead; their own signs do not count."""
    fee: str | None = None
    """A column of fees that the bank took beside the amount: the account moved by the amount less the fee."""
    direction: str | None = None
    """A column that says which way the amount goes, with what it says for money in (`in_words`) and out (`out_words`)."""
    in_words: tuple[str, ...] = ()
    out_words: tuple[str, ...] = ()
    sign: Literal[1, -1] | None = None
    """-1 where the file writes money in as negative."""
    decimal: Mark | None = None
    currency: str | None = None
    """A currency's code where `currency_column` is None."""
    currency_column: str | None = None
    description: tuple[str, ...] = ()
    counterparty: str | None = None
    references: tuple[str, ...] = ()
    native_id: str | None = None
    balance: str | None = None
    order: Order | None = None
    account_column: str | None = None

    def columns(self) -> list[str]:
        """Every column that it names."""
        named = (
            self.date, self.value_date, self.amount, self.money_in, self.money_out, self.fee, self.direction, self.currency_column,
            self.counterparty, self.native_id, self.balance, self.account_column, *self.description, *self.references,
        )  # fmt: skip
        return [name for name in named if name]


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What the file does not settle: which field of the profile, the question, and the answers there are (none: free)."""

    field: str
    sentence: str
    options: tuple[str, ...] = ()


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """What stands where, as far as the file shows it; with the evidence for each part, and what has to be asked."""

    fingerprint: str
    header: tuple[str, ...]
    profile: Profile
    evidence: tuple[tuple[str, str], ...]
    """(field of the profile, why)."""
    questions: tuple[Question, ...] = ()
    sample: tuple[tuple[str, ...], ...] = ()
    """The first rows as they stand."""


def confirmed(profile: Profile, changes: Mapping[str, Any], header: tuple[str, ...]) -> Profile:
    """`profile` with what a person answered or changed; `Refusal` where it could not be read by it."""
    try:
        made = msgspec.convert({**msgspec.to_builtins(profile), **changes}, Profile)
    except msgspec.ValidationError as error:
        raise Refusal(f"The profile cannot be so: {error}.") from None
    missing = [name for name in made.columns() if name not in header]
    if missing:
        raise Refusal(f"The file has no column {missing[0]!r}; it has {', '.join(map(repr, header))}.")
    if made.date_order is None or made.decimal is None:
        raise Refusal(
            "Say the order of the dates (date_order: DMY, MDY or YMD) and the decimal mark (decimal: '.' or ',')."
        )
    _confirm_amount(made)
    if made.currency is None and made.currency_column is None:
        raise Refusal("Say the currency (currency: USD), or the column that says it (currency_column).")
    return made


def _confirm_amount(made: Profile) -> None:
    if (made.amount is None) == (made.money_in is None and made.money_out is None):
        raise Refusal(
            "Say either one column of amounts (amount), or the columns of money in and out (money_in, money_out)."
        )
    if made.direction is not None and not (made.in_words and made.out_words):
        raise Refusal(
            "Say which words of the direction's column mean money in (in_words) and out (out_words)."
        )
    if made.fee is not None and (made.amount is None or made.sign == -1):
        raise Refusal(
            "Fees of a column of their own (fee) are taken off one column of amounts in which a plus is money in; say fee: null."
        )
    if made.sign is None:
        raise Refusal("Say whether positive amounts are money in (sign: 1) or money out (sign: -1).")


ready(Profile, Proposal)  # see core.ready
