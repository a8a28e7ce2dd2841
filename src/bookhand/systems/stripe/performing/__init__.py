"""Performing Stripe's actions: what is asked, sending it once, reading to the end, and looking for what became of it."""
