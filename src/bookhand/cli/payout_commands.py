"""Payouts at the command line: what is in them, matching them with the bank, and what nobody has explained yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer

from bookhand.cli import payout_cards
from bookhand.cli.app import app, out
from bookhand.cli.desk import Desk, desk
from bookhand.core.problems import Refusal
from bookhand.workflows.payouts.reconciling.statement_store import accounts
from bookhand.workflows.payouts.statement import Reconciliation
from bookhand.workflows.payouts.statement_file import Form, as_file

PayoutId = Annotated[str, typer.Argument(help="The payout (po_…).")]
BreakId = Annotated[str, typer.Argument(help="The Break (br_…).")]
Why = Annotated[str, typer.Option(help="Why, for the record.")]
_PAGE = 500


@app.command()
def payouts(
    standing: Annotated[
        Literal["open", "matched"] | None,
        typer.Option(help="Only those not found at the bank yet, or those that are."),
    ] = None,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=_PAGE)] = 30,
) -> None:
    """Payouts, and whether they arrived at the bank; newest first."""
    asked = {"limit": limit} | ({"standing": standing} if standing else {})
    found = _read("payouts.arrivals", asked)
    out.print(payout_cards.payout_table(found) if found else "No payout is known yet.")


@app.command()
def payout(
    payout_id: PayoutId,
    lines: Annotated[bool, typer.Option("--lines", help="Every member too.")] = False,
) -> None:
    """What is in a payout, to the cent; exit code 1 where it does not add up."""
    with desk() as at:
        found = at.door.read(at.caller, "payouts.breakdown", {"payout": payout_id, "limit": _PAGE}).data
        members, page = list(found["lines"]), found["lines"]
        while lines and len(page) == _PAGE:
            asked = {"payout": payout_id, "limit": _PAGE, "after": page[-1]["id"]}
            page = at.door.read(at.caller, "payouts.breakdown", asked).data["lines"]
            members += page
    out.print(payout_cards.breakdown_card(found))
    if lines:
        out.print(payout_cards.member_table(members, found["payout"]["currency"]))
    raise typer.Exit(1 if found["off_by"] else 0)


@app.command()
def reconcile() -> None:
    """Count what is in payouts, and match them with the bank's lines; `serve` does it by itself."""
    with desk() as at, out.status("Reconciling payouts with the bank"):
        at.caller.need("propose")
        report = at.house.payouts.reconcile()
        asked = at.door.read(at.caller, "payouts.questions", {"limit": 100}).data
    out.print(payout_cards.report_line(report), highlight=False)
    for line in payout_cards.question_lines(asked):
        out.print(line, soft_wrap=True)


@app.command()
def breaks(
    owner: Annotated[str | None, typer.Option(help="Only those that this person looks after.")] = None,
    assign: Annotated[str | None, typer.Option(help="Give this Break (br_…) to --owner.")] = None,
) -> None:
    """What nobody has explained yet: amount, age, cause, owner, and what to do."""
    if assign is not None:
        _ask("breaks.assign", {"break_id": assign, "owner": owner}, f"For {owner or 'nobody'}.")
        out.print(
            f"{assign} is {f'looked after by {owner}' if owner else 'given to nobody'}.",
            highlight=False,
            markup=False,
        )
        return
    found = _read("breaks.list", {"limit": _PAGE} | ({"owner": owner} if owner else {}))
    out.print(payout_cards.break_table(found) if found else "Nothing is unexplained.")


@app.command("match")
def match_(
    payout: Annotated[list[str], typer.Option(help="A payout (po_…); several with several --payout.")],
    line: Annotated[
        list[str], typer.Option(help="A bank line: its account and its key, with a space between.")
    ],
    why: Why,
    difference: Annotated[
        Literal["bank_fee", "fx"] | None, typer.Option(help="What it is that the two sides differ by.")
    ] = None,
) -> None:
    """Say that payouts and bank lines are the same money; it is booked."""
    with desk() as at:
        at.caller.need("read")
        with at.house.db.transaction() as cx:
            known = accounts(cx)
    asked: dict[str, Any] = {"payouts": payout, "lines": [_line(each, known) for each in line], "why": why}
    if difference:
        asked["difference"] = difference
    _ask("payouts.match", asked, why)
    with desk() as at:
        made = at.door.read(at.caller, "payouts.matches", {"payout": payout[0]}).data[0]
    out.print(f"Matched and booked: {made['id']}.", highlight=False)


@app.command()
def unmatch(match_id: Annotated[str, typer.Argument(help="The match (match_…).")], why: Why) -> None:
    """Take a match apart: its entry is reversed, and only a person matches its parts again."""
    _ask("payouts.unmatch", {"match": match_id, "why": why}, why)
    out.print(f"{match_id} was taken apart.", highlight=False)


@app.command()
def explain(break_id: BreakId, explanation: Annotated[str, typer.Argument(help="What it is.")]) -> None:
    """Say what a difference is; it stays in the report with that until it is found no more."""
    _ask("payouts.explain", {"break_id": break_id, "explanation": explanation}, explanation)
    out.print(f"{break_id} is explained.", highlight=False)


@app.command("confirm-breakdown")
def confirm_breakdown(
    payout_id: PayoutId,
    why: Why,
    member: Annotated[
        list[str] | None,
        typer.Option(help="A balance transaction (txn_…); without any, what bookhand proposes."),
    ] = None,
) -> None:
    """Say what went out with a manual or instant payout, of which Stripe has no list."""
    _ask(
        "payouts.confirm_breakdown",
        {"payout": payout_id, "why": why} | ({"members": member} if member else {}),
        why,
    )
    payout(payout_id)


@app.command()
def reconciliation(  # noqa: PLR0917 (each is an option of the command line)
    account: Annotated[
        str | None, typer.Argument(help="The bank account; not needed where there is only one.")
    ] = None,
    mode: Annotated[
        Literal["live", "test"] | None,
        typer.Option(help="Where a live and a test account are called the same."),
    ] = None,
    day: Annotated[str | None, typer.Option(help="At the end of this day, as in 2026-11-30.")] = None,
    csv: Annotated[Path | None, typer.Option(help="Write it as CSV.", dir_okay=False)] = None,
    xlsx: Annotated[Path | None, typer.Option(help="Write it as a spreadsheet.", dir_okay=False)] = None,
    pdf: Annotated[Path | None, typer.Option(help="Write it as a page to print.", dir_okay=False)] = None,
) -> None:
    """The reconciliation statement of a bank account; exit code 1 where something is left unexplained."""
    with desk() as at:
        told = {"account": account or _only_account(at), "mode": mode, "day": day}
        asked = {name: value for name, value in told.items() if value}
        found = msgspec.convert(at.door.read(at.caller, "payouts.reconciliation", asked).data, Reconciliation)
    wanted: dict[Form, Path | None] = {"csv": csv, "xlsx": xlsx, "pdf": pdf}
    for form, file in wanted.items():
        if file is not None:
            file.write_bytes(as_file(found, form))
            out.print(f"Wrote {file}.", highlight=False, markup=False)
    if csv is xlsx is pdf is None:
        out.print(payout_cards.statement_table(found))
    raise typer.Exit(0 if found.holds else 1)


def _only_account(at: Desk) -> str:
    with at.house.db.transaction() as cx:
        found = accounts(cx)
    if len(found) != 1:
        raise Refusal(
            f"Name one of the bank accounts: {', '.join(found)}."
            if found
            else "There is no bank account yet: import a statement."
        )
    return found[0]


def _read(name: str, params: dict[str, Any]) -> Any:
    with desk() as at:
        return at.door.read(at.caller, name, params).data


def _ask(name: str, params: dict[str, Any], why: str) -> None:
    with desk() as at:
        at.door.propose(at.caller, name, params, why)


def _line(text: str, known: Sequence[str]) -> dict[str, str]:
    """A line's account and key; the account may have spaces in its name (a CSV's), where it is known."""
    told = text.strip()
    named = max((each for each in known if told.startswith(f"{each} ")), key=len, default=None)
    account, space, key = told.partition(" ") if named is None else (named, " ", told[len(named) :])
    if not space:
        raise Refusal(f"{text!r} names no bank line: write the account and the key, with a space between.")
    return {"account": account, "key": key.strip()}
