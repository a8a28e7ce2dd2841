"""A form about one action: what it holds when it is opened, and what it sent. Used to ask for an action, and to edit what was asked for.

held = opened(action, request.query_params.multi_items())    # ?charge=ch_1 is in the field `charge`
held = sent_in(form)                                  # the same, from what was sent
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand.actions.catalogue import OWN, faults
from bookhand.actions.proposal import Proposal
from bookhand.core.action import Action
from bookhand.core.redaction import redact_text
from bookhand.systems import store as connections
from bookhand.systems.connection import Connection
from bookhand.web.actions import store
from bookhand.web.actions.fields import Asked, Field, Texts, asked_for, fields_of
from bookhand.web.actions.sent import Sent, sent, texts_of
from bookhand.web.page.figures import Reads
from bookhand.web.page.site import Form
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from psycopg import Connection as Transaction

_VALUE, _CURRENCY = "p.", "c."
_REASONS = ("why", "reason", "note", "explanation")
_LONGEST_KEY = 64
_NUMBER_DIGITS = 9
"""Of the number of a connection."""
_FEW = "100"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in a form. `key` makes asking idempotent: the same form sent twice asks once."""

    texts: Texts
    connection: int | None = None
    api_version: str = ""
    why: str = ""
    key: str = ""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a form asks for: parameters that fit, and where to; or what is wrong, by the field's key ('' is the whole)."""

    params: Mapping[str, Any]
    where: Mapping[str, str]
    wrong: Mapping[str, str]
    currencies: frozenset[str]


def own_reason(action: Action) -> str | None:
    """The parameter that is the reason already, where one of bookhand's own acts has one."""
    fields = action.params.model_fields
    return next((name for name in _REASONS if action.vendor == OWN and name in fields), None)


def opened(action: Action, values: Iterable[tuple[str, str]]) -> Held:
    """A form that is opened, with what its address says. A list is not asked for whole, unless somebody says so."""
    names = set(action.params.model_fields)
    pairs = [(f"{_VALUE}limit", _FEW)] if "limit" in names else []
    pairs += [(f"{_VALUE}{name}" if name in names else name, text) for name, text in values]
    return Held(
        texts=_texts(pairs), connection=_number(dict(pairs).get("connection", "")), key=secrets.token_hex(12)
    )


def sent_in(form: Form) -> Held:
    """A form that was sent."""
    pairs = [(name, value) for name, value in form.data.multi_items() if isinstance(value, str)]
    return Held(
        texts=_texts(pairs, more=form.text("more")),
        connection=_number(form.text("connection")),
        api_version=form.text("api_version")[:40],
        why=form.text("why"),
        key=form.text("key")[:_LONGEST_KEY],
    )


def checked(
    cx: Transaction[Any], action: Action, held: Held, *, reads: Reads, among: Iterable[Connection], currency: str | None = None
) -> Checked:  # fmt: skip
    """What `held` asks for at one of the connections `among`, each amount in whole minor units.

    `currency` is that of amounts whose currency is said nowhere; without it, that of the objects that are named, where we know them.
    """
    chosen = chosen_of(among, held.connection)
    texts, fields = held.texts, fields_of(action.params)
    known = currency or (store.currency_of(cx, chosen.link, texts.values.values()) if chosen else None)
    read: Sent = sent(fields, texts, reads=reads, currency=known)
    wrong = dict(read.wrong)
    for name, said in faults(action, read.params):
        key = _nearest(fields, name)
        if key not in wrong:
            wrong[key] = said
    if action.vendor != OWN and chosen is None:
        wrong["connection"] = plain("actions.wrong.connection")
    return Checked(
        params=read.params, where=_where(action, chosen, held), wrong=wrong, currencies=read.currencies
    )


def checked_for(
    cx: Transaction[Any], action: Action, held: Held, *, reads: Reads, proposal: Proposal
) -> Checked:
    """The same for a change of what `proposal` asks for, where it asks for it. What was hidden from the page stays as it is."""
    found = connections.every(cx, system=action.vendor) if proposal.connection_id else []
    before = _texts_before(action, proposal, reads.locale).values
    values = {
        key: before[key] if key in before and text == redact_text(before[key]) else text
        for key, text in held.texts.values.items()
    }
    at = msgspec.structs.replace(
        held, connection=proposal.connection_id, texts=msgspec.structs.replace(held.texts, values=values)
    )
    return checked(cx, action, at, reads=reads, among=found, currency=_currency(proposal))


def held_of(action: Action, proposal: Proposal, locale: str, *, anew: bool = False) -> Held:
    """A form that holds what a proposal asks for; amounts without a currency of their own are in that of its preview.

    What looks like a secret is hidden; in a form that asks `anew` its field is empty.
    """
    texts = _texts_before(action, proposal, locale)
    told = {key: redact_text(text) for key, text in texts.values.items()}
    kept = {key: text for key, text in told.items() if not anew or text == texts.values[key]}
    return Held(
        texts=msgspec.structs.replace(texts, values=kept), connection=proposal.connection_id, why=redact_text(proposal.reason),
        api_version=proposal.api_version or "", key=secrets.token_hex(12),
    )  # fmt: skip


def _texts_before(action: Action, proposal: Proposal, locale: str) -> Texts:
    return texts_of(fields_of(action.params), proposal.params, locale=locale, currency=_currency(proposal))


def _currency(proposal: Proposal) -> str | None:
    codes = {each.currency.upper() for each in proposal.preview.moves}
    return codes.pop() if len(codes) == 1 else None


def chosen_of(among: Iterable[Connection], number: int | None) -> Connection | None:
    """The connection that was chosen; the only one that can be used, where none was."""
    found = list(among)
    named = next((each for each in found if each.id == number), None)
    active = [each for each in found if each.status == "active"]
    return named or (active[0] if number is None and len(active) == 1 else None)


def request_key(held: Held, checked: Checked, why: str) -> str | None:
    """The key under which it is asked for: the same for the same form with the same in it."""
    if not held.key.isascii() or not held.key.isalnum():
        return None
    told = msgspec.json.encode([checked.params, checked.where, why], order="deterministic")
    return f"web-{held.key}-{hashlib.sha256(told).hexdigest()[:16]}"


def shown(action: Action, held: Held, wrong: Mapping[str, str] | None = None) -> tuple[Asked, ...]:
    """The fields as they stand on the page."""
    return asked_for(fields_of(action.params), msgspec.structs.replace(held.texts, wrong=wrong or {}))


def _where(action: Action, chosen: Connection | None, held: Held) -> dict[str, str]:
    """The overrides that every action takes; where a parameter of its own has the same name, that one counts."""
    if chosen is None:
        return {}
    told = {"account": str(chosen.id), "mode": chosen.link.mode, "api_version": held.api_version}
    return {name: value for name, value in told.items() if value and name not in action.params.model_fields}


def _texts(pairs: Iterable[tuple[str, str]], *, more: str = "") -> Texts:
    values: dict[str, str] = {}
    currencies: dict[str, str] = {}
    for name, text in pairs:
        if name.startswith(_VALUE):
            values[name.removeprefix(_VALUE)] = text.replace("\r\n", "\n").replace("\x00", "")
        elif name.startswith(_CURRENCY):
            currencies[name.removeprefix(_CURRENCY)] = text.strip()[:3].upper()
    return Texts(values=values, currencies=currencies, more=more)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _NUMBER_DIGITS else None


def _nearest(fields: Iterable[Field], name: str) -> str:
    """The key of the field that a fault is about: the innermost one that stands on the page."""
    found, at, parts = "", tuple(fields), name.split(".")
    for place, part in enumerate(parts):
        if part.isdecimal():
            continue
        field = next((each for each in at if each.name == part), None)
        if field is None:
            break
        found, at = ".".join(parts[: place + 1]), field.parts
    return found
