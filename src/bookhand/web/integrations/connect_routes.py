"""Connecting: a window that goes to the system's own page to say yes there, or a form of ours with each fault beside its field."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from bookhand.core.caller import NotAllowed
from bookhand.core.problems import BookhandError, Missing, Outage, Refusal
from bookhand.systems import store as connections
from bookhand.systems.manifest import Manifest, Way
from bookhand.web.integrations import library
from bookhand.web.integrations.back import bound_to, page
from bookhand.web.integrations.room import NO_SIGN_IN, Certificate, Connecting
from bookhand.web.page.frame import Viewer
from bookhand.web.page.site import Done, Form, Seen, Sent, Site, status_of
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies

HOME = "/settings/integrations"


def add(router: APIRouter, site: Site, room: Connecting) -> None:
    """The window's beginning, the forms, and the certificate that NetSuite is given."""

    @router.get(f"{HOME}/{{key}}/connect")
    def consent(request: Request, key: str, way: str = "oauth", again: int | None = None) -> Response:
        return _begun(site, room, request, key=key, way=way, again=again)

    @router.get(f"{HOME}/{{key}}/connect/{{way}}")
    def form_page(request: Request, key: str, way: str, again: int | None = None) -> Response:
        return site.show(request, "integrations/connect.html", lambda _: _form(site, key, way, to=again), need="manage")  # fmt: skip

    @router.post(f"{HOME}/{{key}}/connect/{{way}}")
    def form_sent(request: Request, key: str, way: str, form: Sent) -> Response:
        def again(me: Viewer, error: BookhandError) -> Response:
            if isinstance(error, NotAllowed | Missing):
                return site.told(me, error)
            return site.part(me, "integrations/connect.html", _form(site, key, way, form, error, to=_to(form)), status=status_of(error))  # fmt: skip

        return site.act(
            request, form, lambda me: _connected(room, me, key, way, form), need="manage", again=again
        )

    @router.post(f"{HOME}/netsuite/certificate")
    def certificate(request: Request, form: Sent) -> Response:
        def made(me: Viewer) -> Response:
            found = room.certificate(me.caller, _needed(form, "account", plain("integrations.form.account")))
            return site.part(me, "integrations/connect.html", _form(site, "netsuite", "m2m", form, certificate=found, to=_to(form)))  # fmt: skip

        def again(me: Viewer, error: BookhandError) -> Response:
            if isinstance(error, NotAllowed):
                return site.told(me, error)
            return site.part(me, "integrations/connect.html", _form(site, "netsuite", "m2m", form, error, to=_to(form)), status=status_of(error))  # fmt: skip

        return site.act(request, form, made, need="manage", again=again)


def _begun(
    site: Site, room: Connecting, request: Request, *, key: str, way: str, again: int | None
) -> Response:
    """Send the window that was opened to the system's own page; what goes wrong is told in that window."""
    me = site.viewer(request)
    if me is None:
        return RedirectResponse("/sign-in", status_code=303)
    public_url = site.reception.public_url
    try:
        if cookies.is_foreign(request, public_url):
            raise NotAllowed(plain("page.strange_form"))
        me.caller.need("manage")
        chosen = _way(library.manifest(key), way)
        if not chosen.is_consent:
            raise Missing(plain("integrations.form.no_consent", name=chosen.name))
        bound = bound_to(request, me.caller, public_url=public_url)
        address = room.start(me.caller, key, name=None, bound=bound, again=again)
    except BookhandError as error:
        return page(plain("integrations.back.not_begun"), str(error), status=status_of(error))
    return RedirectResponse(address, status_code=303)


def _form(
    site: Site,
    key: str,
    way: str,
    sent: Form | None = None,
    error: BookhandError | None = None,
    *,
    certificate: Certificate | None = None,
    to: int | None = None,
) -> Seen:
    """The form of a way; what was typed stands there again, but for secrets. `to` is the connection that is to come back."""
    manifest = library.manifest(key)
    chosen = _way(manifest, way)
    if chosen.is_consent:
        raise Missing(plain("integrations.form.no_form", name=chosen.name))
    typed = {each.name: "" if each.secret or sent is None else sent.text(each.name) for each in chosen.fields}
    wrong: Mapping[str, str] = error.fields if isinstance(error, _Unfilled) else {}
    if error is not None and not wrong and not isinstance(error, Outage):
        wrong = {chosen.fields[0].name: str(error)}
    with site.db.transaction() as cx:
        mine = [each for each in connections.every(cx) if library.of_connection(each).key == manifest.key]
    return {
        "mine": mine, "no_sign_in": NO_SIGN_IN, "to": next((each for each in mine if each.id == to), None),
        "system": manifest, "way": chosen, "typed": typed, "wrong": wrong, "icon_of": library.icon_of,
        "trouble": str(error) if error is not None and not wrong else None, "certificate": certificate,
    }  # fmt: skip


def _to(form: Form) -> int | None:
    """The connection that is to come back, as the form that is shown once more was told."""
    text = form.text("again")
    return int(text) if text.isascii() and text.isdigit() else None


def _connected(room: Connecting, me: Viewer, key: str, way: str, form: Form) -> Done:
    manifest = library.manifest(key)
    chosen = _way(manifest, way)
    if chosen.is_consent:
        raise Missing(plain("integrations.form.no_form", name=chosen.name))
    given = {each.name: form.text(each.name) for each in chosen.fields}
    unfilled = {
        each.name: plain("integrations.form.unfilled", name=each.label)
        for each in chosen.fields
        if each.needed and not given[each.name]
    } | {
        each.name: plain("integrations.form.no_choice", name=each.label)
        for each in chosen.fields
        if each.choices and given[each.name] and given[each.name] not in each.choices
    }
    if unfilled:
        raise _Unfilled(unfilled)
    came = room.connect(me.caller, key, way, given, again=form.whole("again"))
    if came is None:
        return Done(to=f"{HOME}/{key}", said=plain("integrations.form.prepared", name=manifest.name))
    made = came.connection
    said = plain("integrations.form.connected", name=made.name, mode=made.link.mode)
    return Done(
        to=f"{HOME}/{key}/{made.id}",
        said=f"{said} {came.replaced}".strip(),
        tone="look" if came.swapped else "good",
    )


def _way(manifest: Manifest, key: str) -> Way:
    found = manifest.way(key)
    if found is None:
        raise Missing(plain("integrations.form.no_way", name=manifest.name))
    return found


def _needed(form: Form, name: str, label: str) -> str:
    text = form.text(name)
    if not text:
        raise _Unfilled({name: plain("integrations.form.unfilled", name=label)})
    return text


class _Unfilled(Refusal):
    """Fields of a form that are wrong before anybody is asked, each with its sentence."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()))
        self.fields = fields
