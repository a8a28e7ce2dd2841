"""Who may do what, and how much of it: permissions, budgets, standing approvals; how they are changed, and asked before a call."""
