"""Setting a book up: a mapping is proposed with its evidence, one real payout is shown as it would be written, and a person agrees."""
