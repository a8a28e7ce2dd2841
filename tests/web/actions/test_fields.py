"""Forms made from parameters: every action of the catalogue has one, and amounts come out exact."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.money import EXPONENTS
from bookhand.web.actions.fields import Field, Texts, asked_for, fields_of, rows_of
from bookhand.web.actions.sent import FieldError, major, minor, sent, texts_of
from bookhand.web.page.figures import Reads
from bookhand.wiring import catalogue

ACTIONS = catalogue().actions
US = Reads(locale="en_US", zone="UTC")
LOCALES = ("en_US", "de_DE", "fr_FR", "de_CH", "sv_SE", "en_IN", "pt_BR", "ja_JP")


def _by_name(name: str) -> dict[str, Field]:
    return {field.name: field for field in fields_of(ACTIONS[name].params)}


@pytest.mark.parametrize("name", ACTIONS)
def test_every_action_has_a_form_that_asks_for_all_of_its_parameters(name: str):
    fields = _by_name(name)
    assert set(fields) == set(ACTIONS[name].params.model_fields)
    assert all(field.hint or field.parts for field in fields.values())
    assert asked_for(tuple(fields.values()), Texts()) is not None


def test_what_a_parameter_is_decides_how_it_is_asked_for():
    refund = _by_name("refunds.create")
    assert {name: field.sort for name, field in refund.items()} == {
        "charge": "text", "payment_intent": "text", "amount": "money", "reason": "choice", "reverse_transfer": "yes",
        "refund_application_fee": "yes", "metadata": "names",
    }  # fmt: skip
    assert refund["reason"].choices == ("duplicate", "fraudulent", "requested_by_customer")
    assert refund["amount"].hint == "How much; without it, all that is left."
    assert [name for name, field in refund.items() if field.aside] == ["metadata"]
    entry = _by_name("beancount.journal_entries.create")
    assert entry["kind"].fixed == "journal_entry"
    assert entry["lines"].sort == "rows"
    assert {part.name: part.sort for part in entry["lines"].parts}["minor"] == "money"
    assert _by_name("runs.start")["params"].sort == "json"
    assert _by_name("payouts.match")["payouts"].sort == "many"
    assert _by_name("customers.update")["address"].sort == "group"


@pytest.mark.parametrize("name", ACTIONS)
def test_nothing_that_counts_minor_units_is_asked_for_as_a_number(name: str):
    def walk(fields: tuple[Field, ...], described: dict[str, str]) -> None:
        for field in fields:
            if field.sort == "whole":
                assert "minor unit" not in field.hint, field.name
            walk(field.parts, described)

    walk(fields_of(ACTIONS[name].params), {})


def test_parameters_come_from_texts_and_go_back_to_them():
    fields = fields_of(ACTIONS["quickbooks.journal_entries.create"].params)
    texts = Texts(
        values={
            "key": "je:1", "day": "2026-11-28", "currency": "KWD", "lines.0.account": "35", "lines.0.minor": "12.340",
            "lines.1.account": "36", "lines.1.minor": "-12.340", "lines.2.account": "", "lines.2.minor": "",
        }
    )  # fmt: skip
    found = sent(fields, texts, reads=US)
    assert found.wrong == {}
    assert found.params["lines"] == [{"account": "35", "minor": 12340}, {"account": "36", "minor": -12340}]
    assert found.params["kind"] == "journal_entry"
    back = texts_of(fields, found.params, locale="en_US")
    assert sent(fields, back, reads=US).params == found.params


def test_names_lists_numbers_and_objects():
    fields = fields_of(ACTIONS["customers.update"].params)
    texts = Texts(
        values={
            "customer": "cus_1",
            "metadata": "order=6735\nnote=a=b\n",
            "address.city": "Bath",
            "preferred_locales": "en\nfr",
        }
    )
    found = sent(fields, texts, reads=US)
    assert found.params["metadata"] == {"order": "6735", "note": "a=b"}
    assert found.params["address"] == {"city": "Bath"}
    assert found.params["preferred_locales"] == ["en", "fr"]
    assert texts_of(fields, found.params, locale="en_US").values["metadata"] == "order=6735\nnote=a=b"
    wrong = sent(fields, Texts(values={"metadata": "order"}), reads=US)
    assert list(wrong.wrong) == ["metadata"]


@pytest.mark.parametrize(
    ("text", "currency", "locale", "amount"),
    [
        ("15", "USD", "en_US", 1500), ("15.5", "USD", "en_US", 1550), ("1,234.56", "USD", "en_US", 123456), ("1.234,56", "EUR", "de_DE", 123456),
        ("1 234,56", "EUR", "fr_FR", 123456), ("500", "JPY", "ja_JP", 500), ("0.005", "KWD", "en_US", 5), ("-3.10", "USD", "en_US", -310),
        ("15.00", "jpy", "en_US", 15), ("1,00,000.00", "INR", "en_IN", 10000000),
        ("1'234.50", "CHF", "de_CH", 123450), ("\N{MINUS SIGN}3.10", "USD", "en_US", -310),
    ],
)  # fmt: skip
def test_amounts_as_people_write_them(text: str, currency: str, locale: str, amount: int):
    assert minor(text, currency, locale) == amount


@pytest.mark.parametrize(
    ("text", "currency", "locale"),
    [
        ("1.005", "USD", "en_US"), ("15.5", "JPY", "en_US"), ("15.00", "EUR", "de_DE"), ("1,5", "USD", "en_US"), ("abc", "USD", "en_US"),
        ("", "USD", "en_US"), ("1e5", "USD", "en_US"), ("NaN", "USD", "en_US"), ("Infinity", "USD", "en_US"), ("1" * 40, "USD", "en_US"),
        ("15", "XXX", "en_US"), ("0.0001", "KWD", "en_US"), ("--5", "USD", "en_US"), ("5 5", "USD", "en_US"),
    ],
)  # fmt: skip
def test_what_is_no_exact_amount_is_refused(text: str, currency: str, locale: str):
    with pytest.raises(FieldError):
        minor(text, currency, locale)


@given(st.integers(-(10**12), 10**12), st.sampled_from(sorted(EXPONENTS)), st.sampled_from(LOCALES))
def test_an_amount_that_is_shown_is_read_as_itself(amount: int, currency: str, locale: str):
    assert minor(major(amount, currency, locale), currency, locale) == amount


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_no_amount_is_ever_rounded(value: Decimal):
    exact = value.scaleb(2) == value.scaleb(2).to_integral_value()
    try:
        assert (Decimal(minor(f"{value:f}", "USD", "en_US")), exact) == (value.scaleb(2), True)
    except FieldError:
        assert not exact


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=12), max_size=8))
def test_a_hostile_form_is_wrong_or_empty_and_never_a_crash(values: dict[str, str]):
    for name in ("refunds.create", "payouts.match", "runs.start", "disputes.stage_evidence"):
        fields = fields_of(ACTIONS[name].params)
        found = sent(fields, Texts(values=values), reads=US)
        assert set(found.params) <= {field.name for field in fields}


def test_a_form_has_no_more_rows_than_were_filled_in():
    assert (
        rows_of(
            {
                "lines.0.key": "a",
                "lines.4.key": "b",
                "lines.9.key": "",
                "lines.9999.key": "c",
                "lines.x.key": "d",
            },
            "lines",
        )
        == 5
    )
