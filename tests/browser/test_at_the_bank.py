"""What the bank says: a statement taken in, its columns looked at, and what nobody can explain explained."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect
from tests.browser.window import Windows

STATEMENT = "Date,Text,Amount (USD)\n2026-11-02,ACME RENT,-812.40\n2026-11-03,INTEREST,1.07\n"


def test_a_statement_is_taken_in(windows: Windows, tmp_path: Path) -> None:
    file = tmp_path / "first-bank.csv"
    file.write_text(STATEMENT)
    window = windows.open("owner")
    page = window.page
    page.goto("/payouts")
    page.locator("nav.tabs a[href='/payouts/statements']").press("Enter")
    page.locator("#file").set_input_files(file)
    window.type("#account", "First Bank")
    window.tab_to("#upload button")
    window.keys("Enter")
    expect(page).to_have_url(re.compile(r"/columns\?account=First"))
    window.says("ACME RENT")
    window.says("(812.40)")
    window.tab_to("button[value=confirm]")
    window.keys("Enter")
    expect(page).to_have_url(re.compile(r"/payouts/statements/\w+$"))
    page.goto("/payouts/statements")
    window.says("first-bank.csv")
    page.goto("/payouts/lines?account=First+Bank")
    window.says("ACME RENT")


def test_the_same_statement_again_adds_nothing_and_a_wrong_file_says_why(
    windows: Windows, tmp_path: Path
) -> None:
    window = windows.open("owner")
    page = window.page
    lines = windows.town.count("statement_line")
    for name, text in (
        ("again.csv", STATEMENT),
        ("picture.csv", "\x89PNG\r\n\x1a\n\x00\x00"),
        ("<b>no</b>.csv", "nothing"),
    ):
        file = tmp_path / re.sub(r"\W+", "_", name)
        file.write_text(text)
        page.goto("/payouts/statements")
        window.expected += ["400"]
        page.locator("#file").set_input_files(file)
        page.locator("#account").fill("First Bank")
        page.locator("#upload button").click()
        expect(page.locator("main")).to_be_visible()
    assert windows.town.count("statement_line") == lines


def test_a_break_is_explained(windows: Windows) -> None:
    window = windows.open("operator")
    page = window.page
    page.goto("/payouts/breaks")
    window.keys("j")
    expect(page.locator("[data-item]").first).to_be_focused()
    window.keys("Enter")
    expect(page).to_have_url(re.compile("/payouts/breaks/br_"))
    window.keys("e")
    expect(page.locator("#explanation-text")).to_be_focused()
    page.keyboard.type("The bank holds it until Monday.")
    window.tab_to("#explain button")
    window.keys("Enter")
    expect(page.locator("#explanation")).to_contain_text("The bank holds it until Monday.")
    expect(page.locator("#break")).to_contain_text("Explained", ignore_case=True)
    window.keys("o")
    expect(page.locator("#break")).to_contain_text("Operator of Lantern")


def test_the_reconciliation_as_files(windows: Windows) -> None:
    window = windows.open("viewer")
    page = window.page
    page.goto("/payouts/reconciliation")
    begins = {"csv": b"", "xlsx": b"PK", "pdf": b"%PDF"}
    for kind, first in begins.items():
        link = page.locator(f"main a[href*='{kind}']").first
        with page.expect_download() as downloading:
            link.click()
        path = downloading.value.path()
        assert Path(path).read_bytes().startswith(first)
