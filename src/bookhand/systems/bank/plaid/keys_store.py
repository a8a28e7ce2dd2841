"""The company's own keys at Plaid, where a person typed them in instead of setting them: sealed, one pair for the workspace.

keep(cx, secrets, 1, Keys(client_id="…", secret="…", place="sandbox"))
find(cx, secrets, 1)                                  # None where there are none
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from bookhand.core.ready import ready

if TYPE_CHECKING:
    from bookhand.systems.store import Transaction
    from bookhand.workspace.secrets_store import Secrets

PLACES = {"production": "https://production.plaid.com", "sandbox": "https://sandbox.plaid.com"}
"""Which of Plaid's hosts the keys are of."""
_NAME = "plaid/keys"


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of keys, and whose host they open."""

    client_id: str
    secret: str
    place: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Keys(client_id={self.client_id!r}, place={self.place!r})"


def keep(cx: Transaction, secrets: Secrets, workspace_id: int, keys: Keys) -> None:
    """Seal the keys, in place of those before."""
    secrets.put_own(cx, workspace_id, _NAME, msgspec.json.encode(keys).decode())


def find(cx: Transaction, secrets: Secrets, workspace_id: int) -> Keys | None:
    """The keys, where somebody typed some in."""
    kept = secrets.get_own(cx, workspace_id, _NAME)
    return None if kept is None else msgspec.json.decode(kept, type=Keys)


ready(Keys)  # see core.ready
