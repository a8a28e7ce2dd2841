"""No secret is ever in a log line, whoever wrote the line and wherever the secret stood in it."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.redaction import HIDDEN, redact_text
from bookhand.logs import redact, setup

TAIL = "a1B2c3D4e5F6g7H8i9J0k1L2"
SECRETS = [
    "sk_test_" + TAIL,
    "rk_live_" + TAIL,
    "sk_org_test_" + TAIL,
    "whsec_" + TAIL,
    "rt_" + TAIL,
    "ac_" + TAIL,
    "pi_3Nabc_secret_" + TAIL,
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + TAIL,
    "4242424242424242",
    "4000 0000 0000 0259",
    "3782-822463-10005",
]


@pytest.fixture
def log() -> Callable[..., list[str]]:
    """Set logging up on a buffer; afterwards as it was."""
    root = logging.getLogger()
    handlers, level, configuration = root.handlers[:], root.level, structlog.get_config()
    buffer = io.StringIO()

    def lines(style: str = "json") -> list[str]:
        if not buffer.tell():
            setup(style=style, level="debug", stream=buffer)
        return buffer.getvalue().splitlines()

    yield lines
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_in_a_text_is_hidden(secret: str) -> None:
    assert redact_text(f"Stripe said no to {secret}: why?") == f"Stripe said no to {HIDDEN}: why?"


@given(st.text(max_size=30), st.sampled_from(SECRETS), st.text(max_size=30))
def test_a_secret_is_hidden_wherever_it_stands(before: str, secret: str, after: str) -> None:
    line = redact(None, "", {"event": f"{before} {secret} {after}", "deep": [{"x": (secret,)}, {secret}]})
    assert secret not in json.dumps(line, ensure_ascii=False)


@pytest.mark.parametrize(
    "name", ["token", "access_token", "api_key", "sealing_key", "password", "Authorization", "Stripe-Signature", "client_secret", "cvc"]
)  # fmt: skip
def test_a_field_of_a_secret_s_name_is_hidden(name: str) -> None:
    assert redact(None, "", {"call": {name: "plain"}}) == {"call": {name: HIDDEN}}


@pytest.mark.parametrize(
    "harmless",
    [
        "txn_1Nabc posted for acct_1Test: 19.99 USD",
        "missing permission rak_payout_read",
        "ch_3MmlLrLkdIwHu7ix0snN0B15 at 2026-11-23T18:00:00Z took 1767225600123 ms",
        "/tmp/1767225600123456789/x",
    ],
)
def test_ids_dates_and_permissions_stay_readable(harmless: str) -> None:
    assert redact_text(harmless) == harmless


_PIECES = st.sampled_from([
    *SECRETS, "sk_", "SK_live_", "start_abcdefgh", "pi_3Mabc_secret_", "Bearer ", "basic ", "TOKEN=", "secret=x", "v1=" + "0" * 64, "://", "me:it@",
    "eyJabcdefgh.ijklmnop", "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----", "4242424242424242", "4242 4242", " 4242 4242",
    "2026-11-28", "bhr_" + "z" * 20, "=", "_", " ", "\n", "7",
])  # fmt: skip


@given(st.lists(_PIECES, max_size=8).map("".join))
def test_a_text_that_is_not_searched_for_a_shape_has_none_of_it(text: str) -> None:
    """Every shape is looked for in a text with a letter beyond ASCII, and in another only those whose pieces it has."""
    assert redact_text(text) + " \u00e9" == redact_text(text + " \u00e9")


def test_parts_of_addresses_and_headers_are_hidden() -> None:
    assert redact_text("postgresql://me:hunter2@db/books") == f"postgresql://{HIDDEN}@db/books"
    assert redact_text("host=db password=hunter2 user=me") == f"host=db password={HIDDEN} user=me"
    assert "QWxhZGRpbjpvcGVu" not in redact_text("Authorization: Basic QWxhZGRpbjpvcGVu")
    assert "f" * 64 not in redact_text("t=1,v1=" + "f" * 64)


def test_our_lines_and_the_libraries_lines_are_json_without_secrets(log: Callable[..., list[str]]) -> None:
    log()
    structlog.get_logger("bookhand.inbox").info("connected with %s", SECRETS[0], token="plain", rows=3)
    logging.getLogger("library").warning("sent %s", SECRETS[1], extra={"password": "hunter2"})
    try:
        int("cannot use " + SECRETS[3])
    except ValueError:
        structlog.get_logger("bookhand").exception("it failed")
    lines = [json.loads(line) for line in log()]
    assert lines[0]["event"] == f"connected with {HIDDEN}"
    assert (lines[0]["token"], lines[0]["rows"], lines[0]["level"]) == (HIDDEN, 3, "info")
    assert lines[1]["event"] == f"sent {HIDDEN}"
    assert lines[1]["password"] == HIDDEN
    assert "cannot use [redacted]" in lines[2]["exception"]
    assert not any(secret in line for secret in SECRETS for line in log())


def test_the_pretty_form_hides_them_too(log: Callable[..., list[str]]) -> None:
    log("pretty")
    structlog.get_logger().error("no", key_used=SECRETS[0])
    try:
        int(SECRETS[1])
    except ValueError:
        logging.getLogger("library").exception("broken")
    text = "\n".join(log())
    assert "ValueError" in text
    assert not any(secret in text for secret in SECRETS)


def test_the_web_servers_colours_are_left_out(log: Callable[..., list[str]]) -> None:
    log()
    logging.getLogger("a.web.server").info("Started", extra={"color_message": "\x1b[36mStarted"})
    [line] = log()
    assert ("Started" in line, "color_message" in line) == (True, False)
