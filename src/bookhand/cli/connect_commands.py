"""Connecting Stripe accounts: by key, by OAuth, through a platform; listing all connections, and letting go of any."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from bookhand import wiring
from bookhand.cli.app import Name, app, out, read_settings
from bookhand.cli.connecting import part
from bookhand.cli.people_commands import caller_of
from bookhand.cli.tables import connection_table
from bookhand.core.problems import Refusal
from bookhand.systems.stripe import auth, oauth_auth
from bookhand.workspace.people.store import has_people

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.systems.connection import Connection

connect = typer.Typer(no_args_is_help=True, help="Connect an outside system.")
app.add_typer(connect, name="connect")


@connect.command("stripe")
def connect_stripe(
    key: Annotated[
        str | None,
        typer.Option(
            help="A restricted key (rk_…); better: leave it out and be asked, or set STRIPE_API_KEY.",
            show_default=False,
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the connection.")] = None,
    account: Annotated[
        str | None, typer.Option(help="A connected account (acct_…) of the platform whose key it is.")
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="Calls a second by layer, where Stripe raised yours: account=200, endpoint=50."),
    ] = None,
    oauth: Annotated[
        Literal["app", "connect"] | None,
        typer.Option(help="Sign in with your Stripe App or your Connect platform instead."),
    ] = None,
) -> None:
    """Connect a Stripe account. Its mode comes from the key; several accounts and modes stand side by side."""
    settings = read_settings()
    with wiring.open_house(settings) as house:
        if oauth:
            way = oauth_auth.start_oauth(house.db, house.application(oauth), name=name)
            out.print(
                "Open this address, and say yes there; bookhand serve takes it from where Stripe sends you back:"
            )
            out.print(way, soft_wrap=True, highlight=False, markup=False)
            return
        by = manager_of(house)
        secret = key or os.environ.get("STRIPE_API_KEY") or typer.prompt("Restricted key", hide_input=True)
        base, limits = settings.stripe_base_url, limits_of(limit or [])
        if account:
            made = auth.connect_account(
                house.db, house.secrets, secret, account, name=name, base_url=base, limits=limits
            )
        else:
            webhooks = settings.public_url is not None
            made = auth.connect_with_key(
                house.db,
                house.secrets,
                secret,
                name=name,
                base_url=base,
                limits=limits,
                need_webhooks=webhooks,
            )
        out.print(
            f"Connected {made.name} ({made.link.account}, {made.link.mode} mode).",
            highlight=False,
            markup=False,
        )
        note(house, "connection.connected", made, by)
        if house.register_webhooks(made):
            out.print(f"Stripe sends its webhooks to {settings.public_url}.", highlight=False)
        else:
            out.print(
                "Without BOOKHAND_PUBLIC_URL no webhooks are registered; the event list is read every "
                f"{settings.poll_minutes} minutes instead."
            )
        out.print("Next: [bold]bookhand backfill[/], then [bold]bookhand serve[/].")


@app.command()
def connections() -> None:
    """The connections with their mode and state."""
    with wiring.open_house(read_settings()) as house:
        found = house.every()
    out.print(
        connection_table(found) if found else "Nothing is connected yet: run `bookhand connect stripe`."
    )


@app.command()
def disconnect(name: Name = None) -> None:
    """Forget a connection's tokens, and what stands of us on the other side; its books and its bank lines stay."""
    with wiring.open_house(read_settings()) as house:
        by = manager_of(house)
        connection = house.named(name)
        undone = part(house, connection)
        note(house, "connection.disconnected", connection, by)
    out.print(f"Disconnected {connection.name}. Its books stay as they are.", highlight=False, markup=False)
    for sentence in undone:
        out.print(sentence, highlight=False, markup=False)


def manager_of(house: House) -> str:
    """Who does this: somebody who may manage; the machine itself where nobody can sign in yet."""
    with house.db.transaction() as cx:
        if not has_people(cx):
            return "machine"
    caller = caller_of(house)
    caller.need("manage")
    return caller.who


def note(house: House, what: str, connection: Connection, by: str) -> None:
    """Write into the trail what somebody did to a connection."""
    link = connection.link
    with house.db.transaction() as cx:
        house.note(cx, what, link.account, {"by": by, "mode": link.mode, "name": connection.name})


def limits_of(words: list[str]) -> dict[str, int] | None:
    """``["account=200"]`` as counts by layer; None for none."""
    found = {}
    for word in words:
        layer, _, count = word.partition("=")
        if not layer or not count.isdigit() or not int(count):
            raise Refusal(f"{word!r} is no limit: write a layer and calls a second, as in account=200.")
        found[layer] = int(count)
    return found or None
