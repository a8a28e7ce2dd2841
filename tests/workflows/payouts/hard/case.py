"""Hard cases of payouts and bank lines, each with what is right, read from ``cases/*.toml``.

In a case, letters are payouts and digits are lines. Days without a year are of 2026, and amounts stand under their currency, in major units:

    a = { usd = 1204.50, on = "03-10", trace = "091000011234567" }
    1 = { usd = 1204.50, on = "03-10", text = "STRIPE TRANSFER" }
    right = ["a=1"]         # must be found, for certain ("a+b=1+2": as one group)
    may = ["a+b=1+2"]       # may be found instead; whatever is in neither list and is called certain is wrong
    ask = ["a", "1"]        # must be in a question (or in a match of `may`)
    open = ["a", "1"]       # must be in no certain match: said for the reader, for that is so of all that is in no list
    is = { a = "missing" }  # must stay unmatched, as this (or as one of several)
    not = { a = "missing" } # must not be told as this
    never = ["a-1"]         # must not even be offered in a question
    off = { "a=1" = -15 }   # what the lines have more than the payouts
    rate = { "a=1" = 0.86 } # what the bank gave for one unit

`covered` and `hole` say which days the statements are of, `fees` and `rates` what is known of the bank.
"""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS, exponent
from bookhand.workflows.payouts.breaks import LineKey
from bookhand.workflows.payouts.matching import Bounds, Expected

CHECKING = "000123456789"
"""The bank account of a line that does not say another."""
_SEEN_FOR = timedelta(days=30)
"""How long after the last day of a case its statements go on, where it does not say so."""
_NOISE = "K7 X/Q 0 " * 280

Tie = tuple[frozenset[str], frozenset[str]]
"""Letters and digits that are the same money."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One case: what goes in, and what is right."""

    name: str
    why: str
    payouts: dict[str, Expected]
    lines: dict[str, StatementLine]
    bounds: Bounds
    right: frozenset[Tie]
    may: frozenset[Tie]
    ask: frozenset[str]
    causes: dict[str, tuple[str, ...]]
    not_causes: dict[str, str]
    never: frozenset[tuple[str, str]]
    off: dict[Tie, int]
    rates: dict[Tie, Decimal]

    @property
    def decided(self) -> bool:
        """Whether there is an answer for every payout and every line."""
        told = {each for tie in self.right for side in tie for each in side} | set(self.causes)
        return told >= {*self.payouts, *self.lines}

    @property
    def letters(self) -> dict[str, str]:
        """Payout id to its letter."""
        return {payout.id: letter for letter, payout in self.payouts.items()}

    @property
    def digits(self) -> dict[LineKey, str]:
        """A line's account and key to its digit."""
        return {(line.account, line.key): digit for digit, line in self.lines.items()}


def cases(folder: Path = Path(__file__).parent / "cases") -> list[Case]:
    """All cases, by theme."""
    found = []
    for file in sorted(folder.glob("*.toml")):
        written = tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
        found += [_case(file.stem, each) for each in written["case"]]
    return found


def known(file: Path = Path(__file__).parent / "known.toml") -> dict[str, dict[str, str]]:
    """What the matcher is known to get wrong: test to case to why it is there."""
    found: dict[str, dict[str, str]] = tomllib.loads(file.read_text(encoding="utf-8"))
    return found


def tie(text: str) -> Tie:
    """``a+b=1`` as letters and digits."""
    left, right = text.split("=")
    return frozenset(left.split("+")), frozenset(right.split("+"))


def _case(theme: str, written: dict[str, Any]) -> Case:
    unknown = set(written) - _WORDS - {key for key in written if len(key) == 1}
    if unknown:
        raise ValueError(f"{theme}: {written['name']}: nobody reads {sorted(unknown)}.")
    name = f"{theme}: {written['name']}"
    letters = [key for key in written if len(key) == 1 and key.isalpha()]
    ids = {letter: written[letter].get("id") or _id(name, letter) for letter in letters}
    payouts = {letter: _payout(ids, letter, written[letter]) for letter in letters}
    lines = {key: _line(ids, key, written[key]) for key in written if len(key) == 1 and key.isdigit()}
    off = {
        tie(key): _minor(amount, _currency_of(payouts, key)) for key, amount in written.get("off", {}).items()
    }
    return Case(
        name=name,
        why=written["why"],
        payouts=payouts,
        lines=lines,
        bounds=_bounds(written, payouts, lines),
        right=frozenset(tie(each) for each in written.get("right", [])),
        may=frozenset(tie(each) for each in written.get("may", [])),
        ask=frozenset(written.get("ask", [])),
        causes={
            key: tuple([cause] if isinstance(cause, str) else cause)
            for key, cause in written.get("is", {}).items()
        },
        not_causes=written.get("not", {}),
        never=frozenset((pair[0], pair[2]) for pair in written.get("never", [])),
        off=off,
        rates={tie(key): Decimal(rate) for key, rate in written.get("rate", {}).items()},
    )


_WORDS = {
    "name", "why", "right", "may", "ask", "open", "is", "not", "never", "off", "rate", "covered", "hole", "fees", "rates",
}  # fmt: skip


def _payout(ids: dict[str, str], letter: str, written: dict[str, Any]) -> Expected:
    _only(written, "on made at to status failed trace descriptor method automatic original reversed_by id")
    minor, currency = _amount(written)
    arrival = _day(written["on"])
    return Expected(
        id=ids[letter],
        connection=written.get("at", "shop"),
        currency=currency,
        minor=minor,
        arrival_day=arrival,
        created_day=_day(written["made"]) if "made" in written else _later(arrival, -2),
        status=written.get("status", "paid"),
        automatic=written.get("automatic", True),
        method=written.get("method", "standard"),
        trace_id=written.get("trace"),
        descriptor=written.get("descriptor"),
        last4=written.get("to"),
        failed_day=_day(written["failed"]) if "failed" in written else None,
        original=ids.get(written.get("original", "")),
        reversed_by=ids.get(written.get("reversed_by", "")),
    )


def _line(ids: dict[str, str], digit: str, written: dict[str, Any]) -> StatementLine:
    _only(
        written,
        "on value account text from refs reversal " + " ".join(f"was_{each.lower()}" for each in EXPONENTS),
    )
    minor, currency = _amount(written)
    original = next((key[4:].upper() for key in written if key.startswith("was_")), None)
    text = written["text"].format(noise=_NOISE, **ids)
    return StatementLine(
        account=written.get("account", CHECKING),
        key=f"FIT{digit}",
        day=_day(written["on"]),
        value_day=_day(written["value"]) if "value" in written else None,
        currency=currency,
        minor=minor,
        description=text,
        counterparty=written.get("from"),
        references=tuple(written.get("refs", ())),
        native_id=f"FIT{digit}",
        reversal=written.get("reversal", False),
        original_minor=_minor(written[f"was_{original.lower()}"], original) if original else None,
        original_currency=original,
        raw=text,
    )


def _bounds(written: dict[str, Any], payouts: dict[str, Expected], lines: dict[str, StatementLine]) -> Bounds:
    last = max([each.arrival_day for each in payouts.values()] + [each.day for each in lines.values()])
    covered = written.get("covered", _later(last, _SEEN_FOR.days))
    currency = {line.account: line.currency for line in lines.values()}
    return Bounds(
        fees={
            account: tuple(_minor(fee, currency[account]) for fee in fees)
            for account, fees in written.get("fees", {}).items()
        },
        rates={
            (pair[:3], pair[4:]): (Decimal(low), Decimal(high))
            for pair, (low, high) in written.get("rates", {}).items()
        },
        covered={
            account: _day(covered[account] if isinstance(covered, dict) else covered)
            for account in sorted(currency)
        },
        holes={
            account: ((_day(written["hole"][0]), _day(written["hole"][1])),) for account in sorted(currency)
        }
        if "hole" in written
        else {},
    )


def _amount(written: dict[str, Any]) -> tuple[int, str]:
    """Minor units and currency, of ``usd = 12.50`` or of ``minor`` and ``currency``."""
    if "minor" in written:
        return written["minor"], written["currency"]
    [currency] = [key.upper() for key in written if key.upper() in EXPONENTS]
    return _minor(written[currency.lower()], currency), currency


def _minor(amount: Decimal | int, currency: str) -> int:
    scaled = Decimal(amount).scaleb(exponent(currency))
    if scaled != int(scaled):
        raise ValueError(f"{amount} {currency} has more decimals than the currency.")
    return int(scaled)


def _currency_of(payouts: dict[str, Expected], text: str) -> str:
    return payouts[text[0]].currency


def _day(text: str) -> str:
    return text if len(text) == len("2026-03-10") else f"2026-{text}"


def _later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def _id(name: str, letter: str) -> str:
    return "po_1Q" + hashlib.sha256(f"{name}/{letter}".encode()).hexdigest()[:22]


def _only(written: dict[str, Any], words: str) -> None:
    unknown = set(written) - set(words.split()) - {"minor", "currency"} - {each.lower() for each in EXPONENTS}
    if unknown:
        raise ValueError(f"Nobody reads {sorted(unknown)} of {written}.")
