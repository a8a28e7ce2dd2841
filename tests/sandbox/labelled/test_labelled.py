"""The labelled data: repeatable, whole, of every kind; and a scorer that sees what is wrong."""

from __future__ import annotations

import csv
import json

import pytest

from bookhand.sandbox.labelled import Label, generate, score
from bookhand.sandbox.labelled.world import KINDS

AMOUNTS = {"p1": ("USD", 100), "p2": ("USD", 100), "p3": ("USD", 700)}
LABELS = [
    Label(kind="plain", payouts=("p1",), lines=(("A", "1"),)),
    Label(kind="plain", payouts=("p2",), lines=(("A", "2"),)),
    Label(kind="split", payouts=("p3",), lines=(("A", "3"), ("A", "4"))),
    Label(kind="foreign", payouts=(), lines=(("A", "5"),)),
]


@pytest.fixture(scope="module")
def world():
    return generate(seed=5, payouts=1500)


def test_the_same_seed_makes_the_same_world(world):
    again = generate(seed=5, payouts=1500)
    assert (again.payouts, again.lines, again.labels) == (world.payouts, world.lines, world.labels)
    assert generate(seed=6, payouts=50).payouts != world.payouts[:50]


def test_each_payout_and_line_has_one_label_and_all_kinds_are_there(world):
    assert sorted(p for label in world.labels for p in label.payouts) == sorted(
        one.id for one in world.payouts
    )
    assert sorted(k for label in world.labels for k in label.lines) == sorted(
        (one.account, one.key) for one in world.lines
    )
    assert {label.kind for label in world.labels} >= set(KINDS)


def test_most_can_be_told_and_what_cannot_says_why(world):
    both = [label for label in world.labels if label.payouts and label.lines]
    assert 0.9 < sum(label.decidable for label in both) / len(both) < 1
    assert all(label.why_not for label in both if not label.decidable)
    assert all(not label.decidable for label in both if label.kind == "duplicate")


def test_files(world, tmp_path):
    files = world.write(tmp_path)
    assert sorted(file.name for file in files) == [
        "labels.csv", "labels.jsonl", "lines.csv", "lines.jsonl", "payouts.csv", "payouts.jsonl",
    ]  # fmt: skip
    table = list(csv.DictReader((tmp_path / "payouts.csv").open(newline="")))
    told = [json.loads(row) for row in (tmp_path / "payouts.jsonl").read_text().splitlines()]
    assert [row["id"] for row in table] == [row["id"] for row in told] == [one.id for one in world.payouts]
    assert [int(row["minor"]) for row in table] == [row["minor"] for row in told]


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        ((("p1",), [("A", "1")]), True),
        ((("p1",), [("A", "2")]), False),
        ((("p1", "p2"), [("A", "2"), ("A", "1")]), True),  # nothing tells which is which
        ((("p1", "p2"), [("A", "1")]), False),
        ((("p3",), [("A", "3")]), False),  # a part of the answer
        ((("p3",), [("A", "4"), ("A", "3")]), True),
        ((("p1", "p3"), [("A", "1"), ("A", "3"), ("A", "4")]), False),  # two amounts in one lump
        ((("p3",), [("A", "5")]), False),
    ],
)
def test_the_scorer(answer, right):
    found = score(LABELS, [answer], equal_amounts=AMOUNTS)
    assert (found.whole.right, found.whole.wrong) == (int(right), int(not right))
    assert bool(found.wrong) is not right


def test_recall_and_precision_by_kind():
    found = score(LABELS, [(("p1",), [("A", "1")]), (("p2",), [("A", "5")])], equal_amounts=AMOUNTS)
    assert (found.kinds["plain"].recall, found.kinds["plain"].precision) == (0.5, 0.5)
    assert (found.kinds["split"].recall, found.kinds["split"].precision) == (0.0, None)
    assert (found.kinds["foreign"].recall, found.kinds["foreign"].precision) == (None, 0.0)
