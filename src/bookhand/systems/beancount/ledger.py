r"""A Beancount ledger as text, read and written; pure. It reads what bookhand wrote and what people made of it since.

Read are transactions with their postings, ``open`` and ``close``, ``option`` lines, and the last closed day
(``2026-01-31 custom "bookhand" "closed"``). Everything else is left alone. Amounts are whole minor units, a debit is positive.

>>> text = transaction(Document(key="acct_1:test:txn_1", kind="journal_entry", day="2026-01-02", currency="USD", memo="Charge ch_1", lines=(
...     BookLine("Assets:Checking", 9680, "ch_1"), BookLine("Income:Sales", -9680))), mark="prop_1_0")
>>> print(text, end="")
2026-01-02 * "Charge ch_1" ^SS7DKMJRZ4TVP2MCD
  bookhand: "acct_1:test:txn_1"
  kind: "journal_entry"
  number: "SS7DKMJRZ4TVP2MCD"
  call: "prop_1_0"
  Assets:Checking  96.80 USD
    memo: "ch_1"
  Income:Sales  -96.80 USD
<BLANKLINE>
>>> read(text, where="2026-01.beancount").transactions[0].lines[0]
BookLine(account='Assets:Checking', minor=9680, memo='ch_1', category=None)
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation

import msgspec

from bookhand.core.book import BookLine, Document, number_of
from bookhand.core.money import EXPONENTS
from bookhand.core.problems import Refusal
from bookhand.systems.beancount.translate import amount

KEY, KIND, NUMBER, CALL, MEMO, CATEGORY = "bookhand", "kind", "number", "call", "memo", "class"

_HEAD = re.compile(
    r'(\d{4}-\d{2}-\d{2})\s+(?:txn|[*!])(?:\s+"((?:[^"\\]|\\.)*)")?(?:\s+"((?:[^"\\]|\\.)*)")?(.*)'
)
_NUMBERED = re.compile(r"\^(S[A-Z2-7]{16})\b")
_META = re.compile(r"\s+([a-z][A-Za-z0-9_-]*):\s*(.*)")
_LEG = re.compile(
    r"\s+(?:[*!]\s+)?((?:Assets|Liabilities|Equity|Income|Expenses)(?::[A-Z0-9][A-Za-z0-9-]*)*)(?:\s+([^;]*?))?\s*(?:;.*)?"
)
_AMOUNT = re.compile(r"([-+]?[\d,]*\.?\d+|[-+]?[\d,]+\.?)\s+([A-Z][A-Z0-9'._-]*)\s*(.*)")
_OPEN = re.compile(
    r"(\d{4}-\d{2}-\d{2})\s+(open|close)\s+([A-Z][A-Za-z0-9:-]*)(?:\s+([A-Z][A-Z0-9,' ._-]*))?.*"
)
_OPTION = re.compile(r'option\s+"([^"]*)"\s+"([^"]*)".*')
_CLOSED = re.compile(r'(\d{4}-\d{2}-\d{2})\s+custom\s+"bookhand"\s+"closed".*')
_WORTH = re.compile(r"(@@?|\{\{?)\s*([\d.,]+)\s+([A-Z][A-Z0-9'._-]*)")
"""A price or a cost: what the units are worth is what balances the transaction."""
_TOTALS = frozenset({"@@", "{{"})
_UNKNOWN = "?"
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)".*')


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as it stands in a file. `key` is None where it is not ours, or somebody took our mark away."""

    key: str | None
    kind: str
    number: str | None
    call: str | None
    day: str
    memo: str
    lines: tuple[BookLine, ...]
    currencies: tuple[str, ...]
    """The currency of each line."""
    digest: str
    """Changes with every edit of it."""
    where: str
    """File and line."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the chart: open since, and closed from a day on where it is; `notes` is its metadata."""

    name: str
    day: str
    closed: str | None = None
    currencies: tuple[str, ...] = ()
    notes: dict[str, str] = {}


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """What one file says."""

    transactions: tuple[Transaction, ...] = ()
    accounts: tuple[Opened, ...] = ()
    closes: tuple[tuple[str, str], ...] = ()
    """(account, day)"""
    options: tuple[tuple[str, str], ...] = ()
    closed_through: str | None = None


def transaction(document: Document, *, mark: str) -> str:
    """A document as a transaction, with our marks as metadata and its number as a link."""
    lines = [
        f'{document.day} * "{_quoted(document.memo)}" ^{document.number}',
        f'  {KEY}: "{_quoted(document.key)}"',
        f'  {KIND}: "{document.kind}"',
        f'  {NUMBER}: "{document.number}"',
        f'  {CALL}: "{_quoted(mark)}"',
    ]
    for line in document.lines:
        lines.append(f"  {line.account}  {amount(line.minor, document.currency)}")
        lines += [f'    {MEMO}: "{_quoted(line.memo)}"'] if line.memo else []
        lines += [f'    {CATEGORY}: "{_quoted(line.category)}"'] if line.category else []
    return "\n".join(lines) + "\n\n"


def read(text: str, *, where: str) -> Text:
    """What `text` says; `Refusal` that names the file and the line where a transaction cannot be understood."""
    transactions, accounts, closes, options = [], [], [], []
    closed_through = None
    for number, block in _blocks(text):
        head = block[0]
        place = f"{where}:{number}"
        if found := _HEAD.fullmatch(head):
            transactions.append(_transaction(found, block, place))
        elif found := _OPEN.fullmatch(head):
            day, what, name, currencies = found.groups()
            if what == "close":
                closes.append((name, day))
            else:
                held = tuple(each.strip() for each in (currencies or "").split(",") if each.strip())
                accounts.append(Opened(name=name, day=day, currencies=held, notes=_notes(block[1:])))
        elif found := _OPTION.fullmatch(head):
            options.append((found[1], found[2]))
        elif found := _CLOSED.fullmatch(head):
            closed_through = max(closed_through or "", found[1])
    return Text(
        transactions=tuple(transactions), accounts=tuple(accounts), closes=tuple(closes), options=tuple(options),
        closed_through=closed_through,
    )  # fmt: skip


def _blocks(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each directive with the indented lines that belong to it, and the number of its first line."""
    block: list[str] = []
    first = 0
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1] in {" ", "\t"} and line.strip():
            if block:
                block.append(line)
            continue
        if block:
            yield first, block
            block = []
        if line.strip() and line[0] not in ";*#":
            block, first = [line.rstrip()], number
    if block:
        yield first, block


def _transaction(head: re.Match[str], block: list[str], place: str) -> Transaction:
    day, first, second, rest = head.groups()
    notes: dict[str, str] = {}
    legs: list[_Leg] = []
    for line in block[1:]:
        if line.strip().startswith(";"):
            continue
        if meta := _META.fullmatch(line):
            (legs[-1].notes if legs else notes)[meta[1]] = _value(meta[2])
        elif leg := _LEG.fullmatch(line):
            legs.append(_Leg(leg[1], leg[2] or "", {}))
    settled = _settled(legs, place)
    lines = tuple(
        BookLine(leg.account, minor, leg.notes.get(MEMO, ""), leg.notes.get(CATEGORY))
        for leg, minor, _ in settled
    )
    key = notes.get(KEY)
    linked = _NUMBERED.search(rest)
    said = "\n".join(line.rstrip() for line in block).encode()
    return Transaction(
        key=key, kind=notes.get(KIND, "transaction"), number=notes.get(NUMBER) or (linked[1] if linked else None), call=notes.get(CALL), day=day,
        memo=_plain(second if second is not None else first or ""), lines=lines,
        currencies=tuple(currency for _, _, currency in settled),
        digest=hashlib.blake2b(said, digest_size=8).hexdigest(), where=place,
    )  # fmt: skip


class _Leg(msgspec.Struct):
    account: str
    amount: str
    notes: dict[str, str]


def _settled(legs: list[_Leg], place: str) -> list[tuple[_Leg, int, str]]:
    """Each leg with its amount; one leg may be left without, and takes what is missing in each currency."""
    found: list[tuple[_Leg, int, str]] = []
    open_legs, sums = [], Counter[str]()
    for leg in legs:
        if not leg.amount:
            open_legs.append(leg)
            continue
        minor, currency, weight, other = _amount(leg.amount, place)
        if currency in EXPONENTS:
            found.append((leg, minor, currency))
        sums[other] += weight
    left = {currency: minor for currency, minor in sums.items() if minor}
    if open_legs and (_UNKNOWN in sums or any(currency not in EXPONENTS for currency in left)):
        raise Refusal(f"{place}: the line without an amount cannot be worked out; give it one.")
    if len(open_legs) == 1:
        found += [
            (open_legs[0], -minor, currency) for currency, minor in left.items() if currency in EXPONENTS
        ]
    elif open_legs:
        raise Refusal(
            f"{place}: {len(open_legs)} lines of the transaction have no amount; give all but one theirs."
        )
    return found


def _amount(text: str, place: str) -> tuple[int, str, int, str]:
    """Units with their currency, and the weight that balances the transaction with its currency."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise Refusal(f"{place}: the amount {text.strip()!r} cannot be read; write it as in 12.30 USD.")
    number, currency, rest = found.groups()
    minor = _minor(number, currency, place)
    worth = _WORTH.match(rest)
    if worth is None:
        return (minor, currency, minor, currency) if not rest else (minor, currency, 0, _UNKNOWN)
    each = Decimal(worth[2].replace(",", ""))
    units = Decimal(number.replace(",", ""))
    total = (each if worth[1] in _TOTALS else each * abs(units)).copy_sign(units)
    places = EXPONENTS.get(worth[3], 0)
    return minor, currency, int(total.scaleb(places).to_integral_value()), worth[3]


def _minor(number: str, currency: str, place: str) -> int:
    places = EXPONENTS.get(currency)
    try:
        scaled = Decimal(number.replace(",", "")).scaleb(places or 0)
    except InvalidOperation:
        raise Refusal(f"{place}: {number!r} is no number.") from None
    if places is None:
        return 0
    if scaled != scaled.to_integral_value():
        raise Refusal(f"{place}: {number} {currency} has more decimals than {currency} has.")
    return int(scaled)


def _notes(lines: list[str]) -> dict[str, str]:
    return {found[1]: _value(found[2]) for line in lines if (found := _META.fullmatch(line))}


def _value(text: str) -> str:
    found = _TEXT.fullmatch(text.strip())
    return _plain(found[1]) if found else text.strip()


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", " ").replace("\n", " ")


def number_in(found: Transaction) -> str:
    """The document number of a transaction: what it says, or what its key makes."""
    return found.number or (number_of(found.key) if found.key else "")
