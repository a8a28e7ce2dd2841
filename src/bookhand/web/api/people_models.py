"""The shapes of the API about people: what is sent, what comes back. Secrets come back once, where something is made."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bookhand.core.caller import Capability, Channel, Role
from bookhand.workspace.people.session_store import TOKEN_DAYS

Short = Annotated[str, Field(max_length=256)]


class Sent(BaseModel):
    """What is sent: unknown names are refused, and nothing sent is shown in an error."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class Shown(BaseModel):
    """What comes back."""

    model_config = ConfigDict(from_attributes=True)


class Credentials(Sent):
    """E-mail and password; `totp` where the person has an authenticator app (a recovery code will do)."""

    email: Short
    password: Annotated[str, Field(max_length=1024)]
    totp: Annotated[str, Field(max_length=32)] | None = None


class NewPassword(Sent):
    """The password before, and the new one."""

    before: Annotated[str, Field(max_length=1024)]
    after: Annotated[str, Field(max_length=1024)]


class Confirmation(Sent):
    """The password again."""

    password: Annotated[str, Field(max_length=1024)]


class Code(Sent):
    """The code that an authenticator app shows."""

    code: Annotated[str, Field(max_length=32)]


class NewRole(Sent):
    """A role to give."""

    role: Role


class NewInvitation(Sent):
    """Whom to invite, and as what."""

    email: Short
    role: Role


class NewToken(Sent):
    """A token's name, what it may do, and after how many days it ends."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    scopes: Annotated[list[Capability], Field(min_length=1, max_length=16)]
    days: Annotated[int, Field(ge=1, le=366)] = TOKEN_DAYS


class Me(Shown):
    """Who asks, and what they can do here: `can` is the role's, narrowed by a token's scopes."""

    who: str
    name: str
    role: Role
    can: list[Capability]
    channel: Channel
    token: int | None


class SessionBegun(Shown):
    """A session; its secret is in the cookie. `csrf` goes into X-CSRF-Token of calls that change something."""

    me: Me
    expires_at: datetime
    csrf: str


class PersonShown(Shown):
    """Somebody of the workspace; `second` names what is asked for beside a password."""

    id: int
    email: str
    name: str
    role: Role
    second: list[str]
    created_at: datetime
    disabled_at: datetime | None


class InvitationShown(Shown):
    """A link that is good, without its secret."""

    id: int
    kind: str
    email: str
    role: Role
    person_id: int | None
    invited_by: str
    created_at: datetime
    expires_at: datetime


class InvitationMade(Shown):
    """A new link: send `path` under your address to the person. It is not shown again."""

    invitation: InvitationShown
    path: str


class TokenShown(Shown):
    """An API token, without its secret."""

    id: int
    person_id: int
    person: str
    name: str
    scopes: list[Capability]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


class TokenMade(Shown):
    """A new token: send `secret` as ``Authorization: Bearer …``. It is not shown again."""

    token: TokenShown
    secret: str


class SessionShown(Shown):
    """A session that goes on: since when, from where, and how it began."""

    id: int
    person_id: int
    person: str
    way: str
    address: str
    agent: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


class TotpBegun(Shown):
    """The secret for an authenticator app, and the address it takes; in force once its first code was sent."""

    secret: str
    address: str


class RecoveryCodes(Shown):
    """Codes for the day the telephone is gone; each works once. They are not shown again."""

    codes: list[str]
