"""What an expression may be when the program runs, as far as its text tells."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import PurePath

from localq.contrib.celery.project import Source

__all__ = ["UNKNOWN", "Values", "called", "dotted"]

#: Stands in texts for what only the running program knows.
UNKNOWN = "\N{HORIZONTAL ELLIPSIS}"
#: How many steps lead from a name to its value, and how many texts an expression may be.
_DEPTH, _MOST = 8, 16
_PLACEHOLDER = re.compile(r"%\(\w+\)[sdr]|%[sdr]|\{[^{}]*\}")
#: Keywords of what reads the environment, whatever package it comes from, that say what holds where it is silent.
_DEFAULTS = {"default", "fallback"}


class Values:
    """What the names of a project are set to, anywhere in it."""

    def __init__(self, sources: Iterable[Source]) -> None:
        self._by_file = {source.name: _assigned(source) for source in sources}
        self._anywhere: dict[str, list[ast.expr]] = {}
        for names in self._by_file.values():
            for name, values in names.items():
                if name.isupper():
                    self._anywhere.setdefault(name, []).extend(values)

    def of(self, file: str, name: str) -> list[ast.expr]:
        """Return what a name is set to: in the file, or elsewhere where it is a constant's."""
        return self._by_file.get(file, {}).get(name) or self._anywhere.get(name, [])

    def texts(self, file: str, node: ast.expr | None, depth: int = _DEPTH) -> set[str]:
        """Return the texts that an expression may be, with `UNKNOWN` for parts that nobody can know."""
        if node is None or depth == 0:
            return {UNKNOWN}
        return set(sorted(_read(self, file, node, depth - 1))[:_MOST])

    def literal(self, file: str, node: ast.expr | None) -> ast.expr | None:
        """Return what a name stands for where it is set once, so that lists and mappings can be read."""
        for _ in range(_DEPTH):
            name = node.id if isinstance(node, ast.Name) else ""
            values = self.of(file, name) if name else []
            if len(values) != 1:
                break
            node = values[0]
        return node


def called(call: ast.Call) -> str:
    """Return the last name of what is called."""
    return getattr(call.func, "attr", "") or getattr(call.func, "id", "")


def dotted(node: ast.expr) -> list[str]:
    """Return the names of `a.b.c`, or nothing where it begins with something else."""
    if isinstance(node, ast.Name):
        return [node.id]
    before = dotted(node.value) if isinstance(node, ast.Attribute) else []
    return [*before, node.attr] if before and isinstance(node, ast.Attribute) else []


def _assigned(source: Source) -> dict[str, list[ast.expr]]:
    """Return what each name is set to: in modules, classes and functions, and as a key of Flask's `app.config`."""
    names: dict[str, list[ast.expr]] = {}
    kinds: tuple[type[ast.AST], ...] = (ast.Assign, ast.AnnAssign, ast.NamedExpr, ast.Call)
    for node in (node for kind in kinds for node in source.nodes(kind)):
        for name, value in _pairs(node):
            names.setdefault(name, []).append(value)
    return names


def _pairs(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from ((name, node.value) for name in _targets(target))
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from ((name, node.value) for name in _targets(node.target))
    elif isinstance(node, ast.Call) and called(node) in ("update", "from_mapping"):
        owner = dotted(node.func.value) if isinstance(node.func, ast.Attribute) else []
        if owner and owner[-1] == "config":
            yield from ((one.arg, one.value) for one in node.keywords if one.arg)
            for given in node.args:
                if isinstance(given, ast.Dict):
                    keyed = zip(given.keys, given.values, strict=True)
                    yield from ((str(getattr(key, "value", "")), value) for key, value in keyed if _is_text(key))


def _targets(target: ast.expr) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, ast.Subscript) and _is_config(target.value) and _is_text(target.slice):
        yield str(getattr(target.slice, "value", ""))


def _is_config(node: ast.expr) -> bool:
    return (dotted(node) or [""])[-1] == "config"


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


# What each kind of expression may be


def _read(values: Values, file: str, node: ast.expr, depth: int) -> set[str]:
    match node:
        case ast.Constant():
            return {node.value if isinstance(node.value, str) else "" if node.value is None else str(node.value)}
        case ast.JoinedStr():
            return _f_string(values, file, node, depth)
        case ast.BoolOp():
            return set().union(*(values.texts(file, one, depth) for one in node.values))
        case ast.IfExp():
            return values.texts(file, node.body, depth) | values.texts(file, node.orelse, depth)
        case ast.BinOp():
            return _operation(values, file, node, depth)
        case ast.Call():
            return _call(values, file, node, depth)
        case ast.Name() | ast.Attribute():
            return _set_to(values, file, (dotted(node) or [""])[-1], depth)
        case ast.Subscript() if _is_config(node.value) and _is_text(node.slice):
            return _set_to(values, file, str(getattr(node.slice, "value", "")), depth)
        case ast.NamedExpr():
            return values.texts(file, node.value, depth)
    return {UNKNOWN}


def _f_string(values: Values, file: str, node: ast.JoinedStr, depth: int) -> set[str]:
    parts = [
        values.texts(file, one.value if isinstance(one, ast.FormattedValue) else one, depth) for one in node.values
    ]
    return _joined(parts)


def _joined(parts: list[set[str]]) -> set[str]:
    return {"".join(one) for one, _ in zip(product(*map(sorted, parts)), range(_MOST), strict=False)}


def _operation(values: Values, file: str, node: ast.BinOp, depth: int) -> set[str]:
    left = values.texts(file, node.left, depth)
    if isinstance(node.op, ast.Mod):
        return {_PLACEHOLDER.sub(UNKNOWN, text) for text in left}
    right = values.texts(file, node.right, depth)
    if isinstance(node.op, ast.Div):
        return {str(PurePath(one, other)) for one, other in product(left, right)}
    return _joined([left, right]) if isinstance(node.op, ast.Add) else {UNKNOWN}


def _call(values: Values, file: str, node: ast.Call, depth: int) -> set[str]:
    """Return what a call may give: what it was told to give by default, and anything else."""
    name = called(node)
    if name == "format" and isinstance(node.func, ast.Attribute):
        return {_PLACEHOLDER.sub(UNKNOWN, text) for text in values.texts(file, node.func.value, depth)}
    if name in ("str", "fspath", "Path"):
        return set().union(*(values.texts(file, one, depth) for one in node.args)) or {UNKNOWN}
    fallbacks = [*node.args[1:2], *(one.value for one in node.keywords if one.arg in _DEFAULTS)]
    return set().union({UNKNOWN}, *(values.texts(file, one, depth) for one in fallbacks))


def _set_to(values: Values, file: str, name: str, depth: int) -> set[str]:
    given = values.of(file, name) if name else []
    return set().union(*(values.texts(file, one, depth) for one in given)) or {UNKNOWN}
