"""The one door: every call on an outside system is asked for, decided, done once and written down here."""
