# SPDX-License-Identifier: Apache-2.0
"""Web frameworks from PyPI, unchanged, as functions: Flask under gunicorn and waitress, Starlette under
uvicorn.

The same requests go to each, as events of API Gateway in both formats and of a load balancer over
Lambda's Invoke, and as a browser's to the function URL, whose events skiff makes itself. All reach
one sandbox, in which the server was started once.
"""

import base64
import gzip
import hashlib
import http.client
import json
import os
import unittest
import urllib.parse

from tests.support import base_images
from tests.support.serve_case import ServeCase
from tests.support.skiff import CHECKOUT

APPLICATIONS = CHECKOUT / "tests" / "e2e" / "applications"
UPLOADED = bytes(range(256)) * 1000
BOUNDARY = "----boundary"
MULTIPART = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\ngr\u00fc\u00df dich\r\n'
             f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a b.bin"\r\n'
             "Content-Type: image/x-test\r\n\r\n").encode() + UPLOADED + f"\r\n--{BOUNDARY}--\r\n".encode()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def values(self, name):
        return [value for found, value in self.headers if found.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)


# --- the senders of events: method, path, query, headers, body -> the event, its answer -> Answer ---


def with_body(event, body):
    if body is not None:
        try:
            event["body"] = body.decode()
        except UnicodeDecodeError:
            event |= {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}
    return event


def gateway_v1(method, path, query, headers, body):
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    lists = {name: [value for other, value in pairs if other == name] for name, _ in pairs}
    many = {}
    for name, value in headers:
        many.setdefault(name, []).append(value)
    return with_body({
        "resource": "/{proxy+}", "httpMethod": method, "path": urllib.parse.unquote(path),
        "headers": dict(headers), "multiValueHeaders": many,
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": lists or None, "pathParameters": None,
        "requestContext": {"stage": "prod", "httpMethod": method, "path": "/prod" + path},
        "body": None, "isBase64Encoded": False}, body)


def load_balancer(method, path, query, headers, body):
    """Without lists, as long as nobody has switched them on; encoded as the client wrote it."""
    pairs = [pair.split("=", 1) for pair in query.split("&") if pair]
    return with_body({
        "requestContext": {"elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:x"}},
        "httpMethod": method, "path": path, "queryStringParameters": dict(pairs),
        "headers": {name.lower(): value for name, value in headers}, "body": "",
        "isBase64Encoded": False}, body)


def load_balancer_with_lists(method, path, query, headers, body):
    event = load_balancer(method, path, query, headers, body)
    del event["queryStringParameters"], event["headers"]
    pairs = [pair.split("=", 1) for pair in query.split("&") if pair]
    event["multiValueQueryStringParameters"] = {
        name: [value for other, value in pairs if other == name] for name, _ in pairs}
    event["multiValueHeaders"] = {
        name.lower(): [value for other, value in headers if other == name] for name, _ in headers}
    return event


def gateway_v2(method, path, query, headers, body):
    plain = {name.lower(): value for name, value in headers if name.lower() != "cookie"}
    cookies = [cookie for name, value in headers if name.lower() == "cookie"
               for cookie in value.split("; ")]
    event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
             "headers": plain, "isBase64Encoded": False,
             "requestContext": {"http": {"method": method, "path": path, "protocol": "HTTP/1.1"},
                                "stage": "$default"}}
    if cookies:
        event["cookies"] = cookies
    return with_body(event, body)


SENDERS = {"v1": gateway_v1, "v2": gateway_v2, "alb": load_balancer,
           "alb with lists": load_balancer_with_lists}


def answer_of(response):
    many = response.get("multiValueHeaders")
    if many is not None:
        headers = [(name, value) for name, values in many.items() for value in values]
    else:
        headers = list(response["headers"].items())
    headers += [("Set-Cookie", cookie) for cookie in response.get("cookies", [])]
    body = response["body"]
    return Answer(response["statusCode"], headers,
                  base64.b64decode(body) if response["isBase64Encoded"] else body.encode())


class Framework:
    """The requests, and what is expected of all frameworks. `ask` sends one."""

    server = None

    def setUp(self):
        super().setUp()
        self.define(name="site", memory=512, supervisor={"mode": "http"},
                    init_script=self.write("start.sh", f"exec {self.server}\n"),
                    container={"image": base_images.web(),
                               "environment": {"Variables": {"PYTHONPATH": "/srv"}},
                               "copy": [{"src": str(APPLICATIONS), "dest": "/srv"}]})
        self.serve("site", "--concurrency", "1")
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(self.connection.close)

    def ask_url(self, method, path, query="", headers=(), body=None):
        self.connection.putrequest(method, path + ("?" + query if query else ""))
        for name, value in headers:
            self.connection.putheader(name, value)
        if body is not None:
            self.connection.putheader("Content-Length", str(len(body)))
        self.connection.endheaders(body)
        answer = self.connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())

    def sender(self, make):
        def ask(method, path, query="", headers=(), body=None):
            event = make(method, path, query, [("Host", "site.example"), *headers], body)
            self.connection.request("POST", "/2015-03-31/functions/site/invocations",
                                    json.dumps(event))
            answer = self.connection.getresponse()
            text = answer.read()
            self.assertIsNone(answer.headers["X-Amz-Function-Error"], text[:1000])
            return answer_of(json.loads(text))
        return ask

    def test_requests_arrive_and_answers_come_back_whoever_sends_them(self):
        for name, make in SENDERS.items():
            with self.subTest(sender=name):
                self.check(name, self.sender(make))
        with self.subTest(sender="a function URL"):
            self.check("url", self.ask_url)
        log = self.log()
        self.assertEqual(log.count("the application is loaded"), 1, log)
        self.assertEqual(log.count("Starting the server"), 1, log)
        self.assertIn("Traceback (most recent call last):\n", log)
        self.assertIn("LookupError: broken on purpose\n", log)

    def check(self, name, ask):
        query = "a=1&a=2&b=%C3%A9%26%20x&empty="
        answer = ask("GET", "/query", query)
        expected = {"a": ["1", "2"], "b": ["\u00e9& x"], "empty": [""]}
        if name == "alb":  # which keeps the last only
            expected["a"] = ["2"]
        self.assertEqual((answer.status, answer.json()), (200, expected))
        self.assertEqual(answer.values("Content-Type"), ["application/json"])

        text = json.dumps({"n": [1, "gr\u00fc\u00df dich"]}).encode()
        answer = ask("POST", "/json", headers=[("Content-Type", "application/json")], body=text)
        self.assertEqual(answer.json(), {"read": json.loads(text)})
        answer = ask("POST", "/json", headers=[("Content-Type", "application/json")], body=b"{")
        self.assertIn(answer.status, (400, 500))
        answer = ask("POST", "/form", body=b"x=1&x=2&y=%C3%A9+z",
                     headers=[("Content-Type", "application/x-www-form-urlencoded")])
        self.assertEqual(answer.json(), {"x": ["1", "2"], "y": ["\u00e9 z"]})
        answer = ask("POST", "/upload", body=MULTIPART,
                     headers=[("Content-Type", f"multipart/form-data; boundary={BOUNDARY}")])
        self.assertEqual(answer.json(), {
            "name": "a b.bin", "type": "image/x-test", "size": len(UPLOADED),
            "sha256": hashlib.sha256(UPLOADED).hexdigest(), "note": "gr\u00fc\u00df dich"})
        large = os.urandom(3_000_000)
        self.assertEqual(ask("PUT", "/raw", body=large).body, large)
        self.assertEqual(ask("PUT", "/raw", body=b"").body, b"")

        answer = ask("GET", "/cookies", headers=[("Cookie", "c=3; d=4")])
        self.assertEqual(answer.json(), {"c": "3", "d": "4"})
        self.assertEqual([value.split(";")[0] for value in answer.values("Set-Cookie")],
                         ["a=1", "b=2"])
        answer = ask("GET", "/moved")
        self.assertEqual((answer.status, answer.values("Location")),
                         (303, ["/query?from=moved"]))
        answer = ask("GET", "/image")
        self.assertEqual((answer.values("Content-Type"), answer.body),
                         (["image/png"], bytes(range(256))))
        answer = ask("GET", "/gzip", headers=[("Accept-Encoding", "gzip")])
        self.assertEqual(answer.values("Content-Encoding"), ["gzip"])
        self.assertEqual(gzip.decompress(answer.body), b"words " * 100)
        answer = ask("GET", "/stream")
        self.assertEqual(answer.body, b"".join(b"line %d\n" % i for i in range(1000)))
        self.assertEqual(answer.values("Transfer-Encoding"), [])
        self.assertEqual(ask("GET", "/large").body, b"x" * 4_000_000)

        answer = ask("HEAD", "/image")
        self.assertEqual((answer.status, answer.body), (200, b""))
        self.assertEqual(answer.values("Content-Type"), ["image/png"])
        self.assertEqual(ask("GET", "/nowhere").status, 404)
        self.assertEqual(ask("DELETE", "/json").status, 405)
        answer = ask("GET", "/broken")
        self.assertEqual(answer.status, 500)
        self.assertIn("text/", answer.values("Content-Type")[0])

        answer = ask("GET", "/files/a%20b/%C3%A9").json()
        self.assertEqual(answer, {"name": "a b/\u00e9"})
        seen = ask("GET", "/seen", headers=[("User-Agent", "tests"),
                                            ("X-Own", "a, b")]).json()
        self.assertEqual((seen["agent"], seen["path"], seen["own"]), ("tests", "/seen", "a, b"))
        self.assertRegex(seen["id"], "^[0-9a-f-]{36}$")
        if name != "url":
            self.assertEqual((seen["host"], seen["url"]),
                             ("site.example", "http://site.example/seen"))


class FlaskUnderGunicornTest(Framework, ServeCase):
    server = 'python3 -m gunicorn --bind "127.0.0.1:$PORT" flask_app:app'


class FlaskUnderWaitressTest(Framework, ServeCase):
    server = 'python3 -m waitress --listen="127.0.0.1:$PORT" flask_app:app'


class StarletteUnderUvicornTest(Framework, ServeCase):
    server = 'python3 -m uvicorn --port "$PORT" starlette_app:app'


if __name__ == "__main__":
    unittest.main()
