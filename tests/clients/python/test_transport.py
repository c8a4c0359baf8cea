"""The transport of `coatcheck.py`, against servers that do what servers may do and what they should not."""

import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import unittest.mock

import coatcheck
from frames import assert_no_secret
from hostile_server import HostileServer, answer, serve

KEY = "ck_secret_of_the_tests_0123456789"
TOKEN = "Vp2hC4bkFbnVFY7Yz4A1v.Qm7rWc1secretsecretsecretsecretsecretsecretse"


def client_of(server, **options):
    return coatcheck.Client(getattr(server, "url", server), KEY, **{"timeout": 2.0, **options})


class TransportTest(unittest.TestCase):
    # Misuse, and servers that misbehave

    def test_no_server(self):
        """A server that is not there is Unavailable, and nothing is unknown"""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            client = client_of("http://127.0.0.1:%d" % free.getsockname()[1], connect_timeout=0.5)
            tries = []
            connect = client._open
            client._open = lambda: tries.append(1) or connect()
            # One waits for it to come back, in vain, and then nobody waits any more.
            for method, is_expected in (("GET", lambda count: count > 1), ("PUT", lambda count: count == 1)):
                tries.clear()
                with self.assertRaises(coatcheck.Unavailable) as raised:
                    client.request(method, "/session", {})
                self.assertFalse(raised.exception.outcome_unknown)
                self.assertTrue(is_expected(len(tries)), (method, tries))

    def test_late_server(self):
        """A server that is away while it restarts is waited for, and each request is done once"""
        folder = tempfile.mkdtemp()
        path = os.path.join(folder, "late.sock")
        client = client_of(f"unix:{path}", connect_timeout=20.0)
        got = []
        asks = [
            threading.Thread(target=lambda path=path: got.append(client.request("PUT", path, {})))
            for path in ("/1", "/2", "/3")
        ]
        try:
            for ask in asks:
                ask.start()
            while client._away_since is None:
                time.sleep(0.01)
            with HostileServer(serve, family=socket.AF_UNIX, address=path) as server:
                for ask in asks:
                    ask.join()
                self.assertEqual(sorted(got), ["/1", "/2", "/3"])
                self.assertEqual(len(server.requests), 3)
            self.assertIsNone(client._away_since)
        finally:
            client.close()
            shutil.rmtree(folder)

    def test_options_are_checked(self):
        """A URL, a key or a time-out that cannot be right is refused when the client is made"""
        odd = ("http://h/a b", "http://h/a\r\nX: y", "http://b\xfccher.example", "http://h:x", "http://h:99999")
        misses = ("127.0.0.1:7377", "ftp://h", "http://", "http://h/?q=1", "http://h/#f", "unix:", b"http://h")
        for url in (*odd, *misses, "http://me:pw@h"):
            with self.assertRaisesRegex(ValueError, "^Cannot use the URL: ") as raised:
                coatcheck.Client(url, KEY)
            self.assertNotIn("pw", str(raised.exception))
        for options in ({"api_key": "ck_\r\nX: y"}, {"timeout": 0}, {"timeout": float("inf")}, {"connect_timeout": -1}):
            with self.assertRaises(ValueError):
                coatcheck.Client("http://h", **{"api_key": KEY, **options})
        without = {name: value for name, value in os.environ.items() if "COATCHECK" not in name}
        with unittest.mock.patch.dict(os.environ, without, clear=True):
            with self.assertRaisesRegex(ValueError, "COATCHECK_API_KEY_FILE"):
                coatcheck.Client("http://h")

    def test_no_tls(self):
        """Where an https URL meets a server without TLS the error says so"""
        with HostileServer(lambda wire: wire.answer(status="400 Bad Request")) as server:
            client = client_of(server.url.replace("http:", "https:"))
            with self.assertRaisesRegex(coatcheck.Unavailable, "it speaks no TLS there; is it http:// and not https"):
                client.request("GET", "/x")

    def test_token_is_no_header(self):
        """A token, a path or a header that would split the request is not sent"""
        with HostileServer(serve) as server:
            client = client_of(server)
            for token in ("a\r\nX: y", "a b", "", "ä.b", "a.b\n"):
                with self.assertRaises(ValueError):
                    client.request("GET", "/session", token=token)
            for path in ("", "session", "/a b", "/a\r\nX: y", "/ä", "/a HTTP/1.1\r\n\r\nGET /b"):
                with self.assertRaises(ValueError):
                    client.request("GET", path)
            with self.assertRaises(ValueError):
                client.request("GET", "/a", headers=[("If-Match", '"1"\r\nX: y')])
            self.assertEqual(server.requests, [])

    def test_half_an_answer(self):
        """A read whose answer is cut off is sent once more; a write is not, and its outcome is unknown"""
        cuts = [answer(b'"whole"')[:length] for length in (0, 5, 12, 30, 40, 44)]
        for cut in cuts:
            def half(wire, cut=cut):
                wire.read()
                wire.write(cut)

            with HostileServer(half, serve) as server:
                self.assertEqual(client_of(server).request("GET", "/x"), "/x")
                self.assertEqual(len(server.requests), 2)
            with HostileServer(half, serve) as server:
                with self.assertRaises(coatcheck.OutcomeUnknown) as raised:
                    client_of(server).request("PUT", "/x", 1)
                self.assertTrue(raised.exception.outcome_unknown)
                self.assertEqual(len(server.requests), 1)

    def test_reset(self):
        """A reset is as a cut: a read is sent once more, and no more often"""
        def reset(wire):
            wire.read()
            wire.reset()

        with HostileServer(reset, serve) as server:
            self.assertEqual(client_of(server).request("GET", "/x"), "/x")
        with HostileServer(reset) as server:
            with self.assertRaises(coatcheck.Unavailable):
                client_of(server).request("GET", "/x")
            self.assertEqual(len(server.requests), 2)
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            with HostileServer(reset, serve) as server:
                with self.assertRaises(coatcheck.OutcomeUnknown):
                    client_of(server).request(method, "/x")
                self.assertEqual(len(server.requests), 1)

    def test_silence(self):
        """A server that does not answer is given up in time, and a read is not sent to it again"""
        def silent(wire):
            wire.read()
            wire.hold()

        with HostileServer(silent) as server:
            client = client_of(server, timeout=0.3)
            for method, error in (("GET", coatcheck.Unavailable), ("PUT", coatcheck.OutcomeUnknown)):
                began = time.monotonic()
                with self.assertRaises(error) as raised:
                    client.request(method, "/x")
                self.assertLess(time.monotonic() - began, 1.5)
                self.assertIn("no answer in time", str(raised.exception))
            self.assertEqual(len(server.requests), 2)

    def test_drip(self):
        """An answer that comes drop by drop for longer than the time-out is given up"""
        def drip(wire):
            wire.read()
            wire.write_slowly(answer(b'"x"' * 1000), 0.02)

        with HostileServer(drip) as server:
            began = time.monotonic()
            with self.assertRaises(coatcheck.Unavailable):
                client_of(server, timeout=0.4).request("GET", "/x")
            self.assertLess(time.monotonic() - began, 1.5)

    def test_no_http(self):
        """What is no HTTP, or not to be believed, is an error and no answer"""
        for data in (
            b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabXX0\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000,
        ):
            def part(wire, data=data):
                wire.read()
                wire.write(data)
                wire.hold()

            with HostileServer(part) as server, self.subTest(data[:40]):
                with self.assertRaises(coatcheck.OutcomeUnknown):
                    client_of(server, timeout=0.5).request("PUT", "/x")

    def test_more_than_an_answer(self):
        """Bytes behind an answer are never taken for the next one"""
        def more(wire):
            wire.read()
            wire.write(answer(b'"right"') + answer(b'"planted"'))
            wire.hold()

        with HostileServer(more, serve) as server:
            client = client_of(server)
            self.assertEqual(client.request("GET", "/1"), "right")
            self.assertEqual(client.request("GET", "/2"), "/2")

    def test_answer_that_nobody_asked_for(self):
        """An answer that comes after the answer, soon or late, is not the next visitor's"""
        for pause in (0.0, 0.01, 0.2):
            for method in ("GET", "HEAD", "PUT"):
                for then in ("GET", "PUT"):
                    sent = threading.Event()

                    def twice(wire, pause=pause, method=method, sent=sent):
                        wire.read()
                        wire.answer(b"" if method == "HEAD" else b'"of visitor 1"')
                        time.sleep(pause)
                        wire.answer(b'"of visitor 1, again"')
                        sent.set()
                        wire.hold()

                    with HostileServer(twice, serve) as server, self.subTest((pause, method, then)):
                        client = client_of(server)
                        client.send(method, "/1")
                        sent.wait()
                        self.assertEqual(client.request(then, "/2"), "/2")
                        self.assertEqual([at for at, _ in server.requests], [0, 1])

    def test_timed_out_at_rest(self):
        """A 408 on a connection that rests is no answer to the next request"""
        for method in ("GET", "PUT"):
            answered, sent = threading.Event(), threading.Event()

            def tired(wire, answered=answered, sent=sent):
                wire.read()
                wire.answer()
                answered.wait()
                wire.answer(status="408 Request Timeout", headers="Connection: close\r\n")
                sent.set()

            with HostileServer(tired, serve) as server:
                client = client_of(server)
                client.request("GET", "/1")
                answered.set()
                sent.wait()
                self.assertEqual(client.request(method, "/2"), "/2")

    def test_timed_out_meanwhile(self):
        """A 408 that closes a kept connection says that the request was not done: it is sent once more"""
        def tired(wire, headers="Connection: close\r\n", answers=1):
            for _ in range(answers):
                wire.read()
                wire.answer()
            wire.read()
            wire.answer(b"<h1>Timeout</h1>", "408 Request Timeout", headers)

        for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
            with HostileServer(tired, serve) as server:
                client = client_of(server)
                client.request("GET", "/1")
                self.assertEqual(client.request(method, "/2"), "/2")
                self.assertEqual([at for at, _ in server.requests], [0, 0, 1])
        # It is an error where it does not close, and where no time was up for a rest: on a new connection.
        without = [lambda wire: tired(wire, headers=""), serve], [0, 0]
        new = [lambda wire: tired(wire, answers=0), serve], [0]
        again = [tired, lambda wire: tired(wire, answers=0), serve], [0, 0, 1]
        for parts, asked in (without, new, again):
            with HostileServer(*parts) as server:
                client = client_of(server)
                with self.assertRaises(coatcheck.Refused) as raised:
                    for path in ("/1", "/2"):
                        client.request("PUT", path)
                self.assertEqual((raised.exception.status, raised.exception.outcome_unknown), (408, False))
                self.assertEqual([at for at, _ in server.requests], asked)

    def test_timed_out_then_broken(self):
        """Where sending it once more breaks, the outcome of a write is unknown as ever"""
        def tired(wire):
            wire.read()
            wire.answer()
            wire.read()
            wire.answer(status="408 Request Timeout", headers="Connection: close\r\n")

        def reset(wire):
            wire.read()
            wire.reset()

        for method, error in (("GET", coatcheck.Unavailable), ("PUT", coatcheck.OutcomeUnknown)):
            with HostileServer(tired, reset) as server:
                client = client_of(server)
                client.request("GET", "/1")
                self.assertRaises(error, client.request, method, "/2")

    def test_late_answer(self):
        """The late answer to a request that was given up is nobody's"""
        def late(wire):
            wire.read()
            time.sleep(0.4)
            wire.answer(b'"late"')
            serve(wire)

        with HostileServer(late, serve) as server:
            client = client_of(server, timeout=0.2)
            with self.assertRaises(coatcheck.Unavailable):
                client.request("GET", "/1")
            time.sleep(0.4)
            self.assertEqual(client.request("GET", "/2"), "/2")

    def test_interrupted(self):
        """A request that a signal's exception breaks off leaves no answer for the next one"""
        class Stop(Exception):
            pass

        def stop(*_):
            raise Stop

        def slow(wire):
            wire.read()
            time.sleep(0.3)
            wire.answer(b'"first"')
            serve(wire)

        before = signal.signal(signal.SIGALRM, stop)
        try:
            with HostileServer(slow, serve) as server:
                client = client_of(server)
                signal.setitimer(signal.ITIMER_REAL, 0.1)
                with self.assertRaises(Stop):
                    client.request("GET", "/1")
                time.sleep(0.3)
                self.assertEqual(client.request("GET", "/2"), "/2")
        finally:
            signal.signal(signal.SIGALRM, before)

    def test_proxy_error(self):
        """A gateway's 502 after a write leaves the outcome unknown; after a read it does not"""
        def gateway(wire):
            while True:
                wire.read()
                wire.answer(b"<h1>Bad Gateway</h1>", "502 Bad Gateway")

        with HostileServer(gateway) as server:
            client = client_of(server)
            for method, unknown in (("GET", False), ("PATCH", True)):
                with self.assertRaises(coatcheck.CoatcheckError) as raised:
                    client.request(method, "/x")
                self.assertEqual(raised.exception.status, 502)
                self.assertIs(raised.exception.outcome_unknown, unknown)

    def test_no_key_file(self):
        """A file with the API key that cannot be read is named, and what names it"""
        with tempfile.TemporaryDirectory() as folder:
            odd = os.path.join(folder, "odd")
            with open(odd, "wb") as file:
                file.write(b"ck_\xff\n")
            for path, why in (
                (os.path.join(folder, "missing"), "No such file or directory"),
                (folder, "Is a directory"),
                (odd, "it is not ASCII"),
            ):
                names = {"COATCHECK_API_KEY": "", "COATCHECK_API_KEY_FILE": path}
                with unittest.mock.patch.dict(os.environ, names):
                    with self.assertRaises(ValueError) as raised:
                        coatcheck.Client("http://127.0.0.1:1")
                expected = f"Cannot read the API key from {path!r} (COATCHECK_API_KEY_FILE): {why}"
                self.assertEqual(str(raised.exception), expected)

    def test_another_server(self):
        """A server that is no Coatcheck is told of as such, with its address, whatever it answers"""
        def answer_with(body, status):
            def part(wire):
                while wire.read():
                    wire.answer(body, status)

            return part

        for body, status in (
            (b"<h1>Not Found</h1>", "404 Not Found"),
            (b'{"error":"x"}', "404 Not Found"),
            (b"", "301 Moved Permanently"),
            (b"<h1>Welcome</h1>", "200 OK"),
            (b"\xff", "200 OK"),
        ):
            with HostileServer(answer_with(body, status)) as server:
                client = client_of(server)
                for ask in (client.count, lambda: client.request("DELETE", "/x")):
                    with self.assertRaises(coatcheck.Refused) as raised:
                        ask()
                    code = status[:3]
                    expected = (
                        rf"^(GET /sessions|DELETE /x): {code}, and the answer is not one of Coatcheck's; "
                        rf"is there a Coatcheck at {client.url}\?$"
                    )
                    self.assertRegex(str(raised.exception), expected)
                    self.assertEqual((raised.exception.status, raised.exception.code), (int(code), None))

    def test_what_cannot_be_sent(self):
        """A method that is none, and a text that is no Unicode, are refused before anything is sent"""
        client = coatcheck.Client("http://127.0.0.1:1", KEY)
        for method in ("GET /x HTTP/1.1\r\nX: y\r\n\r\nGET", "GET\r\n", "get", "G T", "", None, b"GET"):
            with self.assertRaisesRegex(ValueError, "^Cannot send the method: it must be capital letters, as in GET$"):
                client.request(method, "/session")
        half = "a\ud800"
        for ask in (
            lambda: client.session(id=half),
            lambda: client.session(half),
            lambda: client.end_all(half),
            lambda: client.count(half),
            lambda: client.create(claims={"sub": half}),
            lambda: client.session("a.b").get(half),
            lambda: client.session("a.b").set(half, 1),
        ):
            with self.assertRaisesRegex(ValueError, r"^Cannot .* must be Unicode, it has half a surrogate pair$") as raised:
                ask()
            self.assertIs(type(raised.exception), ValueError)

    def test_errors_tell_no_secret(self):
        """An error has status, code, title, detail and reason, and neither token nor API key"""
        problem = (
            b'{"type":"urn:coatcheck:session_ended","title":"Session ended","status":410,'
            b'"code":"session_ended","detail":"It has ended","reason":"logout"}'
        )

        def refuse(wire):
            wire.read()
            wire.answer(problem, "410 Gone")
            wire.read()
            wire.reset()

        with HostileServer(refuse) as server:
            client = client_of(server)
            with self.assertRaises(coatcheck.SessionGone) as raised:
                client.session(TOKEN).get("user")
            gone = raised.exception
            told = (gone.status, gone.code, gone.title, gone.detail, gone.reason)
            self.assertEqual(
                told, (410, "session_ended", "Session ended", "It has ended", "logout")
            )
            with self.assertRaises(coatcheck.OutcomeUnknown) as raised:
                client.session(TOKEN).set("user", "ada")
            for error in (gone, raised.exception):
                for secret in (KEY, TOKEN, TOKEN.partition(".")[2]):
                    self.assertNotIn(secret, str(error) + repr(error) + repr(error.__dict__))
            self.assertNotIn(KEY, repr(client) + str(client))

    def test_frames_tell_no_secret(self):
        """What reports an error with the locals of its frames finds neither API key nor token in them"""
        def cut(wire):
            wire.read()
            wire.reset()

        def half(wire):
            wire.read()
            secret = f"Session-Token: {TOKEN}\r\n".encode()
            wire.write(b"HTTP/1.1 200 OK\r\n" + secret + b"Content-Length: 9\r\n\r\n12")

        def refuse(wire):
            wire.read()
            wire.answer(b'{"code":"x"}', "422 Unprocessable Content")

        def silence(wire):
            wire.read()
            time.sleep(0.4)

        asks = (
            lambda client: client.session(TOKEN).get("user"),
            lambda client: client.session(TOKEN).set("user", "ada"),
            lambda client: client.session(TOKEN).renew(),
            lambda client: client.session(TOKEN).change(set={"a": 1}),
            lambda client: client.session(TOKEN).end(),
            lambda client: client.request("GET", "/session", token=TOKEN),
            lambda client: client.send("GET", "/session", None, TOKEN),
            lambda client: client.count(),
        )
        for script in (cut, half, refuse, silence):
            for ask in asks:
                with HostileServer(script) as server:
                    client = client_of(server, timeout=0.2)
                    self.assert_no_secret(coatcheck.CoatcheckError, lambda: ask(client))
        client = coatcheck.Client("http://127.0.0.1:1", api_key=KEY)
        for ask in asks:
            self.assert_no_secret(coatcheck.Unavailable, lambda: ask(client))
        for wrong in (
            lambda: client.send("GET", "x", None, TOKEN),
            lambda: client.send("GET", "/session", None, TOKEN, [("X", "a\r\nb")]),
            lambda: client.send("GET", "/session", None, TOKEN, [("X", "\u00e4")]),
            lambda: client.session(TOKEN + "\r\n").read(),
            lambda: client.session(TOKEN.encode()).read(),
            lambda: client.session(TOKEN, id="x"),
            lambda: client.session(TOKEN).get(""),
            lambda: client.session(TOKEN).set("a", float("nan")),
            lambda: coatcheck.Client(api_key=KEY, timeout=0),
            lambda: coatcheck.Client("ftp://x", api_key=KEY),
            lambda: coatcheck.Client(api_key=KEY + "\nX: y"),
            lambda: coatcheck.Client("http://b\xfccher.example", api_key=KEY),
            lambda: coatcheck.Client(api_key=KEY.encode()),
        ):
            self.assert_no_secret((ValueError, TypeError), wrong)

    def test_frames_tell_no_secret_of_an_interruption(self):
        """Nor does it where a request is interrupted, over https too, whose sockets are written in Python"""
        class Stopped(BaseException):
            pass

        class Sock:
            def sendall(self, data):
                raise Stopped

            def close(self):
                pass

        client = coatcheck.Client("http://127.0.0.1:1", api_key=KEY)
        client._open = Sock
        self.assert_no_secret(Stopped, lambda: client.session(TOKEN).get("user"))

    def assert_no_secret(self, kind, ask):
        assert_no_secret(self, kind, ask, KEY, TOKEN.partition(".")[2])

    # What servers may do

    def test_byte_by_byte(self):
        """An answer in single bytes is put together, with a length and in chunks"""
        chunked = (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b'1;ext=1\r\n"\r\n00A\r\n0123456789\r\n1\r\n"\r\n0\r\nTrailer: x\r\n\r\n'
        )
        for data in (answer(b'"0123456789"'), chunked):
            def part(wire, data=data):
                for _ in range(2):
                    wire.read()
                    wire.write_slowly(data)

            with HostileServer(part) as server:
                client = client_of(server)
                self.assertEqual(client.request("GET", "/1"), "0123456789")
                self.assertEqual(client.request("PUT", "/2"), "0123456789")
                self.assertEqual(server.connections, 1)

    def test_interim_answers(self):
        """100 and 103 come before an answer and are none"""
        def interim(wire):
            wire.read()
            wire.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n")
            time.sleep(0.05)
            wire.answer(b'"then"')

        with HostileServer(interim) as server:
            self.assertEqual(client_of(server).request("PUT", "/x"), "then")

    def test_large(self):
        """A large body goes and comes whole"""
        def mirror(wire):
            _, body = wire.read()
            wire.answer(body)

        with HostileServer(mirror) as server:
            self.assertEqual(client_of(server).request("PUT", "/x", "ä" * 500_000), "ä" * 500_000)

    def test_no_body(self):
        """204, 304 and answers to HEAD have no body, whatever their length says"""
        def part(wire):
            for status in ("200 OK", "204 No Content", "304 Not Modified"):
                wire.read()
                wire.write(f"HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\n".encode())
            wire.read()
            wire.answer(b'"last"')

        with HostileServer(part) as server:
            client = client_of(server)
            self.assertEqual(client.send("HEAD", "/x")[2], b"")
            self.assertEqual(client.send("PUT", "/x")[2], b"")
            self.assertEqual(client.send("GET", "/x")[2], b"")
            self.assertEqual(client.request("GET", "/x"), "last")
            self.assertEqual(server.connections, 1)

    def test_not_kept(self):
        """A connection is left where the answer says close, is of HTTP/1.0, or ends with the connection"""
        heads = (
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n\r\n",
        )
        for head in heads:
            def part(wire, head=head):
                wire.read()
                wire.write(head + b'"x"')

            with HostileServer(part) as server:
                client = client_of(server)
                self.assertEqual([client.request("PUT", "/x") for _ in range(3)], ["x"] * 3)
                self.assertEqual(server.connections, 3)

    def test_kept(self):
        """A connection is kept, and one that the server has closed meanwhile is noticed before a write"""
        closed = threading.Event()

        def once(wire):
            wire.read()
            wire.answer(b'"once"')
            wire.sock.shutdown(socket.SHUT_RDWR)
            closed.set()

        with HostileServer(serve) as server:
            client = client_of(server)
            for method in ("GET", "PUT") * 5:
                client.request(method, "/x")
            self.assertEqual(server.connections, 1)
        for method in ("GET", "PUT"):
            with HostileServer(once, serve) as server:
                client = client_of(server)
                self.assertEqual(client.request("GET", "/1"), "once")
                closed.wait()
                time.sleep(0.1)
                self.assertEqual(client.request(method, "/2"), "/2")
            closed.clear()

    def test_rested_too_long(self):
        """A connection that has rested nearly as long as the server waits is not used again"""
        def short(wire):
            while True:
                wire.read()
                wire.answer(headers="Keep-Alive: timeout=1\r\n")

        with HostileServer(short) as server:
            client = client_of(server)
            client.request("GET", "/1")
            time.sleep(0.01)
            client.request("GET", "/2")
            self.assertEqual(server.connections, 2)

    def test_threads(self):
        """Threads share a client: each gets its own answers, and the connections are few"""
        with HostileServer(serve) as server:
            client = client_of(server, max_kept=3)
            faults = []

            def ask(thread):
                for count in range(40):
                    path = f"/{thread}/{count}"
                    answered = client.request("GET" if count % 2 else "PUT", path)
                    if answered != path:
                        faults.append((path, answered))

            threads = [threading.Thread(target=ask, args=(number,)) for number in range(10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(faults, [])
            self.assertEqual(len(server.requests), 400)
            self.assertLessEqual(len(client._kept), 3)

    def test_fork(self):
        """A process that was forked uses none of its parent's connections"""
        with HostileServer(serve) as server:
            client = client_of(server)
            self.assertEqual(client.request("GET", "/parent"), "/parent")
            child = os.fork()
            if child == 0:
                answered = [client.request("GET", f"/child/{count}") for count in range(20)]
                os._exit(0 if answered == [f"/child/{count}" for count in range(20)] else 1)
            answered = [client.request("GET", f"/parent/{count}") for count in range(20)]
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual(answered, [f"/parent/{count}" for count in range(20)])
            number = {head.split(" ")[1].split("/")[1]: at for at, head in server.requests}
            self.assertNotEqual(number["parent"], number["child"])
            self.assertEqual(server.connections, 2)

    def test_what_is_sent(self):
        """A request is plain HTTP/1.1, with the key, the token in its header, and a prefix of the path"""
        with HostileServer(serve) as server:
            client = client_of(server.url + "/coat/")
            client.session(TOKEN).set("a/b ü", None)
            _, head = server.requests[0]
            host = server.url.partition("//")[2]
            self.assertEqual(
                head.split("\r\n"),
                [
                    "PUT /coat/session/a%2Fb%20%C3%BC HTTP/1.1",
                    f"Host: {host}",
                    f"Authorization: Bearer {KEY}",
                    f"Session-Token: {TOKEN}",
                    "Content-Type: application/json",
                    "Content-Length: 4",
                ],
            )

    def test_unix_socket(self):
        """A server on a unix socket is asked there"""
        folder = tempfile.mkdtemp()
        try:
            path = os.path.join(folder, "s.sock")
            with HostileServer(serve, family=socket.AF_UNIX, address=path):
                for url in (f"unix:{path}", f"unix://{path}"):
                    self.assertEqual(coatcheck.Client(url, KEY).request("GET", "/x"), "/x")
        finally:
            shutil.rmtree(folder)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_tls(self):
        """Over https the certificate is verified, the name in it, too, and connections are kept"""
        folder = tempfile.mkdtemp()
        try:
            key, cert = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
            words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
            words += ["-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost"]
            words += ["-addext", "subjectAltName=DNS:localhost"]
            subprocess.run(words, check=True, capture_output=True)
            serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            serving.load_cert_chain(cert, key)
            with HostileServer(serve, tls=serving) as server:
                port = server.url.rpartition(":")[2]
                trusting = ssl.create_default_context(cafile=cert)
                client = client_of(f"https://localhost:{port}", tls=trusting)
                paths = [f"/{count}" for count in range(5)]
                self.assertEqual([client.request("PUT", path) for path in paths], paths)
                self.assertEqual(server.connections, 1)
                for url, tls in ((f"https://localhost:{port}", None), (f"https://127.0.0.1:{port}", trusting)):
                    with self.assertRaises(coatcheck.Unavailable):
                        client_of(url, tls=tls).request("GET", "/x")

            sent = threading.Event()

            def twice(wire):
                wire.read()
                wire.answer(b'"of visitor 1"')
                wire.answer(b'"of visitor 1, again"')
                sent.set()
                wire.hold()

            with HostileServer(twice, serve, tls=serving) as server:
                client = client_of(f"https://localhost:{server.url.rpartition(':')[2]}", tls=trusting)
                self.assertEqual(client.request("GET", "/1"), "of visitor 1")
                sent.wait()
                self.assertEqual(client.request("GET", "/2"), "/2")
        finally:
            shutil.rmtree(folder)

    def test_gevent(self):
        """Under gevent requests wait beside each other"""
        program = """
from gevent import monkey; monkey.patch_all()
import sys, time, gevent, coatcheck
from hostile_server import HostileServer

def slow(wire):
    while True:
        head, _ = wire.read()
        time.sleep(0.3)
        wire.answer(b'"%b"' % head.split(" ")[1].encode())

with HostileServer(slow) as server:
    client = coatcheck.Client(server.url, "ck_key", timeout=2)
    began = time.monotonic()
    jobs = [gevent.spawn(client.request, "GET", f"/{n}") for n in range(10)]
    gevent.joinall(jobs)
    assert [job.value for job in jobs] == [f"/{n}" for n in range(10)], [job.value for job in jobs]
    assert time.monotonic() - began < 1.5, time.monotonic() - began
"""
        try:
            import gevent  # noqa: F401
        except ImportError:
            self.skipTest("gevent is not installed")
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertEqual((ran.returncode, ran.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
