# SPDX-License-Identifier: Apache-2.0
"""Functions that are servers: events in, requests to a web application of the image, answers out.

The application is e2e/echo_server.c, which stands for whatever framework the image has; it is
tried in an image with nothing else and in one with a shell, and with both supervisors, of which
the foreign one is run by qemu.
"""

import base64
import os
import platform
import signal
import socket
import subprocess
import tempfile
import time
import unittest

from tests.support.supervised_function import MACHINES, Function, require_namespaces

SOURCE = os.path.join("tests", "e2e", "echo_server.c")
BUILT = {}  # for this machine


def setUpModule():
    require_namespaces()
    folder = tempfile.TemporaryDirectory(prefix="skiff-server-")
    unittest.addModuleCleanup(folder.cleanup)
    BUILT["server"] = os.path.join(folder.name, "server")
    native = {machine: name for name, machine in MACHINES.items()}[platform.machine()]
    subprocess.run([f"build/sysroot/supervisor/{native}/bin/musl-gcc", "-O1", "-D_GNU_SOURCE", "-static",
                    SOURCE, "-o", BUILT["server"]], check=True)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def v1(method, path, **more):
    return {"httpMethod": method, "path": path, "headers": {}, "queryStringParameters": None,
            "body": None, "isBase64Encoded": False, "requestContext": {"stage": "prod"}, **more}


def v2(method, path, **more):
    return {"version": "2.0", "rawPath": path, "rawQueryString": "",
            "requestContext": {"http": {"method": method, "path": path}},
            "isBase64Encoded": False, **more}


class ServerCase(unittest.TestCase):
    architecture = "amd64"

    def function(self, *words, port=None, config=None, **options):
        port = port or free_port()
        config = {"supervisor": {"mode": "http", "port": port}, **(config or {})}
        function = Function(self.architecture, config=config,
                            command=["/opt/server", *words], **options)
        function.add_program(BUILT["server"], "opt/server")
        function.port = port
        return function

    def response(self, answer):
        self.assertEqual(answer.kind, "response", answer.body)
        return answer.json()

    def fails(self, answer, error_type, words):
        self.assertEqual(answer.kind, "error", answer.body)
        self.assertEqual(answer.json()["errorType"], error_type)
        self.assertIn(words, answer.json()["errorMessage"])


class Mapping:
    """What is the same in every image."""

    options = {}

    def setUp(self):
        self.made = self.function(**self.options)
        self.made.__enter__()
        self.addCleanup(self.made.__exit__)

    def echo(self, event, **options):
        answer = self.made.invoke(event, **options)
        body = answer.body.decode()
        if "statusCode" in body:
            body = answer.json()["body"]
        head, _, rest = body.partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        return first, {line.lower() for line in lines}, rest

    def test_any_event_is_posted_and_the_body_comes_back_as_it_is(self):
        for event in (b'{ "a": 1}', b"no JSON", b'[{"httpMethod": "GET"}]'):
            first, lines, body = self.echo(event, trace="Root=1-2", request_id="id-9")
            self.assertEqual((first, body), ("POST / HTTP/1.1", event.decode()))
            self.assertLessEqual({"content-type: application/json", f"content-length: {len(event)}",
                                  "x-amzn-trace-id: root=1-2",
                                  "lambda-runtime-aws-request-id: id-9"}, lines)
            self.assertFalse([line for line in lines if line.startswith(("accept", "expect"))])

    def test_a_request_of_the_first_format_arrives(self):
        first, lines, body = self.echo(v1(
            "PATCH", "/echo/a b?#%41%zz\u00fc", headers={"X-One": "1", "Host": "api.example"},
            multiValueHeaders={"X-One": ["1", "2"], "Host": ["api.example"], "X-None": [""],
                               "Connection": ["close"], "Content-Length": ["99"], "Bad Name": ["x"],
                               "X-Split": ["a\r\nX-Evil: 1"],
                               "Lambda-Runtime-Aws-Request-Id": ["forged"]},
            multiValueQueryStringParameters={"q": ["a&b", "c d"], "\u00e9": ["="]},
            queryStringParameters={"q": "c d"}, body="text"), request_id="id-1")
        self.assertEqual(first, "PATCH /echo/a%20b%3F%23%41%25zz%C3%BC?q=a%26b&q=c%20d&%C3%A9=%3D "
                                "HTTP/1.1")
        self.assertEqual(body, "text")
        self.assertLessEqual({"x-one: 1", "x-one: 2", "host: api.example", "content-length: 4",
                              "lambda-runtime-aws-request-id: id-1"}, lines)
        self.assertIn("x-none:", {line.strip() for line in lines})
        for word in ("evil", "forged", "connection:", "content-length: 99", "bad name"):
            self.assertFalse([line for line in lines if word in line], word)

    def test_a_request_of_the_second_format_arrives(self):
        body = base64.b64encode(b"a\0b").decode()
        first, lines, rest = self.echo(v2(
            "POST", "/echo", rawQueryString="a=1&b=%20&c=x y", cookies=["s=1", "t=2"],
            headers={"content-type": "text/x", "host": "url.example"}, body=body,
            isBase64Encoded=True))
        self.assertEqual(first, "POST /echo?a=1&b=%20&c=x%20y HTTP/1.1")
        self.assertEqual(rest, "a\0b")
        self.assertLessEqual({"cookie: s=1; t=2", "content-type: text/x", "host: url.example",
                              "content-length: 3"}, lines)

    def test_an_empty_body_is_announced_where_one_is_expected(self):
        for method, has_length in (("POST", True), ("PUT", True), ("GET", False)):
            for body in ("", None):
                _, lines, rest = self.echo(v1(method, "/echo", body=body))
                self.assertEqual(("content-length: 0" in lines, rest), (has_length, ""), method)

    def test_answers_take_the_form_of_their_event(self):
        self.assertEqual(self.response(self.made.invoke(v2("GET", "/text"))), {
            "statusCode": 200, "headers": {"Content-Type": "text/plain; charset=utf-8"},
            "cookies": [], "body": "gr\u00fc\u00df dich", "isBase64Encoded": False})
        self.assertEqual(self.response(self.made.invoke(v1("GET", "/missing"))), {
            "statusCode": 404, "headers": {"X-Reason": "none"},
            "multiValueHeaders": {"X-Reason": ["none"]}, "body": "no such thing",
            "isBase64Encoded": False})
        response = self.response(self.made.invoke(v2("GET", "/binary")))
        self.assertEqual((response["body"], response["isBase64Encoded"]),
                         (base64.b64encode(b"\x89PNG\r\n\x1a\n\xff").decode(), True))
        response = self.response(self.made.invoke(v2("GET", "/cookies")))
        self.assertEqual(response["cookies"], ["a=1; Path=/", "b=2"])
        self.assertEqual(response["headers"], {"X-Many": "1, 2", "X-Empty": ""})
        response = self.response(self.made.invoke(v1("GET", "/cookies")))
        self.assertEqual(response["multiValueHeaders"],
                         {"Set-Cookie": ["a=1; Path=/", "b=2"], "X-Many": ["1", "2"],
                          "X-Empty": [""]})
        self.assertEqual(response["headers"]["X-Many"], "2")
        balanced = {"requestContext": {"elb": {}}, "multiValueQueryStringParameters": None,
                    "body": ""}
        response = self.response(self.made.invoke(v1("GET", "/cookies", **balanced)))
        self.assertEqual(response, {
            "statusCode": 200, "isBase64Encoded": False, "body": "",
            "headers": {"Set-Cookie": "a=1; Path=/", "set-Cookie": "b=2", "X-Many": "1, 2",
                        "X-Empty": ""}})
        response = self.response(self.made.invoke(v1("HEAD", "/text", **balanced)))
        self.assertEqual((response["statusCode"], response["body"]), (200, ""))
        for method, path, status, name in (("HEAD", "/text", 200, "X-Length"),
                                           ("GET", "/moved", 302, "Location"),
                                           ("GET", "/early", 200, "X-Late"),
                                           ("DELETE", "/thing", 204, None)):
            response = self.response(self.made.invoke(v2(method, path)))
            self.assertEqual((response["statusCode"], list(response["headers"])),
                             (status, [name] if name else []), path)


class MappingAmd64Scratch(Mapping, ServerCase):
    options = {"busybox": None}


class MappingArm64Scratch(Mapping, ServerCase):
    architecture = "arm64"
    options = {"busybox": None}


class MappingScript(Mapping, ServerCase):
    """The server is started by a script."""
    options = {"config": {"init_script": "start.sh"},
               "files": {"var/task/start.sh": "exec /opt/server"}}

    def function(self, **options):
        config = options.pop("config")
        config["supervisor"] = {"mode": "http", "port": free_port()}
        return super().function(config=config, **options)


class ServerTest(ServerCase):
    def server_pid(self, function):
        """On this machine."""
        found = []
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                root = os.readlink(f"/proc/{name}/root")
                with open(f"/proc/{name}/cmdline", "rb") as file:
                    if root == function.root and file.read().startswith(b"/opt/server"):
                        found.append(int(name))
            except OSError:
                pass
        self.assertEqual(len(found), 1)
        return found[0]

    def test_the_server_starts_before_the_first_event_and_once(self):
        with self.function("100") as function:
            for _ in range(3):
                self.response(function.invoke(v2("GET", "/text")))
            self.assertEqual(function.stderr().count("listening as"), 1)
            self.assertEqual(function.stdout(), "")

    def test_the_port_is_that_of_the_image_where_nothing_is_said(self):
        port = free_port()
        with self.function(config={"supervisor": {"mode": "http"}},
                           environment={"PORT": str(port)}) as function:
            self.response(function.invoke(v2("GET", "/text")))

    def test_a_server_that_ends_is_an_error_and_starts_again(self):
        with self.function() as function:
            self.response(function.invoke(v2("GET", "/text")))
            self.fails(function.invoke(v2("POST", "/", body="exit now")), "Skiff.ServerFailed",
                       "the server exited with code 3 while it had an event to answer")
            self.response(function.invoke(v2("GET", "/text")))
            os.kill(self.server_pid(function), signal.SIGKILL)
            time.sleep(0.05)
            self.response(function.invoke(v2("GET", "/text")))
            self.assertIn("the server was killed by signal 9 (Killed) between two events: it is "
                          "started again", function.log("WARNING"))
            self.assertEqual(function.stderr().count("listening as"), 3)

    def test_an_event_that_takes_too_long_ends_the_server(self):
        with self.function() as function:
            answer = function.invoke(v2("GET", "/hang"), left_s=1.5)
            self.fails(answer, "Skiff.Timeout", "GET /hang: ")
            self.assertIn("starts anew", answer.json()["errorMessage"])
            self.response(function.invoke(v2("GET", "/text")))

    def test_a_direct_event_refused_is_a_function_error(self):
        with self.function() as function:
            self.fails(function.invoke({"please": "fail"}), "Skiff.ServerRefused",
                       "the server answered POST / with status 500: it is broken")
            self.assertEqual(self.response(function.invoke(
                v2("POST", "/", body="fail")))["statusCode"], 500)

    def test_answers_have_their_limit(self):
        with self.function() as function:
            self.fails(function.invoke({"please": "large"}), "Skiff.LimitExceeded",
                       "the answer has more than the 6291456 bytes Lambda takes")
            self.response(function.invoke(v2("GET", "/text")))

    def test_a_request_that_cannot_be_made_is_refused(self):
        with self.function() as function:
            for event, words in ((v1("GET /evil", "/"), "event: 'GET /evil' is no method"),
                                 (v2("GET", "/", body="*", isBase64Encoded=True),
                                  "event.body: not base64"),
                                 (v1("GET", "/", body=7), "event.body: not a string")):
                self.fails(function.invoke(event), "Skiff.InvalidEvent", words)

    def init_error(self, function, error_type, words):
        with function:
            error = function.api.init_errors.get(timeout=20).json()
            self.assertEqual(error["errorType"], error_type)
            self.assertIn(words, error["errorMessage"])
            self.assertEqual(function.wait(), 1)

    def test_a_server_that_cannot_start_fails_before_any_event(self):
        broken = {"files": {"var/task/s.sh": "echo no way; exit 4"}}
        port = free_port()
        config = {"supervisor": {"mode": "http", "port": port}, "init_script": "s.sh"}
        self.init_error(self.function(config=config, **broken), "Skiff.ServerFailed",
                        f"the server exited with code 4 before it listened on port {port}")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.init_error(self.function(port=port), "Skiff.ServerFailed",
                            f"port {port} is taken before the server has started")
        self.init_error(self.function(config={"supervisor": {"mode": "http", "port": 0}}),
                        "Skiff.InvalidConfiguration", "supervisor.port: '0' is not a number")
        self.init_error(self.function(config={"supervisor": {"mode": "other"}}),
                        "Skiff.InvalidConfiguration", "supervisor.mode: 'other' is neither")
        self.init_error(self.function(config={"supervisor": {"mode": "none"}}),
                        "Skiff.InvalidConfiguration", "supervisor.mode: none, and yet")

    def test_outside_of_lambda_the_server_is_simply_there(self):
        function = self.function()
        self.addCleanup(function.remove)
        running = function.start_outside(stdout=subprocess.PIPE)
        self.addCleanup(running.kill)
        self.assertRegex(running.stdout.readline(), rb"^listening as 1\n$")
        with socket.create_connection(("127.0.0.1", function.port)) as connection:
            connection.sendall(b"GET /text HTTP/1.1\r\nHost: x\r\n\r\n")
            with connection.makefile("rb") as answer:
                self.assertIn(b"200 OK", answer.read())
        running.kill()
        running.wait(timeout=30)
        running.stdout.close()


if __name__ == "__main__":
    unittest.main()
