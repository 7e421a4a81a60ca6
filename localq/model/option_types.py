"""The options of calls, of tasks and of workers inside a program, as types: what they are stands in option_types.pyi,
which no program loads.
"""

from __future__ import annotations

from typing import Any

__all__ = ["CallOptions", "RetryOptions", "SignatureOptions", "StartOptions", "TaskOptions"]

CallOptions = dict[str, Any]
RetryOptions = dict[str, Any]
SignatureOptions = dict[str, Any]
StartOptions = dict[str, Any]
TaskOptions = dict[str, Any]
