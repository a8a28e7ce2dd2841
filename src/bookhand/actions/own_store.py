"""What bookhand's own actions do, each in the transaction that is open: its answer is JSON.

OWN["journal.balances"](cx, caller, {"connection": 1})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.rows import dict_row

from bookhand.actions import store
from bookhand.actions.asked import Rights
from bookhand.actions.kit import Own
from bookhand.actions.rights.rights_store import grants_of
from bookhand.core.action import Values
from bookhand.core.caller import Caller
from bookhand.core.days import zone
from bookhand.core.problems import Conflict, Missing, Refusal
from bookhand.journal import period_store, proof_store
from bookhand.runs import schedule_store
from bookhand.runs import store as runs
from bookhand.runs.run import Run
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.workspace.store import open_problems

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

REPORTS: Mapping[str, str] = {
    "trial_balance": "What each account holds at the end of the last month, and what the months changed",
    "activity": "What each account changed, month by month",
    "payouts": "Payouts booked in the months: members and net of each",
    "suspense": "What no rule could explain, entry by entry",
}
"""Report to what it shows."""


def _entries(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    wanted = {
        "workspace": caller.workspace_id,
        **{name: values.get(name) for name in ("connection", "account", "since", "until", "source", "after")},
    }
    return _rows(
        cx,
        f"""
        select {_ENTRY} from journal_entry e where workspace_id = %(workspace)s
            and (%(connection)s::int is null or connection_id = %(connection)s)
            and (%(account)s::text is null or %(account)s = any (accounts))
            and (%(since)s::date is null or booked_on >= %(since)s::date) and (%(until)s::date is null or booked_on < %(until)s::date)
            and (%(source)s::text is null or source = %(source)s or key = %(source)s)
            and (%(after)s::text is null or key collate "C" > %(after)s)
        order by key collate "C", connection_id limit %(limit)s
        """,
        {**wanted, "limit": values["limit"]},
    )


_ENTRY = """
    key, connection_id as connection, booked_on::text, happened_at, kind, why, reverses, source, delivery,
    (select jsonb_agg(jsonb_build_object('account', a, 'currency', c, 'minor', m))
        from unnest(accounts, currencies, minors) as l (a, c, m)) as postings
"""


def _entry(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    found = _rows(
        cx,
        f"select {_ENTRY} from journal_entry where workspace_id = %s and connection_id = %s and key = %s",
        (caller.workspace_id, values["connection"], values["key"]),
    )
    if not found:
        raise Missing(
            f"There is no entry {values['key']} in the journal of connection {values['connection']}."
        )
    return found[0]


def _balances(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    return _rows(
        cx,
        """
        select connection_id as connection, account, currency, minor from journal_balance
        where workspace_id = %s and (%s::int is null or connection_id = %s) order by 1, 2, 3
        """,
        (caller.workspace_id, values.get("connection"), values.get("connection")),
    )


def _proofs(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    found: list[dict[str, Any]] = []
    for each in _stripe(cx, values):
        currency = values.get("currency")
        if values.get("history"):
            if not currency:
                raise Refusal("The history of proofs is asked for in one currency: give `currency`.")
            proofs = proof_store.history(cx, each.link, currency=currency.upper(), limit=values["limit"])
        else:
            proofs = [
                proof
                for proof in proof_store.newest(cx, each.link)
                if currency in {None, proof.currency, proof.currency.lower()}
            ]
        found += [
            {
                "connection": each.id,
                "name": each.name,
                "mode": each.link.mode,
                **_without(msgspec.to_builtins(proof), "link"),
                "holds": proof.holds,
            }
            for proof in proofs
        ]
    return found


def _reports(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del cx, caller, values
    return [{"name": name, "summary": what} for name, what in REPORTS.items()]


def _report(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    if values["first"] > values["last"]:
        raise Refusal(f"The first month ({values['first']}) comes after the last ({values['last']}).")
    cursor = cx.execute(
        _REPORT_SQL[values["report"]],
        {
            "workspace": caller.workspace_id,
            "connection": values.get("connection"),
            "first": values["first"],
            "last": values["last"],
        },
    )
    columns = [column.name for column in cursor.description or ()]
    return {
        "report": values["report"],
        "first": values["first"],
        "last": values["last"],
        "columns": columns,
        "rows": [list(row) for row in cursor],
    }


_MINE = "workspace_id = %(workspace)s and (%(connection)s::int is null or connection_id = %(connection)s)"
_REPORT_SQL: Mapping[str, str] = {
    "trial_balance": f"""
        select connection_id as connection, account, currency,
            coalesce(sum(minor) filter (where month < %(first)s), 0)::bigint as opening,
            coalesce(sum(minor) filter (where month >= %(first)s), 0)::bigint as change, sum(minor)::bigint as closing
        from journal_activity where {_MINE} and month <= %(last)s group by 1, 2, 3 order by 1, 2, 3
    """,
    "activity": f"""
        select month, connection_id as connection, account, currency, minor from journal_activity
        where {_MINE} and month between %(first)s and %(last)s and minor <> 0 order by 1, 2, 3, 4
    """,
    "payouts": f"""
        select e.booked_on::text, e.connection_id as connection, e.source as payout, p.currency, p.members, p.net
        from journal_entry e join journal_payout p
            on (p.workspace_id, p.connection_id, p.payout) = (e.workspace_id, e.connection_id, e.source)
        where e.{_MINE.replace(" connection_id", " e.connection_id")} and e.kind = 'payout'
            and e.booked_on >= (%(first)s || '-01')::date and e.booked_on < ((%(last)s || '-01')::date + interval '1 month')
        order by 1, 3
    """,
    "suspense": f"""
        select booked_on::text, connection_id as connection, key, account, currency, minor from journal_posting
        where {_MINE} and account like 'suspense%%' and booked_on >= (%(first)s || '-01')::date
            and booked_on < ((%(last)s || '-01')::date + interval '1 month') order by 1, 3
    """,
}


def _periods(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    acts = period_store.acts(cx, caller.workspace_id)[-values["limit"] :]
    found: list[dict[str, Any]] = msgspec.to_builtins(acts)
    return found


def _close(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    return _act(cx, caller, values, "close")


def _reopen(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    return _act(cx, caller, values, "reopen")


def _act(cx: Transaction[Any], caller: Caller, values: Values, act: Any) -> dict[str, Any]:
    caller.need("manage")
    calendar = period_store.calendar(cx, caller.workspace_id)
    closed = values["period"] in calendar.closed
    if closed == (act == "close"):
        raise Conflict(f"{values['period']} is {'closed' if closed else 'open'} already.")
    if act == "close" and values["period"] >= f"{datetime.now(zone(calendar.timezone)):%Y-%m}":
        raise Refusal(f"{values['period']} is not over yet: close it when it is.")
    period_store.record(
        cx, caller.workspace_id, period=values["period"], act=act, who=caller.name, why=values["why"]
    )
    return {"period": values["period"], "act": act}


def _problems(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    return [
        {"connection": each.connection_id, "kind": each.problem.kind, "subject": each.problem.subject, "message": each.problem.message,
         "last_seen": each.last_seen.isoformat(), "times": each.times}
        for each in open_problems(cx, limit=values["limit"])
    ]  # fmt: skip


def _connections(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller, values
    return [
        {"id": each.id, "name": each.name, "system": each.link.system, "account": each.link.account, "mode": each.link.mode,
         "status": each.status, "status_reason": each.status_reason}
        for each in connections.every(cx)
    ]  # fmt: skip


def _runs(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    states = [values["state"]] if values.get("state") else []
    return [_run_of(each) for each in runs.every(cx, states=states, limit=values["limit"])]


def _run(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    del caller
    found = runs.get(cx, values["run"])
    return {**_run_of(found), "inputs": found.inputs, "steps": msgspec.to_builtins(runs.steps(cx, found.id))}


def _run_of(run: Run) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.to_builtins(run)
    return _without(found, "rights", "inputs")


def _run_act(act: Callable[..., None]) -> Own:
    def do(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
        act(cx, caller, values["run"], values["reason"])
        after = runs.get(cx, values["run"])
        told = {"says": after.result["says"]} if after.state == "cancelled" and after.result else {}
        return {"run": values["run"], "state": after.state, **told}

    return do


def cancelling(cancel: Callable[..., None]) -> Own:
    """``runs.cancel`` by `cancel`, which knows the kinds of runs and so what was not done; see `DoorRuns.cancel`."""
    return _run_act(cancel)


def _start_run(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    where = _where(cx, values)
    rights = Rights(grants=tuple(grants_of(cx, caller.workspace_id, where)), taken_at=datetime.now(UTC))
    run_id = runs.start(
        cx, caller, "ask", _inputs(values), rights=msgspec.to_builtins(rights), prompt=values["reason"],
        connection_id=where,
    )  # fmt: skip
    return {"run": run_id}


def _where(cx: Transaction[Any], values: Values) -> int | None:
    """The connection that such a run is about, so that it pauses with it: the one named, or the only one that fits."""
    params = values.get("params", {})
    mode, account = params.get("mode"), params.get("account")
    fitting = [
        each.id
        for each in connections.every(cx, system="stripe")
        if mode in {None, each.link.mode} and account in {None, each.link.account, each.name, str(each.id)}
    ]
    given = values.get("connection")
    return given if given in fitting else fitting[0] if len(fitting) == 1 else None


def _inputs(values: Values) -> dict[str, Any]:
    return {"action": values["action"], "params": values.get("params", {}), "reason": values["reason"]}


def _schedules(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller, values
    found: list[dict[str, Any]] = msgspec.to_builtins(schedule_store.every(cx))
    return found


def _keep_schedule(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    kept = schedule_store.keep(
        cx, caller, name=values["name"], template="ask", cron=values["cron"], timezone=values["timezone"], inputs=_inputs(values),
        prompt=values["reason"], connection_id=_where(cx, values),
    )  # fmt: skip
    return {"name": kept.name, "next_at": kept.next_at.isoformat()}


def _switch_schedule(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    schedule_store.switch(cx, caller, values["name"], on=values["on"])
    return {"name": values["name"], "enabled": values["on"]}


def _proposals(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    states = [values["state"]] if values.get("state") else []
    found = store.listed(cx, caller.workspace_id, states=states, limit=values["limit"])
    return [msgspec.to_builtins(each) for each in found]


def _proposal(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    found = store.proposal(cx, caller.workspace_id, values["proposal"])
    said = store.decisions(cx, caller.workspace_id, found.proposal_id)
    return {**msgspec.to_builtins(found), "decisions": msgspec.to_builtins(said)}


OWN: Mapping[str, Own] = {
    "journal.list": _entries, "journal.retrieve": _entry, "journal.balances": _balances, "proofs.list": _proofs,
    "reports.list": _reports, "reports.run": _report, "periods.list": _periods, "periods.close": _close, "periods.reopen": _reopen,
    "problems.list": _problems, "connections.list": _connections, "runs.list": _runs, "runs.retrieve": _run,
    "runs.pause": _run_act(runs.pause), "runs.resume": _run_act(runs.resume), "runs.cancel": _run_act(runs.cancel),
    "runs.start": _start_run, "schedules.list": _schedules, "schedules.keep": _keep_schedule, "schedules.switch": _switch_schedule,
    "approvals.list": _proposals, "approvals.retrieve": _proposal,
}  # fmt: skip
"""Action to what it does; `approvals.approve` and `approvals.reject` are the door's own."""


def _stripe(cx: Transaction[Any], values: Values) -> list[Connection]:
    wanted = values.get("connection")
    return [each for each in connections.every(cx, system="stripe") if wanted in {None, each.id}]


def _rows(
    cx: Transaction[Any], query: str, arguments: Mapping[str, Any] | Sequence[Any]
) -> list[dict[str, Any]]:
    return list(cx.cursor(row_factory=dict_row).execute(query, arguments))


def _without(value: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: item for name, item in value.items() if name not in names}
