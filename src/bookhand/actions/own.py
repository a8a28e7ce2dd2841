"""Bookhand's own actions, as data: its books, proofs, reports, periods, runs, proposals and Problems. Pure.

They touch no outside system. A person's own acts are done at once and written into the trail; an agent's are proposals, as every write.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from bookhand.actions.catalogue import OWN
from bookhand.core.action import Action, NoParams, Params, Risk, Shape
from bookhand.core.caller import Capability

MONTH = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
DAY = r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"

Connection = Annotated[
    int | None, Field(description="Only this connection, by its number.", ge=1, le=2_000_000_000)
]
Limit = Annotated[int, Field(description="How many at most.", ge=1, le=500)]
Day = Annotated[str | None, Field(description="A day, as in 2026-11-25.", pattern=DAY)]
Month = Annotated[str, Field(description="A month, as in 2026-11.", pattern=MONTH)]
Id = Annotated[str, Field(min_length=1, max_length=120)]
Why = Annotated[str, Field(description="Why, for the record.", min_length=1, max_length=1000)]
Report = Literal["trial_balance", "activity", "payouts", "suspense"]


class Entries(Params):
    """Which entries of the journal."""

    connection: Connection = None
    account: Annotated[
        str | None,
        Field(description="Only entries that touch this account of the journal (refunds).", max_length=200),
    ] = None
    since: Annotated[Day, Field(description="Booked on this day or later.")] = None
    until: Annotated[Day, Field(description="Booked before this day.")] = None
    source: Annotated[
        str | None, Field(description="Only of this object (ch_…, re_…, po_…).", max_length=120)
    ] = None
    after: Annotated[
        str | None, Field(description="Go on after the entry with this key.", max_length=200)
    ] = None
    limit: Limit = 100


class OneEntry(Params):
    """One entry."""

    connection: Annotated[int, Field(description="The connection's number.", ge=1, le=2_000_000_000)]
    key: Annotated[
        Id, Field(description="The entry's key (a balance transaction's id, or what a refinement is called).")
    ]


class Balances(Params):
    """Balances of which connection."""

    connection: Connection = None


class Proofs(Params):
    """Which proofs."""

    connection: Connection = None
    currency: Annotated[
        str | None,
        Field(description="Only this currency (USD); needed for the history.", pattern=r"^[A-Za-z]{3}$"),
    ] = None
    history: Annotated[bool, Field(description="Not only the last word on each, but those before.")] = False
    limit: Limit = 100


class RunReport(Params):
    """Which report, over which months."""

    report: Annotated[Report, Field(description="Which report.")]
    first: Annotated[Month, Field(description="The first month.")]
    last: Annotated[Month, Field(description="The last month, inclusive.")]
    connection: Connection = None


class Period(Params):
    """A month to close or to reopen."""

    period: Month
    why: Why


class Listing(Params):
    """How many."""

    limit: Limit = 100


class RunsListing(Params):
    """Which runs."""

    state: Annotated[
        Literal["queued", "running", "waiting", "paused", "parked", "done", "failed", "cancelled"] | None,
        Field(description="Only in this state."),
    ] = None
    limit: Limit = 50


class OneRun(Params):
    """One run."""

    run: Annotated[Id, Field(description="The run's id (run_…).")]


class RunAct(OneRun):
    """What to do with a run, and why."""

    reason: Why


class StartRun(Params):
    """A run that asks for one write, waits for its yes, and does it."""

    action: Annotated[
        str, Field(description="The action to ask for (refunds.create).", min_length=1, max_length=120)
    ]
    params: Annotated[
        dict[str, Any],
        Field(description="Its parameters, mode and account among them.", default_factory=dict),
    ]
    reason: Why
    connection: Connection = None


class KeepSchedule(StartRun):
    """Such a run, started by the clock."""

    name: Annotated[
        str,
        Field(
            description="What to call the schedule; one of that name is changed.", min_length=1, max_length=80
        ),
    ]
    cron: Annotated[
        str,
        Field(
            description="When: minute hour day month weekday, as in `0 9 1 * *`.", min_length=9, max_length=80
        ),
    ]
    timezone: Annotated[str, Field(description="In which time zone, as in Europe/Berlin.", max_length=60)] = (
        "UTC"
    )


class SwitchSchedule(Params):
    """A schedule to switch on or off."""

    name: Annotated[str, Field(description="The schedule's name.", min_length=1, max_length=80)]
    on: Annotated[bool, Field(description="Whether it fires.")]


class ProposalsListing(Params):
    """Which proposals."""

    state: Annotated[
        Literal[
            "waiting",
            "approved",
            "done",
            "partly",
            "failed",
            "unknown",
            "rejected",
            "withdrawn",
            "expired",
            "void",
            "replaced",
        ]
        | None,
        Field(description="Only in this state; without it those that wait for a yes."),
    ] = "waiting"
    limit: Limit = 50


class OneProposal(Params):
    """One proposal."""

    proposal: Annotated[Id, Field(description="The proposal's id (prop_…).")]


class Approve(OneProposal):
    """A yes to exactly what was seen."""

    call_hash: Annotated[
        str, Field(description="The hash of the call as it was shown.", pattern="^[0-9a-f]{64}$")
    ]
    note: Annotated[str | None, Field(description="A word for the record.", max_length=1000)] = None


class Reject(OneProposal):
    """A no, and why."""

    note: Why


def _own(
    name: str,
    summary: str,
    params: type[Params],
    result: str,
    fields: Mapping[str, str],
    *,
    risk: Risk = "read",
    many: bool = False,
    when: str = "",
    yes_needs: Capability | None = None,
) -> Action:
    return Action(
        name=name, vendor=OWN, yes_needs=yes_needs, summary=summary, params=params, result=Shape(result, fields, many), risk=risk, when=when,
        scope="none: nothing outside is touched",
    )  # fmt: skip


_ENTRY = {
    "key": "its key: a balance transaction's id, or what a refinement is called", "connection": "the connection's number",
    "booked_on": "the ledger's day", "kind": "the rule that wrote it", "why": "in a sentence", "postings": "signed lines: account, currency, minor units",
    "delivery": "the raw delivery it came from",
}  # fmt: skip
_RUN = {
    "id": "its id (run_…)",
    "state": "where it stands",
    "template": "what it does",
    "reason": "why it stands",
    "owner": "whose it is",
}
_PROPOSAL = {
    "proposal_id": "its id (prop_…)", "action": "what was asked for", "state": "what became of it", "call_hash": "what a yes binds",
    "preview": "what it would do, in words and money", "reason": "why it was asked for",
}  # fmt: skip

OWN_ACTIONS: tuple[Action, ...] = (
    _own("journal.list", "Entries of the journal", Entries, "entry", _ENTRY, many=True, when="To see what was booked; pages by `after`."),
    _own("journal.retrieve", "One entry, with where it came from", OneEntry, "entry", _ENTRY),
    _own("journal.balances", "What each account of the journal holds", Balances, "balance",
         {"account": "the account", "currency": "its currency", "minor": "signed minor units", "connection": "the connection's number"}, many=True),
    _own("proofs.list", "Whether the books equal Stripe's balance", Proofs, "proof",
         {"off_by": "the difference, 0 where it holds; null while the balance moves", "clearing": "what the books say",
          "stripe_balance": "what Stripe says", "reason": "why they differ"}, many=True),
    _own("reports.list", "The reports there are", NoParams, "report", {"name": "its name", "summary": "what it shows"}, many=True),
    _own("reports.run", "Run a report over months", RunReport, "report", {"columns": "their names", "rows": "the figures, in minor units"}),
    _own("periods.list", "Which months are closed, by whom and why", Listing, "period",
         {"period": "the month", "act": "close or reopen", "who": "by whom", "why": "why", "at": "when"}, many=True),
    _own("periods.close", "Close a month: nothing is booked into it any more", Period, "period", {"period": "the month"}, risk="write", yes_needs="manage",
         when="After its books were checked; late facts go to the open month, or wait."),
    _own("periods.reopen", "Open a closed month again", Period, "period", {"period": "the month"}, risk="write", yes_needs="manage"),
    _own("problems.list", "What waits for somebody", Listing, "problem",
         {"kind": "what kind", "subject": "of what", "message": "what happened and what to do"}, many=True),
    _own("connections.list", "The connected accounts", NoParams, "connection",
         {"id": "its number", "name": "its name", "account": "the account", "mode": "live or test", "status": "active, paused or disconnected"}, many=True),
    _own("runs.list", "Runs, newest first", RunsListing, "run", _RUN, many=True),
    _own("runs.retrieve", "One run with its steps", OneRun, "run", {**_RUN, "steps": "what was done, and what was not yet"}),
    _own("runs.pause", "Let a run stand before its next step", RunAct, "run", _RUN, risk="write", yes_needs="manage"),
    _own("runs.resume", "Let a run go on that stands", RunAct, "run", _RUN, risk="write", yes_needs="manage"),
    _own("runs.cancel", "End a run before its next step", RunAct, "run", _RUN, risk="irreversible", yes_needs="manage"),
    _own("runs.start", "Start a run that asks for one write, waits for its yes, and does it", StartRun, "run", _RUN, risk="write",
         when="To have it tracked as one piece of work; `propose` alone asks just the same."),
    _own("schedules.list", "What the clock starts", NoParams, "schedule",
         {"name": "its name", "cron": "when", "next_at": "when next", "enabled": "whether it fires", "owner": "in whose name"}, many=True),
    _own("schedules.keep", "Let the clock start such a run, in your name", KeepSchedule, "schedule", {"name": "its name", "next_at": "when next"},
         risk="write", when="Each run asks anew; the rights are yours at that moment."),
    _own("schedules.switch", "Switch a schedule on or off", SwitchSchedule, "schedule", {"name": "its name", "enabled": "whether it fires"}, risk="write", yes_needs="manage"),
    _own("approvals.list", "What waits for a yes", ProposalsListing, "proposal", _PROPOSAL, many=True),
    _own("approvals.retrieve", "One proposal, with what was said of it", OneProposal, "proposal", _PROPOSAL),
    _own("approvals.approve", "Say yes to a proposal", Approve, "proposal", _PROPOSAL, risk="write", when="By a person; never by an agent."),
    _own("approvals.reject", "Say no to a proposal", Reject, "proposal", _PROPOSAL, risk="write", when="By a person; never by an agent."),
)  # fmt: skip
