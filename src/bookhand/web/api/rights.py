"""Who may do what: permissions, budgets and standing approvals."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse, Response

from bookhand.actions.rights.govern_workflow import StandingState, Terms
from bookhand.actions.rights.policy import Budget
from bookhand.core.ready import ready
from bookhand.web.api import rights_models as m
from bookhand.web.api.desk import At, Desk, Id
from bookhand.web.api.shown import said

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=2_000_000_000, description="Its number.")]


# --- permissions ---


@router.get(
    "/permissions", response_model=m.Permissions, tags=["Permissions"], summary="What is allowed, to whom"
)
def permissions(desk: At) -> JSONResponse:
    """Everything that was allowed or forbidden, and the defaults. What nothing speaks of is not allowed."""
    return said({"items": desk.door.governing.permissions(desk.caller)})


@router.put("/permissions", response_model=m.Permissions, tags=["Permissions"], summary="Allow or forbid")
def permit(desk: At, sent: m.NewPermission) -> JSONResponse:
    """From now on; a run under way keeps what was allowed when it began. The answer is everything as it is now."""
    desk.door.governing.permit(
        desk.caller, connection_id=sent.connection_id, grantee=sent.grantee, pattern=sent.pattern, allowed=sent.allowed
    )  # fmt: skip
    return said({"items": desk.door.governing.permissions(desk.caller)})


@router.post(
    "/permissions/revoke-now",
    response_model=m.Revoked,
    tags=["Permissions"],
    summary="Take a right back at once",
)
def revoke_now(desk: At, sent: m.Revocation) -> JSONResponse:
    """Also from what is under way: nothing more of it is sent, what waits for a yes cannot be approved, and runs stop before their next step."""
    stopped = desk.door.governing.revoke_now(
        desk.caller, connection_id=sent.connection_id, grantee=sent.grantee, pattern=sent.pattern, why=sent.why
    )  # fmt: skip
    return said({"runs_stopped": stopped})


# --- budgets ---


@router.get("/budgets", response_model=m.Budgets, tags=["Budgets"], summary="The limits in force")
def budgets(desk: At) -> JSONResponse:
    """Limits a day, by amount, count and customer, and the amounts from which four eyes are needed."""
    return said({"items": _budgets(desk)})


@router.post(
    "/budgets", response_model=m.BudgetShown, status_code=201, tags=["Budgets"], summary="Set a limit"
)
def set_budget(desk: At, sent: m.NewBudget) -> JSONResponse:
    """It counts what is approved; what waits is measured when it is approved."""
    given = sent.model_dump(exclude={"connection_id"})
    budget = Budget(id=0, **{**given, "currency": sent.currency.upper() if sent.currency else None})
    number = desk.door.governing.set_budget(desk.caller, connection_id=sent.connection_id, budget=budget)
    shown = {**msgspec.to_builtins(budget), "id": number, "connection_id": sent.connection_id}
    return said(shown, status=201)


@router.delete(
    "/budgets/{number}",
    status_code=204,
    response_class=Response,
    tags=["Budgets"],
    summary="Take a limit away",
)
def end_budget(desk: At, number: Number) -> Response:
    """What was counted stays."""
    desk.door.governing.end_budget(desk.caller, number)
    return Response(status_code=204)


def _budgets(desk: Desk) -> list[dict[str, Any]]:
    found = desk.door.governing.budgets(desk.caller)
    return [{**msgspec.to_builtins(budget), "connection_id": connection} for connection, budget in found]


# --- standing approvals ---


@router.get(
    "/standing-approvals",
    response_model=m.Standings,
    tags=["Standing approvals"],
    summary="What was approved once",
)
def standings(desk: At) -> JSONResponse:
    """Newest first; one that met something outside of it is stopped, with the reason."""
    return said({"items": desk.door.governing.standings(desk.caller)})


@router.post(
    "/standing-approvals",
    response_model=m.StandingShown,
    status_code=201,
    tags=["Standing approvals"],
    summary="Approve a configuration once",
)
def agree(desk: At, sent: m.NewStanding) -> JSONResponse:
    """Calls inside it pass without asking, and are in the trail under it; at the first call outside it stops."""
    terms = msgspec.convert(sent.model_dump(exclude={"why"}), Terms)
    made = desk.door.governing.agree(desk.caller, terms, sent.why)
    return said(_standing(desk, made), status=201)


@router.post(
    "/standing-approvals/{standing_id}/open",
    response_model=m.StandingShown,
    tags=["Standing approvals"],
    summary="Open one again that was stopped",
)
def open_standing(desk: At, standing_id: Id, sent: m.Why) -> JSONResponse:
    """After a person has looked at why it was stopped."""
    return _set(desk, standing_id, "open", sent)


@router.post(
    "/standing-approvals/{standing_id}/stop",
    response_model=m.StandingShown,
    tags=["Standing approvals"],
    summary="Stop one for now",
)
def stop_standing(desk: At, standing_id: Id, sent: m.Why) -> JSONResponse:
    """Nothing passes under it until it is opened."""
    return _set(desk, standing_id, "stopped", sent)


@router.post(
    "/standing-approvals/{standing_id}/end",
    response_model=m.StandingShown,
    tags=["Standing approvals"],
    summary="End one for good",
)
def end_standing(desk: At, standing_id: Id, sent: m.Why) -> JSONResponse:
    """It cannot be opened again."""
    return _set(desk, standing_id, "ended", sent)


def _set(desk: Desk, standing_id: str, state: StandingState, sent: m.Why) -> JSONResponse:
    desk.door.governing.set_standing(desk.caller, standing_id, state, sent.why)
    return said(_standing(desk, standing_id))


def _standing(desk: Desk, standing_id: str) -> dict[str, Any]:
    return dict(desk.door.governing.standing(desk.caller, standing_id))


ready(Terms)  # see core.ready
