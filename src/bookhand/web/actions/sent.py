"""What a form sent, as parameters of an action; and parameters as what stands in a form. Pure.

    sent(fields, texts, reads=reads, currency="USD")        # Sent(params={"charge": "ch_1", "amount": 1500}, wrong={})

An amount is read as its person writes amounts, and becomes whole minor units exactly: what has more decimals than its currency is refused.
What is left empty is not sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from babel.numbers import get_decimal_symbol

from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Refusal
from bookhand.web.actions.fields import Field, Texts, rows_of
from bookhand.web.page import entered
from bookhand.web.page.figures import Reads
from bookhand.web.page.wording import plain

_LARGEST_DIGITS = 15
_YES = {"yes": True, "no": False}


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters, what is wrong with them by the field's key, and the currencies in which amounts were meant."""

    params: dict[str, Any]
    wrong: dict[str, str]
    currencies: frozenset[str]


class FieldError(ValueError):
    """A text is not what its field asks for: in a sentence."""


def sent(fields: Sequence[Field], texts: Texts, *, reads: Reads, currency: str | None = None) -> Sent:
    """The parameters that a form sent; `currency` is that of amounts whose currency no field says and the form left open."""
    reader = _Reader(texts, reads, currency)
    params = reader.group(fields, at="", beside=None)
    return Sent(params=params, wrong=reader.wrong, currencies=frozenset(reader.meant))


class _Reader:
    """Reads one form, and keeps what was wrong with it."""

    def __init__(self, texts: Texts, reads: Reads, currency: str | None) -> None:
        self.texts = texts
        self.reads = reads
        self.currency = currency
        self.wrong: dict[str, str] = {}
        self.meant: set[str] = set()

    def group(self, fields: Sequence[Field], *, at: str, beside: str | None) -> dict[str, Any]:
        """The fields that stand together; `beside` is the key of the currency further out."""
        if any(field.name == "currency" for field in fields):
            beside = f"{at}currency"
        found: dict[str, Any] = {}
        for field in fields:
            try:
                value = self._value(field, f"{at}{field.name}", beside)
            except FieldError as fault:
                self.wrong[f"{at}{field.name}"] = str(fault)
            else:
                if value is not None:
                    found[field.name] = value
        return found

    def _value(self, field: Field, key: str, beside: str | None) -> Any:
        if field.fixed is not None:
            return field.fixed
        match field.sort:
            case "group":
                return self.group(field.parts, at=f"{key}.", beside=beside) or ({} if field.needed else None)
            case "rows":
                rows = [
                    self.group(field.parts, at=f"{key}.{number}.", beside=beside)
                    for number in range(rows_of(self.texts.values, key))
                ]
                return [row for row in rows if row] or None
            case _:
                text = self.texts.values.get(key, "").strip()
                if text and field.sort == "money":
                    return self._money(key, text, beside)
                return _of_text(field, text) if text else None

    def _money(self, key: str, text: str, beside: str | None) -> int:
        told = self.texts.values.get(beside, "") if beside else self.texts.currencies.get(key, "")
        code = (told.strip() or self.currency or "").upper()
        if not code:
            raise FieldError(plain("actions.wrong.no_currency"))
        if not beside and self.currency and code != self.currency.upper():
            raise FieldError(plain("actions.wrong.other_currency", currency=self.currency.upper()))
        found = minor(text, code, self.reads.locale)
        if not beside:
            self.meant.add(code)
        return found


def _of_text(field: Field, text: str) -> Any:
    match field.sort:
        case "whole":
            return whole(text)
        case "yes":
            return _yes(text)
        case "many":
            return [whole(each) if field.whole else each for each in _lines(text)]
        case "names":
            return dict(_named(each) for each in _lines(text))
        case "json":
            return _json(text)
        case _:
            return text


def minor(text: str, currency: str, locale: str) -> int:
    """An amount as a person of `locale` writes it, in whole minor units; `FieldError` in a sentence where it is none, or not exact."""
    try:
        return entered.minor_of(text, currency, locale)
    except Refusal as error:
        raise FieldError(str(error)) from None


def major(amount_minor: int, currency: str, locale: str) -> str:
    """Minor units as `minor` reads them: without groups.

    >>> major(123450, "USD", "de_DE"), major(-5, "KWD", "en_US"), major(500, "JPY", "en_US")
    ('1234,50', '-0.005', '500')
    """
    text = f"{Decimal(amount_minor).scaleb(-EXPONENTS.get(currency.upper(), 0)):f}"
    return text.replace(".", get_decimal_symbol(locale))


def whole(text: str) -> int:
    """A whole number; `FieldError` where it is none."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _LARGEST_DIGITS):
        raise FieldError(plain("actions.wrong.whole", text=text[:30]))
    return int(text)


def _yes(text: str) -> bool:
    if text not in _YES:
        raise FieldError(plain("actions.wrong.yes"))
    return _YES[text]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _named(line: str) -> tuple[str, str]:
    name, mark, value = line.partition("=")
    if not mark or not name.strip():
        raise FieldError(plain("actions.wrong.named", line=line[:40]))
    return name.strip(), value.strip()


def _json(text: str) -> Any:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise FieldError(plain("actions.wrong.json"))
    return found


# --- the way back: what stands in a form ---


def texts_of(
    fields: Sequence[Field], params: Mapping[str, Any], *, locale: str, currency: str | None = None
) -> Texts:
    """Parameters as what stands in a form; `currency` is that of amounts whose currency no parameter says."""
    values: dict[str, str] = {}
    currencies: dict[str, str] = {}
    _write(fields, params, "", currency, (values, currencies, locale))
    return Texts(values=values, currencies=currencies)


def _write(
    fields: Sequence[Field], params: Mapping[str, Any], at: str, currency: str | None,
    into: tuple[dict[str, str], dict[str, str], str],
) -> None:  # fmt: skip
    values, currencies, locale = into
    beside = params.get("currency") if any(field.name == "currency" for field in fields) else None
    code = str(beside) if isinstance(beside, str) else currency
    for field in fields:
        value, key = params.get(field.name), f"{at}{field.name}"
        match value:
            case None:
                continue
            case dict() if field.sort == "group":
                _write(field.parts, value, f"{key}.", code, into)
            case list() if field.sort == "rows":
                for number, row in enumerate(value):
                    _write(field.parts, row, f"{key}.{number}.", code, into)
            case int() if field.sort == "money" and code:
                values[key], currencies[key] = major(value, code, locale), code.upper()
            case _:
                values[key] = _text(field, value)


def _text(field: Field, value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case dict() if field.sort == "names":
            return "\n".join(f"{name}={text}" for name, text in value.items())
        case list() if field.sort == "many":
            return "\n".join(str(each) for each in value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            return str(value)
