"""Connecting a QuickBooks company: somebody signs in at Intuit, and comes back to this machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qsl, urlsplit

import typer

from bookhand import wiring
from bookhand.cli.app import out, read_settings
from bookhand.cli.at_intuit import application_of, said_of
from bookhand.cli.connect_commands import connect, limits_of, manager_of, note
from bookhand.core.problems import Refusal
from bookhand.systems.quickbooks.auth import back_of, came_back, finish_sign_in, start_sign_in

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.systems.connection import Connection

_LOOK_SECONDS = 1.0
_KEEPING_LOOKS = 45


@connect.command("quickbooks")
def connect_quickbooks(
    name: Annotated[str | None, typer.Option(help="What to call the connection.")] = None,
    limit: Annotated[
        list[str] | None, typer.Option(help="Our limits, where Intuit raised yours: company=500 and batch=40 a minute, app=10 a second.")
    ] = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="Paste the address you end at, where bookhand serve cannot be reached by your browser.")
    ] = False,
    wait: Annotated[bool, typer.Option(help="Wait until somebody has signed in.")] = True,
) -> None:  # fmt: skip
    """Connect a QuickBooks Online company as a book. Needs an app of yours at Intuit: see docs/quickbooks.md."""
    settings = read_settings()
    with wiring.open_house(settings) as house:
        by = manager_of(house)
        application = application_of(settings)
        address = start_sign_in(house.db, application, name=name, limits=limits_of(limit or []))
        out.print("Open this address, choose the company and say yes there:")
        out.print(address, soft_wrap=True, highlight=False, markup=False)
        if paste:
            landed = typer.prompt("The address you were sent to then")
            made = finish_sign_in(
                house.db, house.secrets, application, back_of(dict(parse_qsl(urlsplit(landed).query)))
            )
        elif wait:
            out.print(f"bookhand serve takes it from there, at {application.redirect_uri}. Waiting; Ctrl-C stops the waiting alone.", highlight=False)  # fmt: skip
            made = _awaited(house, address)
        else:
            return
        note(house, "connection.connected", made, by)
        out.print(said_of(house, made), highlight=False, markup=False)


def _awaited(house: House, address: str) -> Connection:
    """The connection, once somebody has come back and it is kept; `Refusal` where it is not."""
    patience = _KEEPING_LOOKS
    while patience:
        made, waits = came_back(house.db, address)
        if made is not None:
            return made
        patience -= not waits  # somebody came back: their code is being exchanged
        time.sleep(_LOOK_SECONDS)
    raise Refusal(
        "The sign-in was not finished: the page you were sent to says why, or it is over a quarter of an hour old. Start again."
    )
