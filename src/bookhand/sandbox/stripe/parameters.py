"""Which parameters an endpoint takes; any other is refused by name, as Stripe does.

    check(route, {"amount": "5", "colour": "red"})    # "Received unknown parameter: colour"

The table beside this file lists `POST /v1/charges amount currency …`, one endpoint to a line; what it does not list
(the stand-in's own endpoints, and those the official SDK does not know) takes anything.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from bookhand.sandbox.stripe.errors import JSON, StripeError, unknown_parameter
from bookhand.sandbox.stripe.routes import Route

TABLE = Path(__file__).with_name("parameters.txt")
ALWAYS = frozenset({"expand"})
# Names that the versions before endive had: the official CLI still sends them.
OLDER = dict.fromkeys(
    (
        f"POST /v1/{kind}_intents{path}"
        for kind, paths in (("payment", ("", "/{}", "/{}/confirm")), ("setup", ("", "/{}")))
        for path in paths
    ),
    frozenset({"payment_method_types"}),
)
# The second API's next_page_url carries the place in its own parameter.
ALWAYS_SECOND = ALWAYS | {"page"}


def check(route: Route, params: JSON, *, pinned: bool = True) -> None:
    """Refuse the first parameter that this endpoint does not take; who pins no version may use older names too."""
    if not params:
        return
    known = _takes(route.method, route.path)
    if known is None or params.keys() <= known:
        return
    older = frozenset() if pinned else OLDER.get(named(route.method, route.path), frozenset())
    unknown = [name for name in params if name not in known and name not in older]
    if not unknown:
        return
    if len(unknown) == 1:
        raise unknown_parameter(unknown[0])
    raise StripeError(
        f"Received unknown parameters: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0]
    )


def named(method: str, path: str) -> str:
    """An endpoint's name, whatever its braces are called."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', path)}"


@cache
def _takes(method: str, path: str) -> frozenset[str] | None:
    return _table().get(named(method, path))


@cache
def _table() -> dict[str, frozenset[str]]:
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        method, path, *names = line.split(" ")
        found[f"{method} {path}"] = (ALWAYS_SECOND if path.startswith("/v2/") else ALWAYS) | frozenset(names)
    return found
