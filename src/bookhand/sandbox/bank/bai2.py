"""BAI2 as American banks write it: one group a day, long texts continued, control totals and counts that are right."""

from __future__ import annotations

from itertools import groupby

from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.money import whole

_TEXT = 50


def bai2(account: BankAccount) -> bytes:
    """A group for each day with lines, each with its own opening and closing balance."""
    balance, groups = account.opening_minor, []
    total = records = 0
    days = groupby(sorted(account.lines, key=lambda line: line.day), key=lambda line: line.day)
    for day, lines in days:
        rows, group_total, balance = _group(account, day, list(lines), balance)
        groups += rows
        total += group_total
        records += len(rows)
    count = sum(1 for row in groups if row.startswith("02,"))
    rows = [
        f"01,122099999,123456789,{_short(account.last_day)},2359,{account.statement_no},,,2/",
        *groups,
        f"99,{total},{count},{records + 2}/",
    ]
    return ("\r\n".join(rows) + "\r\n").encode()


def _group(account: BankAccount, day: str, lines: list[BankLine], opening: int) -> tuple[list[str], int, int]:
    closing = opening + sum(line.minor for line in lines)
    first, last = _signed(opening, account.currency), _signed(closing, account.currency)
    rows = [f"03,{account.number},{account.currency},010,{first},,,015,{last},,/"]
    for line in lines:
        rows += _detail(line, account.currency)
    total = int(first) + int(last) + sum(int(whole(line.minor, account.currency)) for line in lines)
    rows.append(f"49,{total},{len(rows) + 1}/")
    head = f"02,031001234,122099999,1,{_short(day)},2359,{account.currency},2/"
    return [head, *rows, f"98,{total},1,{len(rows) + 2}/"], total, closing


def _detail(line: BankLine, currency: str) -> list[str]:
    code = "142" if line.minor >= 0 else "455"
    funds = f"V,{_short(line.value_day)}," if line.value_day else "0"
    said = " ".join(part for part in (line.counterparty, line.description) if part)
    pieces = _broken(said)
    head = f"16,{code},{whole(line.minor, currency)},{funds},{line.id},{line.reference},"
    return [
        head + (pieces[0] if pieces else "") + ("" if pieces else "/"),
        *(f"88,{piece}" for piece in pieces[1:]),
    ]


def _broken(text: str) -> list[str]:
    """Pieces that end with whole words, as far as they are shorter than a piece."""
    pieces: list[str] = []
    for word in text.split():
        if pieces and len(pieces[-1]) + len(word) < _TEXT:
            pieces[-1] += f" {word}"
        else:
            pieces.append(word)
    return pieces


def _signed(minor: int, currency: str) -> str:
    return ("-" if minor < 0 else "") + whole(minor, currency)


def _short(day: str) -> str:
    return day[2:].replace("-", "")
