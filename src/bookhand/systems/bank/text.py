r"""The text of a file: which encoding it is in, and what is no statement at all. Pure.

UTF-8 that holds is UTF-8, whatever a header says (hardly any other text is valid UTF-8 by chance); else the code page that the file declares,
else Windows-1252, which is what banks write that say nothing.

>>> decoded("Käse".encode("cp1252")), decoded(b"\xef\xbb\xbfDate"), decoded("día".encode("utf-16"))
(('Käse', 'cp1252'), ('Date', 'utf-8-sig'), ('día', 'utf-16'))
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

from bookhand.core.problems import Refusal

_ARCHIVES: tuple[tuple[bytes, str], ...] = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"%PDF", "a PDF"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = re.compile("[\x00\x05-\x08\x0e-\x19\x1b-\x1f]")
"""Not white space, the end mark of DOS, and the marks around a SWIFT message (SOH, STX, ETX, EOT)."""


def decoded(raw: bytes, *, declared: Sequence[str] = ()) -> tuple[str, str]:
    """The text and the encoding it was in; `Refusal` for what is no text."""
    _refuse_binary(raw)
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return _strict(raw, name), name
    for name in ("utf-8", *declared, "cp1252"):
        try:
            text = raw.decode(name)
        except (UnicodeDecodeError, LookupError):
            continue
        return _readable(text), name
    return _readable(raw.decode("latin-1")), "latin-1"


def _strict(raw: bytes, name: str) -> str:
    try:
        return _readable(raw.decode(name))
    except UnicodeDecodeError as error:
        raise Refusal(
            f"The file says that it is {name}, but byte {error.start} is not: it is damaged. Get it from the bank again."
        ) from None


def _refuse_binary(raw: bytes) -> None:
    if not raw.strip():
        raise Refusal("The file is empty: get it from the bank again.")
    for magic, what in _ARCHIVES:
        if raw.startswith(magic):
            raise Refusal(
                f"This is {what}, not a statement file: unpack it, or export OFX, CAMT.053, MT940, BAI2 or CSV at the bank."
            )


def _readable(text: str) -> str:
    bad = _CONTROL.search(text)
    if bad is not None:
        raise Refusal(
            f"This is no text: character {bad.start()} is a control character. Export OFX, CAMT.053, MT940, BAI2 or CSV at the bank."
        )
    return text
