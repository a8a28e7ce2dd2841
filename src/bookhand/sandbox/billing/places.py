"""A small table of taxing places, enough for a company that sells in a dozen of them.

The rates are plausible round figures for a simulation and not tax advice. A place is a country, or a country and
state where the state taxes: ``place_of({"country": "US", "state": "CA"})`` is the row ``US-CA``.
"""

from __future__ import annotations

from typing import Any

import msgspec

JSON = dict[str, Any]


class Place(msgspec.Struct, frozen=True, gc=False):
    """A jurisdiction with the tax it asks on software sold there."""

    key: str
    country: str
    state: str | None
    name: str
    level: str
    tax: str
    percentage: str


_ROWS = """
US-CA|California|state|sales_tax|7.25
US-NY|New York|state|sales_tax|8.875
US-TX|Texas|state|sales_tax|8.25
US-WA|Washington|state|sales_tax|9.2
US-MA|Massachusetts|state|sales_tax|6.25
US-PA|Pennsylvania|state|sales_tax|6
US-IL|Illinois|state|sales_tax|6.25
US-FL|Florida|state|sales_tax|6
US-CO|Colorado|state|sales_tax|2.9
US-OR|Oregon|state|sales_tax|0
CA-ON|Ontario|state|hst|13
CA-BC|British Columbia|state|gst|5
CA-QC|Quebec|state|gst|5
GB|United Kingdom|country|vat|20
DE|Germany|country|vat|19
FR|France|country|vat|20
ES|Spain|country|vat|21
IT|Italy|country|vat|22
NL|Netherlands|country|vat|21
BE|Belgium|country|vat|21
IE|Ireland|country|vat|23
AT|Austria|country|vat|20
SE|Sweden|country|vat|25
DK|Denmark|country|vat|25
FI|Finland|country|vat|25.5
PL|Poland|country|vat|23
PT|Portugal|country|vat|23
LU|Luxembourg|country|vat|17
CH|Switzerland|country|vat|8.1
NO|Norway|country|vat|25
AU|Australia|country|gst|10
NZ|New Zealand|country|gst|15
SG|Singapore|country|gst|9
JP|Japan|country|jct|10
IN|India|country|gst|18
"""


def _read(row: str) -> Place:
    key, name, level, tax, percentage = row.split("|")
    country, _, state = key.partition("-")
    return Place(key, country, state or None, name, level, tax, percentage)


PLACES = {place.key: place for place in map(_read, _ROWS.strip().splitlines())}


def place_of(address: JSON | None) -> Place | None:
    """The taxing place of an address; None where it names none or a place that this table does not know."""
    country = ((address or {}).get("country") or "").upper()
    state = ((address or {}).get("state") or "").upper()
    return PLACES.get(f"{country}-{state}") or PLACES.get(country)


def located(address: JSON | None) -> bool:
    """Whether an address is enough to compute tax: a country, and in the US and Canada a state too."""
    country = ((address or {}).get("country") or "").upper()
    if country in {"US", "CA"}:
        return bool((address or {}).get("state") or (address or {}).get("postal_code"))
    return bool(country)
