from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: Asks an application as a stranger, a reader and somebody who may change things; prints what it answers.
ASK = """
import json, sys
from starlette.testclient import TestClient

def asked(app, as_whom):
    with TestClient(app, base_url="http://localhost") as client:
        job = client.post("/greetings/ann").json()["job"]
        return [
            [client.get("/queue/jobs", headers=one).status_code for one in as_whom],
            [client.post(f"/queue/jobs/{job}/cancel", headers=one).status_code for one in as_whom],
            job in client.get("/queue/jobs", headers=as_whom[-1]).text,
        ]
"""
FASTAPI = f"""{ASK}
from in_fastapi import app
print(json.dumps(asked(app, [{{}}, {{"x-logged-in": "bob"}}, {{"x-logged-in": "ann"}}])))
"""
FLASK = """
import json
from in_flask import app
client = app.test_client()
job = client.post("/greetings/ann").json["job"]
ann = {"x-logged-in": "ann"}
text = client.get("/queue/jobs", headers=ann).text
found = [job in text, 'data-streams="no"' in text, 'href="/queue/jobs"' in text]
print(json.dumps([client.get("/queue/jobs").status_code, *found]))
"""
DJANGO = """
import json
from starlette.testclient import TestClient
from in_django import application, greet
from django.contrib.auth import get_user_model, SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

call_command("migrate", verbosity=0)
User = get_user_model()

def key_of(name, **more):
    user = User.objects.create_user(name, **more)
    session = SessionStore()
    session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return {"Cookie": f"sessionid={session.session_key}"}

keys = [{}, key_of("eve"), key_of("bob", is_staff=True), key_of("ann", is_staff=True, is_superuser=True)]
job = greet.delay("ann").id
with TestClient(application, base_url="http://localhost") as client:
    print(json.dumps([
        [client.get("/queue/jobs", headers=one).status_code for one in keys],
        [client.post(f"/queue/jobs/{job}/cancel", headers=one).status_code for one in keys[:3]],
        client.get("/").status_code,
    ]))
"""


def printed(program: str, folder: Path) -> object:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\n{program}"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_in_fastapi_each_gets_the_rights_that_the_application_gives(tmp_path: Path) -> None:
    assert printed(FASTAPI, tmp_path) == [[401, 200, 200], [401, 403, 403], True]


def test_in_flask_pages_hold_no_stream_open(tmp_path: Path) -> None:
    assert printed(FLASK, tmp_path) == [401, True, True, True]


def test_in_django_the_staff_looks_and_superusers_act(tmp_path: Path) -> None:
    pytest.importorskip("django")
    assert printed(DJANGO, tmp_path) == [[401, 401, 200, 200], [401, 401, 403], 404]
