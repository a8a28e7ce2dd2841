"""A file as statements: its format by what stands in it (never by its name), and each line with its key. Pure.

found = read(raw)                               # a `Reading`, for OFX, CAMT.053, MT940, BAI2
found = read(raw)                               # a `Table`, for a CSV: what stands where has to be confirmed first
found.read_by(profile, account="Main")          # then it is a `Reading`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Refusal
from bookhand.systems.bank import text as texts
from bookhand.systems.bank.columns.contradicting import contradiction
from bookhand.systems.bank.columns.guess import proposal_of
from bookhand.systems.bank.columns.lines import FORMAT as CSV
from bookhand.systems.bank.columns.lines import statements_of
from bookhand.systems.bank.columns.profile import Profile, Proposal
from bookhand.systems.bank.columns.sheet import Sheet, sheet_of
from bookhand.systems.bank.formats import bai2, camt, mt940, ofx
from bookhand.systems.bank.keys import keyed_statements

MOST_MEGABYTES = 50
"""Larger files are refused where the settings say nothing else."""
_HEAD_BYTES = 8192
_MEGABYTE = 1024 * 1024


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds: lines with their keys."""

    format: str
    encoding: str
    statements: tuple[Statement, ...]

    @property
    def lines(self) -> tuple[StatementLine, ...]:
        """The lines of all of them."""
        return tuple(line for each in self.statements for line in each.lines)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """A CSV, which says what its columns are called and not what they mean."""

    encoding: str
    sheet: Sheet

    def proposal(self, *, currency: str | None = None) -> Proposal:
        """What stands where, as far as the file shows it; `currency` is the account's, where it is known."""
        return proposal_of(self.sheet, currency=currency)

    def doubt(self, profile: Profile) -> str | None:
        """Why a profile that was confirmed for these columns may not be that of this file, in a sentence; None where nothing says so."""
        found = contradiction(self.sheet, profile)
        if found is None:
            return None
        return f"Files with these columns were confirmed {found}: confirm what stands in which column anew."

    def first(self, rows: int) -> Table:
        """The same table with its first `rows` alone."""
        return msgspec.structs.replace(
            self, sheet=msgspec.structs.replace(self.sheet, rows=self.sheet.rows[:rows])
        )

    def read_by(self, profile: Profile, *, account: str) -> Reading:
        """The statements by a confirmed profile."""
        found = statements_of(self.sheet, profile, account)
        return Reading(format=CSV, encoding=self.encoding, statements=tuple(keyed_statements(found)))


class _Format(NamedTuple):
    name: str
    looks_so: Callable[[str], bool]
    read: Callable[[str], list[Statement]]


_FORMATS = (
    _Format(ofx.FORMAT, ofx.looks_so, ofx.read),
    _Format(camt.FORMAT, camt.looks_so, camt.read),
    _Format(bai2.FORMAT, bai2.looks_so, bai2.read),
    _Format(mt940.FORMAT, mt940.looks_so, mt940.read),
)


def may_go_on(raw: bytes) -> bool:
    """Whether a file may be the beginning of a longer one: a table whose last row has no line end. Other formats tell their end themselves."""
    if not raw or raw.endswith((b"\n", b"\r")):
        return False
    try:
        text, _ = texts.decoded(raw[:_HEAD_BYTES])
    except Refusal:
        return False
    head = text.lstrip()
    return not head.startswith(("<", "{")) and not any(kind.looks_so(head) for kind in _FORMATS)


def read(raw: bytes, *, most_megabytes: int = MOST_MEGABYTES) -> Reading | Table:
    """`raw` by its format; `Refusal` for what is too large, no text, or broken, that says what and where."""
    if len(raw) > most_megabytes * _MEGABYTE:
        raise Refusal(
            f"The file has {len(raw) / _MEGABYTE:,.1f} MB, more than the {most_megabytes} MB that are read (BOOKHAND_BANK_FILE_MB): "
            "export fewer days at once."
        )
    plain = raw[:_HEAD_BYTES].decode("latin-1")
    declared = ofx.declared(plain) if ofx.looks_so(plain) else ()
    text, encoding = texts.decoded(raw, declared=declared)
    head = text[:_HEAD_BYTES].lstrip()
    for kind in _FORMATS:
        if kind.looks_so(head):
            found = keyed_statements(kind.read(text))
            return Reading(format=kind.name, encoding=encoding, statements=tuple(found))
    if head.startswith(("<", "{")) and not head.startswith("{1:"):
        raise Refusal(
            "This is XML, HTML or JSON, but no OFX and no CAMT.053: is it the page of an expired sign-in at the bank?"
        )
    return Table(encoding=encoding, sheet=sheet_of(text))
