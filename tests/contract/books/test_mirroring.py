"""A journal in a book, whichever vendor's and by whichever method: the same to the cent, once, whatever happens on the way."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import Counter

import msgspec
import psycopg
import pytest
from tests.contract.books import days
from tests.contract.books.company import first, second, third, told
from tests.contract.books.conftest import OWNER
from tests.journal.shapes import DAY, START, invoice, paid

from bookhand.actions.asked import Asked
from bookhand.actions.rights import rights_store
from bookhand.actions.rights.govern_workflow import Terms
from bookhand.actions.rights.policy import Budget
from bookhand.actions.workflow import Door
from bookhand.books import store
from bookhand.books.kit import BookKit, writes
from bookhand.books.mapping import Finder
from bookhand.books.room_workflow import BookRoom
from bookhand.core.book_params import params_of
from bookhand.core.caller import NotAllowed
from bookhand.core.money import Money
from bookhand.core.problems import Outage, Refusal
from bookhand.db.schema import migrate
from bookhand.journal import store as journal
from bookhand.journal.workflow import close_period, configure, read
from bookhand.workspace.store import open_problems

METHODS = ["clearing", "deposit", "daily_summary"]
FIRST, LAST = "2026-01-01", "2026-12-31"


class Case:
    """A book that was set up for a journal."""

    def __init__(self, db, link, shelf, room, method: str) -> None:
        self.db, self.source, self.shelf, self.room = db, link, shelf, room
        self.link = shelf.connection.link
        self.tell(first())
        self.agree(method)

    def tell(self, *parts) -> None:
        with self.db.transaction() as cx:
            read(cx, self.source, told(*parts))

    def agree(self, method: str, *, from_now: bool = False, **chosen: str):
        shown = self.room.setups.propose(
            OWNER, self.link, method=method, chosen={**self.shelf.chosen, **chosen}
        )
        assert shown.unmapped == []
        return self.room.setups.agree(OWNER, self.link, shown.choice(), "We looked at it.", from_now=from_now)

    def mirror(self, **how):
        return self.room.mirrors.mirror(self.link, **how)

    def compare(self, **how):
        found = self.room.compares.keep(OWNER, self.link, **how)
        for row in found.comparison.rows:
            where = (row.account, row.currency, row.month)
            amounts = [
                minor
                for each in found.comparison.breaks
                for *place, minor in each.amounts
                if tuple(place) == where
            ]
            assert row.difference == sum(amounts), "the amounts of the breaks add up to the difference"
        return found

    def causes(self) -> list[str]:
        return sorted(each.cause for each in self.compare().comparison.breaks)

    def posted(self):
        return list(self.shelf.books.documents(self.link, since=FIRST, until=LAST))

    def documents(self):
        with self.db.transaction() as cx:
            return list(store.documents(cx, self.link))

    def book(self) -> dict[str, int]:
        """What the book says, account by account."""
        sums: Counter[str] = Counter()
        accounts = set(self.shelf.accounts.values()) | {
            line.account for each in self.posted() for line in each.lines
        }
        for line in self.shelf.books.postings(self.link, accounts, since=FIRST, until=LAST):
            sums[line.account] += line.minor
        return {account: minor for account, minor in sums.items() if minor}

    def journal(self, *, waiting=()) -> dict[str, int]:
        """What the journal says, mapped, less what waits."""
        sums: Counter[str] = Counter()
        with self.db.transaction() as cx:
            find = Finder(store.get(cx, self.link).mapping)
            for (account, currency), minor in journal.balances(cx, self.source).items():
                sums[find(account, currency).account] += minor
        for each in waiting:
            for posting in each.booked.entry.postings:
                sums[find(posting.account, posting.currency).account] -= posting.minor
        return {account: minor for account, minor in sums.items() if minor}

    def must_be_equal(self) -> None:
        """Everything is in the book once, but what waits."""
        found = self.compare()
        assert [each.says for each in found.comparison.breaks] == []
        assert found.equal
        assert found.comparison.notes == []
        assert found.unexplained == {}
        assert self.book() == self.journal(waiting=found.coverage.waiting)
        keys = Counter(each.key for each in self.posted())
        assert set(keys.values()) <= {1}
        assert self.shelf.check() == []


@pytest.fixture(params=METHODS)
def case(request, db, link, shelf, room) -> Case:
    return Case(db, link, shelf, room, request.param)


@pytest.fixture
def folder(shelf):
    if shelf.name != "beancount":
        pytest.skip("No vendor has a part in it.")
    return shelf


@pytest.fixture
def by_clearing(db, link, shelf, room) -> Case:
    return Case(db, link, shelf, room, "clearing")


@pytest.fixture
def by_deposit(db, link, shelf, room) -> Case:
    return Case(db, link, shelf, room, "deposit")


# --- the whole way ---


def test_the_book_holds_what_the_journal_holds_and_what_comes_later_is_added(case):
    done = case.mirror()
    assert done.refused == []
    assert done.written == len(case.posted()) > 0
    case.must_be_equal()
    case.tell(second())
    case.mirror()
    case.must_be_equal()
    case.tell(third())
    case.mirror()
    case.must_be_equal()
    assert (case.mirror().entries, case.mirror().written) == (0, 0)
    if case.room.mirrors.plans.preview(case.link) == []:
        assert case.book() == case.journal()


def test_a_payout_is_one_deposit_and_the_rest_waits_with_its_sum(by_deposit):
    case = by_deposit
    case.tell(second(), third())
    done = case.mirror()
    deposits = {each.key.rpartition(":")[2]: each for each in case.posted() if each.kind == "deposit"}
    assert sorted(deposits) == ["po_1", "po_2", "po_4"]
    assert deposits["po_1"].lines[0].account == case.shelf.accounts["bank"]
    assert deposits["po_1"].lines[0].minor == 6_505
    assert case.shelf.accounts["clearing"] not in {line.account for line in deposits["po_1"].lines}
    clearing = [
        line.minor for line in deposits["po_4"].lines if line.account == case.shelf.accounts["clearing"]
    ]
    assert clearing == [-1_912], "the money that came back is taken up from clearing"
    assert done.coverage.waits() == {("breakdown", "USD"): (1, -1_000), ("payout", "USD"): (2, 2_883 + 650)}
    with case.db.transaction() as cx:
        held = journal.balances(cx, case.source)["stripe_clearing:payments", "USD"]
        problems = [
            each.problem.message for each in open_problems(cx) if each.problem.kind == "book_waits_breakdown"
        ]
    assert sum(minor for _, minor in done.coverage.waits().values()) == held
    assert len(problems) == 1
    assert "Payout po_3 is not whole" in problems[0]


def test_compare_names_every_difference_and_they_add_up(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.tell(second())
    case.mirror()
    number = {each.subject: each.content.number for each in case.documents()}
    case.shelf.edit(number["txn_1"], account=at["clearing"], minor=9_000, other=at["sales"])
    assert case.causes() == ["edited"]
    case.shelf.delete(number["txn_2"])
    assert case.causes() == ["deleted", "edited"]
    case.shelf.move(number["txn_6"], "2026-03-05")
    assert case.causes() == ["deleted", "edited", "moved"]
    case.shelf.copy(number["txn_7"])
    assert case.causes() == ["deleted", "doubled", "edited", "moved"]
    case.shelf.post(day="2026-02-20", debit=at["clearing"], credit=at["bank"], minor=4_200)
    assert case.causes() == ["deleted", "doubled", "edited", "foreign", "moved"]
    says = " ".join(each.says for each in case.compare().comparison.breaks)
    assert "from 96.80 to 90.00" in says
    assert "42.00 USD" in says
    before = case.posted()
    case.mirror()
    assert case.posted() == before, "what people made of it is seen, never overwritten"
    case.room.compares.keep(OWNER, case.link, since="2026-03-20", until="2026-03-31")
    with case.db.transaction() as cx:
        kinds = {each.problem.kind for each in open_problems(cx)}
    assert {
        "book_break_edited",
        "book_break_deleted",
        "book_break_moved",
        "book_break_doubled",
        "book_break_foreign",
    } <= kinds


def test_words_that_somebody_changed_are_a_note_and_the_books_are_equal(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.mirror()
    number = {each.subject: each.content.number for each in case.documents()}
    case.shelf.reword(number["txn_1"], account=at["sales"], memo="See the folder")
    found = case.compare()
    assert (found.equal, found.comparison.breaks) == (True, [])
    (note,) = found.comparison.notes
    assert note.says.endswith(" to 'See the folder'.")
    assert number["txn_1"] in note.says
    with case.db.transaction() as cx:
        assert [each for each in open_problems(cx) if each.problem.kind.startswith("book_break")] == []


class Meanwhile:
    """A book while the house is at work: something happens as its documents, or its lines, are asked for."""

    def __init__(self, books, at: str, happens) -> None:
        self._books, self._at, self._happens = books, at, happens

    def __getattr__(self, name: str):
        found = getattr(self._books, name)
        if name != self._at:
            return found

        def ask(*given, **how):
            self._happens()
            return found(*given, **how)

        return ask


def compared_while(case: Case, at: str, happens):
    """A comparison by another process, in which something happens meanwhile."""
    books = {case.link.system: Meanwhile(case.shelf.books, at, happens)}
    room = BookRoom(BookKit(db=case.db, door=case.room.kit.door, books=books))
    return room.compares.compare(OWNER, case.link)


@pytest.mark.parametrize("at", ["accounts", "documents", "postings"])
def test_what_is_posted_and_written_while_it_is_compared_is_no_break(case, at):
    case.mirror()

    def happens():
        case.tell(second(), third())
        case.mirror()

    found = compared_while(case, at, happens)
    assert [each.says for each in found.comparison.breaks] == []
    assert (found.unexplained, found.equal) == ({}, True)
    case.must_be_equal()


def test_what_is_planned_and_not_sent_yet_is_told_as_on_its_way(by_clearing):
    case = by_clearing
    case.mirror()
    case.tell(second())
    case.room.mirrors.plans.plan(case.link)
    found = case.compare()
    assert len(found.comparison.on_way) == sum(each.state == "intended" for each in case.documents()) > 0
    assert (found.comparison.breaks, found.unexplained, found.equal) == ([], {}, True)
    found = compared_while(case, "accounts", case.mirror)
    assert (found.comparison.on_way, found.equal) == ([], True)
    case.must_be_equal()


def test_what_is_undone_while_it_is_compared_is_no_break(by_clearing):
    case = by_clearing
    case.mirror()

    def undo():
        case.room.undos.undo(OWNER, case.link, since=FIRST, until=LAST, why="It was a trial.")

    assert compared_while(case, "documents", undo).comparison.breaks == []


def test_to_look_at_a_comparison_keeps_nothing(by_clearing):
    case = by_clearing
    case.mirror()
    case.shelf.delete(case.documents()[0].content.number)
    assert [each.cause for each in case.room.compares.compare(OWNER, case.link).comparison.breaks] == [
        "deleted"
    ]
    with case.db.transaction() as cx:
        assert open_problems(cx) == []
    case.room.compares.keep(OWNER, case.link)
    with case.db.transaction() as cx:
        assert [each.problem.kind for each in open_problems(cx)] == ["book_break_deleted"]
    reader = msgspec.structs.replace(OWNER, can=frozenset({"read"}))
    with pytest.raises(NotAllowed):
        case.room.compares.keep(reader, case.link)


def test_what_others_post_on_accounts_of_everybody_is_theirs(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.mirror()
    case.shelf.post(day="2026-01-20", debit=at["fees"], credit=at["bank"], minor=4_200)
    assert case.causes() == []


# --- undoing ---


def test_undone_is_nothing_in_every_account_and_stays_so(case):
    case.mirror()
    undone = case.room.undos.undo(OWNER, case.link, why="Kept wrongly", since=FIRST, until=LAST)
    assert undone.written == undone.reversed == len(case.documents()) // 2
    assert case.book() == {}
    assert case.causes() == []
    assert case.compare().undone == undone.reversed
    assert case.mirror().written == 0
    again = case.room.undos.undo(OWNER, case.link, why="Kept wrongly", since=FIRST, until=LAST)
    assert (again.written, case.book()) == (0, {})


def test_an_undoing_shows_exactly_what_it_reverses_and_waits(by_clearing):
    case = by_clearing
    case.mirror()
    before = case.book()
    wanted = {"book": case.link.connection_id, "since": FIRST, "until": LAST}
    made = case.room.kit.door.propose(OWNER, "books.undo", wanted, "Kept wrongly")
    assert (made.state, made.connection_id, made.mode) == ("waiting", case.link.connection_id, case.link.mode)
    there = [each for each in case.documents() if each.state == "done"]
    assert made.seen["documents"]["count"] == len(there)
    assert {each.currency: each.minor for each in made.preview.moves} == {
        currency: sum(each.total for each in there if each.currency == currency)
        for currency in {each.currency for each in there}
    }
    assert case.mirror().written == 0
    assert case.book() == before, "nothing is reversed before its yes"
    case.room.kit.door.approve(OWNER, made.proposal_id, made.call_hash)
    assert case.mirror().written == len(there)
    assert case.book() == {}


def test_an_undoing_says_which_documents_it_is_of_and_what_becomes_of_the_accounts(by_clearing):
    """The database counts, sums and tells apart what is undone: the same as the documents read one by one say."""
    case = by_clearing
    case.tell(second())
    case.mirror()
    last = max(each.day for each in case.documents())
    case.room.undos.undo(OWNER, case.link, why="Kept wrongly", since=last, until=LAST)
    wanted = {"book": case.link.connection_id, "since": FIRST, "until": LAST}
    made = case.room.kit.door.propose(OWNER, "books.undo", wanted, "Kept wrongly")
    there = [each for each in case.documents() if each.state == "done" and each.reverses is None]
    assert there
    assert any(each.state == "reversed" for each in case.documents())
    told = sorted(f"{each.key} {each.day} {each.total} {each.currency}" for each in there)
    totals: Counter[str] = Counter()
    sums: Counter[tuple[str, str]] = Counter()
    for each in there:
        totals[each.currency] += each.total
        for line in each.content.lines:
            sums[each.currency, line.account] -= line.minor
    assert made.seen["documents"] == {
        "count": len(there), "digest": hashlib.sha256("\n".join(told).encode()).hexdigest(),
        "totals": {currency: str(minor) for currency, minor in totals.items()},
    }  # fmt: skip
    names = {each.id: each.name for each in case.shelf.books.accounts(case.link)}
    effect = [
        f"{names[account]}: {'+' if minor > 0 else ''}{Money(minor, currency)}"
        for (currency, account), minor in sums.items()
        if minor
    ]
    assert sorted(made.preview.books) == sorted(effect)  # fmt: skip
    changes = [each.what for each in made.preview.changes[:8]]
    first = sorted(there, key=lambda each: (each.day, each.key))[:8]
    assert changes == [f"{each.content.number} of {each.day}" for each in first]
    assert made.preview.changes[8:][0].what == f"and {len(there) - 8} more"


def test_what_is_undone_of_a_closed_month_is_reversed_on_the_first_open_day(by_clearing):
    case = by_clearing
    case.tell(second())
    case.mirror()
    with case.db.transaction() as cx:
        close_period(cx, case.source, "2026-01", who="Ada", why="Month end")
    wanted = {"book": case.link.connection_id, "since": FIRST, "until": LAST}
    made = case.room.kit.door.propose(OWNER, "books.undo", wanted, "Kept wrongly")
    there = [each for each in case.documents() if each.state == "done"]
    moved = sum(each.day < "2026-02" for each in there)
    assert 0 < moved < len(there)
    assert made.preview.warnings == (
        f"The days of {moved} are closed: these are reversed on the first open day.",
    )
    assert made.preview.changes[0].after == "reversed on 2026-02-01"
    case.room.kit.door.approve(OWNER, made.proposal_id, made.call_hash)
    case.mirror()
    reversals = {each.reverses: each.day for each in case.documents() if each.reverses}
    assert reversals == {each.key: max(each.day, "2026-02-01") for each in there}


def test_a_closed_month_of_which_a_person_is_asked_is_not_undone(by_clearing):
    case = by_clearing
    case.mirror()
    with case.db.transaction() as cx:
        close_period(cx, case.source, "2026-01", who="Ada", why="Month end")
        configure(cx, case.source, timezone="UTC", late="ask")
    wanted = {"book": case.link.connection_id, "since": FIRST, "until": LAST}
    with pytest.raises(Refusal, match=r"2026-01-\d\d is closed: reopen it, or let late facts go"):
        case.room.kit.door.propose(OWNER, "books.undo", wanted, "Kept wrongly")


def test_days_are_counted_when_a_database_comes_to_keep_them(by_clearing, database_url):
    case = by_clearing
    case.tell(second())
    case.mirror()
    case.room.undos.undo(OWNER, case.link, why="Kept wrongly", since="2026-01-01", until="2026-01-31")
    with case.db.transaction() as cx:
        before = days.kept(cx)
    assert any(undone for *_, undone in before.values())
    assert any(standing for standing, *_ in before.values())
    with psycopg.connect(database_url, autocommit=True) as owner:
        for statement in (
            "drop table payout_only, payout_candidate, book_day cascade",
            "drop function payout_candidates_left, payout_candidates_came, payout_candidates_back, payout_solution_only cascade",
            "update alembic_version set version_num = '0022'",
        ):
            owner.execute(statement)
    migrate(database_url)
    with case.db.transaction() as cx:
        assert days.kept(cx) == before


def test_undone_to_be_posted_again_is_posted_again_by_another_method(case):
    case.mirror()
    case.room.undos.undo(OWNER, case.link, why="Kept wrongly", since=FIRST, until=LAST, again=True)
    case.agree("daily_summary" if case.documents()[0].subject != "2026-01-01" else "clearing")
    assert case.mirror().entries > 0
    case.must_be_equal()
    assert case.compare().undone == 0


def test_a_range_is_undone_and_no_more(by_clearing):
    case = by_clearing
    case.tell(second())
    case.mirror()
    case.room.undos.undo(
        OWNER, case.link, why="Kept wrongly", since="2026-02-01", until="2026-02-28", again=True
    )
    assert {each.subject for each in case.documents() if each.state == "reversed"} == {
        "txn_6",
        "txn_7",
        "txn_8",
        "txn_9",
        "txn_10",
    }
    case.mirror()
    case.must_be_equal()


def test_what_was_undone_beside_its_supplement_is_posted_again(db, link, room, folder):
    case = Case(db, link, folder, room, "daily_summary")
    case.mirror()
    folder.close("2026-01-31")
    case.tell([invoice("2", 5_000, {"txr_1": 500}, at=START + DAY), paid("2", "2", "2", 5_000)])
    assert case.mirror().written == 1
    (late,) = [each for each in case.documents() if each.day == "2026-02-01"]
    assert "supplement 2" in late.content.memo
    case.room.undos.undo(
        OWNER, case.link, why="Kept wrongly", since="2026-01-01", until="2026-01-31", again=True
    )
    assert case.mirror().coverage.waiting == []
    assert [each.state for each in case.documents() if each.key == late.key] == ["done"]
    case.must_be_equal()


# --- what may be changed, and what may not ---


def test_the_method_is_not_changed_while_the_book_holds_entries(case):
    case.mirror()
    other = "clearing" if case.documents()[0].subject != "txn_1" else "deposit"
    with pytest.raises(Refusal, match="undo them first"):
        case.agree(other)
    case.tell(second(), third())
    case.agree(other, from_now=True)
    case.mirror()
    case.must_be_equal()


def test_another_mapping_is_another_approval(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.mirror()
    before = case.room.named(OWNER, str(case.shelf.connection.id)).book
    case.tell(second())
    case.room.mirrors.plans.plan(case.link)  # planned by the old mapping, and not sent
    after = case.agree("clearing", processing_fees=at["sales"])
    assert after.standing_id != before.standing_id
    standing = case.room.kit.door.governing.standing(OWNER, before.standing_id)
    assert standing["state"] == "ended"
    case.mirror()
    lines = [line for each in case.posted() if each.key.endswith("txn_6") for line in each.lines]
    assert at["fees"] not in {line.account for line in lines}
    assert case.causes() == []


def test_what_is_not_mapped_is_refused_not_guessed(by_clearing):
    case = by_clearing
    shown = case.room.setups.propose(
        OWNER, case.link, method="clearing", chosen={**case.shelf.chosen, "revenue": "Nowhere"}
    )
    with pytest.raises(Refusal, match="no account Nowhere"):
        case.room.setups.agree(OWNER, case.link, shown.choice(), "why")


def test_a_setup_that_fails_leaves_no_standing_approval_behind(by_clearing):
    case = by_clearing
    before = case.room.named(OWNER, str(case.link.connection_id)).book
    choice = case.room.setups.propose(OWNER, case.link, method="clearing", chosen=case.shelf.chosen).choice()
    with pytest.raises(psycopg.errors.NumericValueOutOfRange):
        case.room.setups.agree(
            OWNER, case.link, msgspec.structs.replace(choice, most_lines=2**40), "Too many lines."
        )
    left = case.room.kit.door.governing.standings(OWNER)
    assert [each["id"] for each in left if each["state"] == "open"] == [before.standing_id]


def test_an_account_is_mapped_by_its_name_as_by_its_id(by_clearing):
    case = by_clearing
    [sales] = [
        each
        for each in case.room.kit.reader(case.link).accounts(case.link)
        if each.id == case.shelf.accounts["sales"]
    ]
    for word in (sales.id, sales.name, sales.name.upper()):
        shown = case.room.setups.propose(
            OWNER, case.link, chosen={**case.shelf.chosen, "processing_fees": word}
        )
        assert shown.mapping.line("processing_fees", "USD").account == sales.id


@pytest.mark.parametrize("since", ["2026-01-15", "2026-13-01", "this-year-01"])
def test_a_book_begins_with_a_month(by_clearing, since):
    case = by_clearing
    shown = case.room.setups.propose(OWNER, case.link, method="clearing", chosen=case.shelf.chosen)
    with pytest.raises(Refusal, match="begins with a month"):
        case.room.setups.agree(OWNER, case.link, msgspec.structs.replace(shown.choice(), since=since), "why")


def test_the_mirror_stops_when_its_right_is_taken_back_and_goes_on_when_it_is_given(case):
    pattern = f"{case.link.system}.journal_entries.create"
    case.room.kit.door.governing.revoke_now(
        OWNER, connection_id=case.link.connection_id, grantee="agent:mirror", pattern=pattern, why="Stop."
    )
    if case.room.named(OWNER, str(case.shelf.connection.id)).book.method != "deposit":
        with pytest.raises(NotAllowed):
            case.mirror()
        assert case.posted() == []
    case.agree(case.room.named(OWNER, str(case.shelf.connection.id)).book.method)
    case.mirror()
    case.must_be_equal()


def _limits(case, **more) -> None:
    """Nothing may be done in this workspace without two people, nor more than one call and one dollar a day."""
    for limit in ({"day_minor": 100}, {"day_count": 1}, {"four_eyes_minor": 0}):
        budget = Budget(id=0, grantee="*", pattern="*", currency="USD", **limit, **more)
        case.room.kit.door.governing.set_budget(OWNER, connection_id=None, budget=budget)


def test_copies_of_what_has_happened_use_no_budget_and_need_no_second_eyes(case):
    _limits(case)
    case.mirror()
    case.must_be_equal()
    with case.db.transaction() as cx:
        assert cx.execute("select count(*) from budget_use").fetchone() == (0,)


def test_a_document_that_somebody_asks_for_stands_under_budgets_and_four_eyes(by_clearing):
    """By hand it is no copy, nor under an approval that is not the book's own."""
    case = by_clearing
    case.room.mirrors.plans.plan(case.link)
    one, two, *_ = [
        params_of(each.content) for each in case.documents() if each.content.kind == "journal_entry"
    ]
    where = {"account": case.link.account, "mode": case.link.mode}
    create = writes(case.link.system, "journal_entry")
    door = case.room.kit.door
    governing = door.governing
    governing.permit(OWNER, connection_id=None, grantee=OWNER.who, pattern=create, allowed=True)
    _limits(case)
    asked = door.propose(OWNER, create, one | where, "By hand")
    assert asked.preview.warnings or not asked.preview.moves
    assert asked.four_eyes
    with pytest.raises(NotAllowed, match="four eyes"):
        door.approve(OWNER, asked.proposal_id, asked.call_hash)

    terms = {"mapping": [], "method": "clearing"}
    mine = Terms(grantee=OWNER.who, patterns=(create,), connection_id=case.link.connection_id, terms=terms)
    standing = governing.agree(OWNER, mine, "Mine")
    with pytest.raises(NotAllowed, match="four eyes"):
        door.propose(OWNER, create, two | where, Asked(reason="Mine", under=standing, terms=terms))


def test_a_standing_approval_that_was_stopped_lets_nothing_through(by_clearing):
    case = by_clearing
    book = case.room.named(OWNER, str(case.shelf.connection.id)).book
    with case.db.transaction() as cx:
        rights_store.set_standing(cx, 1, book.standing_id, "stopped", why="Looking at it.")
    with pytest.raises(NotAllowed, match="is stopped"):
        case.mirror()
    assert case.posted() == []
    with case.db.transaction() as cx:
        rights_store.set_standing(cx, 1, book.standing_id, "open", why="It is fine.")
    case.mirror()
    case.must_be_equal()


def test_closed_months_of_the_workspace_and_of_the_book_are_not_written(by_clearing):
    case = by_clearing
    case.tell(second())
    with case.db.transaction() as cx:
        close_period(cx, case.source, "2026-01", who="person:1", why="done")
    case.shelf.close("2026-02-28")
    case.mirror()
    found = {each.subject: each for each in case.documents()}
    assert (found["txn_1"].day, found["txn_6"].day) == ("2026-03-01", "2026-03-01")
    assert found["txn_1"].content.memo.endswith("Of 2026-01-01, which is closed.")
    assert min(each.day for each in case.posted()) == "2026-03-01"
    case.must_be_equal()


def test_what_the_book_refuses_is_told_and_tried_again_when_asked(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.room.mirrors.plans.plan(case.link)
    case.shelf.retire(at["fees"])
    done = case.mirror()
    assert {each.subject for each in done.refused} >= {"txn_1", "txn_2"}
    assert case.causes() == ["refused"] * len(done.refused)
    assert case.mirror().written == 0
    case.shelf.retire(at["fees"], back=True)
    assert case.mirror(retry=True).refused == []
    case.must_be_equal()


def test_what_goes_to_an_account_that_was_retired_waits_and_the_rest_is_written(by_clearing):
    case, at = by_clearing, by_clearing.shelf.accounts
    case.shelf.retire(at["fees"])
    done = case.mirror()
    assert done.refused == []
    assert {each.booked.entry.key for each in done.coverage.waiting} >= {"txn_1", "txn_2"}
    assert {each.cause for each in done.coverage.waiting} == {"unmapped"}
    assert case.causes() == []
    case.shelf.retire(at["fees"], back=True)
    case.mirror()
    case.must_be_equal()


# --- trouble on the way ---


class Crash(BaseException):
    """The process dies here."""


class Dying(Door):
    """A door whose process dies after it has written down what was asked for, or after it was done."""

    def __init__(self, door: Door, point: str) -> None:
        super().__init__(door.kit)
        self.point: str | None = point
        self.batches.perform = self._dying(self.batches.perform)
        self.calls.perform = self._dying(self.calls.perform)

    def propose_batch(self, *args, **how):
        made = super().propose_batch(*args, **how)
        if self.point == "asked":
            self.point = None
            raise Crash
        return made

    def _dying(self, perform):
        def dies(*args, **how):
            told = perform(*args, **how)
            if self.point == "done":
                self.point = None
                raise Crash
            return told

        return dies


@pytest.mark.parametrize("point", ["planned", "asked", "done"])
def test_after_a_crash_it_goes_on_where_it_was(case, point):
    if point == "planned":
        case.room.mirrors.plans.plan(case.link)
    else:
        kit = case.room.kit
        dying = BookRoom(BookKit(db=kit.db, door=Dying(kit.door, point), books=kit.books, patience_seconds=5))
        with pytest.raises(Crash):
            dying.mirrors.mirror(case.link)
    case.mirror()
    case.must_be_equal()


def test_two_who_mirror_at_once_write_everything_once(case):
    case.tell(second(), third())
    errors: list[BaseException] = []
    left: list[int] = []
    case.room.kit.rows = 2

    def go() -> None:
        try:
            case.room.mirrors.mirror(case.link)
            with case.room.kit.db.transaction() as cx:
                left.append(store.tally(cx, case.link).intended)
        except Exception as error:  # noqa: BLE001 (told below)
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(3)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert errors == []
    assert left == [0, 0, 0], "who came back while another still wrote"
    case.mirror()
    case.must_be_equal()


KINDS = ["cut_before", "cut_after", "429", "500", "slow", "slow_after", "token_revoked"]


@pytest.mark.storm
def test_no_document_is_missing_or_doubled_in_a_storm(case):
    """Each kind happens, in an order drawn from the seed; where somebody took the access back, a person signs in again."""
    chance = random.Random(7)
    case.room.kit.rows = 3
    kinds = chance.sample(KINDS, len(KINDS))
    for part in (second(), third()):
        for _ in range(4):
            if kinds:
                kind = kinds.pop()
                case.shelf.fault(kind, times=chance.randint(1, 2) if kind in {"429", "500"} else 1)
            if chance.random() < 0.5:
                case.room.mirrors.plans.plan(case.link)
            try:
                case.mirror()
            except Outage:
                continue
            except Refusal:
                case.shelf.sign_in()
        case.tell(part)
    assert kinds == []
    case.shelf.calm()
    case.mirror()
    case.must_be_equal()


@pytest.mark.parametrize("kind", ["token_revoked", "slow_after"])
def test_access_taken_back_or_an_answer_that_came_too_late_costs_no_document(by_deposit, kind):
    case = by_deposit
    case.tell(second(), third())
    case.room.mirrors.plans.plan(case.link)
    case.shelf.fault(kind, times=1)
    try:
        case.mirror()
    except (Outage, Refusal):
        case.shelf.sign_in()
    assert case.shelf.happened(kind) == 1, "the fault was met"
    case.mirror()
    assert [each.state for each in case.documents()] == ["done"] * len(case.documents())
    case.must_be_equal()
