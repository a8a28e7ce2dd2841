"""Codes of an authenticator app (TOTP, RFC 6238) by pyotp, and recovery codes for the day the telephone is gone. Pure.

A code is good in its own half minute and in the one before and after; the step it belongs to is kept, and no code of that step or
an earlier one is taken again.

>>> secret = new_totp(bytes(20))
>>> code = code_at(secret, 1_790_000_000)
>>> step = step_of(secret, code, at=1_790_000_010, used=0)
>>> step, step_of(secret, code, at=1_790_000_010, used=step)
(59666666, None)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

import pyotp

TOTP_BYTES = 20
RECOVERY_CODES = 10
RECOVERY_BYTES = 10
SECONDS = 30
_CODE_LETTERS = 16
_CODE = re.compile(r"[0-9]{6}")


def new_totp(chance: bytes) -> str:
    """A secret for an authenticator app, in base32."""
    return base64.b32encode(chance).decode()


def address_of(secret: str, *, email: str, workspace: str) -> str:
    """The ``otpauth://`` address that an authenticator app takes."""
    return pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=f"bookhand {workspace}".strip())


def code_at(secret: str, at: float) -> str:
    """The code that an app shows at that moment (Unix seconds)."""
    return pyotp.TOTP(secret).at(int(at))


def step_of(secret: str, code: str, *, at: float, used: int) -> int | None:
    """The step (half minute) that `code` belongs to; None where it is wrong, too old, or of a step that was `used` already."""
    plain = re.sub(r"[\s-]", "", code)
    if not _CODE.fullmatch(plain):
        return None
    now = int(at) // SECONDS
    right = [
        step
        for step in (now - 1, now, now + 1)
        if hmac.compare_digest(code_at(secret, step * SECONDS), plain)
    ]
    fresh = [step for step in right if step > used]
    return fresh[0] if fresh else None


def recovery_code(chance: bytes) -> str:
    """A recovery code to write down: ``ABCD-EFGH-IJKL-MNOP``."""
    text = base64.b32encode(chance).decode()
    return "-".join(text[index : index + 4] for index in range(0, _CODE_LETTERS, 4))


def recovery_hash(code: str) -> bytes | None:
    """What is kept of a recovery code (eighty random bits); None for what cannot be one."""
    plain = re.sub(r"[\s-]", "", code).upper()
    return (
        hashlib.sha256(f"bookhand recovery {plain}".encode()).digest()
        if len(plain) == _CODE_LETTERS
        else None
    )
