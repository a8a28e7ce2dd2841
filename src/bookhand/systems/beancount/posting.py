"""Documents and a Beancount ledger, pure: what may be written, what stands there of ours, and the ledger line by line.

Errors: `Refusal` that says what about a document the ledger does not take.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from bookhand.core.book import BookAccount, BookPosting, Company, Document, Nature, Posted
from bookhand.core.money import EXPONENTS, as_text
from bookhand.core.problems import Refusal
from bookhand.systems.beancount.book_client import Ledger
from bookhand.systems.beancount.ledger import Opened, Transaction, number_in

_NATURES: dict[str, Nature] = {
    "Assets": "asset",
    "Liabilities": "liability",
    "Equity": "equity",
    "Income": "income",
    "Expenses": "expense",
}
_BANK = "bank"
PACE, PER_SECOND = "A folder takes some thousand documents a second.", 2000.0


def company_of(ledger: Ledger, *, id_: str, name: str) -> Company:
    """Whose book it is: its title, its first operating currency, and the last closed day."""
    said = [value for option, value in ledger.options if option == "title"]
    currencies = [value for option, value in ledger.options if option == "operating_currency"]
    return Company(
        id=id_, name=said[0] if said else name, home_currency=currencies[0] if currencies else "USD",
        currencies=tuple(sorted(EXPONENTS)), closed_through=ledger.closed_through, pace=PACE, documents_per_second=PER_SECOND,
    )  # fmt: skip


def accounts_of(ledger: Ledger) -> list[BookAccount]:
    """The chart."""
    return [_account(opened) for opened in ledger.accounts.values()]


def must_fit(document: Document, ledger: Ledger) -> None:
    """Nothing, if the ledger takes `document` as it is."""
    what = f"{document.number} ({document.key}) of {document.day}"
    if document.imbalance or len(document.lines) < 2:  # noqa: PLR2004 (a debit and a credit)
        raise Refusal(
            f"{what} does not balance: it is off by {as_text(document.imbalance, document.currency)}."
        )
    if document.kind == "deposit" and document.lines[0].minor <= 0:
        raise Refusal(f"{what} is a deposit, and its first line is no debit of the bank.")
    if ledger.closed_through is not None and document.day <= ledger.closed_through:
        raise Refusal(f"{what} was refused: the book is closed through {ledger.closed_through}.")
    for name in dict.fromkeys(line.account for line in document.lines):
        opened = ledger.accounts.get(name)
        if opened is None:
            raise Refusal(f"{what} was refused: the ledger has no account {name}; open it, or map another.")
        if document.day < opened.day or (opened.closed is not None and document.day >= opened.closed):
            raise Refusal(f"{what} was refused: account {name} is not open on that day.")
        if opened.currencies and document.currency not in opened.currencies:
            held = ", ".join(opened.currencies)
            raise Refusal(f"{what} was refused: account {name} takes {held}, not {document.currency}.")


def posted_of(ledger: Ledger) -> Iterator[Posted]:
    """Every document that bears our mark, as it stands; a copy of one has an id of its own."""
    seen: Counter[str] = Counter()
    for found in ledger.transactions:
        if found.key is not None or found.number is not None:
            number = number_in(found)
            seen[number] += 1
            yield posted(found, again=seen[number])


def posted(found: Transaction, *, again: int = 1) -> Posted:
    """One of them; `again` counts those of the same number."""
    currencies = set(found.currencies)
    return Posted(
        id=id_of(found, again), version=found.digest, number=number_in(found), key=found.key,
        kind="deposit" if found.kind == "deposit" else "journal_entry", day=found.day,
        currency=found.currencies[0] if len(currencies) == 1 else "+".join(sorted(currencies)), lines=found.lines,
    )  # fmt: skip


def id_of(found: Transaction, again: int = 1) -> str:
    """The book's id of a transaction: our number, or where it stands."""
    number = number_in(found)
    if not number:
        return found.where
    return number if again == 1 else f"{number}~{again}"


def postings_of(
    ledger: Ledger, accounts: Collection[str], *, since: str, until: str
) -> Iterator[BookPosting]:
    """Every line on `accounts` between two days, whoever wrote it."""
    wanted = set(accounts)
    seen: Counter[str] = Counter()
    for found in ledger.transactions:
        number = number_in(found)
        seen[number] += 1
        if not since <= found.day <= until:
            continue
        for line, currency in zip(found.lines, found.currencies, strict=True):
            if line.account in wanted:
                yield BookPosting(
                    account=line.account, day=found.day, currency=currency, minor=line.minor,
                    document=id_of(found, seen[number]), document_kind=found.kind, number=number or None,
                    memo=line.memo or found.memo,
                )  # fmt: skip


def _account(opened: Opened) -> BookAccount:
    root = opened.name.partition(":")[0]
    nature: Nature = _NATURES.get(root, "other")
    if nature == "asset" and opened.notes.get("kind") == _BANK:
        nature = "bank"
    return BookAccount(
        id=opened.name, name=opened.name, number=opened.notes.get("number"), nature=nature, detail=opened.notes.get("kind", root),
        currency=opened.currencies[0] if len(opened.currencies) == 1 else None, active=opened.closed is None,
    )  # fmt: skip
