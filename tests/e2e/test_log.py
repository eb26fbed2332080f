# SPDX-License-Identifier: Apache-2.0
"""What functions have logged, from CloudWatch Logs and from this machine."""

import json
import re
import subprocess
import time
import unittest

from tests.support import process
from tests.support.aws_case import SKIFF, AwsCase
from tests.support.local_case import LocalCase

FIRST = "8f507cfc-0001-4697-b07a-ac58fc914c95"
SECOND = "8f507cfc-0002-4697-b07a-ac58fc914c95"
PUT = """
logs = client("logs")
logs.create_log_stream(logGroupName=values["group"], logStreamName=values["stream"])
logs.put_log_events(logGroupName=values["group"], logStreamName=values["stream"], logEvents=[
    {"timestamp": values["at"] + i, "message": line} for i, line in enumerate(values["lines"])])
"""


def invocation(request_id, *lines):
    return [f"START RequestId: {request_id} Version: $LATEST\n", *lines,
            f"END RequestId: {request_id}\n", f"REPORT RequestId: {request_id}\tDuration: 1 ms\n"]


class AwsLogTest(AwsCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.now_ms = int(time.time()) * 1000
        test = cls("run")
        test.assert_done(test.init("logged"))
        for stream, ago_s, lines in (
                ("2026/01/31/[$LATEST]aa", 7200, invocation(FIRST, "old moo\n")),
                ("2026/01/31/[$LATEST]bb", 60, invocation(SECOND, "new moo\n", "no end"))):
            cls.aws.boto3(PUT, group="/aws/lambda/logged", stream=stream, lines=lines,
                          at=cls.now_ms - ago_s * 1000)

    def log(self, *arguments):
        done = self.skiff("log", *arguments)
        self.assert_done(done)
        return done.stdout

    def test_the_whole_log_or_a_part_of_it(self):
        everything = self.log("-n", "logged")
        self.assertEqual(everything, "".join(
            invocation(FIRST, "old moo\n") + invocation(SECOND, "new moo\n", "no end\n")))
        self.assertEqual(self.log("-f", self.definition("logged")), everything)
        young = "".join(invocation(SECOND, "new moo\n", "no end\n"))
        self.assertEqual(self.log("-n", "logged", "--since", "1h"), young)
        self.assertEqual(self.log("-n", "logged", "-ls", "2026/01/31/[$LATEST]bb"), young)
        self.assertEqual(self.log("-n", "logged", "-ri", SECOND), young)
        self.assertEqual(self.log("-n", "logged", "--request-id", FIRST),
                         "".join(invocation(FIRST, "old moo\n")))

    def test_json_has_times_and_streams(self):
        events = json.loads(self.log("-n", "logged", "--since", "1h", "--json"))["Events"]
        self.assertEqual(events[1], {"logStreamName": "2026/01/31/[$LATEST]bb",
                                     "message": "new moo\n", "timestamp": self.now_ms - 59999})

    def test_what_is_not_there_is_said(self):
        for arguments, status, words in (
                (("-n", "nobody"), 1, "no function 'nobody'"),
                (("-n", "logged", "-ri", "8f507cfc-none"), 1, "names request '8f507cfc-none'"),
                (("-n", "logged", "-ri", 'a"b'), 2, "is no request's id"),
                (("-n", "logged", "--since", "soon"), 2, "--since 'soon': expected 90s"),
                (("-n", "logged", "--since", "-5m"), 2, "--since '-5m'"),
                (("-n", "logged", "--follow", "--json"), 2, "--follow has no end"),
                ((), 2, "say which function"),
                (("-n", "a", "-f", "b"), 2, "say which function")):
            self.assert_refused(self.skiff("log", *arguments), words, status)


class LocalLogTest(LocalCase):
    def test_what_a_function_has_logged_here(self):
        self.init("logged", "echo moo")
        self.assertEqual(self.skiff("log", "-n", "logged").stdout, "")
        for _ in range(2):
            self.skiff("run", "-n", "logged")
        everything = self.skiff("log", "-n", "logged").stdout
        first, second = re.findall(r"START RequestId: (\S+)", everything)
        part = self.skiff("log", "-n", "logged", "-ri", second).stdout
        self.assertTrue(everything.endswith(part))
        self.assertIn("moo\n", part)
        self.assertNotIn(first, part)
        self.assertIn("neither streams nor times",
                      self.skiff("log", "-n", "logged", "--since", "1h", status=2).stderr)
        self.assertIn("no function 'nobody' on this machine",
                      self.skiff("log", "-n", "nobody", status=1).stderr)

    def test_who_follows_hears_what_comes(self):
        self.init("followed", "echo moo")
        log = process.start([SKIFF, "--local", "log", "-n", "followed", "--follow"],
                            stdout=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(log.stdout.close)
        self.addCleanup(process.stop, log)
        self.skiff("run", "-n", "followed")
        heard = ""
        while "REPORT" not in heard and log.poll() is None:
            heard += log.stdout.readline()
        self.assertIn("moo\n", heard)


if __name__ == "__main__":
    unittest.main()
