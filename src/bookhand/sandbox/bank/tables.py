"""CSV as four kinds of banks write it: American, German, British, and one with a column for each direction."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from bookhand.sandbox.bank.lines import BankAccount, BankLine
from bookhand.sandbox.bank.money import plain


def csv_us(account: BankAccount) -> bytes:
    """``MM/DD/YYYY``, a signed amount, newest first, in UTF-8 with a mark at the beginning."""
    rows = [
        (_us(line.day), line.description, line.reference, plain(line.minor, account.currency), plain(balance, account.currency), account.currency)
        for line, balance in _with_balances(account)
    ]  # fmt: skip
    head = ("Posting Date", "Description", "Reference", "Amount", "Balance", "Currency")
    return _table(",", [head, *reversed(rows)]).encode("utf-8-sig")


def csv_eu(account: BankAccount) -> bytes:
    """``DD.MM.YYYY``, decimal commas, semicolons, oldest first."""
    rows = [
        (_eu(line.day), _eu(line.value_day or line.day), line.counterparty, line.description, line.reference,
         _grouped(line.minor, account.currency), _grouped(balance, account.currency), account.currency)
        for line, balance in _with_balances(account)
    ]  # fmt: skip
    head = (
        "Buchungstag", "Wertstellung", "Auftraggeber", "Verwendungszweck", "Kundenreferenz", "Betrag", "Saldo", "Währung",
    )  # fmt: skip
    return _table(";", [head, *rows]).encode()


def csv_uk(account: BankAccount) -> bytes:
    """``02 Nov 2026``, with the account's number above the table, and no balance."""
    rows = [
        (_uk(line.day), "CR" if line.minor >= 0 else "DR", line.description, plain(line.minor, account.currency, sign=False), line.id)
        for line in account.lines
    ]  # fmt: skip
    above = f'"Account","{account.number}"\r\n"Statement in {account.currency}"\r\n\r\n'
    return (
        above + _table(",", [("Date", "Debit/Credit", "Details", "Amount", "Transaction ID"), *rows])
    ).encode("cp1252", "replace")


def csv_in_out(account: BankAccount) -> bytes:
    """ISO days and one column for each direction, with a running balance; a sum below the table."""
    rows = [
        (line.day, line.description, plain(line.minor, account.currency, sign=False) if line.minor < 0 else "",
         plain(line.minor, account.currency) if line.minor >= 0 else "", plain(balance, account.currency))
        for line, balance in _with_balances(account)
    ]  # fmt: skip
    head = (
        "Date",
        "Narrative",
        f"Paid out ({account.currency})",
        f"Paid in ({account.currency})",
        f"Balance ({account.currency})",
    )
    return _table("\t", [head, *rows]).encode()


def _with_balances(account: BankAccount) -> Iterator[tuple[BankLine, int]]:
    balance = account.opening_minor
    for line in account.lines:
        balance += line.minor
        yield line, balance


def _table(delimiter: str, rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def _grouped(minor: int, currency: str) -> str:
    """``1.234.567,89``."""
    whole, _, rest = plain(minor, currency, sign=False).partition(".")
    said = f"{int(whole):,}".replace(",", ".") + (f",{rest}" if rest else "")
    return f"-{said}" if minor < 0 else said


def _us(day: str) -> str:
    year, month, number = day.split("-")
    return f"{month}/{number}/{year}"


def _eu(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number}.{month}.{year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _uk(day: str) -> str:
    year, month, number = day.split("-")
    return f"{number} {_MONTHS[int(month) - 1]} {year}"
