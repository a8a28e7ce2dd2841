"""``/settings/integrations``: the library of systems, and a page for each.

How they are connected is in `connect_routes`, the connections themselves in `connection_routes`. What is done goes through
`room.Connecting`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.systems.manifest import Manifest, Standing, standing
from bookhand.web.integrations import connect_routes, connection_routes, library, store
from bookhand.web.integrations.room import NO_SIGN_IN, Connecting
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Seen, Site

HOME = connect_routes.HOME


def routes(site: Site) -> APIRouter:
    """Every page of integrations."""
    router = site.router()
    room = cast("Connecting", site.rooms["integrations"]) if "integrations" in site.rooms else None
    if room is None:
        return router
    connection_routes.add(router, site, room)
    connect_routes.add(router, site, room)

    @router.get(HOME)
    def shelf(request: Request) -> Response:
        return site.show(request, "integrations/library.html", lambda me: _library(site, room, me))

    @router.get(f"{HOME}/{{key}}")
    def system(request: Request, key: str) -> Response:
        return site.show(request, "integrations/system.html", lambda me: _system(site, room, me, key))

    return router


# --- the library, and a system ---


def _library(site: Site, room: Connecting, me: Viewer) -> Seen:
    seen = _known(site, me)
    shelves = [
        (category, [(each, _mine(each, seen["connections"])) for each in library.of_category(category)])
        for category in library.CATEGORIES
    ]
    lacking = {each.key: room.lacking(each.key) for each in library.LIBRARY}
    return {
        **seen,
        "shelves": [(category, found) for category, found in shelves if found],
        "empty_shelves": [category for category, found in shelves if not found],
        "lacking": lacking,
        "no_sign_in": NO_SIGN_IN,
        "icon_of": library.icon_of,
        "manifest_of": library.of_connection,
        "stands_of": _stands_of(me),
    }


def _system(site: Site, room: Connecting, me: Viewer, key: str) -> Seen:
    manifest = library.manifest(key)
    seen = _known(site, me)
    catalogue = site.door.kit.catalogue
    return {
        **seen,
        "system": manifest,
        "mine": _mine(manifest, seen["connections"]),
        "lacking": room.lacking(key),
        "actions": _by_resource([each for each in catalogue.actions.values() if each.vendor == manifest.key]),
        "events": _by_family(
            [
                (each, catalogue.listeners(each))
                for each in catalogue.events.values()
                if each.vendor == manifest.key
            ]
        ),
        "alternatives": [(library.manifest(each.key), each.when) for each in manifest.alternatives],
        "folder": room.bank_folder(),
        "no_sign_in": NO_SIGN_IN,
        "icon_of": library.icon_of,
        "manifest_of": library.of_connection,
        "stands_of": _stands_of(me),
    }


def _known(site: Site, me: Viewer) -> dict[str, Any]:
    """Every connection, with what a card says of it."""
    with site.db.transaction() as cx:
        return {
            "connections": connections.every(cx),
            "since": store.connected_at(cx),
            "problems": store.problems_of(cx, me.caller.workspace_id),
            "histories": store.backfills(cx),
        }


def _stands_of(me: Viewer) -> Callable[[Connection], Standing | None]:
    """How a connection's API version stands today."""

    def stands(connection: Connection) -> Standing | None:
        version = library.of_connection(connection).version
        return (
            standing(version, connection.link.api_version, today=me.reads.today(me.now)) if version else None
        )

    return stands


def _mine(manifest: Manifest, found: list[Connection]) -> list[Connection]:
    return [each for each in found if library.of_connection(each).key == manifest.key]


def _by_resource(actions: list[Any]) -> list[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for each in sorted(actions, key=lambda one: (one.resource, one.risk == "read", one.name)):
        found.setdefault(each.resource, []).append(each)
    return list(found.items())


def _by_family(events: list[Any]) -> list[tuple[str, list[Any]]]:
    found: dict[str, list[Any]] = {}
    for event, listeners in events:
        found.setdefault(event.name.rpartition(".")[0], []).append((event, listeners))
    return list(found.items())
