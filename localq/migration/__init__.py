"""What helps a program over from Celery: names old and new, and what reads a project without running it."""
