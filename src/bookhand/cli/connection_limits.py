"""How many calls a connection may make, by the name of each limit: as is usual for its system, and as somebody set it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bookhand.core.problems import Refusal
from bookhand.systems.netsuite import AT_ONCE
from bookhand.systems.quickbooks import layers as quickbooks_layers
from bookhand.systems.stripe import layers

if TYPE_CHECKING:
    from bookhand.systems.connection import Connection

_MOST_AT_ONCE = 50


def usual_limits(connection: Connection) -> dict[str, int]:
    """What is usual for its system."""
    match connection.link.system:
        case "stripe":
            return layers.limits(livemode=connection.livemode)
        case "quickbooks":
            return quickbooks_layers.limits()
        case "netsuite":
            return {"at_once": AT_ONCE}
        case _:
            return {}


def check_limits(connection: Connection, own: Mapping[str, int]) -> None:
    """`Refusal` where a limit is none of the system's, or beyond what it allows."""
    match connection.link.system:
        case "stripe":
            layers.limits(livemode=connection.livemode, overrides=own)
        case "quickbooks":
            quickbooks_layers.limits(own)
        case "netsuite":
            unknown = sorted(own.keys() - {"at_once"})
            if unknown or not 1 <= own.get("at_once", AT_ONCE) <= _MOST_AT_ONCE:
                raise Refusal(f"NetSuite has one limit, at_once, between 1 and {_MOST_AT_ONCE}.")
        case _ if own:
            raise Refusal(f"{connection.name} has no limits to set.")
