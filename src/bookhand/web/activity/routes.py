"""``/runs``: what is under way, what stands and what ended; ``/runs/{id}``: one run whole, to be paused, resumed or cancelled.

What is done to a run goes through the door, as every write: it is in the trail, with its reason.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.actions.asked import Asked
from bookhand.core.problems import BookhandError, Missing, Refusal
from bookhand.runs.run import ENDED, STATES, WHAT, Run, State
from bookhand.runs.template import Template
from bookhand.web.activity import store
from bookhand.web.activity.seen import Whole, whole
from bookhand.web.api.shown import after as after_cursor
from bookhand.web.api.shown import page
from bookhand.web.approvals import store as approvals
from bookhand.web.approvals.seen import CALL_TONES, Tone, spells
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site, status_of
from bookhand.web.page.wording import plain

PAGE = 50
TONES: dict[State, Tone] = {
    "queued": "busy", "running": "busy", "waiting": "busy", "paused": "look", "parked": "look", "done": "good", "failed": "bad",
    "cancelled": "quiet",
}  # fmt: skip
_TABS = ("", "open", "held", "done", "failed", "cancelled")
_VERBS = ("pause", "resume", "cancel")


def routes(site: Site) -> APIRouter:
    """The list, one run, and what is done to it."""
    router = site.router()

    @router.get("/runs")
    def listed(request: Request, state: str = "", cursor: str | None = None) -> Response:
        return site.show(request, "activity/runs.html", lambda me: _list(site, me, state, cursor))

    @router.get("/runs/{run_id}")
    def one(request: Request, run_id: str) -> Response:
        return site.show(request, "activity/run.html", lambda me: _one(site, me, run_id))

    @router.post("/runs/{run_id}/{verb}")
    def act(request: Request, run_id: str, verb: str, sent: Sent) -> Response:
        return site.act(
            request, sent, lambda me: _act(site, me, run_id, verb, sent), need="manage", again=partial(_again, site, run_id)
        )  # fmt: skip

    return router


def _list(site: Site, me: Viewer, state: str, cursor: str | None) -> Seen:
    if state not in store.FILTERS:
        raise Refusal(plain("activity.no_state", state=state[:20]))
    with site.db.transaction() as cx:
        found = store.listed(cx, me.caller.workspace_id, state, after=after_cursor(cursor), limit=PAGE + 1)
    told = page(found, limit=PAGE, last="id")
    return {
        "runs": told["items"], "next": told["next"], "state": state, "tabs": _TABS, "states": STATES, "tones": TONES,
        "what": {name: each.summary for name, each in site.templates.items()}, "first": cursor is not None,
    }  # fmt: skip


def _one(site: Site, me: Viewer, run_id: str, refused: str = "") -> Seen:
    found = whole(site.db, me.caller, run_id, site.templates)
    with site.db.transaction() as cx:
        cards = approvals.cards(
            cx, me.caller, site.door.kit.catalogue, [each.proposal for each in found.asked]
        )
    run = found.run
    return {
        "whole": found, "run": run, "cards": list(zip(cards, (each.calls for each in found.asked), strict=True)), "means": WHAT[run.state],
        "tone": TONES[run.state], "may": _may(me, run), "call_tones": CALL_TONES, "refused": refused, "ended": run.state in ENDED,
        "trail": None if found.trail is None else spells(found.trail), "undone": _undone(found, site.templates.get(run.template)),
    }  # fmt: skip


def _may(me: Viewer, run: Run) -> dict[str, bool]:
    manages = me.can("manage")
    return {
        "pause": manages and run.state in {"queued", "running", "waiting"},
        "resume": manages and run.state in {"paused", "parked"},
        "cancel": manages and run.state not in ENDED,
    }


def _undone(found: Whole, template: Template | None) -> dict[str, Any]:
    """What was and what was not done: by the run's own word once it ended, until then by its steps."""
    says = {step.name: step.says for step in template.steps} if template else {}
    told = found.run.result or {}
    if "not_done" in told:
        return {
            "done": [says.get(each) or each for each in told["done"]],
            "left": [says.get(each) or each for each in told["not_done"]],
        }
    return {
        "done": [each.says or each.name for each in found.stages if each.state == "done"],
        "left": [each.says or each.name for each in found.stages if each.state == "not done"],
    }


def _act(site: Site, me: Viewer, run_id: str, verb: str, sent: Form) -> Done:
    if verb not in _VERBS:
        raise Missing(plain("activity.no_verb"))
    why = sent.text("note")
    if not why:
        raise Refusal(plain("activity.say_why"))
    site.door.propose(me.caller, f"runs.{verb}", {"run": run_id, "reason": why[:1000]}, Asked(reason=why))
    return Done(to=f"/runs/{run_id}", said=plain(f"activity.said.{verb}"))


def _again(site: Site, run_id: str, me: Viewer, error: BookhandError) -> Response:
    if isinstance(error, Missing):
        return site.told(me, error)
    return site.part(me, "activity/run.html", _one(site, me, run_id, str(error)), status=status_of(error))
