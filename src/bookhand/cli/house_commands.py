"""Commands of the house: settings, migrations, backup and restore, the sealing key, what waits for somebody."""

from __future__ import annotations

from typing import Annotated

import typer

from bookhand import wiring
from bookhand.cli.app import FileIn, FileOut, app, out, read_settings
from bookhand.cli.tables import problem_table
from bookhand.db.backup import NOT_IN_IT
from bookhand.db.backup import backup as write_backup
from bookhand.db.backup import restore as read_backup
from bookhand.workspace.store import open_problems


@app.command()
def backup(file: FileOut) -> None:
    """Write everything in the database to one file, as of one moment."""
    with wiring.open_house(read_settings()) as house:
        made = write_backup(house.db, file)
    out.print(f"Wrote {made.file} ({made.size:,} bytes, schema {made.schema_version}).", highlight=False)
    out.print(NOT_IN_IT, highlight=False)


@app.command()
def restore(
    file: FileIn,
    to: Annotated[
        str | None, typer.Option(help="An empty PostgreSQL database; without it the one of your settings.")
    ] = None,
) -> None:
    """Read a backup into an empty database, all of it or nothing."""
    made = read_backup(file, wiring.address(read_settings(), given=to))
    out.print(f"Restored {made.file} (schema {made.schema_version}, now at this version).", highlight=False)
    out.print("Put the sealing key of that time in place, then run `bookhand check`.")


@app.command()
def migrate() -> None:
    """Bring the database to this version of bookhand (serve does it by itself)."""
    with wiring.open_house(read_settings()):
        out.print("The database is at this version.")


@app.command("rotate-key")
def rotate_key() -> None:
    """Make a new sealing key and seal every stored secret with it."""
    with wiring.open_house(read_settings()) as house:
        count = house.secrets.rotate(house.db)
    out.print(f"Sealed {count} secrets with a new key. Keep a copy of the key file apart from your backups.")


@app.command()
def problems(limit: Annotated[int, typer.Option(help="How many to show.")] = 50) -> None:
    """What waits for somebody, newest first."""
    with wiring.open_house(read_settings()) as house, house.db.transaction() as cx:
        found = open_problems(cx, limit=limit)
    out.print(problem_table(found) if found else "Nothing waits for you.")


@app.command()
def settings() -> None:
    """Show the settings in force; secrets stay hidden."""
    found = read_settings()
    for name in type(found).model_fields:
        out.print(f"{name} = {getattr(found, name)}", highlight=False, markup=False, soft_wrap=True)
