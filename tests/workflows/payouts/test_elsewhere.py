"""The kinds of entries that a statement's sum leaves out post to no bank account: no rule of theirs names one."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from bookhand.db import migrations
from bookhand.journal.exchange import RESTATED
from bookhand.journal.rules import table
from bookhand.workflows.payouts.reconciling.statement_store import ELSEWHERE


def test_no_rule_of_theirs_names_a_bank_account():
    ruled = [rule for rule in table().values() if rule.kind in ELSEWHERE]
    assert {rule.kind for rule in ruled} == {"charge", "refund", "stripe_fee"}
    for rule in ruled:
        for role in (rule.role_of(1), rule.role_of(-1), rule.fee_role):
            assert not role.startswith("bank"), rule
    assert not any(role.startswith("bank") for role in RESTATED)  # what exchange and tax move


def test_the_index_leaves_out_the_same_kinds():
    path = Path(next(iter(migrations.__path__))) / "versions" / "0020_statement.py"
    spec = importlib.util.spec_from_file_location("statement", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert f"kind not in {ELSEWHERE}" in module._INDEX
