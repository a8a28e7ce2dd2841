"""What a write is asked for with, beside the call itself: why, by which run, under which standing approval, with which rights."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bookhand.actions.proposal import Proposal
from bookhand.actions.rights.policy import Grant
from bookhand.core.ready import ready


class Rights(msgspec.Struct, frozen=True, kw_only=True):
    """What was allowed when a run started: what is allowed later changes nothing for it, unless it is revoked at once."""

    grants: tuple[Grant, ...]
    taken_at: datetime


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Why, and by whom beside the caller.

    `request_key` makes asking idempotent: the same key gives the same proposal. `under` is a standing approval, `terms` the
    configuration it was given for.
    """

    reason: str
    run_id: str | None = None
    step: str | None = None
    rights: Rights | None = None
    request_key: str | None = None
    under: str | None = None
    terms: Mapping[str, Any] | None = None
    replaces: Proposal | None = None


ready(Rights)  # see core.ready
