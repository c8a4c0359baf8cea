"""Django's own tests of session stores, on Coatcheck's: `python3 django_suite.py`, with the `tests` folder
of Django's source and `coatcheck.py` on PYTHONPATH."""

import sys
import unittest

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="django_tests_secret_key",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.sessions", "sessions_tests"],
    SESSION_ENGINE="coatcheck",
)
django.setup()

from django.test import SimpleTestCase, TestCase  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from sessions_tests import tests  # noqa: E402

import coatcheck  # noqa: E402


class CoatcheckSessionTests(tests.SessionTestsMixin, SimpleTestCase):
    backend = coatcheck.SessionStore


class CoatcheckMiddlewareTests(tests.SessionMiddlewareTests, TestCase):
    """What Django asks of its middleware, with this store below."""


class Runner(DiscoverRunner):
    def build_suite(self, *args, **kwargs):
        load = unittest.defaultTestLoader.loadTestsFromTestCase
        return unittest.TestSuite(map(load, (CoatcheckSessionTests, CoatcheckMiddlewareTests)))


sys.exit(bool(Runner(verbosity=2).run_tests([])))
