"""Sealing: text to bytes that only the sealing key opens, and only in the place it was sealed for, pure.

AES-256-GCM. The place (workspace, connection, name) and the key's id are bound in, so a sealed value copied to another row, or
labelled with another key, does not open. A ring holds the key that seals and older ones that still open.

>>> ring = parse_ring("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
>>> key_id, sealed = seal(ring, "hush", place="1/2/key", nonce=bytes(12))
>>> unseal(ring, key_id, sealed, place="1/2/key")
'hush'
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bookhand.core.problems import Refusal

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class Ring:
    """Sealing keys by id; the first of them seals. Its text never shows a key."""

    keys: dict[str, bytes] = field(repr=False)

    @property
    def current(self) -> str:
        """The id of the key that seals."""
        return next(iter(self.keys))


def parse_ring(text: str) -> Ring:
    """Keys in base64, separated by commas or lines, the sealing one first; `Refusal` (without the text) for anything else."""
    keys = [_parse(each) for each in text.replace(",", "\n").split()]
    if not keys:
        raise Refusal(f"The sealing key is empty: {_HOW}")
    return ring_of(*keys)


def ring_of(*keys: bytes) -> Ring:
    """A ring of raw keys, the sealing one first."""
    return Ring({_key_id(key): key for key in keys})


def dump_ring(ring: Ring) -> str:
    """The text that `parse_ring` reads: one key a line."""
    return "".join(f"{base64.b64encode(key).decode()}\n" for key in ring.keys.values())


def seal(ring: Ring, secret: str, *, place: str, nonce: bytes) -> tuple[str, bytes]:
    """The id of the key used, and the sealed bytes; `nonce` must never come twice."""
    key_id = ring.current
    return key_id, nonce + AESGCM(ring.keys[key_id]).encrypt(nonce, secret.encode(), _bound(place, key_id))


def unseal(ring: Ring, key_id: str, sealed: bytes, *, place: str) -> str:
    """The text again; `Refusal` where the key is not in the ring or the bytes were sealed for another place."""
    key = ring.keys.get(key_id)
    if key is None:
        raise Refusal(
            f"Secret {place} is sealed with key {key_id}, which is not here (here: {', '.join(ring.keys)}): "
            "bring back the key from your backup, or connect again."
        )
    nonce, body = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
    try:
        return AESGCM(key).decrypt(nonce, body, _bound(place, key_id)).decode()
    except InvalidTag:
        raise Refusal(
            f"Secret {place} does not open with its key {key_id}: it was changed, or moved from another row. Connect again."
        ) from None


_HOW = "it is 32 random bytes in base64, as `openssl rand -base64 32` makes them (BOOKHAND_SEALING_KEY)."


def _parse(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if len(key) != KEY_BYTES:
        raise Refusal(f"The sealing key is not of the right form: {_HOW}")
    return key


def _key_id(key: bytes) -> str:
    """What may be told of a key: eight letters of its hash."""
    return hashlib.sha256(b"bookhand sealing key " + key).hexdigest()[:8]


def _bound(place: str, key_id: str) -> bytes:
    return f"bookhand/{place}/{key_id}".encode()
