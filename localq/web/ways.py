"""Every path of the dashboard, and who may go there. What has no line in one of these tables does not exist."""

from __future__ import annotations

from localq.web.api.routes import API_WAYS
from localq.web.flower.routes import FLOWER_WAYS
from localq.web.metrics.routes import METRICS_WAYS
from localq.web.pages import routes

__all__ = ["WAYS"]

WAYS = (*API_WAYS, *FLOWER_WAYS, *METRICS_WAYS, *routes.WAYS)
