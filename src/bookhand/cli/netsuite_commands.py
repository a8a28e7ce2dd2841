"""Connecting NetSuite: a certificate is made here and uploaded there, or a token pair is typed in. Nothing secret is on a command line."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bookhand import wiring
from bookhand.cli.app import out, read_settings
from bookhand.cli.connect_commands import connect, manager_of, note
from bookhand.core.problems import Refusal
from bookhand.systems.netsuite import MANIFEST, auth
from bookhand.systems.netsuite.session.place import place_of
from bookhand.systems.netsuite.session.token_auth import TokenPair

if TYPE_CHECKING:
    from bookhand.house import House
    from bookhand.settings import Settings
    from bookhand.systems.connection import Connection


@connect.command("netsuite")
def connect_netsuite(
    *,
    account: Annotated[
        str, typer.Option(help="The account id, as in 1234567 or 1234567_SB1.", prompt="Account id")
    ],
    subsidiary: Annotated[
        str | None,
        typer.Option(help="Whose books these are, in a OneWorld account: the subsidiary's internal id."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the connection.")] = None,
    client_id: Annotated[str | None, typer.Option(help="The client id of the integration record.")] = None,
    certificate_id: Annotated[
        str | None, typer.Option(help="What NetSuite calls the certificate once it is uploaded.")
    ] = None,
    new_certificate: Annotated[
        bool,
        typer.Option(
            "--new-certificate", help="Make a new certificate, in place of one that waits or ends soon."
        ),
    ] = False,
    tokens: Annotated[
        bool,
        typer.Option("--tokens", help="Sign in with a token pair instead (it goes away in 2027 and 2028)."),
    ] = False,
    at_once: Annotated[
        int | None,
        typer.Option(
            min=1, max=50, help="Requests at once that bookhand may take of the account's; 5 without it."
        ),
    ] = None,
) -> None:
    """Connect a NetSuite account, so that the journal can be mirrored into it."""
    settings = read_settings()
    with wiring.open_house(settings) as house:
        by = manager_of(house)
        more: dict[str, Any] = {
            "subsidiary": subsidiary, "name": name, "base_url": settings.netsuite_base_url, "limits": {"at_once": at_once} if at_once else None
        }  # fmt: skip
        if tokens:
            made = auth.connect_with_tokens(house.db, house.secrets, account, _pair(), **more)
        else:
            ids = (
                (client_id, certificate_id) if client_id and certificate_id and not new_certificate else None
            )
            if ids is None:
                _show_certificate(house, settings, account, fresh=new_certificate)
                ids = _typed(client_id, None if new_certificate else certificate_id)
            if ids is None:
                out.print("Then run this again with [bold]--client-id[/] and [bold]--certificate-id[/].")
                return
            made = auth.connect_with_certificate(
                house.db, house.secrets, account, client_id=ids[0], certificate_id=ids[1], **more
            )
        note(house, "connection.connected", made, by)
    _say(made)


def _show_certificate(house: House, settings: Settings, account: str, *, fresh: bool) -> None:
    """Write the public half where a person finds it, and say what to do with it."""
    pair = auth.begin(house.db, house.secrets, account, now=datetime.now(UTC), fresh=fresh)
    file = Path(settings.data_dir) / f"netsuite-{place_of(account).slug}.pem"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(pair.certificate_pem)
    needs = "\n".join(f"     {need.permission} ({need.access})" for need in MANIFEST.needs)
    out.print(
        "In NetSuite, as an administrator:\n"
        "  1. Setup > Company > Enable Features > SuiteCloud: REST Web Services and OAuth 2.0.\n"
        f"  2. A role for bookhand with\n{needs}\n"
        "  3. Setup > Integration > Manage Integrations > New: Client Credentials (Machine to Machine) Grant, scope REST Web Services. "
        "Keep the client id.\n"
        "  4. Setup > Integration > OAuth 2.0 Client Credentials (M2M) Setup > Create New: the user, the role, the integration, and this file:\n"
        f"     {file} (valid until {pair.expires}; it is public)\n"
        "     Keep the certificate id.",
        highlight=False, markup=False, soft_wrap=True,
    )  # fmt: skip


def _typed(client_id: str | None, certificate_id: str | None) -> tuple[str, str] | None:
    """Both ids, as a person types them once NetSuite told them; None where nobody is there to type."""
    if not sys.stdin.isatty():
        return None
    return client_id or typer.prompt("Client id"), certificate_id or typer.prompt("Certificate id")


def _pair() -> TokenPair:
    """The four values, typed unseen, or one a line from where the input comes."""
    labels = ("Consumer key", "Consumer secret", "Token id", "Token secret")
    if sys.stdin.isatty():
        values = [typer.prompt(label, hide_input=True) for label in labels]
    else:
        values = [sys.stdin.readline().strip() for _ in labels]
    if not all(values):
        raise Refusal("A token pair is four lines: consumer key, consumer secret, token id, token secret.")
    return TokenPair(
        consumer_key=values[0], consumer_secret=values[1], token_id=values[2], token_secret=values[3]
    )


def _say(made: Connection) -> None:
    out.print(
        f"Connected {made.name} ({made.link.account}, {made.link.mode} mode).", highlight=False, markup=False
    )
    expires = made.settings.get("certificate_expires")
    if expires:
        out.print(f"Its certificate ends on {expires}; bookhand says so sixty days ahead.", highlight=False)
