"""What the door works with: the database, the catalogue, who performs, the clock, and what starts and wakes runs."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from bookhand.actions.catalogue import Catalogue
from bookhand.core.action import Performer, Preview, Values
from bookhand.core.caller import Caller
from bookhand.db.engine import Database
from bookhand.systems.connection import Connection

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

    from bookhand.actions.proposal import Proposal

Own = Callable[["Transaction[Any]", Caller, Values], Any]
"""One of bookhand's own actions, in the transaction that is open."""
Seen = Mapping[str, Mapping[str, Any]]


class Shown(NamedTuple):
    """What one of bookhand's own actions would do: at which connection, what that rests on, and how it is shown."""

    connection: Connection
    seen: dict[str, dict[str, Any]]
    preview: Preview


class Asking(NamedTuple):
    """One of bookhand's own actions that waits for a yes whoever asks: `look` shows it, `act` does it in the transaction of the yes.

    `act` is given what was seen, and raises `Changed` where it is not so any more.
    """

    look: Callable[[Caller, Values], Shown]
    act: Callable[[Transaction[Any], Caller, Values, Seen], Any]


class Runs(Protocol):
    """Who does what was approved: durable runs, for the door to start and to wake."""

    def start(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> str | None:
        """Begin a run that does `proposal`, in the transaction that approves it; its id."""
        ...

    def wake(self, cx: Transaction[Any], topic: str) -> None:
        """Let those go on that wait for `topic`."""
        ...

    def stop(self, cx: Transaction[Any], *, grantee: str, connection_id: int | None, reason: str) -> int:
        """Stop every run of `grantee` before its next step; how many."""
        ...

    def nudge(self) -> None:
        """A transaction that started or woke runs has been committed."""
        ...


class NoRuns:
    """Nobody does it: the caller performs what is approved."""

    def start(self, cx: Transaction[Any], caller: Caller, proposal: Proposal) -> str | None:  # noqa: ARG002
        """Nothing is started."""
        return None

    def wake(self, cx: Transaction[Any], topic: str) -> None:
        """Nobody waits."""

    def stop(self, cx: Transaction[Any], *, grantee: str, connection_id: int | None, reason: str) -> int:  # noqa: ARG002
        """Nothing runs."""
        return 0

    def nudge(self) -> None:
        """Nothing to do."""


@dataclass(slots=True, kw_only=True)
class Kit:
    """Shared by the door's parts. `asking` are those of bookhand's own actions that a room of its own answers for.

    Times in seconds: `lease` is how long a call may take, `settle` how soon a lost answer is looked up, `believe` how long after its
    last sending nobody believes that a call is not there, for it may still be under way.
    """

    db: Database
    catalogue: Catalogue
    performers: Mapping[str, Performer]
    own: Mapping[str, Own] = field(default_factory=dict)
    asking: dict[str, Asking] = field(default_factory=dict)
    runs: Runs = field(default_factory=NoRuns)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    timezone: str = "UTC"
    lease_seconds: float = 150.0
    settle_seconds: float = 2.0
    believe_seconds: float = 30.0
    worker: str = field(default_factory=lambda: f"{socket.gethostname()}-{uuid.uuid4().hex[:12]}")

    def day(self, at: datetime) -> date:
        """The company's day, that budgets count in."""
        return at.astimezone(ZoneInfo(self.timezone)).date()
