"""A judge that says nothing about a wrong answer is worth nothing: spoil every key of every object."""

from __future__ import annotations

import pytest

from . import python_sdk
from .samples import sample, spoilt
from .shapes import Anything, Finding, Keys, Number, OneOf, Rows, Table, Text, Words, check

LISTS = {"list", "search_result", "file_upload"}
KINDS = [name for name in python_sdk.names() if name not in LISTS]


def wrong(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.weight == "wrong"]


def test_the_sdk_names_the_kinds_the_stand_in_speaks() -> None:
    needed = "account balance balance_transaction charge customer dispute event fee_refund file invoice invoice_payment"
    assert set(needed.split()) <= set(KINDS)
    assert len(KINDS) > 150


@pytest.mark.parametrize("name", KINDS)
def test_every_key_of_every_object_is_guarded(name: str) -> None:
    shape = python_sdk.shape(name)
    good = sample(shape)
    assert wrong(check(good, shape, at=name)) == []
    for key, rule in shape.load().items():
        if rule.required:
            without = {k: v for k, v in good.items() if k != key}
            assert [f.at for f in wrong(check(without, shape, at=name))] == [f"{name}.{key}"]
            null = good | {key: None}
            assert wrong(check(null, shape, at=name)) == [Finding(f"{name}.{key}", "is null and may not be")]
        if not _takes_all(rule.shape):
            bad = good | {key: spoilt(sample(rule.shape))}
            assert any(f.at.startswith(f"{name}.{key}") for f in wrong(check(bad, shape, at=name)))
    assert wrong(check(good | {"no_such_key": 1}, shape, at=name))


def _takes_all(shape: object) -> bool:
    return isinstance(shape, Anything) or (isinstance(shape, OneOf) and any(map(_takes_all, shape.options)))


def test_a_word_nobody_listed_is_a_doubt_only_where_the_list_is_open() -> None:
    opened, closed = Words(("card",), open=True), Words(("card",))
    assert [f.weight for f in check("cheque", opened, at="x")] == ["unsure"]
    assert [f.weight for f in check("cheque", closed, at="x")] == ["wrong"]
    assert [f.weight for f in check(3, opened, at="x")] == ["wrong"]


def test_numbers_and_booleans_are_not_each_other() -> None:
    assert check(True, Number(whole=True), at="x")
    assert check(1.5, Number(whole=True), at="x")
    assert not check(1.5, Number(), at="x")
    assert check([{"a": 1}], Rows(Table(Text())), at="x")[0].at == "x[0].a"


def test_a_union_is_judged_by_the_object_it_claims_to_be() -> None:
    source = python_sdk.shape("balance_transaction").load()["source"].shape
    refund = sample(python_sdk.shape("refund"))
    assert wrong(check(refund, source, at="source")) == []
    del refund["amount"]
    assert [f.at for f in check(refund, source, at="source")] == ["source.amount"]


def test_a_deleted_object_says_its_id_and_no_more() -> None:
    customer = python_sdk.shape("customer")
    assert isinstance(customer, Keys)
    assert not check({"id": "cus_1", "object": "customer", "deleted": True}, customer, at="customer")
    assert check(
        {"id": "cus_1", "object": "customer", "deleted": True, "email": "a@b.c"}, customer, at="customer"
    )
