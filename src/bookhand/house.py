"""A house at work: what one process has at hand, the settings, the database, the sealed tokens and a client for each connection.

Every command and every loop goes through a `House`; `wiring.open_house` opens one. Errors are those of the rooms behind it:
`Refusal` where a person must act, `Outage` where trying again helps.

    with open_house(settings.read()) as house:
        house.prove(house.named("Acme"))
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

import msgspec
import structlog

from bookhand.books import workflow as beancount
from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Refusal
from bookhand.core.redaction import redact_text
from bookhand.inbox import errand_store, slices_store
from bookhand.inbox import store as inbox
from bookhand.inbox.admission import Endpoint
from bookhand.inbox.backfill_workflow import Backfill, telling
from bookhand.inbox.worker_workflow import Post, Worker
from bookhand.inbox.workflow import replayed
from bookhand.journal import check_workflow
from bookhand.journal import store as journal_store
from bookhand.journal.chart import Chart, chart_from_toml, default_chart
from bookhand.runs.schedule_store import CallerOf, as_kept
from bookhand.runs.workflow import Engine
from bookhand.systems import store as connections
from bookhand.systems.stripe import auth, webhook_client
from bookhand.systems.stripe.oauth_auth import Application
from bookhand.tie_out_workflow import TieOut
from bookhand.web.integrations import library
from bookhand.workflows.payouts.contents import solving_store
from bookhand.workspace.heartbeat_store import beat
from bookhand.workspace.people.oidc_auth import Provider
from bookhand.workspace.people.person import Note, quiet
from bookhand.workspace.people.session_store import Rules
from bookhand.workspace.people.sign_in_workflow import SignIn

if TYPE_CHECKING:
    from bookhand.actions.workflow import Door
    from bookhand.books.room_workflow import BookRoom
    from bookhand.core.ports import Reader
    from bookhand.db.engine import Database
    from bookhand.inbox.backfill import Progress
    from bookhand.journal.check_workflow import Report
    from bookhand.journal.proof import Gap, Proof
    from bookhand.runs.run import Run
    from bookhand.runs.template import Template
    from bookhand.settings import Settings
    from bookhand.systems.connection import Connection
    from bookhand.systems.manifest import Version
    from bookhand.systems.stripe.client import StripeReader
    from bookhand.workflows.payouts.reconciling.workflow import Payouts
    from bookhand.workspace.secrets_store import Secrets

log = structlog.get_logger(__name__)

_THIRTY_DAYS = 30 * 86_400


@dataclass(slots=True)
class House:
    """What one process works with: the settings, the database, the sealed tokens, and a client for each connection."""

    settings: Settings
    db: Database
    secrets: Secrets
    readers: tuple[Reader, ...]
    """Who hears of every fact, in this order."""
    main_mode: str = "live"
    """The mode whose book lies in the books' folder itself; every other mode has a folder of its own in there."""
    note: Note = quiet
    """Appends what people change to the trail."""
    templates: tuple[Template, ...] = ()
    """The kinds of runs there are."""
    schedule_owner: CallerOf = as_kept
    """Who a schedule's owner is when it fires."""
    door: Door = field(init=False)
    """The one door that everything which acts goes through; `wiring` puts it here."""
    books: BookRoom = field(init=False)
    """The outside books, and what is done with them; `wiring` puts it here."""
    payouts: Payouts = field(init=False)
    """Payouts against the bank; `wiring` puts it here."""
    at_end: list[Callable[[], None]] = field(default_factory=list)
    """What is let go of when the house is closed."""
    _engine: Engine | None = None
    _clients: dict[int, tuple[Connection, StripeReader]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def every(self) -> list[Connection]:
        """All connections, oldest first."""
        with self.db.transaction() as cx:
            return connections.every(cx)

    def active(self) -> list[Connection]:
        """The Stripe accounts that are served."""
        return [each for each in self.every() if each.status == "active" and each.link.system == "stripe"]

    def some(self) -> Connection:
        """Any connection, for what concerns the whole workspace; `Refusal` where there is none."""
        found = self.every()
        if not found:
            raise Refusal("Nothing is connected yet: run `bookhand connect stripe`.")
        return found[0]

    def named(self, name: str | None) -> Connection:
        """The connection of that name; without a name the only one of Stripe's. `Refusal` that lists them otherwise."""
        found = [each for each in self.every() if name is not None or each.link.system == "stripe"]
        names = ", ".join(repr(each.name) for each in found)
        if not found:
            raise Refusal("Nothing is connected yet: run `bookhand connect stripe`.")
        if name is None and len(found) == 1:
            return found[0]
        chosen = [each for each in found if name in {each.name, str(each.id)}]
        if len(chosen) != 1:
            what = (
                "Name one of the connections"
                if name is None
                else f"There is no connection {name!r}; there are"
            )
            raise Refusal(f"{what}: {names}.")
        return chosen[0]

    def reader(self, connection: Connection) -> StripeReader:
        """A client for `connection`, kept for as long as the connection stays as it is."""
        with self._lock:
            kept = self._clients.get(connection.id)
            if kept is not None and kept[0] == connection:
                return kept[1]
            client = auth.open_reader(self.db, self.secrets, connection)
            self._clients[connection.id] = (connection, client)
            return client

    def endpoint(self, number: int) -> Endpoint | None:
        """Whose signature a delivery to ``/webhooks/stripe/{number}`` must bear, and which accounts may speak through it."""
        with self.db.transaction() as cx:
            served = [
                each for each in connections.every(cx, system="stripe") if each.status != "disconnected"
            ]
            mine = next((each for each in served if each.id == number), None)
            if mine is None:
                return None
            secrets = webhook_client.signing_secrets(cx, self.secrets, mine.link)
        links = {None: mine.link, mine.link.account: mine.link}
        return Endpoint(secrets=secrets, links=links)

    def register_webhooks(self, connection: Connection, *, url: str | None = None) -> str | None:
        """Bring Stripe's webhook endpoint to this machine's address; its id, or None where there is no address."""
        public = url or self.settings.public_url
        return webhook_client.reconcile(self.db, self.secrets, connection, public) if public else None

    def register_all(self) -> list[str]:
        """The same for every connection that is served; in sentences what could not be done. The event list is read meanwhile."""
        told = []
        for connection in self.active():
            try:
                self.register_webhooks(connection)
            except BookhandError as error:
                told.append(
                    f"{connection.name}: its webhook endpoint was not looked after, and is at the next start. {error}"
                )
        return told

    def application(self, kind: Literal["app", "connect"], *, home: str | None = None) -> Application:
        """The Stripe App or Connect platform of the settings; `Refusal` that names what is not set.

        `home` is where the person's browser is: Stripe sends people back there in test mode, where no public address is set.
        """
        found = self.settings
        key = found.stripe_developer_key.get_secret_value() if found.stripe_developer_key else ""
        public = found.public_url or (home if "_test_" in key[:8] else None)
        needed = {
            "BOOKHAND_STRIPE_CLIENT_ID": found.stripe_client_id,
            "BOOKHAND_STRIPE_DEVELOPER_KEY": found.stripe_developer_key,
            "BOOKHAND_PUBLIC_URL": public,
        }
        missing = [name for name, value in needed.items() if not value]
        if missing or not (found.stripe_client_id and found.stripe_developer_key):
            raise Refusal(
                f"Signing in by OAuth needs {', '.join(missing)}; a restricted key (--key) needs none of them."
            )
        return Application(
            kind=kind,
            client_id=found.stripe_client_id,
            redirect_uri=f"{public}/oauth/stripe/{kind}",
            developer_key=key,
            base_url=found.stripe_base_url,
            connect_url=found.stripe_connect_url,
            marketplace_url=found.stripe_marketplace_url,
        )

    def sign_in(self) -> SignIn:
        """The ways in to this workspace, for people."""
        rules = Rules(hours=self.settings.session_hours, idle_minutes=self.settings.session_idle_minutes)
        return SignIn(self.db, self.secrets, note=self.note, rules=rules)

    def identity_provider(self) -> Provider | None:
        """Where people sign in beside here; None where the settings name none. `Refusal` where they name half of one."""
        found = self.settings
        if found.oidc_issuer is None:
            return None
        if not (found.oidc_client_id and found.public_url):
            raise Refusal("Signing in by oidc_issuer needs BOOKHAND_OIDC_CLIENT_ID and BOOKHAND_PUBLIC_URL.")
        secret = found.oidc_client_secret
        return Provider(
            issuer=found.oidc_issuer, client_id=found.oidc_client_id, redirect_uri=f"{found.public_url}/oidc/back",
            client_secret=secret.get_secret_value() if secret else None, name=found.oidc_name,
        )  # fmt: skip

    def posts(self) -> Sequence[Post]:
        """Whose mail the worker reads, and the clients that run its errands."""
        with self.db.transaction() as cx:
            beat(cx, "worker")
        return [Post(link=each.link, reader=self.reader(each)) for each in self.active()]

    def worker(self) -> Worker:
        """The worker of this process."""
        return Worker(
            self.db,
            posts=self.posts,
            readers=self.readers,
            clock=time.time,
            poll_minutes=self.settings.poll_minutes,
        )

    def runs(self) -> Engine:
        """The engine of this process: `nudge` it after a commit that lets runs go on; `Running` launches it."""
        with self._lock:
            if self._engine is None:
                self._engine = Engine(
                    self.db, self.templates, alert=_alert, redact=redact_text, caller_of=self.schedule_owner
                )
            return self._engine

    def nudge(self) -> None:
        """Let this process' engine look at once, where it has one; another process' sweep finds it within a second."""
        engine = self._engine
        if engine is not None:
            engine.nudge()

    def backfill(
        self,
        connection: Connection,
        *,
        since: int,
        until: int | None = None,
        show: Callable[[Progress], None] = lambda _: None,
        stop: threading.Event | None = None,
    ) -> Progress:
        """Bring the history of `connection` in from `since` (Unix seconds); where it begins late, with an opening balance.

        One that was not finished goes on as it was planned, whatever range is asked for now: see `unfinished`. Set, `stop` ends it after
        the page that is under way.
        """
        reader = self.reader(connection)
        run = Backfill(
            self.db, connection.link, reader, readers=self.readers, tie_out=lambda: self._tie_out(connection).told(), clock=time.time,
            show=telling(self.db, connection.link, show), stop=stop,
        )  # fmt: skip
        return run.run(since=since, until=until)

    def unfinished(self, connection: Connection) -> tuple[int, int] | None:
        """The range (Unix seconds) of a backfill that was begun and not finished; None where there is none."""
        with self.db.transaction() as cx:
            found = slices_store.latest(cx, connection.link)
        return (found.since, found.until) if found is not None and found.status == "running" else None

    def prove(self, connection: Connection, *, name_gaps: bool = False) -> list[Proof]:
        """Prove the journal of `connection` against Stripe's balance and keep the result."""
        return self._tie_out(connection).prove(name_gaps=name_gaps)

    def gaps(self, connection: Connection) -> dict[str, Gap]:
        """What is behind a difference between the journal of `connection` and Stripe, by currency: both lists compared."""
        return self._tie_out(connection).gaps()

    def _tie_out(self, connection: Connection) -> TieOut:
        return TieOut(
            self.db, connection.link, self.reader(connection), self.readers, timezone=self.settings.timezone
        )

    def watch_reads(self, connection: Connection) -> None:
        """Keep a Problem while our reads come near to what Stripe allots for the account's transactions of thirty days."""
        since = int(time.time()) - _THIRTY_DAYS
        with self.db.transaction() as cx:
            count = journal_store.count_since(cx, connection.link, since)
            connections.watch_reads(cx, connection.link, transactions=count)

    def watch_versions(
        self,
        spoken: Callable[[Connection], Version | None] = lambda each: library.of_connection(each).version,
    ) -> None:
        """Keep a Problem for each connection whose API version comes to its end or is past it; `spoken` says which one bookhand speaks."""
        today = datetime.now(ZoneInfo(self.settings.timezone)).date()
        with self.db.transaction() as cx:
            for each in connections.every(cx):
                connections.watch_version(cx, each, spoken(each), today=today)

    def check(self, connection: Connection) -> Report:
        """Every delivery of `connection` read again into a second journal, compared with the first; and what is kept of it, counted again."""
        report = check_workflow.check(self.db, connection.link, replayed(self.db, connection.link))
        with self.db.snapshot() as cx:
            miskept = solving_store.miskept(cx, connection.link)
        return msgspec.structs.replace(
            report, holds=report.holds and not miskept, sentences=[*report.sentences, *miskept]
        )

    def mirror(self) -> list[str]:
        """Bring the Beancount book of every mode up to the journal; what was done, in sentences."""
        told = []
        for mode, links in self._by_mode().items():
            done = beancount.mirror(self.db, self.book_folder(mode), links, chart=self.chart())
            told.append(
                f"{self.book_folder(mode)}: {done.entries:,} entries, {len(done.written)} files written."
            )
        return told

    def verify_books(self) -> list[str]:
        """What bean-check says against the books; empty where all are good."""
        return [line for mode in self._by_mode() for line in beancount.verify(self.book_folder(mode))]

    def book_folder(self, mode: str) -> Path:
        """Where the Beancount book of a mode lies."""
        folder = self.settings.books_dir
        return folder if mode == self.main_mode else folder / mode

    def chart(self) -> Chart:
        """The accounts' names, from the file of the settings or bookhand's own."""
        file = self.settings.accounts_file
        if file is None:
            return default_chart()
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Refusal(f"accounts_file is {file}, which cannot be read: {error}.") from error
        return chart_from_toml(text, where=str(file))

    def sizes(self) -> dict[int, int]:
        """How many entries each connection's journal has."""
        with self.db.transaction() as cx:
            return {
                each.id: sum(journal_store.months(cx, each.link).values())
                for each in connections.every(cx, system="stripe")
            }

    def _by_mode(self) -> dict[str, list[Link]]:
        found: dict[str, list[Link]] = {}
        for each in self.every():
            if each.link.system == "stripe":
                found.setdefault(each.link.mode, []).append(each.link)
        return found

    def idle(self) -> bool:
        """Whether nothing is left to read, and nothing to ask Stripe for."""
        with self.db.transaction() as cx:
            return not any(
                inbox.waiting(cx, each.link) or errand_store.errands_left(cx, each.link)
                for each in connections.every(cx)
            )

    def close(self) -> None:
        """Let go of every connection outside and inside."""
        if self._engine is not None:
            self._engine.close()
        for _, client in self._clients.values():
            client.close()
        self._clients.clear()
        for let_go in self.at_end:
            let_go()
        self.db.close()


def _alert(run: Run, sentence: str) -> None:
    """People hear of it in the log; where the run has a connection its Problem is on the page too."""
    log.warning("run_needs_a_person", run=run.id, template=run.template, says=sentence)
