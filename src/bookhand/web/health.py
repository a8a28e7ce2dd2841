"""Is bookhand well? Each check says yes or no, and in a sentence why not.

Ready means: the database answers, its schema is this version's, somebody posts the mail, and the mail does not pile up.

>>> as_json([Check(name="database", ok=True, value=0.002)])
{'status': 'ok', 'checks': {'database': {'ok': True, 'value': 0.002}}}
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
import psycopg

from bookhand.core.problems import BookhandError
from bookhand.db.engine import Database
from bookhand.db.schema import newest, version
from bookhand.web import store
from bookhand.workspace.heartbeat_store import age_seconds

WORKER = "worker"
SILENT_SECONDS = 60.0
LATE_SECONDS = 300.0


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question; `value` is what was measured (seconds, or a schema version)."""

    name: str
    ok: bool
    value: float | str | None = None
    message: str | None = None


def check(db: Database) -> list[Check]:
    """Ask everything; what cannot be asked because the database is away is not in the answer."""
    began = time.monotonic()
    try:
        with db.transaction() as cx:
            checks = [_schema(cx), _worker(age_seconds(cx, WORKER)), _lag(store.oldest_waiting_seconds(cx))]
    except (BookhandError, psycopg.Error) as error:
        return [
            Check(
                name="database", ok=False, message=f"The database does not answer ({type(error).__name__})."
            )
        ]
    return [Check(name="database", ok=True, value=round(time.monotonic() - began, 4)), *checks]


def is_ready(checks: Sequence[Check]) -> bool:
    """Whether every check said yes."""
    return all(each.ok for each in checks)


def as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The answer of ``/health``."""
    found = {}
    for each in checks:
        said = {"ok": each.ok, "value": each.value, "message": each.message}
        found[each.name] = {key: value for key, value in said.items() if value is not None}
    return {"status": "ok" if is_ready(checks) else "not ready", "checks": found}


def _schema(cx: psycopg.Connection[Any]) -> Check:
    cx.execute("set local role none")
    found = version(cx)
    cx.execute("set local role bookhand_app")
    message = (
        None
        if found == newest()
        else f"The schema is at {found}, this bookhand needs {newest()}: restart it."
    )
    return Check(name="migrations", ok=message is None, value=found, message=message)


def _worker(age: float | None) -> Check:
    if age is None:
        return Check(
            name="worker",
            ok=False,
            message="No worker was ever here: run `bookhand serve` or `bookhand worker`.",
        )
    ok = age < SILENT_SECONDS
    message = None if ok else f"The worker was last here {age:.0f} s ago: is it running?"
    return Check(name="worker", ok=ok, value=round(age, 1), message=message)


def _lag(oldest: float | None) -> Check:
    age = oldest or 0.0
    ok = age < LATE_SECONDS
    return Check(
        name="posting",
        ok=ok,
        value=round(age, 1),
        message=None if ok else f"The oldest mail has waited {age:.0f} s to be posted.",
    )
