"""The dashboard inside a Django project, for its staff: `uvicorn in_django:application`."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from starlette.requests import Request

from localq import LocalQ
from localq.web import Actor, Right, dashboard

settings.configure(
    SECRET_KEY="for this example alone",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.db"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"],
)
django.setup()
urlpatterns: list = []

q = LocalQ("shop", path="jobs.db")


@q.task
def greet(name: str) -> str:
    return f"Hello, {name}"


def who(request: Request) -> Actor | None:
    """Return the member of the staff whose session this is; superusers may change things."""
    from django.contrib.auth import get_user, models
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    asked = HttpRequest()
    asked.session = SessionStore(request.cookies.get(settings.SESSION_COOKIE_NAME))
    user = get_user(asked)
    if not isinstance(user, models.User) or not user.is_staff:
        return None
    rights = {Right.READ, Right.ACT} if user.is_superuser else {Right.READ}
    return Actor(user.get_username(), frozenset(rights))


site, page = get_asgi_application(), dashboard(q, who=who)


async def application(scope, receive, send):
    """Hand on what lies below /queue to the dashboard, and the rest to Django."""
    path = scope.get("path", "")
    if scope["type"] == "lifespan":
        await page(scope, receive, send)
    elif path == "/queue" or path.startswith("/queue/"):
        await page({**scope, "root_path": scope.get("root_path", "") + "/queue"}, receive, send)
    else:
        await site(scope, receive, send)
