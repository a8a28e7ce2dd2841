"""``bookhand demo``: a company, its Stripe and its books, all on this machine.

It starts the stand-in Stripe with a seeded company as a process of its own, connects to it as a newcomer would connect a real
account, brings twelve months in, receives live webhooks, posts, proves, and writes a Beancount book; it connects QuickBooks and NetSuite
(stand-ins too) and the company's bank, mirrors, matches and compares. Everything it makes lies in ``.data/demo`` and is made anew each
time. With `once` it lets the traffic end, waits until all is posted, and says whether every proof stands at zero, every book is equal,
every oddity at the bank is named, and the Beancount book passes ``bean-check``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
import webbrowser
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fasteners  # type: ignore[import-untyped]
import httpx
from rich.console import Console

from bookhand.cli import demo_bank, demo_books
from bookhand.cli.backfilling import backfill_with_bars
from bookhand.cli.demo_books import Stage
from bookhand.cli.demo_process import spinner, stand_in
from bookhand.cli.demo_refund import leave_waiting, person, refund, told
from bookhand.cli.demo_sign_ins import at_plaid, at_stripe
from bookhand.cli.running import Running
from bookhand.cli.tables import proof_table
from bookhand.core.days import months_before
from bookhand.core.problems import Outage, Refusal
from bookhand.house import House
from bookhand.sandbox.stripe.engine import DEFAULT_ACCOUNT
from bookhand.sandbox.world.live import CALM
from bookhand.sandbox.world.world import EUROPE
from bookhand.settings import Settings
from bookhand.systems.connection import Connection
from bookhand.systems.stripe import MANIFEST, auth
from bookhand.wiring import open_house
from bookhand.workspace.people import invitation_store
from bookhand.workspace.people import store as people

LIMITS = {"account": 400, "endpoint": 200}
"""Calls a second: this Stripe is on this machine and sets none, so a year comes in as fast as it can be read."""
COMPANIES = {DEFAULT_ACCOUNT: "Lantern Metrics", EUROPE: "Lantern Metrics Europe"}
OWNER = "nora@lantern.example"
TO_ACT = (
    "rak_charge_write",
    "rak_subscription_write",
    "rak_dispute_write",
    "rak_file_write",
    "rak_customer_write",
    "rak_invoice_write",
)
"""What a key may be given beside reading, so that there is something to say yes to."""
LIVE_PER_SECOND_ONCE = 2.0
LIVE_SECONDS_ONCE = 12
QUIET_SECONDS = 180


def demo(out: Console, settings: Settings, *, seed: int, once: bool) -> int:
    """Run the demo; the exit code."""
    folder = settings.data_dir / "demo"
    with _alone(settings.data_dir):
        return _demo(out, settings, folder, seed=seed, once=once)


def _demo(out: Console, settings: Settings, folder: Path, *, seed: int, once: bool) -> int:
    _begin_anew(folder)
    books = settings.books_dir
    out.print(
        f"[bold]bookhand[/] demo: a company's year at Stripe, on this machine alone (seed {seed}).\n",
        highlight=False,
    )
    pace = LIVE_PER_SECOND_ONCE if once else CALM
    with _pinstripe(out, folder, worlds=settings.data_dir / "worlds", seed=seed, pace=pace) as stripe:
        own = settings.model_copy(
            update={
                "data_dir": folder,
                "books_dir": books,
                "stripe_base_url": stripe.url,
                "database_url": None,
            }
        )
        if not once:
            own = _with_sign_in(own, stripe)
        with open_house(own, main_mode="test") as house, Running(house, port=0 if once else None) as running:
            return _walk(out, house, running, stripe, once=once)


def _with_sign_in(own: Settings, stripe: _Pinstripe) -> Settings:
    """The settings with which the pages can send somebody to the stand-in's consent, and hear of changes by webhook."""
    home = f"http://127.0.0.1:{own.port}"
    known = at_stripe(stripe.url, home=home, permissions=stripe.permissions())
    return own.model_copy(update={"public_url": home, **known})


def _walk(out: Console, house: House, running: Running, stripe: _Pinstripe, *, once: bool) -> int:
    if not once:
        _open(out, house, running)
    with ExitStack() as stack:
        if not once:
            house.settings = house.settings.model_copy(update=at_plaid(stack, house.settings.data_dir))
        connected = [_connect(out, house, running, stripe, account) for account in COMPANIES]
        done = refund(out, house, connected[0]) if once else None
        if not once:
            leave_waiting(house, connected[0])
        stage = Stage(out, house, house.settings.data_dir, person(house, "owner"))
        if once:
            with spinner(out, "Live traffic for a moment, then until everything is posted"):
                time.sleep(LIVE_SECONDS_ONCE)
                stripe.quiet()
                _until_posted(house, stripe)
        found = {account: stripe.payouts(account) for account in COMPANIES}
        planted = demo_bank.take_in(stage, found)
        good = [demo_bank.reconciled(stage, planted)]
        banks = {each.number: each.name for each in planted.accounts}
        shelves = demo_books.connect(stage, stack, connected, banks)
        stack.callback(running.stop)  # before the stand-ins go, or its rounds would wait for them
        demo_books.mirror(stage, shelves)
        running.keeper.look(now=True)
        good.append(_show(out, house, running, {each.id: each.name for each in connected}))
        good.append(demo_books.equal(stage, shelves))
        if done is not None:
            good.append(told(out, house, done, connected[0]))
            out.print(_VERDICTS[all(good)])
            return 0 if all(good) else 1
        _farewell(out, house, running)
        with contextlib.suppress(KeyboardInterrupt):
            running.wait()
    out.print("\nEnded. The book stays in", str(house.settings.books_dir), highlight=False)
    return 0


_VERDICTS = {
    True: "[bold green]Every proof stands at 0, the books are equal, and the bank is reconciled.[/]",
    False: "[bold red]Something above does not stand.[/]",
}


def _open(out: Console, house: House, running: Running) -> None:
    """The owner's one-time link, opened where there is a browser to open it in."""
    now = datetime.now(UTC)
    with house.db.transaction() as cx:
        people.add(cx, email=OWNER, name="Nora Lindqvist", role="owner", now=now)
        link = invitation_store.entry_link(cx, OWNER, now=now, note=house.note)
    address = f"{running.url}/enter/{link.secret}"
    out.print(f"Open [bold]{address}[/]", highlight=False, soft_wrap=True)
    out.print("It signs you in once, as the owner. The pages are alive while the year comes in.\n")
    if out.is_terminal and (sys.platform in {"darwin", "win32"} or _has_screen()):
        webbrowser.open(address)


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _farewell(out: Console, house: House, running: Running) -> None:
    """Where everything is, and how to act from another terminal."""
    out.print(
        f"\nThe app is at [bold]{running.url}[/]; the API is described at {running.url}/api/v1/docs.",
        highlight=False,
    )
    out.print(
        f"From another terminal: BOOKHAND_DATA_DIR={house.settings.data_dir} bookhand link {OWNER} prints another link, "
        f"bookhand owner {OWNER} one that sets a password. (Ctrl-C ends the demo)",
        highlight=False,
        soft_wrap=True,
    )


def _connect(out: Console, house: House, running: Running, stripe: _Pinstripe, account: str) -> Connection:
    """Connect one account as a newcomer would, and bring its year in."""
    connection = auth.connect_with_key(
        house.db,
        house.secrets,
        stripe.key(account),
        name=COMPANIES[account],
        base_url=stripe.url,
        limits=LIMITS,
        need_webhooks=True,
    )
    house.register_webhooks(connection, url=running.url)
    link = connection.link
    out.print(
        f"\n[bold]{connection.name}[/] ({link.account}, {link.mode} mode) is connected.", highlight=False
    )
    since = months_before(datetime.now(UTC), house.settings.backfill_months)
    backfill_with_bars(out, house, connection, since=int(since.timestamp()))
    out.print(f"Live webhooks arrive at {running.url}/webhooks/stripe/{connection.id}.", highlight=False)
    return connection


def _show(out: Console, house: House, running: Running, names: Mapping[int, str]) -> bool:
    """The proof table and what bean-check says; whether both are good."""
    proofs = [each for found in running.keeper.proofs.values() for each in found]
    out.print()
    out.print(proof_table(proofs, names))
    wrong = house.verify_books()
    verdict = "passes bean-check." if not wrong else "fails bean-check:"
    out.print(f"\nBeancount book: {house.settings.books_dir / 'main.beancount'} {verdict}", highlight=False)
    for line in wrong[:10]:
        out.print(f"  {line}", style="red", highlight=False)
    return (
        {each.link.connection_id for each in proofs} == set(names)
        and all(each.holds for each in proofs)
        and not wrong
    )


class _Pinstripe:
    """The stand-in's process, from outside."""

    def __init__(self, url: str) -> None:
        self.url = url

    def key(self, account: str) -> str:
        """A restricted key with every permission that bookhand asks for, and those to act, as a person would make one."""
        permissions = {f"permissions[{resource}]": way for resource, way in self.permissions().items()}
        return str(self._post("keys", {"account": account, **permissions})["key"])

    def permissions(self) -> dict[str, str]:
        """Resource to ``read`` or ``write``: every permission that bookhand asks for, and those to act."""
        names = (*(need.permission for need in MANIFEST.needs), *TO_ACT)
        ways = [name.removeprefix("rak_").rpartition("_") for name in names]
        return {resource: way for resource, _, way in ways}

    def quiet(self) -> None:
        """End the live traffic."""
        self._post("live", {"per_second": "0"})

    def payouts(self, account: str) -> list[dict[str, Any]]:
        """Every payout of an account: what its bank will have heard of."""
        key, found = self.key(account), list[dict[str, Any]]()
        more = True
        while more:
            after = {"starting_after": found[-1]["id"]} if found else {}
            page = httpx.get(
                f"{self.url}/v1/payouts", params={"limit": "100", **after}, auth=(key, ""), timeout=30
            ).json()
            found += page["data"]
            more = bool(page["has_more"])
        return found

    def waiting(self) -> int:
        """Webhooks that are still on their way."""
        return int(httpx.get(f"{self.url}/_pinstripe", timeout=10).json()["deliveries"]["waiting"])

    def _post(self, what: str, fields: dict[str, str]) -> dict[str, object]:
        answer = httpx.post(f"{self.url}/_pinstripe/{what}", data=fields, timeout=30)
        answer.raise_for_status()
        found: dict[str, object] = answer.json()
        return found


@contextmanager
def _pinstripe(out: Console, folder: Path, *, worlds: Path, seed: int, pace: float) -> Iterator[_Pinstripe]:
    args = [
        "--world", f"seed={seed}", "--shelf", str(worlds), "--live", str(pace), "--db", str(folder / "pinstripe.db"),
    ]  # fmt: skip
    with ExitStack() as stack:
        with spinner(out, "Making the company and its Stripe (a few seconds the first time)"):
            url = stack.enter_context(stand_in("Pinstripe", "stripe", args, log=folder / "pinstripe.log"))
        yield _Pinstripe(url)


def _until_posted(house: House, stripe: _Pinstripe) -> None:
    """Until no webhook is on its way and nothing is left to read or to fetch, twice in a row."""
    deadline = time.monotonic() + QUIET_SECONDS
    calm = 0
    while calm < 2:  # noqa: PLR2004 (twice in a row)
        calm = calm + 1 if stripe.waiting() == 0 and house.idle() else 0
        if time.monotonic() > deadline:
            raise Outage(
                f"After {QUIET_SECONDS} s something is still unposted: the first page and the log say what."
            )
        time.sleep(0.5)


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = fasteners.InterProcessLock(data_dir / "demo.lock")
    if not lock.acquire(blocking=False):
        raise Refusal(
            f"Another demo is running in {data_dir}: end it with Ctrl-C, or set BOOKHAND_DATA_DIR to another folder."
        )
    try:
        yield
    finally:
        lock.release()


def _begin_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
