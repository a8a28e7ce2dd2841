"""The stand-in Plaid over HTTP: what it is asked and what it answers, with Plaid's errors.

    with running(Plaid()) as url:                        # sandbox.outside.server
        POST /sandbox/public_token/create                # as Link would give it
        GET  /hosted/{link token}                        # Plaid's own page, for a link token with `hosted_link`
        POST /_standin/transaction {"item": "…", "amount": "-12.50", "date": "2026-11-02", "name": "STRIPE TRANSFER"}

Switches of its own, each on an ``item``: ``transaction``, ``settle``, ``modify``, ``remove`` (all by ``transaction_id``), ``reset_login``,
``repair``; ``mutate`` lets the listing that is under way be told to begin again, so many ``times``. The fault ``mutation`` does the same.
Source: plaid.com/docs/api/products/transactions, plaid.com/docs/errors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from bookhand.sandbox.outside.consent import sheet
from bookhand.sandbox.outside.faults import Fault
from bookhand.sandbox.outside.standin import JSON, NotHere, Request, Response, StandIn, html, redirect, reply
from bookhand.sandbox.plaid.items import Change, Item, account

_MOST, _USUAL = 500, 100
HOSTED = "/hosted/"
_LISTS: dict[Change, str] = {"added": "added", "modified": "modified", "removed": "removed"}


class PlaidError(Exception):
    """Answered as Plaid answers it."""

    def __init__(self, kind: str, code: str, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.status = status


class Plaid(StandIn):
    """One application's Plaid."""

    name = "Plaid"
    kinds = ("mutation",)

    def __init__(self, *, seed: int = 1, client_id: str = "client", secret: str = "sandbox") -> None:  # noqa: S107 (the stand-in's own)
        super().__init__(seed=seed)
        self.items: dict[str, Item] = {}
        self._keys = (client_id, secret)
        self._here = ""
        """Where the stand-in was asked last, for the address of its own page."""
        self._public: dict[str, str] = {}
        self._links: dict[str, str] = {}
        """Link tokens with a page of their own, to where it leads back."""
        self._chosen: dict[str, list[str]] = {}
        self._count = 0
        self._mutations = 0

    def answer(self, request: Request) -> Response:
        """One call: all are POST with a JSON body that bears the keys; but for the page on which somebody chooses a bank."""
        self._here = f"http://{request.headers.get('host', '127.0.0.1')}"
        if request.path.startswith(HOSTED):
            return self._hosted(request)
        try:
            return reply(
                {**self._answered(request.path, self._body(request)), "request_id": self._next("req")}
            )
        except PlaidError as error:
            return self._error(error)

    def trouble(self, fault: Fault, request: Request) -> Response | None:
        """As Plaid says that it is too much, or that it is broken."""
        match fault.kind:
            case "429":
                return self._error(
                    PlaidError(
                        "RATE_LIMIT_EXCEEDED", "TRANSACTIONS_SYNC_LIMIT", "rate limit exceeded", status=429
                    )
                )
            case "mutation":
                return (
                    self._error(_MUTATION)
                    if request.path == "/transactions/sync" and self._body(request).get("cursor")
                    else None
                )
            case "token_revoked":
                return self._error(PlaidError("ITEM_ERROR", "ITEM_LOGIN_REQUIRED", _LOGIN))
            case _:
                return self._error(
                    PlaidError(
                        "API_ERROR", "INTERNAL_SERVER_ERROR", "an unexpected error occurred", status=500
                    )
                )

    def told(self) -> JSON:
        """The Items, with how much happened on each."""
        return {"items": {item.id: len(item.log) for item in self.items.values()}}

    def control(self, switch: str, asked: JSON) -> JSON:
        """See the module's docstring."""
        if switch == "mutate":
            self._mutations += int(asked.get("times", 1))
            return {"times": self._mutations}
        item = next((each for each in self.items.values() if each.id == asked.get("item")), None)
        if item is None:
            raise ValueError(f"There is no Item {asked.get('item')!r}.")
        rest = {name: value for name, value in asked.items() if name != "item"}
        match switch:
            case "transaction" | "settle" | "modify" | "remove":
                acts: dict[str, Callable[..., JSON]] = {
                    "transaction": item.post,
                    "settle": item.settle,
                    "modify": item.modify,
                    "remove": item.remove,
                }
                return acts[switch](**rest)
            case "reset_login" | "repair":
                item.trouble = "ITEM_LOGIN_REQUIRED" if switch == "reset_login" else None
                return {}
            case _:
                raise NotHere(switch)

    # --- calls ---

    def _body(self, request: Request) -> JSON:
        try:
            found = request.json()
        except msgspec.DecodeError:
            found = None
        if request.method != "POST" or not isinstance(found, dict):
            raise PlaidError("INVALID_REQUEST", "INVALID_BODY", "body could not be parsed as JSON")
        return found

    def _answered(self, path: str, body: JSON) -> JSON:
        if (body.get("client_id"), body.get("secret")) != self._keys:
            raise PlaidError("INVALID_INPUT", "INVALID_API_KEYS", "invalid client_id or secret provided")
        calls: dict[str, Callable[[JSON], JSON]] = {
            "/link/token/create": self._link_token,
            "/link/token/get": self._link_told,
            "/sandbox/public_token/create": lambda _: {"public_token": self._public_token()},
            "/item/public_token/exchange": lambda asked: self._exchange(str(asked.get("public_token"))),
            "/accounts/get": self._accounts,
            "/item/get": self._accounts,
            "/item/remove": self._remove,
            "/sandbox/item/reset_login": self._reset,
            "/transactions/sync": lambda asked: self._sync(self._item(asked), asked),
        }
        if path not in calls:
            raise PlaidError(
                "INVALID_REQUEST", "NOT_FOUND", "the requested resource could not be found", status=404
            )
        return calls[path](body)

    def _link_token(self, body: JSON) -> JSON:
        token = self._next("link-sandbox")
        told: JSON = {"link_token": token, "expiration": self.clock.moment().isoformat()}
        if (hosted := body.get("hosted_link")) is not None:
            self._links[token] = str(hosted.get("completion_redirect_uri") or "")
            told["hosted_link_url"] = f"{self._here}{HOSTED}{token}"
        return told

    def _link_told(self, body: JSON) -> JSON:
        token = str(body.get("link_token"))
        if token not in self._links:
            raise PlaidError("INVALID_INPUT", "INVALID_LINK_TOKEN", "could not find matching link token")
        added = [{"public_token": public} for public in self._chosen.get(token, ())]
        return {"link_token": token, "link_sessions": [{"results": {"item_add_results": added}}]}

    def _hosted(self, request: Request) -> Response:
        token = request.path.removeprefix(HOSTED)
        back = self._links.get(token)
        if back is None:
            return html("<p>This link is not good any more.</p>", status=404)
        if request.method == "POST":
            if request.form.get("bank"):
                self._chosen.setdefault(token, []).append(self._public_token())
            return redirect(back)
        return html(
            sheet(
                "Plaid", "Choose your bank", to=request.path, name="bank", fields={}, choices={"platypus": "First Platypus Bank"},
                allows=("Read the accounts and their transactions",),
            )
        )  # fmt: skip

    def _accounts(self, body: JSON) -> JSON:
        item = self._item(body)
        told = {
            "item_id": item.id,
            "institution_id": item.institution,
            "institution_name": "First Platypus Bank",
        }
        return {"accounts": item.accounts, "item": told}

    def _remove(self, body: JSON) -> JSON:
        del self.items[self._item(body, sound=False).access_token]
        return {}

    def _reset(self, body: JSON) -> JSON:
        self._item(body).trouble = "ITEM_LOGIN_REQUIRED"
        return {"reset_login": True}

    def _public_token(self) -> str:
        number = self._number()
        item = Item(
            f"item{number:08d}",
            f"access-sandbox-{number:08d}",
            [account(10 * number), account(10 * number + 1, currency="EUR", name="Plaid Euro")],
        )
        self.items[item.access_token] = item
        public = f"public-sandbox-{number:08d}"
        self._public[public] = item.access_token
        return public

    def _exchange(self, public: str) -> JSON:
        token = self._public.pop(public, None)
        if token is None:
            raise PlaidError("INVALID_INPUT", "INVALID_PUBLIC_TOKEN", "could not find matching public token")
        return {"access_token": token, "item_id": self.items[token].id}

    def _item(self, body: JSON, *, sound: bool = True) -> Item:
        item = self.items.get(str(body.get("access_token")))
        if item is None:
            raise PlaidError("INVALID_INPUT", "INVALID_ACCESS_TOKEN", "could not find matching access token")
        if sound and item.trouble:
            raise PlaidError("ITEM_ERROR", item.trouble, _LOGIN)
        return item

    def _sync(self, item: Item, body: JSON) -> JSON:
        """A cursor is ``from.until.done``: what the listing began with, what it goes to, and how much of it was told."""
        count = int(body.get("count") or _USUAL)
        if not 1 <= count <= _MOST:
            raise PlaidError("INVALID_REQUEST", "INVALID_FIELD", "count must be between 1 and 500")
        start, until, done = self._place(item, str(body.get("cursor") or ""))
        if done and (self._mutations or until != len(item.log)):
            self._mutations = max(0, self._mutations - 1)
            raise _MUTATION
        changes = item.since(start)
        page, more = changes[done : done + count], len(changes) > done + count
        told: dict[str, list[Any]] = {name: [] for name in _LISTS.values()}
        for change, each in page:
            told[_LISTS[change]].append(
                {"transaction_id": each["transaction_id"], "account_id": each["account_id"]}
                if change == "removed"
                else each
            )
        following = (
            f"{start}.{len(item.log)}.{done + count}" if more else f"{len(item.log)}.{len(item.log)}.0"
        )
        return {
            **told,
            "next_cursor": following,
            "has_more": more,
            "accounts": item.accounts,
            "transactions_update_status": "HISTORICAL_UPDATE_COMPLETE",
        }

    def _place(self, item: Item, cursor: str) -> tuple[int, int, int]:
        if not cursor:
            return 0, len(item.log), 0
        try:
            start, until, done = map(int, cursor.split("."))
        except ValueError:
            raise PlaidError(
                "INVALID_REQUEST", "INVALID_FIELD", "cursor not associated with access_token"
            ) from None
        return start, until, done

    def _number(self) -> int:
        self._count += 1
        return self._count

    def _next(self, prefix: str) -> str:
        return f"{prefix}-{self._number():08d}"

    def _error(self, error: PlaidError) -> Response:
        return reply(
            {"error_type": error.kind, "error_code": error.code, "error_message": str(error), "display_message": None, "request_id": self._next("req")},
            status=error.status,
        )  # fmt: skip


_LOGIN = "the login details of this item have changed (credentials, MFA, or required user action) and a user login is required to update this information"
_MUTATION = PlaidError(
    "TRANSACTIONS_ERROR",
    "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION",
    "Underlying transaction data changed since last page was fetched. Please restart pagination from last update.",
)
