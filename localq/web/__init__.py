"""The dashboard: pages and an API over what the store knows."""

from __future__ import annotations

from localq.web.application import dashboard

__all__ = ["dashboard"]
