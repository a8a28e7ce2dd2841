"""The four families of trouble, each with one human sentence: what happened, to what, what to do next.

Rules return a `Problem` (a finding about data, kept until somebody clears it). Borders raise: a `Refusal` (we may not),
an `Outage` (they are down: try again later), a `Bug` (our fault). Sentences never contain a secret.
"""

from __future__ import annotations

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's finding. `kind` and `subject` (an id) identify it, so the same finding told twice is one Problem."""

    kind: str
    subject: str
    message: str


class BookhandError(Exception):
    """The parent of what borders raise; its text is fit to show to a person."""


class Refusal(BookhandError):  # noqa: N818 (the project's own word)
    """We may not: a missing permission, a wrong mode, a closed period. Trying again changes nothing."""


class Missing(Refusal):
    """There is no such thing: nothing has that name or number."""


class Conflict(Refusal):
    """It cannot be done to the thing as it now stands: it was decided, changed or used already. Look at it again."""


class Outage(BookhandError):  # noqa: N818 (the project's own word)
    """They are down, slow or limiting us. The same call may succeed after `retry_after_seconds`."""

    def __init__(self, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnknownOutcome(Outage):
    """A write was sent and its answer was lost: it may be done or not. It is looked up, and never simply sent again."""


class Bug(BookhandError):  # noqa: N818 (the project's own word)
    """Our fault: something that cannot happen did."""
