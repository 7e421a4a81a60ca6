from __future__ import annotations

import pytest

from localq.contrib.celery.upgrade import Renamed, upgrade

OLD = """\
# BROKER_URL stays in a comment
CELERY_RESULT_BACKEND = 'x'; BROKER_URL = "BROKER_URL?"
BROKER_TRANSPORT_OPTIONS = {'CELERY_QUEUES': 1}
print(CELERYD_CONCURRENCY + 1)   # spaces   stay
MY_BROKER_URL = 5
"""
NEW = """\
# BROKER_URL stays in a comment
result_backend = 'x'; broker_url = "BROKER_URL?"
broker_transport_options = {'task_queues': 1}
print(worker_concurrency + 1)   # spaces   stay
MY_BROKER_URL = 5
"""


def test_old_names_become_new_ones_and_all_else_stays() -> None:
    text, changed = upgrade(OLD)

    assert text == NEW
    assert changed[0] == Renamed(2, "CELERY_RESULT_BACKEND", "result_backend")
    assert [one.line for one in changed] == [2, 2, 3, 3, 4]


def test_what_is_new_needs_no_change() -> None:
    assert upgrade(NEW) == (NEW, [])


def test_names_for_django_keep_a_prefix_and_upper_case() -> None:
    text, changed = upgrade("BROKER_URL = 1\nCELERY_RESULT_BACKEND = 2\n", prefix="CELERY_")

    assert text == "CELERY_BROKER_URL = 1\nCELERY_RESULT_BACKEND = 2\n"
    assert len(changed) == 1


def test_ends_of_lines_stay() -> None:
    assert upgrade("BROKER_URL = 1\r\nx = 2\r\n")[0] == "broker_url = 1\r\nx = 2\r\n"


@pytest.mark.parametrize("text", ["x = (\n", "x = '''\n"])
def test_what_is_no_python_is_refused(text: str) -> None:
    with pytest.raises(SyntaxError):
        upgrade(text)
