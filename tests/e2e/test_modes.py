# SPDX-License-Identifier: Apache-2.0
"""The supervisor's other ways: raw, where a program reads the event and prints the response, and
outside of Lambda, where there is one event and nobody to answer. (http is test_server.py's.)
"""

import base64
import json
import os
import signal
import subprocess
import unittest
from dataclasses import dataclass, field

from tests.support.supervised_function import IMAGES, Function, encoded, require_namespaces


def setUpModule():
    require_namespaces()


@dataclass
class Row:
    """`name` becomes the test's. A `body`, byte for byte, or an `error` with `words` is expected, and
    in the log what stands in `logged`."""
    name: str
    event: object
    script: str = None
    config: dict = field(default_factory=dict)
    command: tuple = ()
    environment: dict = field(default_factory=dict)
    left_s: float = 60
    body: bytes = None
    error: str = None
    words: str = ""
    logged: str = ""


LAMBDA = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE"}
RUNTIME = ("$_HANDLER $AWS_REGION $AWS_DEFAULT_REGION $AWS_ACCESS_KEY $LAMBDA_TASK_ROOT "
           "$LAMBDA_RUNTIME_DIR")

ROWS = [
    Row("the event is stdin and stdout the response", b' {"a" : [1, 2.50]}\n', script="cat",
        body=b' {"a" : [1, 2.50]}\n'),
    Row("an event that is no json is stdin as well", b"\x00\xff no JSON", script="cat",
        body=b"\x00\xff no JSON"),
    Row("stderr is the log and no part of the response", {},
        script="echo '{\"ok\": true}'; echo of the log >&2", body=b'{"ok": true}\n',
        logged="\nof the log\n"),
    Row("nothing printed is an empty response", {}, script="exit 0", body=b""),
    Row("the event is a file too", {"b": 1}, script="cat $INPUT_FILE_PATH", body=b'{"b": 1}'),
    Row("the image runs its own command", {"c": 1}, command=("cat",), body=b'{"c": 1}'),
    Row("another status is an error with the end of stderr", {},
        script="echo half a response; echo reason >&2; exit 3", error="Skiff.ScriptFailed",
        words="the user script exited with code 3; it had printed:\nreason\n"),
    Row("a signal is an error", {}, script="kill -9 $$", error="Skiff.ScriptFailed",
        words="code 137; it had printed nothing"),
    Row("a time out is an error", {}, script="echo waiting >&2; sleep 30", left_s=2.9,
        error="Skiff.Timeout", words="had printed:\nwaiting\n"),
    Row("a time out tells what there is of the response", {},
        script="echo half; printf 'a\\000b' >&2; sleep 30", left_s=2.9, error="Skiff.Timeout",
        words="had printed:\na\ufffdb\nits response so far:\nhalf\n"),
    Row("a time out may have the response alone", {}, script="echo half; sleep 30", left_s=2.9,
        error="Skiff.Timeout", words="; its response so far:\nhalf\n"),
    Row("the reason may be in the response", {}, script="echo reason; exit 3",
        error="Skiff.ScriptFailed", words="it had printed:\nreason\n"),
    Row("events bring no scripts", {"script": encoded("echo not this"), "cmd_args": '["no"]'},
        script="cat",
        body=json.dumps({"script": encoded("echo not this"), "cmd_args": '["no"]'}).encode()),
    Row("a request is not taken apart",
        {"httpMethod": "GET", "queryStringParameters": {"q": "v"}, "body": "eA=="},
        script='cat $INPUT_FILE_PATH; echo "$q$CONT_VAR_q"',
        body=b'{"httpMethod": "GET", "queryStringParameters": {"q": "v"}, "body": "eA=="}\n'),
    Row("what runtimes are promised is in the environment", {}, environment=LAMBDA,
        script=f'echo "{RUNTIME} ${{AWS_LAMBDA_RUNTIME_API:+api}} $AWS_LAMBDA_REQUEST_ID"',
        body=b"/var/task/s.sh eu-west-1 eu-west-1 AKIDEXAMPLE /var/task /var/runtime api id-7\n"),
    Row("what the image says of itself is kept", {},
        environment={**LAMBDA, "_HANDLER": "app.main", "LAMBDA_TASK_ROOT": "/app",
                     "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY": "own"},
        script=f'echo "{RUNTIME}"',
        body=b"app.main eu-west-1 us-east-1 own /app /var/runtime\n"),
    Row("the function has its variables", {}, script='echo "$GREETING"', body=b"hello\n",
        config={"container": {"environment": {"Variables": {"GREETING": "hello"}}}}),
    Row("nothing to run is an error", {}, error="Skiff.NotFound", words="nothing to run"),
]


class Raw:
    """One image and one architecture."""

    architecture = None
    image = None

    def function(self, row):
        options, first_line = IMAGES[self.image]
        config = {"supervisor": {"mode": "raw"}, **row.config}
        files = {}
        if row.script:
            config["init_script"] = "s.sh"
            files["var/task/s.sh"] = first_line + row.script
        return Function(self.architecture, config=config, files=files, command=row.command,
                        environment=row.environment, **options)

    def check(self, row):
        with self.function(row) as function:
            answer = function.invoke(row.event, left_s=row.left_s, request_id="id-7")
            if row.error:
                self.assertEqual(answer.kind, "error", answer.body)
                self.assertEqual(answer.json()["errorType"], row.error)
                self.assertIn(row.words, answer.json()["errorMessage"])
                self.assertNotIn("half a response", answer.json()["errorMessage"])
            else:
                self.assertEqual((answer.kind, answer.body), ("response", row.body))
                self.assertNotIn(row.body.decode(errors="replace") or "\0", function.stderr())
            self.assertIn(row.logged, function.stderr())
            self.assertEqual(function.left_in_tmp(), [])


for _architecture, _image in (("amd64", "scratch"), ("amd64", "busybox"), ("amd64", "glibc"),
                              ("arm64", "scratch")):
    _name = f"Raw{_architecture.capitalize()}{_image.capitalize()}"
    _tests = {"test_" + row.name.replace(" ", "_"): lambda self, row=row: self.check(row)
              for row in ROWS}
    globals()[_name] = type(_name, (Raw, unittest.TestCase),
                            {"architecture": _architecture, "image": _image,
                             "__module__": __name__, **_tests})


class LargeRawTest(unittest.TestCase):
    def test_a_response_has_six_megabytes_at_most(self):
        config = {"supervisor": {"mode": "raw"}, "init_script": "s.sh"}
        script = "head -c $(cat) /dev/zero"
        with Function("amd64", config=config, files={"var/task/s.sh": script}) as function:
            os.remove(os.path.join(function.root, "dev/null"))
            function.write("dev/zero", "x" * (6 << 20) + "y")
            answer = function.invoke(b"%d" % (6 << 20))
            self.assertEqual((answer.kind, len(answer.body)), ("response", 6 << 20))
            answer = function.invoke(b"%d" % ((6 << 20) + 1))
            self.assertEqual(answer.json()["errorType"], "Skiff.LimitExceeded")
            self.assertIn("the response has 6291457 bytes", answer.json()["errorMessage"])

    def test_of_a_long_stderr_the_end_is_told(self):
        config = {"supervisor": {"mode": "raw"}, "init_script": "s.sh"}
        script = "seq 1 200000 >&2; exit 1"
        with Function("amd64", config=config, files={"var/task/s.sh": script}) as function:
            message = function.invoke({}).json()["errorMessage"]
            self.assertIn("the last 4096 bytes", message)
            self.assertTrue(message.endswith("199999\n200000\n"))
            self.assertIn("\n1\n2\n3\n", function.stderr())

    def test_while_a_script_runs_the_supervisor_is_small(self):
        script = "seq 1 20000; grep VmHWM /proc/1/status"
        for mode in ("scar", "raw"):
            config = {"supervisor": {"mode": mode}, "init_script": "s.sh"}
            with Function("amd64", config=config, busybox="bin",
                          files={"var/task/s.sh": script}) as function:
                os.symlink("busybox", os.path.join(function.root, "bin/grep"))
                for _ in range(20):
                    body = function.invoke({}).body
                text = base64.b64decode(json.loads(body)["body"]) if mode == "scar" else body
                self.assertLess(int(text.split()[-2]), 8 << 10, f"kB, in mode {mode}")


class OutsideTest(unittest.TestCase):
    """docker run IMAGE <event, a job of AWS Batch, a service of OSCAR."""

    def function(self, **options):
        function = Function("amd64", **options)
        self.addCleanup(function.remove)
        return function

    def check(self, function, event, expected, status=0, **environment):
        done = function.outside(event, environment)
        self.assertEqual((done.returncode, done.stdout.decode()), (status, expected),
                         done.stderr.decode())
        return done

    def test_the_event_comes_from_stdin_and_the_result_goes_to_stdout(self):
        function = self.function(config={"init_script": "s.sh"}, files={
            "var/task/s.sh": "cat $INPUT_FILE_PATH; echo for the log >&2"})
        done = self.check(function, b'{"a": 1}', '{"a": 1}')
        self.assertIn(b"\nfor the log\n", done.stderr)
        done = self.check(function, b"", "")
        self.assertNotIn(b"WARNING", done.stderr)
        done = self.check(function, b"{", "{")
        self.assertIn(b"WARNING - The event is taken as it is: not JSON", done.stderr)
        self.assertEqual(function.left_in_tmp(), [])

    def test_the_status_is_the_scripts(self):
        function = self.function(config={"init_script": "s.sh"},
                                 files={"var/task/s.sh": "echo out; exit 7"})
        self.check(function, b"{}", "out\n", status=7)

    def test_events_of_a_storage_set_their_variables(self):
        event = {"Records": [{"eventSource": "aws:s3", "s3": {
            "bucket": {"name": "b"}, "object": {"key": f"in/{name}"}}} for name in "xy"]}
        function = self.function(config={"init_script": "s.sh", "file_stage_in": True},
                                 files={"var/task/s.sh": "echo $STORAGE_OBJECT_KEY"})
        self.check(function, json.dumps(event).encode(), "in/x\nin/y\n")

    def test_the_images_own_command_runs_where_nothing_is_said(self):
        self.check(self.function(command=["echo", "own"]), b"{}", "own\n")

    def test_script_and_configuration_come_in_variables(self):
        function = self.function(config={"init_script": "s.sh", "log_level": "ERROR"},
                                 files={"var/task/s.sh": "echo of the image"})
        given = "container: {environment: {Variables: {WHO: batch}}}\nlog_level: DEBUG\n"
        done = self.check(function, b"{}", "from batch\n", SCRIPT=encoded("echo from $WHO"),
                          FUNCTION_CONFIG=encoded(given), AWS_BATCH_JOB_ID="job:7")
        self.assertIn(b"event-file-job:7", done.stderr)
        self.check(function, b"{}", "of the image\n")

    def test_oscars_file_goes_before_all(self):
        function = self.function(config={"init_script": "s.sh"}, files={
            "var/task/s.sh": "echo $WHO",
            "oscar/config/function_config.yaml":
                "container: {environment: {Variables: {WHO: oscar}}}\n"})
        given = "container: {environment: {Variables: {WHO: batch}}}\n"
        self.check(function, b"{}", "oscar\n", FUNCTION_CONFIG=encoded(given))

    def test_raw_is_a_filter(self):
        function = self.function(config={"supervisor": {"mode": "raw"}, "init_script": "s.sh"},
                                 files={"var/task/s.sh": "cat; echo done >&2; exit 2"})
        done = self.check(function, b"bytes\n", "bytes\n", status=2)
        self.assertIn(b"\ndone\n", done.stderr)

    def test_what_cannot_run_ends_with_a_reason(self):
        function = self.function()
        done = self.check(function, b"{}", "", status=1)
        self.assertIn(b"CRITICAL - Skiff.NotFound: nothing to run", done.stderr)
        done = self.check(function, b"{}", "", status=1, SCRIPT="*")
        self.assertIn(b"Skiff.InvalidEvent: SCRIPT: not base64", done.stderr)
        done = self.check(function, b"{}", "", status=1, FUNCTION_CONFIG="*")
        self.assertIn(b"FUNCTION_CONFIG: not base64", done.stderr)

    def test_what_ends_the_container_ends_the_script_in_its_own_way(self):
        function = self.function(config={"init_script": "s.sh"}, files={
            "var/task/s.sh": "trap 'echo tidied; exit 5' TERM; echo up; while :; do sleep 1; done"})
        running = function.start_outside(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(running.kill)
        self.assertEqual(running.stdout.readline(), b"up\n")
        with open(f"/proc/{running.pid}/task/{running.pid}/children", encoding="ascii") as file:
            os.kill(int(file.read()), signal.SIGTERM)
        self.assertEqual(running.stdout.read(), b"tidied\n")
        self.assertEqual(running.wait(timeout=30), 5)
        running.stdout.close()


if __name__ == "__main__":
    unittest.main()
