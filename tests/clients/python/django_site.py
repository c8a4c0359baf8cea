"""A site of Django's, with users and sessions, for the tests: its settings, its pages and its database."""

import json

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="of the tests",
    DEBUG=True,
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    MESSAGE_STORAGE="django.contrib.messages.storage.session.SessionStorage",
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    SESSION_ENGINE="coatcheck",
    USE_TZ=True,
)
django.setup()

from django.contrib import auth, messages  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.http import HttpResponse, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

call_command("migrate", verbosity=0)

#: What a page does, by its name; tests put more in.
pages = {}


def page(request, name, argument=""):
    answer = pages[name](request, argument)
    return answer if isinstance(answer, HttpResponse) else HttpResponse(str(answer or ""))


def seen(request, argument):
    return JsonResponse(dict(request.session))


def log_in(request, name):
    user, _ = auth.get_user_model().objects.get_or_create(username=name)
    auth.login(request, user, backend="django.contrib.auth.backends.ModelBackend")
    return user.pk


def log_out(request, argument):
    auth.logout(request)


def leave_message(request, text):
    messages.info(request, text)


def show_messages(request, argument):
    return json.dumps([str(message) for message in messages.get_messages(request)])


pages.update(
    seen=seen, login=log_in, logout=log_out, message=leave_message, messages=show_messages
)
urlpatterns = [path("<name>", page), path("<name>/<argument>", page)]
