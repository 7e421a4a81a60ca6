"""Every text that the dashboard says, in every language that it speaks."""

from __future__ import annotations

import json
import re
from importlib import resources
from string import Formatter

import pytest
from starlette.testclient import TestClient

from localq import LocalQ
from localq.web.language import LANGUAGES, language
from localq.web.said import SAID
from tests.web.texts import outcomes, texts

OTHERS = [code for code in LANGUAGES if code != "en"]


def names(text: str) -> set[str]:
    return {field for _, field, _, _ in Formatter().parse(text) if field}


def test_the_texts_are_found() -> None:
    found = {one.text for one in texts()}

    assert {"Overview", "{n} jobs run again.", "Paused since", "It is due in {span}.", "{span} ago"} <= found
    assert {"the configuration of a program", "There is nothing here."} <= found


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_has_every_text_and_no_others(code: str) -> None:
    known = {one.text for one in texts()}
    said = language(code).texts

    assert sorted(known - set(said)) == [], f"say these in localq/web/languages/{code}.json"
    assert sorted(set(said) - known) == [], "nothing says these any more"


@pytest.mark.parametrize("code", OTHERS)
def test_a_language_leaves_no_value_out_and_makes_none_up(code: str) -> None:
    assert [text for text, said in language(code).texts.items() if names(text) != names(said)] == []


def test_english_tells_one_from_many() -> None:
    """A text with a number in it says both, where it is used or in the file of English."""
    of_one = language("en").texts
    many = {one.text for one in texts() if "n" in names(one.text) and one.one is None}

    assert sorted(text for text in many if text not in of_one) == [], "say these of one in languages/en.json"
    assert sorted(set(of_one) - many) == [], "nothing says these any more"
    assert language("en")("{n} jobs run again.", n=1) == "1 job runs again."
    assert language("en")("{n} jobs run again.", n=1200) == "1,200 jobs run again."
    assert language("zh")("{n} jobs run again.", n=1) == "1 个作业将重新运行。"


@pytest.mark.parametrize("code", [*LANGUAGES])
def test_the_file_of_a_language_is_in_order(code: str) -> None:
    text = resources.files("localq.web").joinpath("languages", f"{code}.json").read_text("utf-8")

    assert list(json.loads(text)) == sorted(json.loads(text))
    assert len(json.loads(text)) == len(re.findall(r'^  "', text, re.MULTILINE)), "a text stands there twice"


def test_every_answer_to_a_change_can_be_said() -> None:
    assert outcomes() == set(SAID)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/jobs/none", "没有作业 &#39;none&#39;。"),
        ("/queues/none", "没有队列 &#39;none&#39;。"),
        ("/tasks/none", "没有谁认识任务 &#39;none&#39;"),
        ("/jobs?within=1y", "within=&#39;1y&#39; 必须是以下之一"),
        ("/audit?before=x", "before=&#39;x&#39; 必须是整数。"),
    ],
)
def test_a_refusal_is_said_in_the_language_of_the_page_and_to_programs_in_english(
    page: TestClient, path: str, said: str
) -> None:
    people = page.get(path, headers={"Accept-Language": "zh", "Accept": "text/html"})
    program = page.get(path, headers={"Accept-Language": "zh"})

    assert said in people.text
    assert people.status_code == program.status_code
    assert program.text.isascii()


def test_what_is_wrong_with_a_form_is_said_in_the_language_of_the_page(page: TestClient, q: LocalQ) -> None:
    q.send_task("shop.pack", (17,), task_id="one")
    chinese = {"Accept-Language": "zh", "Accept": "text/html"}

    called = page.post("/tasks/shop.mail/call", data={"argument.to": "ann", "priority": "high"}, headers=chinese)
    edited = page.post("/jobs/one/edit", data={"args": "[17", "kwargs": "{}"}, headers=chinese)

    assert "priority=&#39;high&#39; 必须是数字。" in called.text
    assert "args 不是 JSON" in edited.text
