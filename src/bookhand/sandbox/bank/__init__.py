"""A bank: the files it would give (`files.render`, sharing nothing with what reads them), and what the seeded company's banks book."""
