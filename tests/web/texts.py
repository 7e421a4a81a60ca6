"""Every text that the dashboard says to people, found in its templates and its code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, nodes

import localq
from localq.monitor.shown_call import NOTES
from localq.schedules import app_schedules, configured, firing
from localq.schedules.rules import calendar, cron_words, interval, solar
from localq.web.rendering import PAGES
from localq.web.said import SAID
from localq.web.words import SHAPES

__all__ = ["Text", "audit_verbs", "outcomes", "texts"]

_WEB = Path(str(resources.files("localq.web")))
_ROOT = Path(localq.__file__).parent
#: What is given a sentence beside what says one, and as which argument.
_CARRIERS = {"Need": 1, "Reason": 1, "Refused": 1, "Unmeant": 0, "Denied": 0, "NotDone": 0, "BadRequest": 0}
#: What speaks to programs alone, in English.
_FOR_PROGRAMS = {"api", "flower", "metrics"}
#: Spans, which are put together of a number and a unit.
_SPANS = tuple(f"{{number}} {unit}" for unit in ("µs", "ms", "s", "min", "h", "d"))
#: What the ledger of schedules says.
_REASONS = (
    firing._MISSED_LATEST,
    firing._MISSED_SKIP,
    firing._MISSED_ALL,
    app_schedules._PAUSED,
    app_schedules._BY_HAND,
    app_schedules._BACKFILLED,
    configured._ELSEWHERE,
    "queued until the previous job had ended",
)


#: What rules are put together of, beside what they say themselves.
_RULES = (*cron_words.TEXTS, *interval.TEXTS, *calendar.TEXTS, *solar.TEXTS)


class Text(NamedTuple):
    """What is said of many or in any case, and what of one where the place says that itself."""

    text: str
    one: str | None = None


def texts() -> set[Text]:
    """Return every text."""
    found = {
        Text(text)
        for text in (*SAID, *_SPANS, *_REASONS, *audit_verbs(), *SHAPES, *_RULES, *NOTES, *(name for _, name in PAGES))
    }
    for path in sorted((_WEB / "templates").glob("*.html")):
        found |= set(_of_template(path.read_text("utf-8")))
    for path in [*_people_read(), _ROOT / "monitor" / "why_not.py", *_rule_files()]:
        found |= set(_of_code(ast.parse(path.read_text("utf-8"))))
    return found


def _people_read() -> list[Path]:
    files = sorted(_WEB.rglob("*.py"))
    return [one for one in files if not _FOR_PROGRAMS.intersection(one.relative_to(_WEB).parts)]


def _rule_files() -> list[Path]:
    return sorted((_ROOT / "schedules" / "rules").glob("*.py"))


def outcomes() -> set[str]:
    """Return every sentence that a change answers with."""
    return {text for tree in _acts() for call in _calls(tree, "Came") for text in _constants(call.args[1])}


def audit_verbs() -> set[str]:
    """Return every word for a change in the book of changes."""
    found: set[str] = set()
    for tree in _acts():
        for name, place in (("written_down", 2), ("all_written_down", 2), ("_tell", 3)):
            found |= {text for call in _calls(tree, name) for text in _constants(call.args[place])}
    return found


def _acts() -> list[ast.Module]:
    return [ast.parse(path.read_text("utf-8")) for path in sorted((_WEB / "act").glob("*.py"))]


def _calls(tree: ast.AST, name: str) -> list[ast.Call]:
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _name(node) == name]
    return [call for call in calls if len(call.args) > 1]


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def _constants(node: ast.AST) -> set[str]:
    """Return the texts that an expression may be; those in it that are compared with something are none."""
    if isinstance(node, ast.IfExp):
        return _constants(node.body) | _constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


def _of_template(source: str) -> Iterator[Text]:
    for call in Environment().parse(source).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in ("_", "say"):
            said = [[one.value for one in _template_texts(arg)] for arg in call.args[:2]]
            if len(said) == 2:
                yield Text(said[1][0], said[0][0])
            else:
                yield from (Text(one) for one in said[0])


def _template_texts(node: nodes.Expr) -> list[nodes.Const]:
    if isinstance(node, nodes.CondExpr):
        return [*_template_texts(node.expr1), *(_template_texts(node.expr2) if node.expr2 else [])]
    return [node] if isinstance(node, nodes.Const) else []


def _of_code(tree: ast.Module) -> Iterator[Text]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = _name(call)
        if name in ("say", "_say") and call.args:
            said = [sorted(_constants(arg)) for arg in call.args[:2]]
            if len(said) == 2 and said[1]:
                yield Text(said[1][0], said[0][0])
            else:
                yield from (Text(one) for one in said[0])
        elif name in _CARRIERS and len(call.args) > _CARRIERS[name]:
            yield from (Text(one) for one in _constants(call.args[_CARRIERS[name]]))
        elif name == "_counted":
            yield from (Text(one) for arg in call.args[1:3] for one in _constants(arg))
    for node in ast.walk(tree):
        # A sentence beside its values.
        if isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
            yield from (Text(one) for one in _constants(node.elts[0]) if " " in one)
        # A sentence that has a name first, and is given to a carrier by that.
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("text", "about"):
            yield from (Text(one) for one in _constants(node.value) if " " in one)
