"""Plaid: the lines of bank accounts as a feed. Signing in (Link) happens at Plaid; here are the tokens, the loop and what its words mean."""
