"""What only a person can decide: each question with the answers that fit, and why each does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import Conflict, Refusal
from bookhand.web.page.site import Done, Form, Sent
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, seen, store
from bookhand.web.payouts.bank import store as bank_store
from bookhand.web.payouts.deciding import decide, why_of
from bookhand.workflows.payouts.matching import Match, Question
from bookhand.workflows.payouts.payout_store import some
from bookhand.workflows.payouts.reconciling import break_store

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_SHOWN = 20
_ANSWERS = 12
"""So many answers of one question stand on the page; where there are more, it is matched by hand."""


def routes(site: Site) -> APIRouter:
    """``/payouts/questions``."""
    router = site.router()

    @router.get("/payouts/questions")
    def questions(request: Request) -> Response:
        return site.show(request, "payouts/questions.html", lambda me: _questions(site, me))

    @router.post("/payouts/questions/{question_id}")
    def answer(request: Request, question_id: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: _answer(site, me, question_id, form), need="propose")

    return router


def _questions(site: Site, me: Viewer) -> Seen:
    workspace = me.caller.workspace_id
    with site.db.transaction() as cx:
        found = store.questions(cx, workspace, limit=_SHOWN + 1)
        shown = [(id_, msgspec.convert(content, Question)) for id_, content in found[:_SHOWN]]
        payouts = _payouts(cx, [question for _, question in shown])
        keys = {line for _, question in shown for each in _all(question) for line in each}
        lines = bank_store.by_key(cx, workspace, sorted(keys))
        waits = store.waiting(cx, workspace)
    return {
        "questions": [(id_, question, question.candidates[:_ANSWERS]) for id_, question in shown], "payouts": payouts, "lines": lines,
        "waits": waits, "more": len(found) > _SHOWN, "day_of": seen.day_of, "answers": _ANSWERS, "name_of": name_of,
    }  # fmt: skip


def _all(question: Question) -> list[tuple[tuple[str, str], ...]]:
    return [question.lines, *(each.lines for each in question.candidates[:_ANSWERS])]


def _payouts(cx: Transaction[Any], questions: list[Question]) -> dict[str, Any]:
    ids = {
        payout for each in questions for payout in (*each.payouts, *(id_ for c in each.candidates[:_ANSWERS] for id_ in c.payouts))
    }  # fmt: skip
    return {kept.payout.id: kept.payout for kept in some(cx, sorted(ids))}


def _answer(site: Site, me: Viewer, question_id: str, form: Form) -> Done:
    asked.known("break", question_id)
    if form.text("answer") == "none":
        why = why_of(form)
        return decide(
            site, me, "payouts.rule_out", {"question": question_id, "why": why}, why=why, to="/payouts/questions",
            said=plain("payouts.questions.ruled_out"),
        )  # fmt: skip
    with site.db.transaction() as cx:
        chosen = _chosen(break_store.question(cx, question_id), form.text("answer"))
    why = form.text("why") or chosen.reason
    params: dict[str, Any] = {
        "payouts": list(chosen.payouts), "lines": [{"account": account, "key": key} for account, key in chosen.lines], "why": why[:1000],
    }  # fmt: skip
    if chosen.difference in {"bank_fee", "fx"}:
        params["difference"] = chosen.difference
    return decide(
        site, me, "payouts.match", params, why=why[:1000], to="/payouts/questions", said=plain("payouts.questions.answered")
    )  # fmt: skip


def _chosen(question: Question, answer: str) -> Match:
    """The answer that was shown: by what is in it, so that none takes another's place in the meantime."""
    for each in question.candidates:
        if name_of(each) == answer:
            return each
    if not answer:
        raise Refusal(plain("payouts.questions.choose"))
    raise Conflict(plain("payouts.questions.changed"))


def name_of(match: Match) -> str:
    """An answer as a form names it: its payouts and lines."""
    return "\n".join([*match.payouts, *("\t".join(line) for line in match.lines)])
