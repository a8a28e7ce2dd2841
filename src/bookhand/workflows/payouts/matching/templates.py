"""Texts without their digits: banks write the same few texts again and again, and only the numbers in them differ; pure.

>>> upper_and_template(["Stripe 1234-77", "Fee"])
(['STRIPE 1234-77', 'FEE'], ['STRIPE 0000-00', 'FEE'])

A text and its template have the same length, so what is found in a template stands in the text at the same place.
"""

from __future__ import annotations

from typing import Final

_DIGITS: Final = dict.fromkeys(range(ord("0"), ord("9") + 1), "0")


def template(text: str) -> str:
    """A text with a zero for every digit (of ASCII)."""
    return text.translate(_DIGITS)


def upper_and_template(texts: list[str]) -> tuple[list[str], list[str]]:
    """Each text in upper case, and its template: all of them at once, where none has more than one row."""
    whole = "\n".join(texts)
    if whole.count("\n") >= len(texts):
        found = [text.upper() for text in texts]
        return found, [template(text) for text in found]
    whole = whole.upper()
    return (whole.split("\n"), template(whole).split("\n")) if texts else ([], [])
