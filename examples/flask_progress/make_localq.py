"""What a worker is told, for the tasks need a Flask app: localq worker -A make_localq."""

from __future__ import annotations

from app import create_app

q = create_app().extensions["localq"]
