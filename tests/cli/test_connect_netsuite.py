"""Connecting NetSuite from the command line: the certificate is shown and taken up to be uploaded, tokens are never words of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from tests.systems.netsuite.conftest import netsuite, server, url  # noqa: F401 (fixtures)
from tests.systems.netsuite.connecting import switch, told
from typer.testing import CliRunner

from bookhand.cli.app import app
from bookhand.core.problems import Refusal
from bookhand.settings import Settings
from bookhand.systems import store
from bookhand.wiring import books_of, open_house
from bookhand.workspace.trail_store import search

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Iterator[Run]:  # noqa: F811
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"BOOKHAND_{name.upper()}", raising=False)
    monkeypatch.setenv("BOOKHAND_DATABASE_URL", database_url)
    monkeypatch.setenv("BOOKHAND_NETSUITE_BASE_URL", f"{url}/{{account}}")
    monkeypatch.setenv("COLUMNS", "200")

    def go(*words: str, typed: str = "") -> Result:
        found = CliRunner().invoke(app, list(words), input=typed)
        if found.exception is not None and not isinstance(found.exception, SystemExit):
            raise found.exception
        return found

    return go


def test_a_certificate_is_made_uploaded_and_signed_in_with(run: Run, url: str, tmp_path: Path) -> None:  # noqa: F811
    first = run("connect", "netsuite", "--account", "tstdrv1001")
    assert "Make Journal Entry (Full)" in first.output
    assert "--certificate-id" in first.output
    file = tmp_path / ".data" / "netsuite-tstdrv1001.pem"
    assert f"{Path('.data') / file.name} (valid until 20" in first.output
    pem = file.read_text()
    assert "PRIVATE" not in pem + first.output
    mapped = switch(url, "certificate", account="tstdrv1001", pem=pem)
    ids = ("--client-id", mapped["client_id"], "--certificate-id", mapped["certificate_id"])
    with pytest.raises(Refusal, match="--subsidiary: 1 "):
        run("connect", "netsuite", "--account", "tstdrv1001", *ids)
    done = run(
        "connect",
        "netsuite",
        "--account",
        "tstdrv1001",
        *ids,
        "--subsidiary",
        "2",
        "--at-once",
        "3",
        "--name",
        "Germany",
    )
    assert "Connected Germany (TSTDRV1001/2, test mode)." in done.output
    with open_house(Settings()) as house:
        [connection] = house.every()
        assert connection.settings["limits"] == {"at_once": 3}
        kit = books_of(house).kit
        assert kit.company(connection.link).name == "Aurora Goods GmbH"
        assert house.door.kit.catalogue.action("netsuite.deposits.create").vendor in house.door.kit.performers
        with house.db.transaction() as cx:
            assert [note.said()["subject"] for note in search(cx, 1, what="connection.connected")] == [
                "TSTDRV1001/2"
            ]
    assert "Make Journal Entry" not in done.output, "what is known is not told again"
    with pytest.raises(Refusal, match="No certificate was made for TSTDRV1001"):
        run("connect", "netsuite", "--account", "tstdrv1001", *ids, "--subsidiary", "1")
    assert (
        "--certificate-id"
        in run("connect", "netsuite", "--account", "tstdrv1001", *ids, "--new-certificate").output
    )
    assert file.read_text() != pem
    gone = run("disconnect", "Germany")
    assert "NetSuite still has what was mapped for bookhand" in gone.output
    with open_house(Settings()) as house, house.db.transaction() as cx:
        assert [each.status for each in store.every(cx)] == ["disconnected"]
        assert cx.execute("select count(*) from secret").fetchone() == (0,)


def test_a_token_pair_is_read_line_by_line_and_shown_nowhere(run: Run, url: str) -> None:  # noqa: F811
    pair = told(url)["accounts"]["1002-sb1"]["token_pair"]
    lines = [pair[name] for name in ("consumer_key", "consumer_secret", "token_id", "token_secret")]
    with pytest.raises(Refusal, match="four lines"):
        run("connect", "netsuite", "--account", "1002_SB1", "--tokens", typed="\n".join(lines[:3]) + "\n")
    done = run("connect", "netsuite", "--account", "1002_SB1", "--tokens", typed="\n".join(lines) + "\n")
    assert "Connected NetSuite 1002_SB1 (test) (1002_SB1, test mode)." in done.output
    listed = run("connections").output
    assert "netsuite" in listed
    assert not any(value in done.output + listed for value in lines)
    with open_house(Settings()) as house, house.db.transaction() as cx:
        [kept] = store.every(cx)
        assert not any(value in json.dumps(kept.settings) for value in lines)
