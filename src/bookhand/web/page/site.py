"""What every page has at hand, and the three ways a page is answered: shown, done, or told why not.

    def routes(site: Site) -> APIRouter:
        router = site.router()

        @router.get("/books")
        def proof(request: Request) -> Response:
            return site.show(request, "books/proof.html", lambda me: {"proofs": …})

        @router.post("/books/{number}/pause")
        def pause(request: Request, number: int, form: Sent) -> Response:
            return site.act(request, form, lambda me: Done(to="/books", said=plain("books.paused")), need="manage")

Who is not signed in is led to ``/sign-in``; who may not, and what is not there, is told so on a page with the right status. A form brings
its token. No process keeps anything of a visitor: what has to be said after a redirect travels in a signed cookie.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import unquote, urlsplit

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from bookhand.core.caller import Caller, Capability, NotAllowed
from bookhand.core.problems import BookhandError, Conflict, Missing, Outage, Refusal
from bookhand.db.engine import Database
from bookhand.web.bounded import MEGABYTE
from bookhand.web.page import figures
from bookhand.web.page.aside import Aside
from bookhand.web.page.frame import Said, Viewer, frame, look_of
from bookhand.web.page.pulse import Pulse, read
from bookhand.web.page.wording import plain
from bookhand.web.people import cookies
from bookhand.web.people.gate import Reception, to_sign_in

if TYPE_CHECKING:
    from bookhand.actions.workflow import Door
    from bookhand.books.room_workflow import BookRoom
    from bookhand.runs.template import Template
    from bookhand.workflows.payouts.reconciling.workflow import Payouts

SAID, ZONE, LOCALE = "bookhand-said", "bookhand-zone", "bookhand-locale"
_SAID_SECONDS = 60
KILOBYTE = 1024
_MOST_FIELDS, _MOST_FILES, _LONGEST_FIELD, _LONGEST_NAME = 2_000, 4, 256 * KILOBYTE, 60
_MOST_SAID = 1_200  # bytes, so that the cookie fits into the 4 kB that browsers keep
FORM_BYTES = 2 * MEGABYTE
"""More than any form of ours has, its file apart."""

Seen = Mapping[str, Any]


class Form(msgspec.Struct, frozen=True):
    """What a form sent: text by name, every text of a name, and files; `wrong` is why it cannot be acted on."""

    data: Any
    wrong: BookhandError | None = None

    def text(self, name: str, default: str = "") -> str:
        """The text of the field, without the blanks around it and the zero bytes in it, which no database keeps."""
        found = self.data.get(name, default)
        return found.replace("\x00", "").strip() if isinstance(found, str) else default

    def texts(self, name: str) -> list[str]:
        """Every text of that name: ticks of a list."""
        return [each.replace("\x00", "") for each in self.data.getlist(name) if isinstance(each, str)]

    def whole(self, name: str) -> int | None:
        """The field as a whole number; None where it is empty. `Refusal` where it is something else."""
        text = self.text(name)
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 (16 digits are no number of ours)
            raise Refusal(plain("page.entered.whole", text=text[:40]))
        return int(text)

    def file(self, name: str) -> UploadFile | None:
        """The file of that name; None where none was chosen."""
        found = self.data.get(name)
        return found if isinstance(found, UploadFile) and found.filename else None


class TooLong(Refusal):
    """What was sent is longer than is read."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A form was acted on: which page follows, and what is said there."""

    to: str
    said: str | None = None
    tone: Any = "good"


async def _sent(request: Request) -> Form:
    try:
        data = await request.form(max_files=_MOST_FILES, max_fields=_MOST_FIELDS, max_part_size=FORM_BYTES)
    except (ValueError, AssertionError):
        return Form(FormData())
    except (HTTPException, MultiPartException):
        return Form(FormData(), TooLong(plain("page.too_much", n=_MOST_FIELDS, files=_MOST_FILES)))
    return Form(data, _too_long(data))


def _too_long(data: FormData) -> TooLong | None:
    """Which text of a form is longer than is taken, and by how much."""
    for name, text in data.multi_items():
        size = len(text.encode()) if isinstance(text, str) else 0
        if size > _LONGEST_FIELD:
            sizes = {"n": -(-size // KILOBYTE), "most": _LONGEST_FIELD // KILOBYTE}
            return TooLong(plain("page.field_too_long", name=name[:_LONGEST_NAME], **sizes))
    return None


Sent = Annotated[Form, Depends(_sent)]


@dataclass(slots=True)
class Site:
    """See the module's docstring. `rooms` is what more the pages of one room need, by its name, put there by the wiring."""

    db: Database
    reception: Reception
    door: Door
    templates: Mapping[str, Template]
    books: BookRoom
    payouts: Payouts
    rooms: dict[str, Any] = field(default_factory=dict)
    longer: dict[str, int] = field(default_factory=dict)
    """Path to how many bytes may be sent to it, where that is more than a form has."""
    pulse: Pulse = field(init=False)
    aside: Aside = field(default_factory=Aside)
    """What a form asked for at another system, which may take long."""

    def __post_init__(self) -> None:
        """One look a second for all open pages of this process."""
        self.pulse = Pulse(lambda: read(self.db))

    def router(self) -> APIRouter:
        """A router whose pages stand in no description of the API."""
        return APIRouter(include_in_schema=False)

    # --- answering ---

    def show(
        self,
        request: Request,
        template: str,
        make: Callable[[Viewer], Seen],
        *,
        need: Capability = "read",
        status: int = 200,
    ) -> Response:
        """The page `template` with what `make` finds for the viewer."""
        me = self.viewer(request)
        if me is None:
            return to_sign_in(request)
        try:
            me.caller.need(need)
            page = HTMLResponse(frame(me, template, make(me)), status_code=status)
        except BookhandError as error:
            page = self.told(me, error)
        if me.said is not None:
            page.delete_cookie(SAID, path="/", httponly=True, samesite="lax")
        return page

    def act(
        self,
        request: Request,
        form: Form,
        do: Callable[[Viewer], Done | Response],
        *,
        need: Capability,
        again: Callable[[Viewer, BookhandError], Response] | None = None,
    ) -> Response:
        """Do what a form asks for, then lead to the next page; what is refused is told, by `again` where the form is shown once more."""
        me = self.viewer(request)
        if me is None:
            return to_sign_in(request)
        token = form.text("csrf") or request.headers.get("x-csrf-token")
        if form.wrong is not None and not token:
            return self.told(me, form.wrong)
        try:
            if not cookies.from_our_page(request, token, public_url=self.reception.public_url):
                raise NotAllowed(plain("page.strange_form"))
            me.caller.need(need)
            if form.wrong is not None:
                raise form.wrong
            done = do(me)
        except BookhandError as error:
            return again(me, error) if again is not None else self.told(me, error)
        if isinstance(done, Response):
            return done
        answer = RedirectResponse(local(done.to), status_code=303)
        if done.said:
            self._say(request, answer, Said(text=done.said, tone=done.tone))
        return answer

    def part(self, me: Viewer, template: str, seen: Seen, *, status: int = 200) -> HTMLResponse:
        """A page or a part of one for a viewer who is known already."""
        return HTMLResponse(frame(me, template, seen), status_code=status)

    def told(self, me: Viewer, error: BookhandError) -> HTMLResponse:
        """The page that says what went wrong, and with what status."""
        return self.part(
            me, "page/trouble.html", {"error": error, "sort": _sort(error)}, status=status_of(error)
        )

    def most_bytes(self, path: str) -> int:
        """How long what is sent to `path` may be."""
        return self.longer.get(path, FORM_BYTES)

    async def too_long(self, request: Request, most_bytes: int) -> Response:
        """The page for a request that goes on beyond `most_bytes`; its body is not read."""

        def page() -> Response:
            me = self.viewer(request)
            if me is None:
                return to_sign_in(request)
            return self.told(me, TooLong(plain("page.too_long", n=most_bytes // MEGABYTE)))

        return await run_in_threadpool(page)

    # --- who looks ---

    def viewer(self, request: Request) -> Viewer | None:
        """Who asks for a page, and how they read; None for a stranger."""
        caller = self.reception.caller(request)
        return None if caller is None else self._viewer(request, caller)

    def _viewer(self, request: Request, caller: Caller) -> Viewer:
        chosen = request.cookies
        with self.db.transaction() as cx:
            row = cx.execute(
                "select (select name from workspace where workspace_id = %s),"
                " (select count(*) from (select 1 from proposal where workspace_id = %s and state = 'waiting' limit 100) as few)",
                (caller.workspace_id, caller.workspace_id),
            ).fetchone()
        name, waiting = row if row is not None else ("", 0)
        return Viewer(
            caller=caller,
            token=cookies.form_token(request),
            reads=figures.reads(
                accepts=request.headers.get("accept-language", ""), locale=chosen.get(LOCALE), zone=unquote(chosen.get(ZONE, ""))
            ),
            zone_chosen=False,
            look=look_of(chosen),
            now=self.reception.clock(),
            path=request.url.path,
            address=_address(request),
            said=self._said(request),
            counts={"approvals": int(waiting)},
            workspace=str(name or ""),
        )  # fmt: skip

    # --- what is said after a redirect ---

    def _say(self, request: Request, answer: Response, said: Said) -> None:
        short = said.text.encode()[:_MOST_SAID].decode(errors="ignore")
        told = json.dumps([said.tone, short], ensure_ascii=False)
        text = base64.urlsafe_b64encode(told.encode()).decode()
        https = cookies.origin(request, self.reception.public_url).startswith("https://")
        answer.set_cookie(
            SAID, f"{text}.{_sealed(request, text)}", max_age=_SAID_SECONDS, path="/", secure=https, httponly=True, samesite="lax"
        )  # fmt: skip

    def _said(self, request: Request) -> Said | None:
        if request.method != "GET" or request.headers.get("hx-request"):
            return None
        text, _, seal = request.cookies.get(SAID, "").partition(".")
        if not text or not hmac.compare_digest(seal.encode(), _sealed(request, text).encode()):
            return None
        try:
            tone, said = json.loads(base64.urlsafe_b64decode(text))
        except (binascii.Error, ValueError, TypeError):
            return None
        return Said(text=str(said), tone=tone if tone in {"good", "bad", "look", "quiet"} else "quiet")


def _address(request: Request) -> str:
    if request.method != "GET":
        return ""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _sealed(request: Request, text: str) -> str:
    return hmac.digest(cookies.form_token(request).encode(), b"said " + text.encode(), hashlib.sha256).hex()[
        :32
    ]


def local(address: str) -> str:
    """`address`, if it leads to a page of ours; else the first page. Nothing that was sent leads anywhere else."""
    parts = urlsplit(address)
    inside = address.startswith("/") and not address.startswith(("//", "/\\"))
    return (
        address
        if inside and not parts.scheme and not parts.netloc and address.isprintable() and "\\" not in address
        else "/"
    )


def status_of(error: BookhandError) -> int:
    """The HTTP status that says what kind of trouble it is."""
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)


_STATUSES: tuple[tuple[type[BookhandError], int], ...] = (
    (NotAllowed, 403),
    (TooLong, 413),
    (Missing, 404),
    (Conflict, 409),
    (Refusal, 400),
    (Outage, 503),
)


def _sort(error: BookhandError) -> str:
    return {
        403: "forbidden",
        404: "missing",
        409: "conflict",
        400: "refused",
        413: "refused",
        503: "away",
    }.get(status_of(error), "fault")
