"""Every setting once: its name, its default, its unit and what it means. Names are Celery's where Celery has one."""

from __future__ import annotations

from localq.settings.all_settings import NEW_NAMES, OLD_NAMES, SETTINGS
from localq.settings.conf import Settings
from localq.settings.setting import Setting

__all__ = ["NEW_NAMES", "OLD_NAMES", "SETTINGS", "Setting", "Settings"]
