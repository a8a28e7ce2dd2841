"""Who may only look is shown everything and can change nothing, by button or by hand; and texts of strangers are text."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.browser.window import Windows

PLACES = (
    "/approvals",
    "/payouts/statements",
    "/payouts/breaks",
    "/books/periods",
    "/settings/integrations",
    "/settings/people",
    "/actions/refunds.create",
)
_POST = """async ([path, fields]) => {
  const token = document.querySelector('meta[name="form-token"]').content;
  const answer = await fetch(path, { method: "POST", redirect: "manual", body: new URLSearchParams({ csrf: token, ...fields }) });
  return answer.status;
}"""


def test_a_viewer_changes_nothing(windows: Windows) -> None:
    here = windows.town
    proposal = here.propose(
        "refunds.create", {"charge": here.refundable()[0], "amount": 111}, "For the viewer to look at"
    )
    window = windows.open("viewer")
    window.expected.append("403")
    page = window.page
    assert here.connection is not None
    acts = (
        (f"/approvals/{proposal}/approve", {"call_hash": here.hash_of(proposal)}),
        (f"/approvals/{proposal}/reject", {"note": "no"}),
        ("/actions/refunds.create", {"p.charge": "ch_1", "why": "mine"}),
        (f"/settings/integrations/stripe/{here.connection.id}/disconnect", {}),
        (f"/settings/integrations/stripe/{here.connection.id}/history", {"range": "12"}),
        ("/payouts/statements", {}),
    )
    page.goto("/")
    for path, fields in acts:
        assert page.evaluate(_POST, [path, fields]) == 403, path
    for path in PLACES:
        page.goto(path)
        expect(page.locator("main")).to_be_visible()
        forms = page.locator("main form[method=post]").count()
        assert forms == 0, f"{path} offers a viewer {forms} forms"
    page.goto(f"/approvals/{proposal}")
    window.keys("a")
    window.says("1.11")
    assert here.state_of(proposal) == "waiting"
    page.goto("/audit")
    expect(page.locator("h1")).to_contain_text("You may not do this")


@pytest.mark.parametrize(
    "text", ["<script>document.title='x'</script>", '"><img src=x onerror="document.title=\'x\'">']
)
def test_what_strangers_write_is_text(windows: Windows, text: str) -> None:
    here = windows.town
    proposal = here.propose("refunds.create", {"charge": here.refundable()[0], "amount": 112}, text)
    window = windows.open("owner")
    page = window.page
    for path in ("/approvals", f"/approvals/{proposal}"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text(text)
        assert page.title() != "x"
    here.withdraw(proposal)
