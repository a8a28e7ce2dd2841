"""``bookhand``: every command, thin. What a command does lives in its room; here it gets its words and its exit code.

Exit codes: 0 done, 1 something is wrong (the sentence says what), 2 the command was misspelt, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import psycopg
import typer
from rich.console import Console
from rich.markup import escape

from bookhand import logs
from bookhand import settings as settings_module
from bookhand.core.problems import BookhandError

app = typer.Typer(
    name="bookhand",
    help="Balanced books for Stripe that prove themselves to the cent.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
out = Console()
err = Console(stderr=True)


def main() -> None:
    """Run a command; what a border raises becomes one sentence and exit code 1."""
    from bookhand.cli import books_commands, connect_commands, house_commands, run_commands  # noqa: PLC0415, F401 (they register here)

    logs.setup(level="warning")  # what serves for long says more, by its settings
    try:
        app(standalone_mode=True)
    except BookhandError as error:
        _end(type(error).__name__, str(error))
    except psycopg.OperationalError as error:
        _end(
            "Outage",
            f"PostgreSQL could not go on: {_first_line(error)}. What was committed is kept: run it again.",
        )
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _end("Outage", f"{where}{error.strerror or error}.")
    except KeyboardInterrupt:
        sys.exit(130)


def _end(family: str, sentence: str) -> None:
    """Say it as it is (what stands in brackets is no markup), and leave."""
    err.print(f"[bold red]{family}:[/] {escape(logs.redact_text(sentence))}", highlight=False, soft_wrap=True)
    sys.exit(1)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


def read_settings(**given: object) -> settings_module.Settings:
    """The settings of this process, with what a command line gave on top."""
    return settings_module.read(**{name: value for name, value in given.items() if value is not None})


Name = Annotated[
    str | None, typer.Argument(help="The connection's name; not needed where there is only one.")
]
FileOut = Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False)]
FileIn = Annotated[Path, typer.Argument(help="The file to read.", dir_okay=False, exists=True)]
