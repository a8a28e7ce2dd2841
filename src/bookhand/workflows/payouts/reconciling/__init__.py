"""Reconciling payouts with the bank: what is looked for, what is matched and posted, asked and left over."""
