"""How the API tells trouble: one JSON shape, one sentence, never what was sent.

APIRouter(route_class=Told)

{"error": {"kind": "not_allowed", "message": "Bob (viewer) may not …"}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel

from bookhand.core.caller import NotAllowed
from bookhand.core.problems import BookhandError, Bug, Outage
from bookhand.workspace.people.factor_store import TooMany
from bookhand.workspace.people.person import NoSuch, NotSignedIn

_STATUS: tuple[tuple[type[BookhandError], int], ...] = (
    (TooMany, 429),
    (NotSignedIn, 401),
    (NotAllowed, 403),
    (NoSuch, 404),
    (Outage, 503),
    (Bug, 500),
    (BookhandError, 409),
)


class ErrorBody(BaseModel):
    """What went wrong, in one word for programs and one sentence for people."""

    kind: str
    message: str


class ErrorAnswer(BaseModel):
    """The shape of every answer that is not a success."""

    error: ErrorBody


class Told(APIRoute):
    """A route whose errors are told in our shape. The values that were sent are not told back: they may be secrets."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's own handler, with what it raises told."""
        handle = super().get_route_handler()

        async def told(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                return answer(422, "not_valid", _sentence(error))
            except BookhandError as error:
                return answer(_status(error), _kind(error), str(error))

        return told


def answer(status: int, kind: str, message: str) -> JSONResponse:
    """An error as JSON."""
    return JSONResponse({"error": {"kind": kind, "message": message}}, status_code=status)


def _status(error: BookhandError) -> int:
    return next(status for family, status in _STATUS if isinstance(error, family))


def _kind(error: BookhandError) -> str:
    """The error's own name, as in ``not_signed_in``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()


def _sentence(error: RequestValidationError) -> str:
    parts = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()]
    return "; ".join(parts) + "."
