"""The reconciliation statement of a bank account: on the screen, and as CSV, XLSX and PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.problems import BookhandError, Missing
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked, seen
from bookhand.web.payouts import store as payouts
from bookhand.web.payouts.bank import store
from bookhand.web.people.gate import to_sign_in
from bookhand.workflows.payouts.reconciling import statement_store
from bookhand.workflows.payouts.statement_file import FORMS, as_file

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_FORMS: tuple[Literal["csv", "xlsx", "pdf"], ...] = ("csv", "xlsx", "pdf")


def routes(site: Site) -> APIRouter:
    """``/payouts/reconciliation``."""
    router = site.router()

    @router.get("/payouts/reconciliation")
    def statement(request: Request, account: str = "", day: str = "") -> Response:
        return site.show(
            request, "payouts/reconciliation.html", lambda me: _statement(site, me, account=account, day=day)
        )

    @router.get("/payouts/reconciliation/file")
    def file(request: Request, account: str = "", day: str = "", form: str = "csv") -> Response:
        return _file(site, request, account=account, day=day, form=form)

    return router


def _statement(site: Site, me: Viewer, *, account: str, day: str) -> Seen:
    workspace, on = me.caller.workspace_id, asked.day(day)
    with site.db.transaction() as cx:
        accounts = store.accounts(cx, workspace)
        waits = payouts.waiting(cx, workspace)
        told = [each for each in accounts if each.last_day or each.balance_day]
        chosen = store.one_of(accounts, account) if account else told[0] if told else None
        found = (
            statement_store.reconciliation(cx, chosen.account, mode=chosen.mode, day=on) if chosen else None
        )
    return {
        "accounts": accounts, "account": chosen.name if chosen else "", "found": found, "rows": seen.statement_rows(found) if found else [], "waits": waits,
        "asked_day": on, "today": me.now.date(), "ends": seen.month_ends(me.now.date()), "forms": _FORMS,
    }  # fmt: skip


def _file(site: Site, request: Request, *, account: str, day: str, form: str) -> Response:
    me = site.viewer(request)
    if me is None:
        return to_sign_in(request)
    try:
        me.caller.need("read")
        kind = next((each for each in _FORMS if each == form), None)
        if kind is None:
            raise Missing(plain("payouts.asked.no_form", form=form[:20]))
        with site.db.transaction() as cx:
            chosen = store.one_of(store.accounts(cx, me.caller.workspace_id), account)
            found = statement_store.reconciliation(cx, chosen.account, mode=chosen.mode, day=asked.day(day))
        content = as_file(found, kind)
    except BookhandError as error:
        return site.told(me, error)
    headers = {"content-disposition": f'attachment; filename="reconciliation-{found.as_of}.{kind}"'}
    return Response(content, media_type=FORMS[kind], headers=headers)
