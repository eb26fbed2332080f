# SPDX-License-Identifier: Apache-2.0
"""A registry that wants bearer tokens, and the server that hands them out.

    with TokenRegistry({"me": "a password"}) as registry:
        subprocess.run(["build/skiff", "copy", image, f"{registry.host}/team/app"], …)

One front on loopback: /token is the token server, /v2/ goes to an open docker-registry when the
token opens what is asked for. Anybody may pull from public/, users from anywhere; only users
push. Tokens open the scopes they were asked for and no more. What it names it has under the host
it was asked by, which may be that of a proxy.
"""

import base64
import http.client
import http.server
import json
import re
import secrets
import sys
import threading
from urllib.parse import parse_qs, urlsplit

from tests.support.registry_server import Registry

SERVICE = "token tests"
PATH = re.compile(r"/v2/(?P<name>.+)/(?:manifests|blobs|tags)/")
ELSEWHERE = "/elsewhere"
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "host", "content-length", "date",
               "server"}


class TokenRegistry:
    """`users`: their passwords; `identity_tokens`: whose they are. `expire(method, pattern)`: when
    the next such request comes, no token given so far is good any more. `asked`: of each
    token the grant, the user and the scopes. `secrets`: everything nobody may ever read. With
    `redirects` blobs are elsewhere, for everybody who was told where."""

    def __init__(self, users, identity_tokens=None, redirects=False):
        self.redirects = redirects
        self.users = users
        self.identity_tokens = identity_tokens or {}
        self.asked = []
        self.refused = []  # "<METHOD> <path>" of requests whose token had run out
        self.secrets = set(users.values()) | set(self.identity_tokens)
        self.echo = False  # whether refusals repeat what was sent
        self.host = None
        self.tokens = {}
        self.lock = threading.Lock()
        self._expiry = []
        self._registry = Registry(auth=False)
        self._server = None

    def __enter__(self):
        self._registry.start()
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.front = self
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
        self._registry.stop()

    @property
    def backend(self):
        return self._registry.host

    def expire(self, method, pattern):
        with self.lock:
            self._expiry.append((method, re.compile(pattern)))

    # --- what Handler asks ---

    def note_request(self, method, path):
        with self.lock:
            for expiry in self._expiry:
                if expiry[0] == method and expiry[1].search(path):
                    self._expiry.remove(expiry)
                    self.tokens.clear()
                    return

    def give(self, grant, user, scopes):
        token = secrets.token_urlsafe(24)
        with self.lock:
            self.asked.append((grant, user, scopes))
            self.tokens[token] = {scope for scope in scopes if may(user, scope)}
            self.secrets.add(token)
        return token

    def opens(self, token, name, action):
        with self.lock:
            return any(scope.split(":")[1] == name and action in scope.split(":")[2].split(",")
                       for scope in self.tokens.get(token, ()))


def may(user, scope):
    _, name, actions = scope.split(":")
    return bool(user) or (name.startswith("public/") and actions == "pull")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *where):
        if not isinstance(sys.exc_info()[1], ConnectionError):  # some clients go away
            super().handle_error(*where)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if urlsplit(self.path).path == "/token":
            self._serve_token(body)
        elif self.path.startswith(ELSEWHERE):
            self.path = self.path.removeprefix(ELSEWHERE)
            self._pass_on(body)
        else:
            self._serve_registry(body)

    def _serve_token(self, body):
        front = self.server.front
        if self.command == "POST":
            form = parse_qs(body.decode(), keep_blank_values=True)
            given = form["refresh_token"][0]
            user = front.identity_tokens.get(given)
            grant, scopes = form["grant_type"][0], form.get("scope", [""])[0].split()
            status = 400
        else:
            form = parse_qs(urlsplit(self.path).query)
            grant, scopes = "GET", form.get("scope", [])
            given = self.headers.get("Authorization", "")
            name, _, password = (base64.b64decode(given.removeprefix("Basic ")).decode()
                                 .partition(":"))
            user = name if given and front.users.get(name) == password else None
            given = given and password
            status = 401
        if form["service"] != [SERVICE] or (given and not user):
            said = given if front.echo else "no such login"
            self._answer(status, {"errors": [{"code": "UNAUTHORIZED", "message": said}]})
            return
        key = "access_token" if self.command == "POST" else "token"
        self._answer(200, {key: front.give(grant, user, scopes), "expires_in": 60})

    def _serve_registry(self, body):
        front = self.server.front
        front.note_request(self.command, self.path)
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        found = PATH.match(self.path)
        action = "pull" if self.command in ("GET", "HEAD") else "push"
        known = given in front.tokens
        if known and found and not front.opens(given, found["name"], action):
            said = given if front.echo else "not yours"
            self._answer(403, {"errors": [{"code": "DENIED", "message": said}]})
        elif not known:
            if given:
                front.refused.append(f"{self.command} {self.path}")
            realm = f"http://{self.headers['Host']}/token"
            self._answer(401, {"errors": []}, {
                "WWW-Authenticate": f'Basic realm="x", Bearer realm="{realm}",'
                                    f'service="{SERVICE}",scope="repository:wrong:pull"'})
        elif front.redirects and self.command == "GET" and "/blobs/" in self.path:
            self._answer(307, {}, {"Location": f"http://{self.headers['Host']}{ELSEWHERE}{self.path}"})
        else:
            self._pass_on(body)

    def _pass_on(self, body):
        connection = http.client.HTTPConnection(self.server.front.backend, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items()
                       if name.lower() not in HOP_HEADERS | {"authorization"}}
            connection.request(self.command, self.path, body,
                               {**headers, "Host": self.headers["Host"]})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            if name.lower() not in HOP_HEADERS:
                self.send_header(name, value)
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else None
        self.send_header("Content-Length", length or str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer(self, status, content, headers=None):
        text = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
