# SPDX-License-Identifier: Apache-2.0
"""A function behind a port: boto3, a browser's kind of requests, and AWS's own runtime client.
"""

import base64
import concurrent.futures
import http.client
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.support import base_images, process
from tests.support.serve_case import ServeCase, free_port

# A runtime in a few lines: the event says what is to happen.
RUNTIME = r"""
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
post() { wget -q -O /dev/null --header "Content-Type: $3" --post-file "$2" "$api/$1"; }
chunk() { printf '%x\r\n' "$(wc -c <"$1")"; cat "$1"; printf '\r\n'; }
stream() {
    printf '{"statusCode":201,"headers":{"X-Streamed":"yes"}}\0\0\0\0\0\0\0\0bo' >/tmp/first
    printf dy >/tmp/second
    {
        printf 'POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\n' "$1"
        printf 'Lambda-Runtime-Function-Response-Mode: streaming\r\nConnection: close\r\n'
        printf 'Content-Type: application/vnd.awslambda.http-integration-response\r\n'
        printf 'Transfer-Encoding: chunked\r\n\r\n'
        chunk /tmp/first
        chunk /tmp/second
        printf '0\r\n\r\n'
    } | nc "${AWS_LAMBDA_RUNTIME_API%:*}" "${AWS_LAMBDA_RUNTIME_API#*:}" >/dev/null
}
echo '{"errorType": "Sh.Broken", "errorMessage": "not today"}' >/tmp/broken
case $MODE in
exit) echo leaving; exit 4 ;;
error) post init/error /tmp/broken text/plain; sleep 600 ;;
esac
count=0
while :; do
    id=$(wget -S -q -O /tmp/event "$api/invocation/next" 2>&1 |
         sed -n 's/.*Aws-Request-Id: //p' | tr -d '\r')
    [ -n "$id" ] || exit 9
    count=$((count + 1))
    echo "event $count"
    type=application/json
    case $(cat /tmp/event) in
    '"fail"') post "invocation/$id/error" /tmp/broken text/plain; continue ;;
    '"exit"') exit 3 ;;
    '"large"') head -c 7000000 /dev/zero | tr '\0' 0 >/tmp/answer ;;
    '"sleep"') sleep 600 ;;
    '"count"') echo "$count" >/tmp/answer ;;
    *'"/stream"'*) stream "$id"; continue ;;
    *'"/broken"'*) echo '{"statusCode": "what"}' >/tmp/answer ;;
    *'"/slow"'*) sleep 0.5; echo '"slow"' >/tmp/answer ;;
    *'"/cookies"'*)
        echo '{"statusCode":302,"headers":{"Location":"/there"},"cookies":["a=1","b=2"]}' >/tmp/answer ;;
    *) cp /tmp/event /tmp/answer ;;
    esac
    post "invocation/$id/response" /tmp/answer "$type"
done
"""

class ServeTest(ServeCase):
    def make(self, name, mode="", timeout=20, entry_point=("/bin/sh", "-c", RUNTIME)):
        self.define(name=name, timeout=timeout, container={"image": base_images.busybox()},
                    environment={"Variables": {"MODE": mode}},
                    image_config={"entry_point": list(entry_point)})


class InvokeTest(ServeTest):
    def test_boto3_invokes(self):
        self.make("f")
        self.serve("f")
        call = {"FunctionName": "f"}
        context = base64.b64encode(b'{"custom": {"a": 1}}').decode()
        answers = self.invoke(
            {**call, "Payload": '{"n": 1}', "LogType": "Tail", "ClientContext": context},
            {**call, "Payload": '"count"'},
            {**call, "Qualifier": "$LATEST"},
            {"FunctionName": "arn:aws:lambda:local:000000000000:function:f", "Payload": "[]"},
            {**call, "Payload": '{"n": "\\u0000", "n": 12345678901234567890}'},
            {**call, "InvocationType": "DryRun"},
            {**call, "InvocationType": "Event", "Payload": '"count"'},
            {"FunctionName": "other"},
            {**call, "Payload": "{no json"},
            {**call, "Payload": '"' + "x" * 6291455 + '"'},
            {**call, "Qualifier": "7"})
        self.assertEqual([answer["status"] for answer in answers],
                         [200, 200, 200, 200, 200, 204, 202, 404, 400, 413, 404], answers)
        self.assertEqual([answer.get("payload") for answer in answers[:7]],
                         ['{"n": 1}', "2\n", "{}", "[]",
                          '{"n": "\\u0000", "n": 12345678901234567890}', "", ""])
        self.assertEqual(len({answer["id"] for answer in answers}), len(answers))
        self.assertIn(answers[0]["id"], answers[0]["log"])
        self.assertEqual(answers[0]["version"], "$LATEST")
        self.assertIsNone(answers[0]["error"])
        self.assertRegex(answers[0]["log"], r"^START RequestId: (\S+) Version: \$LATEST\n"
                         r"event 1\nEND RequestId: \1\nREPORT RequestId: \1\tDuration: \S+ ms\t"
                         r"Billed Duration: \d+ ms\tMemory Size: 512 MB\tMax Memory Used: \d+ MB\t"
                         r"Init Duration: \S+ ms\n$")
        self.assertEqual(answers[1]["log"], "")
        self.assertEqual([answer.get("code") for answer in answers[7:]],
                         ["ResourceNotFoundException", "InvalidRequestContentException",
                          "RequestEntityTooLargeException", "ResourceNotFoundException"])
        process.wait_until(lambda: f"END RequestId: {answers[6]['id']}\n" in self.log(),
                           "the event nobody waits for")

    # Function, event: what kind of error, in which words, and what the log has.
    ROWS = [
        ("f", '"fail"', "Sh.Broken", "not today", "END"),
        ("f", '"exit"', "Runtime.ExitError", "Runtime exited with error: exit status 3",
         "Runtime.ExitError\nEND"),
        ("f", '"large"', "Function.ResponseSizeTooLarge",
         "Response payload size (7000000 bytes) exceeded maximum allowed payload size "
         "(6291556 bytes).", "END"),
        ("f", '"sleep"', "Sandbox.Timedout", "Task timed out after 2.00 seconds",
         "Status: timeout\n"),
    ]
    STARTS = [
        ({"mode": "exit"}, "Runtime.ExitError", "Runtime exited with error: exit status 4",
         "leaving\nINIT_REPORT Init Duration: "),
        ({"mode": "error"}, "Sh.Broken", "not today", "Phase: init\tStatus: error"),
        ({"entry_point": ["/nothing"]}, "Runtime.InvalidEntrypoint",
         "fork/exec /nothing: no such file or directory", "Status: error"),
        ({"entry_point": ["/etc/passwd"]}, "Runtime.InvalidEntrypoint",
         "fork/exec /etc/passwd: permission denied", "Status: error"),
    ]

    def check(self, answer, kind, message, logged):
        self.assertEqual((answer["status"], answer["error"]), (200, "Unhandled"), answer)
        payload = json.loads(answer["payload"])
        self.assertEqual(payload["errorType"], kind)
        self.assertIn(message, payload["errorMessage"])
        self.assertIn(logged, answer["log"])
        self.assertIn("REPORT RequestId", answer["log"])

    def test_what_goes_wrong_is_said_in_lambdas_words(self):
        self.make("f", timeout=2)
        self.serve("f")
        calls = [{"FunctionName": name, "Payload": event, "LogType": "Tail"}
                 for name, event, *_ in self.ROWS]
        count = {"FunctionName": "f", "Payload": '"count"'}
        *answers, last = self.invoke(*calls, count)
        for row, answer in zip(self.ROWS, answers):
            with self.subTest(event=row[1]):
                self.check(answer, *row[2:])
        self.assertEqual(last["payload"], "1\n")  # a new sandbox after the time-out

    def test_functions_that_do_not_start_say_why(self):
        for number, (how, *expected) in enumerate(self.STARTS):
            with self.subTest(**how):
                name = f"f{number}"
                self.make(name, **how)
                served = self.serve(name)
                (answer,) = self.invoke({"FunctionName": name, "LogType": "Tail"})
                self.check(answer, *expected)
                process.stop(served)


class HttpTest(ServeTest):
    def test_requests_are_events_and_answers_are_responses(self):
        self.make("f")
        self.serve("f")
        status, headers, body = self.ask("/a%20b?x=1&x=2&y=%C3%A9+z", method="PUT",
                                         data=b'{"k": "v"}', headers={
                                             "Content-Type": "application/json",
                                             "Cookie": "c=1; d=2", "X-Own": "Value"})
        event = json.loads(body)
        self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
        self.assertEqual(
            {name: event.get(name) for name in ("version", "rawPath", "rawQueryString", "cookies",
                                                "queryStringParameters", "body",
                                                "isBase64Encoded")},
            {"version": "2.0", "rawPath": "/a%20b", "rawQueryString": "x=1&x=2&y=%C3%A9+z",
             "cookies": ["c=1", "d=2"], "queryStringParameters": {"x": "1,2", "y": "é z"},
             "body": '{"k": "v"}', "isBase64Encoded": False})
        self.assertEqual(
            {name: event["headers"].get(name) for name in
             ("x-own", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-port")},
            {"x-own": "Value", "x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http",
             "x-forwarded-port": str(self.port)})
        self.assertEqual(event["requestContext"]["requestId"], headers["x-amzn-RequestId"])
        self.assertIn(f"END RequestId: {headers['x-amzn-RequestId']}\n", self.log())
        context = event["requestContext"]["http"]
        self.assertEqual((context["method"], context["path"], context["sourceIp"]),
                         ("PUT", "/a%20b", "127.0.0.1"))

        status, _, body = self.ask("/", data=b"\0\xff", headers={"Content-Type": "image/png"})
        event = json.loads(body)
        self.assertEqual((event["body"], event["isBase64Encoded"]), ("AP8=", True))
        event = json.loads(self.ask("/", data=b"a=1&b=2")[2])  # a form, as forms come
        self.assertEqual((event["body"], event["isBase64Encoded"]), ("YT0xJmI9Mg==", True))
        self.assertNotIn("body", json.loads(self.ask("/")[2]))

        status, headers, body = self.ask("/stream")
        self.assertEqual((status, headers["X-Streamed"], body), (201, "yes", b"body"))
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        self.addCleanup(connection.close)
        for _ in range(2):  # on one connection
            connection.request("GET", "/cookies")
            answer = connection.getresponse()
            answer.read()
            self.assertEqual((answer.status, answer.headers["Location"]), (302, "/there"))
            self.assertEqual(answer.headers.get_all("Set-Cookie"), ["a=1", "b=2"])
        self.assertEqual(self.ask("/broken")[0], 502)
        self.assertEqual(self.ask("/", data=b"x" * 6291457)[0], 413)
        self.assertEqual(self.ask("/2015-03-31/functions/")[0], 404)
        with socket.create_connection(("127.0.0.1", self.port)) as rubbish:
            rubbish.sendall(b"\x16\x03\x01 hello\r\n\r\n")
            self.assertIn(b"400 Bad Request", rubbish.recv(1000))

    def test_a_script_answers_a_browser(self):
        self.succeed("init", "-i", base_images.busybox(), "-n", "hello", "-s",
                     self.write("s.sh", 'echo "hello $name"; cat "$INPUT_FILE_PATH"'))
        self.serve("hello")
        self.assertEqual(self.ask("/?name=world", data=b"body",
                                  headers={"Content-Type": "text/plain"})[2],
                         b"hello world\nbody")

    def test_many_requests_get_sandboxes_of_their_own(self):
        self.make("f")
        served = self.serve("f", "--concurrency", "3")
        self.ask("/")
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            answers = list(pool.map(lambda _: self.ask("/slow")[2], range(12)))
        self.assertEqual(answers, [b'"slow"\n'] * 12)
        self.assertEqual(len(children(served.pid)), 3)
        starts = len(re.findall("Init Duration", self.log()))
        self.assertEqual(starts, 3)  # all others found one warm

    def test_requests_wait_for_the_one_server_that_its_port_has_room_for(self):
        port = free_port()
        self.define(name="web", container={"image": base_images.busybox()},
                    supervisor={"mode": "http", "port": port},
                    init_script=self.write("s.sh", f"""\
                        echo page >/tmp/index.html
                        exec httpd -f -p 127.0.0.1:{port} -h /tmp
                        """))
        served = self.serve("web")
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda _: self.ask("/")[::2], range(12)))
        self.assertEqual(answers, [(200, b"page\n")] * 12, self.log())
        self.assertEqual(len(children(served.pid)), 1)
        self.fail_with(2, "serve", "web", "--concurrency", "2",
                       says=["--concurrency 2: in mode http the function is a server"])

    def test_the_end_leaves_nothing(self):
        self.make("f")
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        for busy in (False, True):
            with self.subTest(busy=busy):
                served = self.serve("f")
                self.ask("/")
                if busy:
                    waiting = socket.create_connection(("127.0.0.1", self.port))
                    self.addCleanup(waiting.close)
                    waiting.sendall(b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\n"
                                    b"Content-Length: 7\r\n\r\n\"sleep\"")
                    process.wait_until(lambda: "event 2\n" in self.log(), "a busy function")
                inside = children(served.pid)
                self.assertTrue(inside)
                served.send_signal(signal.SIGINT)
                self.assertEqual(served.wait(timeout=20), 0)
                self.assertFalse([pid for pid in inside if Path(f"/proc/{pid}").exists()])
                with self.assertRaises(ConnectionRefusedError):
                    socket.create_connection(("127.0.0.1", self.port))
        self.assertEqual(Path("/proc/self/mounts").read_text(encoding="utf-8"), mounts)

    def test_a_removed_function_is_served_on(self):
        self.make("f")
        served = self.serve("f")
        self.assertEqual(self.ask("/")[0], 200)
        roots = Path(self.environment["XDG_DATA_HOME"]) / "skiff" / "roots"
        self.succeed("rm", "-n", "f")
        call = {"FunctionName": "f"}
        answers = self.invoke({**call, "Payload": '"count"'}, {**call, "Payload": '"exit"'},
                              {**call, "Payload": '"count"'})
        self.assertEqual([answer["payload"] for answer in answers[::2]], ["2\n", "1\n"], answers)
        self.make("g")  # whoever sweeps meanwhile leaves it, too
        self.assertEqual(self.invoke({**call, "Payload": '"count"'})[0]["payload"], "2\n")
        self.assertFalse((roots.parent / "functions" / "f.log").exists())
        self.succeed("rm", "-n", "g")
        self.assertTrue(os.listdir(roots))
        process.stop(served)
        self.fail_with(1, "rm", "-n", "f", says="no function 'f' on this machine")
        self.assertEqual(os.listdir(roots), [])

    def test_trouble_of_this_machine_is_for_its_owner(self):
        self.make("f")
        self.serve("f")
        roots = Path(self.environment["XDG_DATA_HOME"]) / "skiff" / "roots"
        roots.rename(roots.with_name("elsewhere"))
        (answer,) = self.invoke({"FunctionName": "f"})
        self.assertEqual((answer["status"], answer["code"]), (500, "ServiceException"))
        self.assertNotIn("roots", answer["message"])
        self.assertIn("skiff serve says why", answer["message"])
        self.assertIn(str(roots), self.log())

    def test_wrong_words(self):
        for words, says in [
                ((), "say which function"), (("a", "b"), "serve takes NAME"),
                (("f", "--port", "70000"), "--port 70000"),
                (("f", "--concurrency", "65"), "at most 64"),
                (("../f",), "'../f'"), (("f", "--address", "here"), "'here' is no address"),
        ]:
            with self.subTest(words=words):
                if "--address" in words:
                    self.make("f")
                self.fail_with(2, "--quiet", "serve", *words, says=says)
        self.fail_with(1, "serve", "nobody", says="no function 'nobody' on this machine")
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.fail_with(1, "serve", "f", "--port", port,
                           says=[f"port {port}", "Address ", "in use"])


def children(pid):
    """The processes that one has started and that live."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(path.parent.name))
    return found


APP = """
import os
def handler(event, context):
    print("an event for", context.function_name)
    if event == "fail":
        raise KeyError("gone")
    if event == "exit":
        os._exit(7)
    return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn,
            "memory": context.memory_limit_in_mb, "group": context.log_group_name,
            "left": context.get_remaining_time_in_millis(),
            "custom": context.client_context.custom if context.client_context else None,
            "handler": os.environ["_HANDLER"], "cwd": os.getcwd()}
"""

# As the README has it, on what has the shape of AWS's own base image and its runtime client.
README_EXAMPLE = """
functions:
  aws:
  - lambda:
      runtime: image
      name: ric
      memory: 300
      timeout: 20
      supervisor: {{mode: none}}
      init_script: app.py                     # /var/task/app.py
      image_config: {{command: [app.handler]}}
      container: {{image: "{image}"}}
"""


class RuntimeClientTest(ServeCase):
    """A function with no supervisor, but with AWS's own runtime client for Python."""

    def setUp(self):
        super().setUp()
        self.write("app.py", APP, mode=0o600)
        self.definition = README_EXAMPLE.format(image=base_images.lambda_python())

    def init(self, definition):
        self.succeed("init", "-f", self.write("function.yaml", definition))

    def test_awslambdaric_is_served(self):
        self.init(self.definition)
        self.serve("ric")
        call = {"FunctionName": "ric", "LogType": "Tail"}
        context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
        first, failed, ended, last = self.invoke(
            {**call, "Payload": '{"n": 1}', "ClientContext": context},
            {**call, "Payload": '"fail"'}, {**call, "Payload": '"exit"'},
            {**call, "Payload": "[]"})
        self.assertIsNone(first["error"], first)
        answer = json.loads(first["payload"])
        self.assertTrue(0 < answer.pop("left") <= 20000)
        self.assertIn(answer.pop("id"), first["log"])
        self.assertEqual(answer, {
            "event": {"n": 1}, "arn": "arn:aws:lambda:local:000000000000:function:ric",
            "memory": "300", "group": "/aws/lambda/ric", "custom": {"a": "b"},
            "handler": "app.handler", "cwd": "/var/task"})
        self.assertIn("an event for ric\n", first["log"])
        failure = json.loads(failed["payload"])
        self.assertEqual((failure["errorType"], failure["errorMessage"]), ("KeyError", "'gone'"))
        self.assertIn("/var/task/app.py", failure["stackTrace"][0])
        self.assertIn("exit status 7", json.loads(ended["payload"])["errorMessage"])
        self.assertEqual(json.loads(last["payload"])["event"], [])
        self.assertIn("Init Duration", last["log"])

    def test_awslambdaric_is_invoked_run_and_looked_into(self):
        self.init(self.definition)
        answer = json.loads(self.succeed("--quiet", "invoke", "-n", "ric", "--payload", '{"n": 2}'))
        self.assertEqual((answer["event"], answer["memory"]), ({"n": 2}, "300"))
        answer = json.loads(self.succeed("--quiet", "run", "-n", "ric", "-p", '{"n": 3}'))
        self.assertEqual(answer["event"], {"n": 3})
        self.assertEqual(self.succeed("shell", "ric", "ls", "/var/task"),
                         "app.py\nfunction_config.yaml\n")
        done = self.skiff("invoke", "-n", "ric", "--payload", '"fail"')
        self.assertEqual((done.returncode, json.loads(done.stdout)["errorType"]), (1, "KeyError"))

    def test_a_handler_that_is_not_there_is_said_in_awslambdarics_words(self):
        self.init(self.definition.replace("app.handler", "app.other"))
        done = self.skiff("invoke", "-n", "ric")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(json.loads(done.stdout)["errorType"], "Runtime.HandlerNotFound")
        self.assertIn("Handler 'other' missing on module 'app'", done.stderr)

    def test_an_entrypoint_that_gets_no_handler_ends_with_its_own_status(self):
        self.init(self.definition.replace("image_config: {command: [app.handler]}", ""))
        done = self.skiff("invoke", "-n", "ric")
        self.assertEqual(done.returncode, 1)
        self.assertIn("exit status 142", json.loads(done.stdout)["errorMessage"])
        self.assertIn("entrypoint requires the handler name to be the first argument", done.stderr)
