"""OFX and QFX: SGML (1.x, whose leaves need no end tag) and XML (2.x) in one reader. Pure.

    read(text)  ->  [Statement(account="123", lines=(…,))]

Read by its tags, without an XML parser: half of the files in the world are no XML, and what a line says stands between ``<STMTTRN>`` and its
end. ``TRNAMT`` is signed, money in positive. Days are as written: a zone behind ``DTPOSTED`` moves nothing. Source: OFX 1.6 and 2.2,
sections 3.2 (elements), 11.4 (bank statements), 5.2 (currencies).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.money import exponent
from bookhand.core.problems import Refusal
from bookhand.systems.bank.figures import account_of, currency_of, day_of_digits, minor_of
from bookhand.systems.bank.keys import told_id

FORMAT = "OFX"

_STATEMENT = re.compile(r"<(STMTRS|CCSTMTRS)\s*>", re.IGNORECASE)
_LINE = re.compile(
    r"<STMTTRN\s*>(.*?)(?:</STMTTRN\s*>|(?=<STMTTRN\s*>|</BANKTRANLIST\s*>))", re.DOTALL | re.IGNORECASE
)
_BEGUN = re.compile(r"<(?:[\w.-]+:)?STMTTRN[\s>/]", re.IGNORECASE)
_ELEMENT = re.compile(r"<(/?)([A-Za-z0-9_.]+)(?:\s[^<>]*)?>([^<]*)")
_STATUS = re.compile(r"<STATUS\s*>", re.IGNORECASE)
_INSIDE = frozenset(
    {"PAYEE", "BANKACCTTO", "CCACCTTO", "CURRENCY", "ORIGCURRENCY", "BANKACCTFROM", "CCACCTFROM", "LEDGERBAL",
     "AVAILBAL", "IMAGEDATA", "STATUS"}
)  # fmt: skip
"""Aggregates whose leaves are named after them."""
_CHARSET = re.compile(r"^(?:ENCODING|CHARSET):\s*([\w-]+)", re.MULTILINE)
_XML_CHARSET = re.compile(r"<\?xml[^>]*encoding=[\"']([\w-]+)[\"']")
_NAMES = {"1252": "cp1252", "UNICODE": "utf-8", "ISO-8859-1": "latin-1", "8859-1": "latin-1"}
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}", re.ASCII)
_THREE = 3
_WHOSE = ("ACCTTYPE", "BANKID", "BRANCHID")
"""What tells two accounts of one number apart."""
_REFERENCES = ("FITID", "CHECKNUM", "REFNUM", "SRVRTID")


def looks_so(head: str) -> bool:
    """Whether a file that begins so is OFX."""
    return bool(re.search(r"OFXHEADER|<\?OFX|<OFX\s*>", head, re.IGNORECASE))


def declared(head: str) -> list[str]:
    """The encodings that the header names, as Python calls them."""
    found = _CHARSET.findall(head) + _XML_CHARSET.findall(head)
    return [_NAMES.get(name.upper(), name) for name in found if name.upper() not in {"USASCII", "NONE"}]


def read(text: str) -> list[Statement]:
    """Every statement of the file; `Refusal` that says what is wrong and in which line of the file."""
    if not re.search(r"</OFX\s*>\s*\Z", text.rstrip("\x1a \r\n\t"), re.IGNORECASE):
        raise Refusal("The OFX file ends before </OFX>: it was cut off. Get it from the bank again.")
    _refuse_errors(text)
    told: dict[str, dict[str, str]] = {}
    found = [
        _statement(text, start, end, card=tag.upper() == "CCSTMTRS", told=told)
        for tag, start, end in _parts(text, _STATEMENT)
    ]
    if not found:
        raise Refusal(
            "The OFX file has no bank or credit card statement in it (STMTRS, CCSTMTRS): choose the statement's download."
        )
    return found


def _parts(text: str, opening: re.Pattern[str]) -> Iterator[tuple[str, int, int]]:
    """Each element that `opening` begins: its tag, and from where to where its inside goes. Never looks at anything twice."""
    place = 0
    while begun := opening.search(text, place):
        tag = re.match("<([A-Za-z]+)", begun[0])
        name = tag[1] if tag else ""
        ended = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(text, begun.end())
        if ended is None:
            raise Refusal(
                f"Line {_line_no(text, begun.start())} of the OFX file: {name} does not end. Get it from the bank again."
            )
        yield name, begun.end(), ended.start()
        place = ended.end()


def _refuse_errors(text: str) -> None:
    begin = text.upper().find("<BANKTRANLIST")
    head = text if begin < 0 else text[:begin]
    for _, start, end in _parts(head, _STATUS):
        leaves = _leaves(head[start:end])
        if leaves.get("SEVERITY", "").upper() == "ERROR":
            raise Refusal(
                f"The bank wrote an error into the OFX file instead of a statement: code {leaves.get('CODE', '?')}, "
                f"{leaves.get('MESSAGE', 'no message')}. Download it again."
            )


def _two_of_a_number(known: dict[str, str], outside: Mapping[str, str], *, card: bool) -> str | None:
    """How a statement's account differs from the one that has its number (`known`, which is added to); None where it is the same."""
    whose = {name: value for name in _WHOSE if (value := outside.get(f"BANKACCTFROM.{name}", "").upper())}
    if card:
        whose = {"ACCTTYPE": "CREDITCARD"}
    for name, value in whose.items():
        if known.setdefault(name, value) != value:
            return f"{name} {known[name]} and {value}"
    return None


def _statement(text: str, start: int, end: int, *, card: bool, told: dict[str, dict[str, str]]) -> Statement:
    spans = list(_LINE.finditer(text, start, end))
    begun = sum(1 for _ in _BEGUN.finditer(text, start, end))
    if begun != len(spans):
        raise Refusal(
            f"The statement that begins in line {_line_no(text, start)} of the OFX file has {begun} lines (STMTTRN), of which {len(spans)} can be "
            "told apart: it is damaged. Nothing was taken; get it from the bank again."
        )
    outside = _leaves(_LINE.sub("", text[start:end]))
    account = outside.get("CCACCTFROM.ACCTID" if card else "BANKACCTFROM.ACCTID")
    if not account:
        raise Refusal(f"Line {_line_no(text, start)}: the statement does not say its account (ACCTID).")
    two = _two_of_a_number(told.setdefault(account_of(account), {}), outside, card=card)
    if two is not None:
        raise Refusal(
            f"Line {_line_no(text, start)} of the OFX file: the number {account} is that of two accounts in it ({two}). An account is known by its "
            "number alone, so their lines would count as one account's: nothing was taken. Export the account that Stripe pays into by "
            "itself, and take in no file of the other."
        )
    try:
        currency = currency_of(outside.get("CURDEF", ""))
        balance = outside.get("LEDGERBAL.BALAMT")
        closing = amount_of(balance, currency) if balance else None
        as_of = outside.get("LEDGERBAL.DTASOF")
        closing_day = day_of_digits(as_of) if as_of else None
        opening_day = day_of_digits(outside["DTSTART"]) if outside.get("DTSTART") else None
        until = day_of_digits(outside["DTEND"]) if outside.get("DTEND") else None
    except ValueError as error:
        raise Refusal(f"The statement that begins in line {_line_no(text, start)}: {error}.") from None
    warnings: list[str] = []
    lines = tuple(_line(text, span, account, currency, warnings) for span in spans)
    notes: tuple[str, ...] = ()
    if closing_day and any(line.day > closing_day for line in lines):
        notes = (
            f"The balance is that of {closing_day}, before the last lines: it proves nothing and was left out.",
        )
        closing = closing_day = None
    return Statement(
        account=account, currency=currency, format=FORMAT, closing_minor=closing, closing_day=closing_day,
        opening_day=opening_day, until=until, lines=lines, warnings=tuple(warnings), notes=notes,
    )  # fmt: skip


def _line(text: str, span: re.Match[str], account: str, currency: str, warnings: list[str]) -> StatementLine:
    leaves = _leaves(span[1])
    try:
        if leaves.get("CURRENCY.CURSYM"):
            own = currency_of(leaves["CURRENCY.CURSYM"])
            if own != currency:
                warnings.append(f"Line {leaves.get('FITID', '?')} is in {own} on an account in {currency}.")
            currency = own
        line = StatementLine(
            account=account, key="", day=day_of_digits(leaves.get("DTPOSTED", "")),
            value_day=day_of_digits(leaves["DTAVAIL"]) if leaves.get("DTAVAIL") else None,
            currency=currency, minor=amount_of(leaves.get("TRNAMT", ""), currency),
            description=_description(leaves), counterparty=leaves.get("PAYEE.NAME") or leaves.get("NAME") or None,
            references=tuple(dict.fromkeys(leaves[name] for name in _REFERENCES if leaves.get(name))),
            native_id=told_id(leaves.get("FITID")), code=leaves.get("TRNTYPE") or None, raw=span[0],
            original_currency=currency_of(leaves["ORIGCURRENCY.CURSYM"]) if leaves.get("ORIGCURRENCY.CURSYM") else None,
        )  # fmt: skip
    except ValueError as error:
        raise Refusal(f"Line {_line_no(text, span.start())} of the OFX file: {error}.") from None
    if leaves.get("CORRECTFITID"):
        warnings.append(
            f"Line {line.native_id} of {line.day} says that it corrects line {leaves['CORRECTFITID']} "
            f"({leaves.get('CORRECTACTION', 'no action named')}): both are kept; look at them."
        )
    return line


def amount_of(text: str, currency: str) -> int:
    """A signed amount with a point or a comma for decimals (both are in use); with both, the last one marks them.

    ``1,000`` may be one or a thousand, but where the currency has three decimals: it is refused.
    """
    plain = text.strip()
    if _THOUSANDS.fullmatch(plain) and exponent(currency) != _THREE:
        raise ValueError(
            f"{plain!r} may have a mark for decimals or one between thousands, and nobody can say which"
        )
    comma, point = plain.rfind(","), plain.rfind(".")
    if comma >= 0 and point >= 0:
        thousands, mark = (",", ".") if point > comma else (".", ",")
        whole, _, rest = plain.rpartition(mark)
        if not re.fullmatch(rf"[+-]?[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+", whole):
            raise ValueError(f"{plain[:40]!r} is no amount")
        return minor_of(f"{whole.replace(thousands, '')}.{rest}", currency)
    return minor_of(plain, currency, mark="," if comma >= 0 else ".")


def _description(leaves: Mapping[str, str]) -> str:
    parts = (leaves.get("PAYEE.NAME") or leaves.get("NAME"), leaves.get("EXTDNAME"), leaves.get("MEMO"))
    return " ".join(dict.fromkeys(part for part in parts if part))


def _leaves(text: str) -> dict[str, str]:
    """The leaves by name; those of an inner aggregate as ``PAYEE.NAME``. The first of a name counts."""
    found: dict[str, str] = {}
    for name, value in _walk(text):
        found.setdefault(name, value)
    return found


def _walk(text: str) -> Iterator[tuple[str, str]]:
    inside = ""
    for closing, name, plain in _ELEMENT.findall(_without_cdata(text)):
        tag = name.upper()
        if tag in _INSIDE:
            inside = "" if closing else f"{tag}."
        elif not closing:
            yield inside + tag, html.unescape(plain).strip()


def _without_cdata(text: str) -> str:
    """CDATA as ordinary text."""
    first, *rest = text.split("<![CDATA[")
    made = [first]
    for part in rest:
        data, ended, after = part.partition("]]>")
        made.append(html.escape(data) + after if ended else part)
    return "".join(made)


def _line_no(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1
