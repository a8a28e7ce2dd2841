"""Signing in at Intuit by the app of the settings: what the command and the pages of integrations share."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bookhand.core.problems import BookhandError, Refusal
from bookhand.systems.quickbooks.auth import Application, back_of, finish_sign_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bookhand.house import House
    from bookhand.settings import Settings
    from bookhand.systems.connection import Connection

BACK = "/oauth/quickbooks"


def application_of(settings: Settings, *, home: str | None = None) -> Application:
    """The app at Intuit of the settings; `Refusal` that names what is not set.

    Without a public address people come back to localhost, at the port where the browser is (`home`): Intuit takes no other name.
    """
    client_id, secret = settings.quickbooks_client_id, settings.quickbooks_client_secret
    if not (client_id and secret):
        missing = [
            name
            for name, value in (
                ("BOOKHAND_QUICKBOOKS_CLIENT_ID", client_id),
                ("BOOKHAND_QUICKBOOKS_CLIENT_SECRET", secret),
            )
            if not value
        ]
        raise Refusal(f"Connecting QuickBooks needs {' and '.join(missing)}: see docs/quickbooks.md.")
    port = (urlsplit(home).port if home else None) or settings.port
    here = settings.public_url or f"http://localhost:{port}"
    return Application(
        client_id=client_id, client_secret=secret.get_secret_value(), redirect_uri=f"{here}{BACK}", mode=settings.quickbooks_mode,
        base_url=settings.quickbooks_base_url, discovery_url=settings.quickbooks_discovery_url,
    )  # fmt: skip


def signed_in(house: House, sent: Mapping[str, str], *, home: str | None = None) -> Connection:
    """Finish the sign-in of somebody who came back."""
    return finish_sign_in(house.db, house.secrets, application_of(house.settings, home=home), back_of(sent))


def said_of(house: House, made: Connection) -> str:
    """What was connected, in a sentence or two."""
    kit = house.door.kit
    try:
        found = kit.performers["quickbooks"].read(
            made.link, kit.catalogue.action("quickbooks.company.retrieve"), {}
        )
    except BookhandError as error:
        return f"Connected {made.name} ({made.link.mode} mode), and it could not be read yet: {error}"
    return (
        f"Connected {made.name} ({found.data['home_currency']}, {made.link.mode} mode). {found.data['pace']} Nothing is written into it "
        "before you agree to a mapping."
    )
