# SPDX-License-Identifier: Apache-2.0
"""A proxy in front of a real registry that does harm to one request.

    with FaultProxy(registry.host, Fault("cut answer", 3)) as proxy:
        …  f"{proxy.host}/app:1"  …

Requests are counted from 0 in the order they come, over all connections. The
registry sees the proxy's host, so what it redirects to comes back here. A
fault happens `times` times, to the request with that number and to those after
it; `proxy.harmed` says to which.
"""

import http.client
import http.server
import threading
import time
from dataclasses import dataclass

BUSY = {"busy": (503, {}), "slow down": (429, {"Retry-After": "0"}),
        "slow": (408, {}), "broken": (500, {})}
FAULTS = ["cut before", "cut request", "cut head", "cut answer", "cut after", "stall before",
          "stall answer", "corrupt answer", "corrupt request", "swap answer", "swap request",
          "overtake", "throttle", *BUSY]
PIECE = 64 * 1024
STALL_SECONDS = 30  # longer than any client under test waits
OVERTAKE_SECONDS = 0.5  # that an answer waits for a later one, of which there may be none


@dataclass
class Fault:
    """What happens to a request:

    cut before      the connection closes without a word
    cut request     half of the request's body is forwarded, then both connections close
    cut head        the connection closes within the answer's headers
    cut answer      the connection closes within the answer's body
    cut after       the registry does it, and the answer is lost
    stall before    nothing is said for a long time
    stall answer    the same within the answer's body
    corrupt answer  one byte of the answer's body is another
    corrupt request one byte of the request's body is another
    swap answer     the halves of the answer's body come in the other order
    swap request    the same with the request's body
    overtake        the answer comes after that to a later request
    throttle        the answer comes in small pieces with pauses
    busy, …         the answer is 503, … and the registry is not asked
    no whole put    an upload in a single PUT is refused with 405
    """

    kind: str
    at: int
    times: int = 1
    path: str = ""  # requests without this in their path are neither harmed nor counted


class FaultProxy:
    def __init__(self, upstream, fault=None):
        self.upstream = upstream
        self.fault = fault
        self.requests = []  # (method, path)
        self.ranges = []    # the Range header of each, or None
        self.harmed = []
        self._counted = 0
        self._answered = -1  # the last request with an answer
        self._lock = threading.Lock()
        self._answers = threading.Condition(self._lock)
        self._stopping = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._server.shutdown()
        self._server.server_close()

    def _note(self, method, path, part):
        """Counts the request; its number and the kind of harm to do to it, or None."""
        with self._lock:
            number = len(self.requests)
            self.requests.append((method, path))
            self.ranges.append(part)
            if not self.fault or self.fault.path not in path:
                return number, None
            counted = self._counted
            self._counted += 1
            if not 0 <= counted - self.fault.at < self.fault.times:
                return number, None
            self.harmed.append((method, path))
            return number, self.fault.kind

    def _wait_for_a_later_one(self, number):
        with self._answers:
            self._answers.wait_for(lambda: self._answered > number, OVERTAKE_SECONDS)

    def _note_answer(self, number):
        with self._answers:
            self._answered = max(self._answered, number)
            self._answers.notify_all()

    def _handler(self):
        class Handler(_Handler):
            proxy = self

        return Handler


def swapped(body):
    half = len(body) // 2
    return body[half:] + body[:half]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *_):
        pass  # clients that go away are what this is about


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def _any(self):
        number, harm = self.proxy._note(self.command, self.path, self.headers.get("Range"))
        length = int(self.headers.get("Content-Length") or 0)
        if harm == "cut before":
            self.close_connection = True
            return
        if harm == "stall before":
            self._stall()
            return
        if harm == "no whole put" and self.command == "PUT" and "/uploads/" in self.path and length:
            self._refuse(length, 405, {})
            return
        if harm in BUSY:
            self._refuse(length, *BUSY[harm])
            return
        registry = http.client.HTTPConnection(self.proxy.upstream, timeout=STALL_SECONDS)
        try:
            if self._ask(registry, harm, length):
                answer = registry.getresponse()
                if harm == "overtake":
                    self.proxy._wait_for_a_later_one(number)
                self._answer(answer, harm)
                self.proxy._note_answer(number)
        finally:
            registry.close()

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def _refuse(self, length, status, headers):
        self.rfile.read(length)
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def _ask(self, registry, harm, length):
        """Forwards the request; whether it is to be answered."""
        registry.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            registry.putheader(name, value)
        registry.endheaders()
        if harm == "swap request":
            registry.send(swapped(self.rfile.read(length)))
            return True
        left = length // 2 if harm == "cut request" else length
        spoilt = harm == "corrupt request"
        while left > 0:
            piece = bytearray(self.rfile.read(min(left, PIECE)))
            if not piece:
                return False
            if spoilt:
                piece[0] ^= 1
                spoilt = False
            registry.send(piece)
            left -= len(piece)
        if harm == "cut request":
            self.close_connection = True
            return False
        return True

    def _answer(self, response, harm):
        body = response.read()
        if harm == "cut after":
            self.close_connection = True
            return
        head = f"HTTP/1.1 {response.status} {response.reason}\r\n".encode()
        headers = dict(response.getheaders())
        if headers.pop("Transfer-Encoding", None):
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            head += f"{name}: {value}\r\n".encode("latin-1")
        head += b"\r\n"
        if harm == "cut head":
            self.wfile.write(head[:len(head) // 2])
            self.close_connection = True
            return
        self.wfile.write(head)
        self._send_body(body, harm)

    def _send_body(self, body, harm):
        half = len(body) // 2
        if harm == "corrupt answer" and body:
            body = body[:half] + bytes([body[half] ^ 1]) + body[half + 1:]
        if harm == "swap answer":
            body = swapped(body)
        if harm == "throttle":
            for start in range(0, len(body), max(1, len(body) // 8)):
                self.wfile.write(body[start:start + max(1, len(body) // 8)])
                time.sleep(0.05)
            return
        if harm in ("cut answer", "stall answer") and body:
            self.wfile.write(body[:half])
            if harm == "stall answer":
                self._stall()
            self.close_connection = True
            return
        self.wfile.write(body)

    def _stall(self):
        self.wfile.flush()
        self.proxy._stopping.wait(STALL_SECONDS)
        self.close_connection = True

    def log_message(self, *_):
        pass
