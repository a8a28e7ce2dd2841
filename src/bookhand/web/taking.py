"""Statement files as they come over the web: by the API and by the page alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bookhand.systems.bank.intake_workflow import Intake
from bookhand.systems.bank.reading import MOST_MEGABYTES
from bookhand.workspace import trail_store
from bookhand.workspace.trail import Note

if TYPE_CHECKING:
    from bookhand.core.caller import Caller
    from bookhand.db.engine import Database
    from bookhand.systems.bank.store import Transaction

_LONGEST_NAME = 200


def intake(db: Database, caller: Caller, *, mode: str, most_megabytes: int = MOST_MEGABYTES) -> Intake:
    """What takes files in, in the name of `caller`: who did it is in the trail."""

    def note(cx: Transaction, what: str, subject: str, details: dict[str, Any]) -> None:
        entry = Note(
            who=caller.who, name=caller.name, agent=caller.agent, channel=caller.channel, what=what, subject=subject, details=details
        )  # fmt: skip
        trail_store.append(cx, caller.workspace_id, [entry])

    return Intake(db, note=note, mode=mode, most_megabytes=most_megabytes)


def file_name(given: str | None) -> str:
    """What a file is called, without a path and without what cannot be kept.

    >>> file_name("../../etc/nov <1>.csv"), file_name(None)
    ('nov _1_.csv', 'upload')
    """
    plain = re.sub(r"[^\w .,()+@-]", "_", re.split(r"[/\\]", given or "")[-1]).strip()
    return plain[-_LONGEST_NAME:] or "upload"
