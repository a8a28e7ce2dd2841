"""The whole app of one process over a company whose payouts are told: one arrived, one is asked about, one is missing; its bank speaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from html import unescape
from typing import Any

import httpx
import pytest
from tests.journal.shapes import START, bt, members, seen
from tests.web.browsing import Browser
from tests.web.page.conftest import House

from bookhand.core.facts import Fact, Link, Payout
from bookhand.db.engine import Database
from bookhand.journal.workflow import read as post
from bookhand.sandbox.bank.files import FileFormat, render
from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.systems.bank.intake_workflow import Intake, Taken
from bookhand.web.app import create_app
from bookhand.web.payouts.bank.statements import Uploads
from bookhand.workflows.payouts.payout_store import read
from bookhand.workflows.payouts.reconciling.workflow import Report, reconcile

DAY = 86_400
IBAN = "DE89370400440532013000"
HOSTILE = "<script>alert(1)</script>"
SECRET = "rk_live_" + "51Nh3xQrStUvWxYz0123456789"  # shaped like one
FILES = {"camt053": "nov.xml", "ofx": "nov.qfx", "mt940": "nov.sta", "bai2": "nov.bai", "csv": "nov.csv"}


class Company(House):
    """The app as a process serves it, and hands that tell it things."""

    def __init__(self, db: Database, folder: Any, link: Link) -> None:
        super().__init__(db, folder)
        self.link = link
        self.site.rooms["uploads"] = Uploads(most_megabytes=3)

    @cached_property
    def app(self) -> Any:
        return create_app(self.db, reception=self.reception, site=self.site)

    def payout(
        self,
        name: str,
        *,
        charge: int,
        fee: int,
        refund: int = 0,
        day: int = 0,
        status: str = "paid",
        **more: Any,
    ) -> Payout:
        """A payout of one charge, less a refund, on the `day`-th day; Stripe's list of it is complete."""
        at, net = START + day * DAY, charge - fee - refund
        facts: list[Fact] = [bt(f"txn_{name}", charge, fee=fee, source=f"ch_{name}", at=at)]
        if refund:
            facts.append(bt(f"txn_re_{name}", -refund, category="refund", source=f"re_{name}", at=at))
        facts.append(bt(f"txn_po_{name}", -net, category="payout", source=f"po_{name}", at=at))
        made = Payout(
            id=f"po_{name}", created=at, currency="USD", amount=net, status=status, automatic=True, method="standard", arrival_date=at,
            reconciliation_status="completed", balance_transaction=f"txn_po_{name}", **more,
        )  # fmt: skip
        told = [*facts, *members(made.id, *(fact.id for fact in facts)), made]
        with self.db.transaction() as cx:
            post(cx, self.link, seen(told))
            read(cx, self.link, seen(told))
        return made

    def bank(self, *lines: BankLine, kind: FileFormat = "camt053", number: str = IBAN, no: int = 1) -> Taken:
        """A statement of the bank, taken in."""
        whole = BankAccount(number=number, currency="USD", lines=lines, statement_no=no)
        taken = Intake(self.db, mode="test").take(render(whole, kind), name=f"{no}.{kind}", by="person:1")
        assert isinstance(taken, Taken)
        return taken

    def reconcile(self) -> Report:
        return reconcile(self.db, mode="test")

    def one(self, query: str, *values: Any) -> Any:
        """The first cell that a query finds."""
        with self.db.transaction() as cx:
            row = cx.execute(query, values).fetchone()  # type: ignore[arg-type]
        return row[0] if row else None

    def line(self, text: str) -> int:
        """The number of the line that says `text`."""
        return int(self.one("select line_id from statement_line where description like %s", f"%{text}%"))


def line(number: int, day: int, minor: int, text: str, **more: Any) -> BankLine:
    return BankLine(id=f"TX{number}", day=f"2026-01-{day:02d}", minor=minor, description=text, **more)


@pytest.fixture
def web(db: Database, tmp_path: Any, link: Link) -> Company:
    """Nothing is told yet."""
    return Company(db, tmp_path, link)


@pytest.fixture
def company(web: Company) -> Company:
    """Three payouts: ``po_good`` has arrived, ``po_weak`` may have, and ``po_gone`` is missing."""
    web.payout("good", charge=10_000, fee=320, refund=500)
    web.payout("weak", charge=20_000, fee=610, day=2)
    web.payout("gone", charge=30_000, fee=900, day=4)
    web.bank(
        line(1, 1, 9_180, "STRIPE po_good"),
        line(2, 3, 19_390, "INCOMING WIRE"),
        line(3, 4, -4_200, f"RENT {HOSTILE} {SECRET}"),
        line(4, 30, -100, "COFFEE"),
    )
    report = web.reconcile()
    assert (report.matches, report.questions) == (1, 1)
    return web


@pytest.fixture
def upload() -> Callable[..., Any]:
    """Send a file as the page's form does: ``await upload(browser, "nov.xml", raw)``."""

    async def send(browser: Browser, name: str, raw: bytes, **fields: str) -> httpx.Response:
        page = await browser.get("/payouts/statements")
        return await browser.client.post(
            "/payouts/statements", data={"csrf": csrf(page.text), **fields}, files={"file": (name, raw)},
            headers={"sec-fetch-site": "same-origin"},
        )  # fmt: skip

    return send


def csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', page)
    assert found, "the page has no form"
    return found[1]


def words(page: str) -> str:
    """What a person reads on a page."""
    body = re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(body))


def said(answer: httpx.Response) -> str:
    """Where a form led to."""
    assert answer.status_code == 303, words(answer.text)[-400:]
    return answer.headers["location"]
