"""People on the command line: the first owner, who runs a command, and where its session lies."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from bookhand.cli import main, people_commands
from bookhand.cli.app import app
from bookhand.core.caller import NotAllowed
from bookhand.core.problems import Refusal
from bookhand.house import House
from bookhand.settings import Settings
from bookhand.wiring import open_house
from bookhand.workspace.people import session_store, store, totp
from bookhand.workspace.people.person import NotSignedIn
from bookhand.workspace.people.sign_in_workflow import Source

PASSWORD = "tram velvet orchid nine"
HERE = Source("test", "test")
Run = Callable[..., Result]


@pytest.fixture
def house(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BOOKHAND_{name.upper()}", raising=False)
    monkeypatch.delenv("BOOKHAND_TOKEN", raising=False)
    monkeypatch.setenv("BOOKHAND_DATABASE_URL", database_url)
    with open_house(Settings(database_url=database_url)) as house:
        yield house


@pytest.fixture
def run(house: House) -> Run:
    def go(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, list(words), input=typed)

    return go


def come(house: House, said: Result) -> None:
    """Somebody opens the link that a command printed."""
    link = said.output.strip().splitlines()[-1]
    assert link.startswith("http://localhost:8787/welcome/bhl_"), said.output
    house.sign_in().welcome(
        link.rpartition("/")[2], name="Ada", password=PASSWORD, source=HERE, now=datetime.now(UTC)
    )


def sign_in(run: Run, email: str = "ada@example.com", *, typed: str = f"{PASSWORD}\n") -> Result:
    return run("sign-in", "--email", email, typed=typed)


def test_from_the_first_owner_to_a_colleague_with_another_role(house, run):
    assert isinstance(run("people").exception, NotSignedIn)
    come(house, run("owner", "ada@example.com"))
    assert "run `bookhand sign-in`" in str(run("people").exception)
    assert "Signed in as Ada" in sign_in(run).output
    come(house, run("invite", "bob@example.com", "--role", "operator"))
    assert "approver now" in run("role", "bob@example.com", "approver").output
    listed = run("people").output
    assert "ada@example.com" in listed
    assert "approver" in listed
    assert isinstance(run("role", "eve@example.com", "viewer").exception, Refusal)
    assert "last owner" in str(run("disable", "ada@example.com").exception)
    run("disable", "bob@example.com")
    assert "disabled" in run("people").output


def test_the_session_is_for_this_user_alone_and_is_gone_after_signing_out(house, run):
    come(house, run("owner", "ada@example.com"))
    said = sign_in(run)
    kept = house.settings.data_dir / "session.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    secret = json.loads(kept.read_text())["session"]
    assert secret not in said.output
    assert PASSWORD not in said.output
    assert people_commands.caller_of(house).channel == "cli"
    run("sign-out")
    assert not kept.exists()
    with house.db.transaction() as cx:
        assert (
            session_store.authenticate(cx, session=secret, bearer=None, channel="cli", now=datetime.now(UTC))
            is None
        )
    with pytest.raises(NotSignedIn, match="bookhand sign-in"):
        people_commands.caller_of(house)


def test_a_second_factor_is_asked_for(house, run):
    come(house, run("owner", "ada@example.com"))
    sign_in(run)
    door, ada = house.sign_in(), people_commands.caller_of(house)
    secret, _ = door.new_totp(ada)
    door.keep_totp(ada, totp.code_at(secret, time.time() - 30), now=datetime.now(UTC))
    run("sign-out")
    assert isinstance(sign_in(run, typed=f"{PASSWORD}\n000000\n").exception, NotSignedIn)
    assert not (house.settings.data_dir / "session.json").exists()
    assert (
        "Signed in as Ada" in sign_in(run, typed=f"{PASSWORD}\n{totp.code_at(secret, time.time())}\n").output
    )
    assert "totp" in run("people").output


def test_a_token_speaks_for_its_person_within_its_scopes(house, run, monkeypatch):
    come(house, run("owner", "ada@example.com"))
    sign_in(run)
    made = run("token", "create", "ci", "--scope", "read", "--scope", "propose", "--days", "7")
    secret = made.output.strip().splitlines()[-1]
    assert secret.startswith("bhk_")
    assert secret not in run("token", "list").output
    run("sign-out")
    monkeypatch.setenv("BOOKHAND_TOKEN", secret)
    assert people_commands.caller_of(house, channel="workflow").can == {"read", "propose"}
    assert run("people").exit_code == 0
    assert isinstance(run("invite", "eve@example.com").exception, NotAllowed)
    assert isinstance(run("token", "create", "more", "--scope", "read").exception, NotAllowed)
    monkeypatch.delenv("BOOKHAND_TOKEN")
    sign_in(run)
    assert "revoked" in run("token", "revoke", "1").output
    monkeypatch.setenv("BOOKHAND_TOKEN", secret)
    with pytest.raises(NotSignedIn, match="BOOKHAND_TOKEN is not good"):
        people_commands.caller_of(house)


def test_a_locked_out_owner_comes_in_again_and_nobody_else_becomes_one_so(house, run):
    come(house, run("owner", "ada@example.com"))
    come(house, run("owner", "ada@example.com"))
    assert "is no owner here" in str(run("owner", "eve@example.com").exception)
    with house.db.transaction() as cx:
        assert [each.email for each in store.every(cx)] == ["ada@example.com"]


def test_a_link_signs_somebody_in_who_is_here_once_and_changes_no_password(house, run):
    come(house, run("owner", "ada@example.com"))
    said = run("link", "Ada@example.com")
    link = said.output.strip().splitlines()[-1]
    assert link.startswith("http://localhost:8787/enter/bhl_"), said.output
    door, secret = house.sign_in(), link.rpartition("/")[2]
    assert door.enter(secret, source=HERE, now=datetime.now(UTC)).person_id == 1
    with pytest.raises(Refusal, match="used already"):
        door.enter(secret, source=HERE, now=datetime.now(UTC))
    assert sign_in(run).exit_code == 0
    assert "is not in this workspace" in str(run("link", "eve@example.com").exception)


def test_a_wrong_file_is_no_session(house, run):
    come(house, run("owner", "ada@example.com"))
    kept = house.settings.data_dir / "session.json"
    kept.parent.mkdir(exist_ok=True)
    for text in ("", "[]", "{}", '{"session": "bhs_wrong"}', "\x00"):
        kept.write_text(text)
        with pytest.raises(NotSignedIn):
            people_commands.caller_of(house)


def test_what_is_refused_is_one_sentence_without_a_secret(house, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["bookhand", "people"])
    monkeypatch.setenv("BOOKHAND_TOKEN", "bhk_" + "a" * 43)
    with pytest.raises(SystemExit):
        main()
    told = capsys.readouterr()
    assert "bookhand owner" in told.err
    assert "bhk_" not in told.err + told.out
    assert os.environ["BOOKHAND_TOKEN"]


def test_half_an_identity_provider_is_refused(database_url, tmp_path):
    given = {"data_dir": tmp_path, "database_url": database_url, "oidc_issuer": "https://id.example.com"}
    with open_house(Settings(**given)) as house, pytest.raises(Refusal, match="BOOKHAND_OIDC_CLIENT_ID"):
        house.identity_provider()
    whole = Settings(
        **given, oidc_client_id="b", oidc_client_secret="hush", public_url="https://books.example.com"
    )
    with open_house(whole) as house:
        found = house.identity_provider()
    assert found.redirect_uri == "https://books.example.com/oidc/back"
    assert "hush" not in repr(found)
