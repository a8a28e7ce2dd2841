"""The demo's refund: asked for, shown as a card, approved by somebody else, done once, and found again in the journal and the trail."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.console import Console

from bookhand.actions import call_store, store
from bookhand.cli.cards import card
from bookhand.core.caller import Caller, Role, capabilities
from bookhand.core.problems import Outage, Refusal
from bookhand.workspace.trail_store import head, verify_all

if TYPE_CHECKING:
    from bookhand.actions.proposal import Proposal
    from bookhand.house import House
    from bookhand.systems.connection import Connection

MINOR = 500
_WHY = ("Charged twice for one seat", "Cancelled within the trial")
_PATIENCE_SECONDS = 60.0


def refund(out: Console, house: House, connection: Connection) -> Proposal:
    """Give five units of a late charge back, the whole way through the door."""
    asks, approves = person(house, "operator"), person(house, "approver")
    where = {"account": connection.link.account, "mode": connection.link.mode}
    found = house.door.read(asks, "charges.list", {"limit": 100, **where}, why="The demo's refund")
    charge = next((each for each in found.data if _fits(each)), None)
    if charge is None:
        raise Refusal("None of the last hundred charges can be refunded: the demo's refund was not tried.")
    asked = house.door.propose(
        asks, "refunds.create", {"charge": charge["id"], "amount": MINOR, **where}, "Charged twice"
    )
    out.print(
        "\nA refund is asked for by an operator; nothing is sent before an approver says yes to exactly this:"
    )
    out.print(card(asked))
    house.door.approve(approves, asked.proposal_id, asked.call_hash, note="The demo says yes")
    return _done(house, asked)


def leave_waiting(house: House, connection: Connection) -> None:
    """Something for whoever opens the app: two refunds that an operator asked for, and nobody has said yes to."""
    asks = person(house, "operator")
    where = {"account": connection.link.account, "mode": connection.link.mode}
    found = house.door.read(asks, "charges.list", {"limit": 100, **where}, why="The demo's refunds")
    fitting = [each for each in found.data if _fits(each)]
    for charge, part, why in zip(fitting, (MINOR, None), _WHY, strict=False):
        amount = {} if part is None else {"amount": part}
        house.door.propose(asks, "refunds.create", {"charge": charge["id"], **amount, **where}, why)


def told(out: Console, house: House, done: Proposal, connection: Connection) -> bool:
    """Whether the refund is there once: in the ledger of calls, in the journal and in a trail that verifies."""
    with house.db.transaction() as cx:
        calls = call_store.calls(cx, done.workspace_id, done.proposal_id)
        row = cx.execute(
            "select count(*) from journal_entry where workspace_id = %s and connection_id = %s and source = %s and key like 'txn%%'",
            (done.workspace_id, connection.id, done.result_id),
        ).fetchone()
        verdict, (count, _) = verify_all(cx, done.workspace_id), head(cx, done.workspace_id)
    entries = int(row[0]) if row else 0
    good = (
        done.state == "done"
        and [call.state for call in calls] == ["done"]
        and entries == 1
        and not verdict.findings
    )
    out.print(
        f"The refund {done.result_id} {done.state}, by run {done.run_id}, tries: {calls[0].attempts if calls else 0}; "
        f"{entries} entry in the journal; the trail's {count} entries {'verify' if not verdict.findings else 'do not verify'}.",
        highlight=False,
    )  # fmt: skip
    return good


def _done(house: House, asked: Proposal) -> Proposal:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until:
        with house.db.transaction() as cx:
            found = store.proposal(cx, asked.workspace_id, asked.proposal_id)
        if found.is_final:
            return found
        time.sleep(0.1)
    raise Outage(
        f"The refund was not done in {_PATIENCE_SECONDS:.0f} s: `bookhand proposal {asked.proposal_id}` says why."
    )


def _fits(charge: dict[str, Any]) -> bool:
    return bool(
        charge["paid"] and charge["captured"] and not charge["refunded"] and not charge["disputed"] and not charge["amount_refunded"]
        and charge["amount"] >= 2 * MINOR and charge["payment_method_details"]["type"] == "card"
    )  # fmt: skip


def person(house: House, role: Role) -> Caller:
    """Somebody of the demo's company, who lives for this one refund."""
    return Caller(
        workspace_id=house.db.workspace_id, who=f"demo:{role}", name=f"The demo's {role}", role=role, can=capabilities(role), channel="cli"
    )  # fmt: skip
