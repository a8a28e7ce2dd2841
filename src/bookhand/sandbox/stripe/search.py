"""Stripe's search: a query language over seven resources.

    GET /v1/charges/search?query=amount>999 AND metadata['order_id']:'6735'
    GET /v1/customers/search?query=email~"example" OR -name:"Jo"&limit=20&page=…

`:` is equal (text without regard to case), `~` contains, `>` `<` `>=` `<=` compare numbers, `-` negates, `null` is nothing.
AND and OR are not mixed in one query.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bookhand.sandbox.stripe import lists
from bookhand.sandbox.stripe.errors import JSON, StripeError
from bookhand.sandbox.stripe.routes import route
from bookhand.sandbox.stripe.store import Window

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.call import Call

# The fields Stripe lets one search, besides metadata; a dotted name leads inside.
FIELDS: dict[str, dict[str, str]] = {
    "charge": {
        name: name
        for name in (
            "amount",
            "billing_details.address.postal_code",
            "created",
            "currency",
            "customer",
            "status",
        )
    }
    | {
        "disputed": "disputed",
        "refunded": "refunded",
        "receipt_number": "receipt_number",
        "payment_method_details.card.brand": "payment_method_details.card.brand",
        "payment_method_details.card.exp_month": "payment_method_details.card.exp_month",
        "payment_method_details.card.exp_year": "payment_method_details.card.exp_year",
        "payment_method_details.card.fingerprint": "payment_method_details.card.fingerprint",
        "payment_method_details.card.last4": "payment_method_details.card.last4",
    },
    "customer": {name: name for name in ("created", "email", "name", "phone")},
    "invoice": {
        "created": "created",
        "currency": "currency",
        "customer": "customer",
        "last_finalization_error_code": "last_finalization_error.code",
        "last_finalization_error_type": "last_finalization_error.type",
        "number": "number",
        "receipt_number": "receipt_number",
        "status": "status",
        "subscription": "parent.subscription_details.subscription",
        "total": "total",
    },
    "payment_intent": {name: name for name in ("amount", "created", "currency", "customer", "status")},
    "price": {name: name for name in ("active", "created", "currency", "lookup_key", "product", "type")}
    | {"billing_scheme": "billing_scheme", "recurring.interval": "recurring.interval"},
    "product": {name: name for name in ("active", "created", "description", "name", "shippable", "url")},
    "subscription": {"canceled_at": "canceled_at", "created": "created", "status": "status"},
}
PATHS = {
    "charges": "charge",
    "customers": "customer",
    "invoices": "invoice",
    "payment_intents": "payment_intent",
    "prices": "price",
    "products": "product",
    "subscriptions": "subscription",
}
NUMBERS = {"amount", "created", "total", "canceled_at", "exp_month", "exp_year"}
COUNTED = 10_000

CLAUSE = re.compile(
    r"""\s*(?P<not>-)?(?P<field>[A-Za-z_][\w.]*)(?:\[(?P<q>["'])(?P<key>.*?)(?P=q)\])?\s*(?P<op>:|~|>=|<=|>|<)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"']+)\s*"""
)
PLAIN = re.compile(r"[A-Za-z0-9 _.@:+-]+")
JOIN = re.compile(r"(AND|OR)\b\s*", re.IGNORECASE)


class Clause(NamedTuple):
    """One comparison."""

    path: tuple[str, ...]
    op: str
    value: str | int | bool | None
    negated: bool

    def holds(self, obj: JSON) -> bool:
        """Is it true of this object?"""
        found: Any = obj
        for step in self.path:
            found = found.get(step) if isinstance(found, dict) else None
        return self._compare(found) is not self.negated

    def _compare(self, found: Any) -> bool:
        value = self.value
        if self.op == "~":
            return isinstance(found, str) and str(value).lower() in found.lower()
        if self.op == ":":
            if isinstance(found, str) and isinstance(value, str):
                return found.lower() == value.lower()
            return bool(found == value)
        if not isinstance(found, int) or not isinstance(value, int):
            return False
        return {">": found > value, "<": found < value, ">=": found >= value, "<=": found <= value}[self.op]


class Query(NamedTuple):
    """Clauses joined by AND (all) or OR (any)."""

    clauses: tuple[Clause, ...]
    every: bool

    def holds(self, obj: JSON) -> bool:
        """Is it true of this object?"""
        results = (clause.holds(obj) for clause in self.clauses)
        return all(results) if self.every else any(results)

    def needles(self) -> list[bytes]:
        """Text that the bytes of every match must hold, so that most objects need not be decoded."""
        found = [clause.value for clause in self.clauses if self.every and not clause.negated]
        return [text.lower().encode() for text in found if isinstance(text, str) and PLAIN.fullmatch(text)]

    def window(self) -> Window:
        """The part of the list where a match can be."""
        since = until = None
        for clause in self.clauses if self.every else ():
            if clause.path != ("created",) or clause.negated or not isinstance(clause.value, int):
                continue
            if clause.op in (":", ">", ">="):
                since = max(since or 0, clause.value + (clause.op == ">"))
            if clause.op in (":", "<", "<="):
                low = clause.value - (clause.op == "<")
                until = low if until is None else min(until, low)
        return Window(since=since, until=until)


def parse(text: str, object: str) -> Query:  # noqa: A002
    """A query in Stripe's language, or the refusal that says where it is wrong."""
    clauses: list[Clause] = []
    joins: set[str] = set()
    at = 0
    while True:
        found = CLAUSE.match(text, at)
        if found is None:
            raise _wrong(f"We were unable to parse your search query near '{text[at : at + 20]}'.")
        clauses.append(_clause(found, object))
        at = found.end()
        if at == len(text):
            break
        join = JOIN.match(text, at)
        if join is None:
            raise _wrong(f"We were unable to parse your search query near '{text[at : at + 20]}'.")
        joins.add(join[1].upper())
        at = join.end()
    if len(joins) > 1:
        raise _wrong("You cannot combine AND and OR in one search query.")
    return Query(tuple(clauses), "OR" not in joins)


def _clause(found: re.Match[str], object: str) -> Clause:  # noqa: A002
    field, key = found["field"], found["key"]
    if field == "metadata":
        if key is None:
            raise _wrong('Metadata is searched by key: metadata["key"]:"value".')
        path: tuple[str, ...] = ("metadata", key)
    elif field in FIELDS[object] and key is None:
        path = tuple(FIELDS[object][field].split("."))
    else:
        raise _wrong(f"Field `{field}` is an unsupported search field for resource `{object}s`.")
    return Clause(path, found["op"], _value(found["value"], path, found["op"]), bool(found["not"]))


def _value(text: str, path: tuple[str, ...], op: str) -> str | int | bool | None:
    quoted = text[0] in "\"'"
    plain = re.sub(r"\\(.)", r"\1", text[1:-1]) if quoted else text
    if path[-1] in NUMBERS and path[0] != "metadata":
        if not plain.lstrip("-").isdecimal():
            raise _wrong(f"Field `{path[-1]}` is compared with a number, not {text}.")
        return int(plain)
    if op in (">", "<", ">=", "<="):
        raise _wrong(f"Field `{'.'.join(path)}` cannot be compared with {op}.")
    if quoted:
        if op == "~" and len(plain) < 3:
            raise _wrong("A substring match needs at least three characters.")
        return plain
    named: dict[str, bool | None] = {"true": True, "false": False, "null": None}
    if plain not in named:
        raise _wrong(f"Text values are quoted: {text}.")
    return named[plain]


def _wrong(message: str) -> StripeError:
    return StripeError(
        f"{message} Learn more: https://stripe.com/docs/search#search-query-language.", param="query"
    )


def search(call: Call) -> JSON:
    """The answer of `/v1/…/search`."""
    object_ = PATHS[call.url.split("/")[2]]
    query = parse(call.text("query", required=True) or "", object_)
    limit, page = lists.size(call), call.text("page")
    counting = "total_count" in call.listing("expand")
    window = query.window()
    if page:
        window = window._replace(older_than=_place(page))
    found: list[JSON] = []
    place, more = None, False
    for created, seq, obj in _matches(call, object_, query, window):
        if len(found) == limit:
            more = True
            break
        found.append(obj)
        place = (created, seq)
    answer: JSON = {
        "object": "search_result",
        "data": found,
        "has_more": more,
        "next_page": _page(*place) if more and place else None,
        "url": call.url,
    }
    if counting:
        call.params["expand"] = [path for path in call.listing("expand") if path != "total_count"]
        answer["total_count"] = _count(call, object_, query)
    return answer


def _matches(call: Call, object_: str, query: Query, window: Window) -> Iterator[tuple[int, int, JSON]]:
    needles = query.needles()
    for created, seq, body in call.engine.store.rows(call.part, object_, window=window):
        if needles:
            text = body.lower()
            if not all(needle in text for needle in needles):
                continue
        obj = msgspec.json.decode(body)
        if query.holds(obj):
            yield created, seq, obj


def _count(call: Call, object_: str, query: Query) -> int:
    total = 0
    for _ in _matches(call, object_, query, query.window()):
        total += 1
        if total == COUNTED:
            break
    return total


def _page(created: int, seq: int) -> str:
    return urlsafe_b64encode(f"{created}.{seq}".encode()).decode().rstrip("=")


def _place(page: str) -> tuple[int, int]:
    try:
        created, seq = urlsafe_b64decode(page + "=" * (-len(page) % 4)).decode().split(".")
        return int(created), int(seq)
    except ValueError:
        raise StripeError(f"Invalid page: {page}", param="page") from None


for _resource in PATHS:
    route("GET", f"/v1/{_resource}/search")(search)
