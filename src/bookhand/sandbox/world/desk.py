"""How the seeded company acts: the same requests its software would send, without the network.

    desk = Desk(engine, "acct_1")
    customer = desk.post("/v1/customers", email="ada@example.com", metadata={"row": 7})
    payment = desk.attempt("/v1/payment_intents", amount=2000, currency="usd", confirm=True, ...)
    payment.ok or payment.error["decline_code"]

`post` insists that Stripe agrees; `attempt` is for what may be declined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bookhand.sandbox.stripe.errors import JSON

if TYPE_CHECKING:
    from bookhand.sandbox.stripe.engine import Pinstripe


class UnexpectedRefusalError(RuntimeError):
    """The stand-in refused what the seeded company takes for granted: a defect of one of the two."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An answer that may be a decline."""

    status: int
    body: JSON

    @property
    def ok(self) -> bool:
        """Was it done?"""
        return self.status < 400

    @property
    def error(self) -> JSON:
        """Why not."""
        found: JSON = self.body.get("error", {})
        return found


class Desk:
    """One account in one mode; `acting_for` is a connected account it acts on."""

    def __init__(
        self, engine: Pinstripe, account: str, *, livemode: bool = False, acting_for: str | None = None
    ) -> None:
        self.engine = engine
        self.account = account
        self.livemode = livemode
        self.acting_for = acting_for
        keys = engine.keys(account)
        self._key = keys.live if livemode else keys.test

    @property
    def now(self) -> int:
        """The company's clock."""
        return self.engine.clock.now()

    def on(self, account: str) -> Desk:
        """The same desk acting on a connected account, as `Stripe-Account` does."""
        return Desk(self.engine, self.account, livemode=self.livemode, acting_for=account)

    def attempt(self, path: str, **params: Any) -> Attempt:
        """Try to create or change something, and take a refusal for an answer."""
        return self._ask("POST", path, params)

    def post(self, path: str, **params: Any) -> JSON:
        """Create or change something."""
        return self._insist("POST", path, params)

    def get(self, path: str, **params: Any) -> JSON:
        """Read something."""
        return self._insist("GET", path, params)

    def delete(self, path: str, **params: Any) -> JSON:
        """End something."""
        return self._insist("DELETE", path, params)

    def every(self, path: str, **params: Any) -> list[JSON]:
        """The first hundred of a list, newest first."""
        found: list[JSON] = self.get(path, limit=100, **params)["data"]
        return found

    def _insist(self, verb: str, path: str, params: JSON) -> JSON:
        answer = self._ask(verb, path, params)
        if not answer.ok:
            raise UnexpectedRefusalError(f"{verb} {path} {params}: {answer.status} {answer.error}")
        return answer.body

    def _ask(self, verb: str, path: str, params: JSON) -> Attempt:
        answer = self.engine.call(verb, path, params, key=self._key, account=self.acting_for)
        return Attempt(answer.status, answer.json())
