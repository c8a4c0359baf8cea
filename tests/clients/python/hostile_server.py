"""A server of bytes: each connection plays a part that the test has written."""

import socket
import struct
import threading
import time


class HostileServer:
    """`parts`: what the first, second, ... connection plays, the last one again for all further ones. A
    part is called with the connection, a `Wire`. `requests`: the requests that came, in their order, each
    with the number of its connection."""

    def __init__(self, *parts, family=socket.AF_INET, address=("127.0.0.1", 0), tls=None):
        self.parts = parts
        self.requests = []
        self.faults = []
        self.connections = 0
        self._tls = tls
        self._lock = threading.Lock()
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.bind(address)
        self._socket.listen(128)
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self._socket.getsockname()[1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            number = self.connections
            self.connections += 1
            part = self.parts[min(number, len(self.parts) - 1)]
            threading.Thread(target=self._play, args=(part, sock, number), daemon=True).start()

    def _play(self, part, sock, number):
        try:
            if self._tls is not None:
                sock = self._tls.wrap_socket(sock, server_side=True)
            part(Wire(sock, number, self))
        except OSError:
            pass  # the client may go when it likes
        finally:
            sock.close()


class Wire:
    def __init__(self, sock, number, server):
        self.sock = sock
        self.number = number
        self._server = server
        self._rest = b""

    def read(self):
        """The next request, `(head, body)`; ends the part where the client has closed."""
        data = self._rest
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self._receive()
        head = data[:end].decode("latin-1")
        length = 0
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            if name.lower() == "content-length":
                length = int(value)
        body = data[end + 4 :]
        while len(body) < length:
            body += self._receive()
        self._rest = body[length:]
        with self._server._lock:
            self._server.requests.append((self.number, head))
        return head, body[:length]

    def write(self, data):
        self.sock.sendall(data)

    def write_slowly(self, data, pause=0.0):
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(data)):
            self.sock.sendall(data[at : at + 1])
            time.sleep(pause)

    def answer(self, body=b"{}", status="200 OK", headers=""):
        self.write(answer(body, status, headers))

    def reset(self):
        """Closes at once, without the parting that TCP has."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def hold(self):
        """Until the client closes."""
        while self.sock.recv(65536):
            pass

    def _receive(self):
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the client has closed")
        return data


def answer(body=b"{}", status="200 OK", headers=""):
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def serve(wire):
    """A server as it should be: answers each request with its path."""
    while True:
        head, _ = wire.read()
        wire.answer(b'"%b"' % head.split(" ")[1].encode())
