"""Durable runs on DBOS: steps, waiting, pausing, taking over, stopping."""
