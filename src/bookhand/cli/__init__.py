"""The command line: ``bookhand``. Commands are thin: what they do lives in its room, here it gets its words and its exit code.

Exit codes: 0 done, 1 something is wrong (the sentence says what), 2 the command was misspelt, 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import sys

import psycopg
from rich.markup import escape

from bookhand import logs
from bookhand.cli import (
    book_commands,
    books_commands,
    connect_commands,
    door_commands,
    house_commands,
    netsuite_commands,
    people_commands,
    quickbooks_commands,
    rights_commands,
    run_commands,
    runs_commands,
    trail_commands,
)
from bookhand.cli.app import app, err
from bookhand.core.problems import BookhandError
from bookhand.core.redaction import redact_text

__all__ = [
    "book_commands",
    "books_commands",
    "connect_commands",
    "door_commands",
    "house_commands",
    "main",
    "netsuite_commands",
    "people_commands",
    "quickbooks_commands",
    "rights_commands",
    "run_commands",
    "runs_commands",
    "trail_commands",
]


def main() -> None:
    """Run a command; what a border raises becomes one sentence and exit code 1."""
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
    err.print(f"[bold red]{family}:[/] {escape(redact_text(sentence))}", highlight=False, soft_wrap=True)
    sys.exit(1)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
