"""Durable runs: what a template describes, executed step by step, surviving kills, waits of days, and disconnects."""
