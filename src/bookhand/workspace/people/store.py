"""People as rows: who there is, with which role, and whether they may come in at all.

    ada = add(cx, email="ada@example.com", name="Ada", role="owner", now=now)
    change_role(cx, caller, 3, "approver", now=now, note=note)

Who changes another must have every capability that the other has, before and after; the last owner who can sign in stays one. A
changed role and a disabled person end that person's sessions, and what the person had offered to others.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from bookhand.core.caller import ROLES, Caller, Role
from bookhand.core.problems import Refusal
from bookhand.workspace.people import session_store
from bookhand.workspace.people.person import NoSuch, Note, Person, need_over

Transaction = psycopg.Connection[Any]

_COLUMNS = """
    p.workspace_id, p.person_id, p.email, p.name, p.role, p.created_at, p.disabled_at, p.totp_since is not null,
    exists (select from passkey k where (k.workspace_id, k.person_id) = (p.workspace_id, p.person_id))
"""


def has_people(cx: Transaction) -> bool:
    """Whether somebody has ever come in: from then on, pages ask who is there."""
    return cx.execute("select 1 from person limit 1").fetchone() is not None


def every(cx: Transaction) -> list[Person]:
    """Everybody, also who was disabled, oldest first."""
    return [_person(row) for row in cx.execute(f"select {_COLUMNS} from person p order by p.person_id")]


def find(cx: Transaction, person_id: int) -> Person:
    """The person of that number; `NoSuch` where there is none."""
    row = cx.execute(f"select {_COLUMNS} from person p where p.person_id = %s", (person_id,)).fetchone()
    if row is None:
        raise NoSuch(f"There is no person {person_id}: `bookhand people` lists them.")
    return _person(row)


def by_email(cx: Transaction, email: str) -> Person | None:
    """The person of that address (as `person.address` writes it), if there is one."""
    row = cx.execute(f"select {_COLUMNS} from person p where p.email = %s", (email,)).fetchone()
    return None if row is None else _person(row)


def add(cx: Transaction, *, email: str, name: str, role: Role, now: datetime) -> Person:
    """A new person. Who may do that was asked when the invitation was written."""
    row = cx.execute(
        """
        insert into person (workspace_id, email, name, role, created_at)
        values ((select current_setting('bookhand.workspace')::int), %s, %s, %s, %s)
        on conflict (workspace_id, email) do nothing returning person_id
        """,
        (email, name, role, now),
    ).fetchone()
    if row is None:
        raise Refusal(f"{email} is in this workspace already: sign in.")
    return find(cx, row[0])


def change_role(
    cx: Transaction, caller: Caller, person_id: int, role: Role, *, now: datetime, note: Note
) -> Person:
    """Give a person another role; ends the person's sessions."""
    if role not in ROLES:
        raise Refusal(f"There is no role {role!r}; there are {', '.join(ROLES)}.")
    _alone(cx)
    before = find(cx, person_id)
    need_over(caller, before.role, what=f"change {before.name}, who is {before.role}")
    need_over(caller, role, what=f"make somebody {role}")
    if before.role == role:
        return before
    _not_the_last_owner(cx, before, "another role")
    cx.execute("update person set role = %s where person_id = %s", (role, person_id))
    _shut_out(cx, before, now=now)
    note(cx, "person.role", before.who, {"by": caller.who, "from": before.role, "to": role})
    return find(cx, person_id)


def disable(cx: Transaction, caller: Caller, person_id: int, *, now: datetime, note: Note) -> Person:
    """Let a person in no more: sessions end, tokens are revoked. What the person did stays under the name."""
    _alone(cx)
    before = find(cx, person_id)
    need_over(caller, before.role, what=f"disable {before.name}, who is {before.role}")
    if before.disabled_at:
        return before
    _not_the_last_owner(cx, before, "disabled")
    cx.execute("update person set disabled_at = %s where person_id = %s", (now, person_id))
    _shut_out(cx, before, now=now)
    session_store.revoke_tokens(cx, person_id, now=now)
    note(cx, "person.disabled", before.who, {"by": caller.who})
    return find(cx, person_id)


def enable(cx: Transaction, caller: Caller, person_id: int, *, note: Note) -> Person:
    """Let a disabled person in again, with the role from before."""
    _alone(cx)
    before = find(cx, person_id)
    need_over(caller, before.role, what=f"enable {before.name}, who is {before.role}")
    if before.disabled_at:
        cx.execute("update person set disabled_at = null where person_id = %s", (person_id,))
        note(cx, "person.enabled", before.who, {"by": caller.who})
    return find(cx, person_id)


def _alone(cx: Transaction) -> None:
    """One change of people at a time: two owners who demote each other at once leave one of them."""
    cx.execute("select 1 from workspace for update")


def _not_the_last_owner(cx: Transaction, person: Person, what: str) -> None:
    if person.role != "owner" or person.disabled_at:
        return
    others = cx.execute(
        "select 1 from person where role = 'owner' and disabled_at is null and person_id <> %s limit 1",
        (person.id,),
    ).fetchone()
    if others is None:
        raise Refusal(
            f"{person.name} is the last owner and cannot be {_worded(what)}: make another owner first."
        )


def _worded(what: str) -> str:
    return what if what == "disabled" else f"given {what}"


def _shut_out(cx: Transaction, person: Person, *, now: datetime) -> None:
    session_store.end_all(cx, person.id, now=now)
    cx.execute(
        "update invitation set revoked_at = %s where used_at is null and revoked_at is null and (invited_by = %s or person_id = %s)",
        (now, person.who, person.id),
    )


def _person(row: Iterable[Any]) -> Person:
    workspace_id, person_id, email, name, role, created_at, disabled_at, totp, passkey = row
    return Person(
        workspace_id=workspace_id, id=person_id, email=email, name=name, role=role, created_at=created_at,
        disabled_at=disabled_at, second=(("totp",) if totp else ()) + (("passkey",) if passkey else ()),
    )  # fmt: skip
