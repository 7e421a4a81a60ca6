"""The OpenAPI 3.1 document, made from the table of endpoints and the structs that check what is sent."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec

from localq.web.api import schemas
from localq.web.api.endpoint import Endpoint
from localq.web.api.endpoints import ENDPOINTS

__all__ = ["document"]

_REF = "#/components/schemas/{name}"
#: What may go wrong, beside what an endpoint says itself.
_REFUSALS = ("400", "401", "403", "404", "409", "413", "421", "503")


@cache
def document() -> dict[str, Any]:
    """Return the document."""
    kinds = {one.gives for one in ENDPOINTS} | {schemas.Problem}
    kinds |= {one.given for one in ENDPOINTS if one.method != "GET"}
    _, components = msgspec.json.schema_components(sorted(kinds, key=lambda one: one.__name__), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for one in ENDPOINTS:
        paths.setdefault(f"/api/v1{one.path}", {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "LocalQ", "version": version("localq"), "description": "Look at a queue, and steer it."},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": _answer(schemas.Problem, "Why it was not done.", "application/problem+json")},
        },
    }


def _operation(one: Endpoint) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{one.method.lower()}{re.sub('[^a-z]+', '_', one.path)}".rstrip("_"),
        "summary": one.says,
        "tags": [one.path.split("/")[1]],
        "responses": {"200": _answer(one.gives, one.gives.__doc__ or "")}
        | {status: {"$ref": "#/components/responses/Problem"} for status in _REFUSALS},
    }
    places = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"{(\w+)}", one.path)
    ]
    parameters = places + (_query(one.given) if one.method == "GET" else [])
    if parameters:
        told["parameters"] = parameters
    if one.method != "GET" and one.given is not schemas.Nothing:
        content = {"application/json": {"schema": {"$ref": _REF.format(name=one.given.__name__)}}}
        told["requestBody"] = {"required": one.needs_body, "content": content}
    return told


def _query(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    (_,), components = msgspec.json.schema_components([kind])
    return [
        {"name": name, "in": "query", "required": False, "schema": _plain(schema)}
        for name, schema in components[kind.__name__]["properties"].items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: one that is null is left out instead."""
    some = [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]
    return some[0] if len(some) == 1 else schema


def _answer(kind: type[msgspec.Struct], description: str, media: str = "application/json") -> dict[str, Any]:
    content = {media: {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
    return {"description": " ".join(description.split()), "content": content}
