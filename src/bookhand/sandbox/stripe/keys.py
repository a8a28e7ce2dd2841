"""Who may ask: the secret, restricted and publishable keys of every account, and access tokens.

    ring.keys("acct_1").test                                   # 'sk_test_…'
    ring.restricted("acct_1", {"charge": "read"})              # 'rk_test_…'
    ring.find("sk_test_…").account                             # 'acct_1'

A key's permissions are `None` (everything) or resource → "read" | "write", with "*" for all the others.
"""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass

import msgspec

from bookhand.sandbox.stripe.errors import StripeError
from bookhand.sandbox.stripe.ids import Ids
from bookhand.sandbox.stripe.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  key TEXT PRIMARY KEY, account TEXT, livemode INTEGER, kind TEXT, permissions BLOB, expires INTEGER) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys an account is born with, by mode."""

    test: str
    live: str
    publishable_test: str
    publishable_live: str


@dataclass(frozen=True, slots=True)
class Key:
    """Who asks: an account, its mode, what the key may do and when it ends (0 = never)."""

    key: str
    account: str
    livemode: bool
    kind: str = "secret"
    permissions: dict[str, str] | None = None
    expires: int = 0

    @property
    def masked(self) -> str:
        """The key as an error may show it."""
        head = "_".join(self.key.split("_")[:2])
        return f"{head}_****{self.key[-4:]}"


class KeyRing:
    """Every key, found by its text."""

    def __init__(self, store: Store, ids: Ids) -> None:
        self.store = store
        self.ids = ids
        self._known: dict[str, Key] = {}
        self._born: dict[str, Keys] = {}
        store.db.executescript(SCHEMA)

    def keys(self, account: str) -> Keys:
        """The keys of an account: they follow from the seed."""
        found = self._born.get(account)
        if found is None:
            letters = self.ids.letters
            found = self._born[account] = Keys(
                test=f"sk_test_{letters(f'sk_test:{account}')}",
                live=f"sk_live_{letters(f'sk_live:{account}')}",
                publishable_test=f"pk_test_{letters(f'pk_test:{account}')}",
                publishable_live=f"pk_live_{letters(f'pk_live:{account}')}",
            )
        return found

    def open(self, account: str) -> None:
        """Make the keys of a new account good."""
        keys = self.keys(account)
        self.put(Key(keys.test, account, livemode=False))
        self.put(Key(keys.live, account, livemode=True))
        self.put(Key(keys.publishable_test, account, livemode=False, kind="publishable"))
        self.put(Key(keys.publishable_live, account, livemode=True, kind="publishable"))

    def restricted(
        self, account: str, permissions: dict[str, str], *, livemode: bool = False, name: str = ""
    ) -> str:
        """A restricted key, the same one for the same name and permissions."""
        mode = "live" if livemode else "test"
        granted = sorted(permissions.items())
        key = f"rk_{mode}_{self.ids.letters(f'rk:{account}:{mode}:{name}:{granted}')}"
        self.put(Key(key, account, livemode, "restricted", permissions))
        return key

    def put(self, key: Key) -> None:
        """Make a key good."""
        permissions = msgspec.json.encode(key.permissions)
        self.store.db.execute(
            "INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, ?, ?)",
            (key.key, key.account, key.livemode, key.kind, permissions, key.expires),
        )
        self._known[key.key] = key

    def drop(self, key: str) -> None:
        """A key is good no longer."""
        self.store.db.execute("DELETE FROM keys WHERE key = ?", (key,))
        self._known.pop(key, None)

    def find(self, key: str) -> Key | None:
        """The key of this text."""
        found = self._known.get(key)
        if found is None:
            row = self.store.db.execute(
                "SELECT account, livemode, kind, permissions, expires FROM keys WHERE key = ?", (key,)
            ).fetchone()
            if row is None:
                return None
            account, livemode, kind, permissions, expires = row
            found = Key(key, account, bool(livemode), kind, msgspec.json.decode(permissions), expires)
            self._known[key] = found
        return found

    def forget(self) -> None:
        """After a rollback: what is remembered may not be stored."""
        self._known.clear()

    def authenticate(self, headers: dict[str, str], now: int) -> Key:
        """The key of a request, or the refusal."""
        text = credential(headers)
        if not text:
            raise StripeError(
                "You did not provide an API key. You need to provide your API key in the Authorization header, using "
                "Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See "
                "https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
                status=401,
            )
        found = self.find(text)
        if found is None:
            raise StripeError(f"Invalid API Key provided: {mask(text)}", status=401)
        if found.expires and found.expires <= now:
            raise StripeError(f"Expired API Key provided: {found.masked}", code="api_key_expired", status=401)
        if found.kind == "publishable":
            raise StripeError(
                "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a "
                "list of your API keys at https://dashboard.stripe.com/account/apikeys.",
                code="secret_key_required",
                status=401,
            )
        return found


def credential(headers: dict[str, str]) -> str:
    """The key in `Authorization`: Bearer, or Basic with the key as its user."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" or scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        return _basic(value)
    return ""


def mask(text: str) -> str:
    """A key nobody knows, as an error may show it."""
    return f"{text[:8]}{'*' * max(len(text) - 12, 4)}{text[-4:]}" if len(text) > 12 else "****"


def _basic(value: str) -> str:
    try:
        return b64decode(value, validate=True).decode().partition(":")[0]
    except ValueError:
        return ""
