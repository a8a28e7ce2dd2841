"""The tie-out of a connection: its journal against Stripe's balance, with what lay at Stripe before our history begins.

    tie_out = TieOut(db, link, reader, readers, timezone="Europe/Berlin")
    tie_out.prove()                       # a proof for each currency, kept
    tie_out.told()                        # after a backfill: a sentence for each currency that is off, openings entered

Errors: `Outage` where Stripe cannot be asked, `Refusal` where it may not be.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from bookhand.core.days import day_of
from bookhand.core.facts import BalanceTransaction, Link
from bookhand.inbox import slices_store
from bookhand.inbox import store as inbox
from bookhand.inbox.backfill import holes
from bookhand.inbox.delivery import opening
from bookhand.inbox.errands_workflow import pull
from bookhand.inbox.lists import BALANCE_TRANSACTIONS
from bookhand.inbox.workflow import drain
from bookhand.journal import opening_store, period_store, proof_store, proof_workflow
from bookhand.journal.opening import openings
from bookhand.systems.stripe.balance import balance_of
from bookhand.systems.stripe.translate import facts_of

if TYPE_CHECKING:
    from bookhand.core.ports import Reader
    from bookhand.db.engine import Database
    from bookhand.journal.proof import Balances, Gap, Proof
    from bookhand.systems.stripe.client import StripeReader

_BALANCE_TRIES = 12
_PAGES_TO_NAME = 200


class TieOut:
    """See the module's docstring."""

    def __init__(
        self, db: Database, link: Link, reader: StripeReader, readers: Sequence[Reader], *, timezone: str
    ) -> None:
        """`readers` hear of what is read on the way; `timezone` is that of the days in sentences."""
        self._db = db
        self._link = link
        self._reader = reader
        self._readers = readers
        self._timezone = timezone

    def prove(self, *, name_gaps: bool = False) -> list[Proof]:
        """Prove the journal against Stripe's balance and keep the result; with `name_gaps` what is missing is listed at Stripe."""
        return proof_workflow.prove(
            self._db,
            self._link,
            lambda: balance_of(self._reader.one("/v1/balance") or b"{}"),
            catch_up=self._catch_up,
            listed=self._listed if name_gaps else None,
        )

    def told(self) -> list[str]:
        """A sentence for each currency in which the journal and Stripe differ, once what lay there before is entered."""
        proofs = self.prove()
        if all(each.holds for each in proofs):
            return []
        since, missing = self._whole_since()
        if since is not None and self._enter_opening(since):
            proofs = self.prove(name_gaps=True)
        return [f"{each.currency}: {each.reason}" for each in proofs if not each.holds] + missing

    def gaps(self) -> dict[str, Gap]:
        """The balance transactions that only one side has, or that differ, by currency: Stripe's newest compared with the journal."""
        self._catch_up()
        listed = list(self._listed())
        with self._db.transaction() as cx:
            return proof_store.gaps(cx, self._link, listed)

    def _whole_since(self) -> tuple[int | None, list[str]]:
        """Since when every balance transaction is in the journal; None where one was refused, cannot be read, waits or lies in a hole.

        What is missing there would else be taken for something that lay at Stripe before, and never be seen again.
        """
        link, name = self._link, BALANCE_TRANSACTIONS.name
        with self._db.transaction() as cx:
            run = slices_store.latest(cx, link)
            parts = slices_store.slices(cx, link, run.id) if run else []
            known, live = slices_store.brought(cx, link, name)
            unread = inbox.parked_of(cx, link, BALANCE_TRANSACTIONS.object)
            waits = period_store.calendar(cx, link.workspace_id).anyone_waits
        if unread or waits or not known or any(p.state != "done" for p in parts if p.list == name):
            return None, []
        since = min(part.since for part in known)
        missing = [self._hole(*each) for each in holes(known, since=since, until=live)]
        return (None if missing else since), missing

    def _hole(self, since: int, until: int) -> str:
        first, last = (day_of(at, self._timezone) for at in (since, until + 86_399))
        return (
            f"What lies between is missing: bring it in with `bookhand backfill --from {first} --to {last}`."
        )

    def _enter_opening(self, since: int) -> bool:
        """Take opening balances from Stripe's balance where Stripe has history older than `since`; whether any changed."""
        older = bool(self._reader.page("/v1/balance_transactions", {"created[lt]": since, "limit": 1}).data)
        for _ in range(_BALANCE_TRIES):
            before = self._reader.one("/v1/balance")
            self._catch_up()
            if self._reader.one("/v1/balance") == before:
                return self._keep_opening(balance_of(before or b"{}"), since, older=older)
        return False

    def _keep_opening(self, balance: Balances, since: int, *, older: bool) -> bool:
        stripe = {
            (currency, kind): minor for currency, kinds in balance.items() for kind, minor in kinds.items()
        }
        now = int(time.time())
        with self._db.transaction() as cx:
            moved, before = (
                opening_store.moved(cx, self._link),
                opening_store.standing(cx, self._link),
            )
            found = openings(stripe=stripe, moved=moved, since=since, before=before, older=older)
            inbox.receive(cx, self._link, [opening(each, as_of=now) for each in found])
        drain(self._db, self._link, self._readers, wait=True)
        return bool(found)

    def _catch_up(self) -> None:
        pull(self._db, self._link, self._reader, clock=time.time)
        drain(self._db, self._link, self._readers, wait=True)

    def _listed(self) -> Iterable[BalanceTransaction]:
        """The newest balance transactions that Stripe lists: as many as may be asked for without eating into the read allotment."""
        for page in islice(self._reader.pages("/v1/balance_transactions"), _PAGES_TO_NAME):
            for raw in page.data:
                yield from (
                    fact
                    for fact in facts_of("balance_transaction", raw)
                    if isinstance(fact, BalanceTransaction)
                )
