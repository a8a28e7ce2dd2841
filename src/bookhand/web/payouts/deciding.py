"""What a person says about payouts on a page: it goes through the door as bookhand's own action, and is done at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bookhand.core.problems import Refusal
from bookhand.web.page.site import Done
from bookhand.web.page.wording import plain

if TYPE_CHECKING:
    from bookhand.web.page.frame import Viewer
    from bookhand.web.page.site import Form, Site


def decide(
    site: Site, me: Viewer, action: str, params: Mapping[str, Any], *, why: str, to: str, said: str
) -> Done:
    """Ask the door for it: `said` where it was done; where it waits for a yes, the way to the approvals."""
    made = site.door.propose(me.caller, action, params, why)
    if made.state == "done":
        return Done(to=to, said=said)
    if made.is_final:
        return Done(to=to, said=made.state_why or plain("payouts.not_done"), tone="bad")
    return Done(to="/approvals", said=plain("payouts.waits"), tone="look")


def why_of(form: Form, name: str = "why") -> str:
    """What a person gives as the reason; `Refusal` without one."""
    text = form.text(name)
    if not text:
        raise Refusal(plain("payouts.why_missing"))
    return text[:1000]
