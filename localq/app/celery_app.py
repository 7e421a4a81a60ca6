"""An app by Celery's name."""

from __future__ import annotations

from localq.app.app import LocalQ

__all__ = ["Celery"]


class Celery(LocalQ):
    """The same as `LocalQ`, but that workers it does not name are called `celery@HOST`, as Celery's are."""

    node_name = "celery"
