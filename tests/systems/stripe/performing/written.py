"""Writes made by hand, as the catalogue has them: one that makes an object, one that changes it, a file, an end."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bookhand.core.action import Action, Call, Get, Lookup, Params, Shape


class Anything(Params):
    """Values are handed to the performer as they are."""

    value: Annotated[Any, Field(description="Whatever.")] = None


def write(name, call, lookup=None):
    return Action(
        name=name, vendor="stripe", summary=name, risk="money", params=Anything, result=Shape("x", {}), call=call, lookup=lookup
    )  # fmt: skip


REFUND = write(
    "refunds.create",
    Call("POST", "/v1/refunds"),
    Lookup(listed=lambda values: Get("/v1/refunds", {"charge": values["charge"]}), events=("refund.created", "charge.refunded")),
)  # fmt: skip
BY_EVENTS = write("refunds.create", REFUND.call, Lookup(events=("refund.created",)))
BLIND = write("refunds.create", REFUND.call)
RENAME = write(
    "customers.update",
    Call("POST", "/v1/customers/{customer}"),
    Lookup(marked=lambda values: Get(f"/v1/customers/{values['customer']}"), events=("customer.updated",)),
)
ADD = write(
    "customers.create", Call("POST", "/v1/customers"), Lookup(listed=lambda values: Get("/v1/customers"))
)
UPLOAD = write(
    "files.create",
    Call("POST", "/v1/files", upload=True, marked=False),
    Lookup(listed=lambda values: Get("/v1/files", {"purpose": values["purpose"]})),
)
CANCEL = write(
    "subscriptions.cancel",
    Call("DELETE", "/v1/subscriptions/{subscription}"),
    Lookup(
        state=(
            lambda values: Get(f"/v1/subscriptions/{values['subscription']}"),
            lambda values, found: found["status"] == "canceled",
        )
    ),
)
SUBSCRIBE = write("subscriptions.create", Call("POST", "/v1/subscriptions"))
EVIDENCE = write("disputes.stage_evidence", Call("POST", "/v1/disputes/{dispute}", {"submit": False}))
