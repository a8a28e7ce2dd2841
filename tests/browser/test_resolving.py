"""A Break goes away when what it missed comes: by the statement that has it, or by a person's word that two sides are the same money."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import company
from playwright.sync_api import Page, expect
from tests.browser.town import Town
from tests.browser.window import Window, Windows

_KEPT_CENTS = 1_850
"""What the bank kept of one payout without a word."""


def test_a_statement_resolves_one_break_and_a_match_by_hand_another(
    new_windows: Windows, tmp_path: Path
) -> None:
    window, here = new_windows.open("owner"), new_windows.town
    page = window.page
    here.connection = company.history(here.house, here.stripe.url, company.key(here.stripe.url))
    late, short, *others = _payouts(here)
    known = [(each, _name(each), each["amount"]) for each in others]
    _upload(window, tmp_path / "first.csv", [*known, (short, "INCOMING 4711", short["amount"] - _KEPT_CENTS)])
    here.until(lambda: here.count("bank_match") == len(known), what="the rest is matched", seconds=40)
    _reconciled(page, missing=[late, short], by=late["amount"] + short["amount"])

    page.goto("/payouts/breaks?cause=missing")
    expect(page.locator("[data-item]")).to_have_count(2)
    page.locator("tr", has_text=_shown(late["amount"])).locator("[data-item]").press("Enter")
    expect(page.locator("#about")).to_contain_text(late["id"])
    expect(page.locator("#break")).to_contain_text("Open")
    page.evaluate("window.stayed = true")
    other = new_windows.open("owner")
    _upload(other, tmp_path / "second.csv", [(late, _name(late), late["amount"])])
    expect(page.locator("#break")).to_contain_text(
        "It is closed: the difference is found no more.", timeout=40_000
    )
    assert page.evaluate("window.stayed === true"), "the page was loaded anew"
    _at_bank(page, late, "Arrived")
    _at_bank(page, short, "Missing")
    _reconciled(page, missing=[short], by=short["amount"])

    page.goto("/payouts")
    page.locator("tr", has_text=short["id"]).get_by_role("link", name="Missing").press("Enter")
    where = page.url
    page.get_by_role("link", name="Match by hand").press("Enter")
    expect(page.locator(f"#p-{short['id']}")).to_be_checked()
    page.locator("#lines tr", has_text="INCOMING 4711").locator("[data-tick]").press("Space")
    expect(page.locator("[data-ticked-of=sides]")).to_contain_text(f"{_KEPT_CENTS / 100:.2f}")
    page.locator("#why").fill("The bank's letter of the 19th says so")
    page.locator("#sides button").press("Enter")
    window.expected.append("400")  # the page that asks what the difference is
    expect(page.get_by_role("alert")).to_contain_text("say what the difference of")
    page.locator("#difference").select_option("bank_fee")
    page.locator("#sides button").press("Enter")
    expect(page).to_have_url(re.compile(f"/payouts/{short['id']}$"))
    page.goto(where)
    expect(page.locator("#break")).to_contain_text("It is closed: the difference is found no more.")
    _at_bank(page, short, "Arrived")
    page.goto("/payouts/breaks?cause=missing")
    expect(page.locator("[data-item]")).to_have_count(0)
    _reconciled(page, missing=[], by=0)
    expect(page.locator("#statement")).not_to_contain_text("INCOMING 4711")


def _reconciled(page: Page, *, missing: list[dict[str, Any]], by: int) -> None:
    """The reconciliation shows what is missing, with its sum, and holds."""
    page.goto("/payouts/reconciliation?account=First+Bank")
    sheet = page.locator("#statement")
    expect(sheet).to_contain_text("Nothing is left unexplained.")
    expect(sheet.locator("a.po-id")).to_have_text(
        [each["id"] for each in sorted(missing, key=lambda each: each["arrival_date"])]
    )
    if missing:
        expect(sheet.locator("tr", has_text="Payouts missing at the bank, together")).to_contain_text(
            _shown(by)
        )
    else:
        expect(sheet).not_to_contain_text("Payouts missing at the bank")


def _at_bank(page: Page, payout: dict[str, Any], says: str) -> None:
    """What the board says of a payout."""
    page.goto("/payouts")
    expect(page.locator("#board tr", has_text=payout["id"])).to_contain_text(says)


def _shown(minor: int) -> str:
    return f"{minor / 100:,.2f}"


def _payouts(here: Town) -> list[dict[str, Any]]:
    """What Stripe paid out to the bank and says has arrived, the largest first."""
    found = [each for each in here.stripe.every("payouts") if each["status"] == "paid"]
    return sorted(found, key=lambda each: -int(each["amount"]))


def _name(payout: dict[str, Any]) -> str:
    return f"STRIPE PAYOUT {payout['id']}"


def _upload(window: Window, file: Path, lines: list[tuple[dict[str, Any], str, int]]) -> None:
    """A statement of these lines, each on its payout's day, taken in on the page; a form that is new is looked at and confirmed."""
    rows = [
        f"{datetime.fromtimestamp(each['arrival_date'], UTC).date()},{text},{minor / 100:.2f}"
        for each, text, minor in sorted(lines, key=lambda line: line[0]["arrival_date"])
    ]
    file.write_text("\n".join(["Date,Text,Amount (USD)", *rows, ""]))
    page = window.page
    page.goto("/payouts/statements")
    page.locator("#file").set_input_files(file)
    page.locator("#account").fill("First Bank")
    page.locator("#upload button").press("Enter")
    expect(page).not_to_have_url(re.compile("/payouts/statements$"))
    if "/columns" in page.url:
        page.locator("button[value=confirm]").press("Enter")
    expect(page).to_have_url(re.compile(r"/payouts/statements/\w+$"))
