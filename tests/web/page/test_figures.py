"""Figures, days and times as a person reads them: the same amount in every format, and nothing breaks on what a browser sends."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import available_timezones

import pytest
from babel import Locale
from babel.localedata import locale_identifiers
from hypothesis import given
from hypothesis import strategies as st

from bookhand.core.money import EXPONENTS
from bookhand.web.page.figures import DEFAULT_LOCALE, DEFAULT_ZONE, Reads, aware, reads

LOCALES = [
    "en_US",
    "en_GB",
    "de_DE",
    "de_CH",
    "fr_FR",
    "pt_BR",
    "en_IN",
    "sv_SE",
    "ja_JP",
    "es_ES",
    "pl_PL",
    "ar_EG",
    "fa_IR",
]
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def back(text: str, locale: str, places: int) -> int:
    """The minor units of what was written, read by another way."""
    negative = text.startswith("(")
    symbols = Locale.parse(locale).number_symbols["latn"]
    digits = text.strip("()").replace(symbols["group"], "").replace(symbols["decimal"], ".")
    minor = int(Decimal(digits).scaleb(places))
    return -minor if negative else minor


@given(st.integers(-(10**15), 10**15), st.sampled_from(sorted(EXPONENTS)), st.sampled_from(LOCALES))
def test_an_amount_can_be_read_back_to_the_last_unit(minor: int, currency: str, locale: str):
    text = Reads(locale=locale).money(minor, currency)
    assert back(text, locale, EXPONENTS[currency]) == minor
    assert (text.startswith("("), text.endswith(")")) == (minor < 0, minor < 0)
    assert "-" not in text
    assert "\N{MINUS SIGN}" not in text


@given(st.integers(-(10**12), 10**12), st.sampled_from(LOCALES))
def test_decimals_are_those_of_the_currency(minor: int, locale: str):
    decimal = Locale.parse(locale).number_symbols["latn"]["decimal"]
    for currency, places in (("JPY", 0), ("usd", 2), ("KWD", 3)):
        whole, _, part = Reads(locale=locale).money(minor, currency).strip("()").partition(decimal)
        assert len(part) == places
        assert whole


def test_nothing_is_rounded_and_zero_is_no_negative():
    us = Reads()
    assert us.money(9_007_199_254_740_993, "USD") == "90,071,992,547,409.93"
    assert us.money(-1, "USD") == "(0.01)"
    assert us.money(0, "KWD") == "0.000"
    assert us.money(1234, "XXX") == "1,234 minor units"


def test_every_locale_there_is_can_write():
    for locale in locale_identifiers():
        them = reads(locale=locale, zone="Asia/Kathmandu")
        told = (
            them.money(-123_456_789, "USD"), them.count(1_234_567), them.moment(NOON), them.second(NOON), them.clock(NOON), them.day(NOON),
            them.month("2026-11"), them.zone_name(NOON),
        )  # fmt: skip
        assert all(text.strip() for text in told), locale
        assert re.search(r"\d", told[0]), locale


def test_a_moment_is_told_in_the_persons_zone_and_a_day_is_its_own():
    late = datetime(2026, 11, 28, 23, 30, tzinfo=UTC)
    berlin, honolulu = Reads(zone="Europe/Berlin"), Reads(zone="Pacific/Honolulu")
    assert berlin.moment(late) == "Nov 29, 2026, 00:30"
    assert honolulu.moment(late) == "Nov 28, 2026, 13:30"
    assert (
        berlin.day(date(2026, 11, 28))
        == berlin.day("2026-11-28")
        == honolulu.day("2026-11-28")
        == "Nov 28, 2026"
    )
    assert (berlin.today(late), honolulu.today(late)) == (date(2026, 11, 29), date(2026, 11, 28))
    assert berlin.zone_name(late) == "CET"
    assert (
        berlin.month(date(2026, 11, 3))
        == berlin.month("2026-11-03")
        == berlin.month("2026-11")
        == "November 2026"
    )
    assert aware(datetime(2026, 11, 28)).tzinfo is UTC  # noqa: DTZ001 (a moment that names no zone is what is asked about)


@pytest.mark.parametrize(
    ("accepts", "locale"),
    [
        ("de-DE,de;q=0.9,en;q=0.8", "de_DE"), ("en;q=0.8, fr-CH;q=0.9", "fr_CH"), ("*", DEFAULT_LOCALE), ("", DEFAULT_LOCALE),
        ("xx-YY", DEFAULT_LOCALE), ("xx-YY, sv", "sv"), ("de;q=nan, fr;q=x", None), (",;,;q=", DEFAULT_LOCALE), ("../../etc/passwd", DEFAULT_LOCALE),
        ("en-US" * 10_000, None), ("\x00, de", None),
    ],
)  # fmt: skip
def test_what_a_browser_accepts(accepts: str, locale: str | None):
    found = reads(accepts=accepts).locale
    Locale.parse(found)
    assert locale is None or found == locale


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_what_is_unknown_is_the_default_and_never_breaks(accepts: str, locale: str, zone: str):
    found = reads(accepts=accepts, locale=locale, zone=zone)
    assert found.money(-5, "USD")
    assert found.moment(NOON)


@pytest.mark.parametrize(
    "zone", ["../UTC", "/etc/localtime", "Europe", "", "UTC\x00", "x" * 100, "europe/../UTC", "localtime/", "posixrules\n", "Europe/Berlin "]
)  # fmt: skip
def test_a_zone_that_is_none_is_utc(zone: str):
    assert reads(zone=zone).zone == DEFAULT_ZONE


def test_every_zone_there_is_can_be_read():
    for zone in available_timezones() - {"localtime", "Factory"}:
        assert reads(zone=zone).moment(NOON)


def test_what_was_chosen_wins_over_the_browser():
    assert reads(accepts="de-DE", locale="fr_FR").locale == "fr_FR"
    assert reads(accepts="de-DE", locale="nothing").locale == "de_DE"
    assert reads(locale="de-DE").locale == "de_DE"
