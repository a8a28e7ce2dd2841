"""The reconciliation statement as a PDF, set by Typst; pure.

The page is a fixed text; what is in the statement goes in beside it as data, so that no text from a bank is ever read as markup.
"""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
import typst

from bookhand.workflows.payouts.statement import Reconciliation, Row, accounting, long_day, rows

_PAGE: Final = r"""
#let data = json(bytes(sys.inputs.data))
#let faint = rgb("#5b6470")
#let line-color = rgb("#c9ced6")
#set document(title: data.title, author: data.company, date: none)
#set text(font: "Libertinus Serif", size: 9.5pt, number-width: "tabular", lang: "en", hyphenate: false)
#set page(
  paper: "a4",
  margin: (x: 20mm, top: 26mm, bottom: 22mm),
  header: text(fill: faint, size: 8.5pt)[#data.company #h(1fr) #data.title],
  footer: context text(fill: faint, size: 8.5pt)[
    #data.account #h(1fr) Page #counter(page).display() of #counter(page).final().first()
  ],
)
#let breakable(value) = value.clusters().join(sym.zws)
#text(size: 17pt, weight: "bold")[Bank reconciliation]
#v(-4pt)
#text(size: 11pt)[#data.company]
#v(-2pt)
#grid(
  columns: (auto, 1fr), column-gutter: 12pt, row-gutter: 5pt,
  text(fill: faint)[Account], data.account,
  text(fill: faint)[Currency], data.currency,
  text(fill: faint)[As of], data.day,
)
#v(6pt)
#table(
  columns: (17mm, 1fr, 34mm, 31mm),
  align: (left, left, left, right),
  inset: (x: 3pt, y: 3.6pt),
  stroke: none,
  table.header(
    ..([Day], [], [Reference], [#data.currency]).map(it => text(fill: faint, size: 8.5pt, it)),
    table.hline(stroke: 0.6pt + faint),
  ),
  ..data.rows.map(row => {
    let amount = if row.minor == none { [] } else if row.minor < 0 { [#row.amount] } else { [#row.amount#hide[)]] }
    if row.kind == "section" {
      (table.cell(colspan: 4, inset: (x: 3pt, top: 9pt, bottom: 3pt), breakable: false)[
        #text(weight: "bold", row.text)#if row.note != "" [ \ #text(fill: faint, size: 8pt, row.note)]
      ],)
    } else if row.kind == "item" {
      (
        text(fill: faint, size: 8.5pt, row.day),
        [#row.text#if row.note != "" [ \ #text(fill: faint, size: 8pt, row.note)]],
        text(size: 7.5pt, breakable(row.reference)),
        amount,
      )
    } else if row.kind == "subtotal" {
      (table.cell(colspan: 3, align: right, text(fill: faint, row.text)), table.hline(start: 3, stroke: 0.4pt + line-color), amount)
    } else if row.kind == "difference" {
      (
        table.hline(start: 3, stroke: 0.6pt),
        table.cell(colspan: 3, strong(row.text)), strong(amount),
        table.hline(start: 3, stroke: 0.6pt), table.cell(colspan: 4, inset: 0.8pt, []), table.hline(start: 3, stroke: 0.6pt),
      )
    } else {
      (
        ..if row.kind == "total" { (table.hline(start: 3, stroke: 0.6pt),) },
        table.cell(colspan: 3, inset: (x: 3pt, y: 6pt), strong(row.text)),
        table.cell(inset: (x: 3pt, y: 6pt), strong(amount)),
      )
    }
  }).flatten(),
)
#v(4pt)
#text(fill: faint, size: 8.5pt, data.verdict)
"""


def as_pdf(found: Reconciliation) -> bytes:
    """The statement on A4 pages, numbered, the company's name on each."""
    return _set(found, "pdf")[0]


def as_pictures(found: Reconciliation, *, dots_per_inch: float = 110) -> list[bytes]:
    """The same pages as PNG, for a preview."""
    return _set(found, "png", dots_per_inch)


def _set(found: Reconciliation, form: Literal["pdf", "png"], dots_per_inch: float = 110) -> list[bytes]:
    data = {
        "title": f"Bank reconciliation, {long_day(found.as_of)}", "company": found.company, "account": found.account,
        "currency": found.currency, "day": long_day(found.as_of), "rows": [_row(row, found.currency) for row in rows(found)],
        "verdict": _verdict(found),
    }  # fmt: skip
    made: Any = typst.compile(
        _PAGE.encode(), format=form, ppi=dots_per_inch, ignore_system_fonts=True,
        sys_inputs={"data": msgspec.json.encode(data).decode()},
    )  # fmt: skip
    return list(made) if isinstance(made, list) else [bytes(made)]


def _row(row: Row, currency: str) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(row)
    return told | {"amount": "" if row.minor is None else accounting(row.minor, currency)}


def _verdict(found: Reconciliation) -> str:
    if found.holds:
        return "The balance per bank and the items above come to the balance per books, to the cent."
    return (
        f"{accounting(found.difference_minor, found.currency)} {found.currency} are not explained: "
        "the books and the bank differ by more than the items above."
    )
