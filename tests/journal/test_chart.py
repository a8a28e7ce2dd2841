"""People rename accounts; what cannot be is said in words that tell what to write instead."""

from __future__ import annotations

import pytest

from bookhand.core.problems import Refusal
from bookhand.journal.chart import chart_from_toml, default_chart, part
from bookhand.journal.rules import table


def test_a_rename_changes_one_name_and_the_digest():
    chart = chart_from_toml('[accounts]\nrevenue = "Income:Umsatz:{currency}"\n')
    assert chart.name("revenue", currency="EUR", connection="acct_1") == "Income:Umsatz:EUR"
    assert chart.names | {"revenue": default_chart().names["revenue"]} == default_chart().names
    assert chart.digest() != default_chart().digest()
    assert chart_from_toml("").digest() == default_chart().digest()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[accounts]\nrevenu = "Income:X"', "revenu is no role, did you mean revenue?"),
        ('[accounts]\nrevenue = "Sales:X"', "revenue begins with 'Sales', but must begin with one of Assets"),
        ('[accounts]\nrevenue = "Income:acct_1"', "revenue has the part 'acct_1'"),
        ('[accounts]\nrevenue = "Income"', "revenue needs a part after Income:"),
        ("[accounts]\nrevenue = 5", "revenue must be a name in quotes"),
        ('[accounts]\nstripe_clearing = "Assets:Stripe"', "must keep {connection}, {currency} and {detail}"),
        ("[konten]\n", "[konten] is unknown"),
        ("[accounts\n", "is not TOML"),
        ("accounts = 5", "must be a table"),
    ],
)
def test_a_chart_that_cannot_be_is_refused_in_words(text, says):
    with pytest.raises(Refusal) as refusal:
        chart_from_toml(text)
    assert says in str(refusal.value)


def test_every_mistake_is_named_at_once():
    with pytest.raises(Refusal, match=r"revenu is no role.*refunds begins with"):
        chart_from_toml('[accounts]\nrevenu = "Income:X"\nrefunds = "X:Y"')


def test_every_role_that_rules_post_to_has_a_name():
    names = default_chart().names
    roles = {
        role
        for rule in table().values()
        for role in (rule.role, rule.role_when_positive or rule.role, rule.fee_role)
    }
    assert roles <= names.keys()


@pytest.mark.parametrize(
    ("text", "legal"),
    [("acct_1AbC", "Acct-1AbC"), ("", "X"), ("__", "X"), ("a.b/c d", "A-B-C-D"), ("été", "T")],
)
def test_any_id_becomes_a_legal_part(text, legal):
    assert part(text) == legal
