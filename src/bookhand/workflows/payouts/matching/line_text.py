"""What the text of a bank line says: ids, names, fees, and words of other business; pure.

Text is data. It says whether a line looks like Stripe's and which ids it carries, and is never more than that.

>>> says_stripe("ORIG CO NAME:STRIPE DESC:TRANSFER"), says_stripe("PINSTRIPE TAILORS"), says_stripe("CHECKOUT.STRIPE.COM/C/PAY")
(True, False, False)
>>> plain("0910-0001 2345"), fees_in("LESS FEE USD 15.00", "USD"), other_business("STRIPE CAPITAL LOAN")
('91000012345', [1500], 'STRIPE CAPITAL')
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from rapidfuzz import fuzz

from bookhand.core.bank import StatementLine
from bookhand.core.money import EXPONENTS

_STRIPE: Final = re.compile(r"(?<![A-Z.@/])STRIPE(?:(?![A-Z])|(?=TRANSFER|PAYMENTS|PAYOUT|TECHN))(?!\.COM)")
_OTHER_BUSINESS: Final = re.compile(
    r"STRIPE\W+CAPITAL\b|\b(?:LOAN|ADVANCE|DARLEHEN|REFUND|ERSTATTUNG|CASHBACK)\b|(?<![0-9A-Z])PO_[0-9A-Z]{14,}"
)
_TAKEN_BACK: Final = re.compile(r"\b(?:REVERS\w*|RETURNED|RTN|REJECT\w*|STORNO\w*|RUECKL\w*|RÜCKL\w*)\b")
_RETURN: Final = re.compile(
    r"\b(RETURN\w*|REVERS\w*|REJECT\w*|RTN|R0[1-9]|R[1-8]\d|RUECK\w*|RÜCK\w*|REFUS\w*)\b"
)
_FEE: Final = re.compile(
    r"\b(?:FEES?|CHGS?|CHARGES?|SPESEN|ENTGELT|GEB|GEBUEHR|GEBÜHR|FRAIS|COMM)\b[ :=]*(?:[A-Z]{3}[ ]?)?(\d{1,15}(?:[.,]\d{1,3})?)(?![\d.,])"
)
_DOUBTS: Final = (
    "CAPITAL", "LOAN", "ADVANCE", "DARLEHEN", "REFUND", "ERSTATTUNG", "CASHBACK", "PO_", "FEE", "CHG", "CHARGE", "SPESEN", "ENTGELT", "GEB",
    "FRAIS", "COMM", "REVERS", "RETURNED", "RTN", "REJECT", "STORNO", "CKL",
)  # fmt: skip
"""Every text that `_OTHER_BUSINESS`, `_FEE` or `_TAKEN_BACK` finds has one of these in it."""
_BILL: Final = re.compile(
    r"STRIPE\W+(?:ATLAS|BILLING|CLIMATE|IDENTITY|ISSUING|RADAR|SIGMA|TAX|TERMINAL)\b"
    r"|\b(?:ANNUAL|FEES?|INVOICE|MONTHLY|RECHNUNG|SUBSCRIPTION)\b"
)
_CHEQUE: Final = re.compile(r"\b(?:CHECK|CHEQUE|CHEQUES|CHECKS|CHK|CHQ|LASTSCHRIFT|NSF|SCHECK)\b")
_WORD: Final = re.compile(r"[0-9A-Z][0-9A-Z_-]{5,}")
_BANKS_WORDS: Final = frozenset(
    {"ACH", "BANK", "CCD", "CREDIT", "CREDITS", "DEPOSIT", "DES", "DESC", "FPI", "GUTSCHRIFT", "INCOMING", "PAYMENT", "PAYMENTS", "PAYOUT", "PAYOUTS",
     "SEPA", "STRIPE", "TRANSFER", "TRANSFERS", "WIRE"}
)  # fmt: skip
_SOUND: Final = re.compile(r"[^\W_]+")
_ALNUM: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
PLAIN: Final[dict[int, str | None]] = {
    code: chr(code) if chr(code) in _ALNUM else None for code in range(128)
}
WORDS: Final[dict[int, str]] = {
    code: chr(code).upper() if chr(code).isalnum() or chr(code) in "_-" else " " for code in range(128)
}
"""To upper case, with blanks for all that is in no id; one character for one, so that it is fast."""
_SHAPE: Final[dict[int, str | None]] = {
    code: None if kept is None else "9" if kept.isdigit() else "A" for code, kept in PLAIN.items()
}
_SHAPE_LENGTH: Final = 10
_LIKE: Final = 85


def plain(value: str) -> str:
    """An id as it is compared: upper-case letters and digits alone, without the zeros that banks drop in front of numbers."""
    text = value.upper().translate(PLAIN)
    return text.lstrip("0") if text[:1] == "0" and text.isdigit() else text


def sound(text: str | None) -> str:
    """The words of a text in upper case, one blank between: how descriptors are compared."""
    return " ".join(words(text.upper())) if text else ""


def words(text: str) -> list[str]:
    """The words of an upper-case text."""
    return _SOUND.findall(text)


def says_stripe(text: str) -> bool:
    """Whether an upper-case text has Stripe's name as a word, and not as a part of another or of a web address."""
    at = text.find("STRIPE")
    if at < 0:
        return False
    alone = text[at - 1 : at] in {"", " ", ":"} and text[at + 6 : at + 7] in {"", " "}
    return alone or _STRIPE.search(text) is not None


def is_stripes_name(text: str) -> bool:
    """Whether an upper-case name of the other side is Stripe's: it begins so, where Red Stripe Brewing has a word before it."""
    found = _STRIPE.search(text)
    before = "" if found is None else text[: found.start()].rpartition(":")[2]
    return found is not None and not any(each.isalpha() for each in before)


def shows(text: str, descriptor: str) -> bool:
    """Whether the words of a text show a descriptor; one that is a single word must be all that is told, for words are anybody's."""
    if f" {descriptor} " not in f" {text} ":
        return False
    rest = [] if " " in descriptor or not descriptor.isalpha() else text.split()
    return all(word == descriptor or word in _BANKS_WORDS or not word.isalpha() for word in rest)


def is_only_stripe(text: str) -> bool:
    """Whether a descriptor is Stripe's name and nothing else."""
    return _STRIPE.fullmatch(text) is not None


def says_return(text: str) -> bool:
    """Whether an upper-case text speaks of money that goes back."""
    return _RETURN.search(text) is not None


def says_taken_back(text: str) -> bool:
    """The same, so clearly that the line cannot be money on its way."""
    return _TAKEN_BACK.search(text) is not None


def says_cheque(text: str) -> bool:
    """Whether an upper-case text speaks of a cheque or a direct debit, which no payout is."""
    return _CHEQUE.search(text) is not None


def bill(text: str) -> str | None:
    """What says that a line of Stripe's is a bill for something else than payouts; None where nothing does."""
    found = _BILL.search(text)
    return None if found is None else found[0]


def is_doubtful(text: str) -> bool:
    """Whether `other_business`, `fees_in` or `says_taken_back` could find something: a quick look before the exact ones."""
    return any([word in text for word in _DOUBTS])  # noqa: C419 (a list is faster than a generator)


def other_business(text: str) -> str | None:
    """What Stripe pays besides payouts (a loan, a refund), or the id of a payout; None where nothing of it stands there."""
    found = _OTHER_BUSINESS.search(text)
    return None if found is None else found[0]


def fees_in(text: str, currency: str) -> list[int]:
    """The fees that an upper-case text states, in minor units of the line's currency."""
    places = EXPONENTS.get(currency, 2)
    found = []
    for digits in _FEE.findall(text):
        whole, _, rest = digits.replace(",", ".").partition(".")
        if len(rest) <= places:
            found.append(int(whole + rest.ljust(places, "0")))
    return [fee for fee in found if fee]


def shape(trace: str) -> str:
    """``A`` for each letter and ``9`` for each digit of a trace; nothing where it is too short to tell."""
    found = trace.upper().translate(_SHAPE)
    return found if len(found) >= _SHAPE_LENGTH and "9" in found else ""


def ids_in(text: str) -> list[str]:
    """The words of an upper-case text that could be ids."""
    return _WORD.findall(text)


def shapes(ids: Iterable[str]) -> frozenset[str]:
    """The shapes of some ids."""
    return frozenset([found for each in ids if len(each) >= _SHAPE_LENGTH and (found := shape(each))])


def of_shape(line: StatementLine, wanted: str) -> str | None:
    """The first id of a line that has this shape."""
    for value in (*line.references, *_WORD.findall(line.description.upper())):
        if shape(value) == wanted:
            return str(value)
    return None


def is_like(text: str, wanted: Iterable[str]) -> bool:
    """Whether a text is like one of these, cut or misspelt: support for a question, and no more."""
    return any(fuzz.partial_ratio(each, text) >= _LIKE for each in wanted if each)
