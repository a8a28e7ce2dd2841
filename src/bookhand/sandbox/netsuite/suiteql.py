"""SuiteQL: a small honest part of it. One SELECT over the records of `tables`, with joins, conditions, groups and an order.

>>> from bookhand.sandbox.netsuite.company import simple
>>> page(Tables(simple()), "SELECT symbol FROM currency", limit=1000, offset=0, here="")["items"]
[{'links': [], 'symbol': 'USD'}]

Anything else is refused as NetSuite refuses what it cannot search: other statements, LIMIT, WITH, UNION, BUILTIN functions, unknown records
and fields. Values are texts, an empty one is left out, names are lower case. Pages: `limit` up to 1,000, `offset` a multiple of it
(Oracle's help, "Collection Paging"), 100,000 rows in all (section_157909186990).
"""

from __future__ import annotations

import re
import sqlite3
from typing import Any

from bookhand.sandbox.netsuite.errors import NetSuiteError, bad_query
from bookhand.sandbox.netsuite.tables import Tables, shown

MOST_ROWS = 100_000
MOST_A_PAGE = 1000

_TOKEN = re.compile(
    r"\s+|'(?:[^']|'')*'|\d+(?:\.\d+)?|[A-Za-z_][A-Za-z0-9_]*|<=|>=|<>|!=|\|\||[=<>(),.*+\-/]"
)
_NEVER = frozenset({
    "limit", "offset", "fetch", "top", "union", "except", "intersect", "with", "insert", "update", "delete", "drop", "create", "alter",
    "attach", "pragma", "into", "glob", "regexp", "match", "builtin", "rownum", "window", "values", "vacuum", "replace", "over",
})  # fmt: skip
_NO_TABLE = re.compile(r"no such table: (?:main\.)?(\S+)")
_NO_COLUMN = re.compile(r"no such column: (?:\w+\.)?(\S+)")


def page(tables: Tables, query: object, *, limit: int, offset: int, here: str) -> dict[str, Any]:
    """One page of the answer; `NetSuiteError` for a query or a page that cannot be."""
    if not isinstance(query, str) or not query.strip():
        raise bad_query("Invalid or unsupported search.")
    require_page(limit, offset)
    names, rows = _run(tables, query)
    if len(rows) > MOST_ROWS:
        raise bad_query(f"The query has more than {MOST_ROWS} results.")
    items = [_item(names, row) for row in rows[offset : offset + limit]]
    more = offset + limit < len(rows)
    links = [{"rel": "self", "href": here}]
    if more:
        links.append({"rel": "next", "href": f"{here}?limit={limit}&offset={offset + limit}"})
    return {
        "links": links,
        "count": len(items),
        "hasMore": more,
        "items": items,
        "offset": offset,
        "totalResults": len(rows),
    }


def require_page(limit: int, offset: int) -> None:
    """Nothing for a page that can be; else the refusal of its parameter."""
    if not 1 <= limit <= MOST_A_PAGE:
        raise _bad_page(
            f"Invalid limit value {limit}. The limit must be between 1 and {MOST_A_PAGE}.", "limit"
        )
    if offset < 0 or offset % limit:
        raise _bad_page(
            f"Invalid offset value {offset}. The offset must be divisible by the limit {limit}.", "offset"
        )


def _bad_page(detail: str, parameter: str) -> NetSuiteError:
    return NetSuiteError(detail, code="INVALID_PARAMETER", where=("o:errorQueryParam", parameter))


def _run(tables: Tables, query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    try:
        return tables.select(_checked(query))
    except sqlite3.Error as error:
        raise bad_query(_why(str(error))) from None


def _checked(query: str) -> str:
    """The query as SQLite takes it; refused where it is not of this small part."""
    tokens, at = [], 0
    while at < len(query):
        found = _TOKEN.match(query, at)
        if found is None:
            raise bad_query(f"Invalid or unsupported search. (Near {query[at : at + 20]!r}.)")
        tokens.append(found[0])
        at = found.end()
    words = [token.lower() for token in tokens if token.strip()]
    if words[0] != "select" or words.count("select") != 1 or _NEVER.intersection(words):
        raise bad_query("Invalid or unsupported search.")
    return "".join('"transaction"' if token.lower() == "transaction" else token for token in tokens)


def _why(message: str) -> str:
    if found := _NO_TABLE.search(message):
        return f"Record '{found[1]}' was not found."
    if found := _NO_COLUMN.search(message):
        return f"Field '{found[1]}' was not found."
    return "Invalid or unsupported search."


def _item(names: list[str], row: tuple[Any, ...]) -> dict[str, Any]:
    told = {name: shown(value) for name, value in zip(names, row, strict=True)}
    return {"links": [], **{name: value for name, value in told.items() if value is not None}}
