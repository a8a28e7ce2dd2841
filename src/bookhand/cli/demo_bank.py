"""The demo's bank: the company's statements taken in, its payouts matched with them, and every oddity that was planted found and named.

planted = take_in(stage, payouts)            # what the banks booked of these payouts, as the files that banks give
reconciled(stage, planted)                   # the statements, and each oddity with what bookhand says of it
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from bookhand import wiring
from bookhand.cli.demo_process import spinner
from bookhand.cli.payout_cards import statement_table
from bookhand.cli.tables import plain_table
from bookhand.sandbox.bank.files import ENDINGS, render_lines
from bookhand.sandbox.bank.lantern import Bank, Oddity, bank_of
from bookhand.systems.bank.intake_workflow import Waiting
from bookhand.workflows.payouts.statement import Reconciliation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bookhand.cli.demo_books import Stage

_MOST = 500
_SHOWN = 4


class _Said(NamedTuple):
    """What bookhand says, for finding it by payout or by line."""

    matches: Mapping[str, dict[str, Any]]
    breaks: Sequence[dict[str, Any]]
    questions: Sequence[dict[str, Any]]
    settled: Mapping[str, str]
    """What is said of a payout that failed and never reached the bank."""


def take_in(stage: Stage, payouts: Mapping[str, Sequence[dict[str, Any]]]) -> Bank:
    """Write what the banks booked of `payouts` (by Stripe account) as files, and take each in as a person would."""
    planted = bank_of(payouts)
    intake = wiring.intake_of(stage.house, mode="test")
    folder = stage.folder / "statements"
    folder.mkdir(exist_ok=True)
    with spinner(stage.out, "Taking the bank's statements in"):
        for account in planted.accounts:
            raw = render_lines(
                account.lines, account.format, number=account.number, currency=account.currency, opening_minor=account.opening_minor,
            )  # fmt: skip
            file = folder / f"{account.name.lower().replace(' ', '-')}.{ENDINGS[account.format]}"
            file.write_bytes(raw)
            taken = intake.take(raw, name=file.name, by=stage.owner.who, account=account.number)
            if isinstance(taken, Waiting):
                intake.confirm(taken.file, account=account.number, changes={}, by=stage.owner.who)
    return planted


def reconciled(stage: Stage, planted: Bank) -> bool:
    """Match, print each account's statement and what was found of every oddity; whether all of it is right."""
    with spinner(stage.out, "Matching payouts with the bank"):
        stage.house.payouts.reconcile()
    statements = [_statement(stage, account.number) for account in planted.accounts]
    for found in statements:
        stage.out.print(statement_table(found, most=_SHOWN))
    said = _said(stage, planted.oddities)
    table = plain_table("What was planted at the bank, and what bookhand says of it")
    for heading in ("Planted", "Of", "Found", "bookhand says"):
        table.add_column(heading, overflow="fold")
    good = all(each.holds for each in statements)
    for oddity in planted.oddities:
        named, sentence = _named(oddity, said)
        good = good and named
        of = ", ".join(oddity.payouts) or ", ".join(f"{account} {day}" for account, day, _ in oddity.lines)
        table.add_row(oddity.kind, of, "[green]yes[/]" if named else "[bold red]no[/]", sentence)
    stage.out.print(table)
    return good


def _statement(stage: Stage, number: str) -> Reconciliation:
    told = stage.house.door.read(stage.owner, "payouts.reconciliation", {"account": number}).data
    return msgspec.convert(told, Reconciliation)


def _said(stage: Stage, oddities: Sequence[Oddity]) -> _Said:
    read = stage.house.door.read
    matches: dict[str, dict[str, Any]] = {}
    for payout in {payout for each in oddities for payout in each.payouts}:
        for match in read(stage.owner, "payouts.matches", {"payout": payout}).data:
            matches[payout] = match
    breaks = read(stage.owner, "breaks.list", {"limit": _MOST}).data
    questions = read(stage.owner, "payouts.questions", {"limit": _MOST}).data
    failed = [payout for each in oddities if each.kind == "failed" for payout in each.payouts]
    told = {
        each: read(stage.owner, "payouts.breakdown", {"payout": each, "limit": 1}).data["payout"]
        for each in failed
    }
    settled = {payout: each["settled_says"] for payout, each in told.items() if each["settled_says"]}
    return _Said(matches, breaks, questions, settled)


def _named(oddity: Oddity, said: _Said) -> tuple[bool, str]:
    """Whether an oddity was called by its name, and the sentence that was said."""
    match = next((said.matches[payout] for payout in oddity.payouts if payout in said.matches), None)
    found = next(
        (
            each
            for each in said.breaks
            if set(oddity.payouts) & set(each["payouts"])
            or {(line["account"], each["since"], each["minor"]) for line in each["lines"]} & set(oddity.lines)
        ),
        None,
    )
    settled = next((said.settled[payout] for payout in oddity.payouts if payout in said.settled), None)
    if settled and not match and not found:
        return oddity.kind == "failed", settled
    sentence = match["reason"] if match else found["says"] if found else "Nothing is said of it."
    if oddity.kind in _BY_RULE:
        return match is not None and _BY_RULE[oddity.kind](match), sentence
    return found is not None and found["cause"] in _BY_CAUSE[oddity.kind], sentence


_BY_CAUSE = {"failed": {"failed"}, "missing": {"missing"}, "foreign line": {"looks_like_stripe", "foreign"}}


def _certain(match: dict[str, Any]) -> bool:
    return bool(match["certain"])


_BY_RULE: dict[str, Callable[[dict[str, Any]], bool]] = {
    "fetched back": _certain,
    "instant": _certain,
    "manual": _certain,
    "batched": lambda match: match["rule"] == "batch" and len(match["payouts"]) > 1,
    "split": lambda match: match["rule"] == "split" and len(match["lines"]) > 1,
    "FX": lambda match: bool(match["difference_kind"] == "fx"),
    "bank fee": lambda match: bool(match["difference_kind"] == "bank_fee"),
}
