"""Which queue a call goes to."""
