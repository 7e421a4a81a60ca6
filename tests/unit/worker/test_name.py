"""What a worker may be called."""

from __future__ import annotations

import socket

import pytest

from localq.exceptions import ImproperlyConfigured
from localq.worker.name import worker_name


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "box.example.org")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (None, "localq@box.example.org"),
        ("", "localq@box.example.org"),
        ("mail", "localq@mail"),
        ("worker.%h", "localq@worker.box.example.org"),
        ("@here", "localq@here"),
        ("mail@", "mail@box.example.org"),
        ("mail@other", "mail@other"),
        ("mail@%h", "mail@box.example.org"),
        ("%n", "localq@box"),
        ("light@%n", "light@box"),
        ("mail@%n.%d", "mail@box.example.org"),
        ("%n@%h", "box@box.example.org"),
        ("mail%i%I@%h", "mail0@box.example.org"),
        ("100%%@here", "100%@here"),
        ("büro-1_a.b", "localq@büro-1_a.b"),
    ],
)
def test_a_workers_name_has_a_host_and_what_its_marks_stand_for(given: str | None, name: str) -> None:
    assert worker_name(given) == name
    assert worker_name(given, "celery") == name.replace("localq@", "celery@")


@pytest.mark.parametrize(
    "given",
    ["bad name", "bad\tname", "a/b@here", "a\\b", "a,b", "a\0b", "a\nb", "a\x1b[1m", "a@h ost",
     "a\u00a0b", "a\u202eb", "x" * 300],
)  # fmt: skip
def test_a_name_that_cannot_be_in_a_file_name_or_a_list_is_refused_with_what_may_be(given: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        worker_name(given)

    assert str(refused.value).startswith(f"A worker cannot be called {given!r}. A name is NAME@HOST, or HOST alone")


@pytest.mark.parametrize(("given", "mark"), [("mail%x", "%x"), ("mail%", "%")])
def test_a_mark_that_stands_for_nothing_is_refused(given: str, mark: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"'{mark}' stands for nothing.*%h stands for the host"):
        worker_name(given)
