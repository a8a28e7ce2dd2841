"""What people see of proposals and say of them. What is decided goes through the door, with the hash that was shown."""

from __future__ import annotations

from typing import get_args

from fastapi.responses import Response

from bookhand.actions import store as proposals
from bookhand.actions.proposal import ALIVE, State
from bookhand.core.problems import BookhandError, Conflict, Missing, Refusal
from bookhand.web.api.shown import after as after_cursor
from bookhand.web.api.shown import page
from bookhand.web.approvals import rows, seen, store
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Site, status_of
from bookhand.web.page.wording import plain

PAGE, HISTORY = 20, 50
DECIDED: tuple[State, ...] = tuple(each for each in get_args(State) if each != "waiting")
_INBOX = "/approvals"


class Desk:
    """Where proposals are looked at and decided."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.door = site.door

    # --- looking ---

    def inbox(self, me: Viewer, cursor: str | None) -> Seen:
        """What waits, the one whose time is over first at the head."""
        with self.site.db.transaction() as cx:
            found = proposals.waiting(cx, me.caller.workspace_id, after=after_cursor(cursor), limit=PAGE + 1)
            told = page(found, limit=PAGE, at="expires_at", last="proposal_id")
            cards = store.cards(cx, me.caller, self.door.kit.catalogue, told["items"])
            mark = store.mark(cx, me.caller.workspace_id)
        return {"cards": cards, "next": told["next"], "mark": mark, "first": cursor is not None}

    def mark(self, me: Viewer) -> str:
        """What tells that the inbox has changed."""
        with self.site.db.transaction() as cx:
            return store.mark(cx, me.caller.workspace_id)

    def decided(self, me: Viewer, state: str, *, passed: bool, cursor: str | None) -> Seen:
        """What was decided, newest first."""
        states: list[State] = [each for each in DECIDED if each == state]
        if state and not states:
            raise Refusal(plain("approvals.no_state", state=state[:20]))
        with self.site.db.transaction() as cx:
            found = proposals.decided(
                cx, me.caller.workspace_id, passed=passed, state=states[0] if states else None, before=after_cursor(cursor), limit=HISTORY + 1
            )  # fmt: skip
            told = page(found, limit=HISTORY, last="proposal_id")
            cards = store.cards(cx, me.caller, self.door.kit.catalogue, told["items"])
        return {
            "cards": cards, "next": told["next"], "state": state, "states": DECIDED, "passed": passed, "first": cursor is not None
        }  # fmt: skip

    def whole(
        self,
        me: Viewer,
        proposal_id: str,
        *,
        after: str = "",
        without: str = "",
        conflict: str = "",
        refused: str = "",
    ) -> Seen:
        """One proposal, whole."""
        with self.site.db.transaction() as cx:
            size = proposals.proposal(cx, me.caller.workspace_id, proposal_id).size
            found = store.whole(
                cx,
                me.caller,
                self.door.kit.catalogue,
                proposal_id,
                after=rows.number(after),
                without=rows.read(without, size=size),
            )
        return {
            "whole": found, "card": found.card, "proposal": found.card.proposal, "means": ALIVE[found.card.proposal.state],
            "without": without, "call_tones": seen.CALL_TONES,
            "trail": None if found.trail is None else seen.spells(found.trail), "conflict": conflict, "refused": refused,
        }  # fmt: skip

    # --- deciding ---

    def said(self, me: Viewer, proposal_id: str, verb: str, sent: Form) -> Done:
        """What somebody says of a proposal."""
        note, door = sent.text("note"), self.door
        match verb:
            case "approve":
                return self._approved(me, proposal_id, sent)
            case "reject":
                usual = sent.text("usual")
                door.reject(me.caller, proposal_id, f"{usual}: {note}" if usual and note else usual or note)
            case "ask":
                door.ask(me.caller, proposal_id, note)
            case "answer":
                door.answer(me.caller, proposal_id, note)
            case "withdraw":
                door.withdraw(me.caller, proposal_id, note or None)
            case "settle":
                self._settled(me, proposal_id, sent)
            case _:
                raise Missing(plain("approvals.no_verb"))
        to = _INBOX if sent.text("from") == "inbox" else f"{_INBOX}/{proposal_id}"
        return Done(to=to, said=plain(f"approvals.said.{verb}"))

    def _approved(self, me: Viewer, proposal_id: str, sent: Form) -> Done:
        chosen = None
        if sent.text("rows"):
            chosen = self._chosen(me, proposal_id, sent)
        made = self.door.approve(
            me.caller, proposal_id, sent.text("call_hash"), note=sent.text("note") or None, chosen=chosen
        )
        if sent.text("from") == "inbox":
            return Done(
                to=_INBOX, said=plain("approvals.said.approve_of", says=me.reads.sentence(made.preview.says))
            )
        return Done(to=f"{_INBOX}/{proposal_id}", said=plain("approvals.said.approve"))

    def approve_many(self, me: Viewer, ticked: list[str]) -> Done:
        """A yes to each that was ticked, as it was shown: ``id:hash``. What cannot be approved stays, and is said."""
        if not ticked:
            raise Refusal(plain("approvals.nothing_ticked"))
        done, wrong = 0, []
        for each in ticked[:PAGE]:
            proposal_id, _, shown_hash = each.partition(":")
            try:
                self.door.approve(me.caller, proposal_id, shown_hash)
            except Refusal as error:
                wrong.append(str(error))
            else:
                done += 1
        said = plain("approvals.said.many", n=done)
        return Done(to=_INBOX, said=" ".join([said, *wrong]), tone="look" if wrong else "good")

    def turned(self, me: Viewer, proposal_id: str, sent: Form) -> Done:
        """Another page of a batch, with the ticks as they are now."""
        with self.site.db.transaction() as cx:
            size = proposals.proposal(cx, me.caller.workspace_id, proposal_id).size
        without = rows.written(_without(sent, size))
        to = f"{_INBOX}/{proposal_id}?after={rows.number(sent.text('after'))}"
        return Done(to=f"{to}&without={without}#rows" if without else f"{to}#rows")

    def _chosen(self, me: Viewer, proposal_id: str, sent: Form) -> list[int] | None:
        with self.site.db.transaction() as cx:
            size = proposals.proposal(cx, me.caller.workspace_id, proposal_id).size
        return rows.chosen(size, _without(sent, size))

    def _settled(self, me: Viewer, proposal_id: str, sent: Form) -> None:
        if sent.text("done") not in {"yes", "no"}:
            raise Refusal(plain("approvals.say_which"))
        self.door.settle(
            me.caller,
            proposal_id,
            done=sent.text("done") == "yes",
            note=sent.text("note"),
            row_no=sent.whole("row") or 0,
        )

    def again(self, proposal_id: str, me: Viewer, error: BookhandError) -> Response:
        """How the proposal stands now, with what was refused; a conflict is told calmly, for nobody did anything wrong."""
        if isinstance(error, Missing):
            return self.site.told(me, error)
        try:
            calm = isinstance(error, Conflict)
            found = self.whole(
                me, proposal_id, conflict=str(error) if calm else "", refused="" if calm else str(error)
            )
        except BookhandError as worse:
            return self.site.told(me, worse)
        return self.site.part(me, "approvals/proposal.html", found, status=status_of(error))


def _without(sent: Form, size: int) -> frozenset[int]:
    """The rows of a batch that are left out, after what is ticked on the page that was sent."""
    before = rows.read(sent.text("without"), size=size)
    return rows.left_out(
        before, shown=_numbers(sent.texts("shown"), size), ticked=_numbers(sent.texts("tick"), size)
    )


def _numbers(texts: list[str], size: int) -> list[int]:
    return [number for each in texts if 0 <= (number := rows.number(each)) < size]
