"""The dashboard: pages and an API over what the store knows."""

from __future__ import annotations

from localq.web.application import dashboard
from localq.web.gate.actor import Actor, Right

__all__ = ["Actor", "Right", "dashboard"]
