"""The settings that `LocalQ` takes as arguments, as a type: what they are stands in setting_types.pyi, which no program
loads.
"""

from __future__ import annotations

from typing import Any

__all__ = ["SettingOptions"]

SettingOptions = dict[str, Any]
