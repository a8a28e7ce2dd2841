"""A process that forks the ones to be killed: everything is loaded once, so a life costs milliseconds and not a start of Python.

It reads one job a line (JSON) from stdin, forks, answers ``pid``, and then ``pid status`` when that life is over.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

import dbos  # noqa: F401 (loaded once, here, and not in every life)
import msgspec
import uvicorn

from bookhand import logs
from bookhand.actions.act_workflow import DoorRuns, act_template
from bookhand.actions.catalogue import Catalogue
from bookhand.actions.kit import Kit
from bookhand.actions.workflow import Door
from bookhand.core.facts import Link
from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.inbox.admission import Endpoint
from bookhand.inbox.backfill_workflow import Backfill
from bookhand.inbox.commit_store import Mailbox
from bookhand.inbox.endpoint import webhooks
from bookhand.inbox.worker_workflow import Post, Worker
from bookhand.journal.workflow import read
from bookhand.runs.workflow import Engine
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection
from bookhand.systems.stripe.acting_client import StripePerformer
from bookhand.systems.stripe.actions import ACTIONS
from bookhand.systems.stripe.client import Patience, StripeReader
from bookhand.systems.stripe.performing.looking_client import Patient
from bookhand.systems.stripe.performing.sending_client import Times
from bookhand.workspace.secrets_store import Secrets


def reader_of(link: Link, address: str) -> StripeReader:
    fast = {"account": 100_000, "endpoint": 100_000}
    connection = Connection(
        link=link, name="x", livemode=False, auth="key", status="active", settings={"base_url": address, "limits": fast}
    )  # fmt: skip
    patience = Patience(tries=2, first_seconds=0.01, longest_seconds=0.02, come_back_seconds=0.05)
    return StripeReader(connection, token=lambda: "rk_test_x", gate=Gate(LocalLeaser()), patience=patience)


def backfill(job: dict[str, Any], link: Link) -> None:
    """Bring a history in; whoever was killed a moment ago may still hold the turn."""
    with Database(job["database"]) as db, reader_of(link, job["stripe"]) as reader:
        while True:
            work = Backfill(
                db, link, reader, readers=[read], tie_out=lambda: (), clock=lambda: job["now"], fetchers=6
            )
            try:
                outcome = work.run(since=job["since"])
            except Refusal:
                time.sleep(0.02)
                continue
            assert outcome.phase == "complete", outcome.verdict
            return


def serve(job: dict[str, Any], link: Link) -> None:
    """Take webhooks and post them, in one process."""
    with Database(job["database"]) as db, reader_of(link, job["stripe"]) as reader:
        stop = threading.Event()
        worker = Worker(db, posts=lambda: [Post(link, reader)], readers=[read], clock=lambda: job["now"])
        threading.Thread(target=worker.run, args=(stop,), daemon=True).start()
        endpoint = Endpoint(secrets=(job["secret"],), links={None: link})
        app = webhooks(find=lambda _: endpoint, keep=Mailbox(db).keep, clock=time.time)
        uvicorn.run(app, port=job["port"], log_level="critical")


def act(job: dict[str, Any], link: Link) -> None:
    """A whole worker: takes webhooks (where it has a port), posts, and does what was approved."""
    faulthandler.enable()
    quick = Patience(tries=2, first_seconds=0.01, longest_seconds=0.05, read_seconds=3, come_back_seconds=0.1)
    with Database(job["database"], pool_size=16) as db, reader_of(link, job["stripe"]) as reader:
        performer = StripePerformer(
            db,
            Secrets(Path(job["data"])),
            patience=quick,
            times=Times(answer_seconds=job["answer_seconds"]),
            patient=Patient(settled_seconds=0.5),
        )
        kit = Kit(
            db=db,
            catalogue=Catalogue(ACTIONS),
            performers={"stripe": performer},
            lease_seconds=job["lease_seconds"],
            settle_seconds=0.2,
            believe_seconds=0.5,
        )
        door = Door(kit)
        engine = Engine(db, [act_template(door)], ttl_seconds=2.0, sweep_seconds=0.3)
        kit.runs = DoorRuns(nudge=engine.nudge)
        engine.launch(work=True)
        worker = Worker(db, posts=lambda: [Post(link, reader)], readers=[read], clock=time.time)
        if not job.get("port"):
            worker.run(threading.Event())
            return
        threading.Thread(target=worker.run, args=(threading.Event(),), daemon=True).start()
        endpoint = Endpoint(secrets=(job["secret"],), links={None: link})
        app = webhooks(find=lambda _: endpoint, keep=Mailbox(db).keep, clock=time.time)
        uvicorn.run(app, port=job["port"], log_level="critical")


def live(job: dict[str, Any]) -> None:
    logs.setup(level="error")  # to stderr: stdout is how the zygote answers
    link = msgspec.json.decode(job["link"], type=Link)
    {"backfill": backfill, "serve": serve, "act": act}[job["what"]](job, link)
    sys.stderr.write(f"{job['what']} came to its end\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                live(job)
                status = 0
            except BaseException:  # noqa: BLE001 (a life ends here, whatever ended it)
                traceback.print_exc()
            finally:
                os._exit(status)
        _say(str(pid))
        _, status = os.waitpid(pid, 0)
        _say(f"{pid} {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
