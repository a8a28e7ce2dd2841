"""Signing in, step by step, each its own transaction: by password and second factor, by passkey, by OIDC, by a one-time link.

    door = SignIn(db, secrets, note=note, rules=Rules())
    found = door.by_password("ada@example.com", "…", source=Source("203.0.113.9", "Firefox"), now=now)
    if isinstance(found, Half):                       # the password was right, and there is a second factor
        found = door.by_code(found.step, "123456", source=source, now=now)
    found.secret                                      # goes into the browser's cookie

Errors: `NotSignedIn`, in the same words and after the same time whether the person exists or not; `TooMany`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg

from bookhand.core.caller import Caller
from bookhand.core.problems import Refusal
from bookhand.workspace.people import (
    factor_store,
    invitation_store,
    oidc_auth,
    passkeys,
    passwords,
    session_store,
    store,
    totp,
)
from bookhand.workspace.people.person import Note, NotSignedIn, Person, called, fingerprint, typed
from bookhand.workspace.people.session_store import NewSession, Rules

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.workspace.secrets_store import Secrets

Transaction = psycopg.Connection[Any]

_WRONG = (
    "The e-mail, the password or the code is not right: try again, or ask an owner or admin for a new link."
)
_WRONG_CODE = "The code is not right, or was used already: take the one that your app shows now."
_OVER = "This sign-in took too long, or was finished already: start again."


@dataclass(frozen=True, slots=True)
class Source:
    """Where a request comes from: its network address and its program."""

    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Half:
    """The password was right; `step` (a secret) goes on with one of `ways` (``totp``, ``passkey``)."""

    step: str = field(repr=False)
    ways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignIn:
    """All ways in to one workspace."""

    db: Database
    secrets: Secrets
    note: Note
    rules: Rules = field(default_factory=Rules)

    def by_password(
        self, email: str, password: str, *, code: str | None = None, source: Source, now: datetime
    ) -> NewSession | Half:
        """A session; or where there is a second factor, and no `code` of it, the half of one."""
        plain = typed(email)
        with self.db.transaction() as cx:
            try_id = factor_store.begin_try(cx, plain, address=source.address, now=now)
        with self.db.transaction() as cx:
            person = store.by_email(cx, plain)
            kept = factor_store.password_of(cx, person.id) if person else None
        if not passwords.matches(password, kept) or person is None or kept is None or person.disabled_at:
            raise NotSignedIn(_WRONG)
        with self.db.transaction() as cx:
            if person.second and code is None:
                factor_store.end_try(cx, try_id)
                step = factor_store.begin_step(
                    cx, "second", person_id=person.id, bound=fingerprint(kept), now=now
                )
                return Half(step, person.second)
            way = self._code(cx, person, code or "", wrong=_WRONG, now=now) if person.second else "password"
            return self._enter(cx, person.id, way, fingerprint(kept), try_id=try_id, source=source, now=now)

    def by_code(self, step: str, code: str, *, source: Source, now: datetime) -> NewSession:
        """The second half: a code of the authenticator app, or a recovery code. A wrong one counts as a failed sign-in."""
        with self.db.transaction() as cx:
            half = factor_store.look_step(cx, step, "second", now=now)
            if half is None or half.person_id is None:
                raise NotSignedIn(_OVER)
            person = store.find(cx, half.person_id)
            try_id = factor_store.begin_try(cx, person.email, address=source.address, now=now)
        with self.db.transaction() as cx:
            if factor_store.look_step(cx, step, "second", now=now) is None:
                raise NotSignedIn(_OVER)
            way = self._code(cx, person, code, wrong=_WRONG_CODE, now=now)
            factor_store.end_step(cx, step)
            return self._enter(cx, person.id, way, half.bound, try_id=try_id, source=source, now=now)

    def _code(self, cx: Transaction, person: Person, code: str, *, wrong: str, now: datetime) -> str:
        """Which second factor `code` is of; it is used up. `NotSignedIn` where it is of none."""
        secret = self.secrets.get_own(cx, person.workspace_id, factor_store.totp_name(person.id))
        used = factor_store.totp_step(cx, person.id)
        if "totp" in person.second and secret is not None:
            step = totp.step_of(secret, code, at=now.timestamp(), used=used)
            if step is not None:
                factor_store.keep_totp_step(cx, person.id, step)
                return "totp"
        hashed = totp.recovery_hash(code)
        if hashed is not None and factor_store.take_recovery(cx, person.id, hashed, now=now):
            return "recovery code"
        raise NotSignedIn(wrong)

    def passkey_options(
        self, site: passkeys.Site, *, half: str | None = None, now: datetime
    ) -> tuple[str, dict[str, Any]]:
        """A step and what the browser needs; after a password (`half`) only that person's passkeys will do."""
        with self.db.transaction() as cx:
            found = factor_store.look_step(cx, half, "second", now=now) if half else None
            person_id = found.person_id if found else None
            step = factor_store.begin_step(cx, "passkey", person_id=person_id, now=now)
            known = factor_store.passkey_ids(cx, person_id) if person_id else []
        return step, passkeys.options(site, challenge=passkeys.challenge_of(step), known=known)

    def by_passkey(
        self, site: passkeys.Site, step: str, said: Mapping[str, Any], *, source: Source, now: datetime
    ) -> NewSession:
        """A session for whose passkey it is; the step is used up whatever comes of it."""
        begun = self._take(step, "passkey", now=now)
        with self.db.transaction() as cx:
            kept = factor_store.passkey(cx, passkeys.id_of(dict(said)))
            if kept is None or begun.person_id not in {None, kept.person_id}:
                raise NotSignedIn("This passkey is not known here: sign in with your password.")
            count = passkeys.used(site, dict(said), kept, challenge=passkeys.challenge_of(step))
            factor_store.used_passkey(cx, kept.credential_id, sign_count=count, now=now)
            return self._enter(cx, kept.person_id, "passkey", None, source=source, now=now)

    def new_passkey_options(
        self, site: passkeys.Site, caller: Caller, *, now: datetime
    ) -> tuple[str, dict[str, Any]]:
        """A step and what the browser needs to make a passkey for who is signed in."""
        number = _person_of(caller)
        with self.db.transaction() as cx:
            person, known = store.find(cx, number), factor_store.passkey_ids(cx, number)
            step = factor_store.begin_step(cx, "new passkey", person_id=number, now=now)
        return step, passkeys.new_options(site, person, challenge=passkeys.challenge_of(step), known=known)

    def add_passkey(
        self,
        site: passkeys.Site,
        caller: Caller,
        step: str,
        said: Mapping[str, Any],
        *,
        name: str,
        now: datetime,
    ) -> None:
        """Keep the passkey that the browser made."""
        begun = self._take(step, "new passkey", now=now)
        if begun.person_id != _person_of(caller):
            raise Refusal(_OVER)
        made = passkeys.made(
            site, dict(said), challenge=passkeys.challenge_of(step), person_id=_person_of(caller)
        )
        with self.db.transaction() as cx:
            factor_store.put_passkey(cx, made, name=called(name, "Passkey"), now=now)
            self.note(cx, "person.passkey", caller.who, {"by": caller.who})

    def start_oidc(self, provider: oidc_auth.Provider, *, now: datetime) -> tuple[str, str]:
        """A step for the browser's cookie, and the address to send it to."""
        with self.db.transaction() as cx:
            step = factor_store.begin_step(cx, "oidc", now=now)
        return step, oidc_auth.start(provider, step)

    def by_oidc(
        self,
        provider: oidc_auth.Provider,
        step: str,
        sent: Mapping[str, str],
        *,
        source: Source,
        now: datetime,
    ) -> NewSession:
        """A session for somebody who is here or invited, by the address that the provider verified; for nobody else."""
        self._take(step, "oidc", now=now)
        identity = oidc_auth.finish(provider, step, sent, at=now.timestamp())
        with self.db.transaction() as cx:
            person_id = factor_store.oidc_person(cx, identity.issuer, identity.subject)
            if person_id is None:
                person_id = self._introduce(cx, provider, identity, now=now)
            return self._enter(cx, person_id, "oidc", None, source=source, now=now)

    def _introduce(
        self, cx: Transaction, provider: oidc_auth.Provider, identity: oidc_auth.Identity, *, now: datetime
    ) -> int:
        if identity.email is None:
            raise NotSignedIn(
                f"{provider.name} has not verified your e-mail address: have it verified there."
            )
        person = store.by_email(cx, identity.email)
        if person is None:
            invited = invitation_store.take_for(cx, identity.email, now=now)
            if invited is None:
                raise NotSignedIn(
                    f"{identity.email} is not invited to this workspace: ask an owner or admin."
                )
            person = self._add(cx, invited, identity.name, now=now)
        factor_store.put_oidc(cx, identity.issuer, identity.subject, person.id, now=now)
        self.note(cx, "person.oidc", person.who, {"by": person.who, "issuer": identity.issuer})
        return person.id

    def welcome(self, link: str, *, name: str, password: str, source: Source, now: datetime) -> NewSession:
        """Use a link up: somebody new comes in, or sets a new password, which ends sessions and takes second factors away."""
        with self.db.transaction() as cx:
            email = invitation_store.look(cx, link, now=now).email
        passwords.examine(password, email=email)
        hashed = passwords.hash_password(password, salt=os.urandom(passwords.SALT_BYTES))
        with self.db.transaction() as cx:
            taken = invitation_store.take(cx, link, now=now)
            if taken.kind == "entry":
                raise Refusal("This link signs somebody in and sets no password: open it as it was printed.")
            if taken.person_id is None:
                person = self._add(cx, taken, name, now=now)
            else:
                person = store.find(cx, taken.person_id)
                self._forget(cx, person, by=taken.invited_by, now=now)
            factor_store.set_password(cx, person.id, hashed)
            return self._enter(cx, person.id, "link", None, source=source, now=now)

    def enter(self, link: str, *, source: Source, now: datetime) -> NewSession:
        """Use up a link that the machine wrote for somebody who is here already: they are signed in, and nothing else changes."""
        with self.db.transaction() as cx:
            taken = invitation_store.take(cx, link, now=now)
            if taken.kind != "entry" or taken.person_id is None:
                raise Refusal("This link sets a password: open it as it was sent.")
            return self._enter(cx, taken.person_id, "link", None, source=source, now=now)

    def _add(
        self, cx: Transaction, invited: invitation_store.Invitation, name: str, *, now: datetime
    ) -> Person:
        person = store.add(
            cx, email=invited.email, name=called(name, invited.email), role=invited.role, now=now
        )
        self.note(
            cx,
            "person.added",
            person.who,
            {"by": invited.invited_by, "email": person.email, "role": person.role},
        )
        return person

    def _forget(self, cx: Transaction, person: Person, *, by: str, now: datetime) -> None:
        session_store.end_all(cx, person.id, now=now)
        self._drop_second(cx, person)
        self.note(cx, "person.reset", person.who, {"by": by})

    def change_password(
        self, caller: Caller, *, before: str, after: str, source: Source, now: datetime
    ) -> NewSession:
        """A new password for who knows the one before; ends every session, and begins a new one."""
        person = self._confirmed(caller, before, source=source, now=now)
        passwords.examine(after, email=person.email)
        hashed = passwords.hash_password(after, salt=os.urandom(passwords.SALT_BYTES))
        with self.db.transaction() as cx:
            factor_store.set_password(cx, person.id, hashed)
            session_store.end_all(cx, person.id, now=now)
            self.note(cx, "person.password", person.who, {"by": caller.who})
            return self._enter(cx, person.id, "password", None, source=source, now=now)

    def new_totp(self, caller: Caller) -> tuple[str, str]:
        """A secret for an authenticator app, and its ``otpauth://`` address; in force once its first code was right."""
        number = _person_of(caller)
        secret = totp.new_totp(os.urandom(totp.TOTP_BYTES))
        with self.db.transaction() as cx:
            person = store.find(cx, number)
            if "totp" in person.second:
                raise Refusal("An authenticator app is in use already: take it away first.")
            self.secrets.put_own(cx, person.workspace_id, factor_store.totp_name(number, new=True), secret)
        return secret, totp.address_of(secret, email=person.email, workspace="")

    def second(self, caller: Caller, *, renew: bool) -> tuple[Person, tuple[str, str] | None]:
        """Who is signed in, and the authenticator secret that waits for its first code (with `renew` a new one); None if one is in force."""
        number = _person_of(caller)
        with self.db.transaction() as cx:
            person = store.find(cx, number)
            name = factor_store.totp_name(number, new=True)
            secret = self.secrets.get_own(cx, person.workspace_id, name)
        if "totp" in person.second:
            return person, None
        if secret is None or renew:
            return person, self.new_totp(caller)
        return person, (secret, totp.address_of(secret, email=person.email, workspace=""))

    def keep_totp(self, caller: Caller, code: str, *, now: datetime) -> Sequence[str]:
        """The app's first code: from now on a password needs one. The recovery codes, told this once."""
        number = _person_of(caller)
        name, new = factor_store.totp_name(number), factor_store.totp_name(number, new=True)
        with self.db.transaction() as cx:
            used = factor_store.totp_step(cx, number)
            secret = self.secrets.get_own(cx, caller.workspace_id, new)
            step = totp.step_of(secret, code, at=now.timestamp(), used=used) if secret else None
            if secret is None or step is None:
                raise Refusal(
                    "This code is not right: take the one that the app shows now, and see that the clock is right."
                )
            self.secrets.put_own(cx, caller.workspace_id, name, secret)
            self.secrets.drop_own(cx, caller.workspace_id, new)
            factor_store.keep_totp_step(cx, number, step, since=now)
            codes = [totp.recovery_code(os.urandom(totp.RECOVERY_BYTES)) for _ in range(totp.RECOVERY_CODES)]
            factor_store.put_recovery(cx, number, [totp.recovery_hash(each) or b"" for each in codes])
            self.note(cx, "person.totp", caller.who, {"by": caller.who})
        return codes

    def drop_second(self, caller: Caller, *, password: str, source: Source, now: datetime) -> None:
        """Take the own second factors away; the password is asked for again."""
        person = self._confirmed(caller, password, source=source, now=now)
        with self.db.transaction() as cx:
            self._drop_second(cx, person)
            self.note(cx, "person.second_removed", person.who, {"by": caller.who})

    def sign_out(self, secret: str, *, now: datetime) -> None:
        """End this session."""
        with self.db.transaction() as cx:
            person_id = session_store.sign_out(cx, secret, now=now)
            if person_id is not None:
                self.note(cx, "person.signed_out", f"person:{person_id}", {"by": f"person:{person_id}"})

    def _confirmed(self, caller: Caller, password: str, *, source: Source, now: datetime) -> Person:
        number = _person_of(caller)
        with self.db.transaction() as cx:
            person, kept = store.find(cx, number), factor_store.password_of(cx, number)
            try_id = factor_store.begin_try(cx, person.email, address=source.address, now=now)
        if not passwords.matches(password, kept):
            raise NotSignedIn("The password is not right.")
        with self.db.transaction() as cx:
            factor_store.end_try(cx, try_id)
        return person

    def _drop_second(self, cx: Transaction, person: Person) -> None:
        self.secrets.drop_own(cx, person.workspace_id, factor_store.totp_name(person.id))
        self.secrets.drop_own(cx, person.workspace_id, factor_store.totp_name(person.id, new=True))
        factor_store.drop_totp(cx, person.id)
        factor_store.drop_passkeys(cx, person.id)

    def _take(self, step: str, kind: factor_store.Kind, *, now: datetime) -> factor_store.Step:
        """A step, used up and committed before anything else happens."""
        with self.db.transaction() as cx:
            found = factor_store.look_step(cx, step, kind, now=now)
            factor_store.end_step(cx, step)
        if found is None:
            raise NotSignedIn(_OVER)
        return found

    def _enter(
        self,
        cx: Transaction,
        person_id: int,
        way: str,
        bound: bytes | None,
        *,
        try_id: int | None = None,
        source: Source,
        now: datetime,
    ) -> NewSession:
        """A session, if the person may still come in and the password (`bound`) is still the one that was right."""
        person = store.find(cx, person_id)
        kept = factor_store.password_of(cx, person_id) or ""
        if person.disabled_at or (bound is not None and bound != fingerprint(kept)):
            raise NotSignedIn(_WRONG)
        if try_id is not None:
            factor_store.end_try(cx, try_id)
        new = session_store.begin(
            cx, person_id, way=way, rules=self.rules, address=source.address, agent=source.agent, now=now
        )
        self.note(
            cx,
            "person.signed_in",
            person.who,
            {"by": person.who, "way": way, "session": new.id, "address": source.address},
        )
        return new


def _person_of(caller: Caller) -> int:
    """Who is signed in; a token changes nothing of how its person signs in."""
    if caller.token is not None:
        raise Refusal("A token cannot do this: sign in as a person.")
    return session_store.number_of(caller)
