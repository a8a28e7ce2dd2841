"""The sentences of the pages: every key that is used is there and has what its holes need, every key that is there is used, and no template
holds prose of its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import nodes

import bookhand.web
from bookhand.core.problems import Bug
from bookhand.web.page import wording
from bookhand.web.page.frame import environment
from bookhand.web.page.wording import knows, plain, say, texts

WEB = Path(bookhand.web.__file__).parent
TEMPLATES = WEB / "templates"
APP = sorted(TEMPLATES.rglob("*.html"))
CODE = sorted(path for path in WEB.rglob("*.py") if path.name != "wording.py")
SAYING = {"say", "plain", "knows"}
ANY = r"[\w:-]+"


class Use:
    """One place that names a text: the forms its key may take, what it fills in, and where."""

    def __init__(self, forms: set[str], given: set[str] | None, where: str) -> None:
        self.forms = {form for form in forms if form != ANY}
        self.given = given
        self.where = where

    def found(self) -> set[str]:
        return {key for form in self.forms for key in _keys(form)}


@cache
def _keys(form: str) -> set[str]:
    pattern = re.compile(rf"{form}(\.one|\.other)?")
    return {key for key in texts() if pattern.fullmatch(key)}


@cache
def _template(path: Path) -> nodes.Template:
    return environment().parse(path.read_text("utf-8"))


@cache
def _module(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def uses() -> list[Use]:
    return [*_in_templates(), *_in_code()]


def _in_templates() -> Iterator[Use]:
    for path in APP:
        tree = _template(path)
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in SAYING and call.args:
                given = None if call.dyn_kwargs else {each.key for each in call.kwargs}
                where = f"{path.relative_to(TEMPLATES)}:{call.lineno}"
                yield Use(_forms(call.args[0]), None if call.node.name == "knows" else given, where)


def _forms(key: nodes.Node) -> set[str]:
    """Every form that an expression may have, as patterns; what is not known is any text."""
    match key:
        case nodes.Const(value=str(text)):
            return {re.escape(text)}
        case nodes.Concat():
            found = {""}
            for part in key.nodes:
                found = {before + after for before in found for after in _forms(part)}
            return found
        case nodes.CondExpr():
            other = _forms(key.expr2) if key.expr2 is not None else set()
            return _forms(key.expr1) | other
        case _:
            return {ANY}


def _in_code() -> Iterator[Use]:
    for path in CODE:
        for call in (each for each in ast.walk(_module(path)) if isinstance(each, ast.Call)):
            name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
            if name in SAYING and call.args:
                given = {each.arg for each in call.keywords if each.arg}
                open_ended = any(each.arg is None for each in call.keywords) or name == "knows"
                yield Use(
                    _python_forms(call.args[0]),
                    None if open_ended else given,
                    f"{path.relative_to(WEB)}:{call.lineno}",
                )


def _python_forms(key: ast.expr) -> set[str]:
    match key:
        case ast.Constant(value=str(text)):
            return {re.escape(text)}
        case ast.JoinedStr():
            parts = [
                re.escape(str(each.value)) if isinstance(each, ast.Constant) else ANY for each in key.values
            ]
            return {"".join(parts)}
        case ast.IfExp():
            return _python_forms(key.body) | _python_forms(key.orelse)
        case ast.BinOp(op=ast.Add()):
            return {a + b for a in _python_forms(key.left) for b in _python_forms(key.right)}
        case _:
            return {ANY}


def _composed() -> set[str]:
    """Every key that is put together before it is said, as a pattern."""
    found: set[str] = set()
    for path in APP:
        for each in _template(path).find_all(nodes.Concat):
            found |= _forms(each)
    for path in CODE:
        for part in ast.walk(_module(path)):
            found |= _python_forms(part) if isinstance(part, ast.JoinedStr) else set()
    return {form for form in found if re.match(r"[a-z]+\\\.", form)}


def _literals() -> set[str]:
    """Every string in a template or a module that is a key by its look: it may be handed on before it is said."""
    found = {
        const.value
        for path in APP
        for const in _template(path).find_all(nodes.Const)
        if isinstance(const.value, str)
    }
    return found | {
        each.value
        for path in CODE
        for each in ast.walk(_module(path))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    }


def test_every_text_that_is_used_is_there():
    assert [
        (use.where, form) for use in uses() for form in use.forms if not Use({form}, use.given, "").found()
    ] == []


def test_every_hole_is_filled_where_the_text_is_used():
    wrong = []
    for use in uses():
        known = use.given is not None and not any(ANY in form for form in use.forms)
        for key in use.found() if known else ():
            holes = set(re.findall(r"\{(\w+)\}", texts()[key]))
            if not holes <= (use.given or set()):
                wrong.append((use.where, key, sorted(holes - (use.given or set()))))
    assert wrong == []


def test_every_text_that_is_there_is_used():
    used = {key for use in uses() for key in use.found()}
    literal = _literals()
    used |= {key for form in _composed() for key in texts() if re.fullmatch(form, key)}
    used |= {
        key for key in texts() if key in literal or key.removesuffix(".one").removesuffix(".other") in literal
    }
    unused = sorted(set(texts()) - used)
    assert not unused, "\n".join(unused)


def test_counted_texts_have_both_of_their_numbers():
    literal = _literals()
    for key in texts():
        if key.endswith(".one") and key not in literal:
            assert key.removesuffix(".one") + ".other" in texts(), key


# --- no prose outside ---

SEEN = {
    "title",
    "aria-label",
    "placeholder",
    "alt",
    "data-words",
    "data-label",
    "aria-description",
    "label",
    "aria-roledescription",
}
NAMES = {"bookhand"}  # the product's own name is the same in every language
_WORD = re.compile(r"[^\W\d_]{2,}")


class Prose(HTMLParser):
    """What of a template's own text a person would read."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._quiet = 0
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quiet += tag == "kbd"
        for name, value in attrs:
            button = (
                tag in {"input", "button"}
                and name == "value"
                and dict(attrs).get("type") in {"submit", "button"}
            )
            if (name in SEEN or button) and value:
                self._look(value)

    def handle_endtag(self, tag: str) -> None:
        self._quiet -= tag == "kbd"

    def handle_data(self, data: str) -> None:
        if not self._quiet:
            self._look(data)

    def _look(self, text: str) -> None:
        text = re.sub(
            r'[a-z-]+="[^"]*"|/[a-z][\w/-]*', "", text
        )  # what a macro writes into somebody's tag: attributes, an address
        if set(_WORD.findall(text)) - NAMES:
            self.found.append(" ".join(text.split()))


def _markup(path: Path) -> str:
    """The template without what Jinja fills in."""
    kept, inside = [], False
    text = re.sub(
        r"{% block width %}[\w -]*{% endblock %}", "", path.read_text("utf-8")
    )  # a class, inside a tag
    for _, kind, value in environment().lex(text):
        match kind:
            case "data":
                kept.append(value)
            case "variable_begin":
                inside = True
            case "variable_end" if inside:
                kept.append("0")
                inside = False
    return "".join(kept)


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_hold_no_prose(path: Path):
    assert Prose(_markup(path)).found == []


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_expressions_hold_no_prose(path: Path):
    tree = _template(path)
    found = [const.value for const in tree.find_all(nodes.Const) if isinstance(const.value, str)]
    assert [
        text
        for text in found
        if re.match(r"[A-Z][a-z]+( |$)", text) or re.search(r"[a-z] [a-z]+ [a-z]+[.?!]", text)
    ] == []


@pytest.mark.parametrize("path", APP, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_templates_break_neither_the_policy_nor_the_escaping(path: Path):
    text = path.read_text("utf-8")
    assert not re.search(
        r"\|\s*safe\b|autoescape\s+false|<style\b|\sstyle=|\son[a-z]+=[\"']|javascript:", text
    )
    for script in re.findall(r"<script\b[^>]*>(.*?)</script>", text, re.DOTALL):
        assert script == ""


def test_what_is_said_after_a_form_is_a_text_too():
    wrong = [
        f"{path.relative_to(WEB)}:{call.lineno}"
        for path in CODE
        for call in ast.walk(_module(path))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Done"
        for word in call.keywords
        if word.arg == "said" and isinstance(word.value, ast.Constant | ast.JoinedStr) and getattr(word.value, "value", "") is not None
    ]  # fmt: skip
    assert wrong == []


# --- saying ---


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few texts for these tests, in the place of the files'."""
    some = {
        "t.plain": "Off by {minor}.",
        "t.code": "Run `{what} now`.",
        "t.many.one": "{n} entry",
        "t.many.other": "{n} entries",
        "t.raw": "a < b & c",
    }
    monkeypatch.setattr(wording, "texts", lambda: some)


def test_what_is_filled_in_is_escaped_and_the_text_itself_too(said: None):
    assert say("t.plain", minor="<b>") == "Off by &lt;b&gt;."
    assert say("t.raw") == "a &lt; b &amp; c"
    assert plain("t.raw") == "a < b & c"
    assert say("t.code", what="<i>`x`") == "Run <code>&lt;i&gt;`x` now</code>." or "<i>" not in say(
        "t.code", what="<i>`x`"
    )
    assert plain("t.plain", minor="<b>bold</b>") == "Off by <b>bold</b>."


def test_numbers_choose_their_text(said: None):
    assert [str(say("t.many", n=n)) for n in (0, 1, 2)] == ["0 entries", "1 entry", "2 entries"]
    assert not knows("t.many")
    assert knows("t.many.one")


@pytest.mark.parametrize(
    ("key", "values"), [("t.nothing", {}), ("t.plain", {}), ("t.many", {}), ("t.nothing", {"n": 2})]
)
def test_what_is_missing_is_an_error(said: None, key: str, values: dict[str, int]):
    with pytest.raises(Bug):
        say(key, **values)
