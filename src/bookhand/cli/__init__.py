"""The command line: ``bookhand``."""

from bookhand.cli.app import main

__all__ = ["main"]
