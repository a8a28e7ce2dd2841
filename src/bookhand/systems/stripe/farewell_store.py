"""Farewells: the account took our access back in Stripe's dashboard, and an event says so.

`read` is a reader (`core.ports`): in the transaction in which the event is read the connection becomes disconnected and its
sealed secrets are forgotten; the books stay. An event from before the credential that we hold is an old farewell: it came from
history, the account has connected again since, and nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bookhand.core.days import moment
from bookhand.core.facts import Link, Seen
from bookhand.core.problems import Problem
from bookhand.systems.store import set_status

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

EVENT = "account.application.deauthorized"
_LATENESS_SECONDS = 5


def read(cx: Transaction[Any], link: Link, facts: Sequence[Seen]) -> list[Problem]:
    """Disconnect `link` if one of `facts` is a farewell to the credential that we hold."""
    said_at = max((seen.as_of for seen in facts if seen.event_type == EVENT), default=None)
    if said_at is None or said_at < _held_since(cx, link) - _LATENESS_SECONDS:
        return []
    reason = f"the account took its access back at {moment(said_at)}"
    set_status(cx, link.connection_id, "disconnected", reason=reason)
    cx.execute(
        "delete from secret where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    )
    message = (
        f"Stripe account {link.account} ({link.mode}) took bookhand's access back at {moment(said_at)}. Its books stay as they "
        "are and grow no further: run `bookhand connect stripe` to go on."
    )
    return [Problem(kind="disconnected", subject=link.account, message=message)]


def _held_since(cx: Transaction[Any], link: Link) -> float:
    row = cx.execute(
        "select extract(epoch from max(updated_at))::float8 from secret where workspace_id = %s and connection_id = %s",
        (link.workspace_id, link.connection_id),
    ).fetchone()
    return float(row[0]) if row and row[0] is not None else float("inf")
