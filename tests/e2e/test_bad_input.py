# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong is said in one line with the thing in it, and nothing is changed."""

import json
import os
import signal
import subprocess
import time

from tests.support import fixed_base
from tests.support.hostile_registry import HostileRegistry
from tests.support.registry_server import Registry
from tests.support.skiff import PROGRAM, SkiffTest


class BadInputTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.base = fixed_base.make(self.folder / "base")
        self.write("s.sh", "#!/bin/sh\n")

    def refuse(self, status, *words, says, **options):
        """Like fail_with(), and no destination has come up."""
        line = self.fail_with(status, *words, says=says, **options)
        self.assertFalse((self.folder / "out").exists(), "a destination was made")
        return line

    def test_wrong_words(self):
        for words, says in [
            (["frobnicate"], "no command 'frobnicate'"),
            (["build"], "-i IMAGE"),
            (["build", "-i", self.base], "--to"),
            (["build", "-i", self.base, "--to", "oci:out", "--frobnicate"], "'--frobnicate'"),
            (["build", "-i", self.base, "--to", "Upper"], "'Upper'"),
            (["build", "-i", self.base, "--to", "oci:out", "--platform", "arm64"], "'arm64'"),
            (["build", "-i", "a b", "--to", "oci:out"], "'a b'"),
            (["copy", self.base], "SOURCE DESTINATION"),
            (["run"], "-n NAME"),
            (["rm", "-n", "a/b"], "'a/b'"),
            (["run", "-n", "x", "-p", "{"], "--payload"),
        ]:
            with self.subTest(" ".join(words)):
                self.refuse(2, *words, says=says)

    def test_missing_and_unreadable_scripts(self):
        self.refuse(1, "build", "-i", self.base, "-s", "nowhere.sh", "--to", "oci:out",
                    says="nowhere.sh")
        self.refuse(2, "build", "-i", self.base, "-s", "base", "--to", "oci:out",
                    says="not a regular file")
        if os.getuid() != 0:
            self.write("secret.sh", "", 0)
            self.refuse(1, "build", "-i", self.base, "-s", "secret.sh", "--to", "oci:out",
                        says=["secret.sh", "Permission denied"])

    def test_definitions_are_refused_with_their_place(self):
        for text, status, says in [
            ("functions:\n  aws: [", 2, "f.yaml:"),
            ("functions: {aws: [{lambda: {name: x, memory: lots, container: {image: y}}}]}", 2,
             ["f.yaml:1:", "memory", "'lots'"]),
            ("functions: {aws: [{lambda: {name: x}}]}", 2, ["f.yaml:1:", "image"]),
            ("functions: {aws: [{lambda: {container: {image: y}}}]}", 2, ["f.yaml:1:", "name"]),
            ("", 2, "f.yaml"),
        ]:
            with self.subTest(text):
                self.write("f.yaml", text)
                self.refuse(status, "--local", "init", "-f", "f.yaml", says=says)

    def test_unknown_keys_are_warned_about_with_the_nearest(self):
        self.write("f.yaml", "functions: {aws: [{lambda: {name: x, memorry: 5, container: "
                             f"{{image: '{self.base}'}}}}}}]}}")
        done = self.skiff("build", "-f", "f.yaml", "--to", "oci:out")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("f.yaml:1:", done.stderr)
        self.assertIn("'memorry'", done.stderr)
        self.assertIn("'memory'", done.stderr)

    def test_a_missing_base(self):
        self.refuse(1, "build", "-i", "oci:nowhere", "--to", "oci:out", says="nowhere")
        self.refuse(1, "build", "-i", "oci:base:v9", "--to", "oci:out",
                    says=["'v9'", "latest"])
        self.refuse(1, "build", "-i", self.base, "--platform", "linux/s390x", "--to", "oci:out",
                    says=["linux/s390x", "linux/amd64, linux/arm64"])

    def test_a_registry_that_is_down(self):
        self.refuse(1, "build", "-i", "127.0.0.1:1/base", "--to", "oci:out",
                    says="127.0.0.1")
        done = self.skiff("build", "-i", self.base, "--to", "127.0.0.1:1/x")
        self.assertEqual(done.returncode, 1)

    def test_bad_credentials(self):
        with Registry() as registry:
            image = f"{registry.host}/x:1"
            line = self.fail_with(1, "build", "-i", self.base, "--to", image, says=registry.host)
            self.assertNotIn(registry.password, line)
            registry.password = "a-wrong-one"
            registry.docker_config(self.folder / ".docker")
            line = self.fail_with(1, "build", "-i", self.base, "--to", image,
                                  says=[registry.host, registry.user])
            self.assertNotIn("a-wrong-one", line)

    def lie(self, tamper, says):
        with HostileRegistry(self.folder / "base", tamper) as registry:
            self.fail_with(1, "copy", f"{registry.host}/x:latest", "oci:out", says=says)
        # The folder may be there, but nothing in it has a name.
        index = self.folder / "out" / "index.json"
        if index.exists():
            self.assertEqual(json.loads(index.read_text())["manifests"], [])
        blobs = self.folder / "out" / "blobs" / "sha256"
        if blobs.exists():
            self.assertFalse([each for each in blobs.iterdir() if each.name.startswith(".")])

    def test_a_blob_with_other_bytes(self):
        self.lie(lambda path, headers, body:
                 (headers, bytes([body[0] ^ 1]) + body[1:]) if "/blobs/" in path
                 else (headers, body), "content has digest sha256:")

    def test_a_blob_of_another_size(self):
        self.lie(lambda path, headers, body:
                 ({**headers, "Content-Length": str(len(body) - 1)}, body[:-1])
                 if "/blobs/" in path else (headers, body), "bytes instead of")

    def test_a_blob_that_never_ends(self):
        self.lie(lambda path, headers, body:
                 ({**headers, "Content-Length": str(10 * len(body))}, 10 * body)
                 if "/blobs/" in path else (headers, body), "blob sha256:")

    def test_a_download_that_breaks_off(self):
        self.lie(lambda path, headers, body: (headers, body[:10])
                 if "/blobs/" in path else (headers, body), "blob sha256:")

    def test_a_connection_that_closes(self):
        self.lie(lambda path, headers, body: None, "127.0.0.1")

    def test_a_manifest_with_other_bytes(self):
        self.lie(lambda path, headers, body: (headers, body.replace(b"linux", b"linus"))
                 if "sha256:" in path else (headers, body.replace(b"amd64", b"amd65")),
                 "has digest")

    def test_a_manifest_that_is_too_large(self):
        huge = b" " * (5 * 1024 * 1024)
        self.lie(lambda path, headers, body:
                 ({**headers, "Content-Length": str(len(body + huge))}, body + huge)
                 if "/manifests/" in path else (headers, body), "4194304")

    def test_a_manifest_that_is_no_json(self):
        self.lie(lambda path, headers, body:
                 ({**headers, "Content-Length": "9"}, b"<html></>")
                 if "/manifests/" in path else (headers, body), "not JSON")

    def test_a_manifest_that_is_nested_without_end(self):
        def deep(path, headers, body):
            if "/manifests/" not in path:
                return headers, body
            body = b"[" * 100000
            return {**headers, "Content-Length": str(len(body))}, body
        self.lie(deep, "deeper than")

    def test_a_killed_build_leaves_nothing(self):
        def stall(path, headers, body):
            if "/blobs/" in path:
                time.sleep(30)
            return headers, body
        with HostileRegistry(self.folder / "base", stall) as registry:
            program = subprocess.Popen(
                [PROGRAM, "build", "-i", f"{registry.host}/x:latest", "--to", "oci:out"],
                cwd=self.folder, env=self.environment, stderr=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL)
            deadline = time.monotonic() + 10
            while not list((self.folder / "tmp").iterdir()) and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertTrue(list((self.folder / "tmp").iterdir()), "no workspace came up")
            program.send_signal(signal.SIGTERM)
            self.assertEqual(program.wait(10), -signal.SIGTERM)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [])
        self.assertFalse((self.folder / "out").exists())
