"""The query language, as much of it as bookkeepers need; the rest is refused as QuickBooks refuses what it cannot parse.

``SELECT * | COUNT(*) FROM Entity [WHERE a = 'x' AND b >= 'y' AND c IN ('p', 'q') AND d LIKE 'z%'] [ORDERBY a [ASC|DESC]]
[STARTPOSITION n] [MAXRESULTS n]``: no OR, no joins, no brackets. Lists leave inactive objects out unless Active is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from bookhand.sandbox.outside.standin import JSON
from bookhand.sandbox.quickbooks.company import DOCUMENTS, LISTS, Company
from bookhand.sandbox.quickbooks.errors import QuickBooksFault

MOST_RESULTS = 1000
_DEFAULT_RESULTS = 100
_TIMES = ("Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime")
_FILTERS: dict[str, tuple[str, ...]] = {
    "JournalEntry": ("TxnDate", "DocNumber"),
    "Deposit": ("TxnDate", "TotalAmt"),
    "Transfer": ("TxnDate",),
    "Purchase": ("TxnDate", "DocNumber", "PaymentType", "TotalAmt"),
    "Account": ("Name", "FullyQualifiedName", "AccountType", "AccountSubType", "Classification", "Active"),
    "Class": ("Name", "FullyQualifiedName", "Active"),
    "Customer": ("DisplayName", "Active"),
    "Vendor": ("DisplayName", "Active"),
    "TaxCode": ("Name", "Active"),
    "CompanyCurrency": ("Code", "Name", "Active"),
    "CompanyInfo": (),
    "Preferences": (),
}
"""What may stand in a WHERE beside the id and the times."""

_TOKENS = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([A-Za-z_][\w.]*)|(\d+)|(>=|<=|=|<|>|\(|\)|,|\*))")
_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


class Condition(msgspec.Struct, frozen=True):
    """One part of a WHERE."""

    field: str
    test: str
    values: tuple[str, ...]

    def holds(self, obj: JSON) -> bool:
        """Whether it holds for `obj`."""
        found = _value(obj, self.field)
        if found is None:
            return False
        if self.test == "IN":
            return any(_equal(found, value) for value in self.values)
        if self.test == "LIKE":
            return fnmatchcase(str(found).lower(), self.values[0].lower().replace("%", "*"))
        return _TESTS[self.test](*_alike(found, self.values[0]))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A query that was understood."""

    entity: str
    counts: bool
    where: tuple[Condition, ...] = ()
    order: str = ""
    descending: bool = False
    start: int = 1
    most: int = _DEFAULT_RESULTS


def run(company: Company, text: str) -> JSON:
    """The QueryResponse of a query."""
    asked = parsed(text)
    found = [obj for obj in _candidates(company, asked) if all(each.holds(obj) for each in asked.where)]
    if asked.counts:
        return {"totalCount": len(found)}
    if asked.order:
        found.sort(key=lambda obj: _sortable(_value(obj, asked.order)), reverse=asked.descending)
    page = found[asked.start - 1 : asked.start - 1 + asked.most]
    if not page:
        return {}
    return {asked.entity: page, "startPosition": asked.start, "maxResults": len(page)}


def parsed(text: str) -> Asked:
    """A query, or the fault of one that cannot be read."""
    return _Parser(text).query()


def _candidates(company: Company, asked: Asked) -> list[JSON]:
    numbers = [each.values[0] for each in asked.where if (each.field, each.test) == ("DocNumber", "=")]
    if numbers:
        holders = company.numbers.get(numbers[0], [])
        return [company.objects[entity][id_] for entity, id_ in holders if entity == asked.entity]
    if asked.entity == "Preferences":
        return [company.preferences()]
    every = list(company.objects[asked.entity].values())
    if asked.entity in DOCUMENTS or any(each.field == "Active" for each in asked.where):
        return every
    return [obj for obj in every if obj.get("Active", True)]


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = self._split(text)
        self._at = 0

    def query(self) -> Asked:
        self._word("SELECT")
        counts = self._taken("COUNT")
        if counts:
            for token in ("(", "*", ")"):
                self._word(token)
        else:
            self._word("*")
        self._word("FROM")
        entity = self._entity()
        where = self._where(entity) if self._taken("WHERE") else ()
        order, descending = self._order(entity)
        start = self._number() if self._taken("STARTPOSITION") else 1
        most = self._number() if self._taken("MAXRESULTS") else _DEFAULT_RESULTS
        if self._at < len(self._tokens):
            raise self._fault(f"Encountered {self._tokens[self._at][1]!r}")
        if start < 1 or not 1 <= most <= MOST_RESULTS:
            raise _invalid(f"STARTPOSITION is from 1, MAXRESULTS from 1 to {MOST_RESULTS}")
        return Asked(
            entity=entity,
            counts=counts,
            where=where,
            order=order,
            descending=descending,
            start=start,
            most=most,
        )

    def _entity(self) -> str:
        name = self._next("name")
        for known in (*LISTS, *DOCUMENTS):
            if known.lower() == name.lower():
                return known
        raise _invalid(f"{name} cannot be queried here")

    def _where(self, entity: str) -> tuple[Condition, ...]:
        found = [self._condition(entity)]
        while self._taken("AND"):
            found.append(self._condition(entity))
        return tuple(found)

    def _condition(self, entity: str) -> Condition:
        field = self._field(entity)
        if self._taken("IN"):
            self._word("(")
            values = [self._literal()]
            while self._taken(","):
                values.append(self._literal())
            self._word(")")
            return Condition(field, "IN", tuple(values))
        if self._taken("LIKE"):
            return Condition(field, "LIKE", (self._literal(),))
        test = self._next("sign")
        if test not in _TESTS:
            raise self._fault(f"Encountered {test!r}")
        return Condition(field, test, (self._literal(),))

    def _field(self, entity: str) -> str:
        name = self._next("name")
        for known in (*_TIMES, *_FILTERS[entity]):
            if known.lower() == name.lower():
                return known
        raise _invalid(f"property '{name}' of {entity} is not queryable")

    def _order(self, entity: str) -> tuple[str, bool]:
        if self._taken("ORDER"):
            self._word("BY")
        elif not self._taken("ORDERBY"):
            return "", False
        field = self._field(entity)
        descending = self._taken("DESC")
        if not descending:
            self._taken("ASC")
        return field, descending

    def _literal(self) -> str:
        if self._taken("TRUE"):
            return "true"
        if self._taken("FALSE"):
            return "false"
        return self._next("text")

    def _number(self) -> int:
        return int(self._next("number"))

    def _taken(self, word: str) -> bool:
        if (
            self._at < len(self._tokens)
            and self._tokens[self._at][0] != "text"
            and self._tokens[self._at][1].upper() == word
        ):
            self._at += 1
            return True
        return False

    def _word(self, word: str) -> None:
        if not self._taken(word):
            raise self._fault(f"{word} was expected")

    def _next(self, kind: str) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != kind:
            raise self._fault(f"a {kind} was expected")
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _split(self, text: str) -> list[tuple[str, str]]:
        found, at = [], 0
        text = text.strip()
        while at < len(text):
            match = _TOKENS.match(text, at)
            if match is None:
                raise self._fault(f"Encountered {text[at : at + 10]!r}")
            kind = ("text", "name", "number", "sign")[(match.lastindex or 1) - 1]
            found.append(
                (kind, re.sub(r"\\(.)", r"\1", match[1]) if kind == "text" else match[match.lastindex or 1])
            )
            at = match.end()
        return found

    def _fault(self, why: str) -> QuickBooksFault:
        return QuickBooksFault("4000", "Error parsing query", f"QueryParserError: {why}")


def _invalid(why: str) -> QuickBooksFault:
    return QuickBooksFault("4001", "Invalid query", f"QueryValidationError: {why}")


def _value(obj: JSON, field: str) -> Any:
    for step in field.split("."):
        obj = obj.get(step)  # type: ignore[assignment]
        if obj is None:
            return None
    return obj


def _alike(found: Any, asked: str) -> tuple[Any, Any]:
    """Both as numbers where the field is one, as truth where it is that, else as texts."""
    if isinstance(found, bool):
        return found, asked == "true"
    if isinstance(found, int | Decimal):
        try:
            return Decimal(found), Decimal(asked)
        except InvalidOperation:
            raise _invalid(f"{asked} is no number") from None
    return str(found), asked


def _equal(found: Any, asked: str) -> bool:
    left, right = _alike(found, asked)
    return bool(left == right)


def _sortable(found: Any) -> tuple[int, Any]:
    """Ids by their number, as they were given."""
    text = str(found if found is not None else "")
    return (len(text), text) if text.isdigit() else (0, text)
