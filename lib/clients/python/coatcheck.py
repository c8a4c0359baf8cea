"""Coatcheck from Python: a client, sessions for Flask and a session engine for Django.

One file on the standard library, Python 3.9 or newer. Copy it beside your application.

    client = Client("http://127.0.0.1:7377", api_key="ck_...")      # any program
    Coatcheck(app)                                                  # Flask
    SESSION_ENGINE = "coatcheck"                                    # Django's settings

Reads are sent once more when their connection breaks. Writes are never carried out twice: where
nobody knows whether one was, the error says `outcome_unknown`.
"""

import hashlib
import json
import logging
import os
import re
import select
import socket
import ssl
import struct
import sys
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections import deque
from collections.abc import MutableMapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from ipaddress import ip_address
from math import ceil
from time import monotonic, sleep
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakSet

__all__ = ["Client", "Coatcheck", "CoatcheckError", "OutcomeUnknown", "Session", "Unavailable"]
__version__ = "0.1.0"

DEFAULT_URL = "http://127.0.0.1:7377"


# --- Errors ---------------------------------------------------------------------------------------


class CoatcheckError(Exception):
    """A request that failed. No token, API key or data of a session is in it.

    `status`, `code`, `title`, `detail` and `reason` are those of the server's answer, None where
    there was none. `outcome_unknown`: the write may have been carried out, or not.
    """

    outcome_unknown = False
    status = code = title = detail = reason = None


class Unavailable(CoatcheckError):
    """The server could not be asked, or did not answer; nothing was changed."""


class OutcomeUnknown(CoatcheckError):
    """The connection broke, or time was up, after a write was sent."""

    outcome_unknown = True


class Refused(CoatcheckError):
    """The server answered with an error."""

    def __init__(self, asked, status, problem):
        self.status = status
        self.code = problem.get("code")
        self.title = problem.get("title")
        self.detail = problem.get("detail")
        self.reason = problem.get("reason")
        # A proxy in between that got no answer cannot know; Coatcheck itself says so.
        is_vague = status < 300 or status in (500, 502, 504)
        self.outcome_unknown = self.code == "outcome_unknown" or (
            self.code is None and is_vague and not asked.startswith(READS)
        )
        between = ", and" if self.code is None and self.detail else f" {self.code or ''}"
        super().__init__(f"{asked}: {status}{between} {self.detail or ''}".rstrip())


class SessionGone(Refused):
    """There is no such session (404), or it has ended (410), for the `reason` given."""


READS = ("GET", "HEAD")


# --- Secrets --------------------------------------------------------------------------------------


class _Secret:
    """An API key, a token, or a request with them. Pages and reporters of errors show the locals of each
    frame on the way: all that is kept in one is kept like this."""

    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value

    def __repr__(self):
        return "<secret>"

    def __eq__(self, other):
        return isinstance(other, _Secret) and self.value == other.value

    def __hash__(self):
        return hash(self.value)


def _hide(value):
    """The value as a `_Secret`; None, and what is one already, as it is."""
    return value if value is None or isinstance(value, _Secret) else _Secret(value)


# --- Transport: HTTP/1.1 on sockets ---------------------------------------------------------------

_RECEIVE = 65_536
_MAX_HEAD = 65_536
_MAX_BODY = 64 * 1024 * 1024


class _Broken(Exception):
    """A connection that failed. `sent`: the whole request had left before."""

    def __init__(self, why, sent=True, timed_out=False):
        super().__init__(why)
        self.sent = sent
        self.timed_out = timed_out


class _Connection:
    __slots__ = ("sock", "used_at", "idle_limit", "timeout")

    def __init__(self, sock, timeout):
        self.sock = sock
        self.timeout = timeout
        self.used_at = 0.0
        self.idle_limit = None

    def exchange(self, method, request):
        """Sends one request; returns `(status, head, body, may_be_kept)`, the head as it came."""
        started_at = monotonic()
        try:
            self.sock.sendall(request.value)
        except OSError as error:
            raise _Broken(_words(error), sent=False, timed_out=_is_timeout(error)) from None
        except BaseException as error:
            raise error.with_traceback(None)  # sockets with TLS have a frame with what they send
        late_at = started_at + self.timeout
        data = self._receive(late_at)
        while True:
            end = data.find(b"\r\n\r\n")
            while end < 0:
                if len(data) > _MAX_HEAD:
                    raise _Broken("the head of the answer is too long")
                data += self._receive(late_at)
                end = data.find(b"\r\n\r\n")
            if data[:7] != b"HTTP/1." or not data[9:12].isdigit():
                raise _Broken("the answer is not HTTP")
            status = int(data[9:12])
            if status >= 200:
                break
            data = data[end + 4 :] or self._receive(late_at)  # an interim answer
        head = data[:end]
        lower = head.lower()
        kept = data[7:8] == b"1" and b"\r\nconnection: close" not in lower
        if self.idle_limit is None:
            self.idle_limit = _idle_limit(lower)
        have = len(data) - end - 4
        if status in (204, 304) or method == "HEAD":
            body = b""
        elif b"\r\ntransfer-encoding:" in lower:
            body, have = self._chunked(data[end + 4 :], late_at)
        else:
            length = _header(head, lower, b"content-length")
            if length is None:
                return status, head, self._until_close(data[end + 4 :], late_at), False
            if not length.isdigit() or int(length) > _MAX_BODY:
                raise _Broken("the length of the answer is not to be believed")
            length = int(length)
            body = data[end + 4 : end + 4 + length]
            have -= length
            if have < 0:
                body, have = self._rest(body, length, late_at)
        self.used_at = monotonic()
        # More than was asked for: what the next answer would be can no longer be told.
        return status, head, body, kept and have == 0

    def is_closed(self):
        """Whether the other side has closed it, or sent what nobody asked for."""
        try:
            if hasattr(select, "poll"):
                poll = select.poll()
                poll.register(self.sock, select.POLLIN)
                return bool(poll.poll(0))
            return bool(select.select([self.sock], [], [], 0)[0])
        except (OSError, ValueError):
            return True

    def close(self):
        try:
            self.sock.close()
        except OSError:
            pass

    __del__ = close

    def _receive(self, late_at):
        try:
            data = self.sock.recv(_RECEIVE)
        except OSError as error:
            raise _Broken(_words(error), timed_out=_is_timeout(error)) from None
        if not data:
            raise _Broken("the connection was closed before the answer was complete")
        if monotonic() > late_at:
            raise _Broken("the time was up before the answer was complete", timed_out=True)
        return data

    def _rest(self, body, length, late_at):
        parts = [body]
        have = len(body)
        while have < length:
            part = self._receive(late_at)
            parts.append(part)
            have += len(part)
        body = b"".join(parts)
        return body[:length], have - length

    def _until_close(self, data, late_at):
        while len(data) <= _MAX_BODY:
            try:
                part = self.sock.recv(_RECEIVE)
            except OSError as error:
                raise _Broken(_words(error), timed_out=_is_timeout(error)) from None
            if not part:
                return data
            data += part
            if monotonic() > late_at:
                break
        raise _Broken("the answer does not end", timed_out=True)

    def _chunked(self, data, late_at):
        """The body, and how many bytes came after it."""
        body = []
        size = 0
        while True:
            while (end := data.find(b"\r\n")) < 0:
                if len(data) > _MAX_HEAD:
                    raise _Broken("the answer's chunks are not to be understood")
                data += self._receive(late_at)
            digits = data[:end].split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits):
                raise _Broken("the answer's chunks are not to be understood")
            length = int(digits, 16)
            size += length
            if size > _MAX_BODY:
                raise _Broken("the answer is too long")
            data = data[end + 2 :]
            if length == 0:
                break
            while len(data) < length + 2:
                data += self._receive(late_at)
            body.append(data[:length])
            if data[length : length + 2] != b"\r\n":
                raise _Broken("the answer's chunks are not to be understood")
            data = data[length + 2 :]
        while not data.startswith(b"\r\n"):  # trailers, of which none means anything here
            if (end := data.find(b"\r\n")) > 0:
                data = data[end + 2 :]
            elif len(data) > _MAX_HEAD:
                raise _Broken("the answer's chunks are not to be understood")
            else:
                data += self._receive(late_at)
        return b"".join(body), len(data) - 2


def _was_not_read(status, head, _):
    """Whether the server had waited long enough for a request, and closed the connection when this one
    was under way: it has not read the whole of it (RFC 9110, 15.5.9)."""
    return status == 408 and b"\r\nconnection: close" in head.lower()


def _words(error):
    if _is_timeout(error):
        return "no answer in time"
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG"):
        return "it speaks no TLS there; is it http:// and not https://?"
    return error.strerror or str(error) or type(error).__name__


def _is_timeout(error):
    return isinstance(error, (socket.timeout, BlockingIOError, ssl.SSLWantReadError))


def _header(head, lower, name):
    """The value of the first header of this name, which is given in lower case."""
    start = lower.find(b"\r\n" + name + b":")
    if start < 0:
        return None
    start += len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end >= 0 else len(head)].strip()


def _idle_limit(lower):
    """How long the connection may rest: a second less than the server will wait."""
    found = re.search(rb"\r\nkeep-alive:[^\r]*timeout=(\d{1,9})", lower)
    return max(0.0, int(found.group(1)) - 1.0) if found else 4.0


def _set_timeout(sock, seconds):
    """Lets the kernel keep the time where it can: Python's own time-outs cost a system call more
    for every send and every receive."""
    if type(sock).__module__ == "socket" and sys.platform.startswith("linux"):
        value = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, value)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, value)
            taken = sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, len(value))
            whole, micros = struct.unpack("@ll", taken)
            if abs(whole + micros / 1_000_000 - seconds) < 0.05:
                sock.settimeout(None)
                return
        except (OSError, struct.error):
            pass
    sock.settimeout(seconds)


# --- The client -----------------------------------------------------------------------------------

_API_KEY = re.compile(r"[!-~]+")
_TOKEN = re.compile(r"[A-Za-z0-9._~-]{1,256}")
_METHOD = re.compile(r"[A-Z]+")
_PATH = re.compile(r"/[!-~]*")
_MISSING = object()


class Client:
    """A Coatcheck, asked over connections that are kept. Threads may share it, and processes that
    fork make connections of their own.

    `url`: `http://HOST:PORT`, `https://HOST`, or `unix:/PATH` for a server with `--listen`; from the
    variable `COATCHECK_URL` where it is not given. `api_key`: `ck_...`, or from `COATCHECK_API_KEY`,
    or the file that `COATCHECK_API_KEY_FILE` names. `timeout`: seconds for a request. `connect_timeout`:
    seconds that requests wait for a server that is away, as while it restarts; after them each fails at
    once, until it is there again. `tls`: an `ssl.SSLContext` of your own; without it certificates are
    verified against the system's.
    """

    def __init__(self, url=None, api_key=None, *, timeout=5.0, connect_timeout=2.0, max_kept=32, tls=None):
        api_key = _hide(api_key or _api_key_by(os.environ.get))
        if api_key and isinstance(api_key.value, str):
            api_key = _hide(api_key.value.strip())  # a file ends with a line break
        url = url or os.environ.get("COATCHECK_URL") or DEFAULT_URL
        if not (api_key and api_key.value):
            raise ValueError(
                "There is no API key: give one, or set COATCHECK_API_KEY or COATCHECK_API_KEY_FILE"
            )
        if not _is_api_key(api_key):
            raise ValueError("Cannot use the API key: it must be printable characters, as in ck_...")
        if not 0 < timeout < 1_000_000:
            raise ValueError(f"timeout must be a positive number of seconds, got {timeout!r}")
        if not 0 <= connect_timeout < 1_000_000:
            raise ValueError(f"connect_timeout must be a number of seconds, got {connect_timeout!r}")
        self.timeout = float(timeout)
        self.connect_timeout = connect_timeout
        self._away_since = None
        self.max_kept = max_kept
        # Without a reference to this object: it and its connections go when nobody has it any more.
        self._open, host, self._prefix, self.url = _parse_url(url, tls, self.timeout)
        self._lines = f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {api_key.value}\r\n"
        self._kept = deque()
        _clients.add(self)

    url = None

    def __repr__(self):
        return f"<coatcheck.Client {self.url}>"

    # Sessions

    def create(self, data=None, **members):
        """Creates a session; returns the server's answer, with `id`, `token` and `setCookie`.

        Members: `claims`, `permanent`, `idleTimeout`, `lifetime`, `device`.
        """
        if "sub" in (members.get("claims") or ()):
            _check_name(members["claims"]["sub"], "Cannot create a session: the user")
        members["data"] = {} if data is None else data
        return self.request("POST", "/sessions", members)

    def session(self, token=None, *, id=None):
        """A session to be asked for, by its token or, for those that know what they do, by its id."""
        token = _hide(token)
        return SessionHandle(self, token=token, id=id)

    def sessions(self, sub=None, page_size=100):
        """All live sessions, or a user's, oldest first; asks for pages as they are needed."""
        query = {"limit": page_size}
        if sub is not None:
            query["sub"] = _check_name(sub, "Cannot list sessions: the user")
        while True:
            page = self.request("GET", "/sessions?" + urlencode(query))
            yield from page["sessions"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def count(self, sub=None):
        """How many sessions there are, of one user or of everybody."""
        query = {"count": "true"}
        if sub is not None:
            query["sub"] = _check_name(sub, "Cannot count sessions: the user")
        return self.request("GET", "/sessions?" + urlencode(query))["count"]

    def end_all(self, sub, except_id=None):
        """Logs a user out everywhere, or everywhere else; returns how many sessions it ended. Raises
        `ValueError` for nobody, such as None."""
        query = {"sub": _check_name(sub, "Cannot log out: the user")}
        if except_id is not None:
            query["except"] = _check_name(except_id, "Cannot log out: except_id")
        ended = 0
        while True:
            answer = self.request("DELETE", "/sessions?" + urlencode(query))
            ended += answer["ended"]
            if not (answer["more"] and answer["ended"]):
                return ended

    # Requests

    def request(self, method, path, body=_MISSING, *, token=None, headers=()):
        """Asks anything that the API has; returns the JSON of the answer, None where there is none.

        Raises `CoatcheckError`.
        """
        token = _hide(token)
        text = None if body is _MISSING else dumps(body).encode("utf-8")
        status, _, answer = self.send(method, path, text, token, headers)
        return self._parse(method, path, status, answer) if answer else None

    def send(self, method, path, body=None, token=None, headers=()):
        """As `request`, for bodies as bytes; returns `(status, head, body)`. `head`: see `header`."""
        token = _hide(token)
        request = self._request_of(method, path, body, token, headers)
        status, head, answer = self._exchange(method, path, request)
        if status < 300 or status == 304:
            return status, head, answer
        raise _refusal(f"{method} {path}", status, answer, self.url)

    def _parse(self, method, path, status, answer):
        try:
            return json.loads(answer)
        except ValueError:
            pass
        raise _refusal(f"{method} {path}", status, b"", self.url)

    def _request_of(self, method, path, body, token, headers):
        """What goes over the wire. All of it is checked before it is put together: no frame of an error
        has the parts."""
        if not (isinstance(method, str) and _METHOD.fullmatch(method)):
            raise ValueError("Cannot send the method: it must be capital letters, as in GET")
        if not _PATH.fullmatch(path):
            raise ValueError("Cannot send the path: it must be printable ASCII, percent-encoded")
        if not (token is None or _is_token(token)):
            raise ValueError("Cannot send the token: it is not of the form of one")
        for name, value in headers:
            line = f"{name}: {value}"
            if not (line.isprintable() and line.isascii()):
                raise ValueError(f"Cannot send the header {name!r}: it must be printable ASCII")
        lines = [f"{method} {self._prefix}{path}{self._lines}"]
        if token is not None:
            lines.append(f"Session-Token: {token.value}\r\n")
        lines += [f"{name}: {value}\r\n" for name, value in headers]
        if body is not None:
            lines.append(f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n")
        elif method == "POST":
            lines.append("Content-Length: 0\r\n")  # other methods have no body unless they say so
        lines.append("\r\n")
        return _Secret("".join(lines).encode("ascii") + (body or b""))

    def close(self):
        """Closes the connections that rest."""
        while self._kept:
            try:
                self._kept.pop().close()
            except IndexError:
                return

    def _exchange(self, method, path, request):
        connection = self._take()
        was_kept = connection.used_at > 0
        try:
            try:
                answer = self._ask(connection, method, request)
            except _Broken as broken:
                if method not in READS or broken.timed_out:
                    raise
            else:
                if not (was_kept and _was_not_read(*answer)):
                    return answer
            return self._ask(self._connect(), method, request)
        except _Broken as broken:
            failure = self._failure(method, path, broken)
        # Out here it has no context: what was received, which may be a token, stays in the frames there.
        raise failure

    def _ask(self, connection, method, request):
        try:
            status, head, body, kept = connection.exchange(method, request)
        except BaseException:
            connection.close()  # whoever uses it next would get the answer to this request
            raise
        if kept and len(self._kept) < self.max_kept:
            self._kept.append(connection)
        else:
            connection.close()
        return status, head, body

    def _failure(self, method, path, broken):
        asked = f"{method} {path.partition('?')[0]} at {self.url}"
        if method in READS or not broken.sent:
            return Unavailable(f"{asked}: {broken}")
        return OutcomeUnknown(f"{asked}: {broken}; it may have been carried out, or not")

    def _take(self):
        while True:
            try:
                connection = self._kept.pop()
            except IndexError:
                return self._connect()
            rested = monotonic() - connection.used_at
            if rested < connection.idle_limit and not connection.is_closed():
                return connection
            connection.close()

    def _connect(self):
        pause = 0.02
        while True:
            try:
                sock = self._open()
            except OSError as error:
                if not self._is_worth_waiting(error, pause):
                    raise Unavailable(f"Cannot reach {self.url}: {_words(error)}") from None
            else:
                self._away_since = None
                return _Connection(sock, self.timeout)
            sleep(pause)
            pause = min(2 * pause, 0.3)

    def _is_worth_waiting(self, error, pause):
        """Whether the server may be restarting, and is not away for too long already."""
        if not isinstance(error, (ConnectionRefusedError, FileNotFoundError)):
            return False
        now = monotonic()
        # Read once: another thread may have connected meanwhile.
        since = self._away_since
        if since is None:
            self._away_since = since = now
        if now + pause <= since + self.connect_timeout:
            return True
        if self._away_since == since:
            self._away_since = float("-inf")
        return False


_clients = WeakSet()


def _forget_connections():
    """In a process that was forked: they are the parent's, which goes on using them."""
    for client in list(_clients):
        client._kept = deque()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


_BAD_URL = "Cannot use the URL: expected http://HOST:PORT, https://HOST or unix:/PATH"
_URL = re.compile(r"[!-~]+")


def _parse_url(url, tls, timeout):
    """What opens a socket, the `Host`, what comes before each path, and the address to show."""
    if not isinstance(url, str) or url == "unix:":
        raise ValueError(_BAD_URL)
    if url.startswith("unix:"):
        path = url[len("unix:") :]
        path = "/" + path.lstrip("/") if path.startswith("//") else path
        return partial(_open_unix, path, timeout), "localhost", "", f"unix:{path}"
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(_BAD_URL)
    if parts.username is not None:
        raise ValueError("Cannot use the URL: there is a user in it; the API key goes beside it")
    if not _URL.fullmatch(url):
        raise ValueError("Cannot use the URL: it must be printable ASCII, percent-encoded")
    host = parts.hostname
    shown = f"[{host}]" if ":" in host else host
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise ValueError("Cannot use the URL: its port must be a number up to 65535") from None
    if parts.port is not None:
        shown += f":{parts.port}"
    prefix = parts.path.rstrip("/")
    context = None
    if parts.scheme == "https":
        context = tls or ssl.create_default_context()
    return (
        partial(_open_tcp, host, port, context, timeout),
        shown,
        prefix,
        f"{parts.scheme}://{shown}{prefix}",
    )


def _open_tcp(host, port, context, timeout):
    sock = socket.create_connection((host, port), timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            return context.wrap_socket(sock, server_hostname=host)
        _set_timeout(sock, timeout)
        return sock
    except BaseException:
        sock.close()
        raise


def _open_unix(path, timeout):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.connect(path)
        _set_timeout(sock, timeout)
        return sock
    except BaseException:
        sock.close()
        raise


class SessionHandle:
    """One session, asked for with each call; nothing of it is kept here.

    By token it is asked as its holder's back end, by id as any. Each change is one atomic step.
    """

    def __init__(self, client, *, token=None, id=None):
        token = _hide(token)
        if (token is None) == (id is None):
            raise ValueError("Cannot tell which session: give its token, or its id")
        _check_name(token.value if id is None else id, "Cannot tell which session: its token or id")
        self._client = client
        self._token = token
        self._path = "/session" if id is None else "/sessions/" + quote(id, safe="")

    _path = None

    def __repr__(self):
        return f"<coatcheck.SessionHandle {self._path}>"

    def read(self, touch=True):
        """The session: `id`, `data`, `claims`, `permanent` and its times."""
        return self._ask("GET", "" if touch else "?touch=false")

    def get(self, key, default=None):
        try:
            return self._ask("GET", _key(key))
        except Refused as error:
            if error.code != "key_not_found":
                raise
            return default

    def set(self, key, value):
        self._ask("PUT", _key(key), value)

    def pop(self, key, default=None):
        """Removes a value and returns it; of two who do so at once, one gets it."""
        try:
            return self._ask("DELETE", _key(key))
        except Refused as error:
            if error.code != "key_not_found":
                raise
            return default

    def increment(self, key, by=1):
        """Counts, from 0 where there is nothing; returns the new number."""
        return self._ask("PATCH", _key(key), {"increment": by})

    def append(self, key, value):
        """Appends to a list, an empty one where there is nothing; returns the new list."""
        return self._ask("PATCH", _key(key), {"append": value})

    def merge(self, key, values):
        """Merges into an object (RFC 7396: None removes); returns the new one."""
        return self._ask("PATCH", _key(key), {"merge": values})

    def change(self, **changes):
        """Changes several things in one step; returns the session, with `token` and `setCookie` where
        it has new ones: a handle made by token goes on with those. `set={...}`, `remove=[...]`,
        `login={"sub": ...}`, `claims={...}`, `permanent=True`, ..."""
        if "login" in changes:
            login = changes["login"]
            sub = login.get("sub") if isinstance(login, dict) else None
            _check_name(sub, "Cannot log in: the user")
        body = dumps(changes).encode("utf-8")
        client, path = self._client, self._path
        status, head, answer = client.send("PATCH", path, body, self._token)
        session = client._parse("PATCH", path, status, answer)
        token = header(head, "session-token")
        if token is not None:  # by id both are in the body
            self._token = _hide(token)
            session.update(token=token, setCookie=header(head, "set-cookie"))
        return session

    def clear(self):
        """Removes all data; the session stays."""
        self._ask("POST", "/clear")

    def renew(self):
        """A new id and token for the session; returns the `Set-Cookie` for its holder. A handle made
        by token goes on with the new one, the old one is dead."""
        _, head, body = self._client.send("POST", self._path + "/renew", token=self._token)
        if self._token is None:
            return json.loads(body)["setCookie"]
        self._token = _hide(header(head, "session-token"))
        return header(head, "set-cookie")

    def end(self):
        """Logs out: the session ends for good. That it had ended before is no error."""
        try:
            self._ask("DELETE", "")
        except SessionGone:
            pass

    def _ask(self, method, rest, body=_MISSING):
        return self._client.request(method, self._path + rest, body, token=self._token)


def header(head, name):
    """A header in the head that `Client.send` returns; None where it is not there."""
    value = _header(head, head.lower(), name.lower().encode("ascii"))
    return None if value is None else value.decode("latin-1")


# Compact JSON; raises `ValueError` where JSON has no number.
dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def _check_name(name, what):
    """Returns it. Raises `ValueError` for what is no name, as the id of a user is when nobody is logged in."""
    if not isinstance(name, str) or name == "":
        del name  # a token may be in it, as bytes
        raise ValueError(f"{what} must be a string that is not empty")
    if _HALF_A_PAIR.search(name):
        del name
        raise ValueError(f"{what} must be Unicode, it has half a surrogate pair")
    return name


_HALF_A_PAIR = re.compile("[\ud800-\udfff]")


def _key(key):
    if not isinstance(key, str) or key == "":
        raise TypeError("Cannot use the key: it must be a string that is not empty")
    return "/" + quote(_check_name(key, "Cannot use the key: it"), safe="")


def _refusal(asked, status, body, url):
    try:
        problem = json.loads(body)
    except ValueError:
        problem = None
    if asked.startswith("HEAD "):
        problem = {}  # its answer has no body
    elif not isinstance(problem, dict) or "code" not in problem:
        detail = f"the answer is not one of Coatcheck's; is there a Coatcheck at {url}?"
        problem = {"detail": detail}
    is_gone = problem.get("code") in ("session_not_found", "session_ended")
    return (SessionGone if is_gone else Refused)(asked.partition("?")[0], status, problem)


def _is_api_key(key):
    return isinstance(key.value, str) and _API_KEY.fullmatch(key.value)


def _is_token(token):
    return isinstance(token.value, str) and _TOKEN.fullmatch(token.value)


def _first_line_of(path):
    try:
        with open(path, encoding="ascii") as file:
            return _Secret(file.readline())
    except OSError as error:
        why = _words(error)
    except UnicodeDecodeError:
        why = "it is not ASCII"
    # Out here, without what was read as its context.
    raise ValueError(f"Cannot read the API key from {path!r} (COATCHECK_API_KEY_FILE): {why}")


def _api_key_by(setting):
    """None where there is none."""
    key = setting("COATCHECK_API_KEY")
    path = setting("COATCHECK_API_KEY_FILE")
    if not key and path:
        key = _first_line_of(path).value
    # As the server takes it: several, with commas between them.
    return key.split(",")[0].strip() if key else None


def _client_by(setting):
    """A client by an application's settings; what they do not say, the environment does."""
    timeout = setting("COATCHECK_TIMEOUT") or os.environ.get("COATCHECK_TIMEOUT") or 5.0
    return Client(setting("COATCHECK_URL"), _api_key_by(setting), timeout=float(timeout))


# --- What changed: the difference between what was read and what is there now ------------------------
#
# All of it is about plain JSON values, as `json.loads` makes them.

_ATOMS = frozenset((str, int, float, bool, type(None)))


def edits_between(before, after, keys=None):
    """The edits that make `before` into `after`, as `PATCH` takes them, and whether they hold for the
    version that was read alone.

    Values are set, items pushed to a list are appended, objects are changed key by key: such edits fit
    whatever others have done meanwhile. To take away from a list, or to replace or remove a list or an
    object, is right only if nobody has changed it since. `keys`: those that may have changed.
    """
    edits = {}
    is_bound = False
    for key in {**before, **after} if keys is None else keys:
        old = before.get(key, _MISSING)
        new = after.get(key, _MISSING)
        if new is old:
            continue
        kind = type(new)
        if kind in _ATOMS:
            if type(old) is kind and old == new:
                continue
            edits.setdefault("set", {})[key] = new
            is_bound = is_bound or _holds_more(old)
        elif new is _MISSING:
            edits.setdefault("remove", []).append(key)
            is_bound = is_bound or _holds_more(old)
        elif kind is dict and not _is_tagged(new) and (old is _MISSING or _is_object(old)):
            inner, is_inner_bound = edits_between({} if old is _MISSING else old, new)
            if inner or old is _MISSING:
                edits.setdefault("in", {})[key] = inner
                is_bound = is_bound or is_inner_bound
        elif kind is list and (old is _MISSING or (type(old) is list and _begins_with(new, old))):
            more = new if old is _MISSING else new[len(old) :]
            if more or old is _MISSING:
                edits.setdefault("extend", {})[key] = more
        elif old is _MISSING or dumps(old) != dumps(new):
            edits.setdefault("set", {})[key] = new
            is_bound = is_bound or _holds_more(old)
    return edits, is_bound


def merge_changes(before, mine, theirs):
    """`theirs` with all that was done to `before` to make it `mine`; `_MISSING` is nothing at all."""
    if _are_same(before, mine):
        return theirs
    if before is _MISSING and type(theirs) is type(mine) and _holds_more(mine):
        before = type(mine)()  # both have begun it
    if _is_object(theirs) and _is_object(before) and (_is_object(mine) or mine is _MISSING):
        merged = merge_objects(before, {} if mine is _MISSING else mine, theirs)
        return merged if merged or mine is not _MISSING else _MISSING
    if type(theirs) is list and type(before) is list and (type(mine) is list or mine is _MISSING):
        merged = _merge_lists(before, [] if mine is _MISSING else mine, theirs)
        return merged if merged or mine is not _MISSING else _MISSING
    return mine


def merge_objects(before, mine, theirs):
    """As `merge_changes`, for objects that are none of Flask's marks, such as the data of a session."""
    merged = dict(theirs)
    for key in {**before, **mine}:
        value = merge_changes(
            before.get(key, _MISSING), mine.get(key, _MISSING), theirs.get(key, _MISSING)
        )
        if value is _MISSING:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _merge_lists(before, mine, theirs):
    start = 0
    while start < min(len(before), len(mine)) and _are_same(before[start], mine[start]):
        start += 1
    rest = min(len(before), len(mine)) - start
    same = 0
    while same < rest and _are_same(before[-1 - same], mine[-1 - same]):
        same += 1
    gone = before[start : len(before) - same]
    new = mine[start : len(mine) - same]
    if len(before) == len(mine) == len(theirs):
        return [merge_changes(*items) for items in zip(before, mine, theirs)]
    if _begins_with(theirs[start:], gone):
        at = start if gone or same else len(theirs)
        return theirs[:at] + new + theirs[at + len(gone) :]
    kept = list(theirs)
    for item in gone:
        found = next((at for at, other in enumerate(kept) if _are_same(item, other)), None)
        if found is not None:
            del kept[found]
    at = min(start, len(kept)) if same else len(kept)
    return kept[:at] + new + kept[at:]


def _are_same(one, other):
    """As JSON: 1, 1.0 and True differ."""
    if one is other:
        return True
    if one is _MISSING or other is _MISSING:
        return False
    if type(one) is not type(other):
        return False
    if type(one) in _ATOMS:
        return one == other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _begins_with(whole, part):
    return len(whole) >= len(part) and json.dumps(whole[: len(part)]) == json.dumps(part)


def _holds_more(value):
    """Whether others may have changed something inside."""
    return type(value) in (list, dict) and not _is_tagged(value)


def _is_object(value):
    return type(value) is dict and not _is_tagged(value)


def _is_tagged(value):
    """A mark for what is no JSON, as Flask's for a tuple, `{" t": [1, 2]}`: one value, never merged."""
    return type(value) is dict and len(value) == 1 and next(iter(value)).startswith(" ")


# A key inside of a value that begins as a mark does is kept with a backslash in front, and one that begins so
# already with one more: whichever keys requests at once leave in an object, it never becomes a mark.
_LIKE_A_MARK = re.compile(r"\\* ")


def _quote_key(key):
    return "\\" + key if _LIKE_A_MARK.match(key) else key


def _unquote_key(key):
    return key[1:] if key.startswith("\\") and _LIKE_A_MARK.match(key) else key


def _may_have_marks(text):
    """Whether some JSON may have marks in it, or keys like them."""
    return '" ' in text or '"\\\\' in text


def _with_keys(convert, value):
    """Plain JSON with the keys of all objects in it converted."""
    if type(value) is list:
        return [_with_keys(convert, item) for item in value]
    if type(value) is dict:
        return {convert(key): _with_keys(convert, item) for key, item in value.items()}
    return value


def _with_inner_keys(convert, data):
    return {key: _with_keys(convert, value) for key, value in data.items()}


class _Stored:
    """A session as the server had it when it was read: where it is, its data and its version."""

    __slots__ = ("client", "path", "token", "text", "seen", "_head", "_version", "_record", "_later")

    def __init__(self, client, path, token, text, head):
        self.client = client
        self.path = path
        self.token = token  # a `_Secret`, or None
        self.text = text
        self._head = head  # of the answer that has the version of what is here; read when it is needed
        self._version = None
        # What an application has got of it, and may have changed inside: only its plain values are
        # still those that were read. Parsing it all once more is for when others are asked for.
        self.seen = None
        self._record = None
        self._later = []  # what was changed since, and is not in the record yet

    @classmethod
    def read(cls, client, path, token=None):
        _, head, body = client.send("GET", path, None, token)
        return cls(client, path, token, body.decode("utf-8", "replace"), head)

    def parse(self):
        """What was read, anew."""
        return self.client._parse("GET", self.path, 200, self.text)

    @property
    def record(self):
        """The whole of it, which nobody but this object may change."""
        if self._record is None:
            self._record = self.parse()
        while self._later:
            _put_into(self._record["data"], self._later.pop(0))
        return self._record

    @property
    def data(self):
        return self.record["data"]

    @property
    def version(self):
        """The version that is here, as an entity tag; None where others have changed it since."""
        if self._head is not None:
            self._version = header(self._head, "etag")
            self._head = None
        return self._version

    def read_again(self):
        _, self._head, body = self.client.send("GET", self.path, None, self.token)
        self.text = body.decode("utf-8")
        self.seen = self._record = None
        self._later.clear()

    def change(self, mine, others=None, always=False):
        """Makes the values of `mine`, `_MISSING` where there is none, those of the session, in one
        atomic step; with `others`, further members of the `PATCH`. What somebody else has changed
        since it was read stays. Nothing is asked where nothing differs, unless `always`.

        Returns the answer's session with `others`, otherwise None. Raises `SessionGone`, and what else
        the server says.
        """
        # What the caller has, and has then, without what others put in: later changes are to be told
        # from that.
        own = mine
        for _ in range(_TRIES):
            before = self._before(mine)
            after = {key: value for key, value in mine.items() if value is not _MISSING}
            edits, is_bound = edits_between(before, after, mine)
            if not (edits or others or always):
                return None
            if is_bound and self.version is None:
                mine = self._merge(before, mine)
                continue
            headers = [("If-Match", self.version)] if is_bound else []
            if not others:
                headers.append(("Prefer", "return=minimal"))
            body = dumps({**edits, **others} if others else edits).encode("utf-8")
            try:
                answer = self.client.send("PATCH", self.path, body, self.token, headers)
            except Refused as error:
                # Somebody was faster, or has put another kind of value there.
                if error.status != 412 and error.code != "wrong_type":
                    raise
                mine = self._merge(before, mine)
                continue
            self.answered(answer[1])
            if mine is not own:
                self._version = None
            self._took(own)
            return json.loads(answer[2]) if others else None
        raise CoatcheckError("Cannot save the session: others change the same values all the time")

    def answered(self, head):
        """Takes the version and, where there is one, the new token of the answer to a change."""
        self.token = _hide(header(head, "session-token")) or self.token
        # One more than before, or somebody else has changed it in between, which is not known here.
        before, version = self.version, header(head, "etag")
        follows = before and version and int(version.strip('"')) == int(before.strip('"')) + 1
        self._version = version if follows or version == before else None

    def _merge(self, before, mine):
        """Reads it again; returns what `mine` is then."""
        self.read_again()
        data = self.data
        return {
            key: merge_changes(before.get(key, _MISSING), value, data.get(key, _MISSING))
            for key, value in mine.items()
        }

    def _before(self, keys):
        """The values of these keys, where there are some."""
        seen = self.seen
        if seen is not None:
            values = {key: seen[key] for key in keys if key in seen}
            if all(type(value) in _ATOMS for value in values.values()):
                return values
        data = self.data
        return {key: data[key] for key in keys if key in data}

    def _took(self, mine):
        if self.seen is not None:
            _put_into(self.seen, mine)
        self._later.append(mine)


def _put_into(data, values):
    for key, value in values.items():
        if value is _MISSING:
            data.pop(key, None)
        else:
            data[key] = value


# So often somebody else may be faster, each time with a change of the same value.
_TRIES = 100


# --- Flask ----------------------------------------------------------------------------------------


class Coatcheck:
    """Flask's sessions in Coatcheck: `Coatcheck(app)`, or `Coatcheck()` and `init_app(app)` later.

    Settings of the app: `COATCHECK_URL`, `COATCHECK_API_KEY`, `COATCHECK_API_KEY_FILE` and
    `COATCHECK_TIMEOUT`, each also a variable of the environment; and Flask's own `SESSION_COOKIE_...`
    and `PERMANENT_SESSION_LIFETIME`. `client`: a `Client` to use in place of those.
    """

    def __init__(self, app=None, client=None):
        self._client = client
        if app is not None:
            self.init_app(app)

    def init_app(self, app):
        from flask.sessions import SessionInterface

        client = self._client or _client_by(app.config.get)
        config = app.config
        # Flask's defaults that are not Coatcheck's. Whoever wants them sets them after this.
        for name, of_flask, ours in (
            ("SESSION_COOKIE_NAME", "session", "sid"),
            ("SESSION_COOKIE_SAMESITE", None, "Lax"),
            ("SESSION_REFRESH_EACH_REQUEST", True, False),
        ):
            if config.get(name) == of_flask:
                config[name] = ours
        interface = type("CoatcheckSessionInterface", (_FlaskInterface, SessionInterface), {})
        app.session_interface = interface(client)
        app.extensions["coatcheck"] = client

    @property
    def client(self):
        """The client of the current app, for what is not about the session of the request."""
        from flask import current_app

        return self._client or current_app.extensions["coatcheck"]


class Session(MutableMapping):
    """A visitor's session, read when it is first used. What changed is sent when the response is made,
    in one atomic step; also what changed inside a list or an object.

    Beside what Flask's sessions have: `login`, `logout`, `renew`, `increment`, `append` and
    `pop_atomic`, which act at once; `claims` and `id`.
    """

    def __init__(self, interface, app, request):
        self.accessed = False
        self.modified = False
        self._interface = interface
        self._app = app
        self._request = request
        self._stored = None  # as it was read; None where there is no session
        self._data = None  # as the application sees it; None where it has not been read
        self._touched = set()  # keys whose values may have changed
        self._permanent = False
        self._has_set_permanent = False  # by this request, whatever the session was before
        self._claims = {}
        self._id = None
        self._is_cleared = False
        self._is_over = False  # what the application still writes goes nowhere
        self._cookie = None  # what the response has to say: "set" or "delete"
        self._lifetime_ends_at = None

    # A mapping

    def __getitem__(self, key):
        self.accessed = True
        data = self._data
        if data is None:
            data = self._load()
        value = data[key]
        if type(value) not in _ATOMS:
            self._touched.add(key)
        return value

    def get(self, key, default=None):
        self.accessed = True
        data = self._data
        if data is None:
            data = self._load()
        value = data.get(key, default)
        if type(value) not in _ATOMS:
            self._touched.add(key)
        return value

    def __setitem__(self, key, value):
        self._change()[key] = value
        self._touched.add(key)

    def __delitem__(self, key):
        del self._change()[key]
        self._touched.add(key)

    def __contains__(self, key):
        return key in self._read()

    def __iter__(self):
        return iter(self._read())

    def __len__(self):
        return len(self._read())

    def items(self):
        return self._read_all().items()

    def values(self):
        return self._read_all().values()

    def pop(self, key, *default):
        data = self._read()
        if key not in data and default:
            return default[0]
        value = data.pop(key)
        self.modified = True
        self._touched.add(key)
        return value

    def copy(self):
        return dict(self)

    def clear(self):
        """As Flask's. A session that stays empty ends, as by `logout`; what comes afterwards goes into
        one with a new id and token, without claims."""
        data = self._change()
        self._touched.update(data)
        data.clear()
        self._permanent = False
        self._is_cleared = True

    def __repr__(self):
        return f"<Session {'not read' if self._data is None else self._data!r}>"

    # What Flask's sessions have beside

    @property
    def new(self):
        """Whether there was no session when the request came."""
        self._read()
        return self._stored is None

    @property
    def permanent(self):
        self._read()
        return self._permanent

    @permanent.setter
    def permanent(self, value):
        self._change()
        self._permanent = bool(value)
        self._has_set_permanent = True

    # What Coatcheck's have beside

    @property
    def id(self):
        """Its public id; None where there is no session yet."""
        self._read()
        return self._id

    @property
    def claims(self):
        """What `login` said of its holder."""
        self._read()
        return dict(self._claims)

    def login(self, sub, **claims):
        """Logs a user in, at once: the session belongs to `sub` and has a new id and token; whoever knew
        the old one is out. What was written before and is written afterwards goes into it. Of who was
        logged in before it has neither claims nor limits: it is permanent if this request says so.

        Raises `ValueError` for nobody, such as None, and `CoatcheckError`, with the code
        `too_many_sessions` where the server's limit refuses.
        """
        _check_name(sub, "Cannot log in: the user")
        self._change()
        claims = {"sub": sub, **claims}
        if self._stored is None:
            self._create({"claims": claims})
            return
        try:
            if self._is_cleared:
                self._begin_anew(claims)
                return
            self._take(self._stored.change(self._changed(), self._login_of(claims)))
            self._watch()
        except SessionGone as gone:
            # Of a session that has ended nothing goes into another one, but what is new in this request.
            # Where another log-in was faster, what this request has read goes along, as it would have.
            seen = {} if gone.reason == "renewed" else self._stored.data
            self._data = {key: self._data[key] for key in self._data if _json_key(key) not in seen}
            self._permanent = self._asks_permanent()
            self._create({"claims": claims})

    def logout(self):
        """Ends the session, at once and for good. What is written afterwards begins another one."""
        self.accessed = self.modified = True
        token = self._interface.find_token(self) if self._stored is None else self._stored.token
        if token is not None:
            try:
                self._interface.client.send("DELETE", "/session", None, token)
            except SessionGone:
                pass
            self._cookie = "delete"
        self._forget()
        self._data = {}

    def renew(self):
        """A new id and token, at once, as when the holder gains rights; the old token is dead."""
        self._change()
        self.flush()
        if self._stored is not None and not self._is_over:
            try:
                self._take_new_token()
            except SessionGone:
                self._end_here()

    def increment(self, key, by=1):
        """Counts, at once and atomically, from 0 where there is nothing; returns the new number."""
        return self._at_once(
            key, {"increment": by}, lambda data: data.__setitem__(key, data.get(key, 0) + by)
        )

    def append(self, key, value):
        """Appends to a list, at once and atomically; returns the new list."""
        return self._at_once(
            key, {"append": self._plain(key, value)}, lambda data: data.setdefault(key, []).append(value)
        )

    def pop_atomic(self, key, default=None):
        """As `pop`, at once: of two requests that do so, one gets the value."""
        self._change()
        self.flush()
        if self._stored is None or self._is_over:
            return self._data.pop(key, default)
        stored = self._stored
        self._touched.discard(key)
        self._data.pop(key, None)
        stored.data.pop(key, None)
        try:
            answer = stored.client.send("DELETE", "/session" + _key(key), None, stored.token)
        except SessionGone:
            self._end_here()
            return default
        except Refused as error:
            if error.code != "key_not_found":
                raise
            return default
        stored.answered(answer[1])
        return self._interface.untag(answer[2].decode("utf-8"))

    def flush(self):
        """Sends what has changed so far, at once."""
        data = self._data
        if data is None or self._is_over:
            return
        try:
            if self._stored is None:
                if data:
                    self._create({})
            elif self._is_cleared:
                if data:
                    self._begin_anew({})
                else:
                    self.logout()
            elif not data and self.modified and not self._claims and self._stored.data:
                self._end_empty()
            else:
                self._send_changes()
        except Exception:
            # Flask saves once more when it makes the response that tells of the error.
            self._is_over = True
            raise

    # Below

    def _read(self):
        self.accessed = True
        return self._load() if self._data is None else self._data

    def _read_all(self):
        data = self._read()
        self._touched.update(key for key, value in data.items() if type(value) not in _ATOMS)
        return data

    def _change(self):
        self.accessed = self.modified = True
        return self._load() if self._data is None else self._data

    def _load(self):
        self._data = {}
        token = self._interface.find_token(self)
        if token is None:
            return self._data
        try:
            stored = _Stored.read(self._interface.client, "/session", token)
        except SessionGone as gone:
            # The browser may have the new cookie by now, and another one would replace it.
            self._is_over = gone.reason == "renewed"
            return self._data
        except BaseException:
            self._data = None
            raise
        self._stored = stored
        record = stored.parse()
        self._id = record["id"]
        self._claims = record["claims"]
        self._permanent = self._was_permanent = record["permanent"]
        self._lifetime_ends_at = record["lifetimeEndsAt"]
        data = record["data"]
        stored.seen = data.copy()
        if _may_have_marks(stored.text):  # the data as a whole are never one
            restore = self._interface.restore
            data = {key: restore(value) for key, value in data.items()}
        self._data = data
        return self._data

    def _plain(self, key, value):
        """The value as plain JSON. Raises `TypeError` or `ValueError` where it is none."""
        try:
            return self._interface.tag(value, self._app)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f'Cannot save "{key}" in the session: {error}') from error

    def _changed(self):
        """The values that may have changed, as plain JSON."""
        data, plain = self._data, self._plain
        return {
            _json_key(key): plain(key, data[key]) if key in data else _MISSING
            for key in self._touched
        }

    def _limits(self):
        """What a `PATCH` has to say of `permanent`."""
        if self._permanent == self._was_permanent:
            return {}
        return {"permanent": self._permanent, **self._own_limits(self._permanent)}

    def _asks_permanent(self):
        return self._permanent and self._has_set_permanent

    def _login_of(self, claims):
        """The members of a `PATCH` that leaves nothing of who was logged in before, but for the data."""
        permanent = self._asks_permanent()
        return {"login": claims, "permanent": permanent, **self._own_limits(permanent)}

    def _own_limits(self, permanent):
        """In seconds, where the app has set `PERMANENT_SESSION_LIFETIME`; otherwise the server's."""
        seconds = int(self._app.permanent_session_lifetime.total_seconds())
        if not permanent or seconds == _FLASK_LIFETIME_S:
            return {}
        if seconds < _FLASK_LIFETIME_S:
            return {"idleTimeout": seconds}
        return {"idleTimeout": seconds, "lifetime": seconds}

    def _send_changes(self):
        limits = self._limits()
        if not self._touched and not limits:
            return
        try:
            record = self._stored.change(self._changed(), limits)
        except SessionGone:
            self._end_here()
            return
        self._watch()
        if record is not None:
            self._take(record)

    def _create(self, members):
        client, plain = self._interface.client, self._plain
        data = {_json_key(key): plain(key, value) for key, value in self._data.items()}
        body = {
            "data": data,
            "permanent": self._permanent,
            "device": _device(self._request),
            **self._own_limits(self._permanent),
            **members,
        }
        _, head, answer = client.send("POST", "/sessions", dumps(body).encode("utf-8"))
        record = json.loads(answer)
        self._forget()
        self._stored = _Stored(client, "/session", _hide(record["token"]), answer.decode("utf-8"), head)
        self._take(record)
        self._watch()

    def _begin_anew(self, claims):
        """In place of a session that was cleared: the same with another token, and nothing else of it.
        A request that still has the old token finds it renewed, and begins no session of its own."""
        client, stored = self._interface.client, self._stored
        plain = self._plain
        data = {_json_key(key): plain(key, value) for key, value in self._data.items()}
        if claims:
            changes = self._login_of(claims)
        else:
            changes = {"claims": {name: None for name in self._claims}, **self._limits()}
        # By the server itself, where the user changes.
        is_renewed = claims or "sub" in self._claims
        try:
            # First what was there goes: whatever fails afterwards, nobody has it any more.
            _, head, _ = client.send("PUT", "/session", dumps(data).encode("utf-8"), stored.token)
            stored.record["data"] = data
            stored.seen = None
            stored.answered(head)
            if changes != {"claims": {}}:
                body = dumps(changes).encode("utf-8")
                _, head, answer = client.send("PATCH", "/session", body, stored.token)
                stored.answered(head)
                self._take(json.loads(answer))
            if not is_renewed:
                self._take_new_token()
        except SessionGone as error:
            self._is_over = error.reason == "renewed" and not claims
            if not self._is_over:
                self._create({"claims": claims})
            return
        self._is_cleared = False
        self._watch()

    def _end_empty(self):
        """As in Flask, a session that has become empty is over, if nobody has put something in."""
        stored = self._stored
        if stored.version is None:
            self._send_changes()
            return
        try:
            when = [("If-Match", stored.version)]
            stored.client.send("DELETE", "/session", None, stored.token, when)
        except SessionGone:
            pass
        except Refused as error:
            if error.status != 412:
                raise
            self._send_changes()
            return
        self._forget()
        self._cookie = "delete"

    def _at_once(self, key, body, do):
        self._change()
        self.flush()
        if self._stored is not None and not self._is_over:
            stored = self._stored
            try:
                text = dumps(body).encode("utf-8")
                answer = stored.client.send("PATCH", "/session" + _key(key), text, stored.token)
            except SessionGone:
                self._end_here()
            else:
                text = answer[2].decode("utf-8")
                stored.answered(answer[1])
                stored.data[key] = json.loads(text)
                self._data[key] = self._interface.untag(text)
                return self._data[key]
        do(self._data)
        self._touched.add(key)
        self.flush()
        return self._data[key]

    def _take_new_token(self):
        stored = self._stored
        _, head, _ = stored.client.send("POST", "/session/renew", None, stored.token)
        stored.answered(head)
        self._id = _id_in(stored.token.value)
        self._cookie = "set"

    def _take(self, record):
        self._id = record["id"]
        self._claims = record["claims"]
        self._permanent = self._was_permanent = record["permanent"]
        self._lifetime_ends_at = record["lifetimeEndsAt"]
        self._cookie = "set"

    def _watch(self):
        """All has been sent. What is a list or an object may change again without being asked for."""
        self._touched = {key for key, value in self._data.items() if type(value) not in _ATOMS}

    def _forget(self):
        self._stored = self._id = None
        self._claims = {}
        self._permanent = self._was_permanent = False
        self._is_cleared = self._is_over = False
        self._touched.clear()

    def _end_here(self):
        """Somebody has ended or renewed the session meanwhile, and that is final: what this request
        still writes goes nowhere, and its response leaves the browser's cookie alone."""
        self._is_over = True
        self._cookie = None

    def _max_age(self):
        """Up to the end of the lifetime; None for a cookie that ends with the browser."""
        if not self._permanent or self._lifetime_ends_at is None:
            return None
        left = _time_of(self._lifetime_ends_at) - datetime.now(timezone.utc)
        return min(_LONGEST_S, max(0, ceil(left.total_seconds())))

    _was_permanent = False


_FLASK_LIFETIME_S = 31 * 24 * 60 * 60


class _FlaskInterface:
    """What `app.session_interface` is, on top of Flask's own `SessionInterface`."""

    def __init__(self, client):
        from flask.sessions import session_json_serializer

        self.client = client
        # For what is no JSON: tuples, bytes, dates, UUIDs, Markup, and what an app registers here.
        self.serializer = session_json_serializer

    def open_session(self, app, request):
        return Session(self, app, request)

    def save_session(self, app, session, response):
        # Flask's way, where an app asks for it: with each change, and each time where it is permanent.
        was_accessed = session.accessed
        is_due = app.config["SESSION_REFRESH_EACH_REQUEST"] and self.should_set_cookie(app, session)
        if not (was_accessed or session.modified or is_due):
            session.accessed = False
            return
        response.vary.add("Cookie")
        session.flush()
        cookie = session._cookie
        if cookie is None and is_due and session._stored is not None and not session._is_over:
            cookie = "set"
        if cookie is None:
            return
        session._cookie = None
        name = self._cookie_name(app, session._request)
        attributes = self._cookie_attributes(app, session._request)
        # Whatever else has set a cookie of this name: a browser takes the last, a proxy any.
        _drop_set_cookie(response.headers, name)
        if cookie == "delete":
            response.delete_cookie(name, **attributes)
            return
        max_age = session._max_age()
        expires = None if max_age is None else datetime.now(timezone.utc) + timedelta(0, max_age)
        lasts = {"max_age": max_age, "expires": expires}
        response.set_cookie(name, session._stored.token.value, **lasts, **attributes)

    def find_token(self, session):
        """The token in the request's cookie, a `_Secret`; None where there is none, or two that differ."""
        request = session._request
        cookies = request.environ.get("HTTP_COOKIE")
        if not cookies:
            return None
        name = self._cookie_name(session._app, request)
        if name not in cookies:
            return None
        found = set()
        for pair in cookies.split(";"):
            key, _, value = pair.partition("=")
            if key.strip(" \t") == name:
                found.add(value.strip(" \t"))
        token = found.pop() if len(found) == 1 else ""
        return _Secret(token) if _LIKE_A_TOKEN.fullmatch(token) else None

    def tag(self, value, app):
        """The value as plain JSON, with Flask's tags for what is none."""
        kind = type(value)
        if kind in _ATOMS:
            if kind is float and value - value != 0:
                raise ValueError("JSON has no infinite number and no NaN")
            return value
        if kind is list or self._passes(value, list):
            return [self.tag(item, app) for item in value]
        if kind is dict or self._passes(value, dict):
            return {_quote_key(_json_key(key)): self.tag(item, app) for key, item in value.items()}

        def default(item):
            plain = app.json.default(item)
            # Inside of a tagged value everything is as Flask alone has it.
            return self.tag(plain, app) if item is value else self.serializer.tag(plain)

        tagged = json.dumps(self.serializer.tag(value), default=default, allow_nan=False)
        return json.loads(tagged)

    def _passes(self, value, kind):
        """Whether it is one of a class derived from these, for which there is no tag."""
        if not isinstance(value, kind):
            return False
        tags = (tag for tag in self.serializer.order if tag.check(value))
        return type(next(tags, None)).__module__ == "flask.json.tag"

    def untag(self, text):
        value = json.loads(text)
        return self.restore(value) if _may_have_marks(text) else value

    def restore(self, value):
        """The opposite of `tag`."""
        kind = type(value)
        if kind is list:
            return [self.restore(item) for item in value]
        if kind is not dict:
            return value
        if _is_tagged(value) and next(iter(value)) in self.serializer.tags:
            try:
                return self.serializer.loads(json.dumps(value))
            except Exception:
                pass  # somebody else's, that only looks like a tag
        return {_unquote_key(key): self.restore(item) for key, item in value.items()}

    def _cookie_name(self, app, request):
        """As Coatcheck names its own: over https with the strictest prefix that fits."""
        name = self.get_cookie_name(app)
        if not (request.is_secure or self.get_cookie_secure(app)) or name.startswith("__"):
            return name
        if self.get_cookie_domain(app) or self.get_cookie_path(app) != "/":
            return "__Secure-" + name
        return ("__Host-Http-" if self.get_cookie_httponly(app) else "__Host-") + name

    def _cookie_attributes(self, app, request):
        attributes = {
            "path": self.get_cookie_path(app),
            "domain": self.get_cookie_domain(app),
            "secure": bool(request.is_secure or self.get_cookie_secure(app)),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        if app.config.get("SESSION_COOKIE_PARTITIONED"):
            attributes["partitioned"] = True
        return attributes


_LIKE_A_TOKEN = re.compile(r"(?:[a-z0-9-]{1,32}~)?[A-Za-z0-9_-]{16,128}\.[A-Za-z0-9_-]{16,128}")


def _json_key(key):
    return key if type(key) is str else next(iter(json.loads(json.dumps({key: 0}))))


def _id_in(token):
    return token.rpartition(".")[0].rpartition("~")[2]


def _device(request):
    """What a list of log-ins shows of the visitor, who is not the one that asks here."""
    device = {}
    try:
        device["address"] = str(ip_address(request.remote_addr or ""))
    except ValueError:
        pass  # over a unix socket there is none, and proxies tell others
    agent = request.headers.get("User-Agent")
    if agent:
        device["userAgent"] = agent
    return device


def _drop_set_cookie(headers, name):
    cookies = headers.getlist("Set-Cookie")
    kept = [cookie for cookie in cookies if cookie.partition("=")[0].strip() != name]
    if len(kept) < len(cookies):
        headers.remove("Set-Cookie")
        for cookie in kept:
            headers.add("Set-Cookie", cookie)


# --- Django ---------------------------------------------------------------------------------------


def __getattr__(name):
    # Django asks the module of SESSION_ENGINE for this class; nobody else needs Django.
    if name == "SessionStore":
        return _session_store()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# So long a browser keeps a cookie at most.
_LONGEST_S = 400 * 24 * 60 * 60
_USER = "_auth_user_id"
_EXPIRY = "_session_expiry"
_OTHER = " p"  # the tag of a value that is no JSON, for serializers other than Django's own


class _DjangoStore:
    """What Django's `SessionStore` does, on top of its `SessionBase`.

    The key in Django's cookie is a secret, so a session is kept under its SHA-256. Saved is what has
    changed since it was read. Whom `django.contrib.auth` has logged in is the session's `claims.sub`.
    """

    _stored = None  # as it was read, or made; None where neither has happened

    @classmethod
    def get_client(cls):
        """The client by Django's settings, for what is not about the session of the request."""
        from django.conf import settings

        names = ("COATCHECK_URL", "COATCHECK_API_KEY", "COATCHECK_API_KEY_FILE", "COATCHECK_TIMEOUT")
        return _shared_client(tuple((name, _Secret(getattr(settings, name, None))) for name in names))

    @classmethod
    def clear_expired(cls):
        """Nothing to do: Coatcheck sweeps by itself."""

    @classmethod
    async def aclear_expired(cls):
        pass

    def load(self):
        if self.session_key is None:
            return {}
        try:
            self._stored = _Stored.read(self.get_client(), _path_of(self.session_key))
        except SessionGone:
            self._session_key = self._stored = None
            return {}
        return self._decode(self._stored.parse()["data"])

    def exists(self, session_key):
        if not session_key:
            return False
        session_key = _Secret(session_key)
        try:
            self.get_client().send("HEAD", _path_of(session_key.value) + "?touch=false")
        except Refused as error:
            if error.status not in (404, 410):
                raise
            return False
        return True

    def create(self):
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self.save(must_create=True)
            except self._create_error:
                continue
            self.modified = True
            return

    def save(self, must_create=False):
        if self.session_key is None:
            return self.create()
        if must_create:
            return self._insert(self._encode(self._get_session(no_load=True)))
        values = self._get_session()
        if self.session_key is None:  # it was there no more when it was loaded
            return self.create()
        if self.get_expiry_age() <= 0:
            return self.delete()
        try:
            if self._stored is None:
                # Its values were put in unread: they are compared with what is there now.
                self._stored = _Stored.read(self.get_client(), _path_of(self.session_key))
            mine = self._encode(values)
            if _sub_of(mine) != self._stored.record["claims"].get("sub"):
                return self._move(mine)
            before = self._stored.data
            changed = {key: mine.get(key, _MISSING) for key in {**before, **mine}}
            has_expiry = _are_same(before.get(_EXPIRY, _MISSING), mine.get(_EXPIRY, _MISSING))
            # Also where nothing has changed: Django wants to know whether it is still there.
            self._stored.change(changed, None if has_expiry else self._limits(), always=True)
        except SessionGone:
            raise self._update_error from None

    def delete(self, session_key=None):
        session_key = _Secret(session_key or self.session_key)
        if not session_key.value:
            return
        try:
            self.get_client().send("DELETE", _path_of(session_key.value))
        except SessionGone:
            pass

    def cycle_key(self):
        values = self._session
        if self.session_key is None or self._stored is None:
            return super().cycle_key()
        try:
            self._move(self._encode(values))
        except SessionGone:
            raise self._interrupted("The session was ended before its key could be changed.") from None
        self.modified = True

    async def acycle_key(self):
        from asgiref.sync import sync_to_async

        await sync_to_async(self.cycle_key)()

    def _insert(self, mine):
        """Under the session's key, which must be new."""
        self._stored = None
        if self.get_expiry_age() <= 0:
            return
        sub = _sub_of(mine)
        claims = {} if sub is None else {"sub": sub}
        # The device would be this server.
        body = {"data": mine, "claims": claims, "device": {}, **self._limits()}
        path = _path_of(self.session_key)
        try:
            _, head, text = self.get_client().send(
                "PUT", path, dumps(body).encode("utf-8"), None, [("If-None-Match", "*")]
            )
        except Refused as error:
            if error.status not in (410, 412):
                raise
            raise self._create_error from None
        self._stored = _Stored(self.get_client(), path, None, text.decode("utf-8"), head)

    def _move(self, mine):
        """Gives the session another key and, it may be, another user; the old key is dead. What others
        have written under it meanwhile comes along. Raises `SessionGone` where one has logged out."""
        old = self._stored
        while True:
            self._session_key = self._get_new_session_key()
            try:
                self._insert(mine)
                break
            except self._create_error:
                continue
        try:
            while True:
                if old.version is not None:
                    try:
                        when = [("If-Match", old.version)]
                        old.client.send("DELETE", old.path, None, None, when)
                        return
                    except Refused as error:
                        if error.status != 412:
                            raise
                before = old.data
                old.read_again()
                mine = merge_objects(before, mine, old.data)
                now = self._stored.data
                self._stored.change({key: mine.get(key, _MISSING) for key in {**now, **mine}})
                self._session_cache = self._decode(json.loads(json.dumps(mine)))
        except SessionGone:
            self.delete()
            raise

    def _limits(self):
        """The expiry as Coatcheck has it: so long without a request, and so long at all."""
        age = min(self.get_expiry_age(), _LONGEST_S)
        if isinstance(self.get(_EXPIRY), (str, datetime)):
            # At that time, however much it is used.
            return {"idleTimeout": age, "lifetime": age, "lifetimeFrom": "now"}
        return {"idleTimeout": age, "lifetime": None}

    def _encode(self, values):
        """As plain JSON. What a serializer of another kind than JSON's made of a value is tagged and
        signed."""
        serializer = self.serializer()
        if _makes_json(serializer):
            return _with_inner_keys(_quote_key, json.loads(serializer.dumps(values)))
        sign = self._signer().sign
        return {
            key: _with_keys(_quote_key, value)
            if _is_plain(value)
            else {_OTHER: sign(b64encode(serializer.dumps(value)).decode("ascii"))}
            for key, value in values.items()
        }

    def _decode(self, data):
        """The opposite."""
        is_of_django = self.serializer is self._json_serializer
        serializer = self.serializer()
        if is_of_django or _makes_json(serializer):
            data = _with_inner_keys(_unquote_key, data)
            try:
                return data if is_of_django else serializer.loads(json.dumps(data).encode("latin-1"))
            except Exception:
                return data  # as another serializer has kept it
        unsign = self._signer().unsign
        values = {}
        for key, value in data.items():
            if _is_tagged(value) and _OTHER in value:
                try:
                    # Unpickling runs what it is given: never what this application has not signed.
                    value = serializer.loads(b64decode(unsign(str(value[_OTHER]))))
                except Exception:
                    # As in Django, nothing at all is there, also where a class is no more.
                    _log_corrupted()
                    continue
            else:
                value = _with_keys(_unquote_key, value)
            values[key] = value
        return values


@lru_cache(maxsize=None)
def _session_store():
    from django.contrib.sessions.backends.base import CreateError, SessionBase, UpdateError
    from django.contrib.sessions.exceptions import SessionInterrupted
    from django.core.signing import JSONSerializer, Signer
    from django.utils.crypto import get_random_string

    class SessionStore(_DjangoStore, SessionBase):
        _create_error = CreateError
        _update_error = UpdateError
        _interrupted = SessionInterrupted
        _json_serializer = JSONSerializer
        # Without a time: what has not changed is to be signed alike.
        _signer = staticmethod(partial(Signer, salt="coatcheck.SessionStore"))

        def _get_new_session_key(self):
            # Whether it is new shows when the session is created.
            return get_random_string(32, "abcdefghijklmnopqrstuvwxyz0123456789")

    SessionStore.__module__ = __name__
    SessionStore.__qualname__ = "SessionStore"
    return SessionStore


@lru_cache(maxsize=None)
def _shared_client(settings):
    values = dict(settings)
    return _client_by(lambda name: values[name].value)


def _path_of(session_key):
    digest = hashlib.sha256(session_key.encode("utf-8")).digest()
    return "/sessions/" + urlsafe_b64encode(digest).decode("ascii").rstrip("=")


def _sub_of(mine):
    """None where nobody is logged in, or by a name that a claim cannot have."""
    sub = mine.get(_USER)
    fits = isinstance(sub, str) and sub == sub.strip() and sub.isprintable()
    return sub if fits and 0 < len(sub.encode("utf-8")) <= 255 else None


def _makes_json(serializer):
    try:
        return json.loads(serializer.dumps({"a": [None, True]})) == {"a": [None, True]}
    except ValueError:
        return False


def _log_corrupted():
    logging.getLogger("django.security.SuspiciousSession").warning("Session data corrupted")


def _is_plain(value):
    """Whether JSON gives it back as it is."""
    if type(value) is list:
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(type(key) is str and _is_plain(item) for key, item in value.items())
    return type(value) in _ATOMS


def _time_of(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
