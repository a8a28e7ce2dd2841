"""How a read of the catalogue is put together, pure: a list, a search or a retrieve of one kind of object.

REFUND = Kind(resource="refunds", object="refund", scope="rak_charge_read", fields={"id": "…"})
lists(REFUND, RefundsList, "Refunds, newest first", when="…")
retrieves(REFUND, RefundRetrieve, "One refund", "/v1/refunds/{refund}")
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints, create_model

from bookhand.core.action import Action, Call, Params, Shape, Values
from bookhand.systems.stripe.actions.fields import SearchParams

VENDOR = "stripe"
_LIST = "25 calls a second at this endpoint, 100 for the account (25 in a sandbox); 100 objects a call."
_ONE = "25 calls a second at this endpoint, 100 for the account (25 in a sandbox)."
_SEARCH = "20 searches a second; 100 objects a call."
_LATE = "Finds what changed up to a minute ago, and no later: to see what was just done, retrieve or list it."

Word = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$", max_length=80)]
"""A name out of a set that Stripe adds to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object: what the catalogue and Stripe call it, what reading it needs, and its main fields."""

    resource: str
    object: str
    scope: str
    fields: Mapping[str, str]
    path: str = ""

    @property
    def list_path(self) -> str:
        """Where it is listed."""
        return self.path or f"/v1/{self.resource}"


def lists(
    kind: Kind, params: type[Params], summary: str, *, when: str, path: str = "", verb: str = "list"
) -> Action:
    """A list, paged to its end."""
    return _read(kind, verb, path or kind.list_path, params, summary, when=when, limits=_LIST, many=True)


def retrieves(
    kind: Kind, params: type[Params], summary: str, path: str, *, when: str = "", fixed: Values | None = None
) -> Action:
    """One object by its id."""
    return _read(
        kind,
        "retrieve",
        path,
        params,
        summary,
        when=when or "When its id is known.",
        limits=_ONE,
        fixed=fixed,
    )


def searches(kind: Kind, searchable: str, *, when: str = "") -> Action:
    """A search; `searchable` are the fields that Stripe lets one ask for."""
    asks = f"Stripe's search language, as in status:'x' AND created>1772323200. Fields: {searchable}, metadata['key']."
    params = create_model(
        f"{kind.object.title().replace('_', '')}Search",
        __base__=SearchParams,
        __doc__=f"What a search of {kind.resource} takes.",
        query=(Annotated[str, StringConstraints(min_length=1, max_length=500), Field(description=asks)], ...),
    )
    summary = f"Find {kind.resource.replace('_', ' ')} by their fields and metadata"
    told = f"{when} {_LATE}".strip()
    return _read(
        kind, "search", f"{kind.list_path}/search", params, summary, when=told, limits=_SEARCH, many=True
    )


def _read(
    kind: Kind,
    verb: str,
    path: str,
    params: type[Params],
    summary: str,
    *,
    when: str,
    limits: str,
    many: bool = False,
    fixed: Values | None = None,
) -> Action:
    return Action(
        name=f"{kind.resource}.{verb}", vendor=VENDOR, summary=summary, risk="read", params=params,
        result=Shape(kind.object, kind.fields, many=many), scope=kind.scope, limits=limits, when=when,
        call=Call("GET", path, fixed or {}, marked=False),
    )  # fmt: skip
