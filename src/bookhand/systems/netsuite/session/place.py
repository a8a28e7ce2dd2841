"""Where a NetSuite account is, pure: its id in its several spellings, and the addresses of its services.

>>> place = place_of("1234567_sb1")
>>> place.realm, place.slug, place.mode
('1234567_SB1', '1234567-sb1', 'test')
>>> place.token_url
'https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/auth/oauth2/v1/token'
>>> place_of("1234567", base_url="http://127.0.0.1:12130/{account}").rest
'http://127.0.0.1:12130/1234567/services/rest'
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from bookhand.core.problems import Refusal

_ACCOUNT = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)?")
_TRIAL = re.compile(r"_(SB|RP)\d*$|^TSTDRV|^TD\d")


class Place(msgspec.Struct, frozen=True):
    """One account's address; `base` has no path of a service yet."""

    realm: str
    base: str

    @property
    def slug(self) -> str:
        """As it stands in host names."""
        return self.realm.replace("_", "-").lower()

    @property
    def rest(self) -> str:
        """What the services' paths follow."""
        return f"{self.base}/services/rest"

    @property
    def token_url(self) -> str:
        """Where access tokens are asked for; the audience of what we sign."""
        return f"{self.rest}/auth/oauth2/v1/token"

    @property
    def mode(self) -> Literal["live", "test"]:
        """``test`` for a sandbox, a release preview or a test drive, by its id."""
        return "test" if _TRIAL.search(self.realm) else "live"


def place_of(account: str, *, base_url: str | None = None) -> Place:
    """The place of an account id; `base_url` is a stand-in's, with ``{account}`` where the slug goes. `Refusal` for what is no id."""
    realm = account.strip().upper().replace("-", "_")
    if not _ACCOUNT.fullmatch(realm):
        raise Refusal(
            f"{account[:40]!r} is no NetSuite account id: it looks like 1234567 or 1234567_SB1 "
            "(Setup > Company > Company Information)."
        )
    slug = realm.replace("_", "-").lower()
    base = (base_url or "https://{account}.suitetalk.api.netsuite.com").replace("{account}", slug)
    return Place(realm, base.rstrip("/"))
