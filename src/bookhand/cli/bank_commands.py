"""The bank: statement files taken in, a CSV's columns confirmed, accounts and lines listed; banks connected through Plaid."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from bookhand import wiring
from bookhand.cli.app import app, out, read_settings
from bookhand.cli.connect_commands import connect
from bookhand.cli.people_commands import caller_of
from bookhand.cli.tables import amount, plain_table
from bookhand.core.problems import Refusal
from bookhand.systems import store as connections
from bookhand.systems.bank import store
from bookhand.systems.bank.intake_workflow import Intake, Taken, Waiting
from bookhand.systems.bank.plaid import link_auth
from bookhand.workspace.people.store import has_people

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bookhand.core.caller import Capability
    from bookhand.house import House
    from bookhand.systems.bank.columns.profile import Proposal
    from bookhand.systems.bank.plaid.api_client import PlaidClient
    from bookhand.systems.connection import Connection

_MEGABYTE = 1024 * 1024
Account = Annotated[
    str | None, typer.Option(help="The bank account, by the name or number that its files have.")
]
Mode = Annotated[str, typer.Option(help="live, or test for a bank that is made up.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="A field of the profile that is otherwise than proposed: date_order=DMY."),
]


@app.command("bank-import")
def bank_import(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="Statement files: OFX/QFX, CAMT.053, MT940, BAI2, CSV.", dir_okay=False, exists=True
        ),
    ],
    account: Account = None,
    mode: Mode = "live",
) -> None:
    """Take bank statements in. The format is known by what stands in the file; the same file again adds nothing."""
    with wiring.open_house(read_settings()) as house:
        by, intake = _who(house, "propose"), _intake(house, mode)
        for path in files:
            if path.stat().st_size > intake.most_megabytes * _MEGABYTE:
                raise Refusal(
                    f"{path.name} is larger than the {intake.most_megabytes} MB that are read (BOOKHAND_BANK_FILE_MB): export fewer days at once."
                )
            _tell(path.name, intake.take(path.read_bytes(), name=path.name, by=by, account=account))


@app.command("bank-confirm")
def bank_confirm(
    file: Annotated[str, typer.Argument(help="The number that was told when the file was taken in.")],
    account: Annotated[str, typer.Option(help="The bank account the file is of.")],
    changes: Changes = None,
    mode: Mode = "live",
) -> None:
    """Confirm what stands in the columns of a CSV, once: files with these columns are read by themselves from then on."""
    with wiring.open_house(read_settings()) as house:
        by = _who(house, "manage")
        found = _intake(house, mode).confirm(file, account=account, changes=changes_of(changes or []), by=by)
    _tell(file, found)


@app.command("bank-accounts")
def bank_accounts() -> None:
    """The bank accounts, with how many lines there are and the newest balance that the bank stated."""
    with wiring.open_house(read_settings()) as house:
        _who(house, "read")
        with house.db.transaction() as cx:
            found = store.accounts(cx)
    out.print(
        _accounts(found)
        if found
        else "No bank account is here yet: run `bookhand bank-import FILE`, or `bookhand connect plaid`."
    )


@app.command("bank-lines")
def bank_lines(  # noqa: PLR0917 (each is an option of the command line)
    account: Account = None,
    mode: Annotated[
        str | None, typer.Option(help="live or test, where accounts of both are called the same.")
    ] = None,
    since: Annotated[str | None, typer.Option(help="The first day: 2026-11-01.")] = None,
    until: Annotated[str | None, typer.Option(help="The last day.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.", min=1, max=10_000)] = 50,
    raw: Annotated[bool, typer.Option("--raw", help="Each line as it stood in the file.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Those too that the bank took back or told anew.")
    ] = False,
) -> None:
    """Lines of the bank accounts, newest day first."""
    with wiring.open_house(read_settings()) as house:
        _who(house, "read")
        with house.db.transaction() as cx:
            if account is not None:
                mode = store.mode_of(cx, account, mode)
            found = store.lines(
                cx,
                account=account,
                mode=mode,
                since=_day(since),
                until=_day(until),
                superseded=everything,
                limit=limit,
            )
    if raw:
        for each in found:
            out.print(each.line.raw, soft_wrap=True, highlight=False, markup=False)
        return
    out.print(_lines(found) if found else "No lines.")


@app.command("bank-sync")
def bank_sync() -> None:
    """Bring the banks that are connected through Plaid up to date."""
    with wiring.open_house(read_settings()) as house:
        _who(house, "propose")
        fed = [each for each in house.every() if each.auth == "plaid"]
        if not fed:
            raise Refusal("No bank is connected through Plaid: run `bookhand connect plaid`.")
        plaid = wiring.plaid_of(house)
        feed = wiring.feed_of(house, plaid)
        for each in fed:
            if each.status == "active":
                found = feed.sync(each)
                said = f"{each.name}: {found.added} new lines, {found.changed} told anew, {found.removed} taken back."
            else:
                said = f"{each.name} is {each.status}: {each.status_reason or 'no reason was given'}."
            out.print(said, highlight=False, markup=False)
        plaid.close()


@connect.command("plaid")
def connect_plaid(
    public_token: Annotated[
        str | None,
        typer.Option(
            help="What Plaid's page (Link) gave at its end; without it a token to open that page with is printed."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the connection.")] = None,
    country: Annotated[
        list[str] | None, typer.Option(help="The banks' countries: US, GB, DE … (US where none is given).")
    ] = None,
    again: Annotated[str | None, typer.Option(help="The connection whose bank wants a new sign-in.")] = None,
) -> None:
    """Connect a bank through Plaid. Needs BOOKHAND_PLAID_CLIENT_ID and BOOKHAND_PLAID_SECRET."""
    with wiring.open_house(read_settings()) as house:
        by = _who(house, "manage")
        plaid = wiring.plaid_of(house)
        if public_token:
            made = link_auth.connect(house.db, house.secrets, plaid, public_token, name=name)
            with house.db.transaction() as cx:
                house.note(
                    cx,
                    "connection.connected",
                    made.link.account,
                    {"by": by, "mode": made.link.mode, "name": made.name},
                )
            out.print(
                f"Connected {made.name} ({made.link.mode} mode). Next: `bookhand bank-sync`.",
                highlight=False,
                markup=False,
            )
        elif again:
            _let_in_again(house, plaid, house.named(again))
        else:
            token = link_auth.link_token(
                plaid, user=f"workspace-{house.db.workspace_id}", countries=tuple(country or ("US",))
            )
            out.print(
                f"Open Plaid Link with this token, then run this again with --public-token:\n{token}",
                highlight=False,
                markup=False,
            )
        plaid.close()


def _let_in_again(house: House, plaid: PlaidClient, connection: Connection) -> None:
    """A token for Link's update mode; the connection is active again, and disconnects itself where nobody signs in."""
    access = link_auth.token_of(house.db, house.secrets, connection)
    token = link_auth.link_token(plaid, user=f"workspace-{house.db.workspace_id}", access_token=access)
    with house.db.transaction() as cx:
        connections.set_status(cx, connection.id, "active")
    out.print(
        f"Open Plaid Link with this token and sign in; then run `bookhand bank-sync`:\n{token}",
        highlight=False,
        markup=False,
    )


def _intake(house: House, mode: str) -> Intake:
    if mode not in {"live", "test"}:
        raise Refusal(f"The mode is live or test, not {mode!r}.")
    return wiring.intake_of(house, mode=mode)


def _who(house: House, capability: Capability) -> str:
    """Who does this; the machine itself where nobody can sign in yet."""
    with house.db.transaction() as cx:
        if not has_people(cx):
            return "machine"
    caller = caller_of(house)
    caller.need(capability)
    return caller.who


def changes_of(words: Sequence[str]) -> dict[str, Any]:
    """``["date_order=DMY", "sign=-1", "description=Text,Memo"]`` as fields of a profile; lists are written with commas or as JSON.

    >>> changes_of(["sign=-1", "description=Text,Memo", "value_date=null", "decimal=,"])
    {'sign': -1, 'description': ['Text', 'Memo'], 'value_date': None, 'decimal': ','}
    """
    found: dict[str, Any] = {}
    for word in words:
        field, equals, text = word.partition("=")
        if not equals or not field:
            raise Refusal(f"{word[:40]!r} is no field of a profile: write name=value, as in date_order=DMY.")
        found[field] = _value(field, text)
    return found


def _value(field: str, text: str) -> Any:
    if field in {"description", "references", "in_words", "out_words"} and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    if field == "sign" or text == "null" or text.startswith("["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return text


def _day(text: str | None) -> str | None:
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError:
        raise Refusal(f"{text!r} is no day: write it as 2026-11-25.") from None


# --- what is shown ---


def _tell(name: str, found: Taken | Waiting) -> None:
    match found:
        case Taken(again=True):
            out.print(f"{name} had been read before: nothing was added.", highlight=False, markup=False)
        case Taken():
            for each in found.accounts:
                days = f", {each.first_day} to {each.last_day}" if each.first_day else ""
                said = f"{name} ({found.format}), account {each.account}: {each.new_lines} new of {each.lines} lines{days}."
                out.print(said, highlight=False, markup=False)
            for note in found.notes:
                out.print(Text(note, style="dim"))
            for problem in found.problems:
                out.print(Text(f"Problem: {problem.message}", style="yellow"))
        case Waiting():
            out.print(_proposal(name, found.proposal))
            out.print(found.says, highlight=False, markup=False)
            for question in found.proposal.questions:
                options = f" ({', '.join(question.options)})" if question.options else ""
                out.print(Text(f"  {question.field}: {question.sentence}{options}", style="bold"))
            asked = "".join(f" --set {question.field}=…" for question in found.proposal.questions)
            said = f"Then: bookhand bank-confirm {found.file[:12]} --account {found.account or 'NAME'}{asked}"
            out.print(said, highlight=False, markup=False, soft_wrap=True)


def _proposal(name: str, proposal: Proposal) -> Table:
    table = plain_table(f"{name}: what stands where")
    table.add_column("What")
    table.add_column("Why", overflow="fold")
    for field, why in proposal.evidence:
        table.add_row(field, Text(why))
    for row in proposal.sample[:2]:
        table.add_row("", Text(" | ".join(row), style="dim"))
    return table


def _accounts(found: Sequence[store.BankAccount]) -> Table:
    table = plain_table("Bank accounts")
    for heading in ("Account", "Mode", "Currency", "From", "Lines", "First day", "Last day", "Balance", "On"):
        table.add_column(heading, justify="right" if heading in {"Lines", "Balance"} else "left")
    for each in found:
        balance = (
            amount(each.balance_minor, each.currency)
            if each.balance_minor is not None and each.currency
            else ""
        )
        table.add_row(
            each.account, each.mode, each.currency or "", each.auth, f"{each.lines:,}", each.first_day or "", each.last_day or "", balance,
            each.balance_day or "",
        )  # fmt: skip
    return table


def _lines(found: Sequence[store.KeptLine]) -> Table:
    table = plain_table("Bank lines")
    table.add_column("Day", no_wrap=True)
    table.add_column("Account")
    table.add_column("Amount", justify="right", no_wrap=True)
    table.add_column("Currency")
    table.add_column("What the bank wrote", overflow="fold")
    for each in found:
        line = each.line
        said = Text(
            f"{line.description} {' '.join(line.references)}".strip(),
            style="strike dim" if each.superseded else "",
        )
        table.add_row(line.day, line.account, amount(line.minor, line.currency), line.currency, said)
    return table
