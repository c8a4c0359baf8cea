"""Django's sessions in Coatcheck, through its middleware; its own tests of a store are in django_suite.py."""

import asyncio
import datetime
import hashlib
import json
import os
import pickle
import unittest
from base64 import b64encode, urlsafe_b64encode
from unittest.mock import patch

import django_site
from django.contrib.sessions.backends.base import UpdateError
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

import coatcheck
from frames import assert_no_secret
from races import ALL, Meeting, race

CLIENT = coatcheck.SessionStore.get_client()
PICKLE = "django.contrib.sessions.serializers.PickleSerializer"


class Bomb:
    """Unpickled, it runs code, which tells of it."""

    ran = []

    def __reduce__(self):
        return explode, ()


def explode():
    Bomb.ran.append("ran")


def planted():
    """As the adapter would keep it, were it a value of the application's own."""
    return {" p": b64encode(pickle.dumps(Bomb())).decode()}


class TextSerializer:
    """JSON, by another class than Django's."""

    def dumps(self, values):
        return json.dumps(values).encode("latin-1")

    def loads(self, data):
        return json.loads(data.decode("latin-1"))


def id_of(key):
    return urlsafe_b64encode(hashlib.sha256(key.encode()).digest()).decode().rstrip("=")


class DjangoTest(unittest.TestCase):
    def setUp(self):
        self.browser = Client()
        Bomb.ran.clear()
        self.addCleanup(CLIENT.close)

    def page(self, name, do, browser=None):
        django_site.pages[name] = lambda request, argument: do(request.session)
        return (browser or self.browser).get(f"/{name}")

    def seen(self, browser=None):
        return (browser or self.browser).get("/seen").json()

    def key(self):
        return self.browser.cookies["sessionid"].value

    def record(self, key=None):
        return CLIENT.session(id=id_of(key or self.key())).read()

    def test_engine(self):
        """The module is the engine, and none of Django's when another name is asked of it"""
        self.assertEqual(coatcheck.SessionStore.__module__, "coatcheck")
        self.assertRaises(AttributeError, getattr, coatcheck, "NoSuchStore")

    def test_key_is_hashed(self):
        """The key of the cookie is nowhere in Coatcheck: the id is its SHA-256, and no cookie opens it there"""
        self.page("set", lambda session: session.update(dict(a=1)))
        record = self.record()
        self.assertEqual((record["id"], record["data"]), (id_of(self.key()), {"a": 1}))
        self.assertNotIn(self.key(), repr(record))
        self.assertEqual(record["device"], {})

    def test_requests(self):
        """A session that is not used asks nothing, one that is read one thing, one that is changed two"""
        asked = []
        send = CLIENT.send

        def count(method, *args, **kwargs):
            asked.append(method)
            return send(method, *args, **kwargs)

        with patch.object(CLIENT, "send", count):
            for do, wanted in (
                (lambda session: None, []),
                (lambda session: session.update(dict(a=1, o={"x": 1})), ["PUT"]),
                (lambda session: None, []),
                (lambda session: session.get("a"), ["GET"]),
                (lambda session: session.update(dict(a=2, b=3)), ["GET", "PATCH"]),
            ):
                asked.clear()
                self.page("do", do)
                self.assertEqual(asked, wanted)

    def test_unknown_cookie(self):
        """An unknown key is adopted by nobody, and a page that only reads creates nothing"""
        self.browser.cookies["sessionid"] = "planted0123456789planted01234567"
        before = CLIENT.count()
        self.page("read", lambda session: session.get("a"))
        self.assertEqual(CLIENT.count(), before)
        self.page("set", lambda session: session.update(dict(a=1)))
        self.assertNotEqual(self.key(), "planted0123456789planted01234567")
        self.assertEqual(self.seen(), {"a": 1})

    def test_values(self):
        """Values come back as Django's JSON serializer gives them"""
        self.page("set", lambda session: session.update(dict(n=None, t=(1, 2), o={"x": [{"y": 1.0}]}, s=" t")))
        self.assertEqual(self.seen(), {"n": None, "t": [1, 2], "o": {"x": [{"y": 1.0}]}, "s": " t"})

    def test_pickle(self):
        """With another serializer, what is no JSON is kept as that one makes it"""
        with override_settings(SESSION_SERIALIZER=PICKLE):
            values = {"t": (1, 2), "d": datetime.date(2026, 1, 2), "plain": ["x"]}
            self.page("set", lambda session: session.update(values))
            seen = {}
            self.page("read", lambda session: seen.update(session))
            self.assertEqual(seen, values)
            self.page("more", lambda session: session.update(dict(t=(3,))))
            self.page("read", lambda session: seen.update(session))
            self.assertEqual(seen["t"], (3,))
        self.assertEqual(self.record()["data"]["plain"], ["x"])

    def test_pickle_of_a_visitor(self):
        """What a visitor sends in the shape of a pickle is kept as the object it is, and never unpickled"""
        shapes = {
            "whole": planted(),
            "more": {**planted(), "x": 1},
            "inside": {"list": [planted()], "o": planted()},
            "other": {" x": 1, " t": [2]},
            "space": {" di": planted()},
            "empty": {" p": ""},
            "no text": {" p": [1]},
        }
        for serializer in (PICKLE, f"{__name__}.TextSerializer", "django.contrib.sessions.serializers.JSONSerializer"):
            with override_settings(SESSION_SERIALIZER=serializer), self.subTest(serializer):
                self.browser = Client()
                values = {**shapes, "t": (1, 2)} if serializer is PICKLE else dict(shapes)
                self.page("set", lambda session: session.update(values))
                for _ in range(2):
                    seen = {}
                    self.page("read", lambda session: seen.update(session))
                    self.assertEqual((seen, Bomb.ran), (values, []))
                    self.page("more", lambda session: session.update(dict(n=1)))
                    values["n"] = 1

    def test_pickle_of_two_visits(self):
        """Nor is what becomes of an object of that shape when parallel requests take parts of it away"""
        with override_settings(SESSION_SERIALIZER=PICKLE):
            self.page("set", lambda session: session.update(dict(prefs={**planted(), "x": 1, "y": 1})))
            key = self.key()
            stores = [coatcheck.SessionStore(key), coatcheck.SessionStore(key)]
            for store, name in zip(stores, "xy"):
                del store["prefs"][name]
            for store in stores:
                store.save()
            seen = {}
            self.page("read", lambda session: seen.update(session))
            self.assertEqual((seen["prefs"][" p"], Bomb.ran), (planted()[" p"], []))

    def test_pickle_of_others(self):
        """A pickle that this application has not signed is nothing at all: others with the API key may write it"""
        with override_settings(SESSION_SERIALIZER=PICKLE):
            self.page("set", lambda session: session.update(dict(t=(1, 2), plain=1)))
            signed = self.record()["data"]["t"][" p"]
            forged = planted()[" p"] + signed[signed.index(":") :]
            tags = {"bomb": planted(), "forged": {" p": forged}, "no text": {" p": 1}, "two": {" p": "a:b"}}
            CLIENT.session(id=id_of(self.key())).change(set=tags)
            seen = {}
            with self.assertLogs("django.security.SuspiciousSession", "WARNING"):
                self.page("read", lambda session: seen.update(session))
            self.assertEqual((seen, Bomb.ran), ({"t": (1, 2), "plain": 1}, []))
            with override_settings(SECRET_KEY="another"), self.assertLogs("django.security.SuspiciousSession"):
                seen.clear()
                self.page("read", lambda session: seen.update(session))
            self.assertEqual(seen, {"plain": 1})
            self.assertEqual(self.record()["data"]["t"], {" p": signed})

    def test_pickle_comes_later(self):
        """What was kept by the JSON serializer is not unpickled when the setting changes"""
        self.page("set", lambda session: session.update(dict(prefs=planted(), a=1)))
        with override_settings(SESSION_SERIALIZER=PICKLE):
            seen = {}
            self.page("read", lambda session: seen.update(session))
            self.assertEqual((seen, Bomb.ran), ({"prefs": planted(), "a": 1}, []))

    def test_messages(self):
        """Django's messages are shown once"""
        self.browser.get("/message/Saved")
        self.assertEqual(self.browser.get("/messages").content, b'["Saved"]')
        self.assertEqual(self.browser.get("/messages").content, b"[]")

    def test_login(self):
        """A log-in changes the key, keeps the data, and is the session's sub; a log-out ends it for good"""
        self.page("set", lambda session: session.update(dict(cart=["tea"])))
        old = self.key()
        user = self.browser.get("/login/ada").content.decode()
        new = self.key()
        self.assertNotEqual(new, old)
        self.assertRaises(coatcheck.SessionGone, self.record, old)
        self.assertEqual(self.record()["claims"], {"sub": user})
        self.assertEqual(self.seen()["cart"], ["tea"])
        self.assertIn(id_of(new), [session["id"] for session in CLIENT.sessions(user)])

        other = Client()
        other.get("/login/ada")
        self.assertEqual(CLIENT.end_all(user, except_id=id_of(new)), 1)
        self.assertEqual(self.seen(other), {})
        self.assertEqual(self.seen()["cart"], ["tea"])

        response = self.browser.get("/logout")
        self.assertEqual(response.cookies["sessionid"]["max-age"], 0)
        with self.assertRaises(coatcheck.SessionGone) as raised:
            self.record(new)
        self.assertEqual(raised.exception.status, 410)

    def test_login_inherits_nothing(self):
        """Who logs in where somebody else was has none of her claims, nor has one that a page puts in"""
        def put(session):
            session["_auth_user_id"] = "4711"

        for log_in in (lambda: self.browser.get("/login/bob"), lambda: self.page("put", put)):
            self.browser.get("/login/ada")
            CLIENT.session(id=id_of(self.key())).change(claims={"role": "admin"}, permanent=True)
            old = self.key()
            log_in()
            self.assertNotEqual(self.key(), old)
            self.assertRaises(coatcheck.SessionGone, self.record, old)
            record = self.record()
            sub = record["data"]["_auth_user_id"]
            self.assertEqual((record["claims"], record["permanent"]), ({"sub": sub}, False))

    def test_frames_tell_no_secret(self):
        """Neither the page of an error nor the locals of its frames tell the API key or the session's"""
        key = os.environ["COATCHECK_API_KEY"]
        self.page("set", lambda session: session.update(dict(a=1)))
        browser = Client(raise_request_exception=False)
        browser.cookies = self.browser.cookies
        away = patch.object(CLIENT, "_open", side_effect=ConnectionRefusedError("refused"))
        CLIENT.close()
        with away, self.assertLogs("django.request"):
            page = browser.get("/seen").content.decode()
        self.assertIn("Cannot reach", page)
        self.assertIn("_exchange", page)
        self.assertNotIn(key, page)

        store = coatcheck.SessionStore
        own = self.key()
        for ask in (
            lambda: store(own).load(),
            lambda: store(own).exists(own),
            lambda: store(own).delete(),
            lambda: store().delete(own),
            lambda: store(own).save(),
            lambda: store(own).save(must_create=True),
            lambda: store(own).cycle_key(),
            lambda: store(own).flush(),
        ):
            CLIENT.close()
            with away:
                assert_no_secret(self, coatcheck.Unavailable, ask, key, own)
        with override_settings(COATCHECK_API_KEY=key, COATCHECK_TIMEOUT=-1):
            assert_no_secret(self, ValueError, store.get_client, key)

    def test_slow_request(self):
        """A slow request does not revive a log-out: Django answers it with 400"""
        self.page("set", lambda session: session.update(dict(a=1)))
        key = self.key()

        def slow(session):
            session.get("a")
            CLIENT.session(id=id_of(key)).end()
            session["b"] = 2

        self.assertEqual(self.page("slow", slow).status_code, 400)
        self.assertRaises(coatcheck.SessionGone, self.record, key)

        self.browser = Client()
        self.page("set", lambda session: session.update(dict(a=1)))
        key = self.key()

        def cycle(session):
            session.get("a")
            CLIENT.session(id=id_of(key)).end()
            session.cycle_key()

        self.assertEqual(self.page("cycle", cycle).status_code, 400)
        self.assertEqual(self.seen(), {})

    def test_cycle_beside_writes(self):
        """What others write while the key is changed comes along"""
        self.page("set", lambda session: session.update(dict(a=1)))
        old = self.key()

        def cycle(session):
            session["b"] = 2
            CLIENT.session(id=id_of(old)).set("c", 3)
            session.cycle_key()
            session["d"] = 4

        self.page("cycle", cycle)
        self.assertEqual(self.seen(), {"a": 1, "b": 2, "c": 3, "d": 4})
        self.assertRaises(coatcheck.SessionGone, self.record, old)

    def test_cycle_beside_writes_like_a_tag(self):
        """Also where the one key of the session begins with a space, as marks inside of values do"""
        self.page("set", lambda session: session.update({" p": 1}))
        old = self.key()

        def cycle(session):
            session[" p"] += 1
            CLIENT.session(id=id_of(old)).set("c", 3)
            session.cycle_key()

        self.page("cycle", cycle)
        self.assertEqual(self.seen(), {" p": 2, "c": 3})

    def test_one_key_with_a_space(self):
        """An object whose one key begins with a space keeps what requests at once put beside it"""
        for serializer in (PICKLE, f"{__name__}.TextSerializer", "django.contrib.sessions.serializers.JSONSerializer"):
            for key in (" x", " p", "\\ x"):
                with override_settings(SESSION_SERIALIZER=serializer), self.subTest((serializer, key)):
                    self.browser = Client()
                    self.page("set", lambda session: session.update(dict(prefs={key: 1})))
                    stores = [coatcheck.SessionStore(self.key()), coatcheck.SessionStore(self.key())]
                    for store, name in zip(stores, "ab"):
                        store["prefs"][name] = 1
                    for store in stores:
                        store.save()
                    seen = {}
                    self.page("read", lambda session: seen.update(session))
                    self.assertEqual((seen, Bomb.ran), ({"prefs": {key: 1, "a": 1, "b": 1}}, []))

    def test_asynchronous(self):
        """The key is changed asynchronously as well"""
        store = coatcheck.SessionStore()
        store["a"] = 1
        store.save()
        old = store.session_key
        asyncio.run(store.acycle_key())
        asyncio.run(coatcheck.SessionStore.aclear_expired())
        self.assertNotEqual(store.session_key, old)
        self.assertEqual(self.record(store.session_key)["data"], {"a": 1})
        self.assertRaises(coatcheck.SessionGone, self.record, old)

    def test_expiry(self):
        """Django's expiry is how long the session may rest; a date, when it ends"""
        def ends():
            record = self.record()
            begins, *ends = (
                coatcheck._time_of(record[name])
                for name in ("lastSeenAt", "expiresAt", "lifetimeEndsAt")
            )
            return [round((end - begins).total_seconds()) for end in ends]

        day, for_ever = 24 * 60 * 60, 250_000_000_000
        self.page("set", lambda session: session.update(dict(a=1)))
        self.assertEqual(ends()[0], 14 * day)
        self.assertGreater(ends()[1], for_ever)
        self.page("set", lambda session: session.set_expiry(3600))
        self.assertEqual(ends()[0], 3600)
        self.page("set", lambda session: session.set_expiry(None))
        self.assertEqual(ends()[0], 14 * day)
        self.assertGreater(ends()[1], for_ever)
        with override_settings(SESSION_SERIALIZER=PICKLE):
            self.page("set", lambda session: session.set_expiry(timezone.now() + datetime.timedelta(hours=2)))
            idle, life = ends()
            self.assertAlmostEqual(idle, 7200, delta=3)
            self.assertAlmostEqual(life, 7200, delta=3)
        self.page("set", lambda session: session.set_expiry(0))
        self.assertEqual(self.browser.cookies["sessionid"]["max-age"], "")

    def test_save_tells_what_is_gone(self):
        """save() tells of a session that is gone, also where nothing has changed"""
        store = coatcheck.SessionStore()
        store["a"] = 1
        store.save()
        other = coatcheck.SessionStore(store.session_key)
        self.assertEqual(other["a"], 1)
        store.delete()
        self.assertRaises(UpdateError, other.save)

    # 25 at once

    def race(self, name, change, engine="coatcheck"):
        meeting = Meeting()

        def view(request, argument):
            request.session.get("begun")
            meeting.wait()
            change(request, argument)

        django_site.pages[name] = view
        with override_settings(SESSION_ENGINE=engine):
            browser = Client()
            self.page("begin", lambda session: session.update(dict(begun=True)), browser)
            clients = {argument: Client() for argument in ALL}

            def ask(argument):
                client = clients[argument]
                client.cookies["sessionid"] = browser.cookies["sessionid"].value
                assert client.get(f"/{name}/{argument}").status_code == 200

            race(ask)
            return self.seen(browser)

    def test_control(self):
        """Django's cache backend loses nearly all of the 100, as the races would show here"""
        cache = "django.contrib.sessions.backends.cache"
        seen = self.race("key", lambda request, name: request.session.update({name: 1}), cache)
        self.assertLess(len(seen), 20)

    def test_keys(self):
        """100 of 100 keys are kept"""
        seen = self.race("key", lambda request, name: request.session.update({name: 1}))
        self.assertEqual(set(seen), {"begun", *ALL})

    def test_keys_inside(self):
        """100 of 100 keys of one object are kept"""
        def change(request, name):
            request.session.setdefault("o", {}).setdefault("p", {})[name] = name
            request.session.modified = True

        self.assertEqual(set(self.race("inside", change)["o"]["p"]), set(ALL))

    def test_pushes(self):
        """100 of 100 pushes to one list are kept"""
        def change(request, name):
            request.session.setdefault("list", []).append(name)
            request.session.modified = True

        self.assertEqual(sorted(self.race("push", change)["list"]), sorted(ALL))


if __name__ == "__main__":
    unittest.main()
