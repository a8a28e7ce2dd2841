"""A proposal as a card shows it: who it waits for, what this viewer may do with it, and what was asked about it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from bookhand.actions.proposal import Decision, Proposal, State
from bookhand.actions.proposing.effect import postings_of
from bookhand.core.caller import Caller, Capability, capabilities
from bookhand.core.entry import Posting
from bookhand.workspace.people.person import Person

Tone = Literal["good", "bad", "look", "busy", "quiet"]
TONES: dict[State, Tone] = {
    "waiting": "busy", "approved": "busy", "done": "good", "partly": "look", "failed": "bad", "unknown": "look", "rejected": "quiet",
    "withdrawn": "quiet", "expired": "quiet", "void": "look", "replaced": "quiet",
}  # fmt: skip
CALL_TONES: dict[str, Tone] = {
    "intended": "busy", "sending": "busy", "unknown": "look", "done": "good", "failed": "bad", "void": "look"
}  # fmt: skip
_NAMED = 4


class May(msgspec.Struct, frozen=True, kw_only=True):
    """What this viewer may do with it now. `not_why` names the text that says why there is no approving."""

    approve: bool = False
    decide: bool = False
    edit: bool = False
    answer: bool = False
    withdraw: bool = False
    not_why: str | None = None


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One proposal, with what is around it. `approvers` are the people who could say yes, by name; `others` how many more.

    Where the viewer is one of them they stand first, and `you` is true.
    """

    proposal: Proposal
    place: str | None
    summary: str
    four_eyes: bool
    approvers: tuple[str, ...]
    others: int
    you: bool
    thread: tuple[Decision, ...]
    may: May

    @property
    def tone(self) -> Tone:
        """The colour of its state."""
        return TONES[self.proposal.state]

    @property
    def asked_last(self) -> bool:
        """Whether a question waits for its answer."""
        return bool(self.thread) and self.thread[-1].kind == "ask"

    @property
    def lines(self) -> tuple[Posting, ...]:
        """What the books will show, where the call makes one movement of the balance; debits are positive, and stand first."""
        movement = self.proposal.preview.movement
        return postings_of(movement) if movement is not None else ()

    @property
    def by_currency(self) -> tuple[tuple[str, int], ...]:
        """What it moves, as one sum a currency."""
        return by_currency(self.proposal)


def card(
    proposal: Proposal, *, caller: Caller, place: str | None, summary: str, four_eyes: bool, askers: Collection[str],
    people: Iterable[Person], thread: Sequence[Decision], also: Capability | None = None,
) -> Card:  # fmt: skip
    """The card of `proposal` for `caller`. `askers` are those who asked for it or edited it; `also` is what a yes needs beside approving."""
    needed: set[Capability] = {"approve", also or "approve"}
    able = sorted(
        (
            person
            for person in people
            if person.disabled_at is None
            and needed <= capabilities(person.role)
            and not (four_eyes and person.who in askers)
        ),
        key=lambda person: person.who != caller.who,
    )
    return Card(
        proposal=proposal, place=place, summary=summary, four_eyes=four_eyes, approvers=tuple(person.name or person.email for person in able[:_NAMED]),
        others=max(0, len(able) - _NAMED), you=bool(able) and able[0].who == caller.who, thread=tuple(thread),
        may=may_of(proposal, caller, four_eyes=four_eyes, askers=askers, also=also),
    )  # fmt: skip


def may_of(
    proposal: Proposal, caller: Caller, *, four_eyes: bool, askers: Collection[str], also: Capability | None = None
) -> May:  # fmt: skip
    """What `caller` may do with it; the door says the last word."""
    if proposal.state != "waiting":
        return May()
    decides = "approve" in caller.can and caller.agent is None
    own = four_eyes and caller.who in askers
    able = also is None or also in caller.can
    not_why = "role" if not decides else "four_eyes" if own else None if able else "manage"
    return May(
        approve=decides and not own and able,
        decide=decides,
        edit=decides and proposal.size == 1,
        answer="propose" in caller.can,
        withdraw="propose" in caller.can and (caller.who == proposal.proposed_by or "manage" in caller.can),
        not_why=not_why,
    )


def by_currency(proposal: Proposal) -> tuple[tuple[str, int], ...]:
    """What a proposal moves, as one sum a currency."""
    sums: dict[str, int] = {}
    for each in proposal.preview.moves:
        sums[each.currency.upper()] = sums.get(each.currency.upper(), 0) + each.minor
    return tuple(sorted(sums.items()))


class Spell(msgspec.Struct, frozen=True, kw_only=True):
    """Entries of the trail that say the same in a row: `count` of them, the first one's number is `first`."""

    first: int
    count: int
    what: str
    name: str
    channel: str | None
    why: str | None


def spells(entries: Iterable[Mapping[str, Any]]) -> tuple[Spell, ...]:
    """The trail, oldest first, with what was said many times in a row said once.

    >>> [(each.what, each.count) for each in spells([{"seq": n, "what": "call.done", "who": "bookhand"} for n in (4, 5, 6)])]
    [('call.done', 3)]
    """
    found: list[Spell] = []
    for entry in entries:
        one = Spell(
            first=entry["seq"], count=1, what=entry["what"], name=entry.get("name") or entry["who"], channel=entry.get("channel"),
            why=entry.get("why"),
        )  # fmt: skip
        last = found[-1] if found else None
        if last is not None and _same(last, one):
            found[-1] = msgspec.structs.replace(last, count=last.count + 1)
        else:
            found.append(one)
    return tuple(found)


def _same(before: Spell, after: Spell) -> bool:
    return (before.what, before.name, before.channel, before.why) == (
        after.what,
        after.name,
        after.channel,
        after.why,
    )
