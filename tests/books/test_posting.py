"""The laws of the posting methods: whatever the journal holds, and however late it is told, a book holds the same, once."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.journal.shapes import DAY, START, bt

from bookhand.books.mapping import Finder, MapLine, Mapping
from bookhand.books.posting import clearing, deposit, summary
from bookhand.books.posting.deposit import Payouts
from bookhand.books.posting.lines import CLEARING, Booked, Days, Desk, Planned, clearing_of
from bookhand.core.book import BookLine
from bookhand.core.entry import Entry, Posting
from bookhand.core.facts import Link
from bookhand.journal.rows import day_text
from bookhand.journal.rules import entry_of

LINK = Link(workspace_id=1, connection_id=1, system="stripe", account="acct_1", mode="test", api_version="v")
ROLES = {
    "stripe_clearing": "clearing", "bank_in_transit": "bank", "revenue": "sales", "refunds": "sales", "processing_fees": "fees",
    "dispute_fees": "fees", "disputes_pending": "disputes", "disputes_losses": "losses", "fx_conversion": "fx", "payout_fees": "fees",
    "opening_balances": "equity", "refunds_payable": "owed", "instant_payout_bridge": "bridge",
}  # fmt: skip
MAPPING = Mapping(tuple(MapLine(role, account) for role, account in ROLES.items()))
TODAY = "2026-03-01"


def desk(mapping: Mapping = MAPPING, **how) -> Desk:
    return Desk(link=LINK, find=Finder(mapping), days=how.pop("days", Days()), **how)


def booked(entry: Entry) -> Booked:
    return Booked(day_text(entry.happened_at, "UTC"), entry)


class Journal:
    """Entries with what Stripe says of payouts."""

    def __init__(self) -> None:
        self.entries: dict[str, Booked] = {}
        self.of: dict[str, str] = {}
        self.broken: set[str] = set()

    def tell(self, key: str, amount: int, **how) -> int:
        move = bt(key, amount, **how)
        entry, _ = entry_of(move)
        self.entries[key] = booked(entry)
        return move.net

    def add(
        self,
        key: str,
        lines: list[tuple[str, str, int]],
        *,
        follows: str,
        at: int = START,
        kind: str = "exchange",
    ) -> None:
        postings = tuple(Posting(*line) for line in lines)
        entry = Entry(
            key=key,
            happened_at=at,
            kind=kind,
            why=key,
            postings=postings,
            refs={"balance_transaction": follows},
        )
        self.entries[key] = booked(entry)


MONEY = st.integers(1, 50_000)


@st.composite
def journals(draw) -> Journal:
    journal = Journal()
    for payout in range(draw(st.integers(0, 3))):
        at = START + payout * 9 * DAY
        net = sum(
            movement(draw, journal, f"txn_{payout}_{n}", f"po_{payout}", at)
            for n in range(draw(st.integers(0, 4)))
        )
        paid_out(draw, journal, payout, net, at)
    return journal


def movement(draw, journal: Journal, key: str, payout: str, at: int) -> int:
    """Something that moved money, and what of it goes out with the payout."""
    when, amount = at + draw(st.integers(0, 5)) * DAY, draw(MONEY)
    kind = draw(st.sampled_from(["charge", "refund", "dispute", "fx", "refund_failure"]))
    sign = 1 if kind in {"charge", "refund_failure", "fx"} else -1
    category = "charge" if kind == "fx" else kind
    net = journal.tell(
        key, sign * amount, category=category, fee=draw(st.integers(0, 900)), source=f"x_{key}", at=when
    )
    if kind == "fx":
        lines = [
            ("revenue", "USD", amount),
            ("fx_conversion", "USD", -amount),
            ("fx_conversion", "EUR", amount + 7),
            ("revenue", "EUR", -amount - 7),
        ]
        journal.add(f"{key}:fx", lines, follows=key, at=when)
    if kind == "dispute" and draw(st.booleans()):
        lines = [("disputes_losses", "USD", amount), ("disputes_pending", "USD", -amount)]
        journal.add(f"{key}:lost", lines, follows=key, at=when, kind="dispute_lost")
    if not draw(st.integers(0, 9)):
        return 0  # it is not paid out yet
    journal.of[key] = payout
    return net


def paid_out(draw, journal: Journal, payout: int, net: int, at: int) -> None:
    """The payout itself, whole or not; it may come back."""
    name, own = f"po_{payout}", f"txn_po_{payout}"
    fate = draw(st.sampled_from(["whole", "whole", "whole", "off", "manual", "not told"]))
    if not net or fate == "not told":
        journal.broken.add(name)
        return
    journal.tell(own, -net, category="payout", source=name, at=at + 6 * DAY)
    if fate != "whole":
        journal.broken.add(name)
    if fate == "manual":
        journal.of = {key: of for key, of in journal.of.items() if of != name}
    else:
        journal.of[own] = name
    if draw(st.booleans()):  # it came back, and goes out with a payout later or not yet
        journal.tell(f"{own}_back", net, category="payout_reversal", source=name, at=at + 8 * DAY)
        if payout and draw(st.booleans()):
            journal.of[f"{own}_back"] = name


def bt_net(journal: Journal, key: str) -> int:
    return clearing_of(journal.entries[key].entry).get("USD", 0)


def planned(
    method: str, held: list[Booked], journal: Journal, parts: Counter[str], how: Desk | None = None
) -> Planned:
    if method == "clearing":
        return clearing.plan(how or desk(), held)
    if method == "daily_summary":
        return summary.plan(how or desk(), held, today=TODAY, parts=parts)
    whole = {payout for payout in journal.of.values() if payout not in journal.broken}
    return deposit.plan(how or desk(), held, Payouts(of=journal.of, whole=whole, parts=parts))


def mapped(entries) -> Counter[tuple[str, str]]:
    sums: Counter[tuple[str, str]] = Counter()
    for each in entries:
        for posting in each.entry.postings:
            sums[ROLES[posting.account.partition(":")[0]], posting.currency] += posting.minor
    return nonzero(sums)


def nonzero(sums):
    return {where: minor for where, minor in sums.items() if minor}


def said(documents) -> dict[tuple[str, str], int]:
    sums: Counter[tuple[str, str]] = Counter()
    for document in documents:
        for line in document.lines:
            sums[line.account, document.currency] += line.minor
    return nonzero(sums)


METHODS = ["clearing", "deposit", "daily_summary"]


@pytest.mark.parametrize("method", METHODS)
@given(data=st.data())
def test_a_book_says_what_the_entries_it_covers_say_each_once(method, data):
    journal = data.draw(journals())
    told = data.draw(st.permutations(sorted(journal.entries)))
    rounds = data.draw(st.integers(1, 3))
    covered: dict[str, Booked] = {}
    documents, parts = [], Counter[str]()
    for turn in range(rounds):  # what is told later is planned later, and the last time everything is told
        there = told if turn == rounds - 1 else told[: len(told) * (turn + 1) // rounds]
        held = [journal.entries[key] for key in sorted(there) if key not in covered]
        made = planned(method, held, journal, parts)
        for bundle in made.bundles:
            keys = [each.entry.key for each in bundle.booked]
            assert not covered.keys() & set(keys)
            assert len(set(keys)) == len(keys)
            covered |= {each.entry.key: each for each in bundle.booked}
            documents += bundle.documents
            parts[bundle.subject] += 1
            assert said(bundle.documents) == mapped(bundle.booked)
            assert bundle.base == bundle.documents[0].key
        waiting = [each.booked.entry.key for each in made.waiting]
        assert sorted(
            [*waiting, *(each.entry.key for bundle in made.bundles for each in bundle.booked)]
        ) == sorted(each.entry.key for each in held)
    assert said(documents) == mapped(covered.values())
    assert len({document.key for document in documents}) == len(documents)
    for document in documents:
        assert document.imbalance == 0
        assert len(document.lines) > 1
        assert all(line.minor for line in document.lines)
        assert document.kind != "deposit" or document.lines[0] == max(
            document.lines, key=lambda line: (line.account == "bank", line.minor)
        )
    if method == "clearing":
        assert covered.keys() == journal.entries.keys()
    everything = mapped(journal.entries.values())
    left = mapped(journal.entries[key] for key in journal.entries.keys() - covered.keys())
    for where in everything.keys() | left.keys():
        assert said(documents).get(where, 0) + left.get(where, 0) == everything.get(where, 0)


@given(journal=journals())
def test_a_whole_payout_leaves_nothing_on_clearing_and_one_that_is_not_whole_waits(journal):
    made = planned("deposit", [*journal.entries.values()], journal, Counter())
    for bundle in made.bundles:
        if not bundle.subject.startswith("po_"):
            continue
        assert bundle.subject not in journal.broken
        backs = [each for each in bundle.booked if each.entry.key.endswith("_back")]
        assert not backs, "what comes back from the bank is posted on its own day"
        returned = sum(
            bt_net(journal, key)
            for key, of in journal.of.items()
            if of == bundle.subject and key.endswith("_back")
        )
        on_clearing = said(bundle.documents).get(("clearing", "USD"), 0)
        assert on_clearing == sum(bt_net(journal, each.entry.key) for each in bundle.booked)
        if not returned:
            own = next(each for each in bundle.booked if each.entry.kind == "payout")
            rest = sum(bt_net(journal, key) for key, of in journal.of.items() if of == bundle.subject)
            assert on_clearing == rest
            assert own.day == bundle.documents[0].day
    for waits in made.waiting:
        assert waits.cause in {"payout", "breakdown"}
    kept = {each.entry.key for bundle in made.bundles for each in bundle.booked}
    for key, payout in journal.of.items():
        if payout in journal.broken and key in journal.entries and not key.endswith("_back"):
            assert key not in kept


def a_payout() -> Journal:
    """A charge with tax and fee, a refund, a lost dispute and a payout of 60.20; another charge that is not paid out."""
    journal = Journal()
    journal.tell("txn_1", 10_000, fee=320, source="ch_1")
    journal.tell("txn_2", -1_500, category="refund", source="re_1", at=START + DAY)
    journal.tell("txn_3", -660, category="dispute", fee=1_500, source="dp_1", at=START + DAY)
    journal.add(
        "txn_3:lost",
        [("disputes_losses", "USD", 660), ("disputes_pending", "USD", -660)],
        follows="txn_3",
        at=START + DAY,
        kind="dispute_lost",
    )
    journal.tell("txn_4", -6_020, category="payout", source="po_1", at=START + 2 * DAY)
    journal.tell("txn_5", 700, fee=20, source="ch_2", at=START + 2 * DAY)
    journal.of = dict.fromkeys(("txn_1", "txn_2", "txn_3", "txn_4"), "po_1")
    return journal


def test_a_deposit_reads_like_the_payout():
    journal = a_payout()
    made = planned("deposit", [*journal.entries.values()], journal, Counter())
    [bundle] = made.bundles
    [document] = bundle.documents
    assert (document.kind, document.key, document.day, document.memo) == (
        "deposit",
        "acct_1:test:po_1",
        "2026-01-03",
        "Payout po_1, 4 entries",
    )
    assert [(line.account, line.minor, line.memo) for line in document.lines] == [
        ("bank", 6_020, "Payout po_1 txn_4"),
        ("sales", -10_000, "Gross ch_1 txn_1"),
        ("fees", 320, "Fee ch_1 txn_1"),
        ("sales", 1_500, "Refund re_1 txn_2"),
        ("disputes", 660, "Dispute dp_1 txn_3"),
        ("fees", 1_500, "Fee dp_1 txn_3"),
        ("losses", 660, "Dispute txn_3 txn_3:lost"),
        ("disputes", -660, "Dispute txn_3 txn_3:lost"),
    ]
    [waits] = made.waiting
    assert (waits.booked.entry.key, waits.cause, clearing_of(waits.booked.entry)) == (
        "txn_5",
        "payout",
        {"USD": 680},
    )


def test_what_was_booked_before_is_taken_up_from_clearing():
    journal = a_payout()
    held = [each for key, each in journal.entries.items() if key != "txn_1"]
    [bundle] = planned("deposit", held, journal, Counter()).bundles
    assert bundle.documents[0].lines[-1] == BookLine("clearing", -9_680, "Clearing, booked before")


def test_a_payout_that_takes_from_the_bank_is_a_journal_entry():
    journal = Journal()
    journal.tell("txn_1", -5_000, category="refund", source="re_1")
    journal.tell("txn_2", 5_000, category="payout", source="po_1", at=START + DAY)
    journal.of = dict.fromkeys(("txn_1", "txn_2"), "po_1")
    [bundle] = planned("deposit", [*journal.entries.values()], journal, Counter()).bundles
    assert bundle.documents[0].kind == "journal_entry"
    assert bundle.documents[0].lines[0].minor == -5_000


def test_a_payout_of_too_many_lines_is_summed_up_and_says_so():
    journal, net = Journal(), 0
    for n in range(60):
        net += journal.tell(f"txn_{n}", 1_000, fee=30, source=f"ch_{n}")
        journal.of[f"txn_{n}"] = "po_1"
    journal.tell("txn_po", -net, category="payout", source="po_1", at=START + DAY)
    journal.of["txn_po"] = "po_1"
    [bundle] = planned(
        "deposit", [*journal.entries.values()], journal, Counter(), desk(most_lines=100)
    ).bundles
    [document] = bundle.documents
    assert [(line.account, line.minor, line.memo) for line in document.lines] == [
        ("bank", net, "Payout po_1 txn_po"), ("sales", -60_000, "Gross (60 lines)"), ("fees", 1_800, "Fee (60 lines)")
    ]  # fmt: skip
    assert "121 lines, summed up" in document.memo


def test_what_is_not_mapped_waits_and_is_never_guessed():
    mapping = Mapping(tuple(line for line in MAPPING.lines if line.journal != "disputes_losses"))
    journal = a_payout()
    for method, waiting in (
        ("clearing", ["txn_3:lost"]),
        ("daily_summary", ["txn_2", "txn_3", "txn_3:lost"]),
    ):
        made = planned(method, [*journal.entries.values()], journal, Counter(), desk(mapping))
        assert [each.booked.entry.key for each in made.waiting] == waiting
        assert {each.cause for each in made.waiting} == {"unmapped"}
    made = planned("deposit", [*journal.entries.values()], journal, Counter(), desk(mapping))
    assert made.bundles == []


@pytest.mark.parametrize(("late", "day"), [("post_open", "2026-02-01"), ("ask", None)])
def test_a_closed_day_is_never_moved_silently(late, day):
    journal = Journal()
    journal.tell("txn_1", 10_000, fee=320, source="ch_1")
    made = planned(
        "clearing",
        [*journal.entries.values()],
        journal,
        Counter(),
        desk(days=Days(closed=frozenset({"2026-01"}), late=late)),
    )
    if day is None:
        assert [(each.cause, each.subject) for each in made.waiting] == [("closed", "2026-01-01")]
    else:
        [document] = made.bundles[0].documents
        assert (document.day, document.memo) == (day, "Charge ch_1 Of 2026-01-01, which is closed.")


def test_a_day_that_was_summed_up_gets_a_supplement_and_today_waits():
    journal = Journal()
    journal.tell("txn_1", 10_000, source="ch_1")
    journal.tell("txn_2", 500, source="ch_2", at=START + 59 * DAY)
    held = [*journal.entries.values()]
    made = planned("daily_summary", held, journal, Counter({"2026-01-01": 1}))
    assert [bundle.base for bundle in made.bundles] == ["acct_1:test:2026-01-01:2"]
    assert [(each.booked.entry.key, each.cause) for each in made.waiting] == [("txn_2", "open_day")]


def test_after_an_undo_the_next_one_has_a_key_of_its_own():
    journal = Journal()
    journal.tell("txn_1", 10_000, source="ch_1")
    made = planned(
        "clearing", [*journal.entries.values()], journal, Counter(), desk(rounds={"acct_1:test:txn_1": 1})
    )
    assert made.bundles[0].base == "acct_1:test:txn_1:again1"
    assert CLEARING in {line.account for line in journal.entries["txn_1"].entry.postings}


def test_the_members_of_a_payout_that_was_not_told_yet_wait():
    journal = a_payout()
    held = [each for key, each in journal.entries.items() if key != "txn_4"]
    made = planned("deposit", held, journal, Counter())
    assert made.bundles == []
    assert [each.subject for each in made.waiting] == ["", "po_1", "po_1", "po_1", "po_1"]


def test_an_instant_payout_that_was_taken_out_of_another_stands_on_its_own_day():
    journal = a_payout()
    journal.tell("txn_6", 1_000, category="advance", source="po_now", at=START + DAY)
    journal.tell("txn_7", -1_000, category="payout", source="po_now", at=START + DAY)
    journal.of |= {"txn_6": "po_1", "txn_7": "po_1"}
    made = planned("deposit", [*journal.entries.values()], journal, Counter())
    found = {bundle.subject: bundle.documents[0] for bundle in made.bundles}
    assert [(line.account, line.minor) for line in found["txn_7"].lines] == [
        ("clearing", -1_000),
        ("bank", 1_000),
    ]
    assert found["po_1"].lines[0].minor == 6_020
    assert found["po_1"].lines[-1] == BookLine("clearing", 1_000, "Clearing, taken out before")
    assert said(document for document in found.values()).get(("clearing", "USD")) is None
