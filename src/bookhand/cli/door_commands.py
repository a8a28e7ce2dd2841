"""The door at the command line: what can be done, reads, asking for a write, and saying yes or no to exactly what is shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer
from rich.markup import escape

from bookhand import wiring
from bookhand.actions import call_store, store
from bookhand.actions.asked import Asked
from bookhand.actions.proposal import ALIVE, Proposal, State
from bookhand.cli import cards
from bookhand.cli.app import app, err, out
from bookhand.cli.desk import Desk, desk, given, held, outcome
from bookhand.core.problems import Missing, Refusal

Id = Annotated[str, typer.Argument(help="The proposal's id (prop_…).")]
Action = Annotated[str, typer.Argument(help="An action of the catalogue (refunds.create).")]
Words = Annotated[list[str] | None, typer.Argument(help="Parameters: name=value, a.b=c for what is inside.")]
Note = Annotated[str, typer.Option("--note", help="Why, for whoever asked and for the trail.")]
_ROWS = 200
_GOOD = {"done", "approved"}


@app.command()
def actions(
    name: Annotated[str | None, typer.Argument(help="One action or event, with its parameters.")] = None,
    text: Annotated[
        str | None, typer.Option("--find", help="Only those with this in their name or summary.")
    ] = None,
) -> None:
    """Everything that can be done, and everything that can happen."""
    catalogue = wiring.catalogue()
    if name is not None:
        is_event = name in catalogue.events
        out.print(
            cards.action_card(catalogue.described_event(name) if is_event else catalogue.described(name))
        )
        return
    found = [each for each in catalogue.actions.values() if _has(text, each.name, each.summary)]
    events = [each for each in catalogue.events.values() if _has(text, each.name, each.summary)]
    if not found and not events:
        raise Missing(f"Nothing in the catalogue has {text!r} in it: `bookhand actions` lists what there is.")
    out.print(cards.action_table(found, events))


def _has(text: str | None, *parts: str) -> bool:
    return text is None or text.lower() in " ".join(parts).lower()


@app.command()
def read(
    name: Action,
    words: Words = None,
    why: Annotated[str | None, typer.Option(help="Why, for the trail.")] = None,
) -> None:
    """Read at a connected system, or bookhand's own; the answer is JSON."""
    with desk() as at:
        found = at.door.read(at.caller, name, given(words or ()), why=why)
    out.print(cards.as_json(found.data), highlight=out.is_terminal, markup=False, soft_wrap=True)
    if found.cut:
        err.print(f"Cut: {found.cut}", highlight=False, markup=False)


@app.command()
def propose(
    name: Action,
    words: Words = None,
    *,
    reason: Annotated[str, typer.Option(help="Why: whoever approves reads it.")],
    key: Annotated[str | None, typer.Option(help="The same key asks once, however often it is run.")] = None,
    under: Annotated[
        str | None, typer.Option(help="A standing approval (stand_…): inside it, it passes without asking.")
    ] = None,
    terms: Annotated[
        list[str] | None, typer.Option("--term", help="The configuration it was given for: name=value.")
    ] = None,
) -> None:
    """Ask for a write: shows what it would do, and waits for a yes."""
    with desk() as at:
        asked = Asked(reason=reason, request_key=key, under=under, terms=given(terms or ()))
        made = at.door.propose(at.caller, name, given(words or ()), asked)
    _show(made)
    if made.state == "waiting":
        out.print(f"It waits for a yes: bookhand approve {made.proposal_id}", highlight=False, soft_wrap=True)


# --- looking ---


@app.command()
def proposals(
    state: Annotated[str | None, typer.Option(help="Only those: waiting, done, failed …")] = None,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=1000)] = 30,
) -> None:
    """What was asked for, newest first."""
    wanted: list[State] = [each for each in ALIVE if each == state]  # type: ignore[misc]
    if state is not None and not wanted:
        raise Refusal(f"No proposal is ever {state!r}: it is one of {', '.join(ALIVE)}.")
    with desk() as at:
        at.caller.need("read")
        with at.house.db.transaction() as cx:
            found = store.listed(cx, at.caller.workspace_id, states=wanted, limit=limit)
    out.print(cards.proposal_table(found) if found else "Nothing was asked for.")


@app.command()
def proposal(proposal_id: Id) -> None:
    """One proposal: what it would do, what was said of it, and what became of it."""
    with desk() as at:
        found = at.proposal(proposal_id)
        with at.house.db.transaction() as cx:
            said = store.decisions(cx, at.caller.workspace_id, proposal_id)
            calls = call_store.calls(cx, at.caller.workspace_id, proposal_id, limit=_ROWS)
            rows = store.rows(cx, at.caller.workspace_id, proposal_id, limit=_ROWS)
    _show(found)
    tables = [
        cards.decision_table(said) if said else None,
        cards.row_table(rows) if rows else None,
        cards.call_table(calls) if calls else None,
    ]
    for table in filter(None, tables):
        out.print(table)
    if found.size > _ROWS:
        out.print(f"And {found.size - _ROWS:,} more.")


# --- deciding ---


@app.command()
def approve(
    proposal_id: Id,
    yes: Annotated[
        str | None, typer.Option(help="Do not ask: this is the hash of the call that was seen.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="A word for the record.")] = None,
    rows: Annotated[str | None, typer.Option(help="Of a batch, only these rows: 0,2,5.")] = None,
) -> None:
    """Say yes to exactly the call that is shown, and see what becomes of it."""
    chosen = _numbers(rows) if rows is not None else None
    with desk() as at:
        shown = at.proposal(proposal_id)
        _show(shown)
        if yes is None and shown.state == "waiting" and not typer.confirm("Do exactly this?"):
            out.print("Nothing was done; it goes on waiting.")
            raise typer.Exit(1)
        at.door.approve(at.caller, proposal_id, yes or shown.call_hash, note=note, chosen=chosen)
        with out.status("It has its yes"):
            ended = outcome(at, proposal_id, tell=lambda said: err.print(said, highlight=False, markup=False))
        stands = held(at, ended)
    _tell(ended, stands)


def _numbers(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise Refusal(f"{text!r} names no rows: write their numbers, as in 0,2,5.")
    return [int(part) for part in parts]


def _tell(ended: Proposal, stands: str | None = None) -> None:
    line = cards.state_text(ended)
    line.append(f" ({ended.result_id})" if ended.result_id else "")
    out.print(line, soft_wrap=True)
    if ended.state == "approved":
        said = stands or "It is still being done."
        out.print(
            f"{said} See bookhand proposal {ended.proposal_id}", highlight=False, markup=False, soft_wrap=True
        )
    raise typer.Exit(0 if ended.state in _GOOD else 1)


@app.command()
def reject(proposal_id: Id, note: Note) -> None:
    """Say no, and why."""
    _after(lambda at: at.door.reject(at.caller, proposal_id, note))


@app.command()
def edit(
    proposal_id: Id, words: Words = None, note: Annotated[str | None, typer.Option(help="Why.")] = None
) -> None:
    """Ask for a changed call in its place (name=null takes a parameter out); it needs its own yes."""
    with desk() as at:
        made = at.door.edit(at.caller, proposal_id, given(words or ()), note=note)
    _show(made)


@app.command()
def ask(proposal_id: Id, question: Annotated[str, typer.Argument(help="What you want to know.")]) -> None:
    """Ask whoever proposed it; it goes on waiting."""
    _after(lambda at: at.door.ask(at.caller, proposal_id, question))


@app.command()
def answer(proposal_id: Id, words: Annotated[str, typer.Argument(help="The answer.")]) -> None:
    """Answer a question about a proposal."""
    _after(lambda at: at.door.answer(at.caller, proposal_id, words))


@app.command()
def withdraw(proposal_id: Id, note: Annotated[str | None, typer.Option(help="Why.")] = None) -> None:
    """Take back what you asked for."""
    _after(lambda at: at.door.withdraw(at.caller, proposal_id, note))


@app.command()
def settle(
    proposal_id: Id,
    done: Annotated[bool, typer.Option("--done/--not-done", help="Whether it was done at the other side.")],
    note: Note,
    row: Annotated[int, typer.Option(help="Of a batch, which row.", min=0)] = 0,
) -> None:
    """Say what became of a call that nobody can tell of, after looking at the other side."""
    _after(lambda at: at.door.settle(at.caller, proposal_id, done=done, note=note, row_no=row))


def _show(proposal: Proposal) -> None:
    """The card, and under it the hash in one piece: a yes is for this."""
    out.print(cards.card(proposal))
    out.print(f"Hash {proposal.call_hash}", style="dim", highlight=False, soft_wrap=True)


def _after(work: Callable[[Desk], Proposal]) -> None:
    with desk() as at:
        made = work(at)
    out.print(f"{escape(made.proposal_id)} {ALIVE[made.state]}.", highlight=False, soft_wrap=True)
