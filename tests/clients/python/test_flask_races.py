"""Requests of one session at once, through Flask: nothing is lost."""

import threading
import unittest

import flask
from flask.sessions import SecureCookieSession, SessionInterface

import coatcheck
from races import ALL, AT_ONCE, Meeting, race


class WholeSessions(SessionInterface):
    """The control: a store that keeps each session as a whole, as most do."""

    def __init__(self):
        self.kept = {}

    def open_session(self, app, request):
        return SecureCookieSession(flask.json.loads(self.kept.get("the one", "{}")))

    def save_session(self, app, session, response):
        if session.modified:
            self.kept["the one"] = flask.json.dumps(dict(session))


def create_app(interface=None):
    app = flask.Flask("races")
    app.config["TESTING"] = True
    if interface is None:
        coatcheck.Coatcheck(app)
    else:
        app.session_interface = interface
    meeting = Meeting()

    def page(rule):
        def add(change):
            def view(name):
                flask.session.get("begun")
                meeting.wait()
                change(flask.session, name)
                return "done"

            app.add_url_rule(rule, change.__name__, view)

        return add

    @page("/key/<name>")
    def set_key(session, name):
        session[name] = name

    @page("/inside/<name>")
    def set_inside(session, name):
        session.setdefault("deep", {}).setdefault("er", {})[name] = [name]
        session.modified = True

    @page("/push/<name>")
    def push(session, name):
        session.setdefault("list", []).append(name)
        session.modified = True

    @page("/flash/<name>")
    def flash(session, name):
        flask.flash(name)

    @page("/count/<name>")
    def count(session, name):
        session.increment("n")

    @page("/all/<name>")
    def change_all(session, name):
        session[name] = name
        session.setdefault("deep", {})[name] = name
        session.setdefault("list", []).append(name)

    @page("/take/<name>")
    def take(session, name):
        session["list"].remove(name)
        session.setdefault("taken", []).append(name)

    @page("/login/<name>")
    def log_in(session, name):
        session[name] = name
        if name.endswith("0"):
            session.login(name)

    @app.get("/begin")
    def begin():
        flask.session["begun"] = True
        return "begun"

    @app.get("/seen")
    def seen():
        return dict(flask.session)

    return app


def race_of(app, rule):
    """What is in the session after the race."""
    browser = app.test_client()
    cookie = browser.get("/begin").headers.get("Set-Cookie", "").partition(";")[0]
    headers = {"Cookie": cookie}

    def ask(name):
        answer = app.test_client(use_cookies=False).get(f"/{rule}/{name}", headers=headers)
        assert answer.status_code == 200, answer.text

    race(ask)
    return app.test_client(use_cookies=False).get("/seen", headers=headers).json


class FlaskRacesTest(unittest.TestCase):
    def setUp(self):
        self.app = create_app()
        self.addCleanup(self.app.extensions["coatcheck"].close)

    def test_control(self):
        """A session that is kept as a whole loses nearly all of it, as the races would show here"""
        app = create_app(WholeSessions())
        self.assertLess(len(race_of(app, "key")), 20)
        self.assertLess(len(race_of(app, "push")["list"]), 20)

    def test_keys(self):
        """100 of 100 keys are kept"""
        self.assertEqual(set(race_of(self.app, "key")), {"begun", *ALL})

    def test_keys_inside(self):
        """100 of 100 keys of an object inside an object are kept, from its first one"""
        deep = race_of(self.app, "inside")["deep"]["er"]
        self.assertEqual(deep, {name: [name] for name in ALL})

    def test_pushes(self):
        """100 of 100 pushes to a list are kept, from its first one"""
        self.assertEqual(sorted(race_of(self.app, "push")["list"]), sorted(ALL))

    def test_messages(self):
        """100 of 100 flashed messages are kept"""
        messages = race_of(self.app, "flash")["_flashes"]
        self.assertEqual(sorted(text for _, text in messages), sorted(ALL))

    def test_counter(self):
        """A counter counts 100"""
        self.assertEqual(race_of(self.app, "count")["n"], len(ALL))

    def test_all_at_once(self):
        """100 of 100 are kept where each request changes keys, an object and a list"""
        seen = race_of(self.app, "all")
        self.assertEqual((set(seen) - {"begun", "deep", "list"}, set(seen["deep"])), (set(ALL), set(ALL)))
        self.assertEqual(sorted(seen["list"]), sorted(ALL))

    def test_taking_away(self):
        """Each takes its item out of a list, and no other one"""
        browser = self.app.test_client()
        with browser.session_transaction() as session:
            session["list"] = ["stays", *ALL, "too"]
        cookie = {"Cookie": f"sid={session._stored.token.value}"}
        race(lambda name: self.app.test_client(use_cookies=False).get(f"/take/{name}", headers=cookie))
        seen = browser.get("/seen").json
        self.assertEqual((seen["list"], sorted(seen["taken"])), (["stays", "too"], sorted(ALL)))

    def test_login_beside_writes(self):
        """Beside a log-in each write is in the one session that goes on, or was told apart by no new cookie"""
        browser = self.app.test_client()
        headers = {"Cookie": browser.get("/begin").headers["Set-Cookie"].partition(";")[0]}
        cookies = {}

        def ask(name):
            answer = self.app.test_client(use_cookies=False).get(f"/login/{name}", headers=headers)
            cookies[name] = answer.headers.getlist("Set-Cookie")

        threads = [threading.Thread(target=ask, args=(name,)) for name in ALL[:AT_ONCE]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual({name for name, set_here in cookies.items() if set_here}, {"k0", "k10", "k20"})
        self.assertTrue(all(len(set_here) <= 1 for set_here in cookies.values()))


if __name__ == "__main__":
    unittest.main()
