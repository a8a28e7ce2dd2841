"""The trail: what was done, by whom, when and why; each entry bound to the one before it by a hash. Pure.

An entry's body is canonical JSON (sorted keys, no spaces), and its hash is SHA-256 over the hash before it and the body, so a byte
changed, an entry taken out, put in or moved breaks the chain at a place that can be named. An export is one file of JSON lines, a
first line that says whose trail it is, one line an entry, and a last line with the count and the head's hash; `verify` needs nothing else.

>>> one = sealed(1, GENESIS, {"what": "refund"})
>>> begin = first_line(workspace_id=1, entry=1, prev=GENESIS)
>>> lines = [begin, line_of(one), last_line(begin, count=1, head=one.hash)]
>>> verify(lines).findings
()
>>> verify([lines[0], lines[1].replace(b"refund", b"refuse"), lines[2]]).findings[0]
'Entry 1 was changed: its hash does not fit what it says.'
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from bookhand.core.redaction import redacted

GENESIS = bytes(32)
"""What the first entry of a trail follows."""
_FORMAT = "bookhand trail 1"
_LONGEST_TEXT = 20_000


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down: `who` (stable) and `name`, `what` happened, to which `subject`, `why`, and what belongs to it."""

    who: str
    what: str
    subject: str = ""
    name: str = ""
    agent: str | None = None
    channel: str | None = None
    why: str | None = None
    connection: int | None = None
    mode: str | None = None
    run: str | None = None
    proposal: str | None = None
    call: str | None = None
    details: Mapping[str, Any] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it stands: its number, its body's exact text, what it follows, and its hash."""

    seq: int
    body: str
    prev: bytes
    hash: bytes

    def said(self) -> dict[str, Any]:
        """The body as values."""
        found: dict[str, Any] = json.loads(self.body)
        return found


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found: how many entries, the head's hash, and in sentences what is wrong (empty: nothing)."""

    entries: int
    first: int
    head: str
    findings: tuple[str, ...]


def body_of(note: Note, *, at: str) -> dict[str, Any]:
    """What is written for `note` at moment `at` (ISO 8601, UTC): without secrets, and without what is empty."""
    said = {name: value for name, value in msgspec.to_builtins(note).items() if value not in (None, "", {})}
    clean = {
        name: (redacted(value, name) if name != "details" else _shortened(redacted(value)))
        for name, value in said.items()
    }
    return {"at": at, **clean}


def sealed(seq: int, prev: bytes, body: Mapping[str, Any]) -> Entry:
    """Entry number `seq`, bound to `prev`."""
    text = canonical({"seq": seq, **body})
    return Entry(seq=seq, body=text, prev=prev, hash=hash_of(prev, text))


def chained(seq: int, prev: bytes, bodies: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """Entries one after the other, the first with number `seq` after `prev`."""
    for number, body in enumerate(bodies, seq):
        entry = sealed(number, prev, body)
        yield entry
        prev = entry.hash


def hash_of(prev: bytes, body: str) -> bytes:
    """SHA-256 over the hash before and the body's text."""
    return hashlib.sha256(prev + body.encode()).digest()


def canonical(value: Any) -> str:
    """The one way a value is written: sorted keys, no spaces, Unicode as it is."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


# --- one file that can be checked offline ---


def first_line(*, workspace_id: int, entry: int, prev: bytes) -> bytes:
    """Whose trail it is, with which entry it begins, and what that follows."""
    return _line({"trail": _FORMAT, "workspace": workspace_id, "first": entry, "prev": prev.hex()})


def line_of(entry: Entry) -> bytes:
    """An entry's line: the chain, then what it says, which is canonical as it stands."""
    return f'{{"hash":"{entry.hash.hex()}","prev":"{entry.prev.hex()}","said":{entry.body}}}\n'.encode()


def last_line(begin: bytes, *, count: int, head: bytes) -> bytes:
    """How many entries there are, the last one's hash, and the first line's, so that it cannot be changed either."""
    return _line(
        {"end": _FORMAT, "begin": hashlib.sha256(begin).hexdigest(), "entries": count, "head": head.hex()}
    )


def verify(lines: Iterable[bytes], *, head: str | None = None) -> Verdict:
    """Check an export; `head` is a head's hash that was noted elsewhere (without it a file made anew as a whole passes)."""
    checker = _Checker()
    for line in lines:
        checker.take(line)
    return checker.verdict(head)


def verify_entries(entries: Iterable[Entry], *, head: str) -> Verdict:
    """Check a trail as it stands, from its first entry to the one whose hash is `head`: what `verify` does with its export."""
    checker = _Checker()
    checker.take(begin := first_line(workspace_id=0, entry=1, prev=GENESIS))
    count, last = 0, GENESIS
    for entry in entries:
        checker.stored(entry)
        count, last = count + 1, entry.hash
    checker.take(last_line(begin, count=count, head=last))
    return checker.verdict(head)


class _Checker:
    """Takes lines as they come: an export may be larger than memory."""

    def __init__(self) -> None:
        self.findings: list[str] = []
        self._line = 0
        self._first = 0
        self._next = 0
        self._count = 0
        self._prev: bytes | None = None
        self._ended = False
        self._begun = ""

    def take(self, line: bytes) -> None:
        """One line, with its line end."""
        self._line += 1
        value = self._read(line)
        if self._line == 1:
            self._begun = hashlib.sha256(line).hexdigest()
            self._begin(value)
        elif self._ended:
            self._find(f"Line {self._line} stands after the end.")
        elif "end" in value:
            self._end(value)
        else:
            self._entry(value)

    def verdict(self, head: str | None) -> Verdict:
        """What was found."""
        if not self._ended:
            self._find("The file has no end: lines are missing from it, or it was not written whole.")
        found = (self._prev or GENESIS).hex()
        if head is not None and head.lower() != found:
            self._find(
                f"The head is {found}, not the {head.lower()} that was noted: it is another trail, or was written anew."
            )
        return Verdict(entries=self._count, first=self._first, head=found, findings=tuple(self.findings))

    def _read(self, line: bytes) -> dict[str, Any]:
        try:
            value = json.loads(line)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            self._find(f"Line {self._line} is no JSON object: it was changed, or the file is no trail.")
            return {}
        if _line(value) != line:
            self._find(f"Line {self._line} is not written as an export writes it: a byte of it was changed.")
        return value

    def _begin(self, value: Mapping[str, Any]) -> None:
        if value.get("trail") != _FORMAT:
            self._find("The first line does not say that this is a trail of bookhand's.")
        self._first = self._next = value["first"] if isinstance(value.get("first"), int) else 1
        self._prev = _bytes(value.get("prev")) or GENESIS
        if self._first == 1 and self._prev != GENESIS:
            self._find("The first line names something before entry 1: it was changed.")

    def stored(self, entry: Entry) -> None:
        """One entry as it is kept."""
        self._line += 1
        try:
            said = json.loads(entry.body)
        except ValueError:
            said = None
        self._follows(said, entry.body, entry.prev, entry.hash)
        if canonical(said) != entry.body:
            self._find(f"Line {self._line} is not written as an export writes it: a byte of it was changed.")

    def _entry(self, value: Mapping[str, Any]) -> None:
        said = value.get("said")
        self._follows(said, canonical(said), _bytes(value.get("prev")), _bytes(value.get("hash")))

    def _follows(self, said: Any, text: str, prev: bytes | None, own: bytes | None) -> None:
        seq = said.get("seq") if isinstance(said, dict) else None
        name = f"Entry {seq}" if isinstance(seq, int) else f"Line {self._line}"
        if seq != self._next:
            self._find(f"{name} stands where entry {self._next} belongs: one was taken out, put in or moved.")
        if prev != self._prev:
            self._find(f"{name} does not follow the entry before it: its chain was cut.")
        if own != hash_of(prev or b"", text):
            self._find(f"{name} was changed: its hash does not fit what it says.")
        self._count += 1
        self._prev = own
        self._next = (seq if isinstance(seq, int) else self._next) + 1

    def _end(self, value: Mapping[str, Any]) -> None:
        self._ended = True
        if value.get("end") != _FORMAT or set(value) != {"end", "begin", "entries", "head"}:
            self._find("The last line is not one that an export ends with: it was changed.")
        if value.get("begin") != self._begun:
            self._find("The first line is not the one the end knows: one of the two was changed.")
        if value.get("entries") != self._count:
            self._find(
                f"The end says {value.get('entries')} entries, and there are {self._count}: some are missing or too many."
            )
        if _bytes(value.get("head")) != (self._prev or GENESIS):
            self._find(
                "The end's head is not the last entry's hash: the end was changed, or entries are missing before it."
            )

    def _find(self, sentence: str) -> None:
        self.findings.append(sentence)


def _line(value: Mapping[str, Any]) -> bytes:
    return canonical(value).encode() + b"\n"


def _bytes(text: object) -> bytes | None:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _shortened(value: Any) -> Any:
    """Without texts that would make an entry huge; what was cut is said."""
    match value:
        case str() if len(value) > _LONGEST_TEXT:
            return f"{value[:_LONGEST_TEXT]}… ({len(value):,} characters)"
        case dict():
            return {key: _shortened(item) for key, item in value.items()}
        case list():
            return [_shortened(item) for item in value]
        case _:
            return value
