"""The API about people, under ``/api/v1``: sessions, who I am, people, invitations, tokens.

    app.include_router(router(db, secrets, note))

Who calls is known by an API token (``Authorization: Bearer bhk_…``) or by the session's cookie; a call that changes something by
cookie needs ``X-CSRF-Token`` (the `Gate` looks). What a caller may do is decided in the rooms below, never here.
"""

# Annotations are read when they stand here: `who` is a name of the functions below.

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.responses import JSONResponse

from bookhand.core.caller import Caller
from bookhand.db.engine import Database
from bookhand.web.api import people_models as shapes
from bookhand.web.api.trouble import ERRORS, SecondNeeded, Told, TroubleAnswer
from bookhand.web.people import cookies
from bookhand.web.people.gate import Reception
from bookhand.web.people.sign_in import entered, source
from bookhand.workspace.people import invitation_store, session_store, store
from bookhand.workspace.people.person import Note, NotSignedIn
from bookhand.workspace.people.session_store import NewSession
from bookhand.workspace.people.sign_in_workflow import SignIn
from bookhand.workspace.secrets_store import Secrets

_ERRORS = ERRORS | {429: {"model": TroubleAnswer, "description": "Too many sign-ins failed of late."}}
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]
Who = Callable[[Request], Caller]


def router(db: Database, secrets: Secrets, note: Note, *, reception: Reception | None = None) -> APIRouter:
    """All of it; `reception` where the pages have one already."""
    here = reception or Reception(SignIn(db, secrets, note))
    made = APIRouter(route_class=Told, responses=_ERRORS, tags=["People"])
    who = who_asks(here)
    _session(made, here, who)
    _me(made, here, who)
    _people(made, here, who)
    _invitations(made, here, who)
    _tokens(made, here, who)
    _sessions(made, here, who)
    return made


def of(reception: Reception) -> APIRouter:
    """The same for the reception of a web."""
    door = reception.door
    return router(door.db, door.secrets, door.note, reception=reception)


def who_asks(reception: Reception) -> Who:
    """A dependency: the `Caller`, or `NotSignedIn`."""

    def caller(request: Request) -> Caller:
        found = reception.caller(request)
        if found is None:
            raise NotSignedIn("Nobody is signed in: send an API token, or sign in.")
        return found

    return caller


def _session(made: APIRouter, here: Reception, who: Who) -> None:
    door = here.door

    @made.post("/session", status_code=201, response_model=shapes.SessionBegun)
    def sign_in(request: Request, sent: shapes.Credentials) -> Response:
        """Sign in by password, and a code where there is an authenticator app. Sets the session's cookie."""
        found = door.by_password(
            sent.email, sent.password, code=sent.totp, source=source(request), now=here.clock()
        )
        if not isinstance(found, NewSession):
            raise SecondNeeded(
                f"The password was right; now send a second factor as well ({', '.join(found.ways)})."
            )
        return _begun(here, request, found, status=201)

    @made.delete("/session", status_code=204)
    def sign_out(request: Request, _caller: Annotated[Caller, Depends(who)]) -> Response:
        """End the session of this browser."""
        door.sign_out(cookies.cookie(request, cookies.SESSION) or "", now=here.clock())
        answer = Response(status_code=204)
        cookies.drop_cookie(answer, request, cookies.SESSION)
        return answer


def _me(made: APIRouter, here: Reception, who: Who) -> None:
    door = here.door

    @made.get("/me")
    def me(caller: Annotated[Caller, Depends(who)]) -> shapes.Me:
        """Who asks, and what they can do."""
        return _shown(caller)

    @made.put("/me/password", response_model=shapes.SessionBegun)
    def password(
        request: Request, sent: shapes.NewPassword, caller: Annotated[Caller, Depends(who)]
    ) -> Response:
        """Change one's own password. Every session ends, and this browser gets a new one."""
        new = door.change_password(
            caller, before=sent.before, after=sent.after, source=source(request), now=here.clock()
        )
        return _begun(here, request, new, status=200)

    @made.post("/me/totp", status_code=201)
    def begin_totp(caller: Annotated[Caller, Depends(who)]) -> shapes.TotpBegun:
        """Begin to add an authenticator app."""
        secret, address = door.new_totp(caller)
        return shapes.TotpBegun(secret=secret, address=address)

    @made.put("/me/totp")
    def keep_totp(sent: shapes.Code, caller: Annotated[Caller, Depends(who)]) -> shapes.RecoveryCodes:
        """The app's first code: from now on a password needs one."""
        return shapes.RecoveryCodes(codes=list(door.keep_totp(caller, sent.code, now=here.clock())))

    @made.post("/me/second-factors/remove", status_code=204)
    def drop_second(
        request: Request, sent: shapes.Confirmation, caller: Annotated[Caller, Depends(who)]
    ) -> None:
        """Take one's own second factors away."""
        door.drop_second(caller, password=sent.password, source=source(request), now=here.clock())


def _people(made: APIRouter, here: Reception, who: Who) -> None:
    db, note = here.door.db, here.door.note

    @made.get("/people")
    def people(caller: Annotated[Caller, Depends(who)]) -> list[shapes.PersonShown]:
        """Everybody of the workspace, oldest first."""
        caller.need("read")
        with db.transaction() as cx:
            return [shapes.PersonShown.model_validate(each) for each in store.every(cx)]

    @made.put("/people/{number}/role")
    def role(
        number: Number, sent: shapes.NewRole, caller: Annotated[Caller, Depends(who)]
    ) -> shapes.PersonShown:
        """Give a person another role; ends the person's sessions."""
        with db.transaction() as cx:
            found = store.change_role(cx, caller, number, sent.role, now=here.clock(), note=note)
        return shapes.PersonShown.model_validate(found)

    @made.post("/people/{number}/disable")
    def disable(number: Number, caller: Annotated[Caller, Depends(who)]) -> shapes.PersonShown:
        """Let a person in no more; ends sessions, revokes tokens."""
        with db.transaction() as cx:
            found = store.disable(cx, caller, number, now=here.clock(), note=note)
        return shapes.PersonShown.model_validate(found)

    @made.post("/people/{number}/enable")
    def enable(number: Number, caller: Annotated[Caller, Depends(who)]) -> shapes.PersonShown:
        """Let a disabled person in again."""
        with db.transaction() as cx:
            found = store.enable(cx, caller, number, note=note)
        return shapes.PersonShown.model_validate(found)

    @made.post("/people/{number}/link", status_code=201)
    def link(number: Number, caller: Annotated[Caller, Depends(who)]) -> shapes.InvitationMade:
        """A one-time link for somebody who is locked out: it sets a new password and takes second factors away."""
        with db.transaction() as cx:
            return _made(invitation_store.reset(cx, caller, number, now=here.clock(), note=note))


def _invitations(made: APIRouter, here: Reception, who: Who) -> None:
    db, note = here.door.db, here.door.note

    @made.get("/invitations")
    def invitations(caller: Annotated[Caller, Depends(who)]) -> list[shapes.InvitationShown]:
        """The links that are good."""
        caller.need("people")
        with db.transaction() as cx:
            found = invitation_store.every(cx, now=here.clock())
        return [shapes.InvitationShown.model_validate(each) for each in found]

    @made.post("/invitations", status_code=201)
    def invite(sent: shapes.NewInvitation, caller: Annotated[Caller, Depends(who)]) -> shapes.InvitationMade:
        """Invite somebody. bookhand sends no mail: the link is yours to pass on."""
        with db.transaction() as cx:
            return _made(
                invitation_store.invite(cx, caller, sent.email, sent.role, now=here.clock(), note=note)
            )

    @made.delete("/invitations/{number}", status_code=204)
    def revoke(number: Number, caller: Annotated[Caller, Depends(who)]) -> None:
        """Make a link worth nothing."""
        with db.transaction() as cx:
            invitation_store.revoke(cx, caller, number, now=here.clock(), note=note)


def _tokens(made: APIRouter, here: Reception, who: Who) -> None:
    db, note = here.door.db, here.door.note

    @made.get("/tokens")
    def tokens(caller: Annotated[Caller, Depends(who)]) -> list[shapes.TokenShown]:
        """One's own tokens; for who cares for people, everybody's."""
        with db.transaction() as cx:
            found = session_store.tokens(cx, caller, now=here.clock())
        return [shapes.TokenShown.model_validate(each) for each in found]

    @made.post("/tokens", status_code=201)
    def make(sent: shapes.NewToken, caller: Annotated[Caller, Depends(who)]) -> shapes.TokenMade:
        """A token of one's own, with some of what one can do."""
        with db.transaction() as cx:
            token, secret = session_store.make_token(
                cx, caller, sent.name, sent.scopes, days=sent.days, now=here.clock(), note=note
            )
        return shapes.TokenMade(token=shapes.TokenShown.model_validate(token), secret=secret)

    @made.delete("/tokens/{number}", status_code=204)
    def revoke(number: Number, caller: Annotated[Caller, Depends(who)]) -> None:
        """Revoke a token."""
        with db.transaction() as cx:
            session_store.revoke_token(cx, caller, number, now=here.clock(), note=note)


def _sessions(made: APIRouter, here: Reception, who: Who) -> None:
    db, note = here.door.db, here.door.note

    @made.get("/sessions")
    def sessions(caller: Annotated[Caller, Depends(who)]) -> list[shapes.SessionShown]:
        """One's own sessions; for who cares for people, everybody's."""
        with db.transaction() as cx:
            found = session_store.sessions(cx, caller, now=here.clock())
        return [shapes.SessionShown.model_validate(each) for each in found]

    @made.delete("/sessions/{number}", status_code=204)
    def end(number: Number, caller: Annotated[Caller, Depends(who)]) -> None:
        """End a session."""
        with db.transaction() as cx:
            session_store.end(cx, caller, number, now=here.clock(), note=note)


def _begun(here: Reception, request: Request, new: NewSession, *, status: int) -> Response:
    with here.door.db.transaction() as cx:
        caller = session_store.authenticate(
            cx, session=new.secret, bearer=None, channel="rest", now=here.clock()
        )
    if caller is None:
        raise NotSignedIn("The session ended at once: sign in again.")
    body = shapes.SessionBegun(
        me=_shown(caller), expires_at=new.expires_at, csrf=cookies.token_of(new.secret)
    )
    answer = JSONResponse(body.model_dump(mode="json"), status_code=status)
    return entered(answer, here, request, new)


def _shown(caller: Caller) -> shapes.Me:
    return shapes.Me(
        who=caller.who, name=caller.name, role=caller.role, can=sorted(caller.can), channel=caller.channel,
        token=caller.token,
    )  # fmt: skip


def _made(link: invitation_store.Link) -> shapes.InvitationMade:
    shown = shapes.InvitationShown.model_validate(link.invitation)
    return shapes.InvitationMade(invitation=shown, path=f"/welcome/{link.secret}")
