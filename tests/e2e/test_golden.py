# SPDX-License-Identifier: Apache-2.0
"""What SCAR's users have scripts for, row by row: an event in, a world for the script, an answer
out.

Each row is tried in three images: nothing but the function's own folder, a static busybox,
and a shell that needs its glibc; and with both supervisors, the foreign one under qemu. Rows
whose objects have to be fetched or stored are with the storages' tests.
"""

import base64
import json
import unittest
from dataclasses import dataclass, field

from tests.support.supervised_function import IMAGES, Function, encoded, require_namespaces


def setUpModule():
    require_namespaces()


CONFIG = {"name": "test", "log_level": "INFO", "container": {"timeout_threshold": 10}}


def s3_record(key, source="aws:s3", **more):
    return {"eventSource": source, "eventTime": "2019-02-23T11:40:46.473Z",
            "s3": {"bucket": {"name": "b"}, "object": {"key": key}}, **more}


def compact(event):
    return json.dumps(event, sort_keys=True, separators=(",", ":"))


@dataclass
class Row:
    """`name` becomes the test's. Of `body`, `header` (x-skiff-exit-status), `error` (its type) and
    what stands in `log` at which level, what is given is expected."""
    name: str
    event: object
    script: str = None
    config: dict = field(default_factory=dict)
    command: tuple = ()
    environment: dict = field(default_factory=dict)
    left_s: float = 60
    body: str = None
    status: str = None
    error: str = None
    words: str = ""
    log: tuple = ()


KEY = "in/my+file%28 1%29.png"
S3 = {"Records": [s3_record(KEY)]}
MINIO = {"Records": [s3_record("in/k.txt", "minio:s3")], "EventName": "s3:ObjectCreated:Put"}
TWO = {"Records": [s3_record("in/a"), s3_record("in/b")]}
SQS = {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": "one"},
                   {"eventSource": "aws:sqs", "messageId": "2", "body": "two"}]}
SNS = {"Records": [{"EventSource": "aws:sns", "EventVersion": "1.0",
                    "Sns": {"Subject": "s", "Message": "words"}}]}
SCHEDULE = {"version": "0", "detail-type": "Scheduled Event", "source": "aws.events",
            "detail": {}, "resources": ["arn:aws:events:us-east-1:1:rule/r"]}
V2 = {"version": "2.0", "routeKey": "$default", "rawQueryString": "q1=v1",
      "queryStringParameters": {"q1": "v1"},
      "requestContext": {"http": {"method": "POST", "path": "/"}},
      "headers": {"content-type": "application/json"}, "body": '{"a": 1}',
      "isBase64Encoded": False}
INPUT = "cat $INPUT_FILE_PATH"
OBJECT = 'echo "$STORAGE_OBJECT_KEY|$EVENT_TIME|${INPUT_FILE_PATH-none}"; echo "$EVENT"'
SKIPPED = {"file_stage_in": True}


def seen(key, event):
    return f"{key}|2019-02-23T11:40:46.473Z|none\n{compact(event)}\n"


ROWS = [
    Row("an init script answers with both outputs and its status", {},
        script="echo a; echo b >&2; exit 3", body="a\nb\n", status="3",
        log=(("WARNING", "User script exited with code 3!"),)),
    Row("a direct event is the input file", {}, script=INPUT, body="{}"),
    Row("an event of a caller is the input file as it came", {"b": [1, {"a": None}]},
        script=INPUT, body='{"b": [1, {"a": null}]}'),
    Row("without an init script the image runs its own command", {},
        command=("cat", "/var/task/text"), body="text\n"),
    Row("with nothing to run there is an error", {}, error="Skiff.NotFound",
        words="nothing to run"),
    Row("cmd args are run", {"cmd_args": '["cat", "/var/task/text"]'}, body="text\n"),
    Row("a script of the event is run", {"script": encoded("cat /var/task/text")},
        script="echo init script", body="text\n"),
    Row("a time out is an error with the output so far", {},
        script="echo partial; sleep 30", left_s=11.9, error="Skiff.Timeout",
        words="had printed:\npartial\n"),
    Row("a request with a query sets variables and has an empty file",
        {"httpMethod": "GET", "path": "/launch", "queryStringParameters": {"q1": "v1"},
         "headers": {}, "body": None, "isBase64Encoded": False},
        script='echo "$CONT_VAR_q1 $q1 $(cat $INPUT_FILE_PATH)."', body="v1 v1 .\n",
        log=(("INFO", "API Gateway event found."),)),
    Row("a request with base64 that is not declared is decoded",
        {"httpMethod": "POST", "path": "/launch", "queryStringParameters": None,
         "headers": {"Content-Type": "application/octet-stream"}, "body": "UE5HREFUQQ==",
         "isBase64Encoded": False},
        script=INPUT, body="PNGDATA"),
    Row("a request with declared base64 is decoded",
        {"httpMethod": "POST", "body": encoded("a\nb"), "isBase64Encoded": True},
        script=INPUT, body="a\nb"),
    Row("a request with text keeps it", {"httpMethod": "POST", "body": "a=1&b=2"},
        script=INPUT, body="a=1&b=2"),
    Row("a request of a function url brings query and body", V2,
        script='echo "$CONT_VAR_q1 $q1"; ' + INPUT, body='v1 v1\n{"a": 1}'),
    Row("a request chooses no variable that programs listen to",
        {"httpMethod": "GET", "queryStringParameters":
            {"BASH_ENV": "x", "PATH": "y", "http_proxy": "z", "a-b": "1", "own": "2", "free": "3"}},
        config={"container": {"environment": {"Variables": {"own": "mine"}}}},
        script='echo "$BASH_ENV|$http_proxy|$own|$free|$CONT_VAR_BASH_ENV|$CONT_VAR_own"',
        body="||mine|3|x|2\n"),
    Row("a request with an event of s3 in its body is about its object",
        {"httpMethod": "POST", "body": json.dumps(S3)}, config=SKIPPED,
        script="echo $STORAGE_OBJECT_KEY", body="in/my file( 1).png\n"),
    Row("an event of s3 tells its object", S3, config=SKIPPED, script=OBJECT,
        body=seen("in/my file( 1).png", S3),
        log=(("INFO", "Storage event found."), ("INFO", "Skipping download of input file."))),
    Row("an event of s3 without a time has none",
        {"Records": [{key: value for key, value in s3_record("k").items() if key != "eventTime"}]},
        config=SKIPPED, script='echo "${EVENT_TIME-none}"', body="none\n"),
    Row("an event of minio tells its object", MINIO, config=SKIPPED, script=OBJECT,
        body=seen("in/k.txt", MINIO)),
    Row("a delegated event is the one inside", {"storage_provider": "m", "event": MINIO},
        config=SKIPPED, script=OBJECT, body=seen("in/k.txt", MINIO)),
    Row("a delegated event may be text",
        {"storage_provider": "m", "event": json.dumps(MINIO)},
        config=SKIPPED, script=OBJECT, body=seen("in/k.txt", MINIO)),
    Row("all records of an event are runs of their own", TWO, config=SKIPPED,
        script="echo $STORAGE_OBJECT_KEY; echo $TMP_OUTPUT_DIR >>/tmp/seen; "
               "[ ! -e $TMP_OUTPUT_DIR/x ] && >$TMP_OUTPUT_DIR/x; [ $STORAGE_OBJECT_KEY = in/b ]",
        body="in/a\nin/b\n", status="1"),
    Row("messages of sqs are one input", SQS, script=INPUT, body=json.dumps(SQS)),
    Row("a message of sns is the input", SNS, script=INPUT, body=json.dumps(SNS)),
    Row("a schedule is the input", SCHEDULE, script=INPUT, body=json.dumps(SCHEDULE)),
    Row("events of other storages are refused by name",
        {"Records": [{"eventSource": "OneTrigger", "Key": "/space/f"}]}, script=INPUT,
        error="Skiff.InvalidEvent", words="an event of Onedata: S3 and MinIO are the storages"),
    Row("a variable that is a number is text", {}, script="echo $K2", body="45\n",
        config={"container": {"environment": {"Variables": {"K2": 45}}}}),
    Row("an event too large for a variable is in no variable",
        {"Records": [s3_record("k", more="x" * 140000)]}, config=SKIPPED,
        script='echo "$STORAGE_OBJECT_KEY ${EVENT-none}"', body="k none\n",
        log=(("WARNING", "The variable 'EVENT' is left out"),)),
    Row("a failing script may be an error", {}, script="echo out; exit 3",
        config={"supervisor": {"on_error": "fail"}}, error="Skiff.ScriptFailed",
        words="code 3; it had printed:\nout\n"),
]


class Golden:
    """One image and one architecture."""

    architecture = None
    image = None

    def function(self, row):
        options, first_line = IMAGES[self.image]
        config = {**CONFIG, **row.config}
        config["container"] = {**CONFIG["container"], **row.config.get("container", {})}
        files = {"var/task/text": "text\n"}
        if row.script is not None:
            config["init_script"] = "s.sh"
            files["var/task/s.sh"] = first_line + row.script
        return Function(self.architecture, config=config, files=files, command=row.command,
                        environment=row.environment, **options)

    def event(self, row):
        """The script of an event, too, needs its line where there is no /bin/sh."""
        if "script" not in row.event:
            return row.event
        script = base64.b64decode(row.event["script"]).decode()
        return {**row.event, "script": encoded(IMAGES[self.image][1] + script)}

    def check(self, row):
        with self.function(row) as function:
            answer = function.invoke(self.event(row), left_s=row.left_s)
            if row.error:
                self.assertEqual(answer.kind, "error", answer.body)
                error = answer.json()
                self.assertEqual(error["errorType"], row.error)
                self.assertIn(row.words, error["errorMessage"])
            else:
                self.assertEqual(answer.kind, "response", answer.body)
                response = answer.json()
                self.assertEqual(base64.b64decode(response["body"]).decode(), row.body)
                self.assertEqual(response["statusCode"], 200)
                self.assertEqual(response["headers"].get("x-skiff-exit-status"), row.status)
            for level, words in row.log:
                self.assertTrue(any(line.startswith(words) for line in function.log(level)),
                                function.stderr())
            self.assertEqual([name for name in function.left_in_tmp() if name != "seen"], [])


def _add_rows(suite):
    for row in ROWS:
        setattr(suite, "test_" + row.name.replace(" ", "_"),
                lambda self, row=row: self.check(row))


_add_rows(Golden)

for _architecture in ("amd64", "arm64"):
    for _image in IMAGES:
        _name = f"Golden{_architecture.capitalize()}{_image.capitalize()}"
        globals()[_name] = type(_name, (Golden, unittest.TestCase),
                                {"architecture": _architecture, "image": _image,
                                 "__module__": __name__})


if __name__ == "__main__":
    unittest.main()
