"""The map of the house in code: who hears of which facts, who performs which actions, which runs there are, how a house is opened.

    with open_house(settings.read()) as house:
        house.worker().run(stop)          # reads the mail; `READERS` hear of every fact in it
        house.door.read(caller, "charges.list", {})
        house.runs().launch(work=True)    # executes runs

What happens when a dispute opens? Look at `READERS` and `LISTENERS`. Who performs ``refunds.create``? Look at `door_of`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions.act_workflow import DoorRuns, act_template, ask_template, rights_now
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.own import OWN_ACTIONS
from bookhand.actions.own_store import OWN, cancelling
from bookhand.actions.workflow import Door
from bookhand.books.actions import BOOK_ACTIONS
from bookhand.books.kit import BookKit
from bookhand.books.room_workflow import BookRoom
from bookhand.core.caller import Caller, capabilities
from bookhand.core.problems import Refusal
from bookhand.db import embedded
from bookhand.db.engine import Database
from bookhand.house import House
from bookhand.journal import period_store
from bookhand.journal import workflow as journal
from bookhand.systems.bank.folder_client import Watcher
from bookhand.systems.bank.intake_workflow import Intake
from bookhand.systems.bank.plaid import keys_store
from bookhand.systems.beancount import actions as beancount
from bookhand.systems.beancount.acting_client import BeancountBooks
from bookhand.systems.netsuite import actions as netsuite
from bookhand.systems.netsuite.acting_client import NetSuitePerformer
from bookhand.systems.quickbooks import actions as quickbooks
from bookhand.systems.quickbooks.acting_client import QuickBooksPerformer
from bookhand.systems.stripe import farewell_store
from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.actions import ACTIONS, EVENT_KINDS
from bookhand.workflows.payouts import payout_store
from bookhand.workflows.payouts.actions import PAYOUT_ACTIONS
from bookhand.workflows.payouts.acts_store import PAYOUT_ACTS
from bookhand.workflows.payouts.reconciling import match_store
from bookhand.workflows.payouts.reconciling.workflow import Payouts
from bookhand.workspace.people import store as people
from bookhand.workspace.people.person import NoSuch
from bookhand.workspace.secrets_store import Secrets
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.actions.kit import Own
    from bookhand.core.action import Performer
    from bookhand.core.book import Books
    from bookhand.core.ports import Reader
    from bookhand.runs.schedule import Schedule
    from bookhand.runs.template import Template
    from bookhand.settings import Settings
    from bookhand.systems.bank.plaid.api_client import PlaidClient
    from bookhand.systems.bank.plaid.keys_store import Keys
    from bookhand.systems.bank.plaid.sync_workflow import Feed
    from bookhand.systems.connection import Connection

READERS: tuple[Reader, ...] = (journal.read, payout_store.read, farewell_store.read)
"""What happens when a fact arrives: these hear of it, in this order, in the transaction in which it leaves the queue."""

LISTENERS: dict[str, tuple[str, ...]] = {
    "*": ("inbox: keeps it whole", "journal: books what it says of money, once Stripe's lists confirm it"),
    farewell_store.EVENT: ("farewell: the connection is disconnected, and its runs pause",),
    **dict.fromkeys(
        ("payout.created", "payout.updated", "payout.paid", "payout.failed", "payout.canceled"),
        ("payouts: its newest state is kept, and it is looked for at the bank",),
    ),
    "payout.reconciliation_completed": (
        "payouts: its newest state is kept; Stripe's list of what is in it is read, counted and must add up to it",
    ),
}
"""Event type to what listens to it, in words, for the catalogue; ``*`` listens to every one."""

OWN_ACTS: Mapping[str, Own] = {**OWN, **PAYOUT_ACTS}
"""Bookhand's own actions to what they do, whichever room they are of."""


def catalogue() -> Catalogue:
    """Everything that can be done, and everything that can happen."""
    books = (*beancount.ACTIONS, *netsuite.ACTIONS, *quickbooks.ACTIONS)
    return Catalogue(
        (*ACTIONS, *books, *OWN_ACTIONS, *PAYOUT_ACTIONS, *BOOK_ACTIONS), EVENT_KINDS, listeners=LISTENERS
    )


def door_of(house: House) -> Door:
    """The door of a house: who performs for which vendor, bookhand's own acts, and the runs that do what was approved."""
    stripe = StripePerformer(house.db, house.secrets)
    quickbooks_books = QuickBooksPerformer(house.db, house.secrets)
    netsuite_books = NetSuitePerformer(house.db, house.secrets)
    house.at_end += [stripe.close, quickbooks_books.close, netsuite_books.close]
    performers: dict[str, Performer] = {
        "stripe": stripe, "beancount": BeancountBooks(house.db), "quickbooks": quickbooks_books, "netsuite": netsuite_books,
    }  # fmt: skip
    runs = DoorRuns(nudge=house.nudge, templates=lambda: house.templates)
    return Door(
        Kit(
            db=house.db,
            catalogue=catalogue(),
            performers=performers,
            own={**OWN_ACTS, "runs.cancel": cancelling(runs.cancel)},
            runs=runs,
            timezone=house.settings.timezone,
        )
    )


def books_of(house: House) -> BookRoom:
    """The room of books: who reads each vendor's."""
    readers: dict[str, Books] = {}
    for vendor, performer in house.door.kit.performers.items():
        if isinstance(performer, BeancountBooks):
            readers[vendor] = performer
        elif isinstance(performer, QuickBooksPerformer | NetSuitePerformer):
            readers[vendor] = performer.books
    return BookRoom(BookKit(db=house.db, door=house.door, books=readers))


def templates_of(door: Door) -> tuple[Template, ...]:
    """The kinds of runs there are."""
    return (act_template(door), ask_template(door))


def intake_of(house: House, *, mode: str = "live") -> Intake:
    """What takes bank statements in."""
    return Intake(house.db, note=house.note, mode=mode, most_megabytes=house.settings.bank_file_mb)


def watcher_of(house: House, *, mode: str = "live") -> Watcher | None:
    """What looks at the folder of bank statements; None where the settings name none."""
    folder = house.settings.bank_folder
    return Watcher(folder, intake_of(house, mode=mode)) if folder is not None else None


def plaid_of(house: House, *, given: Keys | None = None) -> PlaidClient:
    """A client for Plaid by the settings, else by the keys that were `given` or typed in; `Refusal` where there are none. The caller closes it."""
    from bookhand.systems.bank.plaid.api_client import Application, PlaidClient  # noqa: PLC0415 (half a second that few need)

    found = house.settings
    if found.plaid_client_id and found.plaid_secret:
        secret = found.plaid_secret.get_secret_value()
        return PlaidClient(
            Application(client_id=found.plaid_client_id, secret=secret, base_url=found.plaid_base_url)
        )
    with house.db.transaction() as cx:
        keys = given or keys_store.find(cx, house.secrets, house.db.workspace_id)
    if keys is None:
        raise Refusal(
            "Plaid needs your keys of dashboard.plaid.com: type them in on its page of integrations, or set BOOKHAND_PLAID_CLIENT_ID and "
            "BOOKHAND_PLAID_SECRET."
        )
    base = (
        keys_store.PLACES[keys.place]
        if found.plaid_base_url in keys_store.PLACES.values()
        else found.plaid_base_url
    )
    return PlaidClient(Application(client_id=keys.client_id, secret=keys.secret, base_url=base))


def feed_of(house: House, plaid: PlaidClient) -> Feed:
    """What brings the banks that are connected through Plaid up to date."""
    from bookhand.systems.bank.plaid.sync_workflow import Feed  # noqa: PLC0415 (see above)

    return Feed(house.db, house.secrets, plaid, is_matched=match_store.has_line)


def part_bank(house: House, connection: Connection) -> list[str]:
    """Let go of a bank: nothing of it is taken in any more, and a feed's Item is removed at Plaid; in sentences what could not be done."""
    from bookhand.systems.bank.plaid import link_auth  # noqa: PLC0415 (see above)

    plaid = None
    if connection.auth == "plaid":
        with suppress(Refusal):
            plaid = plaid_of(house)
    return link_auth.part(house.db, house.secrets, plaid, connection)


def schedule_owner(cx: Transaction[Any], schedule: Schedule) -> tuple[Caller, dict[str, Any]] | None:
    """Whose schedule it is, with the role and the rights of this moment; None where that person is gone."""
    number = schedule.owner.who.removeprefix("person:")
    if not number.isdigit():
        return None
    try:
        person = people.find(cx, int(number))
    except NoSuch:
        return None
    if person.disabled_at is not None:
        return None
    caller = Caller(
        workspace_id=person.workspace_id, who=person.who, name=person.email, role=person.role, can=capabilities(person.role),
        channel="workflow", agent=schedule.owner.agent,
    )  # fmt: skip
    rights = rights_now(cx, person.workspace_id, schedule.connection_id, datetime.now(UTC))
    return caller, msgspec.to_builtins(rights)


def note(cx: Transaction[Any], what: str, subject: str, details: dict[str, Any]) -> None:
    """What people change about people, in the trail of their workspace, in the same transaction."""
    row = cx.execute("select current_setting('bookhand.workspace')::int").fetchone()
    by = str(details.get("by", "bookhand"))
    append(cx, int(row[0]) if row else 1, [Note(who=by, what=what, subject=subject, details=details)])


@contextmanager
def open_house(settings: Settings, *, main_mode: str = "live") -> Iterator[House]:
    """Open the database (migrated) and the sealed tokens."""
    _collect_seldom()
    given = settings.sealing_key.get_secret_value() if settings.sealing_key else None
    house = House(
        settings,
        Database.open(address(settings), data_dir=settings.data_dir, pool_size=16),
        Secrets(settings.data_dir, given=given),
        READERS,
        main_mode,
        note,
    )
    house.door = door_of(house)
    house.books = books_of(house)
    house.payouts = Payouts(house.db, mode=house.main_mode)
    house.templates = templates_of(house.door)
    house.schedule_owner = schedule_owner
    try:
        with house.db.transaction() as cx:
            period_store.configure(
                cx, house.db.workspace_id, timezone=settings.timezone, late=settings.late_facts
            )
        yield house
    finally:
        house.close()


def _collect_seldom() -> None:
    """Let Python look for cycles less often.

    A batch makes some ten thousand objects that live as long as it does, none of them in a cycle: to go through them at every
    700th costs a quarter of the posting's time.
    """
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)


_YOUNG = 50_000


def address(settings: Settings, *, given: str | None = None) -> str:
    """Where the database is: started, but not migrated yet."""
    if given:
        return given
    if settings.database_url:
        return settings.database_url.get_secret_value()
    return embedded.start(Path(settings.data_dir) / "postgres")
