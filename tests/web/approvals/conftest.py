"""The pages of work over a real door: a real database, and the stand-in Stripe over HTTP."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.actions.conftest import (  # noqa: F401 (fixtures)
    Shop,
    allow,
    clock,
    connected,
    engine,
    performer,
    person,
    secrets,
    server,
    shop,
    url,
)
from tests.web.api.conftest import door, kit, runs  # noqa: F401 (fixtures)
from tests.web.browsing import Browser
from tests.web.page.conftest import House

from bookhand.actions import store
from bookhand.actions.act_workflow import act_template
from bookhand.actions.proposal import Proposal
from bookhand.actions.workflow import Door
from bookhand.db.engine import Database

BEA = person(92, "operator")
"""Who asks for things here; nobody who signs in."""


@pytest.fixture
def web(db: Database, tmp_path: Any, door: Door) -> House:  # noqa: F811
    return House(db, tmp_path, door=door, templates={"act": act_template(door)})


@pytest.fixture
def asked(door: Door, shop: Shop) -> Callable[..., Proposal]:  # noqa: F811
    """A refund that Bea asked for: ``asked(1500, "Charged twice")``."""

    def ask(amount: int = 1500, reason: str = "Charged twice", *, charge: str | None = None) -> Proposal:
        return door.propose(
            BEA, "refunds.create", {"charge": charge or shop.charge(), "amount": amount}, reason
        )

    return ask


async def send(browser: Browser, path: str, fields: dict[str, Any], *, token: bool = True) -> httpx.Response:
    """Send a form of ours from our own page."""
    found = re.search(r'name="form-token" content="([0-9a-f]+)"', (await browser.get("/approvals")).text)
    assert found is not None
    sent = {"csrf": found[1], **fields} if token else fields
    return await browser.client.post(path, data=sent, headers={"sec-fetch-site": "same-origin"})


def asks_at(page: str) -> list[str]:
    """The addresses at which the live parts of a page ask for themselves again."""
    return re.findall(r'hx-get="([^"]*)"', page)


def stands(db: Database, proposal: Proposal | str) -> Proposal:
    """How a proposal stands now."""
    with db.transaction() as cx:
        return store.proposal(cx, 1, proposal if isinstance(proposal, str) else proposal.proposal_id)


def hash_on(page: str, proposal: Proposal) -> str:
    """The hash that the card of a proposal would send."""
    found = re.search(
        rf'action="/approvals/{proposal.proposal_id}/approve".*?name="call_hash" value="([0-9a-f]+)"',
        page,
        re.DOTALL,
    )
    assert found is not None
    return found[1]
