"""The catalogue and reads: what can be done, what it takes, and looking at the connected systems."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from bookhand.core.action import Action, EventKind, Risk
from bookhand.core.problems import Missing
from bookhand.web.api import actions_models as m
from bookhand.web.api.desk import At, Exact, Name
from bookhand.web.api.shown import outside, said

router = APIRouter(tags=["Actions"])


@router.get("/actions", response_model=m.Listing, summary="What can be done, and what can happen")
def listing(
    desk: At,
    tag: Literal["action", "event"] | None = None,
    vendor: Exact = None,
    risk: Risk | None = None,
    text: Annotated[Exact, Query(description="In the name or the summary.")] = None,
) -> JSONResponse:
    """Every action and event of the catalogue, each in a line; filters narrow it."""
    desk.caller.need("read")
    catalogue = desk.door.kit.catalogue
    everything: list[Action | EventKind] = [*catalogue.actions.values(), *catalogue.events.values()]
    found = [_line(each) for each in everything]
    wanted = {"tag": tag, "vendor": vendor, "risk": risk}
    kept = [
        line for line in found
        if all(value in {None, line[name]} for name, value in wanted.items())
        and (text is None or text.lower() in f"{line['name']} {line['summary']}".lower())
    ]  # fmt: skip
    return said({"items": kept})


@router.get(
    "/actions/{name}", response_model=m.ActionDescribed | m.EventDescribed, summary="One action or event"
)
def described(desk: At, name: Name) -> JSONResponse:
    """What it does, when to use it, its risk, and its parameters as a JSON schema."""
    desk.caller.need("read")
    catalogue = desk.door.kit.catalogue
    if name in catalogue.events:
        return JSONResponse(catalogue.described_event(name))
    return JSONResponse(catalogue.described(name))


@router.post("/actions/{name}/read", response_model=m.ReadAnswer, summary="Read at a connected system")
def read(desk: At, name: Name, sent: m.Read) -> JSONResponse:
    """Perform a read now. Lists page to the end, or `cut` says where they stop. The trail has what was asked, not what was found."""
    if name in desk.door.kit.catalogue.events:
        raise Missing(f"{name} is an event: it happens, and cannot be read.")
    found = desk.door.read(desk.caller, name, sent.params, why=sent.why)
    return JSONResponse({"data": outside(found.data), "count": found.count, "cut": found.cut})


def _line(each: Action | EventKind) -> dict[str, str | None]:
    is_action = isinstance(each, Action)
    return {
        "name": each.name, "tag": "action" if is_action else "event", "vendor": each.vendor, "summary": each.summary,
        "risk": each.risk if isinstance(each, Action) else None,
    }  # fmt: skip
