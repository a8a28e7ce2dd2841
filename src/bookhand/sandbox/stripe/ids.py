"""Ids that look like Stripe's and repeat for the same seed and the same calls.

Ids(seed=1).new("ch")      # 'ch_' and 24 letters and digits
"""

from __future__ import annotations

from hashlib import blake2b

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 24


class Ids:
    """A counter and a seed; the counter is stored with every commit and taken back on every rollback."""

    def __init__(self, seed: int, counter: int = 0) -> None:
        self.seed = seed
        self.counter = counter

    def new(self, prefix: str, length: int = LENGTH) -> str:
        """The next id with this prefix."""
        self.counter += 1
        return f"{prefix}_{self.letters(f'{prefix}:{self.counter}', length)}"

    def letters(self, name: str, length: int = LENGTH) -> str:
        """Letters that belong to a name for ever."""
        digest = blake2b(f"{self.seed}:{name}".encode(), digest_size=length).digest()
        return "".join([LETTERS[byte % 62] for byte in digest])
