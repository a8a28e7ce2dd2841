"""The rules: one balance transaction makes one entry, and it alone touches clearing.

The table `rules.csv` chooses by reporting category first, then by type; a row's ``*`` means any. The first line is always
``stripe_clearing:<balance type>`` with the transaction's `net`, the second its `amount` against the rule's role, then one line
for each role of its fees. What has no rule, or does not add up, goes to suspense with a Problem: nothing is dropped.

>>> entry, problems = entry_of(BalanceTransaction(
...     id="txn_1", created=1767225600, available_on=1767398400, type="charge", reporting_category="charge", balance_type="payments",
...     currency="USD", amount=10000, fee=320, net=9680, source="ch_1", fee_details=(FeeDetail("stripe_fee", "USD", 320),)))
>>> [(line.account, line.minor) for line in entry.postings]
[('stripe_clearing:payments', 9680), ('revenue', -10000), ('processing_fees', 320)]
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

import msgspec

from bookhand.core.entry import Entry, Posting
from bookhand.core.facts import BalanceTransaction, FeeDetail
from bookhand.core.money import EXPONENTS, as_text
from bookhand.core.problems import Problem

SUSPENSE = "suspense"
_FEE_ROLES = {
    "stripe_fee": None,
    "payment_method_passthrough_fee": None,
    "application_fee": "platform_fees",
    "tax": "tax_on_fees",
    "withheld_tax": "withheld_tax",
}
"""Fee detail type to role; None is the rule's own fee role."""


class Rule(msgspec.Struct, frozen=True):
    """How one reporting category (or type) posts: `role` takes the amount, `fee_role` Stripe's own fees."""

    kind: str
    role: str
    role_when_positive: str
    fee_role: str
    sampled: bool
    what: str

    def role_of(self, amount: int) -> str:
        """The role that takes `amount`: a returned refund is owed to the customer, not a smaller refund."""
        return self.role_when_positive if amount > 0 and self.role_when_positive else self.role


UNKNOWN = Rule(SUSPENSE, SUSPENSE, "", "processing_fees", sampled=False, what="Movement")


def entry_of(bt: BalanceTransaction, *, delivery: int = 0) -> tuple[Entry, list[Problem]]:
    """The entry of a balance transaction, from its immutable fields alone, and what is wrong with it."""
    rule = rule_for(bt.reporting_category, bt.type)
    currency = bt.currency
    if bt.net != bt.amount - bt.fee:
        problems = [
            _problem(
                "bt_does_not_add_up",
                bt,
                f"net {as_text(bt.net, currency)} is not amount {as_text(bt.amount, currency)} less fee {as_text(bt.fee, currency)}",
            )
        ]
        rule, lines = UNKNOWN, [Posting(SUSPENSE, currency, -bt.net)]
    else:
        fees, problems = _fee_lines(bt, rule)
        lines = [Posting(rule.role_of(bt.amount), currency, -bt.amount), *fees]
    if rule is UNKNOWN and not problems:
        problems = [_problem("unknown_movement", bt, "no rule knows it")]
    elif not rule.sampled and not problems:
        problems = [_problem("unsampled_movement", bt, "its kind has not been seen in life yet")]
    if currency not in EXPONENTS:
        problems.append(_problem("unknown_currency", bt, "nobody knows the currency's decimals"))
    postings = (Posting(f"stripe_clearing:{bt.balance_type}", currency, bt.net), *lines)
    return _entry(bt, rule, tuple([line for line in postings if line.minor]), delivery), problems


def rule_for(category: str, kind: str) -> Rule:
    """The rule of a reporting category and a type: both, then the category alone, then the type alone, else `UNKNOWN`."""
    rules = table()
    return rules.get((category, kind)) or rules.get((category, "*")) or rules.get(("*", kind)) or UNKNOWN


@lru_cache(maxsize=1)
def table() -> Mapping[tuple[str, str], Rule]:
    """`rules.csv`, keyed by (category, type)."""
    text = files("bookhand.journal").joinpath("rules.csv").read_text("utf-8")
    return {(row["category"], row["type"]): _rule(row) for row in csv.DictReader(text.splitlines())}


@lru_cache(maxsize=1)
def roles_by_kind() -> Mapping[str, tuple[str, str]]:
    """Kind to its roles (when negative, when positive), for the rules that restate an entry afterwards."""
    return {rule.kind: (rule.role_of(-1), rule.role_of(1)) for rule in table().values()}


def _rule(row: dict[str, str]) -> Rule:
    sampled = row["sampled"] == "yes"
    return Rule(row["kind"], row["role"], row["role_when_positive"], row["fee_role"], sampled, row["what"])


def _fee_lines(bt: BalanceTransaction, rule: Rule) -> tuple[list[Posting], list[Problem]]:
    sums: dict[str, int] = {}
    problems = []
    for detail in bt.fee_details:
        role = _fee_role(detail, bt, rule)
        if role is None:
            problems.append(
                _problem("unknown_fee", bt, f"nobody knows its fee {detail.type} in {detail.currency}")
            )
            continue
        sums[role] = sums.get(role, 0) + detail.amount
    left = bt.fee - sum(sums.values())
    if left and not problems:
        fee = as_text(bt.fee, bt.currency)
        problems.append(
            _problem(
                "fee_does_not_add_up",
                bt,
                f"its fee {fee} is {as_text(left, bt.currency)} more than its parts",
            )
        )
    sums[SUSPENSE] = left
    return [Posting(role, bt.currency, minor) for role, minor in sums.items() if minor], problems


def _fee_role(detail: FeeDetail, bt: BalanceTransaction, rule: Rule) -> str | None:
    if detail.type not in _FEE_ROLES or detail.currency != bt.currency:
        return None
    return _FEE_ROLES[detail.type] or rule.fee_role


def _entry(bt: BalanceTransaction, rule: Rule, postings: tuple[Posting, ...], delivery: int) -> Entry:
    refs = {"balance_transaction": bt.id}
    why = (
        rule.what
        if rule.kind != SUSPENSE
        else f"{rule.what} ({bt.reporting_category or 'no category'}, {bt.type})"
    )
    if bt.source:
        refs["source"] = bt.source
        why = f"{why} {bt.source}"
    return Entry(
        key=bt.id, happened_at=bt.created, kind=rule.kind, why=why, postings=postings, delivery=delivery, refs=refs
    )  # fmt: skip


def _problem(kind: str, bt: BalanceTransaction, finding: str) -> Problem:
    where = "kept in clearing and Suspense" if kind != "unknown_currency" else "kept in minor units"
    message = (
        f"Balance transaction {bt.id} ({bt.reporting_category or 'no category'}, {bt.type}, {as_text(bt.net, bt.currency)}): "
        f"{finding}. It is {where}; look at it in Stripe and tell bookhand's developers, or book it by hand."
    )
    return Problem(kind=kind, subject=bt.id, message=message)
