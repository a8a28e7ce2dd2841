"""Ids that look like Stripe's and repeat for the same seed and the same calls.

    Ids(seed=1).new("ch")      # 'ch_10000001' and 17 more letters and digits

The first eight count, so that newer ids sort last and stand together in an index; the rest follow from the seed.
"""

from __future__ import annotations

from hashlib import blake2b

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH = 24
COUNTED = 8
PAIRS = [high + low for high in LETTERS for low in LETTERS]


class Ids:
    """A counter and a seed; the counter is stored with every commit and taken back on every rollback."""

    def __init__(self, seed: int, counter: int = 0) -> None:
        self.seed = seed
        self.counter = counter

    def new(self, prefix: str, length: int = LENGTH) -> str:
        """The next id with this prefix."""
        self.counter += 1
        letters = self.letters(f"{prefix}:{self.counter}", length)
        if length < LENGTH:
            return f"{prefix}_{letters}"
        return f"{prefix}_{_counted(self.counter)}{letters[COUNTED:]}"

    def letters(self, name: str, length: int = LENGTH) -> str:
        """Letters that belong to a name for ever."""
        digest = blake2b(f"{self.seed}:{name}".encode(), digest_size=length).digest()
        return "".join([LETTERS[byte % 62] for byte in digest])


def _counted(number: int) -> str:
    rest, low = divmod(number, len(PAIRS))
    rest, mid = divmod(rest, len(PAIRS))
    return "10" + PAIRS[rest] + PAIRS[mid] + PAIRS[low]
