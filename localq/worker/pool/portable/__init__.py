"""Processes on systems without fork: each is started anew, and led by a thread of the worker's."""
