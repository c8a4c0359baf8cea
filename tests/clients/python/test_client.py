"""`coatcheck.Client` against a real Coatcheck, whose address and key are in the environment."""

import os
import threading
import unittest

import coatcheck


class ClientTest(unittest.TestCase):
    def setUp(self):
        self.client = coatcheck.Client()

    def tearDown(self):
        self.client.close()

    def test_wrong_key(self):
        """A wrong API key is a refusal with its code"""
        client = coatcheck.Client(api_key="ck_wrong_0123456789abcdefghij")
        with self.assertRaises(coatcheck.Refused) as raised:
            client.create()
        self.assertEqual((raised.exception.status, raised.exception.code), (401, "api_key_required"))
        client.close()

    def test_unknown(self):
        """A session that there is not, or no more, is SessionGone, and to end it again is no error"""
        handle = self.client.session(self.client.create()["token"])
        handle.end()
        handle.end()
        with self.assertRaises(coatcheck.SessionGone) as raised:
            handle.read()
        self.assertEqual((raised.exception.status, raised.exception.reason), (410, "logout"))
        with self.assertRaises(coatcheck.SessionGone) as raised:
            self.client.session("a" * 21 + "." + "b" * 43).get("x")
        self.assertEqual(raised.exception.status, 404)

    def test_operations(self):
        """A session is read and changed by token and by id, each change in one step"""
        made = self.client.create({"user": "ada"}, claims={"sub": "ada"})
        for handle in (self.client.session(made["token"]), self.client.session(id=made["id"])):
            handle.set("a/b ü", {"x": None})
            self.assertEqual(handle.get("a/b ü"), {"x": None})
            self.assertEqual(handle.get("nothing", 5), 5)
            self.assertEqual(handle.increment("hits"), 1)
            self.assertEqual(handle.increment("hits", -2), -1)
            self.assertEqual(handle.append("list", "tea"), ["tea"])
            self.assertEqual(handle.merge("o", {"a": 1, "b": None}), {"a": 1})
            self.assertEqual((handle.pop("hits"), handle.pop("hits", "none")), (-1, "none"))
            changed = handle.change(set={"n": None}, remove=["o", "list"])
            self.assertEqual(changed["data"], {"user": "ada", "a/b ü": {"x": None}, "n": None})
            self.assertEqual(handle.read()["claims"], {"sub": "ada"})
            handle.change(remove=["n", "a/b ü"])
        handle.clear()
        self.assertEqual(handle.read()["data"], {})
        with self.assertRaises(TypeError):
            handle.get("")
        self.assertNotIn(made["token"], repr(self.client.session(made["token"])))

    def test_renew(self):
        """A session that is renewed goes on under the new token, and the old one is dead"""
        made = self.client.create({"n": 1})
        handle = self.client.session(made["token"])
        cookie = handle.renew()
        self.assertRegex(cookie, r"^sid=[^;]+; Path=/; HttpOnly; SameSite=Lax$")
        self.assertEqual(handle.get("n"), 1)
        with self.assertRaises(coatcheck.SessionGone) as raised:
            self.client.session(made["token"]).read()
        self.assertEqual(raised.exception.reason, "renewed")
        by_id = self.client.session(id=handle.read()["id"])
        self.assertRegex(by_id.renew(), r"^sid=[^;]+; Path=/")

    def test_login(self):
        """A log-in inherits nothing but the data; a handle by token goes on with the new one, which it returns"""
        client = coatcheck.Client()
        self.addCleanup(client.close)
        of_ada = {"claims": {"sub": "ada", "role": "admin"}, "permanent": True, "idleTimeout": 5_000_000}
        for by_id in (False, True):
            ada = client.create({"cart": ["tea"]}, lifetime=6_000_000, **of_ada)
            session = client.session(id=ada["id"]) if by_id else client.session(ada["token"])
            bob = session.change(login={"sub": "bob"})
            self.assertEqual((bob["claims"], bob["data"]), ({"sub": "bob"}, {"cart": ["tea"]}))
            self.assertIs(bob["permanent"], False)
            self.assertTrue(bob["token"].startswith(bob["id"] + "."))
            self.assertIn(bob["token"], bob["setCookie"])
            self.assertEqual(client.session(bob["token"]).get("cart"), ["tea"])
            self.assertRaises(coatcheck.SessionGone, client.session(ada["token"]).read)
            if not by_id:
                self.assertEqual(session.append("cart", "jam"), ["tea", "jam"])
            self.assertNotIn("token", client.session(bob["token"]).change(set={"a": 1}))

    def test_users(self):
        """A user's sessions are listed page by page, counted, and ended everywhere or everywhere else"""
        made = [self.client.create(claims={"sub": "eve"})["id"] for _ in range(5)]
        self.assertEqual([one["id"] for one in self.client.sessions("eve", page_size=2)], made)
        self.assertEqual(self.client.count("eve"), 5)
        self.assertGreaterEqual(self.client.count(), 5)
        self.assertEqual(self.client.end_all("eve", except_id=made[3]), 4)
        self.assertEqual([one["id"] for one in self.client.sessions("eve")], [made[3]])
        self.assertEqual(self.client.end_all("eve"), 1)

    def test_counter(self):
        """25 threads that count at once count each time"""
        handle = self.client.session(self.client.create()["token"])
        counted = []
        work = lambda: counted.append(handle.increment("n"))  # noqa: E731
        threads = [threading.Thread(target=work) for _ in range(25)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(counted), list(range(1, 26)))

    def test_nobody(self):
        """Nobody is no user: what is asked of a user without a name is refused before anything is sent"""
        client = coatcheck.Client("http://127.0.0.1:1")
        ends = [lambda sub: client.end_all(sub), lambda sub: client.end_all("ada", except_id=sub or "")]
        of_all = [client.count, lambda sub: list(client.sessions(sub))]
        begins = [
            lambda sub: client.create(claims={"sub": sub}),
            lambda sub: client.session("a.b").change(login={"sub": sub}),
        ]
        by_id = [lambda id: client.session(id=id or ""), lambda token: client.session(token or "")]
        for ask in ends + of_all + begins + by_id:
            # None is everybody where sessions are listed.
            for nobody in ["", 0, 7, b"ada", ["ada"], *([] if ask in of_all else [None])]:
                with self.subTest((ask, nobody)):
                    with self.assertRaisesRegex(ValueError, "^Cannot .* must be a string that is not empty$"):
                        ask(nobody)

    def test_key_file(self):
        """The API key may come from a file, with its line break or not, and from a list as the server takes it"""
        import tempfile
        from unittest.mock import patch

        key = os.environ["COATCHECK_API_KEY"]
        with tempfile.NamedTemporaryFile("w") as file:
            file.write(key + "\n")
            file.flush()
            for changes in (
                {"COATCHECK_API_KEY": "", "COATCHECK_API_KEY_FILE": file.name},
                {"COATCHECK_API_KEY": f"{key}, ck_another_0123456789abcdefghij"},
            ):
                with patch.dict(os.environ, changes):
                    client = coatcheck.Client()
                    self.assertEqual(client.create({"n": 1})["data"], {"n": 1})
                    client.close()
        client = coatcheck.Client(api_key=f" {key}\n")
        self.assertEqual(client.create({"n": 1})["data"], {"n": 1})
        client.close()


if __name__ == "__main__":
    unittest.main()
