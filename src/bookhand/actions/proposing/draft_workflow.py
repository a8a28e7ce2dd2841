"""Drafting a proposal: what is there is read, the preview is made from it, and the hash binds both.

Errors: `Refusal` where what was found forbids the call, `Outage` where it could not be read.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bookhand.actions.asked import Asked
from bookhand.actions.catalogue import Target, arguments, endpoint
from bookhand.actions.kit import Kit, Shown
from bookhand.actions.proposal import (
    EXPIRES,
    Proposal,
    Row,
    batch_hash,
    bound,
    call_hash,
    seen_of,
    totals,
    version_of,
)
from bookhand.actions.proposing.effect import lines_of
from bookhand.core.action import Action, Preview, Values
from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.core.ready import ready
from bookhand.core.redaction import redact_text, redacted
from bookhand.systems.connection import Connection


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks for what, where, and why: what a proposal is drafted from."""

    caller: Caller
    action: Action
    target: Target
    connection: Connection | None
    asked: Asked
    request_hash: str
    asked_at: datetime
    """When the rights were looked at, or before: what is taken back after it is taken back from this."""
    shown: Shown | None = None
    """Of one of bookhand's own actions that waits for a yes: what it would do."""


class Drafts:
    """Reads and previews; nothing is written down here."""

    def __init__(self, kit: Kit) -> None:
        self.kit = kit

    def one(self, draft: Draft, values: Values) -> Proposal:
        """A proposal of one call."""
        proposal_id = new_id()
        seen, preview = self._previewed(draft, values)
        bind = bound(
            proposal_id=proposal_id, action=draft.action, endpoint=endpoint(draft.action, values), values=values, version=version_of(seen),
            **_where(draft),
        )  # fmt: skip
        return self._proposal(
            draft,
            proposal_id=proposal_id,
            preview=preview,
            binds=call_hash(bind),
            seen=seen,
            params=dict(values),
            size=1,
        )

    def many(self, draft: Draft, rows: Sequence[Values]) -> tuple[Proposal, list[Row]]:
        """A proposal of many calls, and its rows."""
        proposal_id = new_id()
        made = [self._row(draft, proposal_id, number, values) for number, values in enumerate(rows)]
        preview = Preview(
            says=f"{len(made):,} calls: {draft.action.summary}", moves=totals(row.moves for row in made)
        )
        binds = batch_hash(proposal_id, (row.row_hash for row in made))
        proposal = self._proposal(
            draft, proposal_id=proposal_id, preview=preview, binds=binds, seen={}, params={}, size=len(made)
        )
        return proposal, made

    def _row(self, draft: Draft, proposal_id: str, number: int, values: Values) -> Row:
        try:
            seen, preview = self._previewed(draft, values)
        except Refusal as error:
            raise Refusal(f"Row {number}: {error}") from None
        bind = bound(
            proposal_id=proposal_id, action=draft.action, endpoint=endpoint(draft.action, values), values=values, version=version_of(seen),
            row_no=number, **_where(draft),
        )  # fmt: skip
        return Row(
            row_no=number, params=dict(values), version=version_of(seen), seen=seen, says=preview.says, customer=preview.customer or "",
            moves=preview.moves, row_hash=call_hash(bind),
        )  # fmt: skip

    def _previewed(self, draft: Draft, values: Values) -> tuple[dict[str, dict[str, Any]], Preview]:
        action = draft.action
        if draft.shown is not None:
            return draft.shown.seen, _clean(draft.shown.preview)
        if action.plan is None or draft.connection is None:
            return {}, Preview(says=f"{action.summary}.")
        found = fetched(self.kit, action, values, draft.connection.link, draft.target.api_version)
        preview = action.plan.preview(values, found)
        if preview.movement is not None:
            preview = msgspec.structs.replace(preview, books=lines_of(preview.movement))
        return seen_of(action.plan.watched, found), _clean(preview)

    def _proposal(
        self,
        draft: Draft,
        *,
        proposal_id: str,
        preview: Preview,
        binds: str,
        seen: dict[str, dict[str, Any]],
        params: dict[str, Any],
        size: int,
    ) -> Proposal:
        now = self.kit.clock()
        caller, action, asked, before = draft.caller, draft.action, draft.asked, draft.asked.replaces
        where = _where(draft)
        return Proposal(
            workspace_id=caller.workspace_id, proposal_id=proposal_id, vendor=action.vendor, action=action.name, risk=action.risk,
            params=params, endpoint=endpoint(action, params), call_hash=binds, version=version_of(seen), seen=seen, preview=preview,
            reason=redact_text(asked.reason.strip()) or "No reason was given.", proposed_by=caller.who, proposed_name=caller.name, agent=caller.agent,
            grantee=caller.grantee, channel=caller.channel, rights_at=asked.rights.taken_at if asked.rights else draft.asked_at, run_id=asked.run_id,
            step=asked.step, request_key=asked.request_key, request_hash=draft.request_hash, standing_id=asked.under, needs=1,
            four_eyes=False, size=size, state="waiting", replaces=before.proposal_id if before else None,
            root_id=before.root_id if before else proposal_id, created_at=now, expires_at=now + EXPIRES[action.risk], **where,
        )  # fmt: skip


def _clean(preview: Preview) -> Preview:
    """The preview without anything that looks like a secret: what was typed or came from outside is shown in it."""
    return msgspec.convert(redacted(msgspec.to_builtins(preview)), Preview)


ready(Preview)  # see core.ready


def fetched(kit: Kit, action: Action, values: Values, link: Link, api_version: str | None) -> dict[str, Any]:
    """What a preview is made from: every read of the action's plan; `Refusal` where something that must be there is not."""
    if action.plan is None:
        return {}
    found: dict[str, Any] = {}
    for name, get in action.plan.reads(values).items():
        found[name] = kit.performers[action.vendor].fetch(link, get, api_version=api_version)
        if found[name] is None and name in action.plan.needed:
            raise Refusal(
                f"{action.name}: there is no {name.replace('_', ' ')} at {get.path} in {link.mode} mode. Check the id, the account and the mode."
            )
    return found


def rows_of(action: Action, rows: Sequence[Mapping[str, Any]]) -> tuple[Target, list[Values]]:
    """Where a batch goes, and its checked parameters; `Refusal` that names the row that is wrong."""
    checked = [_row_arguments(action, number, row) for number, row in enumerate(rows)]
    if len({msgspec.json.encode(target) for target, _ in checked}) > 1:
        raise Refusal(
            "The calls of a batch go to one account in one mode, and these go to several: make a batch for each."
        )
    return checked[0][0], [values for _, values in checked]


def new_id() -> str:
    """A proposal's id."""
    return f"prop_{secrets.token_hex(12)}"


def _row_arguments(action: Action, number: int, row: Mapping[str, Any]) -> tuple[Target, Values]:
    try:
        return arguments(action, row)
    except Refusal as error:
        raise Refusal(f"Row {number}: {error}") from None


def _where(draft: Draft) -> dict[str, Any]:
    link = draft.connection.link if draft.connection else None
    return {
        "connection_id": link.connection_id if link else None, "mode": link.mode if link else None,
        "account": link.account if link else None, "api_version": draft.target.api_version,
    }  # fmt: skip
