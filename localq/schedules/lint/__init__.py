"""What is wrong, or not meant, in a rule (`lint`)."""

from __future__ import annotations

from localq.schedules.lint.remark import Remark, Severity
from localq.schedules.lint.rule import lint

__all__ = ["Remark", "Severity", "lint"]
