"""What bookhand's own actions on payouts do, each in the transaction that is open: its answer is JSON.

    PAYOUT_ACTS["payouts.match"](cx, caller, {"payouts": ["po_1"], "lines": [{"account": "DE1", "key": "k1"}], "why": "Seen on paper."})

What a person says counts, and is checked: sums must be equal but for a difference that is named, nothing is matched twice, and each
act changes the journal in the same transaction. The door writes the trail.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.core.caller import Caller
from bookhand.core.facts import Link
from bookhand.core.money import EXPONENTS, Money
from bookhand.core.problems import Missing, Refusal
from bookhand.systems import store as connections
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.contents import breakdown_store, solving_store
from bookhand.workflows.payouts.payout_store import Kept as KeptPayout
from bookhand.workflows.payouts.payout_store import get, page
from bookhand.workflows.payouts.reconciling import (
    break_store,
    match_store,
    open_store,
    posting_store,
    statement_store,
)
from bookhand.workflows.payouts.reconciling.entries import Paid
from bookhand.workflows.payouts.reconciling.match_store import Kept
from bookhand.workflows.payouts.reconciling.workflow import take_turns

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.actions.kit import Own
    from bookhand.core.action import Values


def _arrivals(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    found = page(
        cx, caller.workspace_id, connection_id=values.get("connection"), standing=values.get("standing"), after=values.get("after"),
        limit=values["limit"],
    )  # fmt: skip
    settled = open_store.settled(cx, [kept.payout.id for kept, _ in found])
    return [payout_told(kept, match, settled.get(kept.payout.id)) for kept, match in found]


def payout_told(
    kept: KeptPayout, match: str | None, settled: open_store.Settled | None = None
) -> dict[str, Any]:
    """A payout as JSON, with the match that stands, or what says that it failed and never reached the bank."""
    expected = open_store.expected_of(kept.payout, kept.connection_id)
    return {
        **msgspec.to_builtins(kept.payout), "connection": kept.connection_id, "arrival_day": expected.arrival_day,
        "created_day": expected.created_day, "match": match,
        "settled": settled.proof if settled else None, "settled_says": settled.says if settled else None,
    }  # fmt: skip


def _breakdown(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    del caller
    kept = get(cx, values["payout"])
    link = _link(cx, kept.connection_id)
    found = breakdown_store.breakdown(cx, link, kept.payout.id)
    lines = breakdown_store.lines(cx, link, kept.payout.id, after=values.get("after"), limit=values["limit"])
    proposal = solving_store.proposed(cx, link, kept.payout.id)
    standing = match_store.standing(cx, [kept.payout.id])
    settled = open_store.settled(cx, [kept.payout.id]).get(kept.payout.id)
    return {
        "payout": payout_told(kept, standing[0].id if standing else None, settled), "basis": found.basis, "says": found.says,
        "adds_up": found.adds_up, "off_by": found.off_by if found.complete else None, "told": found.told, "known": found.known,
        "net": found.net, "payout_fee": found.payout_fee, "confirmed_by": found.confirmed_by, "parts": msgspec.to_builtins(found.parts),
        "lines": [{**msgspec.to_builtins(line), "part": line.part} for line in lines],
        "proposal": msgspec.to_builtins(proposal) if proposal else None, "matches": [match_told(each) for each in standing],
    }  # fmt: skip


def _matches(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    if values.get("payout"):
        return [match_told(each) for each in match_store.standing(cx, [values["payout"]])]
    return [match_told(each) for each in match_store.newest(cx, limit=values["limit"])]


def match_told(match: Kept) -> dict[str, Any]:
    """A match as JSON."""
    found: dict[str, Any] = msgspec.to_builtins(match)
    return found


def _questions(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    found = break_store.questions(cx)[: values["limit"]]
    return [{"id": id_, **msgspec.to_builtins(question)} for id_, question in found]


def _breaks(cx: Transaction[Any], caller: Caller, values: Values) -> list[dict[str, Any]]:
    del caller
    owner = values.get("owner")
    found = [each for each in break_store.standing(cx) if owner in {None, each.found.owner}]
    return [break_told(each) for each in found[: values["limit"]]]


def break_told(kept: break_store.Kept) -> dict[str, Any]:
    """A Break as JSON, with its age today and what to do."""
    found = kept.found
    return {
        "id": kept.id, "cause": str(found.cause), "currency": found.currency, "minor": found.minor, "amount": found.amount, "since": found.since,
        "age_days": found.age_days(datetime.now(UTC).date().isoformat()), "says": found.message, "next_step": found.next_step,
        "payouts": list(found.payouts), "lines": [{"account": account, "key": key} for account, key in found.lines], "owner": found.owner,
        "state": kept.state, "explanation": kept.explanation, "explained_by": kept.explained_by,
    }  # fmt: skip


def _reconciliation(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    del caller
    found = statement_store.reconciliation(
        cx, values["account"], mode=values.get("mode"), day=values.get("day")
    )
    return {
        **msgspec.to_builtins(found), "items_minor": found.items_minor, "difference_minor": found.difference_minor, "holds": found.holds,
        "sections": [{"title": each.title, "minor": each.minor, "count": len(each.items)} for each in found.sections],
    }  # fmt: skip


# --- what people decide ---


def _match(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    links = _links(cx)
    take_turns(cx, caller.workspace_id, links)
    kept = [get(cx, id_) for id_ in dict.fromkeys(values["payouts"])]
    keys: list[LineKey] = list(dict.fromkeys((each["account"], each["key"]) for each in values["lines"]))
    mode = _mode(links, kept)
    lines = open_store.some_lines(cx, keys, mode=mode)
    for account, key in keys:
        if (account, key) not in lines:
            raise Missing(
                f"There is no line {key} in bank account {account} of {mode} mode, or the bank took it back."
            )
    made = _checked(
        caller,
        values,
        kept,
        [open_store.arrived_of(line, number) for number, line in (lines[key] for key in keys)],
    )
    match_store.keep(cx, caller.workspace_id, [made])
    posting_store.post(cx, links, [made])
    _close(cx, caller.workspace_id, made)
    return match_told(made)


def _mode(links: Mapping[int, Link], kept: list[KeptPayout]) -> str:
    modes = sorted({links[each.connection_id].mode for each in kept})
    if len(modes) > 1:
        raise Refusal(
            f"The payouts are in {' and '.join(modes)} mode: play money and real money do not go into one match."
        )
    return modes[0]


def _checked(caller: Caller, values: Values, kept: list[KeptPayout], lines: list[Any]) -> Kept:
    """The match that a person asks for; `Refusal` where its sides differ and nothing says by what."""
    currencies = {each.payout.currency for each in kept}
    if len(currencies) > 1:
        raise Refusal(
            f"Payouts in {', '.join(sorted(currencies))} cannot be in one match: match each currency alone."
        )
    currency = currencies.pop()
    canceled = next((each.payout.id for each in kept if each.payout.status == "canceled"), None)
    if canceled:
        raise Refusal(f"{canceled} was canceled: it never went to the bank.")
    foreign = {line.currency for line in lines} - {currency}
    came = sum(line.minor for line in lines)
    went = sum(each.payout.amount for each in kept)
    returned = came == 0 and not foreign and all(each.payout.status == "failed" for each in kept)
    difference = 0 if foreign or returned else came - went
    if foreign and values.get("difference") != "fx":
        raise Refusal(
            f"The lines are in {', '.join(sorted(foreign))} and the payouts in {currency}: say that the difference is fx."
        )
    if foreign and (len(foreign) > 1 or any(line.currency == currency for line in lines) or not came):
        raise Refusal("Lines of one match are in one currency, and come to something.")
    if difference and not values.get("difference"):
        raise Refusal(
            f"The lines come to {_amount(came, currency)} and the payouts to {_amount(went, currency)}: say what the difference of "
            f"{_amount(difference, currency)} is (bank_fee or fx), or choose others. Nothing was kept."
        )
    if difference > 0 and values.get("difference") == "bank_fee":
        raise Refusal(
            f"The lines come to {_amount(difference, currency)} more than the payouts, and no fee of a bank makes more of it: choose others. "
            "Nothing was kept."
        )
    return Kept(
        id=match_store.new_id(), rule="returned" if returned else "person", reason=f"{caller.name} says so: {values['why']}", certain=True,
        currency=currency, payouts=tuple(Paid(each.connection_id, each.payout.id, each.payout.amount) for each in kept), lines=tuple(lines),
        difference=difference, difference_kind=values.get("difference") or "none" if difference or foreign else "none",
        by_who=caller.who, by_name=caller.name,
    )  # fmt: skip


def _close(cx: Transaction[Any], workspace_id: int, made: Kept) -> None:
    """The Breaks and questions that were about what is matched now."""
    payouts = {each.payout for each in made.payouts}
    lines = {(each.account, each.key) for each in made.lines}
    gone = {
        each.id for each in break_store.standing(cx)
        if each.found.cause not in break_store.CONTENTS and (payouts & set(each.found.payouts) or lines & set(each.found.lines))
    }  # fmt: skip
    break_store.put(cx, workspace_id, [], gone=gone)
    break_store.put_questions(cx, workspace_id, [], gone=gone)


def _rule_out(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    """Forget a question, and leave its lines to people; its payouts are looked for in what else the bank tells."""
    match_store.take_turn(cx, caller.workspace_id)
    id_ = values["question"]
    question = break_store.question(cx, id_)
    open_store.hold_lines(cx, caller.workspace_id, question.lines, beside=question.payouts)
    break_store.put(cx, caller.workspace_id, [], gone={id_})
    break_store.put_questions(cx, caller.workspace_id, [], gone={id_})
    return {"id": id_, **msgspec.to_builtins(question)}


def _unmatch(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    links = _links(cx)
    take_turns(cx, caller.workspace_id, links)
    found = match_store.undo(
        cx,
        caller.workspace_id,
        values["match"],
        why=values["why"],
        who=caller.who,
        name=caller.name,
        held=True,
    )
    if found.certain:
        posting_store.unpost(cx, links, found, why=values["why"])
    return match_told(match_store.get(cx, found.id))


def _explain(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    match_store.take_turn(cx, caller.workspace_id)
    return break_told(
        break_store.explain(cx, values["break_id"], explanation=values["explanation"], by=caller.name)
    )


def _assign(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    match_store.take_turn(cx, caller.workspace_id)
    return break_told(break_store.assign(cx, values["break_id"], values.get("owner")))


def _confirm(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    match_store.take_turn(cx, caller.workspace_id)
    kept = get(cx, values["payout"])
    link = _link(cx, kept.connection_id)
    members = values.get("members")
    if members is None:
        proposal = solving_store.proposed(cx, link, kept.payout.id)
        if proposal is None or not proposal.members:
            raise Refusal(f"Nothing is proposed for {kept.payout.id}: name its members.")
        members = proposal.members
    solving_store.confirm(cx, link, caller, kept, members)
    return _breakdown(cx, caller, {"payout": kept.payout.id, "limit": 100})


def _take_back(cx: Transaction[Any], caller: Caller, values: Values) -> dict[str, Any]:
    match_store.take_turn(cx, caller.workspace_id)
    kept = get(cx, values["payout"])
    if not solving_store.take_back(cx, _link(cx, kept.connection_id), kept.payout.id):
        raise Missing(f"Nobody has confirmed what is in {kept.payout.id}.")
    return _breakdown(cx, caller, {"payout": kept.payout.id, "limit": 100})


PAYOUT_ACTS: Mapping[str, Own] = {
    "payouts.arrivals": _arrivals, "payouts.breakdown": _breakdown, "payouts.matches": _matches, "payouts.questions": _questions,
    "payouts.reconciliation": _reconciliation, "breaks.list": _breaks, "payouts.match": _match, "payouts.rule_out": _rule_out, "payouts.unmatch": _unmatch, "payouts.explain": _explain,
    "breaks.assign": _assign, "payouts.confirm_breakdown": _confirm, "payouts.take_back_breakdown": _take_back,
}  # fmt: skip
"""Action to what it does."""


def _links(cx: Transaction[Any]) -> dict[int, Link]:
    return {each.id: each.link for each in connections.every(cx, system="stripe")}


def _link(cx: Transaction[Any], connection_id: int) -> Link:
    return connections.get(cx, connection_id).link


def _amount(minor: int, currency: str) -> str:
    return str(Money(minor, currency)) if currency in EXPONENTS else f"{minor} {currency}"
