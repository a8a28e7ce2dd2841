"""A bookhand at work as a process of its own, whose business is in test mode or live: ``python -m tests.browser.serving test``.

The settings are those of the environment.
"""

from __future__ import annotations

import sys

from bookhand import logs, settings
from bookhand.cli.running import Running
from bookhand.wiring import open_house


def main() -> None:
    """Serve and work until stopped."""
    found = settings.read()
    logs.setup(level=found.log_level)
    with open_house(found, main_mode=sys.argv[1]) as house, Running(house) as running:
        print(f"bookhand on {running.url}", flush=True)  # noqa: T201 (the line that the test waits for)
        running.wait()


if __name__ == "__main__":
    main()
