"""Statements of the bank: taken in, what was read of each, and the columns of a CSV that nobody has confirmed yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.core.caller import NotAllowed
from bookhand.core.problems import BookhandError, Missing, Refusal
from bookhand.systems.bank import file_store
from bookhand.systems.bank import store as bank
from bookhand.systems.bank.intake_workflow import Intake, Taken, Waiting
from bookhand.systems.bank.reading import MOST_MEGABYTES
from bookhand.web.api.shown import encode
from bookhand.web.bounded import MEGABYTE
from bookhand.web.page.site import Done, Form, Sent, TooLong, status_of
from bookhand.web.page.wording import plain
from bookhand.web.payouts import asked
from bookhand.web.payouts import store as payouts
from bookhand.web.payouts.bank import columns, store
from bookhand.web.taking import file_name, intake

if TYPE_CHECKING:
    from bookhand.systems.bank.columns.profile import Proposal
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Seen, Site

_SHOWN = 25
_PAGE = "/payouts/statements"
_AROUND = 64 * 1024
"""What a form has around its file."""


@dataclass(frozen=True, slots=True)
class Uploads:
    """What the house says of files that people send: `site.rooms["uploads"]`."""

    most_megabytes: int = MOST_MEGABYTES


def routes(site: Site) -> APIRouter:
    """``/payouts/statements``."""
    router = site.router()
    site.longer[_PAGE] = _uploads(site).most_megabytes * MEGABYTE + _AROUND

    @router.get(_PAGE)
    def statements(request: Request, account: str = "", cursor: str | None = None) -> Response:
        return site.show(
            request,
            "payouts/statements.html",
            lambda me: _statements(site, me, account=account, cursor=cursor),
        )

    @router.post(_PAGE)
    def take(request: Request, form: Sent) -> Response:
        return site.act(
            request,
            form,
            lambda me: _take(site, me, form),
            need="propose",
            again=partial(_upload_again, site, form),
        )

    @router.get(_PAGE + "/{file}")
    def taken(request: Request, file: str) -> Response:
        return site.show(request, "payouts/taken.html", lambda me: _taken(site, me, file))

    @router.get(_PAGE + "/{file}/columns")
    def proposal(request: Request, file: str, account: str = "") -> Response:
        return site.show(
            request, "payouts/columns.html", lambda me: _columns(site, me, file, account=account)
        )

    @router.post(_PAGE + "/{file}/account")
    def of_account(request: Request, file: str, form: Sent) -> Response:
        return site.act(request, form, lambda me: _of_account(site, me, file, form), need="propose")

    @router.post(_PAGE + "/{file}/columns")
    def confirm(request: Request, file: str, form: Sent) -> Response:
        def again(me: Viewer, error: BookhandError) -> Response:
            if not me.can("manage") or isinstance(error, Missing):
                return site.told(me, error)
            try:
                tried = _columns(
                    site, me, file, account=form.text("account"), sent=_fields(form), wrong=str(error)
                )
            except BookhandError as gone:
                return site.told(me, gone)
            return site.part(me, "payouts/columns.html", tried, status=status_of(error))

        return site.act(request, form, lambda me: _confirm(site, me, file, form), need="manage", again=again)

    return router


def _uploads(site: Site) -> Uploads:
    found = site.rooms.get("uploads")
    return found if isinstance(found, Uploads) else Uploads()


def _intake(site: Site, me: Viewer) -> Intake:
    mode = "live" if site.payouts.mode == "live" else "test"
    return intake(site.db, me.caller, mode=mode, most_megabytes=_uploads(site).most_megabytes)


# --- what was read ---


def _statements(site: Site, me: Viewer, *, account: str, cursor: str | None) -> Seen:
    before = asked.cursor(cursor)
    workspace = me.caller.workspace_id
    with site.db.transaction() as cx:
        accounts = store.accounts(cx, workspace)
        named = store.one_of(accounts, account) if account else None
        found = list(
            bank.statements(
                cx, account=named.account if named else None, mode=named.mode if named else None,
                before=before[0] if before else None, limit=_SHOWN + 1,
            )
        )  # fmt: skip
        waiting = store.files_that_wait(cx, workspace)
        waits = payouts.waiting(cx, workspace)
        problems = store.problems(cx, workspace, sorted({each.connection_id for each in accounts}))
    return {
        "accounts": accounts, "account": account, "statements": found[:_SHOWN], "waiting": waiting, "first": before is None, "waits": waits,
        "next": encode(str(found[_SHOWN - 1].id), "-") if len(found) > _SHOWN else None, "most": _uploads(site).most_megabytes,
        "most_bytes": _uploads(site).most_megabytes * MEGABYTE, "problems": problems, "chosen": "", "wrong": None,
    }  # fmt: skip


def _taken(site: Site, me: Viewer, file: str) -> Seen:
    asked.known("file", file)
    with site.db.transaction() as cx:
        hash_, name = store.file(cx, me.caller.workspace_id, file)
        found = bank.read_before(cx, hash_)
        problems = store.problems(cx, me.caller.workspace_id, sorted({each.connection_id for each in found}))
    return {"file": hash_, "name": name, "statements": found, "problems": problems}


# --- taking in ---


def _take(site: Site, me: Viewer, form: Form) -> Done:
    file = form.file("file")
    if file is None:
        raise Refusal(plain("payouts.statements.no_file"))
    most = _uploads(site).most_megabytes
    raw = file.file.read(most * MEGABYTE + 1)
    if len(raw) > most * MEGABYTE:
        raise TooLong(plain("page.too_long", n=most))
    account = form.text("account")[: asked.LONGEST]
    name = file_name(file.filename)
    return _after(_intake(site, me).take(raw, name=name, by=me.caller.who, account=account or None), account)


def _upload_again(site: Site, form: Form, me: Viewer, error: BookhandError) -> Response:
    """The page once more, with what was wrong and the account that was named: only the file is to be chosen again."""
    if isinstance(error, NotAllowed):
        return site.told(me, error)
    chosen = form.text("account")[: asked.LONGEST]
    seen = {**_statements(site, me, account="", cursor=None), "chosen": chosen, "wrong": str(error)}
    return site.part(me, "payouts/statements.html", seen, status=status_of(error))


def _of_account(site: Site, me: Viewer, file: str, form: Form) -> Done:
    """Take a file in that was kept, for one of the accounts that its columns were confirmed for."""
    asked.known("file", file)
    with site.db.transaction() as cx:
        _, name, raw = file_store.find(cx, file)
    account = form.text("account")
    if not account:
        raise Refusal(plain("payouts.columns.no_account"))
    return _after(_intake(site, me).take(raw, name=name, by=me.caller.who, account=account), account)


def _after(found: Taken | Waiting, account: str = "") -> Done:
    match found:
        case Waiting():
            of = f"?{urlencode({'account': account})}" if account else ""
            return Done(to=f"{_PAGE}/{found.file}/columns{of}", said=found.says, tone="look")
        case Taken(again=True):
            return Done(to=f"{_PAGE}/{found.file}", said=plain("payouts.statements.again"), tone="quiet")
        case Taken():
            said = plain("payouts.statements.taken", n=found.new_lines, format=found.format)
            return Done(to=f"{_PAGE}/{found.file}", said=said, tone="look" if found.problems else "good")


# --- columns of a CSV ---


def _columns(
    site: Site,
    me: Viewer,
    file: str,
    *,
    account: str,
    sent: dict[str, str] | None = None,
    wrong: str | None = None,
) -> Seen:
    asked.known("file", file)
    door = _intake(site, me)
    account = asked.words(account)
    waiting = door.waiting(file, account=account or None)
    proposal = waiting.proposal
    with site.db.transaction() as cx:
        _, name = store.file(cx, me.caller.workspace_id, file)
        accounts = store.accounts(cx, me.caller.workspace_id)
    lines, trouble = _tried(door, file, account, proposal, sent)
    return {
        "file": file, "name": name, "account": account, "accounts": [each.account for each in accounts], "waiting": waiting, "proposal": proposal,
        "roles": _chosen(proposal, sent), "choices": columns.ROLES, "settings": columns.settings(proposal.profile) | (sent or {}),
        "questions": {each.field: each for each in proposal.questions}, "lines": lines, "trouble": wrong or trouble, "wrong": wrong is not None,
    }  # fmt: skip


def _chosen(proposal: Proposal, sent: dict[str, str] | None) -> list[str]:
    if sent is None:
        return columns.roles(proposal.profile, proposal.header)
    return [sent.get(f"role_{place}", "") for place in range(len(proposal.header))]


def _tried(
    door: Intake, file: str, account: str, proposal: Proposal, sent: dict[str, str] | None
) -> tuple[tuple[Any, ...], str | None]:
    """How the first rows would be read, or why they cannot be."""
    try:
        chosen = columns.changes(sent, proposal.header) if sent is not None else {}
        return door.tried(file, account=account or "-", changes=chosen), None
    except Refusal as error:
        return (), str(error)


def _confirm(site: Site, me: Viewer, file: str, form: Form) -> Done | Response:
    asked.known("file", file)
    account, sent = form.text("account"), _fields(form)
    if form.text("do") == "look":
        return site.part(me, "payouts/columns.html", _columns(site, me, file, account=account, sent=sent))
    if not account or len(account) > asked.LONGEST or not account.isprintable():
        raise Refusal(plain("payouts.columns.no_account"))
    door = _intake(site, me)
    header = door.waiting(file, account=account).proposal.header
    return _after(
        door.confirm(file, account=account, changes=columns.changes(sent, header), by=me.caller.who)
    )


def _fields(form: Form) -> dict[str, str]:
    return {str(name): form.text(name) for name in form.data if name not in {"csrf", "do", "account"}}
