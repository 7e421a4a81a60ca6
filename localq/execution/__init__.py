"""One attempt of one job, in any process, and what it means."""
