# SPDX-License-Identifier: Apache-2.0
"""Lambda's Runtime API as a double: hands out the test's events, keeps what comes back.

    with RuntimeApi() as api:
        ... start a runtime with AWS_LAMBDA_RUNTIME_API=api.host ...
        answer = api.invoke({"script": "..."}, left_s=12)
        answer.kind == "response" and answer.json()["statusCode"] == 200
"""

import http.server
import json
import queue
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field

PREFIX = "/2018-06-01/runtime"


@dataclass
class Answer:
    """What the runtime posted for one event: kind is "response" or "error"."""
    request_id: str
    kind: str
    body: bytes
    headers: dict

    def json(self):
        return json.loads(self.body)


@dataclass
class _Invocation:
    payload: bytes
    headers: dict
    request_id: str
    answer: queue.Queue = field(default_factory=queue.Queue)


class RuntimeApi:
    """refuse_with(status) makes the next answers be refused."""

    def __init__(self):
        self.init_errors = queue.Queue()
        self.connections = 0
        self._refusals = []
        self._waiting = queue.Queue()
        self._running = {}
        self._stopped = threading.Event()
        self._server = None

    def __enter__(self):
        api = self

        class Handler(_Handler):
            runtime_api = api

        self._server = _Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def host(self):
        return "127.0.0.1:%d" % self._server.server_address[1]

    def post(self, event, left_s=60, trace=None, request_id=None):
        """Queues an event: bytes as they are, anything else as JSON."""
        request_id = request_id or str(uuid.uuid4())
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Invoked-Function-Arn":
                "arn:aws:lambda:us-east-1:000000000000:function:test",
        }
        if left_s is not None:
            headers["Lambda-Runtime-Deadline-Ms"] = str(int((time.time() + left_s) * 1000))
        if trace:
            headers["Lambda-Runtime-Trace-Id"] = trace
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        invocation = _Invocation(payload, headers, request_id)
        self._running[request_id] = invocation
        self._waiting.put(invocation)
        return invocation

    def invoke(self, event, wait_s=60, **options):
        """Queues an event and waits for its Answer."""
        invocation = self.post(event, **options)
        try:
            return invocation.answer.get(timeout=wait_s)
        except queue.Empty:
            raise AssertionError(f"no answer within {wait_s} s") from None

    def refuse_with(self, *statuses):
        self._refusals.extend(statuses)

    def _next(self):
        while not self._stopped.is_set():
            try:
                return self._waiting.get(timeout=0.1)
            except queue.Empty:
                pass
        return None

    def _take(self, path, body, headers):
        """Keeps what was posted. The status to answer with."""
        if path == "/init/error":
            self.init_errors.put(Answer("", "init error", body, headers))
            return 202
        parts = path.split("/")
        if len(parts) != 4 or parts[1] != "invocation" or parts[3] not in ("response", "error"):
            return 404
        if self._refusals:
            return self._refusals.pop(0)
        invocation = self._running.pop(parts[2], None)
        if not invocation:
            return 400
        invocation.answer.put(Answer(parts[2], parts[3], body, headers))
        return 202


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A runtime killed in the middle of a request is nothing to report."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a reply goes out in two pieces
    runtime_api = None

    def setup(self):
        super().setup()
        self.runtime_api.connections += 1

    def do_GET(self):
        if self.path != PREFIX + "/invocation/next":
            self._reply(404, b"{}")
            return
        invocation = self.runtime_api._next()
        if invocation is None:
            self.close_connection = True
            return
        self._reply(200, invocation.payload, invocation.headers)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        status = self.runtime_api._take(self.path.removeprefix(PREFIX), body,
                                        {name.lower(): value
                                         for name, value in self.headers.items()})
        text = b'{"status": "OK"}' if status == 202 else b'{"errorMessage": "refused by the test"}'
        self._reply(status, text)

    def _reply(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
