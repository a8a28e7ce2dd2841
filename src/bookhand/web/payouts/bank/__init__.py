"""The bank's side of the pages about payouts: statements taken in, their lines, and the reconciliation statement."""
