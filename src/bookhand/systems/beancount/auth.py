"""Connecting a folder as a Beancount book: no credential, only a place.

    connection = connect_folder(db, Path("/srv/books/acme"), mode="live")

Errors: `Refusal` where the ledger leaves bookhand's documents out, `Outage` where the folder cannot be written.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from bookhand.core.problems import Refusal
from bookhand.systems import store
from bookhand.systems.beancount import FORMAT, SYSTEM
from bookhand.systems.beancount.book_client import BookFolder, prepare
from bookhand.systems.connection import Connection, usable

if TYPE_CHECKING:
    from bookhand.core.facts import Link
    from bookhand.db.engine import Database


def connect_folder(
    db: Database,
    path: Path,
    *,
    mode: str = "live",
    name: str | None = None,
    chart: str | None = None,
    again: int | None = None,
) -> Connection:
    """Connect the book in `path`; what is missing there is made, the accounts from `chart` or bookhand's own example."""
    folder = path.expanduser().resolve()
    prepare(folder, chart=chart or default_chart())
    if not BookFolder(folder).read().accounts:
        raise Refusal(f"The ledger in {folder} opens no account: write its chart first.")
    with db.transaction() as cx:
        return store.keep(
            cx,
            db.workspace_id,
            store.NewConnection(
                system=SYSTEM, account=str(folder), mode=mode, livemode=mode == "live", default_name=f"{folder.name} (Beancount)",
                api_version=FORMAT, auth="folder", name=name,
            ),
            again=again,
        )  # fmt: skip


def default_chart() -> str:
    """The example chart that comes with bookhand."""
    return files("bookhand.systems.beancount").joinpath("chart.beancount").read_text("utf-8")


def folder_of(db: Database, link: Link) -> Path:
    """Where the book of a connection lies; `Refusal` while it is not connected."""
    with db.transaction() as cx:
        return Path(usable(store.get(cx, link.connection_id)).link.account)
