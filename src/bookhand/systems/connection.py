"""A connection: an authorised link to an outside system, with its mode, its status and the way it proves who it is.

Mode and account never come from a person's word: they are read from the credential's prefix and from the account itself,
and the two must agree. Everything outside is asked in the name of one connection, and every row of ours belongs to one.

>>> mode_of_key("rk_test_123"), mode_of_key("sk_live_123")
('test', 'live')
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from bookhand.core.facts import Link
from bookhand.core.problems import Refusal

Auth = Literal[
    "key", "app_oauth", "connect_oauth", "platform", "oauth", "m2m", "tba", "plaid", "files", "folder"
]
Status = Literal["active", "disconnected", "paused"]


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the `connection` table.

    `settings` are its overrides (``base_url``, ``limits`` …); `scopes` is what the other side granted, in its own words.
    """

    link: Link
    name: str
    livemode: bool
    auth: Auth
    status: Status
    status_reason: str | None = None
    scopes: list[str] = msgspec.field(default_factory=list)
    settings: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def id(self) -> int:
        """The number under which everything of this connection is stored."""
        return self.link.connection_id


class NoCredential(Refusal):
    """There is nothing to prove with who we are: the key was removed, or the other side takes it no more."""


def usable(connection: Connection) -> Connection:
    """`connection` itself if it is active, else a `Refusal` that says why it is not."""
    if connection.status == "active":
        return connection
    reason = connection.status_reason or "no reason was given"
    raise Refusal(
        f"Connection {connection.id} ({connection.name}) is {connection.status}: {reason}. Connect it again to go on."
    )


def mode_of_key(key: str) -> Literal["live", "test"]:
    """The mode in a Stripe key's prefix; `Refusal` (which never repeats the key) for anything else."""
    kind, _, rest = key.partition("_")
    mode = rest.partition("_")[0]
    if kind in {"sk", "rk"} and mode == "live":
        return "live"
    if kind in {"sk", "rk"} and mode == "test":
        return "test"
    raise Refusal(_WRONG_KEYS.get(kind, _NO_KEY))


_NO_KEY = "That is no Stripe secret or restricted key: it should begin with rk_live_, rk_test_, sk_live_ or sk_test_."
_WRONG_KEYS = {
    "pk": "That is a publishable key (pk_…), which may read nothing: make a restricted key (rk_…) in Stripe's dashboard.",
    "whsec": "That is a webhook's signing secret (whsec_…), not a key: make a restricted key (rk_…) in Stripe's dashboard.",
    "ca": "That is an OAuth client id (ca_…), not a key: make a restricted key (rk_…) in Stripe's dashboard.",
}


def require_mode(connection: Connection, livemode: bool | None, *, subject: str) -> None:  # noqa: FBT001 (Stripe's own field)
    """`Refusal` if Stripe's `livemode` on `subject` is not the connection's; None (an object without the field) passes."""
    if livemode is None or livemode == connection.livemode:
        return
    theirs, ours = ("live", "test")[not livemode], ("live", "test")[not connection.livemode]
    raise Refusal(
        f"{subject} is from {theirs} mode, but connection {connection.id} ({connection.name}) is for {ours} mode: "
        "it was refused and nothing changed."
    )
