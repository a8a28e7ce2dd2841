"""Payouts: what went out with each, where it arrived at the bank, and what is not explained yet."""
