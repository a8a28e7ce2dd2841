"""Being in touch with a NetSuite account: where it is, what calls are signed with, how many may be under way, and clients kept open."""
