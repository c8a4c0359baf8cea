"""Flask's sessions in Coatcheck: what an application and its browsers see."""

import dataclasses
import datetime
import os
import unittest
import uuid
from collections import Counter, OrderedDict

import flask
from markupsafe import Markup

import coatcheck
from coatcheck import Coatcheck
from frames import assert_no_secret


def create_app(**config):
    app = flask.Flask("app_of_the_tests")
    app.config.update(TESTING=True, **config)
    app.coatcheck = Coatcheck(app)
    app.asked = Counter()
    client, send = app.extensions["coatcheck"], app.extensions["coatcheck"].send

    def count(method, path, *args, **kwargs):
        app.asked[method] += 1
        return send(method, path, *args, **kwargs)

    client.send = count
    return app


def run(app, view, browser=None, **request):
    """The answer to a request for a page that does this."""
    endpoint = f"e{len(app.view_functions)}"
    app._got_first_request = False  # pages are added as the tests need them

    def page():
        answer = view()
        return answer if isinstance(answer, (str, dict, flask.Response)) else ""

    app.add_url_rule(f"/{endpoint}", endpoint, page)
    return (browser or app.test_client(use_cookies=False)).get(f"/{endpoint}", **request)


def cookies_of(response):
    return response.headers.getlist("Set-Cookie")


def token_of(response):
    (cookie,) = cookies_of(response)
    return cookie.partition(";")[0].partition("=")[2]


def left_of(session, name):
    """In seconds."""
    end = datetime.datetime.fromisoformat(session[name].replace("Z", "+00:00"))
    return (end - datetime.datetime.now(datetime.timezone.utc)).total_seconds()


class FlaskTest(unittest.TestCase):
    def setUp(self):
        self.app = create_app()
        self.browser = self.app.test_client()
        self.addCleanup(self.app.extensions["coatcheck"].close)

    def ask(self, view, **request):
        return run(self.app, view, self.browser, **request)

    def data(self):
        seen = {}
        self.ask(lambda: seen.update(flask.session))
        return seen

    # What is asked

    def test_not_used(self):
        """A page that does not use its session asks nothing and varies by nothing"""
        self.ask(lambda: flask.session.update(a=1))
        self.app.asked.clear()
        response = self.ask(lambda: "page")
        self.assertEqual((self.app.asked, "Vary" in response.headers), ({}, False))

    def test_bots(self):
        """A visitor without a session, or with a cookie that is no token, is not asked about"""
        for cookie in ("", "sid=", "sid=x", "sid=../../x.y", "sid=" + "a" * 5000):
            response = run(self.app, lambda: str(flask.session.get("a")), headers={"Cookie": cookie})
            self.assertEqual((response.text, cookies_of(response)), ("None", []))
        self.assertEqual(self.app.asked, {})

    def test_unchanged(self):
        """A session that did not change costs one request, the read"""
        self.ask(lambda: flask.session.update(a=1, l=[1], o={"x": 1}))
        self.assertEqual(self.app.asked, {"POST": 1})
        self.app.asked.clear()

        def look():
            flask.session["a"] = 1
            flask.session["l"].append(2)
            flask.session["l"].pop()
            return str([flask.session.get("o"), "a" in flask.session, len(flask.session)])

        response = self.ask(look)
        self.assertEqual((self.app.asked, cookies_of(response)), ({"GET": 1}, []))
        self.assertEqual(response.headers["Vary"], "Cookie")

    def test_changed(self):
        """However much has changed, it is sent in one request"""
        self.ask(lambda: flask.session.update(a=1, l=[1], o={"x": {"y": 1}}, gone=1))
        self.app.asked.clear()

        def change():
            flask.session["a"] = flask.session.pop("gone") + 1
            flask.session["l"].append(2)
            flask.session["o"]["x"]["z"] = None
            flask.session.permanent = True

        self.ask(change)
        self.assertEqual(self.app.asked, {"GET": 1, "PATCH": 1})
        self.assertEqual(self.data(), {"a": 2, "l": [1, 2], "o": {"x": {"y": 1, "z": None}}})

    def test_inside(self):
        """What changes inside a list or an object is saved without `modified`"""
        self.ask(lambda: flask.session.update(o={"l": []}))
        self.ask(lambda: flask.session["o"]["l"].append({"x": (1, 2)}))
        self.ask(lambda: [value["l"].append(1) for value in flask.session.values()] and "")
        self.ask(lambda: [value["l"].append(2) for _, value in flask.session.items()] and "")
        self.ask(lambda: flask.session.get("o")["l"].append(3))
        self.ask(lambda: flask.session.setdefault("o", {})["l"].append(4))
        self.assertEqual(self.data(), {"o": {"l": [{"x": (1, 2)}, 1, 2, 3, 4]}})

    # A mapping

    def test_mapping(self):
        """It is a mapping as others are, with Flask's flags"""
        session = None

        def use():
            nonlocal session
            session = flask.session._get_current_object()
            session.accessed = False  # Flask 3.1.3 sets it for whoever gets hold of the session
            self.assertEqual(session.modified, False)
            self.assertEqual((session.new, dict(session), len(session)), (True, {}, 0))
            self.assertEqual((session.accessed, session.modified), (True, False))
            session.update({"a": 1}, b=2)
            self.assertEqual(session.setdefault("c", 3), 3)
            self.assertEqual(session.pop("b"), 2)
            self.assertEqual(session.pop("b", None), None)
            self.assertRaises(KeyError, session.pop, "b")
            self.assertRaises(KeyError, session.__getitem__, "b")
            self.assertRaises(KeyError, session.__delitem__, "b")
            self.assertEqual(sorted(session), ["a", "c"])
            self.assertEqual(sorted(session.items()), [("a", 1), ("c", 3)])
            self.assertEqual(sorted(session.values()), [1, 3])
            self.assertEqual({**session}, {"a": 1, "c": 3})
            self.assertEqual(flask.json.loads(flask.json.dumps(dict(session))), {"a": 1, "c": 3})
            self.assertTrue(session.modified)
            del session["c"]
            self.assertEqual(session.popitem(), ("a", 1))
            session[1] = {2: "two"}

        self.ask(use)
        self.assertEqual(self.data(), {"1": {"2": "two"}})
        self.ask(lambda: self.assertFalse(flask.session.new))

    def test_types(self):
        """What Flask keeps in its cookie is kept: tuples, bytes, dates, UUIDs, Markup, and their look-alikes"""
        now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
        values = {
            "t": (1, (2, b"\xff")),
            "b": b"\x00\xff",
            "m": Markup("<b>"),
            "u": uuid.uuid4(),
            "d": now,
            "like": {" t": "no tuple"},
            "like2": {" t__": 1},
            "like3": {" di": {" b": 1}},
            "deep": [{"x": (1,), "y": [uuid.UUID(int=1)]}],
            "spaces": {" a": 1, "b": ' "'},
            "n": [None, True, False, 0, 1.5, 2**80, "ä\u2028\U0001f600"],
        }
        self.ask(lambda: flask.session.update(values))
        self.assertEqual(self.data(), values)
        self.assertEqual(type(self.data()["m"]), Markup)

        def change():
            flask.session["t"] += (3,)
            flask.session["deep"][0]["x"] = (1, 2)

        self.ask(change)
        self.assertEqual(self.data()["t"], (1, (2, b"\xff"), 3))
        self.assertEqual(self.data()["deep"], [{"x": (1, 2), "y": [uuid.UUID(int=1)]}])

    def test_values_that_json_has_not(self):
        """A value that cannot be kept is told of by its key"""
        for kind, value in (
            (TypeError, {1, 2}),
            (TypeError, [object()]),
            (TypeError, ({"x": {1}},)),
            (TypeError, {(1, 2): 1}),
            (ValueError, float("nan")),
            (ValueError, {"deep": [float("inf")]}),
            (ValueError, (float("nan"),)),
        ):
            for first in ("", "a"):
                browser = self.app.test_client()
                run(self.app, lambda: first and flask.session.update({first: 1}), browser)
                with self.assertRaisesRegex(kind, "^Cannot save \"cart\" in the session: "):
                    run(self.app, lambda: flask.session.update(fine=1, cart=value), browser)
        self.ask(lambda: flask.session.update(a=1))

        def append():
            with self.assertRaisesRegex(TypeError, "^Cannot save \"cart\" in the session: "):
                flask.session.append("cart", {1})
            with self.assertRaisesRegex(ValueError, "^Cannot log in: .* half a surrogate pair$"):
                flask.session.login("a\ud800")

        self.ask(append)

    def test_one_key_like_a_tag(self):
        """A session whose one key looks like a tag of Flask's is kept, whatever its value is"""
        for key in (" m", " t", " d", " u", " di", " b", " x", " "):
            for value in ("x", 1, (1, 2), {" t": 5}):
                with self.subTest((key, value)):
                    self.browser = self.app.test_client()
                    self.ask(lambda: flask.session.update({key: value}))
                    self.assertEqual(self.data(), {key: value})
                    self.ask(lambda: flask.session.update(a=1))
                    self.ask(lambda: flask.session.pop("a"))
                    self.assertEqual(self.data(), {key: value})
                    self.ask(lambda: flask.session.login("ada"))
                    self.ask(lambda: flask.session.renew())
                    self.assertEqual(self.data(), {key: value})

    def test_like_a_tag_inside(self):
        """What Flask makes an object of may have one inside that looks like a tag"""
        @dataclasses.dataclass
        class Person:
            name: str
            prefs: dict

        likes = ({" t": 5}, {" u": "x"}, {" di": [{" b": 1}]})
        self.ask(lambda: flask.session.update(who=[Person("ada", like) for like in likes]))
        self.assertEqual(self.data(), {"who": [{"name": "ada", "prefs": like} for like in likes]})

    def test_like_a_tag_of_two_visits(self):
        """So may an object be that requests at once leave with one key, or begin with one"""
        for key in (" b", " t", " di", " x", "\\ t", "\\\\ b"):
            for kind in (dict, OrderedDict):
                with self.subTest((key, kind)):
                    self.browser = self.app.test_client()
                    prefs = kind({key: 1, "x": 1, "y": 1})
                    self.ask(lambda: flask.session.update(prefs=prefs, one=kind({key: 1}), l=[prefs]))

                    def take(name, then=lambda: None):
                        session = flask.session
                        del session["prefs"][name]
                        session["one"][name] = 1
                        session["l"][0][name] = 2
                        then()

                    self.ask(lambda: take("x", lambda: self.ask(lambda: take("y"))))
                    one = {key: 1, "x": 1, "y": 1}
                    self.assertEqual(self.data(), {"prefs": {key: 1}, "one": one, "l": [{key: 1, "x": 2, "y": 2}]})

    def test_tags_of_others(self):
        """What others write in the shape of a tag is that value, or what it is where it cannot be one"""
        others = {"b": {" b": 1}, "u": {" u": "x"}, "t": {" t": 1}, "di": [{" di": 1}, {" di": {}}], "x": {" x": [1]}}
        self.ask(lambda: flask.session.update(a=1, own=(1,)))
        self.ask(lambda: self.app.extensions["coatcheck"].session(id=flask.session.id).change(set={**others, "fine": {" t": [1, {"x": [2]}]}}))
        seen = {**others, "a": 1, "own": (1,), "fine": (1, {"x": [2]})}
        self.assertEqual(self.data(), seen)
        self.ask(lambda: flask.session["di"].append(1))
        seen["di"] = [*seen["di"], 1]
        self.assertEqual(self.data(), seen)

    def test_no_json(self):
        """What JSON has no value for is an error that names it, and nothing is saved"""
        self.ask(lambda: flask.session.update(a=1))
        for value in (float("nan"), float("inf"), [float("-inf")]):
            self.assertRaises(ValueError, self.ask, lambda: flask.session.update(a=2, x=value))
        self.assertRaises(TypeError, self.ask, lambda: flask.session.update(a=2, x=object()))
        self.assertEqual(self.data(), {"a": 1})

    def test_changed_again(self):
        """What is changed inside again after it was sent in the same request is sent again"""
        def page():
            items = flask.session["l"] = [1]
            flask.session.flush()
            items.append(2)
            flask.session.increment("n")
            items.append(3)
            flask.session.login("ada")
            items.append(4)
            flask.session.login("bob")
            flask.session["l"].append(5)

        self.ask(page)
        self.assertEqual(self.data(), {"l": [1, 2, 3, 4, 5], "n": 1})

    def test_changed_after_a_merge(self):
        """What others put into a list stays when it is sent twice"""
        token = token_of(self.ask(lambda: flask.session.update(l=[1, 2, 3])))
        client = coatcheck.Client()
        self.addCleanup(client.close)
        other = client.session(token)

        def page():
            items = flask.session["l"]
            other.append("l", 4)
            items.remove(2)
            flask.session.flush()
            other.append("l", 5)
            items.remove(3)
            flask.session.flush()
            items.append(6)

        self.ask(page)
        self.assertEqual(self.data(), {"l": [1, 4, 5, 6]})

    def test_login_after_the_end(self):
        """A log-in whose session has ended meanwhile takes nothing along but what is new"""
        token = token_of(self.ask(lambda: flask.session.update(secret="ada's", l=[1])))

        def page():
            flask.session["l"].append(2)
            flask.session["next"] = "/"
            self.end(token)
            flask.session.login("bob")

        self.ask(page)
        self.assertEqual(self.data(), {"next": "/"})

    def test_login_beside_a_login(self):
        """Of two log-ins at once with one cookie each takes along what its request has read"""
        token = token_of(self.ask(lambda: flask.session.update(cart=["tea"])))
        cookie = {"Cookie": f"sid={token}"}
        seen = {}

        def page():
            flask.session["cart"].append("jam")
            run(self.app, lambda: flask.session.login("ada"), headers=cookie)
            flask.session.login("ada")

        self.ask(page)
        self.ask(lambda: seen.update(flask.session, sub=flask.session.claims["sub"]))
        self.assertEqual(seen, {"cart": ["tea", "jam"], "sub": "ada"})

    def end(self, token):
        client = coatcheck.Client()
        client.session(token).end()
        client.close()

    def test_version_of_others(self):
        """After a change of its own, a page does not take a version for its own that others have a part in"""
        token = token_of(self.ask(lambda: flask.session.update(l=[1], m=[1], a=1)))
        client = coatcheck.Client()
        self.addCleanup(client.close)
        other = client.session(token)
        for act in (
            lambda: flask.session.flush(),
            lambda: flask.session.increment("n"),
            lambda: flask.session.pop_atomic("nothing") or flask.session.append("q", 1),
        ):
            def page():
                flask.session["a"] += 1
                other.append("l", 2)
                act()
                del flask.session["l"]

            self.ask(page)
            self.assertEqual(self.data()["l"], [2])
            self.ask(lambda: flask.session.update(l=[1]))

    def test_flash(self):
        """Messages are shown once"""
        self.ask(lambda: flask.flash("Saved", "info"))
        shown = []
        for _ in range(2):
            self.ask(lambda: shown.append(flask.get_flashed_messages(with_categories=True)))
        self.assertEqual(shown, [[("info", "Saved")], []])

    def test_transaction(self):
        """Flask's test client opens the session in a transaction"""
        with self.browser.session_transaction() as session:
            session["a"] = 1
        self.assertEqual(self.data(), {"a": 1})
        with self.browser.session_transaction() as session:
            self.assertEqual(session["a"], 1)

    # At once

    def test_at_once(self):
        """increment, append and pop_atomic act at once, before the page is done"""
        def act():
            session = flask.session
            self.assertEqual(session.increment("n"), 1)
            self.assertEqual(session.increment("n", 5), 6)
            session["n"] = 10
            self.assertEqual(session.increment("n", -1), 9)
            self.assertEqual(session.append("l", ("tea",)), [("tea",)])
            session["l"].append("jam")
            self.assertEqual(session.append("l", 3), [("tea",), "jam", 3])
            self.assertEqual(session.pop_atomic("l"), [("tea",), "jam", 3])
            self.assertEqual(session.pop_atomic("l", "none"), "none")
            self.assertEqual(dict(session), {"n": 9})

        self.ask(act)
        self.assertEqual(self.data(), {"n": 9})

    # Cookies

    def test_cookie(self):
        """The cookie is Coatcheck's own, and is set when it is new"""
        response = self.ask(lambda: flask.session.update(a=1))
        self.assertRegex(
            cookies_of(response)[0],
            r"^sid=[\w-]{21}\.[\w-]{43}; HttpOnly; Path=/; SameSite=Lax$",
        )
        self.assertEqual(cookies_of(self.ask(lambda: flask.session.update(a=2))), [])

    def test_https(self):
        """Over https it is Secure and has the strictest prefix; a plain one opens nothing there"""
        response = self.ask(lambda: flask.session.update(a=1), base_url="https://localhost")
        (cookie,) = cookies_of(response)
        self.assertRegex(cookie, r"^__Host-Http-sid=\S+; Secure; HttpOnly; Path=/; SameSite=Lax$")
        token = token_of(response)
        for name, seen in (("sid", "None"), ("__Host-Http-sid", "1")):
            response = run(
                self.app,
                lambda: str(flask.session.get("a")),
                headers={"Cookie": f"{name}={token}"},
                base_url="https://localhost",
            )
            self.assertEqual(response.text, seen)

    def test_settings(self):
        """Flask's own settings of the cookie hold"""
        app = create_app(
            SESSION_COOKIE_NAME="shop",
            SESSION_COOKIE_DOMAIN="example.com",
            SESSION_COOKIE_PATH="/a",
            SESSION_COOKIE_SECURE=True,
            SESSION_COOKIE_HTTPONLY=False,
            SESSION_COOKIE_SAMESITE="None",
        )
        (cookie,) = cookies_of(run(app, lambda: flask.session.update(a=1)))
        for part in ("__Secure-shop=", "; Domain=example.com", "; Path=/a", "; Secure", "; SameSite=None"):
            self.assertIn(part, cookie)
        self.assertNotIn("HttpOnly", cookie)
        app.extensions["coatcheck"].close()

    def test_permanent(self):
        """A permanent session has a cookie that lasts as long as it may live, and one no more is set anew"""
        def stay():
            flask.session["a"] = 1
            flask.session.permanent = True

        (cookie,) = cookies_of(self.ask(stay))
        self.assertRegex(cookie, r"; Expires=\w+, \d\d \w+ \d+ [\d:]+ GMT; Max-Age=267\d{4}; ")
        self.ask(lambda: self.assertTrue(flask.session.permanent))
        self.assertEqual(cookies_of(self.ask(lambda: setattr(flask.session, "permanent", True))), [])
        (cookie,) = cookies_of(self.ask(lambda: setattr(flask.session, "permanent", False)))
        self.assertNotIn("Max-Age", cookie)
        self.assertEqual(self.data(), {"a": 1})

    def test_lifetime(self):
        """PERMANENT_SESSION_LIFETIME is how long a permanent session may rest, and one longer, live"""
        for days, idle, life in ((1, 1, 31), (60, 60, 60)):
            app = create_app(PERMANENT_SESSION_LIFETIME=datetime.timedelta(days=days))
            browser = app.test_client()

            def stay():
                flask.session["a"] = 1
                flask.session.permanent = True

            run(app, stay, browser)
            ids = []
            run(app, lambda: ids.append(flask.session.id), browser)
            record = app.extensions["coatcheck"].session(id=ids[0]).read()
            begins, *ends = (
                coatcheck._time_of(record[name])
                for name in ("lastSeenAt", "expiresAt", "lifetimeEndsAt")
            )
            self.assertEqual([round((end - begins).total_seconds() / 86400) for end in ends], [idle, life])
            app.extensions["coatcheck"].close()

    def test_two_cookies(self):
        """Of two cookies with different values neither opens a session; of two alike, each"""
        token = token_of(self.ask(lambda: flask.session.update(a=1)))
        for cookie, seen in (
            (f"sid={token}; sid={'x' * 21}.{'y' * 43}", "None"),
            (f"other=1; sid={token};sid={token}", "1"),
            (f"xsid={token}", "None"),
        ):
            response = run(self.app, lambda: str(flask.session.get("a")), headers={"Cookie": cookie})
            self.assertEqual(response.text, seen, cookie)

    def test_one_cookie(self):
        """Two Set-Cookie of one name never leave the application"""
        def twice():
            response = flask.make_response("")
            response.set_cookie("sid", "planted")
            response.set_cookie("theme", "dark")
            flask.session.login("ada")
            flask.session.login("bob")
            return response

        self.ask(lambda: flask.session.update(a=1))
        cookies = cookies_of(self.ask(twice))
        self.assertEqual([cookie.partition("=")[0] for cookie in cookies], ["theme", "sid"])
        self.assertNotIn("planted", cookies[1])

    # Log-in and log-out

    def test_login(self):
        """A log-in renews: the data stay, the old cookie is dead, what is written afterwards goes along"""
        ada = f"ada {uuid.uuid4()}"
        old = token_of(self.ask(lambda: flask.session.update(cart=["tea"])))
        ids = []

        def log_in():
            flask.session["before"] = 1
            flask.session.login(ada, role="admin")
            flask.session["after"] = 1
            flask.session.increment("n")
            ids.append(flask.session.id)

        new = token_of(self.ask(log_in))
        self.assertNotEqual(new, old)
        self.assertTrue(new.startswith(ids[0] + "."))
        self.assertEqual(self.data(), {"cart": ["tea"], "before": 1, "after": 1, "n": 1})
        self.ask(lambda: self.assertEqual(flask.session.claims, {"sub": ada, "role": "admin"}))
        headers = {"Cookie": f"sid={old}"}
        self.assertEqual(run(self.app, lambda: dict(flask.session), headers=headers).json, {})

        again = token_of(self.ask(lambda: flask.session.login(ada)))
        self.assertNotEqual(again, new)
        sessions = list(self.app.extensions["coatcheck"].sessions(ada))
        self.assertEqual([one["id"] for one in sessions], [again.partition(".")[0]])

    def test_login_inherits_nothing(self):
        """Who logs in has nothing of who was logged in before, but for the data: no claims, no limits"""
        month = 30 * 86_400
        self.app.permanent_session_lifetime = datetime.timedelta(days=40)
        client = self.app.extensions["coatcheck"]

        def of_ada():
            flask.session.permanent = True
            flask.session["cart"] = ["tea"]
            flask.session.login("ada", role="admin")

        def again():
            flask.session.clear()
            flask.session["cart"] = ["tea"]
            flask.session.login("bob")

        for log_in in (lambda: flask.session.login("bob"), again):
            self.browser = self.app.test_client()
            of = client.session(token_of(self.ask(of_ada))).read()
            self.assertEqual((of["claims"]["role"], of["permanent"]), ("admin", True))
            response = self.ask(log_in)
            self.assertNotIn("Max-Age", cookies_of(response)[0])
            bob = client.session(token_of(response)).read()
            self.assertEqual(bob["claims"], {"sub": "bob"})
            self.assertEqual(bob["data"], {"cart": ["tea"]})
            self.assertIs(bob["permanent"], False)
            self.assertLess(left_of(bob, "expiresAt"), month)
            self.assertLess(left_of(bob, "lifetimeEndsAt"), month)

    def test_login_has_what_is_said_of_it(self):
        """A log-in is permanent where its own request says so, before it or after it"""
        def before(name):
            flask.session.permanent = True
            flask.session.setdefault("n", 1)
            flask.session.increment("n")
            flask.session.login(name)

        def after(name):
            flask.session.login(name)
            flask.session.permanent = True

        for log_in in (before, after):
            for first in (lambda: "", lambda: flask.session.update(a=1)):
                self.browser = self.app.test_client()
                self.ask(first)
                for name in ("ada", "bob", "bob"):
                    response = self.ask(lambda: log_in(name))
                    self.assertIn("Max-Age", cookies_of(response)[0])
                    self.ask(lambda: self.assertTrue(flask.session.permanent))

    def test_login_after_the_end_is_of_its_own_kind(self):
        """A log-in whose session has ended meanwhile is not permanent because that one was"""
        def of_ada():
            flask.session.permanent = True
            flask.session.login("ada", role="admin")

        token = token_of(self.ask(of_ada))

        def page():
            flask.session.get("a")
            self.end(token)
            flask.session.login("bob")

        self.ask(page)
        self.ask(lambda: self.assertFalse(flask.session.permanent))
        self.ask(lambda: self.assertEqual(flask.session.claims, {"sub": "bob"}))

    def test_login_of_nobody(self):
        """A log-in of nobody is refused before anything is sent, and changes nothing"""
        def page():
            for nobody in (None, "", 0, 7, b"ada", ["ada"]):
                with self.assertRaisesRegex(ValueError, "^Cannot log in: the user must be a string that is not empty$"):
                    flask.session.login(nobody)

        self.ask(page)
        self.assertEqual(self.app.asked, {})
        self.ask(lambda: flask.session.login("ada", role="admin"))
        self.app.asked.clear()
        self.assertEqual(cookies_of(self.ask(page)), [])
        self.assertEqual(self.app.asked, {})
        self.ask(lambda: self.assertEqual(flask.session.claims, {"sub": "ada", "role": "admin"}))

    def test_login_costs_one_request(self):
        """A log-in of the same user again renews, in the one request that it is"""
        old = token_of(self.ask(lambda: flask.session.login("ada")))
        self.app.asked.clear()
        self.assertNotEqual(token_of(self.ask(lambda: flask.session.login("ada"))), old)
        self.assertEqual(self.app.asked, {"GET": 1, "PATCH": 1})

    def test_login_first(self):
        """A log-in without a session begins one, with what the browser is"""
        agent = {"User-Agent": "Tests/1.0"}
        zoe = f"zoe {uuid.uuid4()}"
        self.ask(lambda: flask.session.login(zoe), headers=agent)
        (session,) = self.app.extensions["coatcheck"].sessions(zoe)
        self.assertEqual(session["device"], {"address": "127.0.0.1", "userAgent": "Tests/1.0"})

    def test_late_request_of_before_the_login(self):
        """A request with the cookie of before the log-in begins no session, so the browser's stays"""
        old = token_of(self.ask(lambda: flask.session.update(a=1)))
        self.ask(lambda: flask.session.login("ada"))
        response = run(self.app, lambda: flask.session.update(b=2), headers={"Cookie": f"sid={old}"})
        self.assertEqual((response.status_code, cookies_of(response)), (200, []))
        self.assertEqual(self.data(), {"a": 1})

    def test_logout(self):
        """A log-out ends the session for good and removes the cookie as it was set"""
        old = token_of(self.ask(lambda: flask.session.update(a=1)))
        (cookie,) = cookies_of(self.ask(lambda: flask.session.logout()))
        self.assertRegex(cookie, r"^sid=; Expires=Thu, 01 Jan 1970 .*; Max-Age=0; HttpOnly; Path=/; SameSite=Lax$")
        with self.assertRaises(coatcheck.SessionGone) as raised:
            coatcheck.Client().session(old).read()
        self.assertEqual((raised.exception.status, raised.exception.reason), (410, "logout"))
        self.assertEqual(self.data(), {})

    def test_logout_then_write(self):
        """What is written after a log-out begins another session"""
        old = token_of(self.ask(lambda: flask.session.login("ada")))

        def leave():
            flask.session["secret"] = 1
            flask.session.permanent = True
            flask.session.logout()
            flask.session["bye"] = True

        new = token_of(self.ask(leave))
        self.assertNotEqual(new, old)
        self.assertEqual(self.data(), {"bye": True})
        self.ask(lambda: self.assertFalse(flask.session.permanent))
        self.ask(lambda: self.assertEqual(flask.session.claims, {}))

    def test_slow_request(self):
        """A slow request does not revive a log-out, by nothing that it does, and sets no cookie"""
        def slow(do):
            def page():
                flask.session.get("a")
                with self.app.test_request_context():
                    coatcheck.Client().session(self.token).end()
                do(flask.session)

            return page

        for do in (
            lambda session: session.update(a=2),
            lambda session: session.increment("n"),
            lambda session: session.append("l", 1),
            lambda session: session.pop_atomic("a"),
            lambda session: session.clear(),
            lambda session: session.renew(),
            lambda session: session.flush(),
            lambda session: (session.increment("n"), session.update(b=1), session.append("l", 2)),
        ):
            self.browser = self.app.test_client()
            self.token = token_of(self.ask(lambda: flask.session.update(a=1)))
            response = self.ask(slow(do))
            self.assertEqual(response.status_code, 200)
            self.assertEqual([c for c in cookies_of(response) if "Max-Age=0" not in c], [])
            with self.assertRaises(coatcheck.SessionGone) as raised:
                coatcheck.Client().session(self.token).read()
            self.assertEqual(raised.exception.reason, "logout")

    def test_clear(self):
        """A session that is cleared ends; a session that is cleared and filled has another token and nothing old"""
        old = token_of(self.ask(lambda: flask.session.login("ada")))
        (cookie,) = cookies_of(self.ask(lambda: flask.session.clear()))
        self.assertIn("Max-Age=0", cookie)
        self.assertRaises(coatcheck.SessionGone, coatcheck.Client().session(old).read)

        for log_in in (lambda: flask.session.update(a=1), lambda: flask.session.login("ada")):
            self.browser = self.app.test_client()
            self.ask(lambda: flask.session.update(old=1))
            old = token_of(self.ask(lambda: flask.session.login("ada")))

            def start_again():
                flask.session.clear()
                flask.session["user"] = "bob"
                if log_in is not None:
                    log_in()

            new = token_of(self.ask(start_again))
            self.assertNotEqual(new, old)
            with self.assertRaises(coatcheck.SessionGone) as raised:
                coatcheck.Client().session(old).read()
            self.assertEqual(raised.exception.reason, "renewed")
            self.assertNotIn("old", self.data())
            self.assertEqual(self.data()["user"], "bob")

    def test_emptied(self):
        """A session that becomes empty is over, as Flask's; unless somebody is logged in, or has put something in"""
        self.ask(lambda: flask.session.update(user="ada"))
        (cookie,) = cookies_of(self.ask(lambda: flask.session.pop("user")))
        self.assertIn("Max-Age=0", cookie)

        token = token_of(self.ask(lambda: flask.session.update(user="ada")))

        def empty_while_another_writes():
            flask.session.pop("user")
            coatcheck.Client().session(token).set("other", 1)

        self.assertEqual(cookies_of(self.ask(empty_while_another_writes)), [])
        self.assertEqual(self.data(), {"other": 1})
        self.ask(lambda: flask.session.login("ada"))
        self.assertEqual(cookies_of(self.ask(lambda: flask.session.pop("other"))), [])
        self.ask(lambda: self.assertEqual(flask.session.claims, {"sub": "ada"}))

    def test_stale_cookie(self):
        """A visitor whose session has ended gets another one with the first write"""
        token = token_of(self.ask(lambda: flask.session.update(a=1)))
        coatcheck.Client().session(token).end()
        self.assertEqual(cookies_of(self.ask(lambda: flask.session.get("a"))), [])
        self.assertNotEqual(token_of(self.ask(lambda: flask.session.update(b=1))), token)
        self.assertEqual(self.data(), {"b": 1})

    # Set up, and when the server is away

    def test_set_up(self):
        """init_app serves many applications, each with its settings; without a key it says what is missing"""
        extension = Coatcheck()
        for port in (1, 2):
            app = flask.Flask("another")
            app.config.update(COATCHECK_URL=f"http://127.0.0.1:{port}", COATCHECK_API_KEY="ck_x")
            extension.init_app(app)
            with app.app_context():
                self.assertEqual(extension.client.url, f"http://127.0.0.1:{port}")
        app.config.update(COATCHECK_API_KEY=None)
        from unittest.mock import patch

        with patch.dict(os.environ, {"COATCHECK_API_KEY": ""}):
            self.assertRaisesRegex(ValueError, "COATCHECK_API_KEY", Coatcheck, app)

    def test_away(self):
        """A page that needs its session fails while the server is away, as the application says; others do not"""
        app = create_app(COATCHECK_URL="http://127.0.0.1:1", COATCHECK_TIMEOUT=1)
        app.register_error_handler(coatcheck.Unavailable, lambda error: ("later", 503))
        cookie = {"Cookie": "sid=" + "a" * 21 + "." + "b" * 43}
        self.assertEqual(run(app, lambda: "page", headers=cookie).status_code, 200)
        response = run(app, lambda: str(flask.session.get("a")), headers=cookie)
        self.assertEqual((response.status_code, response.text), (503, "later"))

    def test_frames_tell_no_secret(self):
        """What reports an error with the locals of its frames finds neither API key nor token in them"""
        key = os.environ["COATCHECK_API_KEY"]
        token = token_of(self.ask(lambda: flask.session.update(a=1, l=[])))
        client = self.app.extensions["coatcheck"]
        opens = client._open

        def away():
            raise ConnectionRefusedError("refused")

        def take_away():
            client.close()
            client._open = away

        self.addCleanup(setattr, client, "_open", opens)
        for does in (
            lambda: flask.session.update(a=2),
            lambda: flask.session.login("ada"),
            lambda: flask.session.logout(),
            lambda: flask.session.renew(),
            lambda: flask.session.increment("a"),
            lambda: flask.session.pop_atomic("a"),
            lambda: (flask.session.clear(), flask.session.update(b=1)),
            lambda: flask.session.clear(),
        ):
            for first in (lambda: None, lambda: flask.session.get("a")):
                def page():
                    first()
                    take_away()
                    does()

                client._open = opens
                headers = {"Cookie": f"sid={token}"}
                ask = lambda: run(self.app, page, headers=headers)  # noqa: E731
                assert_no_secret(self, coatcheck.Unavailable, ask, key, token.partition(".")[2])
        wrong = {"COATCHECK_API_KEY": key, "COATCHECK_TIMEOUT": -1}
        assert_no_secret(self, ValueError, lambda: create_app(**wrong), key)

    def test_refused_save(self):
        """A session that the server refuses to save is an error, and is sent once"""
        self.app.config.update(TESTING=False, PROPAGATE_EXCEPTIONS=False)
        self.app.logger.disabled = True
        self.ask(lambda: flask.session.update(a=1))
        self.app.asked.clear()
        response = self.ask(lambda: flask.session.update(a="x" * 100_000))
        self.assertEqual((response.status_code, self.app.asked), (500, {"GET": 1, "PATCH": 1}))
        self.assertEqual(self.data(), {"a": 1})


if __name__ == "__main__":
    unittest.main()
