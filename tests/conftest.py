"""A migrated PostgreSQL for each test: the embedded server, or the one of BOOKHAND_DATABASE_URL."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from tests.databases import Databases

from bookhand.core.facts import Link
from bookhand.db import embedded
from bookhand.db.engine import Database

API_VERSION = "2026-10-28.endive"

# A busy machine is no finding about the code. The same code gives the same cases, so that a red run says something of the change in
# hand; `make explore` draws others each time.
settings.register_profile(
    "calm",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=not os.environ.get("BOOKHAND_EXPLORE"),
)
settings.load_profile("calm")


# Programs that tests start are compiled once, not each time anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--storm-seconds", type=float, default=60, help="how long each storm test may go on")


BROWSER = "tests/browser"
_LONGEST = (
    BROWSER,
    "tests/storm/test_refunds.py",
    "tests/cli/test_demo.py",
    "tests/web/api/test_matrix.py",
    "tests/storm/test_kill.py",
    "tests/contract/books/test_mirroring.py",
    "tests/web/api/test_whole_way.py",
    "tests/web/api/test_described.py",
    "tests/sandbox/outside/test_tap.py",
    "tests/cli/test_words.py",
    "tests/cli/test_trouble.py",
    "tests/runs/test_traps.py",
)
"""The files that go on for longest: workers begin with them, or one would be left alone with the last of them when all else is done."""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = (
            False  # xdist would begin with the files of most tests, which are the quickest
        )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    storm = pytest.mark.timeout(config.getoption("--storm-seconds") + float(config.getini("timeout")))
    for item in items:
        if item.get_closest_marker("storm"):
            item.add_marker(storm)
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(_place_of(item.nodeid), len(places)))


def _place_of(nodeid: str) -> str:
    """The file of a test; all that have a browser stand together."""
    return BROWSER if nodeid.startswith(f"{BROWSER}/") else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """File by file to the workers; the tests that have a browser to one of them, so that there is one browser and one town."""
    from xdist.scheduler import LoadFileScheduling

    class Together(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _place_of(nodeid)

    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """The address of a server that tests may make databases on."""
    given = os.environ.get("BOOKHAND_DATABASE_URL")
    if given:
        yield given
        return
    folder = Path(tempfile.mkdtemp(prefix="bookhand-test-"))
    folder.chmod(0o755)
    url = embedded.start(folder / "postgres")
    with psycopg.connect(url, autocommit=True) as cx:
        # What a power cut would take from a test run, nobody misses.
        cx.execute("alter system set fsync = off")
        cx.execute("alter system set full_page_writes = off")
        cx.execute("select pg_reload_conf()")
    yield url
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(server_url: str) -> Iterator[Databases]:
    """The databases of this test run, migrated from empty in it."""
    made = Databases(server_url)
    yield made
    made.close()


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The address of a migrated database in which nothing was done."""
    lent = databases.lend()
    yield lent.url
    databases.take_back(lent)


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """A fresh migrated database, as the product opens it."""
    with Database(database_url) as database:
        yield database
    _expect_no_secret(database_url)


_SECRET = r"\m(sk|rk)_(test|live)_[A-Za-z0-9]{16,}|\mwhsec_[A-Za-z0-9]{16,}|_secret_[A-Za-z0-9]{16,}|\mbh[a-z]_[A-Za-z0-9_-]{32,}"
_WRITTEN = {
    "trail": "body", "proposal": "preview::text || reason || coalesce(state_why, '')",
    "call": "coalesce(result::text, '') || coalesce(state_why, '')", "decision": "coalesce(note, '') || details::text",
    "problem": "message", "run": "coalesce(result::text, '') || coalesce(reason, '')",
}  # fmt: skip


def _expect_no_secret(url: str) -> None:
    """Whatever a test did: nothing that people will read, or that stays for ever, has a secret in it.

    Parameters are the exact call, and stay as they were given; what shows them redacts.
    """
    with psycopg.connect(url, autocommit=True) as cx:
        for table, text in _WRITTEN.items():
            found = cx.execute(f"select count(*) from {table} where {text} ~ %s", (_SECRET,)).fetchone()  # type: ignore[arg-type]
            assert found == (0,), f"a secret was written into {table}"


@pytest.fixture
def new_link(db: Database) -> Callable[..., Link]:
    """Make a row in `connection`: ``new_link(account="acct_2", mode="live")``."""

    def make(*, account: str = "acct_1Test", mode: str = "test") -> Link:
        with db.transaction() as cx:
            row = cx.execute(
                "insert into connection (workspace_id, system, account, mode, livemode, name, api_version, auth)"
                " values (%s, 'stripe', %s, %s, %s, %s, %s, 'key') returning connection_id",
                (db.workspace_id, account, mode, mode == "live", f"{account} {mode}", API_VERSION),
            ).fetchone()
        assert row is not None
        return Link(
            workspace_id=db.workspace_id,
            connection_id=row[0],
            system="stripe",
            account=account,
            mode=mode,
            api_version=API_VERSION,
        )

    return make


@pytest.fixture
def link(new_link: Callable[..., Link]) -> Link:
    """A connected Stripe test account."""
    return new_link()
