"""The REST API, version 1: everything that can be asked of the door, by machines.

    api = create_api(door, authenticate=reception.caller)
    app = create_app(db, …, api=api)                       # mounted at /api/v1

It is described by itself: OpenAPI at ``/openapi.json``, the same for people at ``/docs``. Routes are plain functions in a pool of threads,
so that none holds up webhooks. What a caller may do is decided in the rooms below, never here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from bookhand.actions.workflow import Door
from bookhand.runs.template import Template
from bookhand.systems.bank.reading import MOST_MEGABYTES
from bookhand.web import pages
from bookhand.web.api import actions, bank, payouts, proposals, rights, runs, trail, trouble
from bookhand.web.api.porter import Authenticate, Porter
from bookhand.web.api.reference import reference
from bookhand.web.api.trouble import PREFIX
from bookhand.web.page.aside import Aside

_ABOUT = """
Ask, look, approve: one door for every write. A read goes straight through where it is allowed; a write becomes a proposal with a preview,
a person says yes to exactly that call by its hash, and then it is done once.

Send an API token as `Authorization: Bearer bhk_…` (`bookhand token create`). A token can do no more than its person. Money is whole minor
units and a currency; times are ISO 8601 in UTC; lists go on by `cursor`, which is `next` of the page before.
"""
_DESCRIPTION, _REFERENCE = "/openapi.json", "/docs"
_TROUBLE = json.dumps(trouble.EXAMPLE, indent=2)
_TAGS = {
    "Actions": "What can be done and what can happen; reads at the connected systems.",
    "Proposals": "Asking for something to be done, seeing what it would do, and saying yes or no.",
    "Permissions": "An allowlist of actions, for everybody, a person or an agent.",
    "Budgets": "Limits a day, and amounts from which four eyes are needed.",
    "Standing approvals": "Configurations that are approved once.",
    "Trail": "What was done, when and why; each entry is bound to the one before.",
    "Books": "Outside books: how each is kept, and how it compares with the journal.",
    "Connections": "The accounts that are connected.",
    "Payouts": "What is in each payout, where it arrived at the bank, and what nobody has explained yet.",
    "Bank": "Statement files taken in, and the lines of the bank accounts.",
    "Runs": "Durable work: its steps, what it waits for, and stopping it.",
    "People": "Signing in, who I am, people, invitations, tokens and sessions.",
}


def create_api(
    door: Door,
    *,
    authenticate: Authenticate,
    templates: Mapping[str, Template] | None = None,
    more: Iterable[APIRouter] = (),
    bank_file_mb: int = MOST_MEGABYTES,
    aside: Aside | None = None,
) -> FastAPI:
    """The API over `door`. `authenticate` says who asks (None: a stranger); `templates` name the steps of runs; `more` are routers beside.

    `bank_file_mb` is how large a statement file may be; `aside` is where what takes long goes on, the pages' own where there are some.
    """
    api = FastAPI(
        title="bookhand", version="1", docs_url=None, redoc_url=None, openapi_url=None, responses=trouble.ERRORS,
        redirect_slashes=False,
    )  # fmt: skip
    api.state.door = door
    api.state.templates = dict(templates or {})
    api.state.bank_file_mb = bank_file_mb
    api.state.aside = aside or Aside()
    for router in (
        actions.router,
        proposals.router,
        rights.router,
        trail.router,
        runs.router,
        payouts.router,
        bank.router,
        *more,
    ):
        api.include_router(router)
    _described(api)
    trouble.told(api)
    api.add_middleware(
        Porter,
        authenticate=authenticate,
        workspace_id=door.kit.db.workspace_id,
        longer=bank.longer(bank_file_mb),
    )
    return api


def _described(api: FastAPI) -> None:
    @cache
    def description() -> dict[str, Any]:  # takes a third of a second: for who asks, not for who starts
        return _openapi(api)

    @api.get(_DESCRIPTION, include_in_schema=False)
    def openapi() -> dict[str, Any]:
        return description()

    @api.get(_REFERENCE, include_in_schema=False, response_class=HTMLResponse)
    def docs(request: Request) -> str:
        return pages.reference_page(request, reference(description()), trouble=_TROUBLE)


def _openapi(api: FastAPI) -> dict[str, Any]:
    """The description: FastAPI's, with where it is, how one signs in, and what the groups are."""
    found = get_openapi(
        title="bookhand", version="1", description=_ABOUT.strip(), routes=api.routes,
        tags=[{"name": name, "description": about} for name, about in _TAGS.items()], servers=[{"url": PREFIX}],
    )  # fmt: skip
    found["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    found["security"] = [{"token": []}]
    return found
