"""``python -m bookhand`` is ``bookhand``."""

from bookhand.cli import main

main()
