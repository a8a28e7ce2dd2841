"""The map of the house in code: who hears of which facts, which kinds of runs there are, and how a house is opened.

    with open_house(settings.read()) as house:
        house.worker().run(stop)          # reads the mail; `READERS` hear of every fact in it
        house.runs().launch(work=True)    # executes runs of `TEMPLATES`

What happens when a dispute opens? Look at `READERS`.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bookhand.db import embedded
from bookhand.db.engine import Database
from bookhand.house import House
from bookhand.journal import period_store
from bookhand.journal import workflow as journal
from bookhand.systems.stripe import farewell_store
from bookhand.workspace.secrets_store import Secrets

if TYPE_CHECKING:
    from bookhand.core.ports import Reader
    from bookhand.runs.template import Template
    from bookhand.settings import Settings

READERS: tuple[Reader, ...] = (journal.read, farewell_store.read)
"""What happens when a fact arrives: these hear of it, in this order, in the transaction in which it leaves the queue."""

TEMPLATES: tuple[Template, ...] = ()
"""The kinds of runs there are."""


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
        TEMPLATES,
    )
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
