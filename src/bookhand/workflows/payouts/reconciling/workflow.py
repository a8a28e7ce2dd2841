"""Reconciling: count what is in payouts, match them with the bank, post what is certain, ask what is not, keep what is left as Breaks.

    report = reconcile(db, mode="live")
    report.matches, report.questions, report.breaks

Run twice it changes nothing. Matching itself holds no lock: it reads, thinks, and writes what is still as it was when it read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bookhand.core.facts import Link
from bookhand.core.problems import Problem
from bookhand.db.engine import Database
from bookhand.journal import store as journal
from bookhand.systems import store as connections
from bookhand.workflows.payouts.breaks import Break, Cause, LineKey
from bookhand.workflows.payouts.catching_up_store import catch_up
from bookhand.workflows.payouts.contents import breakdown_store, solving_store
from bookhand.workflows.payouts.matcher import match
from bookhand.workflows.payouts.matching import Bounds, Expected, Match, Outcome, Question
from bookhand.workflows.payouts.payout_store import get
from bookhand.workflows.payouts.reconciling import break_store, match_store, open_store, posting_store
from bookhand.workflows.payouts.reconciling.leftovers import (
    Sides,
    breaks_of,
    held_break,
    manual_break,
    question_break,
    wrong_break,
)
from bookhand.workflows.payouts.reconciling.match_store import Kept, new_id
from bookhand.workflows.payouts.reconciling.open_store import Open, expected_of
from bookhand.workspace import store as workspace
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Note

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

OFF = "payout_does_not_add_up"
"""The kind of Problem that a payout is whose members do not come to it."""
_RETURNED = "It failed after its arrival was matched, and the bank shows its return."
_WITHDRAWN = "The bank took the line back."
_BACK = "It failed before it reached the bank, and its money is back in the Stripe balance."
_AFTER_ALL = "It was taken for one that never reached the bank: what is known now says otherwise."
_MOST_SOLVED = 10
"""So many manual payouts are solved in one run."""
_NOTED = 500
"""So many matches of one run are named in the trail; how many there are is told always, and each is in ``bank_match``."""


class Report(msgspec.Struct, kw_only=True):
    """What one run did, in numbers; `breaks` and `questions` are how many stand now."""

    counted: int = 0
    wrong: int = 0
    solved: int = 0
    matches: int = 0
    undone: int = 0
    settled: int = 0
    """Payouts that failed and never reached the bank, with which nothing is left to do."""
    new_breaks: int = 0
    closed_breaks: int = 0
    questions: int = 0
    breaks: int = 0

    @property
    def changed(self) -> bool:
        """Whether anything is other than before."""
        return any(
            (
                self.counted,
                self.solved,
                self.matches,
                self.undone,
                self.settled,
                self.new_breaks,
                self.closed_breaks,
            )
        )


def reconcile(db: Database, *, mode: str, bounds: Bounds | None = None, today: str | None = None) -> Report:
    """Everything once, for the Stripe connections of `mode`; see the module's docstring. No day after `today` (the company's) is covered."""
    report = Report()
    with db.transaction() as cx:
        every = _links(cx)
    for link in [each for each in every.values() if each.mode == mode]:
        with db.transaction() as cx:
            _count(cx, link, report)
        _solve(db, link, report)
    with db.transaction() as cx:
        _take_back(cx, db.workspace_id, every, report)
    with db.transaction() as cx:
        found = open_store.everything_open(cx, mode=mode, today=today)
        agreed = match_store.fees(cx)
        links = {
            number: link for number, link in _links(cx).items() if link.mode == mode
        }  # with whoever came meanwhile
    outcome = match(found.payouts, found.lines, _bounds(bounds or Bounds(), found, agreed))
    with db.transaction() as cx:
        take_turns(cx, db.workspace_id, links)
        payouts, lines = open_store.still_open(cx, found)
        now = _Round(cx, db.workspace_id, links, found, report)
        made = _match(now, _current(outcome, found, payouts, lines))
        _leave(now, outcome)
        if made:
            _note(cx, db.workspace_id, "payouts.matched", [each.id for each in made])
        _settle(now, outcome, payouts)
    return report


def _links(cx: Transaction[Any]) -> dict[int, Link]:
    return {each.id: each.link for each in connections.every(cx, system="stripe")}


@dataclass(slots=True)
class Payouts:
    """Payouts against the bank, for one database: what a house has at hand. `mode` is that of the company's real payouts."""

    db: Database
    mode: str
    bounds: Bounds | None = None
    caught_up: bool = False
    """Whether this process has looked for payouts that were told before bookhand kept them."""

    def reconcile(self) -> Report:
        """Everything once; see `reconcile`. As often as one likes: without news it reads what is open and changes nothing."""
        if not self.caught_up:
            self._catch_up()
            self.caught_up = True
        return reconcile(self.db, mode=self.mode, bounds=self.bounds)

    def _catch_up(self) -> None:
        with self.db.transaction() as cx:
            links = [each.link for each in connections.every(cx, system="stripe")]
        for link in links:
            more = True
            while more:
                with self.db.transaction() as cx:
                    more = catch_up(cx, link) > 0


class _Round(NamedTuple):
    """One run's transaction, what it found before it, and what it tells."""

    cx: Transaction[Any]
    workspace_id: int
    links: Mapping[int, Link]
    found: Open
    report: Report


def take_turns(cx: Transaction[Any], workspace_id: int, links: Mapping[int, Link]) -> None:
    """Wait until nobody else matches, and nobody else writes these journals; until the transaction ends."""
    match_store.take_turn(cx, workspace_id)
    for _, link in sorted(links.items()):
        journal.take_turn(cx, link)


# --- what is in payouts ---


def _count(cx: Transaction[Any], link: Link, report: Report) -> None:
    """Count what is new; a payout that does not add up is a Problem."""
    counted = breakdown_store.count(cx, link)
    wrong = breakdown_store.wrong(cx, link, counted)
    good = sorted(set(counted) - {each.payout for each in wrong})
    workspace.clear(cx, link, kind=OFF, subjects=good)
    workspace.report(
        cx,
        link,
        [Problem(kind=OFF, subject=each.payout, message=f"{each.payout}: {each.says}") for each in wrong],
    )
    report.counted += len(counted)
    report.wrong += len(wrong)


def _solve(db: Database, link: Link, report: Report) -> None:
    """Solve what is manual, each with the journal's turn: what is written there meanwhile is seen, or has it solved again."""
    for _ in range(_MOST_SOLVED):
        with db.transaction() as cx:
            journal.take_turn(cx, link)
            if not solving_store.solve_due(cx, link, most=1):
                return
        report.solved += 1


def _content_breaks(cx: Transaction[Any], link: Link) -> Iterator[Break]:
    """What stands wrong or unclear in the payouts of one connection."""
    rows = cx.execute(
        "select subject from problem where connection_id = %s and kind = %s and closed_at is null order by subject",
        (link.connection_id, OFF),
    ).fetchall()
    for (payout_id,) in rows:
        found = breakdown_store.breakdown(cx, link, payout_id)
        yield wrong_break(_expected(cx, link, payout_id), found)
    for made in solving_store.open_ones(cx, link):
        kept = get(cx, made.payout, connection_id=link.connection_id)
        yield manual_break(kept.payout, expected_of(kept.payout, link.connection_id).created_day, made)


def _expected(cx: Transaction[Any], link: Link, payout_id: str) -> Expected:
    return expected_of(get(cx, payout_id, connection_id=link.connection_id).payout, link.connection_id)


# --- matches ---


def _bounds(given: Bounds, found: Open, agreed: Mapping[str, tuple[int, ...]]) -> Bounds:
    """`given`, with the days that are known of each bank account and the fees that people said it takes."""
    return msgspec.structs.replace(
        given,
        begins={account: days.first for account, days in found.covered.items()},
        covered={account: days.last for account, days in found.covered.items()},
        holes={account: days.holes for account, days in found.covered.items()},
        fees={
            account: tuple(sorted({*given.fees.get(account, ()), *agreed.get(account, ())}))
            for account in {*given.fees, *agreed}
        },
    )


def _current(outcome: Outcome, found: Open, payouts: set[str], lines: set[LineKey]) -> list[Match]:
    """The matches that add up and whose payouts and lines are as they were when they were read; a match that is widened keeps its lines."""
    return [
        each
        for each in outcome.matches
        if adds_up(each, found)
        and payouts.issuperset(each.payouts)
        and all(line in lines or _widens(each, found) for line in each.lines)
    ]


def adds_up(each: Match, found: Open) -> bool:
    """Whether the two sides of a match differ by what it says: nothing is booked on a sum that is only believed.

    A payout that came and went again comes to nothing; lines in another currency have their rate instead.
    """
    lines = [found.arrived[line] for line in each.lines]
    if any(line.currency != found.currency[each.payouts[0]] for line in lines):
        return each.difference_minor == 0
    went = 0 if each.rule == "returned" else sum(found.paid[payout].minor for payout in each.payouts)
    return sum(line.minor for line in lines) - went == each.difference_minor


def _widens(each: Match, found: Open) -> bool:
    return any(payout in found.matched for payout in each.payouts)


def _match(now: _Round, matches: list[Match]) -> list[Kept]:
    made = []
    for each in matches:
        standing = {now.found.matched[payout] for payout in each.payouts if payout in now.found.matched}
        if standing and each.rule != "returned":
            continue  # it fits as it did before it failed: the match that stands is that
        for before in sorted(standing):
            _undo(now, before, _RETURNED)
        made.append(kept_of(each, now.found))
    match_store.keep(now.cx, now.workspace_id, made)
    posting_store.post(now.cx, now.links, made)
    now.report.matches += len(made)
    return made


def _note(
    cx: Transaction[Any],
    workspace_id: int,
    what: str,
    ids: list[str],
    why: str | None = None,
    *,
    of: str = "matches",
) -> None:
    """One line in the trail for what a run did by itself; what a person matches is there by the door."""
    who, name = match_store.BOOKHAND
    subject = ids[0] if len(ids) == 1 else ""
    details = {"count": len(ids), of: ids[:_NOTED]}
    note = Note(who=who, name=name, what=what, subject=subject, why=why, details=details)
    trail_store.append(cx, workspace_id, [note])


def _take_back(cx: Transaction[Any], workspace_id: int, links: Mapping[int, Link], report: Report) -> None:
    """Undo the matches of lines that the bank has taken back: their payouts are looked for again."""
    if match_store.withdrawn(cx):
        take_turns(cx, workspace_id, links)
        found = match_store.withdrawn(cx)
        for match_id in found:
            _undo_one(cx, workspace_id, links, match_id, _WITHDRAWN)
            report.undone += 1
        if found:
            _note(cx, workspace_id, "payouts.unmatched", found, _WITHDRAWN)


def _undo(now: _Round, match_id: str, why: str) -> None:
    """A match that a fuller one takes the place of."""
    _undo_one(now.cx, now.workspace_id, now.links, match_id, why)
    now.report.undone += 1


def _undo_one(
    cx: Transaction[Any], workspace_id: int, links: Mapping[int, Link], match_id: str, why: str
) -> None:
    who, name = match_store.BOOKHAND
    undone = match_store.undo(cx, workspace_id, match_id, why=why, who=who, name=name, held=False)
    posting_store.unpost(cx, links, undone, why=why)


def kept_of(each: Match, found: Open) -> Kept:
    """A match of the matcher as it is kept; its reason says too by what rate the bank exchanged."""
    paid, arrived = found.currency[each.payouts[0]], found.arrived[each.lines[0]].currency
    exchanged = (
        ""
        if each.rate is None
        else f"; exchanged at the bank, {each.rate.normalize():f} {arrived} for 1 {paid}"
    )
    return Kept(
        id=new_id(), rule=each.rule, reason=f"{each.reason}{exchanged}", certain=each.certain, currency=found.currency[each.payouts[0]],
        payouts=tuple(found.paid[payout] for payout in each.payouts), lines=tuple(found.arrived[line] for line in each.lines),
        difference=each.difference_minor, difference_kind=each.difference, rate=None if each.rate is None else str(each.rate),
    )  # fmt: skip


# --- what is left ---


def _leave(now: _Round, outcome: Outcome) -> None:
    """Keep questions and Breaks as they stand now, and what the matcher has seen as seen."""
    cx, found = now.cx, now.found
    sides = Sides(
        {each.id: each for each in found.payouts}, {(line.account, line.key): line for line in found.lines}
    )
    asked = [(question_break(each, sides).key, each) for each in outcome.questions]
    contents = (each for link in now.links.values() for each in _content_breaks(cx, link))
    before = break_store.standing(cx)
    known = _known(cx, [each.found for each in before], found)
    gone = {each.id for each in before if each.found.cause in break_store.CONTENTS or each.id in known}
    now.report.new_breaks, now.report.closed_breaks = break_store.put(
        cx,
        now.workspace_id,
        [*breaks_of(outcome, sides), *_untrue(outcome, found, sides), *_held(cx), *contents],
        gone=gone,
    )
    break_store.put_questions(cx, now.workspace_id, asked, gone=known)
    open_store.looked(cx, found)
    now.report.questions = len(break_store.questions(cx))
    now.report.breaks = len(break_store.standing(cx))


def _settle(now: _Round, outcome: Outcome, same: set[str]) -> None:
    """Keep which payouts failed before they reached the bank; one of which a line turns up after all is looked for again."""
    proofs = {each.id: each.money_back for each in now.found.payouts}
    done = {
        each.id: open_store.Settled(proof, f"{each.cause.meaning} {each.note}")
        for each in outcome.payouts
        if each.cause is Cause.FAILED_BACK and (proof := proofs[each.id]) is not None
    }
    new, reopened = open_store.settle(now.cx, now.found, same, done)
    now.report.settled = len(new)
    for what, ids, why in (("payouts.settled", new, _BACK), ("payouts.reopened", reopened, _AFTER_ALL)):
        if ids:
            _note(now.cx, now.workspace_id, what, ids, why, of="payouts")


def _untrue(outcome: Outcome, found: Open, sides: Sides) -> Iterator[Break]:
    for each in outcome.matches:
        if not adds_up(each, found):
            note = f"{each.reason} But the two sides do not differ by what that says: look at both."
            yield question_break(
                Question(
                    cause=Cause.AMOUNT, sentence=note, payouts=each.payouts, lines=each.lines, candidates=()
                ),
                sides,
            )


def _held(cx: Transaction[Any]) -> Iterator[Break]:
    for kept, why in open_store.held(cx):
        yield held_break(expected_of(kept.payout, kept.connection_id), why)


def _known(cx: Transaction[Any], standing: list[Break], found: Open) -> set[str]:
    """The Breaks of which this run knows whether they still stand: it looked at what they are about, or that is open no more."""
    payouts, lines = open_store.looked_for(
        cx,
        (id_ for each in standing for id_ in each.payouts),
        (key for each in standing for key in each.lines),
    )
    return {
        each.key
        for each in standing
        if any(id_ in found.paid or id_ not in payouts for id_ in each.payouts)
        or any(key in found.arrived or key not in lines for key in each.lines)
    }
