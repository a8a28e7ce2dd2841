"""What the pages of one connection have in common."""

from __future__ import annotations

from bookhand.core.problems import Missing
from bookhand.systems import store as connections
from bookhand.web.integrations import library, store
from bookhand.web.page.site import Seen, Site
from bookhand.web.page.wording import plain


def head(site: Site, key: str, number: int) -> Seen:
    """What every page of a connection has at its head; `Missing` where the address names another system than it is of."""
    with site.db.transaction() as cx:
        connection = connections.get(cx, number)
        since = store.connected_at(cx).get(number)
    manifest = library.of_connection(connection)
    if manifest.key != key:
        raise Missing(plain("integrations.connection.missing"))
    actions = any(each.vendor == manifest.key for each in site.door.kit.catalogue.actions.values())
    return {
        "connection": connection, "system": manifest, "connected_at": since, "has_actions": actions,
        "icon_of": library.icon_of, "base": f"/settings/integrations/{key}/{number}",
    }  # fmt: skip
