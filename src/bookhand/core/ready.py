"""Types made ready for threads: msgspec 0.22 must not meet a Struct for the first time in two threads at once.

It reads a Struct's annotations when it first converts or decodes to it, and another thread that comes in between crashes the whole process
(a segmentation fault; twelve threads, first use of a nested Struct: 44 of 60 processes). Read once, at import, in one thread, it is safe.

    ready(Proposal, Row)                        # in the module that converts to them
"""

from __future__ import annotations

from typing import Any

import msgspec


def ready(*types: Any) -> None:
    """Let msgspec read the annotations of `types`, and of every Struct in them, now."""
    for each in types:
        msgspec.json.Decoder(each)
