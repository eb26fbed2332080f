# SPDX-License-Identifier: Apache-2.0
"""The program under test, as a person calls it."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("SKIFF", str(CHECKOUT / "build" / "skiff"))


class SkiffTest(unittest.TestCase):
    """A test with a folder of its own as home and working directory."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="skiff-test-", ignore_cleanup_errors=True)
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        (self.folder / "tmp").mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder / "tmp"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def write(self, name, text, mode=0o644):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def skiff(self, *words, **options):
        """Runs skiff and returns what it said; nothing is left in its temporary folder."""
        environment = {**self.environment, **options.pop("environment", {})}
        options.setdefault("cwd", self.folder)
        done = subprocess.run([PROGRAM, *map(str, words)], env=environment, text=True,
                              capture_output=True, stdin=subprocess.DEVNULL, timeout=300,
                              check=False, **options)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [], "left behind")
        return done

    def succeed(self, *words, **options):
        done = self.skiff(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def json(self, *words, **options):
        return json.loads(self.succeed(*words, "--json", **options))

    def fail_with(self, status, *words, says, **options):
        """The command ends with this status and one line on stderr that has all of `says`."""
        done = self.skiff(*words, **options)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        errors = [line for line in done.stderr.splitlines() if ": warning: " not in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertTrue(errors[0].startswith("skiff: "), errors[0])
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, errors[0])
        return errors[0]


def read_layout(folder, digest):
    """The bytes of a blob in an OCI layout."""
    return (Path(folder) / "blobs" / digest.replace(":", "/")).read_bytes()
