"""The types of options name what there is: no more, and no less."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import localq
from localq.app.arguments import WITHOUT_EFFECT
from localq.app.start_options import START_OPTIONS
from localq.settings import SETTINGS
from localq.tasks.option_names import OPTIONS
from localq.tasks.task import TASK_OPTIONS

HOME = Path(localq.__file__).parent


def named(stub: str, kind: str) -> set[str]:
    """Return the keys of a typed dict of a stub, those of its bases included."""
    body = {one.name: one for one in ast.parse((HOME / stub).read_text()).body if isinstance(one, ast.ClassDef)}
    found: set[str] = set()
    for base in body[kind].bases:
        if isinstance(base, ast.Name) and base.id in body:
            found |= named(stub, base.id)
    return found | {
        one.target.id for one in body[kind].body if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
    }


TYPES = "model/option_types.pyi"


@pytest.mark.parametrize(
    ("stub", "kind", "there"),
    [
        (TYPES, "SignatureOptions", set(OPTIONS)),
        (TYPES, "CallOptions", OPTIONS - {"task_id"}),
        (TYPES, "TaskOptions", TASK_OPTIONS | {"shared", "lazy", "filter"}),
        (TYPES, "StartOptions", set(START_OPTIONS) - {"concurrency"}),
        (
            "settings/setting_types.pyi",
            "SettingOptions",
            (SETTINGS.keys() | WITHOUT_EFFECT | {"changes"}) - {"include"},
        ),
    ],
)
def test_the_types_name_every_option_there_is_and_no_other(stub: str, kind: str, there: set[str]) -> None:
    assert named(stub, kind) == there


def test_a_retry_may_change_what_stays_with_a_job() -> None:
    changes = named(TYPES, "RetryOptions")

    assert changes <= OPTIONS
    assert not changes & {"countdown", "eta", "max_retries", "task_id"}, "which are parameters of retry() themselves"
