"""Bank statements: files taken in, what was read, its lines, and profiles of CSV files.

    curl -H "Authorization: Bearer bhk_…" -F file=@nov.xml https://…/api/v1/bank/statements

A file is data and nothing else: nothing that stands in it chooses what is done.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import JSONResponse

from bookhand.core.problems import Missing, Refusal
from bookhand.systems.bank import store
from bookhand.systems.bank.intake_workflow import Taken, Waiting
from bookhand.web.api import bank_models as m
from bookhand.web.api.desk import At, Cursor, Exact, Limit, OfMode
from bookhand.web.api.porter import Longest, too_long
from bookhand.web.api.shown import decode, encode, said
from bookhand.web.bounded import MEGABYTE
from bookhand.web.taking import file_name, intake

router = APIRouter(prefix="/bank", tags=["Bank"])

_AROUND = 64 * 1024
_NO_CURSOR = "That is no cursor: send `next` of the page before as it was given."
Day = Annotated[str | None, Query(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day: 2026-11-25.")]
Mode = Annotated[
    Literal["live", "test"],
    Form(description="`test` for a bank that is made up, beside a Stripe account in test mode."),
]


@router.get("/accounts", response_model=m.BankAccounts, summary="The bank accounts")
def accounts(desk: At) -> JSONResponse:
    """With how many lines there are, of which days, and the newest balance that the bank stated."""
    desk.caller.need("read")
    with desk.db.transaction() as cx:
        return said({"items": store.accounts(cx)})


@router.post(
    "/statements",
    response_model=m.BankTaken,
    status_code=201,
    responses={202: {"model": m.BankWaiting, "description": "A CSV that waits to be confirmed."}},
    summary="Take a statement file in",
)
def take(
    desk: At,
    file: Annotated[
        UploadFile,
        File(
            description="OFX/QFX, CAMT.053, MT940, BAI2 or CSV; of as many megabytes at most as `bank_file_mb` is (50)."
        ),
    ],
    account: Annotated[
        str | None, Form(max_length=120, description="Of a CSV that names none: the account's name.")
    ] = None,
    mode: Mode = "live",
) -> JSONResponse:
    """The format is known by what stands in the file. The same file again adds nothing; what its balances do not prove is told as Problems."""
    desk.caller.need("propose")
    most = desk.bank_file_mb
    raw = file.file.read(most * MEGABYTE + 1)
    if len(raw) > most * MEGABYTE:
        return too_long(_too_long(most))
    name = file_name(file.filename)
    return _told(
        intake(desk.db, desk.caller, mode=mode, most_megabytes=most).take(
            raw, name=name, by=desk.caller.who, account=account or None
        )
    )


@router.post(
    "/profiles", response_model=m.BankTaken, status_code=201, summary="Confirm what stands in a CSV's columns"
)
def confirm(
    desk: At, sent: m.NewBankProfile, mode: Annotated[Literal["live", "test"], Query()] = "live"
) -> JSONResponse:
    """As proposed, with `changes`. It is remembered for the account and every file with these columns, and the file is taken in."""
    desk.caller.need("manage")
    return _told(
        intake(desk.db, desk.caller, mode=mode, most_megabytes=desk.bank_file_mb).confirm(
            sent.file, account=sent.account, changes=sent.changes, by=desk.caller.who
        )
    )


@router.get("/statements", response_model=m.BankStatements, summary="The statements that were read")
def statements(
    desk: At, *, account: Exact = None, mode: OfMode = None, cursor: Cursor = None, limit: Limit = 50
) -> JSONResponse:
    """Newest first, with what their balances were and how many of their lines were new."""
    desk.caller.need("read")
    before = None if cursor is None else _after(cursor)[1]
    with desk.db.transaction() as cx:
        found = list(
            store.statements(
                cx, account=account, mode=_mode(cx, account, mode), before=before, limit=limit + 1
            )
        )
    following = encode("", str(found[limit - 1].id)) if len(found) > limit else None
    return said({"items": found[:limit], "next": following})


@router.get("/lines", response_model=m.BankLines, summary="Lines of the bank accounts")
def lines(
    desk: At, *, account: Exact = None, connection: Annotated[int | None, Query(ge=1, le=2_000_000_000)] = None, since: Day = None, until: Day = None,
    mode: OfMode = None, superseded: Annotated[bool, Query(description="Those too that the bank took back or told anew.")] = False,
    cursor: Cursor = None, limit: Limit = 50,
) -> JSONResponse:  # fmt: skip
    """Newest day first; `since` and `until` are both included. `raw` is the line as it stood in the file."""
    desk.caller.need("read")
    after = None if cursor is None else _after(cursor, with_day=True)
    with desk.db.transaction() as cx:
        found = store.lines(
            cx, connection_id=connection, account=account, mode=mode if connection else _mode(cx, account, mode), since=_day(since), until=_day(until), after=after, superseded=superseded,
            limit=limit + 1,
        )  # fmt: skip
    last = found[limit - 1] if len(found) > limit else None
    following = encode(last.line.day, str(last.id)) if last else None
    return said({"items": [_line(each) for each in found[:limit]], "next": following})


def _mode(cx: store.Transaction, account: str | None, mode: str | None) -> str | None:
    """The mode that is meant; a name that no account has finds nothing, as any other filter."""
    try:
        return mode if account is None else store.mode_of(cx, account, mode)
    except Missing:
        return mode


def longer(most_megabytes: int) -> dict[tuple[str, str], Longest]:
    """What may be longer than other bodies: a statement file, with what a form has around it."""
    return {
        ("POST", f"{router.prefix}/statements"): Longest(
            most_megabytes * MEGABYTE + _AROUND, _too_long(most_megabytes)
        )
    }


def _too_long(most_megabytes: int) -> str:
    return f"The file is larger than the {most_megabytes} MB that are read (bank_file_mb): export fewer days at once."


def _told(found: Taken | Waiting) -> JSONResponse:
    told = msgspec.to_builtins(found)
    told.pop("type", None)
    match found:
        case Taken():
            return said({**told, "new_lines": found.new_lines}, status=201)
        case Waiting():
            return said(told, status=202)


def _line(each: store.KeptLine) -> dict[str, Any]:
    return {
        "id": each.id, "connection_id": each.connection_id, **msgspec.to_builtins(each.line), "superseded": each.superseded,
    }  # fmt: skip


def _day(text: str | None) -> str | None:
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal(f"{text} is no day of the calendar.") from None


def _after(cursor: str, *, with_day: bool = False) -> tuple[str, int]:
    day, number = decode(cursor)
    if not re.fullmatch("[0-9]{1,18}", number) or (not with_day and day):
        raise Refusal(_NO_CURSOR)
    try:
        return (date.fromisoformat(day).isoformat() if with_day else ""), int(number)
    except ValueError:
        raise Refusal(_NO_CURSOR) from None
