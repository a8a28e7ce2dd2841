"""Templates: what a run does, as data and one function. The steps are declared, so that what was not done can be told too.

    REFUND = Template(
        name="refund", summary="Ask a person, then give the money back",
        steps=(Step("ask", "asks a person"), Step("send", "sends the refund", system="stripe")),
        body=refund,
    )

    def refund(ctx, inputs):
        ctx.step("ask", propose, inputs)
        if not ctx.wait_for(f"approval:{inputs['proposal']}", is_decided, until=None):
            return {"refunded": False}
        return ctx.step("send", send, inputs["proposal"], ctx.key("send"))

A body is executed again from its beginning after every wait, kill and takeover: steps that were recorded answer at once with what
they gave. So a body decides by its inputs and by what steps gave, never by the clock, chance or the database: those belong in steps.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import psycopg

from bookhand.runs.run import Run

Json = Any
"""What JSON can carry: the only thing that goes into and out of a step."""
Ready = Callable[[psycopg.Connection[Any]], bool]


class Context(Protocol):
    """What a body has at hand."""

    @property
    def run(self) -> Run:
        """The run as it was when this execution of it began."""
        ...

    def step(self, name: str, work: Callable[..., Json], *given: Any) -> Json:
        """Do `work` once and record what it gave. `name` is declared, or a declared name and ``:what``, and used once in a run."""
        ...

    def once(self, name: str, work: Callable[..., Json], *given: Any) -> Json:
        """A step of the database: ``work(cx, …)`` and the record of what it gave are one transaction, so it is done exactly once."""
        ...

    def wait_for(self, topic: str, ready: Ready, until: datetime | None = None) -> bool:
        """Leave memory until `ready` (looked at when `topic` is woken); False once `until` has passed."""
        ...

    def fence(self, cx: psycopg.Connection[Any]) -> None:
        """Hold this run until `cx` ends; leaves the execution at once where another worker has taken it over."""
        ...

    def key(self, step: str) -> str:
        """The idempotency key of a step of this run: the same in every try."""
        ...

    def patch(self, name: str) -> bool:
        """Whether this run goes the new way: True for runs that have not come to here yet, False for those that passed before."""
        ...


@dataclass(frozen=True, slots=True)
class Step:
    """One durable part. `says` completes "it …"; `system` names the outside system it needs (the run's connection must be active)."""

    name: str
    says: str
    system: str | None = None


@dataclass(frozen=True, slots=True)
class Template:
    """A kind of run."""

    name: str
    summary: str
    steps: tuple[Step, ...]
    body: Callable[[Context, dict[str, Any]], dict[str, Any] | None]

    def declared(self, name: str) -> Step | None:
        """The declared step of ``send`` or ``send:3``."""
        plain = name.partition(":")[0]
        return next((each for each in self.steps if each.name == plain), None)
