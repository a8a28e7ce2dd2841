"""How the API tells trouble: one shape, one sentence, and a status that says whose turn it is.

    {"error": {"kind": "not_allowed", "message": "Bob (viewer) may not ask for something to be done …"}}

What was sent is never told back: it may be a secret. A fault of bookhand's is told without its detail; the log has it.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal

import psycopg
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict
from starlette.exceptions import HTTPException

from bookhand.core.caller import NotAllowed
from bookhand.core.problems import BookhandError, Bug, Conflict, Missing, Outage, Refusal
from bookhand.core.redaction import redact_text
from bookhand.workspace.people.factor_store import TooMany
from bookhand.workspace.people.person import NotSignedIn

Kind = Literal[
    "not_allowed",
    "refused",
    "outage",
    "invalid",
    "not_found",
    "unauthenticated",
    "conflict",
    "second_needed",
    "fault",
]
PREFIX = "/api/v1"
log = structlog.get_logger(__name__)

_RETRY_SECONDS = 5
_WHO = {"www-authenticate": 'Bearer realm="bookhand"'}
_LISTED = 8
_FAULT = "A fault of bookhand's: nothing more is known here, and the log says more. Look at what became of it before you try again."
_AWAY = "The database does not answer: try again in a few seconds."


class SecondNeeded(NotSignedIn):
    """The password was right, and is not enough."""


class Trouble(BaseModel):
    """What went wrong: in one word for programs, in one sentence for people."""

    kind: Kind = Field(description="What kind of trouble it is.")
    message: str = Field(description="One sentence: what happened, to what, what to do.")


EXAMPLE: JsonDict = {
    "error": {"kind": "conflict", "message": "Proposal prop_1 is done. Nothing was changed."}
}
"""How it looks."""


class TroubleAnswer(BaseModel):
    """The shape of every answer that is not a success."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})
    error: Trouble


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": TroubleAnswer, "description": description}
    for status, description in {
        400: "The body is no JSON.",
        401: "Nobody is signed in: send an API token.",
        403: "The caller may not: another role, permission or budget is needed.",
        404: "There is no such thing.",
        409: "It cannot be done to the thing as it now stands.",
        413: "The body is too long.",
        422: "What was sent is not of the right form, or it was refused; the sentence says why.",
        503: "The other side does not answer; `Retry-After` says when to come back.",
    }.items()
}
"""What every route may answer beside its success."""

_OF: tuple[tuple[type[BookhandError], int, Kind], ...] = (
    (TooMany, 429, "refused"),
    (SecondNeeded, 401, "second_needed"),
    (NotSignedIn, 401, "unauthenticated"),
    (NotAllowed, 403, "not_allowed"),
    (Missing, 404, "not_found"),
    (Conflict, 409, "conflict"),
    (Refusal, 422, "refused"),
    (Outage, 503, "outage"),
)
_OF_STATUS: dict[int, tuple[Kind, str]] = {
    400: ("invalid", "The body is no JSON: send an object."),
    404: ("not_found", "There is no such address: /api/v1/docs lists what there is."),
    405: ("invalid", "This address does not answer this method: /api/v1/docs lists what there is."),
}


def answer(status: int, kind: Kind, message: str, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """Trouble as an answer; the sentence without anything that looks like a secret."""
    return JSONResponse(
        {"error": {"kind": kind, "message": redact_text(message)}}, status_code=status, headers=headers
    )


def of_error(error: Exception) -> JSONResponse:
    """The answer to what was raised."""
    if isinstance(error, psycopg.DataError):
        return answer(
            422,
            "invalid",
            "Something in the request cannot be kept: send plain text and numbers of usual size.",
        )
    if isinstance(error, psycopg.OperationalError):
        return answer(503, "outage", _AWAY, headers=_come_back(None))
    if not isinstance(error, BookhandError) or isinstance(error, Bug):
        log.error("api_failed", exc_info=error)
        return answer(500, "fault", _FAULT)
    status, kind = next(
        ((status, kind) for family, status, kind in _OF if isinstance(error, family)), (422, "refused")
    )
    return answer(status, kind, str(error), headers=_headers(error))


def of_request(error: RequestValidationError) -> JSONResponse:
    """The answer to a request that cannot be read."""
    found = error.errors()
    if any(each["type"] == "json_invalid" for each in found):
        return answer(400, "invalid", _OF_STATUS[400][1])
    return answer(422, "invalid", _sentence(found))


def unauthenticated() -> JSONResponse:
    """The answer to a stranger."""
    return answer(
        401,
        "unauthenticated",
        "Nobody is signed in: send an API token as `Authorization: Bearer bhk_…`.",
        headers=dict(_WHO),
    )


class Told(APIRoute):
    """A route whose trouble is told so, whichever app it is part of."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with what it raises told."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return of_request(error)
            except BookhandError as error:
                return of_error(error)

        return told


def told(app: FastAPI) -> None:
    """Let `app` tell its trouble so."""

    async def invalid(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)  # noqa: S101 (that is what it is registered for)
        return of_request(error)

    async def refused(_request: Request, error: Exception) -> JSONResponse:
        return of_error(error)

    async def status(_request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)  # noqa: S101 (that is what it is registered for)
        kind, message = _OF_STATUS.get(error.status_code, ("invalid", "This cannot be asked for."))
        return answer(error.status_code, kind, message, headers=dict(error.headers or {}))

    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(BookhandError, refused)
    app.add_exception_handler(psycopg.Error, refused)
    app.add_exception_handler(HTTPException, status)


def _headers(error: BookhandError) -> dict[str, str] | None:
    if isinstance(error, NotSignedIn):
        return dict(_WHO)
    return _come_back(error.retry_after_seconds) if isinstance(error, Outage) else None


def _come_back(seconds: float | None) -> dict[str, str]:
    return {"retry-after": str(max(1, round(seconds or _RETRY_SECONDS)))}


def _sentence(found: Sequence[Any]) -> str:
    """What is wrong with which part; never the value itself."""
    parts = []
    for each in found[:_LISTED]:
        where = ".".join(str(part) for part in each["loc"] if part != "body") or "the body"
        said = str(each["msg"]).removeprefix("Value error, ")
        parts.append(f"{where[:80]}: {said[:1].lower()}{said[1:]}".rstrip("."))
    return f"This cannot be read: {'; '.join(parts)}."
