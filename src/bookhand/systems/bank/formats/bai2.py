"""BAI2: the cash management file of American banks. Pure.

    read(text)  ->  [Statement(account="0975312468", opening_minor=500000, lines=(…,))]

Amounts are whole minor units; a type code says which way they go (by bai2's table, else 100 to 399 in and 400 to 699 out). A record goes on in
``88`` lines; its text is the last field, and may hold commas and slashes. A balance (03) may have a minus sign, a detail (16) has none: what some banks
mean by one there, a reversal or a correction, the file does not say. Source: "Cash Management Balance Reporting Specifications,
Version 2" (BAI), and ANSI X9.121 for funds types.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from bai2.constants import TypeCodes

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.money import as_text
from bookhand.core.problems import Refusal
from bookhand.systems.bank.figures import calendar_day, currency_of, full_year, of_whole, whole_of

FORMAT = "BAI2"

_JOINT = "\x1e"
_OPENING, _CLOSING = "010", "015"
_CODES = frozenset({"01", "02", "03", "16", "49", "88", "98", "99"})
_CREDITS, _DEBITS = range(100, 400), range(400, 700)
_INFORMATION = "890"
_LONGEST = 50_000
_TEST, _DELETION, _CORRECTION = "4", "2", "3"


def looks_so(head: str) -> bool:
    """Whether a file that begins so is BAI2."""
    return bool(re.match(r"\s*01,[^,\n]*,[^,\n]*,[0-9]{6},", head))


class Record(NamedTuple):
    """A record with its continuations: its code, what stands behind it, the line of the file and the text as it stood."""

    code: str
    body: str
    line: int
    raw: str
    lines: int


class _Fields:
    """The fields of a record, taken one by one; what is left is its text."""

    def __init__(self, record: Record) -> None:
        self._left: str | None = record.body
        self._line = record.line

    def take(self) -> str:
        """The next field; empty where the record is over."""
        if self._left is None:
            return ""
        found = re.search(rf"[,{_JOINT}]", self._left)
        if found is None:
            value, self._left = self._left, None
        else:
            value, self._left = self._left[: found.start()], self._left[found.end() :]
        return value.strip()

    @property
    def is_over(self) -> bool:
        return self._left is None or not self._left.strip(_JOINT)

    def rest(self) -> str:
        """All that is left, as text."""
        return " ".join((self._left or "").replace(_JOINT, " ").split())

    def funds(self) -> str | None:
        """A funds type with what belongs to it; the value date where it tells one."""
        kind = self.take().upper()
        match kind:
            case "V":
                day = self.take()
                self.take()
                return _day(day, self._line) if day.strip("0") else None
            case "S":
                for _ in range(3):
                    self.take()
            case "D":
                count = self.take()
                for _ in range(2 * (int(count) if count.isdigit() else 0)):
                    self.take()
            case _:
                pass
        return None


def read(text: str) -> list[Statement]:
    """Every account of every group; `Refusal` that says what is wrong and in which line of the file."""
    records = list(_records(text))
    if not records or records[0].code != "01" or records[-1].code != "99":
        raise Refusal("The BAI2 file does not go from 01 to 99: it was cut off. Get it from the bank again.")
    found: list[Statement] = []
    group: _Group | None = None
    account: _Account | None = None
    for record in records[1:-1]:
        match record.code:
            case "02":
                group = _Group(record)
            case "03" if group is not None and account is None:
                account = _Account(record, group)
            case "16" if account is not None:
                account.add(record)
            case "49" if account is not None:
                if group is not None and not group.is_test:
                    found.append(account.statement(record))
                account = None
            case "98" if account is None:
                group = None
            case _:
                raise Refusal(
                    f"Line {record.line} of the BAI2 file: a record {record.code} cannot stand here."
                )
    if account is not None or group is not None or not found:
        raise Refusal("The BAI2 file has no whole account in it (03 to 49, in 02 to 98).")
    return found


def _records(text: str) -> Iterator[Record]:
    gathered: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        plain = line.strip("\x1a \t\r")
        if not plain:
            continue
        if plain[:2] not in _CODES or plain[2:3] not in {",", "/"}:
            raise Refusal(f"Line {number} of the BAI2 file begins with no record code: {plain[:20]!r}.")
        if plain[:2] != "88" and gathered:
            yield _record(gathered)
            gathered = []
        gathered.append((number, plain))
    if gathered:
        yield _record(gathered)


def _record(gathered: list[tuple[int, str]]) -> Record:
    body = ""
    for place, (_, line) in enumerate(gathered):
        piece, is_last = line[3:], place == len(gathered) - 1
        if piece.endswith("/"):
            piece = piece[:-1] + ("" if is_last else _JOINT)
        elif not piece.endswith(",") and not is_last:
            piece += _JOINT
        body += piece
    first, start = gathered[0]
    if len(body) > _LONGEST:
        raise Refusal(
            f"Line {first} of the BAI2 file: the record goes on for {len(body):,} characters: it was refused."
        )
    return Record(start[:2], body, first, "\n".join(line for _, line in gathered), len(gathered))


class _Group:
    def __init__(self, record: Record) -> None:
        fields = _Fields(record)
        _receiver, _origin, status, day, _time, currency = (fields.take() for _ in range(6))
        self.day = _day(day, record.line)
        self.currency = currency or "USD"
        self.is_test = status == _TEST
        if status == _DELETION:
            raise Refusal(
                f"Line {record.line} of the BAI2 file: the group takes back what an earlier file said, which is for a person to do."
            )
        if status == _CORRECTION:
            raise Refusal(
                f"Line {record.line} of the BAI2 file: the group corrects what an earlier file said (status 3). Its lines would count beside those "
                "they correct, which is for a person to see to: nothing of the file was taken."
            )


class _Account:
    def __init__(self, record: Record, group: _Group) -> None:
        self._group = group
        self._records = record.lines
        self._total = 0
        self._lines: list[StatementLine] = []
        self._warnings: list[str] = []
        self._notes: list[str] = []
        self._balances: dict[str, int] = {}
        fields = _Fields(record)
        self._name, currency = fields.take(), fields.take() or group.currency
        try:
            self._currency = currency_of(currency)
            while not fields.is_over:
                code, amount = fields.take(), fields.take()
                fields.take()
                fields.funds()
                if code and amount:
                    self._balances.setdefault(code, whole_of(amount, self._currency))
                    self._total += int(amount)
        except ValueError as error:
            raise Refusal(f"Line {record.line} of the BAI2 file: {error}.") from None
        if not self._name:
            raise Refusal(f"Line {record.line} of the BAI2 file: the account has no number.")

    def add(self, record: Record) -> None:
        """A detail (16)."""
        self._records += record.lines
        fields = _Fields(record)
        code, amount = fields.take(), fields.take()
        if not amount or code == _INFORMATION:
            self._notes.append(
                f"Line {record.line} (type {code}) moves no money; it says: {record.body[:120]!r}."
            )
            return
        if amount.startswith("-"):
            raise Refusal(
                f"Line {record.line} of the BAI2 file: the record 16 of type {code[:10]} has the amount {amount[:40]!r}, but a detail in BAI2 "
                "has no minus sign (its type code alone says which way money went). Ask the bank what it means; nothing of the file was taken."
            )
        try:
            plain = whole_of(amount, self._currency)
        except ValueError as error:
            raise Refusal(f"Line {record.line} of the BAI2 file: {error}.") from None
        self._total += int(amount)
        value_day = fields.funds()
        bank, customer = fields.take(), fields.take()
        self._lines.append(
            StatementLine(
                account=self._name, key="", day=self._group.day, value_day=value_day, currency=self._currency,
                minor=plain * _sign(code, record.line), description=fields.rest() or _meaning(code), code=code,
                references=tuple(dict.fromkeys(part for part in (bank, customer) if part.strip("0"))),
                reversal="reversal" in _meaning(code).lower(), raw=record.raw,
            )
        )  # fmt: skip

    def _shown(self, whole: int) -> str:
        """A sum of amounts as the file writes them, in a sentence."""
        return as_text(of_whole(whole, self._currency), self._currency)

    def statement(self, trailer: Record) -> Statement:
        """The account, whole; what its trailer (49) does not confirm is said."""
        fields = _Fields(trailer)
        total, count = fields.take(), fields.take()
        if total and re.fullmatch(r"[+-]?[0-9]{1,40}", total) is None:
            raise Refusal(f"Line {trailer.line} of the BAI2 file: {total[:40]!r} is no control total.")
        if total and int(total) != self._total:
            self._warnings.append(
                f"The control total in line {trailer.line} is {self._shown(int(total))}, but the records of account {self._name} "
                f"add up to {self._shown(self._total)}."
            )
        if count.isdigit() and int(count) != self._records + trailer.lines:
            self._warnings.append(
                f"Line {trailer.line} counts {count} records of account {self._name}, but there are {self._records + trailer.lines}."
            )
        return Statement(
            account=self._name, currency=self._currency, format=FORMAT, opening_minor=self._balances.get(_OPENING),
            closing_minor=self._balances.get(_CLOSING), opening_day=self._group.day, closing_day=self._group.day,
            lines=tuple(self._lines), warnings=tuple(self._warnings), notes=tuple(self._notes),
        )  # fmt: skip


def _sign(code: str, line: int) -> int:
    known = TypeCodes.get(code)
    direction = known.transaction.value if known is not None and known.transaction is not None else ""
    number = int(code) if code.isdigit() else 0
    if direction == "credit" or (not direction and number in _CREDITS):
        return 1
    if direction == "debit" or (not direction and number in _DEBITS):
        return -1
    raise Refusal(
        f"Line {line} of the BAI2 file: type code {code[:10]!r} is the bank's own, and does not say whether money came in or went out. "
        "Ask the bank for the standard code."
    )


def _meaning(code: str) -> str:
    known = TypeCodes.get(code)
    return str(known.description) if known is not None else ""


def _day(text: str, line: int) -> str:
    if not re.fullmatch(r"[0-9]{6}", text):
        raise Refusal(f"Line {line} of the BAI2 file: {text[:20]!r} is no day (YYMMDD).")
    try:
        return calendar_day(full_year(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError as error:
        raise Refusal(f"Line {line} of the BAI2 file: {error}.") from None
