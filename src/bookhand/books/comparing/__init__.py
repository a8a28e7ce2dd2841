"""Comparing a book with what was written into it, and undoing a range of it."""
