"""Redaction: what looks like a secret or a card number is cut, before anything is logged, shown or written into the trail.

It goes by the name of a field (``token``, ``password`` …) and by the shape of a text (Stripe keys, webhook secrets, bookhand's own, bearer
tokens, a password inside an address, card numbers by their check digit).

>>> redact_text("refused by Stripe: Bearer " + "rk_test_" + "a" * 24)
'refused by Stripe: Bearer [redacted]'
>>> redact_text("card 4242 4242 4242 4242, order 4242424242424241")
'card [redacted], order 4242424242424241'
>>> redacted({"client_secret": "x", "amount": 5})
{'client_secret': '[redacted]', 'amount': 5}
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(
    r"(^|[_-])(token|tokens|secret|secrets|password|passwd|authorization|cookie|signature|credential|credentials|cvc|pan)$"
    r"|(^|[_-])(api|sealing|private|access|developer|secret|restricted|signing)[_-]?key$",
    re.IGNORECASE,
)
_SECRET_SHAPES = (
    (("sk_", "rk_", "ek_", "uk_"), re.compile(r"\b(?:sk|rk|ek|uk)_(?:live|test|org)?_?[A-Za-z0-9_]{8,}")),
    (("bh",), re.compile(r"\bbh[a-z]_[A-Za-z0-9_-]{20,}")),
    (
        ("whsec_", "rt_", "ac_", "acctok_", "_secret_"),
        re.compile(
            r"\b(?:whsec|rt|ac|acctok|seti_\w+_secret|pi_\w+_secret|cs_\w+_secret)_[A-Za-z0-9_/+=-]{8,}"
        ),
    ),
    (("eyj",), re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?")),
    (("://",), re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)")),
    (
        ("bearer ", "basic "),
        re.compile(r"(?i)\b(?<=bearer )[\w.~+/=-]{8,}|(?<=basic )[A-Za-z0-9+/=]{8,}"),
    ),
    (
        ("password=", "secret=", "token="),
        re.compile(r"(?i)(?<=password=)[^\s&;'\"]+|(?<=secret=)[^\s&;'\"]+|(?<=token=)[^\s&;'\"]+"),
    ),
    (("v1=",), re.compile(r"(?<=v1=)[0-9a-f]{64}\b")),
    (
        ("private key-----",),
        re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
    ),
)
"""Shapes of secrets, each with the pieces of lower-case text of which every match has one: an ASCII text without any is not searched."""
_CARD_HINT = re.compile(r"[0-9]{4}(?:[0-9]{9}|[ -][0-9]{4})")
"""How every card's number begins: a text without it has none."""
_CARD_SHAPES = (
    re.compile(r"(?<![\w.])(?=([0-9]{13,19})(?!\w))"),
    re.compile(r"(?<![\w.])(?=([0-9]{4}([ -])[0-9]{4}\2[0-9]{4}\2[0-9]{4})(?!\w))"),
    re.compile(r"(?<![\w.])(?=([0-9]{4}([ -])[0-9]{6}\2[0-9]{5})(?!\w))"),
)
"""Looked for at every place, so that a number beside other numbers is found as well."""
_CARD_LENGTHS = range(13, 20)
_CARD_NETWORKS = "23456"
_DEEPEST = 8


def redacted(value: Any, name: str = "") -> Any:
    """A JSON-like value without anything that looks like a secret; `name` is that of the field it stands in."""
    return _redact(value, name, 0)


def redact_text(text: str) -> str:
    """`text` without anything in it that looks like a secret."""
    plain = (
        text.lower() if text.isascii() else None
    )  # others have letters that lower-case one way and match another
    for hints, shape in _SECRET_SHAPES:
        for hint in hints:
            if plain is None or hint in plain:
                text = shape.sub(HIDDEN, text)
                break
    if _CARD_HINT.search(text) is None:
        return text
    cards = {found[1] for shape in _CARD_SHAPES for found in shape.finditer(text) if _is_card(found[1])}
    for card in cards:
        text = text.replace(card, HIDDEN)
    return text


def _redact(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if _is_secret_name(name) or depth > _DEEPEST or (isinstance(value, int) and _is_card(str(value))):
        return HIDDEN
    match value:
        case int():
            return value
        case Mapping():
            return {str(key): _redact(item, str(key), depth + 1) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redact(item, "", depth + 1) for item in value]
        case _:
            return redact_text(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


@lru_cache(maxsize=4096)
def _is_secret_name(name: str) -> bool:
    """Fields are few, and the same ones come again and again."""
    return _SECRET_NAME.search(name) is not None


def _is_card(text: str) -> bool:
    """A number of a card's length whose first digit a card network uses and whose check digit (Luhn) is right."""
    if len(text) < _CARD_LENGTHS.start:
        return False
    digits = [int(digit) for digit in text if digit.isdigit()]
    if len(digits) not in _CARD_LENGTHS or text[0] not in _CARD_NETWORKS:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
