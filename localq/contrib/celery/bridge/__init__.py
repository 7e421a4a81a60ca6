"""A LocalQ program as a program of Celery's: `LocalQ.as_celery`."""
