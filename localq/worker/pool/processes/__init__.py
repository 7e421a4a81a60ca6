"""A pool of processes: one slot each."""
