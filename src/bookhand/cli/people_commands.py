"""Commands about people: the first owner, invitations, roles, tokens; and signing in on the command line itself.

    house = …; caller = caller_of(house)       # who runs this command: BOOKHAND_TOKEN, or the session of `bookhand sign-in`

Whoever can read the data folder holds the house, so `bookhand owner` asks for nothing; everything else asks who is there.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import psycopg
import typer
from rich.markup import escape
from rich.table import Table

from bookhand import wiring
from bookhand.cli.app import app, out, read_settings
from bookhand.core.caller import CAPABILITIES, ROLES, Caller, Channel, Role
from bookhand.workspace.people import invitation_store, session_store, store
from bookhand.workspace.people.person import NoSuch, NotSignedIn, Person, address
from bookhand.workspace.people.sign_in_workflow import Half, Source

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.workspace.people.session_store import NewSession

_SESSION = "session.json"
_HERE = Source("command line", "bookhand")
token = typer.Typer(no_args_is_help=True, help="API tokens: make, list, revoke.")
app.add_typer(token, name="token")


def caller_of(house: House, *, channel: Channel = "cli") -> Caller:
    """Who runs this command: by BOOKHAND_TOKEN, or by the session that `bookhand sign-in` kept; `NotSignedIn` with what to do."""
    bearer, session = os.environ.get("BOOKHAND_TOKEN") or None, _kept(_file(house))
    with house.db.transaction() as cx:
        found = session_store.authenticate(cx, session=session, bearer=bearer, channel=channel, now=_now())
        if found is None and not store.has_people(cx):
            raise NotSignedIn(
                "Nobody is here yet: run `bookhand owner` with your e-mail address, and open the link."
            )
    if found is not None:
        return found
    if bearer:
        raise NotSignedIn("BOOKHAND_TOKEN is not good: it was revoked, is over, or its person was disabled.")
    raise NotSignedIn("Nobody is signed in: run `bookhand sign-in`, or set BOOKHAND_TOKEN to an API token.")


@app.command()
def owner(email: Annotated[str, typer.Argument(help="The owner's e-mail address.")]) -> None:
    """Make the first owner, or let an owner in who is locked out: prints a link that works once."""
    with wiring.open_house(read_settings()) as house:
        with house.db.transaction() as cx:
            link = invitation_store.owner_link(cx, email, now=_now(), note=house.note)
        again = link.invitation.kind == "reset"
        out.print(
            "Open this link within a day to set a new password; second factors are taken away by it:"
            if again
            else f"Open this link within a day, while `bookhand serve` runs; {link.invitation.email} comes in as owner:"
        )
        _print_link(house, link.secret)


@app.command()
def link(email: Annotated[str, typer.Argument(help="Whom to sign in.")]) -> None:
    """Sign somebody in who is here already: prints a link that works once, within half an hour, and changes no password."""
    with wiring.open_house(read_settings()) as house:
        with house.db.transaction() as cx:
            made = invitation_store.entry_link(cx, email, now=_now(), note=house.note)
        out.print(
            f"Open this link within half an hour, while `bookhand serve` runs; it signs {made.invitation.email} in:"
        )
        _print_link(house, made.secret, way="enter")


@app.command()
def people() -> None:
    """Everybody of this workspace, with role and second factor."""
    with wiring.open_house(read_settings()) as house:
        caller_of(house).need("read")
        with house.db.transaction() as cx:
            found = store.every(cx)
    out.print(_people_table(found))


@app.command()
def invite(
    email: Annotated[str, typer.Argument(help="Whom to invite.")],
    role: Annotated[Role, typer.Option(help=f"One of {', '.join(ROLES)}.")] = "viewer",
) -> None:
    """Invite somebody: prints a link that works once, within seven days."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            link = invitation_store.invite(cx, caller, email, role, now=_now(), note=house.note)
        out.print(
            f"Send this link to {link.invitation.email}, who comes in as {role}; it works once:",
            highlight=False,
        )
        _print_link(house, link.secret)


@app.command()
def role(
    email: Annotated[str, typer.Argument(help="Whose role.")],
    role: Annotated[Role, typer.Argument(help=f"One of {', '.join(ROLES)}.")],
) -> None:
    """Give somebody another role; it ends the sessions of that person."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            person = _named(cx, email)
            found = store.change_role(cx, caller, person.id, role, now=_now(), note=house.note)
    out.print(f"{found.name} is {found.role} now.", highlight=False, markup=False)


@app.command()
def disable(email: Annotated[str, typer.Argument(help="Whom to let in no more.")]) -> None:
    """Let somebody in no more: sessions end, tokens are revoked."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            found = store.disable(cx, caller, _named(cx, email).id, now=_now(), note=house.note)
    out.print(f"{found.name} cannot come in any more.", highlight=False, markup=False)


@app.command("sign-in")
def sign_in(
    email: Annotated[str | None, typer.Option(help="Your e-mail address; asked for if left out.")] = None,
) -> None:
    """Sign in on this command line; the session is kept in the data folder, for your user alone."""
    with wiring.open_house(read_settings()) as house:
        door, plain = house.sign_in(), email or typer.prompt("E-mail")
        found = door.by_password(plain, typer.prompt("Password", hide_input=True), source=_HERE, now=_now())
        if isinstance(found, Half):
            code = typer.prompt("Code of your authenticator app, or a recovery code")
            found = door.by_code(found.step, code, source=_HERE, now=_now())
        _keep(_file(house), found)
        name = caller_of_session(house, found).name
    out.print(f"Signed in as {name} until {found.expires_at:%H:%M} UTC.", highlight=False, markup=False)


@app.command("sign-out")
def sign_out() -> None:
    """End the session of this command line."""
    with wiring.open_house(read_settings()) as house:
        secret = _kept(_file(house))
        if secret:
            house.sign_in().sign_out(secret, now=_now())
        _file(house).unlink(missing_ok=True)
    out.print("Signed out.")


@token.command("create")
def create_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[
        list[str], typer.Option(help=f"What it may do; again for more: {', '.join(CAPABILITIES)}.")
    ],
    days: Annotated[
        int, typer.Option(help="After how many days it ends (1 to 366).")
    ] = session_store.TOKEN_DAYS,
) -> None:
    """Make an API token of your own; it is printed this once."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            made, secret = session_store.make_token(
                cx, caller, name, scope, days=days, now=_now(), note=house.note
            )
    out.print(
        f"Token {made.id} ({', '.join(made.scopes)}), until {made.expires_at:%Y-%m-%d}; it is not shown again:",
        highlight=False,
    )
    out.print(secret, highlight=False, markup=False, soft_wrap=True)


@token.command("list")
def list_tokens() -> None:
    """Your tokens; for who cares for people, everybody's."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            found = session_store.tokens(cx, caller, now=_now())
    out.print(_token_table(found) if found else "There are no tokens.")


@token.command("revoke")
def revoke_token(number: Annotated[int, typer.Argument(help="The token's number.")]) -> None:
    """Revoke a token; it works no more from this moment."""
    with wiring.open_house(read_settings()) as house:
        caller = caller_of(house)
        with house.db.transaction() as cx:
            session_store.revoke_token(cx, caller, number, now=_now(), note=house.note)
    out.print(f"Token {number} is revoked.")


def caller_of_session(house: House, session: NewSession) -> Caller:
    """Who has just signed in."""
    with house.db.transaction() as cx:
        found = session_store.authenticate(cx, session=session.secret, bearer=None, channel="cli", now=_now())
    if found is None:
        raise NotSignedIn("The session ended at once: sign in again.")
    return found


def _named(cx: psycopg.Connection[Any], email: str) -> Person:
    found = store.by_email(cx, address(email))
    if found is None:
        raise NoSuch(f"There is nobody with the address {email}: `bookhand people` lists everybody.")
    return found


def _print_link(house: House, secret: str, *, way: str = "welcome") -> None:
    settings = house.settings
    base = settings.public_url or f"http://localhost:{settings.port}"
    out.print(f"{base}/{way}/{secret}", soft_wrap=True, highlight=False, markup=False)


def _file(house: House) -> Path:
    return house.settings.data_dir / _SESSION


def _keep(path: Path, session: NewSession) -> None:
    """For this user alone from the first moment, and whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        json.dump({"session": session.secret, "expires_at": session.expires_at.isoformat()}, file)
    fresh.replace(path)


def _kept(path: Path) -> str | None:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return str(found["session"]) if isinstance(found, dict) and "session" in found else None


def _people_table(found: list[Person]) -> Table:
    table = Table("", "Name", "E-mail", "Role", "Second factor", "Since", box=None)
    for each in found:
        second = "disabled" if each.disabled_at else ", ".join(each.second) or "none"
        table.add_row(
            str(each.id),
            escape(each.name),
            escape(each.email),
            each.role,
            second,
            f"{each.created_at:%Y-%m-%d}",
        )
    return table


def _token_table(found: list[session_store.Token]) -> Table:
    table = Table("", "Name", "Whose", "May", "Until", "Last used", box=None)
    for each in found:
        used = f"{each.used_at:%Y-%m-%d %H:%M}" if each.used_at else "never"
        table.add_row(
            str(each.id),
            escape(each.name),
            escape(each.person),
            ", ".join(each.scopes),
            f"{each.expires_at:%Y-%m-%d}",
            used,
        )
    return table


def _now() -> datetime:
    return datetime.now(UTC)
