"""Customers as rows: kept as their deliveries are read, found by name, e-mail or id, and walked newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bookhand.core.facts import Link
from bookhand.core.problems import Missing
from bookhand.workflows.customers.parties import OBJECTS, Party

Transaction = psycopg.Connection[Any]


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who pays, at one connection; `created` is in Unix seconds."""

    connection_id: int
    id: str
    name: str
    email: str
    created: int


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """One delivery that may be about a customer."""

    seq: int
    is_event: bool
    as_of: int
    received_at: datetime
    body: bytes


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The newest state of one object of a customer, as JSON."""

    object: str
    id: str
    created: int
    body: bytes
    is_event: bool


_READ = "connection_id, customer, name, email, created"


# --- reading the mail ---


def settled(cx: Transaction, link: Link) -> int:
    """Up to which delivery everything was read for good."""
    row = cx.execute(
        "select settled from customer_reading where workspace_id = %s and connection_id = %s", _key(link)
    ).fetchone()
    return int(row[0]) if row else 0


def settle(cx: Transaction, link: Link, seq: int) -> None:
    """Note that everything up to delivery `seq` was read for good."""
    cx.execute(
        "insert into customer_reading values (%s, %s, %s) on conflict (workspace_id, connection_id)"
        " do update set settled = greatest(customer_reading.settled, excluded.settled)",
        (*_key(link), seq),
    )


def letters(cx: Transaction, link: Link, *, after: int, limit: int) -> tuple[list[Letter], int | None]:
    """What came after delivery `after`: of the next `limit` deliveries those of our kinds, and the last one's number (None: none came)."""
    row = cx.execute(
        "select max(seq) from (select seq from delivery where workspace_id = %s and connection_id = %s and seq > %s"
        " order by seq limit %s) as next",
        (*_key(link), after, limit),
    ).fetchone()
    last = row[0] if row else None
    if last is None:
        return [], None
    rows = cx.execute(
        "select seq, kind = 'event', created, received_at, body from delivery where workspace_id = %s and connection_id = %s"
        " and seq > %s and seq <= %s and object = any (%s) and kind <> 'thin' order by seq",
        (*_key(link), after, last, list(OBJECTS)),
    )
    found = [
        Letter(seq=seq, is_event=is_event, as_of=as_of, received_at=received_at, body=bytes(body))
        for seq, is_event, as_of, received_at, body in rows
    ]
    return found, int(last)


def aged(cx: Transaction, link: Link, *, after: int, before: datetime) -> int:
    """The last delivery after `after` of those that came before `before`, with none among them that came later."""
    row = cx.execute(
        """
        select coalesce(max(seq), %(after)s) from delivery
        where workspace_id = %(workspace)s and connection_id = %(connection)s and seq > %(after)s and seq < coalesce(
            (select min(seq) from delivery where workspace_id = %(workspace)s and connection_id = %(connection)s
                and seq > %(after)s and received_at >= %(before)s),
            9223372036854775807)
        """,
        {"workspace": link.workspace_id, "connection": link.connection_id, "after": after, "before": before},
    ).fetchone()
    return int(row[0]) if row else after


def keep(cx: Transaction, link: Link, parties: Sequence[tuple[Party, int]]) -> None:
    """Keep whom objects are about; each comes with the moment that it was true at. The same again changes nothing."""
    if not parties:
        return
    things = list({(each.customer, each.object, each.object_id): each for each, _ in parties}.values())
    cx.execute(
        """
        insert into customer_object (workspace_id, connection_id, customer, object, object_id, created)
        select %s, %s, * from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[]) on conflict do nothing
        """,
        (
            *_key(link), [each.customer for each in things], [each.object for each in things],
            [each.object_id for each in things], [each.created for each in things],
        ),
    )  # fmt: skip
    people: dict[str, tuple[Party, int]] = {}
    for each, as_of in parties:
        if each.object == "customer" and (each.customer not in people or as_of >= people[each.customer][1]):
            people[each.customer] = each, as_of
    some = list(people.values())
    cx.execute(
        """
        insert into customer (workspace_id, connection_id, customer, name, email, created, as_of)
        select %s, %s, * from unnest(%s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
        on conflict (workspace_id, connection_id, customer) do update
            set name = excluded.name, email = excluded.email, as_of = excluded.as_of,
                created = greatest(customer.created, excluded.created)
            where excluded.as_of >= customer.as_of
        """,
        (
            *_key(link), [each.customer for each, _ in some], [each.name for each, _ in some], [each.email for each, _ in some],
            [each.created for each, _ in some], [as_of for _, as_of in some],
        ),
    )  # fmt: skip


# --- finding ---


def get(cx: Transaction, connection_id: int, customer: str) -> Customer:
    """One customer; `Missing` where nobody told of them."""
    row = cx.execute(
        f"select {_READ} from customer where connection_id = %s and customer = %s", (connection_id, customer)
    ).fetchone()
    if row is None:
        raise Missing(f"There is no customer {customer[:80]} at this connection, or they were not read yet.")
    return _customer(row)


def newest(cx: Transaction, *, after: tuple[int, str] | None, limit: int) -> list[Customer]:
    """Customers, the newest first, after the last (created, id) of the page before."""
    rows = cx.execute(
        f"""
        select {_READ} from customer
        where (%(created)s::bigint is null or (created, customer) < (%(created)s, %(id)s::text))
        order by created desc, customer desc limit %(limit)s
        """,
        {"created": after[0] if after else None, "id": after[1] if after else None, "limit": limit},
    )
    return [_customer(row) for row in rows]


def found(cx: Transaction, text: str, *, limit: int) -> list[Customer]:
    """Those whose name or e-mail begins with `text`, or whose id it is; whatever its case."""
    plain = text.strip()
    begins = _escaped(plain.lower()) + "%"
    rows = cx.execute(
        f"""
        select {_READ} from (
            (select {_READ} from customer where lower(name) like %(begins)s order by lower(name) limit %(limit)s)
            union (select {_READ} from customer where lower(email) like %(begins)s order by lower(email) limit %(limit)s)
            union (select {_READ} from customer where customer = %(id)s limit %(limit)s)
        ) as every order by lower(name), customer limit %(limit)s
        """,
        {"begins": begins, "id": plain, "limit": limit},
    )
    return [_customer(row) for row in rows]


_STATE = """
    join lateral (
        select s.seq from snapshot s
        where (s.workspace_id, s.connection_id, s.object, s.object_id) = (o.workspace_id, o.connection_id, o.object, o.object_id) limit 1
    ) as s on true
    join lateral (
        select d.body, d.kind, d.created from delivery d
        where (d.workspace_id, d.connection_id, d.seq) = (o.workspace_id, o.connection_id, s.seq) limit 1
    ) as d on true
"""
"""The newest state of each object of `o`, looked up one by one: a planner without statistics would read every delivery for each of them."""


def told(
    cx: Transaction,
    connection_id: int,
    customer: str,
    *,
    since: int,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Told]:
    """The newest states of the customer's objects from `since` on (Unix seconds), newest first, after the (created, id) of the page before."""
    rows = cx.execute(
        f"""
        select o.object, o.object_id, o.created, d.body, d.kind = 'event' from (
            select workspace_id, connection_id, object, object_id, created from customer_object
            where connection_id = %(connection)s and customer = %(customer)s and created >= %(since)s and object <> 'customer'
                and (%(created)s::bigint is null or (created, object_id) < (%(created)s, %(id)s::text))
            order by created desc, object_id desc limit %(limit)s
        ) as o {_STATE}
        order by o.created desc, o.object_id desc
        """,
        {
            "connection": connection_id, "customer": customer, "since": since, "limit": limit,
            "created": after[0] if after else None, "id": after[1] if after else None,
        },
    )  # fmt: skip
    return [_told(row) for row in rows]


def returns(cx: Transaction, connection_id: int, charges: Sequence[str]) -> list[Told]:
    """The refunds of these charges."""
    rows = cx.execute(
        f"""
        select o.object, o.object_id, d.created, d.body, d.kind = 'event' from (
            select workspace_id, connection_id, 'refund' as object, id as object_id from journal_source
            where connection_id = %s and charge = any (%s) limit 500
        ) as o {_STATE}
        """,
        (connection_id, list(charges)),
    )
    return [_told(row) for row in rows]


def whole(cx: Transaction, connection_id: int, kind: str, ids: Sequence[str]) -> list[Told]:
    """The newest states of objects that are known by id."""
    rows = cx.execute(
        f"""
        select o.object, o.object_id, d.created, d.body, d.kind = 'event' from (
            select workspace_id, connection_id, object, object_id from snapshot
            where connection_id = %s and object = %s and object_id = any (%s) limit %s
        ) as o {_STATE}
        """,
        (connection_id, kind, list(ids), len(ids)),
    )
    return [_told(row) for row in rows]


def of_kind(cx: Transaction, connection_id: int, customer: str, kind: str, *, limit: int) -> list[Told]:
    """The newest states of the customer's objects of one kind, whenever they are from."""
    rows = cx.execute(
        f"""
        select o.object, o.object_id, o.created, d.body, d.kind = 'event' from (
            select workspace_id, connection_id, object, object_id, created from customer_object
            where connection_id = %s and customer = %s and object = %s order by created desc limit %s
        ) as o {_STATE} order by o.created desc
        """,
        (connection_id, customer, kind, limit),
    )
    return [_told(row) for row in rows]


def _told(row: Sequence[Any]) -> Told:
    kind, object_id, created, body, is_event = row
    return Told(object=kind, id=object_id, created=created, body=bytes(body), is_event=is_event)


def _customer(row: Sequence[Any]) -> Customer:
    connection_id, customer, name, email, created = row
    return Customer(connection_id=connection_id, id=customer, name=name, email=email, created=created)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _key(link: Link) -> tuple[int, int]:
    return link.workspace_id, link.connection_id
