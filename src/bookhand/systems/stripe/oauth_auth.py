"""OAuth with Stripe: an app that an account installs, or a platform that an account connects to.

    url = start_oauth(db, application, name="Acme")                             # send the person there
    connection = finish_oauth(db, secrets, application, state=…, code=…)        # when they come back

The state is random, kept as a hash, good once and for a quarter of an hour. It is used up before the code is exchanged, and the
exchange is sent once: Stripe ends the connection of a code that it sees twice. So whatever goes wrong, the person starts again.
"""

from __future__ import annotations

import secrets as chance
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

import msgspec

from bookhand.core.facts import Link
from bookhand.core.problems import Outage, Refusal
from bookhand.systems import store
from bookhand.systems.client import Gate, LocalLeaser
from bookhand.systems.connection import Connection, mode_of_key
from bookhand.systems.stripe import PINNED_VERSION, answers
from bookhand.systems.stripe.auth import SYSTEM, identify, keep
from bookhand.systems.stripe.client import API, Patience, StripeReader, post_form
from bookhand.systems.stripe.token_auth import DEVELOPER_KEY, KEY, TOKENS, Granted, granted, read_tokens

if TYPE_CHECKING:
    from bookhand.db.engine import Database
    from bookhand.systems.stripe.answers import Answer
    from bookhand.workspace.secrets_store import Secrets

_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A Stripe App (``app``) or a Connect platform (``connect``) of one's own, in the mode of its developer key."""

    kind: Literal["app", "connect"]
    client_id: str
    redirect_uri: str
    developer_key: str = field(repr=False)
    base_url: str = API
    connect_url: str = "https://connect.stripe.com"
    marketplace_url: str = "https://marketplace.stripe.com"
    scope: Literal["read_only", "read_write"] = "read_write"
    """Connect's; Stripe lets only extensions ask for less."""


def start_oauth(
    db: Database,
    application: Application,
    *,
    name: str | None = None,
    bound: store.Bound | None = None,
    again: int | None = None,
) -> str:
    """The address to send a person to, who says yes there and comes back with a code.

    `bound` says whose sign-in it is, `again` which connection is to come back by it.
    """
    mode_of_key(application.developer_key)
    state = chance.token_urlsafe(32)
    plan = {
        "kind": application.kind, "client_id": application.client_id, "name": name, "bound": msgspec.to_builtins(bound),
        "again": again,
    }  # fmt: skip
    with db.transaction() as cx:
        store.begin_sign_in(cx, db.workspace_id, store.state_hash(state), plan, minutes=_MINUTES)
    asked = {"client_id": application.client_id, "redirect_uri": application.redirect_uri, "state": state}
    if application.kind == "app":
        return f"{application.marketplace_url}/oauth/v2/authorize?{urlencode(asked)}"
    connect = {"response_type": "code", "scope": application.scope, **asked}
    return f"{application.connect_url}/oauth/authorize?{urlencode(connect)}"


def finish_oauth(
    db: Database,
    secrets: Secrets,
    application: Application,
    *,
    state: str,
    code: str | None = None,
    error: str | None = None,
    error_description: str | None = None,
) -> Connection:
    """Exchange the code of a person who came back, and keep the connection; `Refusal` where it cannot be."""
    plan = _take(db, application, state)
    if error or not code:
        why = answers.clean(error_description or error or "no code came back")
        raise Refusal(f"Stripe did not connect: {why}. Start again when you want to.")
    answer = _exchange(application, code)
    grant = granted(answer)
    draft = _draft(application, grant)
    token = grant.access_token if application.kind == "app" else application.developer_key
    with StripeReader(
        draft, token=lambda: token, gate=Gate(LocalLeaser()), patience=Patience(tries=3)
    ) as reader:
        identity = identify(reader)
    if grant.stripe_user_id not in {None, identity.account}:
        raise Refusal(
            f"Stripe granted {grant.stripe_user_id} but answers as {identity.account}: nothing was connected."
        )
    return keep(
        db, secrets, draft, identity, _sealed(application, answer), name=plan["name"], again=plan.get("again")
    )


def _take(db: Database, application: Application, state: str) -> dict[str, Any]:
    """The plan of a sign-in, used up and committed before anything else happens."""
    with db.transaction() as cx:
        plan = store.take_sign_in(cx, store.state_hash(state))
    if plan is None:
        raise Refusal(
            "This sign-in is not one that was begun here, or it was used, or is over a quarter of an hour old: start again."
        )
    if (plan["kind"], plan["client_id"]) != (application.kind, application.client_id):
        raise Refusal("This sign-in was begun for another application: start again.")
    return plan


def _exchange(application: Application, code: str) -> Answer:
    app = application.kind == "app"
    url = f"{application.base_url}/v1/oauth/token" if app else f"{application.connect_url}/oauth/token"
    try:
        answer = post_form(
            url, {"grant_type": "authorization_code", "code": code}, key=application.developer_key
        )
    except Outage as error:
        raise Refusal(
            f"{error} Whether the code was used is not known, and a code is never sent twice, as Stripe would end the connection: start again."
        ) from None
    if not answer.is_ok:
        raise answers.refusal(answer, asked="the exchange of the code; start again")
    return answer


def _draft(application: Application, grant: Granted) -> Connection:
    """The connection as it will be; a grant in another mode than the developer key's is refused."""
    mode = mode_of_key(application.developer_key)
    if grant.livemode != (mode == "live"):
        raise Refusal(
            f"Stripe granted {'live' if grant.livemode else 'test'} mode to a {mode} key: nothing was connected."
        )
    settings: dict[str, Any] = {"client_id": application.client_id}
    if application.base_url != API:
        settings["base_url"] = application.base_url
    if application.kind == "connect":
        settings["connect_url"] = application.connect_url
    return Connection(
        link=Link(workspace_id=0, connection_id=0, system=SYSTEM, account=grant.stripe_user_id or "", mode=mode, api_version=PINNED_VERSION),
        name="a new connection", livemode=grant.livemode, auth="app_oauth" if application.kind == "app" else "connect_oauth",
        status="active", scopes=[grant.scope] if grant.scope else [], settings=settings,
    )  # fmt: skip


def _sealed(application: Application, answer: Answer) -> dict[str, str]:
    """What to seal: an app's tokens and the key that renews them, or the platform's key (Connect's own tokens are deprecated)."""
    if application.kind == "connect":
        return {KEY: application.developer_key}
    tokens = msgspec.json.encode(read_tokens(answer, at=time.time())).decode()
    return {TOKENS: tokens, DEVELOPER_KEY: application.developer_key}
