"""A workspace with people: an owner, and whoever a test invites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bookhand.core.caller import Caller, Role
from bookhand.db.engine import Database
from bookhand.workspace.people import invitation_store, session_store
from bookhand.workspace.people.session_store import NewSession
from bookhand.workspace.people.sign_in_workflow import SignIn, Source
from bookhand.workspace.secrets_store import Secrets

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HERE = Source("203.0.113.9", "Firefox")
PASSWORD = "tram velvet orchid nine"


@dataclass
class Town:
    """People of one workspace, who come in by their links."""

    db: Database
    door: SignIn
    told: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    now: datetime = NOW

    def note(self, _cx: Any, what: str, subject: str, details: dict[str, Any]) -> None:
        self.told.append((what, subject, details))

    def owner(self, email: str = "ada@example.com") -> Caller:
        with self.db.transaction() as cx:
            link = invitation_store.owner_link(cx, email, now=self.now, note=self.note)
        return self.caller(self.come(link.secret))

    def person(self, role: Role, by: Caller) -> Caller:
        with self.db.transaction() as cx:
            link = invitation_store.invite(cx, by, f"{role}@example.com", role, now=self.now, note=self.note)
        return self.caller(self.come(link.secret))

    def come(self, link: str, *, password: str = PASSWORD) -> NewSession:
        return self.door.welcome(link, name="", password=password, source=HERE, now=self.now)

    def caller(self, session: NewSession | str) -> Caller:
        found = self.who(session if isinstance(session, str) else session.secret)
        assert found is not None
        return found

    def who(self, session: str | None = None, *, bearer: str | None = None) -> Caller | None:
        with self.db.transaction() as cx:
            return session_store.authenticate(
                cx, session=session, bearer=bearer, channel="rest", now=self.now
            )

    def do(self, act: Callable[..., Any], *given: Any, **more: Any) -> Any:
        """A store's function, in a transaction, at this time, noted."""
        with self.db.transaction() as cx:
            return act(cx, *given, **more, now=self.now, note=self.note)

    def sign_in(self, email: str = "ada@example.com", password: str = PASSWORD, **more: Any) -> Any:
        return self.door.by_password(email, password, **{"source": HERE, "now": self.now, **more})

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def town(db: Database, tmp_path: Path) -> Town:
    found = Town(db, None)  # type: ignore[arg-type]
    found.door = SignIn(db, Secrets(tmp_path), note=found.note)
    return found
