# SPDX-License-Identifier: Apache-2.0
"""What tests of skiff with AWS begin with."""

import os
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from tests.support import base_images
from tests.support.aws_servers import AwsServers

SKIFF = os.environ.get("SKIFF", Path(__file__).resolve().parents[2] / "build" / "skiff")

LEFT_OVERS = """
answer = {
    "functions": [f["FunctionName"] for f in client("lambda").list_functions()["Functions"]],
    "repositories": [r["repositoryName"]
                     for r in client("ecr").describe_repositories()["repositories"]],
    "log groups": [g["logGroupName"]
                   for g in client("logs").describe_log_groups()["logGroups"]],
}
"""


class AwsCase(unittest.TestCase):
    """Servers, a base image in one of them, and skiff with all it needs to reach them."""

    @classmethod
    def setUpClass(cls):
        cls.aws = AwsServers().start()
        cls.addClassCleanup(cls.aws.stop)
        folder = tempfile.TemporaryDirectory(prefix="skiff-e2e-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        docker_config = cls.aws.registry.docker_config(cls.folder / "docker")
        cls.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(cls.folder),
            "TMPDIR": str(cls.folder),  # killed programs leave something there
            "DOCKER_CONFIG": str(docker_config),
            **cls.aws.environment,
        }
        cls.base = f"{cls.aws.registry.host}/base/busybox"
        subprocess.run(
            ["skopeo", "copy", "--quiet", "--all", "--dest-tls-verify=false", "--format", "oci",
             "--authfile", docker_config / "config.json", base_images.busybox(),
             f"docker://{cls.base}:latest"], check=True, capture_output=True)
        for name in ("moo", "other"):
            (cls.folder / f"{name}.sh").write_text(f"#!/bin/sh\necho {name}\n",
                                                   encoding="ascii")

    def setUp(self):
        self.aws.front.calls.clear()
        self.refuse = self.aws.front.faults.refuse
        self.addCleanup(self.aws.front.faults.clear)
        self.aws.front.functions.pending_polls = 0
        self.aws.front.functions.ends = None

    def skiff(self, *arguments, **variables):
        return subprocess.run([SKIFF, *arguments], cwd=self.folder, check=False, text=True,
                              capture_output=True, env={**self.environment, **variables})

    def definition(self, name, more="", container=""):
        """Writes a definition the way SCAR's users do and returns its path."""
        path = self.folder / f"{name}.yaml"
        text = textwrap.dedent(f"""\
            functions:
              aws:
              - iam:
                  role: {self.aws.role}
                lambda:
                  runtime: image
                  name: {name}
                  memory: 1024
                  timeout: 120
                  description: says moo
                  init_script: moo.sh
                  tags:
                    team: blue
                  environment:
                    Variables:
                      COLOUR: red
                  container:
                    image: {self.base}
                    environment:
                      Variables:
                        SOUND: moo
            """)
        path.write_text(text + textwrap.indent(container, " " * 8) +
                        textwrap.indent(more, " " * 6), encoding="utf-8")
        return path

    def init(self, name, *arguments, **keywords):
        return self.skiff("init", "-f", self.definition(name, **keywords), *arguments)

    def assert_done(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr, "")

    def assert_refused(self, done, words, status=1):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertRegex(done.stderr, r"\Askiff: .*\n\Z")
        self.assertIn(words, done.stderr)

    def assert_nothing_written(self):
        written = [call for call in self.aws.front.calls
                   if call.startswith(("PUT", "POST", "PATCH", "Create", "Put", "Delete"))]
        self.assertEqual(written, [])

    def left_overs(self, name):
        """Where a function of this name can still be found."""
        return [kind for kind, names in self.aws.boto3(LEFT_OVERS).items()
                if name in names or f"/aws/lambda/{name}" in names]
