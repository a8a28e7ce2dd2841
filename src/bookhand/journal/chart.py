"""The chart of accounts: the journal's keys turned into the names that books show.

A key is a role with a detail after a colon (``stripe_clearing:payments``); a chart holds a name for each role. Names come from
`accounts.toml` beside this file, changed by a file of the company's own. Renaming changes books, never the journal.

>>> chart = default_chart()
>>> chart.name("stripe_clearing:payments", currency="USD", connection="acct_1-test")
'Assets:Stripe:Acct-1-Test:USD:Payments'
>>> chart.name("revenue", currency="USD", connection="acct_1-test")
'Income:Sales'
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files

import msgspec

from bookhand.core.problems import Refusal

ROOTS = ("Assets", "Liabilities", "Equity", "Income", "Expenses")
FIELDS = ("{connection}", "{currency}", "{detail}")
_PART = re.compile(r"[A-Z0-9][A-Za-z0-9-]*")


class Chart(msgspec.Struct, frozen=True):
    """`names` is a template for each role; see `accounts.toml` for its braces."""

    names: dict[str, str]

    def name(self, account: str, *, currency: str, connection: str) -> str:
        """The name of the account with the journal's key `account` (``role`` or ``role:detail``)."""
        role, _, detail = account.partition(":")
        template = self.names.get(role)
        if template is None:
            raise Refusal(f"Account role {role!r} has no name in the chart: add it under [accounts].")
        return (
            template.replace("{connection}", part(connection))
            .replace("{currency}", part(currency))
            .replace("{detail}", part(detail or "other"))
        )

    def digest(self) -> str:
        """A short hash that changes when a name does, so that books know to write themselves again."""
        return hashlib.blake2b(msgspec.json.encode(sorted(self.names.items())), digest_size=8).hexdigest()


def default_chart() -> Chart:
    """The names that come with bookhand."""
    return Chart(dict(_defaults()))


def chart_from_toml(text: str, *, where: str = "accounts.toml") -> Chart:
    """The default chart changed by `text`; `Refusal` naming every line that cannot be, and what to write instead."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refusal(
            f"{where} is not TOML: {error}. Compare it with the example in the documentation."
        ) from None
    accounts = data.get("accounts", {})
    extra = [key for key in data if key != "accounts"]
    findings = [f"[{key}] is unknown; only [accounts] is read" for key in extra]
    if not isinstance(accounts, dict):
        raise Refusal(f"{where}: [accounts] must be a table of role = name.")
    findings += [finding for role, name in accounts.items() for finding in _wrong(role, name)]
    if findings:
        raise Refusal(f"{where} cannot be used: " + "; ".join(findings) + ".")
    return Chart(dict(_defaults()) | accounts)


@lru_cache(maxsize=4096)
def part(text: str) -> str:
    """`text` as one legal part of a name: ``part("acct_1-test") == "Acct-1-Test"``; ``part("") == "X"``."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", text) if word]
    return "-".join(word[0].upper() + word[1:] for word in words) or "X"


@lru_cache(maxsize=1)
def _defaults() -> Mapping[str, str]:
    text = files("bookhand.journal").joinpath("accounts.toml").read_text("utf-8")
    names: dict[str, str] = tomllib.loads(text)["accounts"]
    return names


def _wrong(role: str, name: object) -> list[str]:
    roles = _defaults()
    if role not in roles:
        near = get_close_matches(role, roles, 1)
        hint = f", did you mean {near[0]}?" if near else f" (roles are {', '.join(sorted(roles))})"
        return [f"{role} is no role{hint}"]
    if not isinstance(name, str):
        return [f"{role} must be a name in quotes"]
    return _wrong_name(role, name)


def _wrong_name(role: str, name: str) -> list[str]:
    root, *parts = name.split(":")
    findings = []
    if root not in ROOTS:
        findings.append(f"{role} begins with {root!r}, but must begin with one of {', '.join(ROOTS)}")
    if not parts:
        findings.append(f"{role} needs a part after {root}:")
    bare = [_without_fields(piece) for piece in parts]
    bad = [piece for piece, text in zip(parts, bare, strict=True) if not _PART.fullmatch(text)]
    if bad:
        findings.append(
            f"{role} has the part {bad[0]!r}; a part begins with an upper-case letter or a digit "
            "and has only letters, digits and hyphens"
        )
    if role == "stripe_clearing" and any(field not in name for field in FIELDS):
        findings.append(
            "stripe_clearing must keep {connection}, {currency} and {detail}, or it cannot be proven"
        )
    return findings


def _without_fields(piece: str) -> str:
    for field in FIELDS:
        piece = piece.replace(field, "X")
    return piece
