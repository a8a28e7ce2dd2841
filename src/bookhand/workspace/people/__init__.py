"""People: who signs in, with which role, by which means."""
