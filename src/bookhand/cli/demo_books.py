"""The demo's outside books: QuickBooks, NetSuite and Beancount, each by journal entries and by deposits, compared with the journal.

    shelves = connect(stage, stack, stripe)      # as a newcomer would: sign in, look at the mapping, agree
    mirror(stage, shelves)
    equal(stage, shelves)

The books begin two months ago, so that a year need not be written six times over.
"""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import httpx
from rich.console import Console

from bookhand.cli.demo_process import spinner, stand_in
from bookhand.cli.demo_sign_ins import at_intuit
from bookhand.cli.tables import plain_table
from bookhand.core.days import months_before
from bookhand.core.problems import Refusal
from bookhand.sandbox.quickbooks.lantern import CLEARING_REALM, DEPOSIT_REALM
from bookhand.sandbox.quickbooks.person import come_back
from bookhand.sandbox.quickbooks.standin import QuickBooks
from bookhand.systems import store
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.netsuite import auth as netsuite
from bookhand.systems.quickbooks import auth as quickbooks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bookhand.books.comparing.compare_workflow import Compared
    from bookhand.core.book import PostingMethod
    from bookhand.core.caller import Caller
    from bookhand.house import House
    from bookhand.systems.connection import Connection

QUICKBOOKS_LIMITS = {"company": 100_000, "app": 400, "batch": 100_000}
NETSUITE_LIMITS = {"at_once": 8}
"""These stand-ins are on this machine and were told not to count calls; the real ones take about 20 entries a second."""
MONTHS = 2
_METHODS: tuple[PostingMethod, ...] = ("clearing", "deposit")
_ACCOUNT = "TSTDRV2002"


class Stage(NamedTuple):
    """Where the demo plays: what it prints on, the house, the demo's folder, and the person whose company it is."""

    out: Console
    house: House
    folder: Path
    owner: Caller


class Shelf(NamedTuple):
    """One outside book: whose system, by which method, its connection, and the Stripe accounts that it takes."""

    system: str
    method: PostingMethod
    connection: Connection
    sources: tuple[int, ...]


def connect(
    stage: Stage, stack: ExitStack, stripe: Sequence[Connection], banks: Mapping[str, str]
) -> list[Shelf]:
    """Connect every book by each method and agree to its mapping; the deposits take the first Stripe account, which has one bank account.

    `banks` is the number of each of the company's bank accounts to its name, for the mapping.
    """
    house, folder = stage.house, stage.folder
    with spinner(stage.out, "Starting QuickBooks and NetSuite (stand-ins), and signing in"):
        urls = {
            "QuickBooks": stack.enter_context(
                stand_in(
                    "QuickBooks", "quickbooks", ("--lantern", "--unlimited"), log=folder / "quickbooks.log"
                )
            ),
            "NetSuite": stack.enter_context(
                stand_in("NetSuite", "netsuite", ("--lantern", "--at-once", "8"), log=folder / "netsuite.log")
            ),
        }
        known = {**at_intuit(urls["QuickBooks"]), "netsuite_base_url": f"{urls['NetSuite']}/{{account}}"}
        house.settings = house.settings.model_copy(update=known)  # so that the pages can connect there too
        every = tuple(each.id for each in stripe)
        shelves = [
            Shelf(system, method, connection, every if method == "clearing" else every[:1])
            for system, method, connection in (
                *_beancounts(house, folder), *_quickbooks(house, urls["QuickBooks"]), *_netsuites(house, urls["NetSuite"]),
            )
        ]  # fmt: skip
        for shelf in shelves:
            _agree(house, stage.owner, shelf, banks)
    return shelves


def mirror(stage: Stage, shelves: Sequence[Shelf]) -> None:
    """Bring every book up to the journal."""
    for shelf in shelves:
        with spinner(stage.out, f"Mirroring into {shelf.system} by {shelf.method}"):
            done = stage.house.books.mirrors.mirror(shelf.connection.link)
        if done.refused:
            first = done.refused[0]
            raise Refusal(
                f"{shelf.connection.name} refused {len(done.refused)} documents, the first: {first.why}"
            )


def equal(stage: Stage, shelves: Sequence[Shelf]) -> bool:
    """Compare every book with the journal, and say so; whether all are equal."""
    table = plain_table("The outside books against the journal")
    for heading in ("Book", "Method", "Accounts and months", "Entries covered", "Waiting", "Off by"):
        table.add_column(heading, justify="right" if heading not in {"Book", "Method"} else "left")
    good, breaks = True, []
    for shelf in shelves:
        found = stage.house.books.compares.compare(stage.owner, shelf.connection.link)
        tally = stage.house.books.named(stage.owner, str(shelf.connection.id)).tally
        good = good and found.equal
        breaks += [f"{shelf.connection.name}: {each.says}" for each in found.comparison.breaks[:5]]
        table.add_row(
            shelf.connection.name, shelf.method, f"{len(found.comparison.rows):,}", f"{tally.entries:,}", _waiting(found),
            "[green]books equal[/]" if found.equal else f"[bold red]{len(found.comparison.breaks):,} differences[/]",
        )  # fmt: skip
    stage.out.print(table)
    for line in breaks:
        stage.out.print(f"  {line}", style="red", highlight=False, markup=False)
    return good


def _waiting(found: Compared) -> str:
    waits = found.coverage.waits()
    return f"{sum(count for count, _ in waits.values()):,}" + (" for their payout" if waits else "")


def _agree(house: House, owner: Caller, shelf: Shelf, banks: Mapping[str, str]) -> None:
    """Look at what is proposed, choose what it leaves open, and agree."""
    now = datetime.now(UTC)
    since = months_before(now, MONTHS).strftime("%Y-%m-01")
    link = shelf.connection.link
    accounts = {each.name.rpartition(":")[2]: each.id for each in house.books.kit.reader(link).accounts(link)}
    chosen = {f"bank:{number}": accounts.get(name, accounts["Checking"]) for number, name in banks.items()}
    if (
        shelf.method == "deposit"
    ):  # on its way and at the bank is one account then, so that the bank's feed finds each deposit
        chosen["bank_in_transit"] = accounts["Checking"]
    shown = house.books.setups.propose(
        owner, link, method=shelf.method, sources=shelf.sources, since=since, chosen=chosen
    )
    if shown.unmapped:
        said = {(line.journal, line.currency): line.evidence for line in shown.lines}
        left = [f"{journal} in {currency}: {said[journal, currency]}" for journal, currency in shown.unmapped]
        raise Refusal(f"{shelf.connection.name} is not mapped whole: {' '.join(left)}")
    house.books.setups.agree(owner, link, shown.choice(), "The demo's owner has looked at it.")


def _beancounts(house: House, folder: Path) -> list[tuple[str, PostingMethod, Connection]]:
    made: list[tuple[str, PostingMethod, Connection]] = []
    for method in _METHODS:
        name = f"Beancount, by {method}"
        made.append(
            (
                "Beancount",
                method,
                connect_folder(house.db, folder / f"beancount-{method}", mode="test", name=name),
            )
        )
    return made


def _quickbooks(house: House, url: str) -> list[tuple[str, PostingMethod, Connection]]:
    app = QuickBooks(seed=1).app
    application = quickbooks.Application(
        client_id=app.client_id, client_secret=app.client_secret, mode="test", base_url=url,
        redirect_uri="http://localhost:8787/oauth/quickbooks", discovery_url=f"{url}/.well-known/openid_configuration",
    )  # fmt: skip
    made: list[tuple[str, PostingMethod, Connection]] = []
    for method, realm in zip(_METHODS, (CLEARING_REALM, DEPOSIT_REALM), strict=True):
        way = quickbooks.start_sign_in(house.db, application, name=f"QuickBooks, by {method}")
        back = quickbooks.back_of(come_back(way, realm=realm))
        connection = quickbooks.finish_sign_in(house.db, house.secrets, application, back)
        with house.db.transaction() as cx:
            store.set_settings(cx, connection.id, limits=QUICKBOOKS_LIMITS)
            made.append(("QuickBooks", method, store.get(cx, connection.id)))
    return made


def _netsuites(house: House, url: str) -> list[tuple[str, PostingMethod, Connection]]:
    made: list[tuple[str, PostingMethod, Connection]] = []
    for method, subsidiary in zip(_METHODS, ("1", "2"), strict=True):
        pair = netsuite.begin(house.db, house.secrets, _ACCOUNT, now=datetime.now(UTC))
        answer = httpx.post(
            f"{url}/_standin/certificate",
            json={"account": _ACCOUNT.lower(), "pem": pair.certificate_pem},
            timeout=30,
        )
        answer.raise_for_status()
        told = answer.json()
        connection = netsuite.connect_with_certificate(
            house.db, house.secrets, _ACCOUNT, client_id=told["client_id"], certificate_id=told["certificate_id"], subsidiary=subsidiary,
            name=f"NetSuite, by {method}", base_url=f"{url}/{{account}}", limits=NETSUITE_LIMITS,
        )  # fmt: skip
        made.append(("NetSuite", method, connection))
    return made
