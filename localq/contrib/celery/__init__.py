"""Bridges from Celery: what a project must change, and its files."""
