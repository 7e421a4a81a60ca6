"""Workflows as values: signatures, and what is made of several (celery/canvas.py of 5.7)."""

from __future__ import annotations

from localq.canvas.chains import chain, maybe_chain
from localq.canvas.chords import chord
from localq.canvas.groups import group
from localq.canvas.maps import chunks, xmap, xstarmap
from localq.canvas.signatures import Signature, maybe_signature, signature, subtask
from localq.canvas.stamping import StampingVisitor

__all__ = [
    "Signature",
    "StampingVisitor",
    "chain",
    "chord",
    "chunks",
    "group",
    "maybe_chain",
    "maybe_signature",
    "signature",
    "subtask",
    "xmap",
    "xstarmap",
]
