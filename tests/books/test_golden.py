"""Stripe JSON in, ledger text out: each kind of movement, as an accountant reads it, and as Beancount checks it.

After a change on purpose: ``BOOKHAND_WRITE_GOLDEN=1 pytest tests/books/test_golden.py``, then read the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bookhand.books.workflow import mirror, verify
from bookhand.core.facts import Seen
from bookhand.journal.workflow import read
from bookhand.systems.stripe.translate import facts_of

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.json"))


def told(case: str) -> list[Seen]:
    """The facts in the Stripe objects of a case."""
    objects = json.loads((GOLDEN / f"{case}.json").read_text())["told"]
    facts = [fact for one in objects for fact in facts_of(one["object"], json.dumps(one).encode())]
    return [
        Seen(fact=fact, delivery=index, as_of=0, told_by="listed")
        for index, fact in enumerate(facts, start=1)
    ]


def ledger_text(folder: Path) -> str:
    """The book's months and balances, without the notes at the top of each file."""
    names = sorted(path.name for path in folder.glob("2*.beancount"))
    bodies = [(folder / name).read_text().split("\n\n", 1)[1] for name in [*names, "balances.beancount"]]
    return "\n".join(body.strip() for body in bodies) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_stripe_json_in_ledger_text_out(db, link, tmp_path, case):
    with db.transaction() as cx:
        read(cx, link, told(case))
    mirror(db, tmp_path, [link])
    text = ledger_text(tmp_path)
    if "BOOKHAND_WRITE_GOLDEN" in os.environ:
        (GOLDEN / f"{case}.beancount").write_text(text)
    assert text == (GOLDEN / f"{case}.beancount").read_text()
    assert verify(tmp_path) == []
