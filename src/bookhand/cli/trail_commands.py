"""The trail at the command line: searched, written into one file, and checked; a file is checked with nothing but itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from bookhand.cli import cards
from bookhand.cli.app import FileOut, app, out
from bookhand.cli.desk import Desk, desk
from bookhand.core.problems import Refusal
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Note, Verdict, verify

Exact = Annotated[str | None, typer.Option(help="Exactly this.")]
Moment = Annotated[str | None, typer.Option(help="A day (2026-11-25), or a moment in UTC.")]


@app.command()
def trail(
    *, what: Exact = None, who: Exact = None, subject: Exact = None, run: Exact = None, proposal: Exact = None,
    since: Moment = None, until: Moment = None,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=10_000)] = 50,
) -> None:  # fmt: skip
    """What was done, by whom, when and why; newest first."""
    with desk() as at:
        at.caller.need("audit")
        with at.house.db.transaction() as cx:
            found = trail_store.search(
                cx, at.caller.workspace_id, what=what, who=who, subject=subject, run=run, proposal=proposal,
                since=_moment(since), until=_moment(until), limit=limit,
            )  # fmt: skip
    out.print(cards.trail_table(found) if found else "The trail has nothing like that.")


@app.command("export-trail")
def export_trail(file: FileOut) -> None:
    """Write the whole trail into one file, for your user alone, that `bookhand verify-audit FILE` checks on any machine."""
    with desk() as at:
        at.caller.need("audit")
        head = _export(at, file)
    out.print(
        f"Wrote {file}. Note this head elsewhere: {head}", highlight=False, markup=False, soft_wrap=True
    )


def _export(at: Desk, file: Path) -> str:
    workspace = at.caller.workspace_id
    fresh = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as target, at.house.db.transaction() as cx:
            trail_store.write_export(cx, workspace, target)
            head = trail_store.head(cx, workspace)[1]
            note = Note(
                who=at.caller.who, name=at.caller.name, channel=at.caller.channel, what="trail.exported"
            )
            trail_store.append(cx, workspace, [note])
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
    return head


@app.command("verify-audit")
def verify_audit(
    file: Annotated[
        Path | None,
        typer.Argument(help="An export; without it the trail of this house.", dir_okay=False, exists=True),
    ] = None,
    head: Annotated[str | None, typer.Option(help="The head's hash that was noted elsewhere.")] = None,
) -> None:
    """Check that nothing of the trail was changed, taken out or put in; a file is checked offline."""
    if file is None:
        with desk() as at:
            at.caller.need("audit")
            with at.house.db.transaction() as cx:
                found = trail_store.verify_all(cx, at.caller.workspace_id)
    else:
        with file.open("rb") as lines:
            found = verify(lines, head=head)
    _tell(found, noted=head is not None)


def _tell(found: Verdict, *, noted: bool) -> None:
    for sentence in found.findings:
        out.print(sentence, highlight=False, markup=False, soft_wrap=True)
    if found.findings:
        raise typer.Exit(1)
    out.print(
        f"{found.entries:,} entries, each as it was written. The head is {found.head}.",
        highlight=False,
        soft_wrap=True,
    )
    if not noted:
        out.print(
            "A trail made anew as a whole has another head: compare it with one that you noted before (--head)."
        )


def _moment(text: str | None) -> str | None:
    try:
        return None if text is None else trail_store.moment(text)
    except ValueError as error:
        raise Refusal(str(error)) from None
