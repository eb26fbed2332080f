# SPDX-License-Identifier: Apache-2.0
"""What tests of functions behind a port have in common: `skiff serve`, and who asks it."""

import json
import socket
import subprocess
import urllib.error
import urllib.request

from tests.support import process
from tests.support.python_packages import ensure_venv
from tests.support.skiff import PROGRAM, SkiffTest

# Sends each payload to each function with boto3.
CLIENT = """
import base64, boto3, json, sys
from botocore.config import Config
asked = json.load(sys.stdin)
client = boto3.client("lambda", endpoint_url=asked["url"], region_name="local",
                      aws_access_key_id="x", aws_secret_access_key="y",
                      config=Config(retries={"max_attempts": 0}, read_timeout=60))
answers = []
for call in asked["calls"]:
    try:
        done = client.invoke(**call)
        answers.append({
            "id": done["ResponseMetadata"]["RequestId"],
            "status": done["StatusCode"], "error": done.get("FunctionError"),
            "version": done.get("ExecutedVersion"),
            "log": base64.b64decode(done.get("LogResult", "")).decode(),
            "payload": done["Payload"].read().decode()})
    except client.exceptions.ClientError as error:
        answers.append({"id": error.response["ResponseMetadata"]["RequestId"],
                        "code": error.response["Error"]["Code"],
                        "status": error.response["ResponseMetadata"]["HTTPStatusCode"],
                        "message": error.response["Error"]["Message"]})
json.dump(answers, sys.stdout)
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class ServeCase(SkiffTest):
    def setUp(self):
        super().setUp()
        self.environment["SKIFF_LOCAL"] = "1"

    def define(self, **settings):
        """Makes a function with keys of the definition."""
        definition = {"runtime": "image", "timeout": 20, **settings}
        self.succeed("init", "-f", self.write("function.yaml", json.dumps(
            {"functions": {"aws": [{"lambda": definition}]}})))

    def serve(self, name, *words):
        self.port = free_port()
        log = open(self.folder / "serve.log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        served = process.start([PROGRAM, "serve", name, "--port", str(self.port), *words],
                               env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                               stderr=log, text=True)
        self.addCleanup(served.stdout.close)
        self.addCleanup(process.stop, served)
        self.url = f"http://127.0.0.1:{self.port}"
        self.assertIn(self.url, served.stdout.readline())
        return served

    def log(self):
        return (self.folder / "serve.log").read_text(encoding="utf-8")

    def skip_if_forbidden(self):
        if "forbids user namespaces" in self.log():
            self.skipTest(self.log().strip())

    def ask(self, path="/", **request):
        request = urllib.request.Request(self.url + path, **request)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            self.skip_if_forbidden()
            return error.code, error.headers, error.read()

    def invoke(self, *calls):
        """What boto3 says of each call, of which a function and a payload are the usual part."""
        asked = {"url": self.url, "calls": list(calls)}
        done = subprocess.run([ensure_venv(), "-c", CLIENT], input=json.dumps(asked), text=True,
                              capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.skip_if_forbidden()
        return json.loads(done.stdout)
