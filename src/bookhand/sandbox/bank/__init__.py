"""A bank: the files it would give, and what the seeded company's banks book."""
