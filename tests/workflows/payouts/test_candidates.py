"""What payouts made by hand may hold is kept where movements come and go, and is always what a look through everything says."""

from __future__ import annotations

import random
from contextlib import suppress

import psycopg
from tests.journal.shapes import DAY, START, a_year, bt, members, seen

from bookhand.core.caller import Caller, capabilities
from bookhand.core.facts import Payout, PayoutMember, Seen
from bookhand.core.problems import Conflict, Refusal
from bookhand.db.schema import migrate
from bookhand.journal.workflow import close_period, configure, read, release_waiting, reopen_period
from bookhand.workflows.payouts import payout_store
from bookhand.workflows.payouts.contents import solving_store
from bookhand.workflows.payouts.contents.proposed import Proposed
from bookhand.workflows.payouts.contents.solving_store import miskept
from bookhand.workflows.payouts.payout_store import get

ANA = Caller(
    workspace_id=1, who="person:1", name="Ana", role="operator", can=capabilities("operator"), channel="cli"
)
LOOK = """
    select e.key, e.happened_at, e.net from journal_entry e
    where e.connection_id = %(connection)s and e.settles = %(currency)s and e.happened_at <= %(created)s
        and e.accounts[1] = 'stripe_clearing:payments' and e.kind not in ('payout', 'advance')
        and not exists (select from journal_member m where m.connection_id = e.connection_id and m.balance_transaction = e.key)
        and not exists (select from payout_confirmed c where c.connection_id = e.connection_id and c.balance_transaction = e.key)
        and not exists (select from payout q where q.connection_id = e.connection_id and q.payout_id = e.source collate "default"
            and e.kind = 'payout_reversal' and not q.automatic)
        and not exists (select from payout_solution s join payout p on p.connection_id = s.connection_id and p.payout_id = s.payout_id
            where s.connection_id = e.connection_id and s.outcome = 'unique' and p.status not in ('canceled', 'failed')
                and (p.created, p.payout_id) < (%(created)s, %(payout)s) and e.key = any (s.members))
    order by e.happened_at, e.key
"""
"""A look through everything, as plainly as it can be said."""

SEEN = {
    "in two solutions": "(select from payout_only group by balance_transaction having count(*) > 1) t",
    "in a solution of a failed payout": "payout_only o join payout p using (payout_id) where p.status = 'failed'",
    "in a word and a list": "payout_confirmed c join journal_member m using (balance_transaction)",
}
"""What has to come about by chance, or nothing is tried."""


def looked(cx, link, payout):
    asked = {
        "connection": link.connection_id, "currency": payout.currency, "created": payout.created, "payout": payout.id,
    }  # fmt: skip
    return cx.execute(LOOK, asked).fetchall()


def found(cx, link, payout, *, most=2001):
    asked = {
        "workspace": link.workspace_id, "connection": link.connection_id, "currency": payout.currency, "created": payout.created,
        "payout": payout.id, "most": most,
    }  # fmt: skip
    return [row[:3] for row in cx.execute(solving_store._CANDIDATES, asked)]


def by_hand(name, amount, *, at, currency="USD", status="paid"):
    return Payout(
        id=name, created=at, currency=currency, amount=amount, status=status, automatic=False, method="standard", arrival_date=at,
        reconciliation_status="not_applicable", balance_transaction=f"txn_{name}",
    )  # fmt: skip


def tell(cx, link, facts, *, as_of=START):
    told = [Seen(fact=fact, delivery=1, as_of=as_of, told_by="listed") for fact in facts]
    read(cx, link, told)
    payout_store.read(cx, link, told)


class Company:
    """One connection to which anything may happen, by chance."""

    def __init__(self, cx, link, chance):
        self.cx, self.link, self.chance = cx, link, chance
        self.now, self.count = START, 0
        self.payouts, self.meant, self.unposted = {}, {}, []

    def name(self, kind):
        self.count += 1
        return f"{kind}_{self.link.connection_id}_{self.count:04}"

    def money(self):
        made = []
        for _ in range(self.chance.randint(1, 4)):
            self.now += self.chance.randint(0, DAY)
            kind = self.chance.choice(["charge", "charge", "refund", "payout_reversal", "advance", "riddle"])
            source = "po_nobody" if kind == "advance" else self.chance.choice([*self.payouts, "po_nobody"])
            made.append(
                bt(
                    self.name("txn"), self.chance.randint(1, 9) * 100 * (-1 if kind == "refund" else 1), category=kind, source=source,
                    at=self.now - self.chance.randint(0, 3 * DAY), currency=self.chance.choice(["USD", "USD", "EUR"]),
                    balance_type=self.chance.choice(["payments", "payments", "issuing"]),
                )
            )  # fmt: skip
        first = self.chance.random() < 0.3
        if first:  # Stripe's list of what is in a payout comes before the movements
            self.listed([fact.id for fact in made])
        tell(self.cx, self.link, made)

    def listed(self, keys=()):
        table = self.chance.choice(["payout_only", "payout_confirmed", "payout_candidate"])
        loose = keys or [
            key for (key,) in self.cx.execute(f"select distinct balance_transaction from {table} where connection_id = %s order by 1",
                                              (self.link.connection_id,))
        ]  # fmt: skip
        for key in self.chance.sample(loose, min(len(loose), self.chance.randint(0, 2))):
            tell(self.cx, self.link, [PayoutMember(payout="po_auto", balance_transaction=key)])

    def paid(self):
        currency = self.chance.choice(["USD", "USD", "EUR"])
        at = self.now - self.chance.randint(0, 6 * DAY)
        name = self.name("po")
        free = looked(self.cx, self.link, by_hand(name, 1, at=at, currency=currency))
        chosen = self.chance.sample(free, self.chance.randint(0, len(free)))
        amount = sum(net for _, _, net in chosen)
        if amount > 0:
            self.payouts[name] = by_hand(name, amount, at=at, currency=currency)
            self.meant[name] = [key for key, _, _ in chosen]
            out = bt(f"txn_{name}", -amount, category="payout", source=name, at=at, currency=currency)
            tell(self.cx, self.link, [self.payouts[name], out])

    def solved(self):
        if self.payouts:
            name = self.chance.choice([*self.payouts])
            free = [key for key, *_ in looked(self.cx, self.link, self.payouts[name])]
            chosen = self.chance.sample(free, -(-len(free) // 2))
            if {*self.meant[name]} <= {*free} and self.chance.random() < 0.5:
                chosen = self.meant[name]
            outcome = self.chance.choice(["unique", "unique", "ambiguous"])
            if self.proposed(name) != "confirmed":
                made = Proposed(
                    payout=name, outcome=outcome, how="searched", at_least=1, candidates=len(free), members=tuple(chosen), fee=0, says=""
                )  # fmt: skip
                solving_store._put(self.cx, self.link, made)

    def proposed(self, name):
        known = solving_store.proposed(self.cx, self.link, name)
        return known and known.outcome

    def said(self):
        if self.payouts:
            name = self.chance.choice([*self.payouts])
            with suppress(Refusal, Conflict), self.cx.transaction():
                solving_store.confirm(self.cx, self.link, ANA, get(self.cx, name), self.meant[name])

    def taken_back(self):
        if self.payouts:
            solving_store.take_back(self.cx, self.link, self.chance.choice([*self.payouts]))

    def failed(self):
        if self.payouts and self.chance.random() < 0.5:
            name = self.chance.choice([*self.payouts])
            one = self.payouts[name]
            self.payouts[name] = by_hand(
                name, one.amount, at=one.created, currency=one.currency, status="failed"
            )
            tell(self.cx, self.link, [self.payouts[name]], as_of=START + 1)

    def holds(self, some):
        assert miskept(self.cx, self.link) == []
        for payout in self.chance.sample([*self.payouts.values()], min(some, len(self.payouts))):
            assert found(self.cx, self.link, payout) == looked(self.cx, self.link, payout)


WHAT = (
    "money",
    "money",
    "listed",
    "paid",
    "paid",
    "solved",
    "solved",
    "solved",
    "solved",
    "said",
    "taken_back",
    "failed",
)


def test_whatever_happens_the_kept_candidates_are_those_of_a_full_look(db, new_link):
    kept = dict.fromkeys(("payout_confirmed", "payout_candidate", *SEEN), 0)
    for seed in range(8):
        chance = random.Random(seed)
        with db.transaction() as cx:
            companies = [Company(cx, new_link(account=f"acct_{seed}_{n}"), chance) for n in range(2)]
            for _ in range(110):
                getattr(chance.choice(companies), chance.choice(WHAT))()
                for each in companies:
                    each.holds(3)
                for name, most in kept.items():
                    (count,) = cx.execute(f"select count(*) from {SEEN.get(name, name)}").fetchone()
                    kept[name] = max(count, most)
    assert all(kept.values()), kept


def test_facts_in_any_order_leave_the_same_candidates(db, new_link):
    ends = set()
    for seed in range(5):
        chance, facts, link = random.Random(seed), a_year(), new_link(account=f"acct_{seed}")
        chance.shuffle(facts)
        with db.transaction() as cx:
            for start in range(0, len(facts), 7):
                read(cx, link, seen(facts[start : start + 7] + chance.sample(facts, 2)))
            assert miskept(cx, link) == []
            rows = cx.execute(
                "select balance_transaction from payout_candidate where connection_id = %s order by 1",
                (link.connection_id,),
            )
            ends.add(tuple(key for (key,) in rows))  # fmt: skip
    (kept,) = ends
    assert "txn_euro" in kept
    assert {"txn_plain", "txn_out"} & {*kept} == set(), "in a payout, and a payout's own movement"


def test_a_set_of_many_movements_leaves_by_one_list(db, link):
    many = [bt(f"txn_{n:04}", 100 + n, at=START + n) for n in range(300)]
    out = [bt("txn_out", -1, category="payout", source="po_1", at=START + DAY)]
    with db.transaction() as cx:
        read(cx, link, seen(many))
        assert len(found(cx, link, by_hand("po_2", 1, at=START + DAY))) == 300
        read(cx, link, seen([*out, *members("po_1", "txn_out", *(each.id for each in many[:299]))]))
        assert found(cx, link, by_hand("po_2", 1, at=START + DAY)) == [("txn_0299", START + 299, 399)]
        assert miskept(cx, link) == []


def test_what_waited_for_a_person_is_a_candidate_once_it_is_released(db, link):
    late = bt("txn_late", 500, at=START + DAY)
    with db.transaction() as cx:
        close_period(cx, link, "2026-01", who="Ana", why="Month end")
        configure(cx, link, timezone="UTC", late="ask")
        read(cx, link, seen([late]))
        assert found(cx, link, by_hand("po_1", 500, at=START + 9 * DAY)) == []
        reopen_period(cx, link, "2026-01", who="Ana", why="It was late")
        release_waiting(cx, link)
        assert [key for key, *_ in found(cx, link, by_hand("po_1", 500, at=START + 9 * DAY))] == ["txn_late"]
        assert miskept(cx, link) == []


def test_the_word_that_agrees_leaves_later_payouts_as_they_were_solved(db, link):
    """What the only solution of a payout held was no candidate of the ones after it: that a person confirms it changes nothing for them."""
    facts = [bt("txn_a", 500), bt("txn_b", 700, at=START + DAY)]
    for number, net in enumerate((500, 700)):
        at = START + (number + 1) * DAY
        facts.append(bt(f"txn_po_{number}", -net, category="payout", source=f"po_{number}", at=at))
        facts.append(by_hand(f"po_{number}", net, at=at))
    with db.transaction() as cx:
        tell(cx, link, facts)
        for name, key in (("po_0", "txn_a"), ("po_1", "txn_b")):
            made = Proposed(
                payout=name,
                outcome="unique",
                how="in_order",
                at_least=1,
                candidates=1,
                members=(key,),
                fee=0,
                says="",
            )
            solving_store._put(cx, link, made)  # fmt: skip
    with db.transaction() as cx:
        solving_store.confirm(cx, link, ANA, get(cx, "po_0"), ["txn_a"])
        assert solving_store.proposed(cx, link, "po_1") is not None
        solving_store.take_back(cx, link, "po_0")
        solving_store.confirm(cx, link, ANA, get(cx, "po_0"), ["txn_a"])
        assert solving_store.proposed(cx, link, "po_1") is None, "nothing was proposed that this agrees with"


def test_a_payout_that_was_solved_before_an_earlier_one_is_solved_again(db, link):
    facts = [bt("txn_a", 500), by_hand("po_1", 500, at=START + 2 * DAY), by_hand("po_0", 500, at=START + DAY)]
    facts += [
        bt(f"txn_{each.id}", -500, category="payout", source=each.id, at=each.created) for each in facts[1:]
    ]
    made = Proposed(payout="po_1", outcome="unique", how="in_order", at_least=1, candidates=1, members=("txn_a",), fee=0, says="")  # fmt: skip
    with db.transaction() as cx:
        tell(cx, link, facts)
        solving_store._put(cx, link, made)
    with db.transaction() as cx:
        assert [key for key, *_ in found(cx, link, by_hand("po_0", 500, at=START + DAY))] == ["txn_a"]
        solving_store._put(cx, link, Proposed(**{**_fields(made), "payout": "po_0"}))
        assert found(cx, link, by_hand("po_1", 500, at=START + 2 * DAY)) == []
    with db.transaction() as cx:
        solving_store.confirm(cx, link, ANA, get(cx, "po_0"), ["txn_a"])
        assert solving_store.proposed(cx, link, "po_1") is None
        assert miskept(cx, link) == []


def _fields(made):
    return {name: getattr(made, name) for name in made.__struct_fields__}


def test_where_it_is_not_what_a_full_look_says_the_check_names_it(db, link):
    with db.transaction() as cx:
        read(cx, link, seen([bt("txn_a", 500), bt("txn_b", 700), *members("po_1", "txn_b")]))
        cx.execute("delete from payout_candidate")
        cx.execute(
            "insert into payout_candidate values (1, %s, 'USD', %s, 'txn_b')", (link.connection_id, START)
        )
        assert miskept(cx, link) == [
            "txn_a is in no payout, and is not kept as a candidate of payouts made by hand.",
            "txn_b went out with a payout, and is kept as a candidate of payouts made by hand.",
        ]


def test_a_database_that_was_filled_before_it_kept_them_has_them_after(db, link, database_url):
    facts = [
        bt("txn_c", 900, at=START + DAY),
        bt("txn_po_0", -900, category="payout", source="po_0", at=START + DAY),
    ]
    with db.transaction() as cx:
        tell(cx, link, [*a_year(), *facts, by_hand("po_0", 900, at=START + DAY)])
        made = Proposed(payout="po_0", outcome="unique", how="in_order", at_least=1, candidates=1, members=("txn_c",), fee=0, says="")  # fmt: skip
        solving_store._put(cx, link, made)
        wanted = [
            cx.execute(f"select * from {table} order by 5").fetchall()
            for table in ("payout_candidate", "payout_only")
        ]
    with psycopg.connect(database_url, autocommit=True) as owner:
        for statement in (
            "drop table payout_only, payout_candidate, book_day cascade",
            "drop function payout_candidates_left, payout_candidates_came, payout_candidates_back, payout_solution_only cascade",
            "update alembic_version set version_num = '0022'",
        ):
            owner.execute(statement)
    migrate(database_url)
    with db.transaction() as cx:
        assert [
            cx.execute(f"select * from {table} order by 5").fetchall()
            for table in ("payout_candidate", "payout_only")
        ] == wanted
        assert miskept(cx, link) == []
        read(cx, link, seen([bt("txn_new", 100)]))
        assert miskept(cx, link) == []


def test_nothing_but_candidates_is_looked_through(db, database_url, link):
    """However many movements went out: the plan walks the kept ones and looks each up by its key, also before statistics are gathered."""
    asked = {
        "workspace": 1, "connection": link.connection_id, "currency": "USD", "created": START + DAY, "payout": "po_9", "most": 2001,
    }  # fmt: skip
    many = [bt(f"txn_{n:05}", 100, at=START + n) for n in range(2000)]
    with db.transaction() as cx:
        read(cx, link, seen([*many, *members("po_1", *(each.id for each in many[:1900]))]))
    for statement in ("select 1", "analyze journal_entry, journal_member, payout_candidate"):
        with psycopg.connect(database_url, autocommit=True) as owner:
            owner.execute(statement)
        with db.transaction() as cx:
            plan = "\n".join(line for (line,) in cx.execute(f"explain {solving_store._CANDIDATES}", asked))
        assert "payout_candidate" in plan
        for table in ("journal_entry", "journal_member"):
            assert f"Seq Scan on {table}" not in plan, plan
