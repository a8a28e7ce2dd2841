"""Sealed secrets: they open in their own row with their own key, and nowhere else."""

from __future__ import annotations

import base64
import os
import stat
from multiprocessing import get_context

import pytest

from bookhand.core.problems import Refusal
from bookhand.db.engine import Database
from bookhand.workspace.sealing import parse_ring, ring_of, seal, unseal
from bookhand.workspace.secrets_store import Secrets

HUSH = "rk_test_a_secret_of_somebody"


@pytest.fixture
def secrets(tmp_path):
    return Secrets(tmp_path)


def test_a_secret_comes_back_and_is_nowhere_in_the_database(db, link, secrets):
    with db.transaction() as cx:
        secrets.put(cx, link, "key", HUSH)
    with db.transaction() as cx:
        assert secrets.get(cx, link, "key") == HUSH
        assert secrets.get(cx, link, "other") is None
        [(row,)] = cx.execute("select secret::text from secret").fetchall()
    assert HUSH not in row
    assert HUSH.encode().hex() not in row


def test_the_key_file_is_for_its_owner_alone(db, link, secrets, tmp_path):
    with db.transaction() as cx:
        secrets.put(cx, link, "key", HUSH)
    path = tmp_path / "sealing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with db.transaction() as cx, pytest.raises(Refusal, match="chmod 600"):
        Secrets(tmp_path).get(cx, link, "key")


def test_a_sealed_value_moved_to_another_row_does_not_open(db, new_link, secrets):
    first, second = new_link(account="acct_1"), new_link(account="acct_2")
    with db.transaction() as cx:
        secrets.put(cx, first, "key", HUSH)
        secrets.put(cx, second, "key", "theirs")
        cx.execute(
            "update secret set sealed = (select sealed from secret where connection_id = %s) where connection_id = %s",
            (first.connection_id, second.connection_id),
        )
        with pytest.raises(Refusal, match="moved from another row"):
            secrets.get(cx, second, "key")


def test_a_flipped_bit_does_not_open():
    ring = ring_of(bytes(32))
    key_id, sealed = seal(ring, HUSH, place="1/1/key", nonce=bytes(12))
    for at in (0, 15, len(sealed) - 1):
        broken = bytearray(sealed)
        broken[at] ^= 1
        with pytest.raises(Refusal, match="does not open"):
            unseal(ring, key_id, bytes(broken), place="1/1/key")


def test_without_the_key_nothing_is_sealed_over_and_the_sentence_says_what_is_missing(
    db, link, secrets, tmp_path
):
    with db.transaction() as cx:
        secrets.put(cx, link, "key", HUSH)
    (tmp_path / "sealing.key").unlink()
    fresh = Secrets(tmp_path)
    for use in (lambda cx: fresh.get(cx, link, "key"), lambda cx: fresh.put(cx, link, "key", "new")):
        with db.transaction() as cx, pytest.raises(Refusal, match="sealing key is missing"):
            use(cx)
    assert not (tmp_path / "sealing.key").exists()


def test_a_wrong_key_is_named_and_never_shown(db, link, secrets, tmp_path):
    with db.transaction() as cx:
        secrets.put(cx, link, "key", HUSH)
    other = base64.b64encode(os.urandom(32)).decode()
    with db.transaction() as cx, pytest.raises(Refusal, match="which is not here") as caught:
        Secrets(tmp_path, given=other).get(cx, link, "key")
    assert other not in str(caught.value)


@pytest.mark.parametrize("text", ["", "short", "not base64 at all!", base64.b64encode(bytes(31)).decode()])
def test_a_key_of_the_wrong_form_is_refused_without_repeating_it(text):
    with pytest.raises(Refusal, match="openssl rand") as caught:
        parse_ring(text)
    assert not text or text not in str(caught.value)


def test_rotation_seals_everything_again_and_running_processes_follow(db, new_link, secrets, tmp_path):
    links = [new_link(account=f"acct_{number}") for number in range(3)]
    with db.transaction() as cx:
        for each in links:
            secrets.put(cx, each, "key", HUSH + each.account)
    running = Secrets(tmp_path)
    with db.transaction() as cx:
        assert running.get(cx, links[0], "key")
    old = (tmp_path / "sealing.key").read_text().split()
    assert secrets.rotate(db) == 3
    with db.transaction() as cx:
        assert cx.execute("select count(distinct key_id) from secret").fetchone() == (1,)
        assert [running.get(cx, each, "key") for each in links] == [HUSH + each.account for each in links]
    new = (tmp_path / "sealing.key").read_text().split()
    assert (len(old), len(new), new[1]) == (1, 2, old[0])
    secrets.rotate(db)
    assert old[0] not in (tmp_path / "sealing.key").read_text()


def test_rotation_with_given_keys_seals_with_the_first(db, link, tmp_path):
    old, new = (base64.b64encode(os.urandom(32)).decode() for _ in range(2))
    with db.transaction() as cx:
        Secrets(tmp_path, given=old).put(cx, link, "key", HUSH)
    assert Secrets(tmp_path, given=f"{new},{old}").rotate(db) == 1
    with db.transaction() as cx:
        assert Secrets(tmp_path, given=new).get(cx, link, "key") == HUSH
    assert not (tmp_path / "sealing.key").exists()


def _put(url, folder, connection_id, barrier, answers):
    from pathlib import Path

    from bookhand.core.facts import Link

    link = Link(
        workspace_id=1,
        connection_id=connection_id,
        system="stripe",
        account="a",
        mode="test",
        api_version="v",
    )
    with Database(url) as db, db.transaction() as cx:
        barrier.wait(20)
        Secrets(Path(folder)).put(cx, link, f"by {os.getpid()}", HUSH)
    answers.put(os.getpid())


def test_two_processes_that_make_the_first_key_at_once_agree(db, database_url, link, tmp_path):
    context = get_context("spawn")
    barrier, answers = context.Barrier(2), context.Queue()
    started = [
        context.Process(target=_put, args=(database_url, str(tmp_path), link.connection_id, barrier, answers))
        for _ in range(2)
    ]
    [process.start() for process in started]
    made = [answers.get(timeout=30) for _ in started]
    [process.join() for process in started]
    with db.transaction() as cx:
        assert [Secrets(tmp_path).get(cx, link, f"by {pid}") for pid in made] == [HUSH, HUSH]


def test_dropping_forgets_one_or_all(db, link, secrets):
    with db.transaction() as cx:
        for name in ("a", "b", "c"):
            secrets.put(cx, link, name, HUSH)
        assert secrets.drop(cx, link, "a") == 1
        assert secrets.drop(cx, link) == 2
