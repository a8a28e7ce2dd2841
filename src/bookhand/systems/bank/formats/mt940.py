"""MT940: SWIFT's statement as text, alone or inside its envelope, several in one file. Pure.

    read(text)  ->  [Statement(account="20041010/1234567890", number="12/1", lines=(…,))]

A ``:61:`` is taken apart by mt-940's own pattern; cutting the file into fields (so that each line is kept as it stood), the sign of reversals
(``RC``, a credit taken back, is money out) and ``:86:`` are done here. ``:86:`` is read in the two ways that are in use (``166?20EREF+…``
of German banks, ``/EREF/…/REMI/…``), and as plain text else. Source: SWIFT's MT940 usage guide; DK's MT940 annex for ``?`` fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

import mt940

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank.figures import calendar_day, currency_of, full_year, minor_of

FORMAT = "MT940"

_FIELD = re.compile(r"^:([0-9]{2}[A-Z]?|NS):", re.MULTILINE)
_BALANCE = re.compile(r"([CD])([0-9]{2})([0-9]{2})([0-9]{2})([A-Z]{3})\s*([0-9]+,[0-9]*)")
_ENVELOPE_END = re.compile(r"^-(?:\}|[ \t\x03\x1a]*$).*\Z", re.MULTILINE | re.DOTALL)
"""A dash alone or before a brace; a line of text may begin with one."""
_ACCOUNTS, _OPENINGS, _CLOSINGS = (
    frozenset({"25", "25P"}),
    frozenset({"60F", "60M"}),
    frozenset({"62F", "62M"}),
)
_SIGNS = {"C": 1, "D": -1, "RC": -1, "RD": 1}
_NO_REFERENCE = frozenset({"", "NONREF", "NOREF", "NOTPROVIDED"})
_LINE_TAG = mt940.tags.Statement()

_STRUCTURED = re.compile(r"([0-9]{3})([?<>~&@^])([0-9]{2})")
_SEPA = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|PURP|RREF)\+")
_SLASHED = re.compile(
    r"/(EREF|MARF|PREF|KREF|IREF|RTRN|TRCD|REMI|NAME|IBAN|BIC|CSID|CNTP|BENM|ORDP|UDTR|UCRD|PURP|ISDT|ADDR|TRTP|EXCH|OCMT|CHGS)/"
)
_REFERENCE_WORDS = ("EREF", "KREF", "MREF", "MARF", "PREF", "IREF", "RREF")
_TEXTS = frozenset({"", "SVWZ", "ABWA"})
_FULL, _FULL_PART = 65, 27


def looks_so(head: str) -> bool:
    """Whether a file that begins so is MT940."""
    return bool(re.search(r"^:20:", head, re.MULTILINE)) and bool(re.search(r"^:25P?:", head, re.MULTILINE))


class Field(NamedTuple):
    """One field of a message: its tag, its text, and from where to where it stands."""

    tag: str
    text: str
    start: int
    end: int


class Purpose(NamedTuple):
    """What ``:86:`` says."""

    description: str
    counterparty: str | None = None
    references: tuple[str, ...] = ()
    code: str | None = None


def read(text: str) -> list[Statement]:
    """Every statement of the file; `Refusal` that says what is wrong and in which line of the file."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    fields = list(_fields(plain))
    return [_statement(plain, message) for message in _messages(fields)]


def _fields(text: str) -> Iterator[Field]:
    found = list(_FIELD.finditer(text))
    for place, match in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        body = _ENVELOPE_END.sub("", text[match.end() : end])
        yield Field(match[1], body.strip("\n "), match.start(), match.end() + len(body))


def _messages(fields: Sequence[Field]) -> Iterator[list[Field]]:
    message: list[Field] = []
    for field in fields:
        if message and (field.tag == "20" or (field.tag in _ACCOUNTS and _has(message, _CLOSINGS))):
            yield message
            message = []
        message.append(field)
    if message:
        yield message


def _has(message: Sequence[Field], tags: Collection[str]) -> bool:
    return any(field.tag in tags for field in message)


def _statement(text: str, message: list[Field]) -> Statement:
    by_tag = {field.tag: field for field in reversed(message)}
    account = by_tag.get("25") or by_tag.get("25P")
    opening = by_tag.get("60F") or by_tag.get("60M")
    closing = next((field for field in reversed(message) if field.tag in _CLOSINGS), None)
    where = _line_no(text, message[0].start)
    if account is None or opening is None:
        what = "its account (:25:)" if account is None else "an opening balance (:60F:)"
        hint = " It looks like an MT942, a report of the day: download the MT940." if "34F" in by_tag else ""
        raise Refusal(f"The statement in line {where} has not {what}.{hint}")
    if closing is None:
        raise Refusal(
            f"The statement in line {where} has no closing balance (:62F:): the file was cut off. Get it from the bank again."
        )
    currency, opened, opening_day = _balance(text, opening)
    _refuse_several(where, message)
    in_currency, closed, closing_day = _balance(text, closing)
    if in_currency != currency:
        raise Refusal(
            f"The statement in line {where} opens in {currency} and closes in {in_currency}: it is damaged. Get it from the bank again."
        )
    name = account.text.split("\n")[0].strip()
    number = next((field.text for field in message if field.tag in {"28C", "28"}), None)
    return Statement(
        account=name, currency=currency, format=FORMAT, opening_minor=opened, closing_minor=closed, opening_day=opening_day,
        closing_day=closing_day, number=number, lines=tuple(_lines(text, message, name, currency)),
    )  # fmt: skip


def _refuse_several(where: int, message: Sequence[Field]) -> None:
    """`Refusal` for statements that run into each other: whose account a line is of would be a guess."""
    for tags, what in ((_ACCOUNTS, "accounts (:25:)"), (_OPENINGS, "opening balances (:60F:)")):
        if sum(field.tag in tags for field in message) > 1:
            raise Refusal(
                f"The statement in line {where} has several {what} and no closing balance (:62F:) between them: it was cut off. "
                "Get it from the bank again."
            )


def _balance(text: str, field: Field) -> tuple[str, int, str]:
    found = _BALANCE.match(field.text)
    if not found:
        raise Refusal(f"Line {_line_no(text, field.start)}: :{field.tag}: is no balance.")
    mark, year, month, day, code, amount = found.groups()
    try:
        currency = currency_of(code)
        minor = minor_of(amount, currency, mark=",")
        return (
            currency,
            minor if mark == "C" else -minor,
            calendar_day(full_year(year), int(month), int(day)),
        )
    except ValueError as error:
        raise Refusal(f"Line {_line_no(text, field.start)}: {error}.") from None


def _lines(text: str, message: list[Field], account: str, currency: str) -> Iterator[StatementLine]:
    place = 0
    while place < len(message):
        field = message[place]
        place += 1
        if field.tag != "61":
            continue
        purpose, end = [], field.end
        while place < len(message) and message[place].tag in {"86", "NS"}:
            if message[place].tag == "86":
                purpose.append(message[place].text)
            end = message[place].end
            place += 1
        yield _line(
            text,
            field,
            raw=text[field.start : end].rstrip("\n"),
            purposes=purpose,
            account=account,
            currency=currency,
        )


def _line(
    text: str, field: Field, *, raw: str, purposes: list[str], account: str, currency: str
) -> StatementLine:
    try:
        parts = _parts(field.text, currency)
        sign = _SIGNS[parts["status"]]
        minor = sign * minor_of(str(parts["amount_text"]), currency, mark=",")
    except ValueError as error:
        raise Refusal(f"Line {_line_no(text, field.start)}: {error}.") from None
    purpose = _purpose("\n".join(purposes))
    extra = " ".join((parts["extra_details"] or "").split())
    customer, bank = parts["customer_reference"], parts["bank_reference"]
    said = [customer or "", bank or "", *purpose.references]
    code = " ".join(part for part in (parts["id"], purpose.code) if part) or None
    return StatementLine(
        account=account, key="", day=parts["entry_day"] or parts["value_day"], value_day=parts["value_day"], currency=currency, minor=minor,
        description=" ".join(part for part in (purpose.description, extra) if part), counterparty=purpose.counterparty,
        references=tuple(dict.fromkeys(part.strip() for part in said if part.strip().upper() not in _NO_REFERENCE)),
        code=code, reversal=parts["status"].startswith("R"), raw=raw,
    )  # fmt: skip


def _parts(value: str, currency: str) -> dict[str, Any]:
    """A ``:61:`` by mt-940's pattern; its days as ISO dates, its amount as it stands."""
    found = _LINE_TAG.re.match(value)
    if not found:
        raise ValueError(f":61: cannot be read: {value[:60]!r}")
    parts = found.groupdict()
    if parts["amount"].count(",") != 1:
        raise ValueError(f"{parts['amount']!r} is no amount: it has not one comma")
    year = full_year(parts["year"])
    calendar_day(year, int(parts["month"]), int(parts["day"]))  # refuses what other formats refuse
    resolved = _LINE_TAG(_in_currency(currency), {**parts, "year": str(year)})
    entry: Any = resolved.get("entry_date")
    value_date: Any = resolved["date"]
    return {
        **parts, "amount_text": parts["amount"], "value_day": value_date.isoformat(),
        "entry_day": entry.isoformat() if entry is not None else None,
    }  # fmt: skip


def _in_currency(currency: str) -> mt940.models.Transactions:
    made = mt940.models.Transactions()
    made.data["opening_balance"] = mt940.models.Amount("0,", "C", currency)
    return made


# --- :86: ---


def _purpose(text: str) -> Purpose:
    structured = _STRUCTURED.match(text.replace("\n", "", 1) if text[:3].isdigit() else text)
    if structured:
        return _structured(text, structured[1], structured[2])
    if _SLASHED.search(text):
        return _slashed(_joined(text.split("\n"), _FULL))
    return Purpose(_joined(text.split("\n"), _FULL))


def _structured(text: str, code: str, mark: str) -> Purpose:
    """``166?00GUTSCHRIFT?20EREF+po_1?21SVWZ+STRIPE?32STRIPE?33 PAYMENTS``."""
    flat = text.replace("\n", "")
    parts = re.split(rf"{re.escape(mark)}([0-9]{{2}})", flat[len(code) :])
    fields = list(zip(parts[1::2], parts[2::2], strict=False))
    lines = [value for number, value in fields if "20" <= number <= "29" or "60" <= number <= "63"]
    name = "".join(value for number, value in fields if number in {"32", "33"})
    posting = next((value for number, value in fields if number == "00"), "")
    words = _words(lines)
    plain = words.pop("", "")
    described = words.get("SVWZ") or plain
    said = " ".join(part for part in (described, words.get("ABWA", "")) if part)
    return Purpose(
        said or posting.strip(), " ".join(name.split()) or None,
        tuple(words[word] for word in _REFERENCE_WORDS if words.get(word)), code,
    )  # fmt: skip


def _words(lines: Sequence[str]) -> dict[str, str]:
    """SEPA's words (``EREF+``, ``SVWZ+`` …) to what they say; what stands before the first one under an empty name.

    Text that was broken in a full piece goes on without a space; a reference never has one.
    """
    found: dict[str, str] = {}
    word, is_full = "", True
    for line in lines:
        begun = _SEPA.match(line)
        if begun:
            word, is_full = begun[1], True
        gap = "" if is_full or word not in _TEXTS else " "
        found[word] = found.get(word, "") + gap + (line[begun.end() :] if begun else line)
        is_full = len(line) >= _FULL_PART
    return {word: " ".join(text.split()) for word, text in found.items()}


def _slashed(text: str) -> Purpose:
    """``/EREF/po_1//NAME/STRIPE/REMI/USTD//STRIPE PAYOUT``."""
    parts = _SLASHED.split(text)
    words: dict[str, str] = {}
    for word, value in zip(parts[1::2], parts[2::2], strict=False):
        words.setdefault(word, value.strip().strip("/").strip())
    remittance = re.sub(r"^(?:USTD|STRD)?/*", "", words.get("REMI", "")).strip()
    party = words.get("CNTP", "").split("/")
    name = words.get("NAME") or (party[2] if len(party) > 2 else "") or words.get("ORDP") or words.get("BENM")  # noqa: PLR2004 (its third part)
    return Purpose(
        remittance or text.strip(), name or None, tuple(words[word] for word in _REFERENCE_WORDS if words.get(word)), words.get("TRCD"),
    )  # fmt: skip


def _joined(lines: Sequence[str], full: int) -> str:
    """Lines of a field as one text: a full one was broken in the middle of it, a shorter one ended there."""
    text = ""
    for place, line in enumerate(lines):
        text += line
        if len(line) < full and place + 1 < len(lines):
            text += " "
    return " ".join(text.split())


def _line_no(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
