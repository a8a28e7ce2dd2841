"""Invitations as rows: a one-time link for somebody who is to come in, or who cannot come in any more.

    made = invite(cx, caller, "bob@example.com", "approver", now=now, note=note)     # made.secret goes into /welcome/{secret}
    first = owner_link(cx, "ada@example.com", now=now, note=note)                    # from the machine itself
    taken = take(cx, secret, now=now)                                                # used up; `Refusal` where it is no good

Nobody invites to more than they have. Who writes an invitation and is then disabled or changed takes it along.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec
import psycopg

from bookhand.core.caller import ROLES, Caller, Role
from bookhand.core.problems import Refusal
from bookhand.workspace.people import store
from bookhand.workspace.people.person import (
    SECRET_BYTES,
    NoSuch,
    Note,
    Person,
    address,
    fingerprint,
    need_over,
    new_secret,
)

Transaction = psycopg.Connection[Any]

MACHINE = "machine"
"""Who writes a link from the command line of the machine itself: whoever holds the data folder holds the house."""
_INVITED_FOR, _RESET_FOR, _ENTRY_FOR = timedelta(days=7), timedelta(days=1), timedelta(minutes=30)
_COLUMNS = "invitation_id, kind, email, role, person_id, invited_by, created_at, expires_at"
_GOOD = "used_at is null and revoked_at is null and expires_at > %(now)s"


Kind = Literal["invitation", "reset", "entry"]


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A link that is good; `person_id` where it is for somebody who is here already: to set a new password, or to come in."""

    id: int
    kind: Kind
    email: str
    role: Role
    person_id: int | None
    invited_by: str
    created_at: datetime
    expires_at: datetime


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation as it is told once, with its secret."""

    invitation: Invitation
    secret: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Link({self.invitation!r})"


def invite(cx: Transaction, caller: Caller, email: str, role: Role, *, now: datetime, note: Note) -> Link:
    """Invite somebody new; an earlier invitation of the same address is worth nothing from now on."""
    if role not in ROLES:
        raise Refusal(f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    need_over(caller, role, what=f"invite somebody as {role}")
    plain = address(email)
    if store.by_email(cx, plain):
        raise Refusal(f"{plain} is in this workspace already: change the role, or send a new link.")
    return _write(cx, "invitation", plain, role, None, by=caller.who, lasts=_INVITED_FOR, now=now, note=note)


def reset(cx: Transaction, caller: Caller, person_id: int, *, now: datetime, note: Note) -> Link:
    """A link for somebody who cannot come in: it sets a new password and takes the second factor away."""
    person = store.find(cx, person_id)
    need_over(caller, person.role, what=f"let {person.name}, who is {person.role}, in again")
    return _reset(cx, person, by=caller.who, now=now, note=note)


def owner_link(cx: Transaction, email: str, *, now: datetime, note: Note) -> Link:
    """The machine's own link: for the first owner, and later for an owner who is locked out. Nobody else becomes owner so."""
    plain = address(email)
    cx.execute("select 1 from workspace for update")
    person = store.by_email(cx, plain)
    if person is not None and person.role == "owner" and person.disabled_at is None:
        return _reset(cx, person, by=MACHINE, now=now, note=note)
    if store.has_people(cx):
        owners = [each.email for each in store.every(cx) if each.role == "owner" and not each.disabled_at]
        raise Refusal(f"{plain} is no owner here: an owner ({', '.join(owners)}) can make one.")
    cx.execute("update invitation set revoked_at = %s where used_at is null and revoked_at is null", (now,))
    return _write(cx, "invitation", plain, "owner", None, by=MACHINE, lasts=_RESET_FOR, now=now, note=note)


def entry_link(cx: Transaction, email: str, *, now: datetime, note: Note) -> Link:
    """The machine's own link that signs somebody in who is here already, once, within half an hour; no password is changed."""
    person = store.by_email(cx, address(email))
    if person is None:
        raise NoSuch(
            f"{address(email)} is not in this workspace: `bookhand owner` or `bookhand invite` lets them in."
        )
    if person.disabled_at:
        raise Refusal(f"{person.name} is disabled: enable them first.")
    return _write(
        cx, "entry", person.email, person.role, person.id, by=MACHINE, lasts=_ENTRY_FOR, now=now, note=note
    )


def every(cx: Transaction, *, now: datetime) -> list[Invitation]:
    """The links that are good, oldest first."""
    rows = cx.execute(f"select {_COLUMNS} from invitation where {_GOOD} order by invitation_id", {"now": now})
    return [_invitation(row) for row in rows]


def look(cx: Transaction, secret: str, *, now: datetime) -> Invitation:
    """What a link is for; `Refusal` where it was used, revoked, replaced or is too old."""
    row = cx.execute(
        f"select {_COLUMNS} from invitation where link_hash = %(hash)s and {_GOOD}",
        {"hash": fingerprint(secret), "now": now},
    ).fetchone()
    if row is None:
        raise _worn()
    return _invitation(row)


def take(cx: Transaction, secret: str, *, now: datetime) -> Invitation:
    """Use a link up. Of two who try at once, one gets it."""
    row = cx.execute(
        f"update invitation set used_at = %(now)s where link_hash = %(hash)s and {_GOOD} returning {_COLUMNS}",
        {"hash": fingerprint(secret), "now": now},
    ).fetchone()
    if row is None:
        raise _worn()
    return _invitation(row)


def take_for(cx: Transaction, email: str, *, now: datetime) -> Invitation | None:
    """Use up the invitation of an address that somebody has proven to own; None where there is none."""
    row = cx.execute(
        f"""
        update invitation set used_at = %(now)s
        where invitation_id = (select max(invitation_id) from invitation where email = %(email)s and kind = 'invitation' and {_GOOD})
            and {_GOOD} returning {_COLUMNS}
        """,
        {"email": email, "now": now},
    ).fetchone()
    return None if row is None else _invitation(row)


def revoke(cx: Transaction, caller: Caller, invitation_id: int, *, now: datetime, note: Note) -> None:
    """Make a link worth nothing."""
    caller.need("people")
    found = next((each for each in every(cx, now=now) if each.id == invitation_id), None)
    if found is None:
        raise NoSuch(f"There is no open invitation {invitation_id}.")
    need_over(caller, found.role, what=f"revoke an invitation as {found.role}")
    cx.execute("update invitation set revoked_at = %s where invitation_id = %s", (now, invitation_id))
    note(cx, "invitation.revoked", f"invitation:{invitation_id}", {"by": caller.who, "email": found.email})


def _reset(cx: Transaction, person: Person, *, by: str, now: datetime, note: Note) -> Link:
    if person.disabled_at:
        raise Refusal(f"{person.name} is disabled: enable them first.")
    return _write(
        cx, "reset", person.email, person.role, person.id, by=by, lasts=_RESET_FOR, now=now, note=note
    )


def _write(
    cx: Transaction,
    kind: Kind,
    email: str,
    role: Role,
    person_id: int | None,
    *,
    by: str,
    lasts: timedelta,
    now: datetime,
    note: Note,
) -> Link:
    cx.execute(
        "update invitation set revoked_at = %s where email = %s and used_at is null and revoked_at is null",
        (now, email),
    )
    secret = new_secret("bhl", os.urandom(SECRET_BYTES))
    row = cx.execute(
        f"""
        insert into invitation (workspace_id, link_hash, kind, email, role, person_id, invited_by, created_at, expires_at)
        values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s, %s, %s, %s, %s) returning {_COLUMNS}
        """,
        (fingerprint(secret), kind, email, role, person_id, by, now, now + lasts),
    ).fetchone()
    assert row is not None  # noqa: S101 (an insert returns its row)
    made = _invitation(row)
    note(cx, f"{kind}.made", f"invitation:{made.id}", {"by": by, "email": email, "role": role})
    return Link(invitation=made, secret=secret)


def _invitation(row: Iterable[Any]) -> Invitation:
    id_, kind, email, role, person_id, invited_by, created_at, expires_at = row
    return Invitation(
        id=id_, kind=kind, email=email, role=role, person_id=person_id, invited_by=invited_by, created_at=created_at,
        expires_at=expires_at,
    )  # fmt: skip


def _worn() -> Refusal:
    return Refusal(
        "This link was used already, is too old, or was revoked or replaced by a newer one: ask for another."
    )
