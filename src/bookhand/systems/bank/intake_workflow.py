"""A file taken in: read first, then kept with its statements and lines in one transaction, or not at all.

    intake = Intake(db)
    intake.take(raw, name="nov.xml", by="person:1")                      # Taken(new_lines=12, …)
    intake.take(raw, name="nov.csv", by="person:1", account="Main")      # Waiting(proposal): a CSV that nobody has confirmed yet
    intake.confirm(file_hash, account="Main", changes={"date_order": "DMY"}, by="person:1")     # remembered, and taken

The same file again adds nothing. What a statement does not prove (it does not add up, balances do not go on, an id was used again) is a
Problem of its connection, and its lines are kept all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
import structlog

from bookhand.core.bank import Statement, StatementLine
from bookhand.core.problems import Problem, Refusal
from bookhand.core.ready import ready
from bookhand.systems import store as connections
from bookhand.systems.bank import SYSTEM, checks, file_store, profile_store, store, twins_store
from bookhand.systems.bank.columns.lines import Unlike
from bookhand.systems.bank.columns.profile import Profile, Proposal, confirmed
from bookhand.systems.bank.figures import account_of
from bookhand.systems.bank.going_on_store import going_on
from bookhand.systems.bank.reading import MOST_MEGABYTES, Reading, Table, read
from bookhand.systems.connection import Auth, Connection, usable
from bookhand.systems.store import NewConnection
from bookhand.workspace.store import clear, report

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.bank.store import Transaction

log = structlog.get_logger(__name__)

Note = Callable[["Transaction", str, str, dict[str, Any]], None]
"""Appends what people did to the trail, in the same transaction: what, about what, details."""
_TOLD_IDS = 5


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one account's part of a file."""

    connection_id: int
    account: str
    currency: str | None
    lines: int
    new_lines: int
    first_day: str | None = None
    last_day: str | None = None


class Taken(msgspec.Struct, frozen=True, kw_only=True, tag="taken"):
    """A file that was read. `again` is one that had been read before: nothing was added."""

    file: str
    format: str
    accounts: tuple[Account, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out, as it should be."""
    again: bool = False

    @property
    def new_lines(self) -> int:
        """How many lines were not here before."""
        return sum(each.new_lines for each in self.accounts)


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag="waiting"):
    """A CSV that is kept and waits: somebody has to say which account it is of, or what stands in which column."""

    file: str
    account: str | None
    proposal: Proposal
    says: str
    known: tuple[str, ...] = ()
    """The accounts for which files with these columns were confirmed before, where they are several."""


def _silent(_cx: Transaction, _what: str, _subject: str, _details: dict[str, Any]) -> None:
    """Without a trail."""


class Intake:
    """Takes files in for one workspace; `mode` is the mode of the connections it makes (a demo's bank is ``test``)."""

    def __init__(
        self, db: Database, *, note: Note = _silent, mode: str = "live", most_megabytes: int = MOST_MEGABYTES
    ) -> None:
        self._db = db
        self._note = note
        self._mode = mode
        self.most_megabytes = most_megabytes

    def take(
        self, raw: bytes, *, name: str, by: str, account: str | None = None, auth: Auth = "files"
    ) -> Taken | Waiting:
        """Read a file; `account` is needed for a CSV that names none, and is checked against what other files say."""
        found = read(raw, most_megabytes=self.most_megabytes)
        account = None if account is None else account_of(account)
        with _holdable(), self._db.transaction() as cx:
            store.hold(cx, self._db.workspace_id)
            file_hash = file_store.hash_of(raw)
            before = store.read_before(cx, file_hash, mode=self._mode)
            if before:
                return _again(file_hash, before)
            if isinstance(found, Table):
                table, known = (
                    found,
                    profile_store.of(cx, found.sheet.fingerprint, account=account, mode=self._mode),
                )
                if len(known) != 1 or table.doubt(known[0][1]):
                    return self._wait(cx, raw, table, account, known, name=name, by=by)
                try:
                    found = table.read_by(known[0][1], account=known[0][0])
                except Unlike as error:
                    waiting = self._wait(cx, raw, table, account, known, name=name, by=by)
                    return msgspec.structs.replace(waiting, says=str(error))
                _refuse_others(found, account, alone=False)
            else:
                _refuse_others(found, account, alone=True)
            file_store.keep(cx, self._db.workspace_id, raw, name=name, by=by)
            return self._keep(cx, found, file_hash, by=by, auth=auth)

    def confirm(
        self, file_hash: str, *, account: str, changes: Mapping[str, Any], by: str, auth: Auth = "files"
    ) -> Taken:
        """Remember the profile of a CSV that waits, as proposed and with `changes`, and take it in."""
        if not account.strip():
            raise Refusal("Say which bank account the file is of.")
        account = account_of(account)
        with _holdable(), self._db.transaction() as cx:
            store.hold(cx, self._db.workspace_id)
            file_hash, _, raw = file_store.find(cx, file_hash)
            table = self._table(raw)
            proposal = table.proposal(currency=store.currency_of(cx, account, mode=self._mode))
            profile = confirmed(proposal.profile, changes, proposal.header)
            reading = table.read_by(profile, account=account)
            named = sorted({each.account for each in reading.statements})
            if account not in named:
                raise Refusal(
                    f"The file says itself that it is of {', '.join(named)}: confirm it for that account, or say account_column=null."
                )
            connection = self._connection(cx, account, auth)
            store.keep_account(cx, connection.link, account, profile.currency)
            profile_store.keep(cx, connection.link, account, proposal.fingerprint, profile, by=by)
            details = {"by": by, "file": file_hash, "profile": msgspec.to_builtins(profile)}
            self._note(cx, "bank.profile_confirmed", account, details)
            before = store.read_before(cx, file_hash, mode=self._mode)
            return (
                _again(file_hash, before) if before else self._keep(cx, reading, file_hash, by=by, auth=auth)
            )

    def goes_on(self, raw: bytes) -> bool:
        """Whether a file goes on where one that was read lately ended: somebody wrote on in it."""
        with self._db.transaction() as cx:
            return file_store.begins(cx, raw)

    def waiting(self, file_hash: str, *, account: str | None = None) -> Waiting:
        """What is proposed for a CSV that is kept and waits; `Missing` where there is no such file, `Refusal` where it needs no profile."""
        with self._db.transaction() as cx:
            file_hash, _, raw = file_store.find(cx, file_hash)
            table = self._table(raw)
            known = profile_store.of(cx, table.sheet.fingerprint, account=account, mode=self._mode)
            return self._proposed(cx, file_hash, table, account, known)

    def tried(
        self, file_hash: str, *, account: str, changes: Mapping[str, Any], rows: int = 5
    ) -> tuple[StatementLine, ...]:
        """How the first `rows` of a CSV that waits would be read; nothing is kept. `Refusal` says what the profile lacks, or which row fails."""
        with self._db.transaction() as cx:
            _, _, raw = file_store.find(cx, file_hash)
            currency = store.currency_of(cx, account, mode=self._mode)
        table = self._table(raw)
        proposal = table.proposal(currency=currency)
        profile = confirmed(proposal.profile, changes, proposal.header)
        return table.first(rows).read_by(profile, account=account).lines

    def _table(self, raw: bytes) -> Table:
        table = read(raw, most_megabytes=self.most_megabytes)
        if not isinstance(table, Table):
            raise Refusal("This file says itself what stands where: it needs no profile.")
        return table

    def confirmations(self) -> datetime | None:
        """When a profile was confirmed last."""
        with self._db.transaction() as cx:
            return profile_store.last(cx)

    def _wait(
        self,
        cx: Transaction,
        raw: bytes,
        table: Table,
        account: str | None,
        known: Sequence[tuple[str, Profile]],
        *,
        name: str,
        by: str,
    ) -> Waiting:
        file_hash = file_store.keep(cx, self._db.workspace_id, raw, name=name, by=by)
        return self._proposed(cx, file_hash, table, account, known)

    def _proposed(
        self,
        cx: Transaction,
        file_hash: str,
        table: Table,
        account: str | None,
        known: Sequence[tuple[str, Profile]],
    ) -> Waiting:
        proposal = table.proposal(
            currency=store.currency_of(cx, account, mode=self._mode) if account else None
        )
        names = tuple(name for name, profile in known if not table.doubt(profile))
        doubt = next((doubt for _, profile in known if (doubt := table.doubt(profile))), None)
        if len(names) == 1:
            says = f"Files with these columns were confirmed for {names[0]}, but this one was not read so: confirm what stands in which column."
        elif names:
            says = f"Files with these columns were confirmed for several accounts ({', '.join(names)}): say which one this is of."
        elif doubt:
            says = doubt
        elif account is None:
            says = "Say which bank account this file is of, and confirm what stands in which column."
        else:
            says = "Confirm what stands in which column: once, and files with these columns are read by themselves from then on."
        return Waiting(file=file_hash, account=account, proposal=proposal, says=says, known=names)

    def _keep(self, cx: Transaction, reading: Reading, file_hash: str, *, by: str, auth: Auth) -> Taken:
        told: dict[str, Account] = {}
        problems: list[Problem] = []
        names = dict.fromkeys(each.account for each in reading.statements)
        owners = {name: self._connection(cx, name, auth) for name in names}
        for statement in going_on(cx, owners, reading.statements):
            kept, found = keep_statement(cx, owners[statement.account], statement, file_hash=file_hash)
            problems += found
            told[kept.account] = _together(told.get(kept.account), kept)
        for account, currency in dict.fromkeys((each.account, each.currency) for each in reading.statements):
            problems += _prove(cx, owners[account], account, currency)
        for account in names:
            problems += twins_store.prove_single(cx, owners[account].link, account)
        details = {
            "by": by,
            "format": reading.format,
            "file": file_hash,
            "new_lines": sum(each.new_lines for each in told.values()),
        }
        self._note(cx, "bank.statements_taken", ", ".join(told), details)
        return Taken(
            file=file_hash, format=reading.format, accounts=tuple(told.values()), problems=tuple(problems),
            notes=tuple(dict.fromkeys(note for each in reading.statements for note in each.notes)),
        )  # fmt: skip

    def _connection(self, cx: Transaction, account: str, auth: Auth) -> Connection:
        owner = store.owner_of(cx, account, mode=self._mode)
        if owner is not None:
            return usable(connections.get(cx, owner))
        suffix = "" if self._mode == "live" else f" ({self._mode})"
        new = NewConnection(
            system=SYSTEM, account=account, mode=self._mode, livemode=self._mode == "live", api_version="", auth=auth,
            default_name=f"Bank {account}{suffix}",
        )  # fmt: skip
        known = [
            each
            for each in connections.every(cx, system=SYSTEM)
            if (each.link.account, each.link.mode) == (account, self._mode)
        ]
        return usable(known[0]) if known else connections.keep(cx, self._db.workspace_id, new)


def _refuse_others(found: Reading, account: str | None, *, alone: bool) -> None:
    """`Refusal` where a file says itself that it is of another account than was named, or (`alone`) of others beside it."""
    named = sorted({each.account for each in found.statements})
    if account is not None and (account not in named or (alone and len(named) > 1)):
        raise Refusal(f"The file is of account {', '.join(named)}, not of {account}: nothing was taken.")


@contextmanager
def _holdable() -> Iterator[None]:
    """A file with an amount or an id that no column of the database holds is refused: it is the file's fault, and trying again helps nobody."""
    try:
        yield
    except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
        log.warning("bank_file_too_large", why=error.diag.message_primary)
        raise Refusal(
            "An amount or an id in the file is larger than any that a bank has: it is damaged. Nothing was taken; get it from the bank again."
        ) from None


def keep_statement(
    cx: Transaction, connection: Connection, statement: Statement, *, file_hash: str | None
) -> tuple[Account, list[Problem]]:
    """A statement with its lines in the open transaction, and what it does not prove (reported already)."""
    link, account = connection.link, statement.account
    store.keep_account(cx, link, account, statement.currency)
    span = checks.span_of(statement)
    if statement.lines:
        first, last = min(line.day for line in statement.lines), max(line.day for line in statement.lines)
        other = store.other_format(cx, link, account, statement.format, since=first, until=last)
        if other is not None:
            raise Refusal(
                f"Lines of account {account} from {first} to {last} were read from {other} already. From {statement.format} they would count "
                "twice, for two formats do not tell which lines are the same: nothing was taken. Go on with one format, or import later days."
            )
    reused = store.reused(
        cx, link, account, [(line.native_id, line.key) for line in statement.lines if line.native_id]
    )
    new = store.keep_statement(cx, link, statement, file_hash=file_hash)
    problems = [*_said(statement, file_hash), *_of_ids(account, reused if new else [])]
    report(cx, link, problems)
    days = (span.first_day, checks.lines_until(statement)) if span else (None, None)
    kept = Account(
        connection_id=connection.id, account=account, currency=statement.currency, lines=len(statement.lines), new_lines=new,
        first_day=days[0], last_day=days[1],
    )  # fmt: skip
    return kept, problems


def _said(statement: Statement, file_hash: str | None) -> list[Problem]:
    """What does not add up in the statement itself, and what its reader had to say."""
    subject = f"{statement.account}/{statement.number or statement.closing_day or (file_hash or '')[:12]}"
    found = checks.off(statement, subject)
    warnings = [
        Problem(
            kind=checks.WARNING,
            subject=f"{subject}/{place}",
            message=f"Account {statement.account}: {sentence}",
        )
        for place, sentence in enumerate(statement.warnings, start=1)
    ]
    return [*([found] if found else []), *warnings]


def _of_ids(account: str, ids: Sequence[str]) -> list[Problem]:
    if not ids:
        return []
    named = ", ".join(ids[:_TOLD_IDS]) + (f" and {len(ids) - _TOLD_IDS} more" if len(ids) > _TOLD_IDS else "")
    return [
        Problem(
            kind=checks.REUSED, subject=account,
            message=f"The bank used ids of lines of account {account} again, with another day or amount: {named}. They were kept as lines of their "
            "own; where the bank changed a line that it had told before, the old one still counts: look at both.",
        )
    ]  # fmt: skip


def _prove(cx: Transaction, connection: Connection, account: str, currency: str | None) -> list[Problem]:
    """Hold all balances of an account against its lines; Problems that do not stand any more are closed."""
    if currency is None:
        return []
    link = connection.link
    found = checks.gaps(store.spans(cx, link, account, currency), store.moved(cx, link, account, currency))
    problems = checks.gap_problems(account, currency, found)
    clear(
        cx,
        link,
        kind=checks.GAP,
        subjects=store.gap_subjects(cx, link, f"{account}/{currency}/", {each.subject for each in problems}),
    )
    report(cx, link, problems)
    return problems


def _together(one: Account | None, more: Account) -> Account:
    if one is None:
        return more
    days = [day for day in (one.first_day, more.first_day, one.last_day, more.last_day) if day]
    return msgspec.structs.replace(
        more, lines=one.lines + more.lines, new_lines=one.new_lines + more.new_lines, first_day=min(days, default=None), last_day=max(days, default=None)
    )  # fmt: skip


def _again(file_hash: str, before: Sequence[store.KeptStatement]) -> Taken:
    told: dict[str, Account] = {}
    for each in before:
        kept = Account(
            connection_id=each.connection_id, account=each.account, currency=each.currency, lines=each.lines, new_lines=0,
            first_day=each.first_day, last_day=each.last_day,
        )  # fmt: skip
        told[each.account] = _together(told.get(each.account), kept)
    return Taken(file=file_hash, format=before[0].format, accounts=tuple(told.values()), again=True)


ready(Taken, Waiting)  # see core.ready
