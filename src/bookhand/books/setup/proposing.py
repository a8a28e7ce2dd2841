"""Proposing a mapping, pure: for each journal account the account of the book that fits, with the evidence; or none, and why.

An account fits where its nature and its currency do, and its name has a word of the role; its number is support. Where two fit equally
well nobody guesses: both are shown, and a person says which.

>>> chart = [BookAccount(id="84", name="Stripe clearing", nature="asset"), BookAccount(id="35", name="Checking", nature="bank"),
...          BookAccount(id="60", name="Merchant fees", nature="expense"), BookAccount(id="79", name="Sales", number="4000", nature="income")]
>>> for found in proposed([("revenue", "USD"), ("processing_fees", "USD"), ("sales_tax_payable", "USD")], chart):
...     print(found.journal, found.account, "|", found.evidence)
revenue 79 | Sales is income, its name says "sales", and number 4000 is in the range of income.
processing_fees 60 | Merchant fees is expense, its name says "merchant fee".
sales_tax_payable None | No active liability account that takes USD is named like "sales tax", "vat", "tax".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from collections.abc import Mapping as Map

import msgspec

from bookhand.books.mapping import MapLine
from bookhand.core.book import BookAccount, Nature
from bookhand.core.problems import Refusal


class Role(msgspec.Struct, frozen=True):
    """What an account for a role looks like: the natures it may have, and words in its name, the strongest first."""

    natures: tuple[Nature, ...]
    words: tuple[str, ...]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """A line as proposed: `account` is None where nothing fits, or several do (`candidates`); `evidence` is a sentence."""

    journal: str
    currency: str
    account: str | None
    name: str | None
    evidence: str
    candidates: tuple[str, ...] = ()


_ASSETS: tuple[Nature, ...] = ("asset", "other")
_EXPENSES: tuple[Nature, ...] = ("expense",)
_FEE_WORDS = ("stripe fee", "processing fee", "merchant fee", "payment fee", "bank fee", "bank charge", "fee")
ROLES: Map[str, Role] = {
    "stripe_clearing": Role(_ASSETS, ("stripe clearing", "stripe balance", "payment clearing", "undeposited funds", "stripe", "clearing")),
    "bank_in_transit": Role(("bank", "asset"), ("in transit", "checking", "current account", "operating", "bank")),
    "bank": Role(("bank",), ("checking", "current account", "operating", "giro", "bank")),
    "disputes_pending": Role(_ASSETS, ("disputes pending", "dispute", "disputed", "chargeback")),
    "reserves": Role(_ASSETS, ("reserve",)),
    "reserves_minimum_balance": Role(_ASSETS, ("minimum balance", "reserve")),
    "instant_payout_bridge": Role(_ASSETS, ("instant payout", "payout bridge")),
    "issuing_holds": Role(_ASSETS, ("issuing hold", "card hold")),
    "withheld_tax": Role(_ASSETS, ("tax withheld", "withholding", "withheld")),
    "sales_tax_payable": Role(("liability",), ("sales tax", "vat", "tax")),
    "refunds_payable": Role(("liability",), ("refunds payable", "refund")),
    "connect_payable": Role(("liability",), ("connect payable", "connected account", "connect")),
    "customer_deposits": Role(("liability",), ("customer deposit", "unearned", "deposit")),
    "loans_payable": Role(("liability",), ("loans payable", "loan")),
    "issuing_provisional_credit": Role(("liability",), ("provisional credit",)),
    "revenue": Role(("income",), ("sales", "revenue", "income")),
    "refunds": Role(("income", "expense"), ("refund", "returns", "sales returns", "allowances")),
    "application_fees": Role(("income",), ("application fee", "platform fee", "connect")),
    "connect_income": Role(("income",), ("connect transfer", "connect income", "connect")),
    "fx_gain_loss": Role(("income", "expense"), ("exchange gain", "foreign exchange", "currency gain", "exchange")),
    "processing_fees": Role(_EXPENSES, _FEE_WORDS),
    "network_costs": Role(_EXPENSES, ("network cost", *_FEE_WORDS)),
    "dispute_fees": Role(_EXPENSES, ("dispute fee", "chargeback fee", *_FEE_WORDS)),
    "payout_fees": Role(_EXPENSES, ("payout fee", *_FEE_WORDS)),
    "bank_fees": Role(_EXPENSES, ("bank fee", "bank charge", "bank service", *_FEE_WORDS)),
    "fx_fees": Role(_EXPENSES, ("exchange fee", "conversion fee", *_FEE_WORDS)),
    "tax_on_fees": Role(_EXPENSES, ("tax on fee", *_FEE_WORDS)),
    "platform_fees": Role(_EXPENSES, ("platform fee", "connect", *_FEE_WORDS)),
    "connect_losses": Role(_EXPENSES, ("connect loss", "connect")),
    "disputes_losses": Role(_EXPENSES, ("disputes lost", "dispute loss", "chargeback", "bad debt")),
    "climate_expense": Role(_EXPENSES, ("climate", "carbon")),
    "card_spend_expense": Role(_EXPENSES, ("card spend", "card expense")),
    "fx_conversion": Role(("equity", "asset", "other"), ("currency conversion", "currency exchange", "conversion")),
    "opening_balances": Role(("equity",), ("opening balance",)),
    "suspense": Role(("equity", "asset", "liability", "other"), ("suspense", "uncategorized", "ask my accountant")),
}  # fmt: skip
_RANGES: Map[str, str] = {
    "1": "asset",
    "2": "liability",
    "3": "equity",
    "4": "income",
    "5": "expense",
    "6": "expense",
    "7": "expense",
}
"""First digit of an account number to what most charts put there: support, never a ground alone."""
AT_STRIPE = frozenset({
    "stripe_clearing", "disputes_pending", "reserves", "reserves_minimum_balance", "instant_payout_bridge", "issuing_holds",
})  # fmt: skip
"""Roles that only bookhand posts to, where their account is not shared with another."""


def proposed(wanted: Iterable[tuple[str, str]], accounts: Sequence[BookAccount]) -> list[Proposed]:
    """A proposal for each (journal account, currency)."""
    active = [account for account in accounts if account.active]
    return [_one(journal, currency, active) for journal, currency in wanted]


def ids_of(chosen: Map[str, str], accounts: Sequence[BookAccount]) -> dict[str, str]:
    """What a person chose, by the ids of accounts: a word that is no id may be an account's whole name. `Refusal` where several are called so."""
    ids = {account.id for account in accounts}
    return {role: word if word in ids else _called(role, word, accounts) for role, word in chosen.items()}


def _called(role: str, word: str, accounts: Sequence[BookAccount]) -> str:
    found = [account for account in accounts if account.active and _plain(account.name) == _plain(word)]
    if len(found) > 1:
        raise Refusal(
            f"Several accounts are called {word} (for {role}): map it by its id, which is one of {', '.join(each.id for each in found)}."
        )
    return found[0].id if found else word


def lines_of(found: Iterable[Proposed], chosen: Map[str, str]) -> tuple[MapLine, ...]:
    """The lines that proposals make, with what a person chose instead (``revenue``, or ``revenue:USD``, to an account) on top.

    A role that goes to one account in every currency is one line.
    """
    held: dict[str, dict[str, str]] = {}
    for each in found:
        account = chosen.get(f"{each.journal}@{each.currency}", chosen.get(each.journal, each.account))
        if account is not None:
            held.setdefault(each.journal, {})[each.currency] = account
    lines = [MapLine(journal, account) for journal, account in _alone(chosen, held)]
    for journal, currencies in held.items():
        if len(set(currencies.values())) == 1:
            lines.append(MapLine(journal, next(iter(currencies.values()))))
        else:
            lines += [
                MapLine(journal, account, currency=currency) for currency, account in currencies.items()
            ]
    return tuple(sorted(lines, key=lambda line: (line.journal, line.currency or "")))


def alone_of(lines: Iterable[MapLine], accounts: Sequence[BookAccount]) -> tuple[str, ...]:
    """The accounts that only roles at Stripe are mapped to, and that are no bank's: nobody else has to post there."""
    natures = {account.id: account.nature for account in accounts}
    roles: dict[str, set[str]] = {}
    for line in lines:
        roles.setdefault(line.account, set()).add(line.journal.partition(":")[0])
    return tuple(
        sorted(
            account
            for account, found in roles.items()
            if found <= AT_STRIPE and natures.get(account) != "bank"
        )
    )


def shown(account: BookAccount) -> str:
    """An account's name, and its id where that is another."""
    return account.name if account.id == account.name else f"{account.name} ({account.id})"


def _alone(chosen: Map[str, str], held: Map[str, Map[str, str]]) -> list[tuple[str, str]]:
    """What a person chose for roles that the journal has not posted to yet."""
    return [(name, account) for name, account in chosen.items() if "@" not in name and name not in held]


def _one(journal: str, currency: str, accounts: Sequence[BookAccount]) -> Proposed:
    role = ROLES.get(journal.partition(":")[0])
    if role is None:
        return Proposed(
            journal=journal,
            currency=currency,
            account=None,
            name=None,
            evidence="Nobody knows what this role looks like.",
        )
    fitting = [
        account
        for account in accounts
        if account.nature in role.natures and account.currency in {None, currency}
    ]
    scored = sorted(
        ((_score(account, role, currency), account) for account in fitting),
        key=lambda each: each[0],
        reverse=True,
    )
    scored = [each for each in scored if each[0][0]]
    if not scored:
        words = ", ".join(f'"{word}"' for word in role.words[:3])
        why = (
            f"No active {' or '.join(role.natures[:1])} account that takes {currency} is named like {words}."
        )
        return Proposed(journal=journal, currency=currency, account=None, name=None, evidence=why)
    best = [account for score, account in scored if score == scored[0][0]]
    if len(best) > 1:
        names = ", ".join(shown(account) for account in best)
        return Proposed(
            journal=journal, currency=currency, account=None, name=None, evidence=f"Several fit equally well: {names}. Say which.",
            candidates=tuple(account.id for account in best),
        )  # fmt: skip
    return Proposed(
        journal=journal, currency=currency, account=best[0].id, name=best[0].name, evidence=_evidence(best[0], role),
        candidates=tuple(account.id for _, account in scored[1:4]),
    )  # fmt: skip


def _score(account: BookAccount, role: Role, currency: str) -> tuple[int, ...]:
    """How strong the word is, whether it is the whole name, or in its last part; its currency, its number, its nature."""
    place = _word(account, role)
    last = _plain(account.name.rpartition(":")[2])
    word = role.words[place or 0]
    return (
        0 if place is None else len(role.words) - place,
        _says(last, word),
        last.removesuffix("s") == word.removesuffix("s"),
        account.currency == currency,
        _in_range(account),
        len(role.natures) - role.natures.index(account.nature),
    )


def _word(account: BookAccount, role: Role) -> int | None:
    name = _plain(account.name.replace(":", " "))
    return next((place for place, word in enumerate(role.words) if _says(name, word)), None)


def _says(name: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}(?:s|es)?\b", name) is not None


def _plain(name: str) -> str:
    return " ".join(name.replace("-", " ").lower().split())


def _in_range(account: BookAccount) -> bool:
    nature = "asset" if account.nature == "bank" else account.nature
    return bool(account.number) and _RANGES.get((account.number or "")[:1]) == nature


def _evidence(account: BookAccount, role: Role) -> str:
    place = _word(account, role)
    said = [f"{account.name} is {account.nature}", f'its name says "{role.words[place or 0]}"']
    if account.currency:
        said.append(f"it takes {account.currency} alone")
    if _in_range(account):
        said.append(f"and number {account.number} is in the range of {account.nature}")
    return f"{', '.join(said)}."
