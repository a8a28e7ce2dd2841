"""MT940 as German banks write it: ``:86:`` in pieces of 27 characters behind question marks."""

from __future__ import annotations

from collections.abc import Iterator

from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.money import plain

_PIECE = 27
_MOST_PIECES = 14


def mt940(account: BankAccount) -> bytes:
    """One statement, in UTF-8."""
    head = f":20:BOOKHAND{account.statement_no:04d}\r\n:25:{account.number}\r\n:28C:{account.statement_no:05d}/001\r\n"
    opening = f":60F:{_balance(account.opening_minor, account.currency, account.first_day)}\r\n"
    closing = f":62F:{_balance(account.closing_minor, account.currency, account.last_day)}\r\n-\r\n"
    return (
        head + opening + "".join(_line(line, account.currency) for line in account.lines) + closing
    ).encode()


def _balance(minor: int, currency: str, day: str) -> str:
    return f"{'C' if minor >= 0 else 'D'}{_short(day)}{currency}{_amount(minor, currency)}"


def _amount(minor: int, currency: str) -> str:
    text = plain(minor, currency, mark=",", sign=False)
    return text if "," in text else text + ","


def _short(day: str) -> str:
    return day[2:].replace("-", "")


def _line(line: BankLine, currency: str) -> str:
    mark = "C" if line.minor >= 0 else "D"
    if line.reversal:  # a credit taken back is money out
        mark = "RD" if line.minor >= 0 else "RC"
    value = line.value_day or line.day
    head = f":61:{_short(value)}{_short(line.day)[2:]}{mark}{_amount(line.minor, currency)}NTRFNONREF//{line.id}\r\n"
    words = [
        *(_pieces(f"EREF+{line.reference}") if line.reference else ()),
        *_pieces(f"SVWZ+{line.description}"),
    ]
    fields = "".join(f"?{number}{piece}" for number, piece in zip(_numbers(), words, strict=False))
    name = "".join(f"?{32 + place}{piece}" for place, piece in enumerate(_pieces(line.counterparty)[:2]))
    return f"{head}:86:166?00GUTSCHRIFT{fields}{name}\r\n"


def _numbers() -> Iterator[int]:
    yield from range(20, 30)
    yield from range(60, 64)


def _pieces(text: str) -> list[str]:
    return [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)][:_MOST_PIECES]
