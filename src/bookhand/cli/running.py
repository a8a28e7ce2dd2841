"""What `serve` runs side by side in one process: the web, the worker, the keeper that proves and mirrors, and the engine of runs.

    with Running(house) as running:
        running.wait()                    # until Ctrl-C or SIGTERM

The web answers webhooks on the event loop of its own thread; the worker posts; the keeper looks every second whether the journal
grew, and if so proves it against Stripe and writes the Beancount book; the engine executes runs, and without work only starts and
wakes those of others; the folder of bank statements and the banks behind Plaid are looked at apart, and so are
payouts and the outside books. Whatever fails is logged with its reason and tried again.
"""

from __future__ import annotations

import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Self

import structlog
import uvicorn

from bookhand.actions.act_workflow import tidy
from bookhand.cli.bank_rounds import BankRounds
from bookhand.cli.book_rounds import BookRounds
from bookhand.cli.connecting import Connections
from bookhand.cli.history_rounds import HistoryRounds
from bookhand.core.facts import Link
from bookhand.core.problems import BookhandError, Refusal
from bookhand.inbox.commit_store import Mailbox
from bookhand.inbox.endpoint import webhooks
from bookhand.keeper import Keeper
from bookhand.web.api import books as books_api
from bookhand.web.api import people as people_api
from bookhand.web.api.app import create_api
from bookhand.web.app import create_app
from bookhand.web.books.hands import ROOM as BOOKS
from bookhand.web.books.hands import Hands as BooksHands
from bookhand.web.page.site import Site
from bookhand.web.payouts.bank.statements import Uploads
from bookhand.web.people.gate import Reception
from bookhand.workflows.customers.index_workflow import Index

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from bookhand.house import House
    from bookhand.journal.proof import Proof

LOOK_SECONDS = 1.0
BANK_SECONDS = 3.0
_REST_SECONDS = 5.0
log = structlog.get_logger(__name__)


class Running:
    """A house at work."""

    def __init__(
        self,
        house: House,
        *,
        host: str | None = None,
        port: int | None = None,
        work: bool = True,
        web: bool = True,
    ) -> None:
        self.house = house
        self.keeper = Keeper(house)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._work = work
        self._site: Site | None = None
        self._socket = (
            _bound(host or house.settings.host, house.settings.port if port is None else port)
            if web
            else None
        )
        self._server = self._web() if web else None

    @property
    def url(self) -> str:
        """Where the pages are."""
        if self._socket is None:
            return ""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def start(self) -> Self:
        """Begin; returns when the web answers."""
        if self._server is not None and self._socket is not None:
            self._begin(
                "web",
                lambda: self._server.run(sockets=[self._socket]) if self._server and self._socket else None,
            )
            self._until_answering()
        if self._work:
            self._begin("worker", lambda: self.house.worker().run(self._stop))
            self._begin("keeper", self._keep)
            self._begin("bank", self._look_at_banks)
            self._begin("books", self._look_at_books)
            self._begin("customers", self._look_at_customers)
            self._begin("history", self._look_at_history)
        self._begin("runs", self._run_runs)
        return self

    def wait(self) -> None:
        """Until Ctrl-C or SIGTERM, or until the web server ends by itself."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        while not self._stop.wait(0.5):
            if self._server is not None and self._server.should_exit:
                break

    def stop(self) -> None:
        """End what runs: requests and batches under way are finished first."""
        self._stop.set()
        if self._site is not None:
            self._site.pulse.end()
        if self._server is not None:
            self._server.should_exit = True
        for thread in self._threads:
            thread.join(timeout=30)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self, name: str, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _until_answering(self) -> None:
        deadline = time.monotonic() + 30
        while self._server is not None and not self._server.started:
            if time.monotonic() > deadline or not self._threads[0].is_alive():
                raise Refusal("The web server did not start; its log line above says why.")
            time.sleep(0.02)

    def _run_runs(self) -> None:
        engine = self.house.runs()
        while not self._stop.is_set():
            try:
                engine.launch(work=self._work)
            except Exception:
                log.exception("runs_wait")
                self._stop.wait(_REST_SECONDS)
            else:
                break
        self._stop.wait()
        engine.close()

    def _keep(self) -> None:
        door = self.house.door
        while not self._stop.wait(LOOK_SECONDS):
            for work in (door.expire, lambda: tidy(door), self.keeper.look):
                self._try(work)

    def _look_at_books(self) -> None:
        rounds = BookRounds(self.house, stop=self._stop.is_set)
        while not self._stop.wait(_REST_SECONDS):
            self._try(rounds.look)

    def _look_at_history(self) -> None:
        rounds = HistoryRounds(self.house)
        while not self._stop.wait(LOOK_SECONDS):
            self._try(rounds.look)
        rounds.end()

    def _look_at_customers(self) -> None:
        index = Index(self.house.db)
        while not self._stop.wait(LOOK_SECONDS):
            for connection in self.house.every():
                if connection.link.system == "stripe":
                    self._try(partial(self._read_customers, index, connection.link))

    def _read_customers(self, index: Index, link: Link) -> None:
        while not self._stop.is_set() and index.look(link):
            pass

    def _look_at_banks(self) -> None:
        rounds = BankRounds(self.house)
        while not self._stop.wait(BANK_SECONDS):
            self._try(rounds.look)

    def _try(self, work: Callable[[], object]) -> None:
        """`work`; what goes wrong with it is logged, tried again at the next look, and holds up nothing else."""
        try:
            work()
        except BookhandError as error:
            log.warning("keeper_waits", why=str(error))
        except Exception:
            log.exception("keeper_failed")

    def _prove(self, number: int) -> Sequence[Proof]:
        return self.house.prove(self.house.named(str(number)), name_gaps=True)

    def _web(self) -> uvicorn.Server:
        house = self.house
        mailbox = Mailbox(house.db)
        mail = webhooks(find=house.endpoint, keep=mailbox.keep, clock=time.time)

        @asynccontextmanager
        async def around() -> AsyncIterator[None]:
            yield
            await mailbox.close()

        reception = Reception(
            house.sign_in(), public_url=house.settings.public_url, provider=house.identity_provider()
        )
        templates = {each.name: each for each in house.templates}
        self._site = Site(
            db=house.db, reception=reception, door=house.door, templates=templates, books=house.books, payouts=house.payouts,
            rooms={
                "uploads": Uploads(most_megabytes=house.settings.bank_file_mb),
                BOOKS: BooksHands(chart=house.chart, prove=self._prove, gaps=lambda number: house.gaps(house.named(str(number)))),
            },
        )  # fmt: skip
        connecting = Connections(house)
        self._site.rooms["integrations"] = connecting
        app = create_app(
            house.db,
            webhooks=mail,
            tally=mail.tally,
            hosts=house.settings.page_hosts.split(","),
            sign_in=connecting.finish,
            bound=connecting.bound,
            lifespan=around,
            reception=reception,
            api=create_api(
                house.door,
                authenticate=reception.caller,
                templates=templates,
                more=[people_api.of(reception), books_api.of(house.books)],
                bank_file_mb=house.settings.bank_file_mb,
                aside=self._site.aside,
            ),
            site=self._site,
        )
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
        )
        return uvicorn.Server(config)  # on its own thread, where it hears no signals: `wait` does


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as error:
        found.close()
        raise Refusal(
            f"Port {port} on {host} cannot be used ({error.strerror}): choose another with --port or BOOKHAND_PORT."
        ) from error
    return found
