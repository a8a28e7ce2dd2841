"""What Stripe offers to do, as data."""
