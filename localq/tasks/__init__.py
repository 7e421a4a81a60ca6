"""What a task is, and from a call to a new job."""
