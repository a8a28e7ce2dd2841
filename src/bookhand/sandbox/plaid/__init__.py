"""A stand-in Plaid: Link's tokens, Items with their accounts, and transactions/sync with cursors, pages, mutations and pending transactions."""
