"""From a call to a job that can be stored."""
