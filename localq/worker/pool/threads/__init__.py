"""A pool of threads, or of the worker itself."""
