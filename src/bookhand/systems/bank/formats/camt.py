"""CAMT.053 (ISO 20022), versions .001.02 to .001.13, whatever prefix the namespace has. Pure.

    read(xml)  ->  [Statement(account="DE89…", opening_minor=…, lines=(…,))]

A line is what the account was moved by: one entry (``Ntry``). An entry that is a batch, whose details each say an amount of the account's
currency that add up to it, is as many lines, each with its own references; else it is one line with the references of all. `CdtDbtInd`
says which way the money went, for reversals too (``RvslInd``: then what is reversed went the other way). Only booked entries are lines.
Source: the ISO 20022 message definitions camt.053.001.02 and .08.

The XML is read by expat with document types refused: no entity is ever expanded, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank.figures import currency_of, day_of_iso, minor_of
from bookhand.systems.bank.keys import told_id

FORMAT = "CAMT.053"

_DEEPEST = 60
_MOST_NODES = 600_000
"""In one entry, or beside the entries."""
_LONGEST = 40
"""So much of a name is told."""
_KEPT = frozenset({"Ntry", "TxDtls"})
"""Elements that are kept as they stood."""
_NOTHING = frozenset({"", "NOTPROVIDED", "NONREF", "NOREF"})
_REFS = (
    "AcctSvcrRef", "EndToEndId", "InstrId", "TxId", "UETR", "MsgId", "PmtInfId", "MndtId", "ClrSysRef", "ChqNb", "AcctOwnrTxId",
    "MktInfrstrctrTxId", "PrcgId",
)  # fmt: skip
_OTHERS = {
    "BkToCstmrAcctRpt": "CAMT.052, a report of the day, whose entries may still change",
    "BkToCstmrDbtCdtNtfctn": "CAMT.054, a notification of single movements without balances",
}


def looks_so(head: str) -> bool:
    """Whether a file that begins so is a CAMT message."""
    return "camt.05" in head or "BkToCstmr" in head


@dataclass(slots=True)
class Node:
    """An element: its local name, its text, what is in it, and where it stands in the bytes."""

    tag: str
    start: int
    attributes: dict[str, str]
    end: int = 0
    text: str = ""
    nodes: list[Node] = field(default_factory=list)

    def all(self, path: str) -> Iterator[Node]:
        """Every node at ``A/B``."""
        first, _, rest = path.partition("/")
        for node in self.nodes:
            if node.tag == first:
                if rest:
                    yield from node.all(rest)
                else:
                    yield node

    def first(self, path: str) -> Node | None:
        """The first node at ``A/B``; None where there is none."""
        return next(self.all(path), None)

    def said(self, *paths: str) -> str:
        """The text of the first of `paths` that has one."""
        for path in paths:
            node = self.first(path)
            if node is not None and node.text.strip():
                return node.text.strip()
        return ""


def read(text: str) -> list[Statement]:
    """Every statement of the message; `Refusal` that says what is wrong and in which line of the file."""
    reading = _Reading(re.sub(r"\A\s*<\?xml[^>]*\?>", _blank, text).encode())
    reading.parse()
    if not reading.statements:
        raise Refusal("The CAMT.053 message has no statement (Stmt) in it.")
    return reading.statements


def _blank(found: re.Match[str]) -> str:
    """The XML declaration without what it says of the encoding: the text is UTF-8 by now, and keeps its length in lines."""
    return "\n" * found[0].count("\n")


class _Reading:
    def __init__(self, raw: bytes) -> None:
        self.statements: list[Statement] = []
        self._raw = raw
        self._stack: list[Node] = []
        self._entries: list[StatementLine] = []
        self._skipped = 0
        self._count = 0
        self._parser = expat.ParserCreate("utf-8", namespace_separator="}")
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = _refuse_doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def parse(self) -> None:
        try:
            self._parser.Parse(self._raw, True)
        except expat.ExpatError as error:
            raise Refusal(
                f"Line {error.lineno} of the file: it is no whole XML ({expat.ErrorString(error.code)}). Get it from the bank again."
            ) from None
        except ValueError as error:
            raise Refusal(f"Line {self._parser.CurrentLineNumber} of the CAMT.053 file: {error}.") from None

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition("}")[2]
        if tag in _OTHERS:
            raise Refusal(f"This is {_OTHERS[tag]}: download the CAMT.053 statement instead.")
        if len(self._stack) >= _DEEPEST:
            raise Refusal("The XML is nested deeper than any statement is: it was refused.")
        self._count += 1
        if self._count > _MOST_NODES:
            raise Refusal("The XML has more elements in one entry than any statement has: it was refused.")
        node = Node(tag, self._parser.CurrentByteIndex, dict(attributes))
        if tag == "Stmt":
            self._entries, self._skipped = [], 0
        if self._stack and tag != "Stmt":
            self._stack[-1].nodes.append(node)
        self._stack.append(node)

    def _characters(self, data: str) -> None:
        self._stack[-1].text += data

    def _end(self, _name: str) -> None:
        node = self._stack.pop()
        if node.tag in _KEPT:
            node.end = self._raw.find(b">", self._parser.CurrentByteIndex) + 1
        if node.tag == "Stmt":
            self.statements.append(_statement(node, self._entries, self._skipped))
        elif node.tag == "Ntry" and self._stack and self._stack[-1].tag == "Stmt":
            parent = self._stack[-1]
            parent.nodes.pop()  # an entry is let go of as soon as it is read
            self._count = 0
            if _status(node) == "BOOK":
                self._entries.extend(_lines(node, _account(parent), self._slice))
            else:
                self._skipped += 1

    def _slice(self, node: Node) -> str:
        return self._raw[node.start : node.end].decode()


def _refuse_doctype(*_: Any) -> None:
    raise Refusal("The XML declares a document type, which no bank statement does: it was refused unread.")


# --- the statement ---


def _account(statement: Node) -> str:
    found = statement.said("Acct/Id/IBAN", "Acct/Id/Othr/Id")
    if not found:
        raise ValueError("the statement does not say its account (Acct/Id)")
    return found


def _statement(node: Node, lines: list[StatementLine], skipped: int) -> Statement:
    said = node.said("Acct/Ccy") or (lines[0].currency if lines else "")
    said = said or next((code for each in node.all("Bal") if (code := _currency(each))), "")
    currency = currency_of(said) if said else ""
    balances: dict[str, list[Node]] = {}
    for each in node.all("Bal"):
        if _currency(each) in {currency, ""}:
            code = each.said("Tp/CdOrPrtry/Cd", "Tp/CdOrPrtry/Prtry")
            balances.setdefault(code, []).append(each)
    opening = min(balances.get("OPBD") or balances.get("PRCD") or (), key=_balance_day, default=None)
    closing = max(balances.get("CLBD") or (), key=_balance_day, default=None)
    warnings, notes = [], []
    if skipped:
        notes.append(f"{skipped} entries are not booked yet (pending or for information): they are no lines.")
    others = sorted({line.currency for line in lines} - {currency})
    if others:
        warnings.append(f"The account is in {currency}, but lines are in {', '.join(others)}.")
    return Statement(
        account=_account(node), currency=currency or None, format=FORMAT, number=node.said("LglSeqNb", "ElctrncSeqNb", "Id") or None,
        opening_minor=_signed(opening) if opening else None, closing_minor=_signed(closing) if closing else None,
        opening_day=_day(opening, "Dt") if opening else None, closing_day=_day(closing, "Dt") if closing else None,
        lines=tuple(lines), warnings=tuple(warnings), notes=tuple(notes),
    )  # fmt: skip


def _currency(balance: Node) -> str:
    amount = balance.first("Amt")
    return amount.attributes.get("Ccy", "").strip().upper() if amount else ""


def _balance_day(balance: Node) -> str:
    """The day of a balance: of a statement that tells those of each of its days, the first opening and the last closing are its own."""
    return _day(balance, "Dt") or ""


def _signed(node: Node) -> int:
    amount = node.first("Amt")
    if amount is None:
        raise ValueError("a balance has no amount")
    name = f"balance {node.said('Tp/CdOrPrtry/Cd', 'Tp/CdOrPrtry/Prtry')[:_LONGEST]}"
    return _sign(node) * _amount(amount, currency_of(amount.attributes.get("Ccy", "")), name)


def _amount(node: Node, currency: str, name: str) -> int:
    """An amount of a message, which never has a sign (ActiveOrHistoricCurrencyAndAmount): turning it would make of money out money in."""
    found = minor_of(node.text, currency)
    if found < 0:
        raise ValueError(
            f"{name} has the amount {node.text.strip()!r}, but CAMT.053 allows no minus sign (CdtDbtInd alone says which way money went)"
        )
    return found


def _called(entry: Node, detail: Node | None = None) -> str:
    """What an entry (or a payment in it) is called where something is wrong with it."""
    own = entry.said("AcctSvcrRef", "NtryRef")[:_LONGEST]
    day = entry.said("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm")[:_LONGEST]
    name = f"entry {own or 'without a reference'}{f' of {day}' if day else ''}"
    if detail is None:
        return name
    ref = detail.said("Refs/EndToEndId", "Refs/AcctSvcrRef", "Refs/TxId")[:_LONGEST]
    return f"{name}, in its payment {ref or 'without a reference'},"


def _sign(node: Node, default: int | None = None) -> int:
    indicator = node.said("CdtDbtInd")
    if not indicator and default is not None:
        return default
    if indicator not in {"CRDT", "DBIT"}:
        raise ValueError(f"CdtDbtInd is {indicator[:20]!r}, neither CRDT nor DBIT")
    return 1 if indicator == "CRDT" else -1


def _day(node: Node, path: str) -> str | None:
    found = node.said(f"{path}/Dt", f"{path}/DtTm")
    return day_of_iso(found) if found else None


def _status(entry: Node) -> str:
    return entry.said("Sts/Cd", "Sts/Prtry", "Sts")


# --- the entries ---


def _lines(entry: Node, account: str, raw_of: Callable[[Node], str]) -> list[StatementLine]:
    amount = entry.first("Amt")
    if amount is None:
        raise ValueError("an entry has no amount (Amt)")
    currency = currency_of(amount.attributes.get("Ccy", ""))
    minor = _sign(entry) * _amount(amount, currency, _called(entry))
    details = list(entry.all("NtryDtls/TxDtls"))
    parts = _parts(entry, details, currency, _sign(entry))
    own = told_id(entry.said("AcctSvcrRef"))
    if len(details) > 1 and parts is not None and sum(parts) == minor:
        ids = _ids(details, own)
        return [
            _line(entry, [detail], account, currency=currency, minor=part, native=native, raw=raw_of(detail))
            for detail, part, native in zip(details, parts, ids, strict=True)
        ]
    native = own or (told_id(details[0].said("Refs/AcctSvcrRef")) if len(details) == 1 else None)
    return [_line(entry, details, account, currency=currency, minor=minor, native=native, raw=raw_of(entry))]


def _parts(entry: Node, details: list[Node], currency: str, sign: int) -> list[int] | None:
    """What each detail says of the account's money; None where one of them does not."""
    found = []
    for detail in details:
        amount = detail.first("Amt") or detail.first("AmtDtls/TxAmt/Amt")
        if amount is None or amount.attributes.get("Ccy") != currency:
            return None
        found.append(_sign(detail, sign) * _amount(amount, currency, _called(entry, detail)))
    return found


def _ids(details: list[Node], own: str | None) -> list[str | None]:
    found = [told_id(detail.said("Refs/AcctSvcrRef")) for detail in details]
    if all(found) and len(set(found)) == len(found):
        return list(found)
    return [f"{own}/{place}" if own else None for place in range(1, len(details) + 1)]


def _line(
    entry: Node,
    details: list[Node],
    account: str,
    *,
    currency: str,
    minor: int,
    native: str | None,
    raw: str,
) -> StatementLine:
    booked = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if booked is None:
        raise ValueError("an entry says neither when it was booked nor its value date")
    original = _original(entry, details, currency, minor)
    return StatementLine(
        account=account, key="", day=booked, value_day=_day(entry, "ValDt"), currency=currency, minor=minor,
        description=_description(entry, details), counterparty=_counterparty(details, minor), references=_references(entry, details),
        native_id=native, code=_code(entry, details), reversal=entry.said("RvslInd").lower() in {"true", "1"},
        original_minor=original[0], original_currency=original[1], raw=raw,
    )  # fmt: skip


def _description(entry: Node, details: list[Node]) -> str:
    said = []
    for detail in details:
        said += [node.text for node in detail.all("RmtInf/Ustrd")]
        said += [node.text for node in detail.all("RmtInf/Strd/AddtlRmtInf")]
        said.append(detail.said("AddtlTxInf"))
    said.append(entry.said("AddtlNtryInf"))
    return " ".join(dict.fromkeys(" ".join(part.split()) for part in said if part.strip()))


def _counterparty(details: list[Node], minor: int) -> str | None:
    """Who sent it, or to whom it went; of a reversal the party stands on the other side."""
    sides = ("Dbtr", "Cdtr") if minor > 0 else ("Cdtr", "Dbtr")
    for side in sides:
        for detail in details:
            found = detail.said(
                f"RltdPties/{side}/Pty/Nm", f"RltdPties/{side}/Nm", f"RltdPties/Ultmt{side}/Pty/Nm", f"RltdPties/Ultmt{side}/Nm"
            )  # fmt: skip
            if found:
                return found
    return None


def _references(entry: Node, details: list[Node]) -> tuple[str, ...]:
    said = [entry.said("AcctSvcrRef"), entry.said("NtryRef")]
    said += [entry.said(f"NtryDtls/Btch/{name}") for name in ("MsgId", "PmtInfId")]
    for detail in details:
        refs = {node.tag: node.text for each in detail.all("Refs") for node in each.nodes}
        said += [refs.get(name, "") for name in _REFS]
        said += [node.text for node in detail.all("Refs/Prtry/Ref")]
        said += [node.text for node in detail.all("RmtInf/Strd/CdtrRefInf/Ref")]
        said += [node.text for node in detail.all("RmtInf/Strd/RfrdDocInf/Nb")]
    return tuple(dict.fromkeys(part.strip() for part in said if part.strip().upper() not in _NOTHING))


def _code(entry: Node, details: list[Node]) -> str | None:
    for node in (entry, *details[:1]):
        domain = [
            node.said("BkTxCd/Domn/Cd"),
            node.said("BkTxCd/Domn/Fmly/Cd"),
            node.said("BkTxCd/Domn/Fmly/SubFmlyCd"),
        ]
        found = "-".join(part for part in domain if part) or node.said("BkTxCd/Prtry/Cd")
        if found:
            return found
    return None


def _original(entry: Node, details: list[Node], currency: str, minor: int) -> tuple[int | None, str | None]:
    """What was sent, where that is another amount: exchanged on the way, or with a fee taken out of it."""
    places = [*(details if len(details) == 1 else ()), entry]
    for node in places:
        sent = node.first("AmtDtls/InstdAmt/Amt")
        if sent is None:
            continue
        theirs = currency_of(sent.attributes.get("Ccy", ""))
        amount = _amount(sent, theirs, f"{_called(entry)}, in what was sent (InstdAmt),")
        if (theirs, amount) != (currency, abs(minor)):
            return (amount if minor > 0 else -amount), theirs
    return None, None
