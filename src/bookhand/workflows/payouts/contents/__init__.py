"""What is in a payout: Stripe's own list where there is one, a solution that a person confirms where there is none."""
