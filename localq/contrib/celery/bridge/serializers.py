"""LocalQ's serializers made known to kombu, so that arguments and results arrive as they do here."""

from __future__ import annotations

from typing import Any

from kombu.serialization import registry

from localq.serialization import codec
from localq.serialization.serializers import find_serializer

__all__ = ["JSON", "known_there"]

_register: Any = registry.register
#: What LocalQ's JSON is called there: Celery's own knows no tuples, sets, and classes of `localq.register`.
JSON = "localq"
_JSON_TYPE = "application/x-localq+json"


def known_there(name: str | None) -> str | None:
    """Return what a serializer is called in Celery, having made it known there."""
    if name is None:
        return None
    if name == "json":
        _register(JSON, _write_json, _read_json, _JSON_TYPE, "utf-8")
        return JSON
    if name not in registry.name_to_type:
        own = find_serializer(name)
        _register(name, own.write, own.read, own.content_type, "binary")
    return name


def _write_json(value: Any) -> str:
    return codec.encode(value, where="the message").decode("ascii")


def _read_json(data: str | bytes) -> Any:
    return codec.decode(data.encode() if isinstance(data, str) else bytes(data))
