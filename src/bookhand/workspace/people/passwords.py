"""Passwords: argon2id by pwdlib; long rather than odd, and never one that everybody tries first. Pure: the salt is given.

>>> kept = hash_password("correct horse battery", salt=bytes(16))
>>> matches("correct horse battery", kept), matches("wrong horse battery", kept), matches("anything", None)
(True, False, False)
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from pwdlib import PasswordHash

from bookhand.core.problems import Refusal

SALT_BYTES = 16
SHORTEST = 12
LONGEST = 256
_COMMON = (
    "password",
    "passwort",
    "qwertyuiop",
    "123456789",
    "letmein",
    "iloveyou",
    "bookhand",
    "administrator",
)
_DIFFERENT = 5


def hash_password(password: str, *, salt: bytes) -> str:
    """The argon2id hash that is kept, with its own parameters in it."""
    return _hasher().hash(_same(password), salt=salt)


def matches(password: str, kept: str | None) -> bool:
    """Whether it is the password that was kept. Takes the same time where none was (`kept` None), and says no."""
    if len(password) > LONGEST:
        password, kept = "", None
    found = _hasher().verify(_same(password), kept or _nobody())
    return found and kept is not None


def examine(password: str, *, email: str) -> None:
    """`Refusal` that says why a new password is not good: by its length and by what is tried first; no rules of composition."""
    if len(password) < SHORTEST:
        raise Refusal(f"The password is too short: take at least {SHORTEST} characters, such as four words.")
    if len(password) > LONGEST:
        raise Refusal(f"The password is too long: take at most {LONGEST} characters.")
    plain = password.lower()
    name = email.partition("@")[0]
    rest = plain.replace(name, "") if len(name) > 3 else plain  # noqa: PLR2004 (shorter ones are in many words)
    for common in _COMMON:
        rest = rest.replace(common, "")
    if len(rest) < SHORTEST // 2 or len(set(plain)) < _DIFFERENT:
        raise Refusal(
            "The password is one that is tried first: take four words that have nothing to do with each other."
        )


@lru_cache(maxsize=1)
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@lru_cache(maxsize=1)
def _nobody() -> str:
    """What an unknown person's password is compared with, so that the answer takes as long."""
    return _hasher().hash("nobody has this password", salt=bytes(SALT_BYTES))


def _same(password: str) -> bytes:
    """One form for letters that keyboards compose in different ways."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
