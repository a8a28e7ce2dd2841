"""What every command of ``bookhand`` shares: the Typer app they register with, the two consoles, the settings, common arguments."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bookhand import settings as settings_module

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


def read_settings(**given: object) -> settings_module.Settings:
    """The settings of this process, with what a command line gave on top."""
    return settings_module.read(**{name: value for name, value in given.items() if value is not None})


Name = Annotated[
    str | None, typer.Argument(help="The connection's name; not needed where there is only one.")
]
FileOut = Annotated[Path, typer.Argument(help="The file to write.", dir_okay=False)]
FileIn = Annotated[Path, typer.Argument(help="The file to read.", dir_okay=False, exists=True)]
