"""The page on which somebody says yes at a stand-in: one sheet, what will be allowed, and what to choose from.

sheet("Intuit", "Choose the company to connect", fields={"state": "…"}, to="/connect/oauth2", name="realm", choices={"123": "Acme"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5b6472; --line: #d9dde3; --paper: #fff; --ground: #f2f4f7; --accent: #1f7a3d; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a2abb8; --line: #343b45; --paper: #1b2027; --ground: #12161b; --accent: #5fc283; } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { width: min(420px, calc(100vw - 32px)); background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 28px; box-sizing: border-box; }
h1 { font-size: 19px; margin: 10px 0 6px; } p { color: var(--soft); margin: 0 0 16px; }
.mark { font-size: 11px; font-weight: 700; letter-spacing: .06em; border: 1px solid currentColor; border-radius: 4px; padding: 2px 6px; color: #8a4a0f; }
@media (prefers-color-scheme: dark) { .mark { color: #f0b27a; } }
ul { margin: 0 0 20px; padding-left: 20px; color: var(--soft); }
.choices { display: grid; gap: 8px; }
button { font: inherit; font-weight: 600; text-align: left; border-radius: 10px; padding: 11px 16px; border: 1px solid var(--line); background: transparent; color: var(--ink); cursor: pointer; }
button:hover { border-color: var(--accent); } button.no { text-align: center; color: var(--soft); font-weight: 500; margin-top: 6px; }
button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
"""


def sheet(
    whose: str, title: str, *, fields: Mapping[str, str], to: str, name: str, choices: Mapping[str, str], allows: Sequence[str] = ()
) -> str:  # fmt: skip
    """The page as HTML: `choices` is value to text, sent to `to` under `name` beside `fields`; an empty value is a no."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(field)}" value="{escape(value)}">'
        for field, value in fields.items()
    )
    offered = "".join(
        f'<button name="{escape(name)}" value="{escape(value)}">{escape(text)}</button>'
        for value, text in choices.items()
    )
    granted = "".join(f"<li>{escape(each)}</li>" for each in allows)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(whose)} (a stand-in)</title><style>{_STYLE}</style></head><body><main>"
        f'<span class="mark">STAND-IN FOR {escape(whose.upper())}</span><h1>{escape(title)}</h1>'
        "<p>Nothing you allow here touches a real account.</p>"
        f'{f"<ul>{granted}</ul>" if granted else ""}<form method="post" action="{escape(to)}">{hidden}<div class="choices">{offered}'
        f'<button class="no" name="{escape(name)}" value="">Cancel</button></div></form></main></body></html>'
    )
