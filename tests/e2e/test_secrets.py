# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they belong: no command says one, and no file that others may read has one."""

import base64
import json
import unittest

from tests.support.aws_case import AwsCase

STORAGE_KEY = "storage-secret-0123456789"
STORAGE = f"""\
storage_providers:
  minio:
    lab: {{endpoint: "https://minio.example", access_key: AKMINIO, secret_key: {STORAGE_KEY}}}
"""
FILE = ("-f", "secret.yaml")
NAME = ("-n", "secret")
COMMANDS = [
    ("doctor", *FILE),
    ("build", *FILE, "--to", "oci:image", "--metadata-file", "made.json"),
    ("deploy", *FILE, "--dry-run"),
    ("deploy", *FILE, "--dry-run", "--json"),
    ("init", *FILE, "--timings"),
    ("update", *FILE, "-s", "other.sh", "--json"),
    ("build", *FILE, "-s", "other.sh", "--push", "--metadata-file", "pushed.json"),
    ("build", *FILE, "--push", "--json"),
    ("export", *FILE, "--format", "terraform"),
    ("export", *NAME, "--format", "sam"),
    ("ls", "--json"),
    ("log", *NAME),
    ("inspect", "oci:image"),
    ("inspect", "oci:image", "--raw"),
    ("prune", *NAME, "--keep", "1", "--json"),
    ("--local", "init", *FILE),
    ("--local", "ls", "--json"),
    ("--local", "update", *FILE, "-s", "other.sh", "--dry-run"),
    ("rm", *NAME),
]


class SecretsTest(AwsCase):
    def setUp(self):
        super().setUp()
        path = self.definition("secret")
        path.write_text(STORAGE + path.read_text(encoding="utf-8"), encoding="utf-8")
        login, = json.loads((self.folder / "docker/config.json").read_text())["auths"].values()
        plain = base64.b64decode(login["auth"]).decode()
        self.secrets = [STORAGE_KEY, self.environment["AWS_SECRET_ACCESS_KEY"], login["auth"],
                        plain.partition(":")[2]]
        self.data = self.folder / f"data of {self.id().rpartition('.')[2]}"
        # In FDL the definition is in base64, at any of three offsets.
        for offset in range(3):
            text = base64.b64encode(b"x" * offset + STORAGE_KEY.encode()).decode()
            self.secrets.append(text[4:-4])

    def skiff(self, *arguments, **variables):
        return super().skiff(*arguments, XDG_DATA_HOME=str(self.data), **variables)

    def local_record(self):
        return json.loads((self.data / "skiff/functions/secret.json").read_text())

    def assert_kept(self, text, where):
        for number, secret in enumerate(self.secrets):
            self.assertNotIn(secret, text, f"{where}: secret {number}")

    def test_no_command_says_a_secret(self):
        for command in COMMANDS:
            done = self.skiff(*command)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
            self.assert_kept(done.stdout + done.stderr, " ".join(command))
        fdl = self.local_record()["environment"]["FDL"]
        self.assertIn(STORAGE_KEY, base64.b64decode(fdl).decode())
        self.assertTrue(any(secret in fdl for secret in self.secrets))  # the test can fail

    def test_no_error_says_a_secret(self):
        for command, variables in (
                (("deploy", *FILE), {"AWS_SECRET_ACCESS_KEY": "wrong-" + STORAGE_KEY}),
                (("deploy", *FILE, "-m", "1"), {}),
                (("deploy", *FILE, "-s", "none.sh"), {}),
                (("export", *FILE, "--format", "json"), {"AWS_REGION": "eu-none-9"}),
                (("log", *NAME), {"AWS_SESSION_TOKEN": STORAGE_KEY})):
            done = self.skiff(*command, **variables)
            self.assertNotEqual(done.returncode, 0, command)
            self.assert_kept(done.stdout + done.stderr, " ".join(command))

    def test_files_that_others_may_read_have_none(self):
        for command in COMMANDS[:3] + COMMANDS[15:16]:
            self.skiff(*command)
        ours = {"secret.yaml", "config.json"}
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in ours and path.stat().st_mode & 0o077:
                self.assert_kept(path.read_bytes().decode(errors="replace"), path)
        self.assertIn("FDL", self.local_record()["environment"])


if __name__ == "__main__":
    unittest.main()
