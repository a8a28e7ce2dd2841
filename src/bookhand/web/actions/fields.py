"""What a form asks for, made from the parameters of an action; pure.

    fields_of(RefundsCreate)[1]     # Field(name="charge", sort="text", label="Charge", hint="The charge to give back.", …)

Amounts are asked for in major units, in the currency of the parameter `currency` beside them; where there is none, the form asks for it too.
Parameters inside others are fields inside a field: `parts` once (``group``), or once for each row (``rows``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

import msgspec

from bookhand.core.action import MINOR_UNITS, Params
from bookhand.web.words import kind as worded

Sort = Literal["text", "long", "whole", "money", "choice", "yes", "many", "names", "json", "group", "rows"]
"""``many`` is a text a line, ``names`` a name and a text a line, ``json`` an object as it is."""

_LONG = 500
_ASIDE = frozenset({"metadata", "expand", "starting_after", "page"})
"""Parameters that are seldom needed: asked for further down."""


_MINOR = re.compile(r",? in (?:whole )?minor units(?: of [^;:,.]+)?")
"""What a description says of an amount that a form does not ask for like that."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter. `fixed` is its value where there is no choice; `whole` says that the texts of ``many`` are numbers."""

    name: str
    sort: Sort
    label: str
    hint: str = ""
    needed: bool = False
    nullable: bool = False
    aside: bool = False
    choices: tuple[str, ...] = ()
    default: Any = None
    fixed: str | None = None
    example: str = ""
    longest: int | None = None
    whole: bool = False
    most: int | None = None
    parts: tuple[Field, ...] = ()


@cache
def fields_of(params: type[Params]) -> tuple[Field, ...]:
    """The fields of an action's parameters, in their order: what is needed first."""
    schema = params.model_json_schema()
    return _parts(schema, schema.get("$defs", {}))


def _parts(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Field, ...]:
    needed = frozenset(schema.get("required", ()))
    found = [
        _field(name, one, defs, needed=name in needed) for name, one in schema.get("properties", {}).items()
    ]
    return tuple(sorted(found, key=lambda field: (not field.needed, field.aside)))


def _field(name: str, told: Mapping[str, Any], defs: Mapping[str, Any], *, needed: bool) -> Field:
    shape, nullable = _shape(told, defs)
    example = shape.get("examples", told.get("examples", ("",)))[0]
    return Field(
        name=name,
        label=worded(name),
        hint=_MINOR.sub("", told.get("description", "")),
        needed=needed,
        nullable=nullable,
        aside=not needed and name in _ASIDE,
        default=told.get("default"),
        example=example if isinstance(example, str) else "",
        longest=shape.get("maxLength"),
        most=shape.get("maxItems"),
        **_sort(shape, defs),
    )


def _shape(told: Mapping[str, Any], defs: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What a value looks like, without the "or nothing" around it; several shapes are a text, which is checked later."""
    if "$ref" in told:
        return defs[str(told["$ref"]).rpartition("/")[2]], False
    if "anyOf" not in told:
        return told, False
    choices = [one for one in told["anyOf"] if one.get("type") != "null"]
    nullable = len(choices) < len(told["anyOf"])
    return (_shape(choices[0], defs)[0] if len(choices) == 1 else {"type": "string"}), nullable


def _sort(shape: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    if "const" in shape:
        return {"sort": "text", "fixed": str(shape["const"])}
    if "enum" in shape:
        return {"sort": "choice", "choices": tuple(str(each) for each in shape["enum"])}
    return _of_type(shape, defs)


def _of_type(shape: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    match shape.get("type"):
        case "boolean":
            return {"sort": "yes"}
        case "integer":
            return {"sort": "money" if shape.get("format") == MINOR_UNITS["format"] else "whole"}
        case "array":
            return _many(shape["items"], defs)
        case "object" if "properties" in shape:
            return {"sort": "group", "parts": _parts(shape, defs)}
        case "object":
            texts = isinstance(shape.get("additionalProperties"), Mapping)
            return {"sort": "names" if texts else "json"}
        case _:
            return {"sort": "long" if shape.get("maxLength", 0) > _LONG else "text"}


def _many(items: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    shape, _ = _shape(items, defs)
    if "properties" in shape:
        return {"sort": "rows", "parts": _parts(shape, defs)}
    return {"sort": "many", "whole": shape.get("type") == "integer"}


# --- what stands in a form ---


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A field as it stands on a page: its key (dotted, with row numbers), what is in it, and what is wrong with it.

    `currency` is what stands in the currency beside an amount; None where another field says it.
    """

    field: Field
    key: str
    text: str = ""
    wrong: str = ""
    currency: str | None = None
    parts: tuple[Asked, ...] = ()
    rows: tuple[tuple[Asked, ...], ...] = ()

    @property
    def id(self) -> str:
        """The id of its element."""
        return f"p-{self.key.replace('.', '-')}"

    @property
    def is_touched(self) -> bool:
        """Whether something is in it, or wrong with it: then it stands open."""
        within = (*self.parts, *(part for row in self.rows for part in row))
        return bool(self.text or self.wrong) or any(part.is_touched for part in within)


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What a form holds: texts by key, currencies of amounts by key, what is wrong by key, and where a row more is wanted."""

    values: Mapping[str, str] = {}
    currencies: Mapping[str, str] = {}
    wrong: Mapping[str, str] = {}
    more: str = ""


def asked_for(
    fields: Sequence[Field], texts: Texts, *, at: str = "", currency: bool = False
) -> tuple[Asked, ...]:
    """The fields as they stand on the page, with `texts` in them. `currency` says whether one was asked for further out."""
    known = currency or any(field.name == "currency" for field in fields)
    return tuple(
        _asked(field, texts, f"{at}{field.name}", currency=known) for field in fields if field.fixed is None
    )


def _asked(field: Field, texts: Texts, key: str, *, currency: bool) -> Asked:
    wrong = texts.wrong.get(key, "")
    match field.sort:
        case "group":
            return Asked(
                field=field, key=key, wrong=wrong, parts=asked_for(field.parts, texts, at=f"{key}.", currency=currency)
            )  # fmt: skip
        case "rows":
            numbers = range(rows_of(texts.values, key) + (texts.more == key) or 1)
            rows = tuple(
                asked_for(field.parts, texts, at=f"{key}.{number}.", currency=currency) for number in numbers
            )
            return Asked(field=field, key=key, wrong=wrong, rows=rows)
        case "money" if not currency:
            told = texts.currencies.get(key, "")
            return Asked(field=field, key=key, text=texts.values.get(key, ""), wrong=wrong, currency=told)
        case _:
            return Asked(field=field, key=key, text=texts.values.get(key, ""), wrong=wrong)


def rows_of(values: Mapping[str, str], key: str) -> int:
    """How many rows of `key` the form holds: up to the last one with something in it."""
    found = [
        name.removeprefix(f"{key}.").partition(".")[0]
        for name, text in values.items()
        if name.startswith(f"{key}.") and text
    ]
    return max((int(each) + 1 for each in found if each.isdecimal() and len(each) < 4), default=0)  # noqa: PLR2004 (a form has no thousand rows)
