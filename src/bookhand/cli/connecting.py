"""What a house does for the pages of integrations: see `web.integrations.room`. The commands let go of a connection by `part` too."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bookhand import wiring
from bookhand.cli.at_intuit import application_of, said_of, signed_in
from bookhand.cli.connection_limits import check_limits, usual_limits
from bookhand.core.days import zone
from bookhand.core.problems import BookhandError, Conflict, Missing, Refusal
from bookhand.inbox import backfill_workflow, slices_store
from bookhand.inbox.lists import STRIPE_BEGAN
from bookhand.systems import store
from bookhand.systems.bank.plaid import keys_store, link_auth
from bookhand.systems.bank.plaid.keys_store import Keys
from bookhand.systems.beancount.auth import connect_folder
from bookhand.systems.netsuite import auth as netsuite
from bookhand.systems.netsuite.session.token_auth import TokenPair
from bookhand.systems.quickbooks import auth as quickbooks
from bookhand.systems.stripe import auth, oauth_auth, parting_auth
from bookhand.web.integrations.room import NO_SIGN_IN, Came, Certificate, Limit
from bookhand.workspace.trail import Note
from bookhand.workspace.trail_store import append

if TYPE_CHECKING:
    from collections.abc import Callable

    from bookhand.core.caller import Caller
    from bookhand.house import House
    from bookhand.systems.connection import Connection
    from bookhand.systems.store import Bound

_PARTINGS = {
    "netsuite": netsuite.disconnect,
    "quickbooks": quickbooks.disconnect,
    "stripe": parting_auth.disconnect,
}
_COUNTRIES = ("US", "CA", "GB", "IE", "FR", "ES", "NL", "DE", "IT", "PL", "DK", "NO", "SE", "EE", "LT", "LV", "PT", "BE")  # fmt: skip
"""Where Plaid reaches banks (plaid.com/docs/institutions)."""


def part(house: House, connection: Connection) -> list[str]:
    """Let go of a connection, whatever system it is of; in sentences what still stands of us on the other side."""
    match connection.link.system:
        case "bank":
            return wiring.part_bank(house, connection)
        case "beancount":
            with house.db.transaction() as cx:
                store.set_status(cx, connection.id, "disconnected", reason="disconnected by a person")
            return []
        case system:
            return _PARTINGS[system](house.db, house.secrets, connection.id)


class Connections:
    """See `web.integrations.room.Connecting`."""

    def __init__(self, house: House) -> None:
        self._house = house

    # --- by a consent at the system itself ---

    def lacking(self, key: str) -> str | None:
        """See `Connecting`."""
        settings = self._house.settings
        try:
            match key:
                case "stripe":
                    self._house.application(settings.stripe_application, home="http://localhost")
                case "quickbooks":
                    application_of(settings)
                case "plaid":
                    wiring.plaid_of(self._house).close()
                case _:
                    return None
        except Refusal as error:
            return str(error)
        return None

    def start(
        self, caller: Caller, key: str, *, name: str | None, bound: Bound, again: int | None = None
    ) -> str:
        """See `Connecting`."""
        caller.need("manage")
        house = self._house
        match key:
            case "stripe":
                application = house.application(house.settings.stripe_application, home=bound.home)
                return oauth_auth.start_oauth(house.db, application, name=name, bound=bound, again=again)
            case "quickbooks":
                at_intuit = application_of(house.settings, home=bound.home)
                return quickbooks.start_sign_in(house.db, at_intuit, name=name, bound=bound, again=again)
            case "plaid":
                plaid = wiring.plaid_of(house)
                try:
                    return link_auth.start_hosted(
                        house.db, plaid, user=f"workspace-{house.db.workspace_id}", countries=_COUNTRIES, name=name,
                        back=f"{house.settings.public_url or bound.home}/oauth/plaid", bound=bound, again=self._item(again),
                    )  # fmt: skip
                finally:
                    plaid.close()
            case _:
                raise Missing(f"{key} has no page of its own to sign in at: connect it by its form.")

    def _item(self, number: int | None) -> tuple[int, str] | None:
        """A bank that is to come back, with its access token; None where there is none, or the token was forgotten."""
        if number is None:
            return None
        connection = self._connection(number)
        if connection.auth != "plaid" or connection.status == "active":
            return None
        try:
            return number, link_auth.token_of(self._house.db, self._house.secrets, connection)
        except Refusal:
            return None

    def bound(self, state: str) -> Bound | None:
        """See `Connecting`."""
        with self._house.db.transaction() as cx:
            return store.bound_of(cx, store.state_hash(state))

    def finish(self, kind: str, sent: Mapping[str, str]) -> Came:
        """See `Connecting`."""
        by = self.bound(sent.get("state", ""))
        finishing: dict[str, Callable[[], tuple[Connection, str]]] = {
            "app": partial(self._from_stripe, "app", sent, by),
            "connect": partial(self._from_stripe, "connect", sent, by),
            "quickbooks": partial(self._from_intuit, sent, by),
            "plaid": partial(self._from_plaid, sent),
        }
        if kind not in finishing:
            raise Refusal(f"There is no sign-in of the kind {kind!r}: it is {', '.join(finishing)}.")
        before = self._every()
        made, says = finishing[kind]()
        told = self._connected(made, before, who=by.who if by else "machine", name=by.name if by else "")
        return msgspec.structs.replace(told, says=says)

    def _every(self) -> dict[int, Connection]:
        with self._house.db.transaction() as cx:
            return {each.id: each for each in store.every(cx)}

    def _connected(self, made: Connection, before: Mapping[int, Connection], *, who: str, name: str) -> Came:
        """Into the trail, with how it signs in and how it did before."""
        was = before.get(made.id)
        ways: dict[str, str] = {"signed_in_by": made.auth}
        if was is not None:
            ways |= {"was": was.status, "was_signed_in_by": was.auth}
        self._noted("connection.connected", made, who=who, name=name, **ways)
        in_use = was is not None and was.status == "active" and made.auth not in NO_SIGN_IN
        return Came(connection=made, says="", was=was.auth if was is not None and in_use else None)

    def _from_stripe(self, kind: Any, sent: Mapping[str, str], by: Bound | None) -> tuple[Connection, str]:
        house = self._house
        made = oauth_auth.finish_oauth(
            house.db, house.secrets, house.application(kind, home=by.home if by else None),
            state=sent.get("state", ""), code=sent.get("code"),
            error=sent.get("error"), error_description=sent.get("error_description"),
        )  # fmt: skip
        said = f"Connected {made.name} ({made.link.account}, {made.link.mode} mode). Next: bring its history in, on its page or with bookhand backfill."
        return made, self._registered(made, said)

    def _registered(self, made: Connection, said: str) -> str:
        try:
            self._house.register_webhooks(made)
        except BookhandError as error:
            return f"{said} Its webhooks are not registered yet, and will be at the next start: {error}"
        return said

    def _from_intuit(self, sent: Mapping[str, str], by: Bound | None) -> tuple[Connection, str]:
        made = signed_in(self._house, sent, home=by.home if by else None)
        return made, said_of(self._house, made)

    def _from_plaid(self, sent: Mapping[str, str]) -> tuple[Connection, str]:
        house, plaid = self._house, wiring.plaid_of(self._house)
        try:
            made = link_auth.finish_hosted(house.db, house.secrets, plaid, state=sent.get("state", ""))
        finally:
            plaid.close()
        return made, f"Connected {made.name} ({made.link.mode} mode). Its lines come within the hour."

    # --- by a form ---

    def connect(
        self, caller: Caller, key: str, way: str, fields: Mapping[str, str], *, again: int | None = None
    ) -> Came | None:
        """See `Connecting`."""
        caller.need("manage")
        if (key, way) == ("plaid", "keys"):
            self._keep_keys(caller, fields)
            return None
        before = self._every()
        made = self._by_form(key, way, {name: text for name, text in fields.items() if text}, again)
        came = self._connected(made, before, who=caller.who, name=caller.name)
        if key == "stripe" and way == "key":
            self._registered(made, "")
        return came

    def _keep_keys(self, caller: Caller, fields: Mapping[str, str]) -> None:
        """Try the company's keys at Plaid, and seal them."""
        house = self._house
        keys = Keys(client_id=fields["client_id"], secret=fields["secret"], place=fields["place"])
        if house.settings.plaid_client_id:
            raise Conflict(
                "Plaid's keys are set in the settings (BOOKHAND_PLAID_CLIENT_ID): change them there."
            )
        plaid = wiring.plaid_of(house, given=keys)
        try:
            link_auth.link_token(plaid, user=f"workspace-{house.db.workspace_id}")
        finally:
            plaid.close()
        with house.db.transaction() as cx:
            keys_store.keep(cx, house.secrets, house.db.workspace_id, keys)
            note = Note(
                who=caller.who, name=caller.name, channel="web", what="plaid.keys", subject=keys.client_id
            )
            append(cx, house.db.workspace_id, [note])

    def _by_form(self, key: str, way: str, given: Mapping[str, str], again: int | None) -> Connection:
        house, name = self._house, given.get("name")
        base = house.settings.stripe_base_url
        match key, way:
            case "stripe", "key":
                return auth.connect_with_key(
                    house.db, house.secrets, given["key"], name=name, base_url=base,
                    need_webhooks=house.settings.public_url is not None, again=again,
                )  # fmt: skip
            case "stripe", "platform":
                return auth.connect_account(
                    house.db,
                    house.secrets,
                    given["key"],
                    given["account"],
                    name=name,
                    base_url=base,
                    again=again,
                )
            case "netsuite", ("m2m" | "tba"):
                return self._at_netsuite(way, given, again)
            case "beancount", "folder":
                return connect_folder(
                    house.db, _folder(given["folder"]), mode=given.get("mode", "live"), name=name, again=again
                )
            case _:
                raise Missing(f"{key} cannot be connected by {way!r}.")

    def _at_netsuite(self, way: str, given: Mapping[str, str], again: int | None) -> Connection:
        house = self._house
        more: dict[str, Any] = {
            "subsidiary": given.get("subsidiary"), "name": given.get("name"), "base_url": house.settings.netsuite_base_url,
            "again": again,
        }  # fmt: skip
        if way == "m2m":
            return netsuite.connect_with_certificate(
                house.db, house.secrets, given["account"], client_id=given["client_id"], certificate_id=given["certificate_id"], **more
            )  # fmt: skip
        values = {
            each: given[each] for each in ("consumer_key", "consumer_secret", "token_id", "token_secret")
        }
        return netsuite.connect_with_tokens(
            house.db, house.secrets, given["account"], TokenPair(**values), **more
        )

    def certificate(self, caller: Caller, account: str) -> Certificate:
        """See `Connecting`."""
        caller.need("manage")
        pair = netsuite.begin(self._house.db, self._house.secrets, account, now=datetime.now(UTC))
        return Certificate(pem=pair.certificate_pem, expires=pair.expires)

    # --- letting go, limits ---

    def part(self, caller: Caller, number: int) -> list[str]:
        """See `Connecting`."""
        caller.need("manage")
        connection = self._connection(number)
        if connection.status == "disconnected":
            raise Conflict(f"{connection.name} is disconnected already.")
        undone = part(self._house, connection)
        self._noted("connection.disconnected", connection, who=caller.who, name=caller.name)
        return undone

    def limits(self, connection: Connection) -> list[Limit]:
        """See `Connecting`."""
        own = connection.settings.get("limits") or {}
        usual = usual_limits(connection)
        return [
            Limit(name=name, count=int(own.get(name, usual.get(name, 0))), usual=usual.get(name, 0))
            for name in {**usual, **own}
        ]

    def set_limits(self, caller: Caller, number: int, counts: Mapping[str, int]) -> None:
        """See `Connecting`."""
        caller.need("manage")
        connection = self._connection(number)
        usual = usual_limits(connection)
        own = {name: count for name, count in counts.items() if usual.get(name) != count}
        check_limits(connection, own)
        with self._house.db.transaction() as cx:
            store.set_settings(cx, number, limits=own or None)
        self._noted("connection.limits", connection, who=caller.who, name=caller.name, limits=own)

    # --- history ---

    def ask_history(self, caller: Caller, number: int, *, since: str | None, until: str | None) -> None:
        """See `Connecting`."""
        caller.need("manage")
        connection = self._connection(number)
        if connection.link.system != "stripe":
            raise Refusal(f"{connection.name} has no history to bring in: only a Stripe account has.")
        if connection.status != "active":
            raise Conflict(f"{connection.name} is {connection.status}: connect it again first.")
        now = int(time.time())
        begins = self._moment(since) if since else STRIPE_BEGAN
        ends = self._moment(until) if until else None
        if begins >= min(ends or now, now):
            raise Refusal("That range is empty: the first day comes before the last, and not after today.")
        backfill_workflow.ask(
            self._house.db, connection.link, since=begins, until=ends, by=caller.who, now=now
        )
        self._noted("backfill.asked", connection, who=caller.who, name=caller.name, since=since, until=until)

    def hold_history(self, caller: Caller, number: int, *, pause: bool) -> None:
        """See `Connecting`."""
        caller.need("manage")
        connection = self._connection(number)
        with self._house.db.transaction() as cx:
            if not slices_store.pause(cx, connection.link, by=caller.who if pause else None):
                raise Conflict(f"No backfill of {connection.name} is under way.")
            if not pause:
                slices_store.claim(cx, connection.link, by=caller.who)
        what = "backfill.paused" if pause else "backfill.resumed"
        self._noted(what, connection, who=caller.who, name=caller.name)

    def bank_folder(self) -> Path | None:
        """See `Connecting`."""
        return self._house.settings.bank_folder

    def backfill_months(self) -> int:
        """See `Connecting`."""
        return self._house.settings.backfill_months

    # --- what they share ---

    def _connection(self, number: int) -> Connection:
        with self._house.db.transaction() as cx:
            return store.get(cx, number)

    def _moment(self, day: str) -> int:
        try:
            found = date.fromisoformat(day)
        except ValueError:
            raise Refusal(f"{day[:20]!r} is no day: write it as in 2026-01-31.") from None
        at = datetime(found.year, found.month, found.day, tzinfo=zone(self._house.settings.timezone))
        return max(STRIPE_BEGAN, int(at.timestamp()))

    def _noted(self, what: str, connection: Connection, *, who: str, name: str, **details: Any) -> None:
        link = connection.link
        said = {"name": connection.name, "system": link.system, **details}
        note = Note(
            who=who,
            name=name,
            channel="web",
            what=what,
            subject=link.account,
            connection=connection.id,
            mode=link.mode,
            details=said,
        )
        with self._house.db.transaction() as cx:
            append(cx, link.workspace_id, [note])


def _folder(text: str) -> Path:
    path = Path(text).expanduser()
    if not path.is_absolute():
        raise Refusal(
            "Write the folder's whole path, beginning with /: it is one on the machine bookhand runs on."
        )
    return path
