# SPDX-License-Identifier: Apache-2.0
"""What tests of functions on this machine have in common: a program, images and a place that
an ordinary user can read, too.
"""

import os
import shutil
import subprocess
import tempfile
import textwrap
import unittest
from pathlib import Path

from tests.support import base_images

SKIFF = os.environ.get("SKIFF", Path(__file__).resolve().parents[2] / "build" / "skiff")
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")


class LocalCase(unittest.TestCase):
    prefix = ()

    @classmethod
    def setUpClass(cls):
        # Everything where an ordinary user can read it: the checkout may be private.
        cls.place = tempfile.TemporaryDirectory(prefix="skiff-local-")
        cls.addClassCleanup(cls.place.cleanup)
        os.chmod(cls.place.name, 0o755)
        cls.program = os.path.join(cls.place.name, "skiff")
        shutil.copy(SKIFF, cls.program)
        cls.images = os.path.join(cls.place.name, "images")
        for name, image in (("busybox", base_images.busybox()),
                            ("scratch", base_images.scratch())):
            folder = image.removeprefix("oci:").rsplit(":", 1)[0]
            shutil.copytree(folder, os.path.join(cls.images, name))
        subprocess.run(["chmod", "-R", "a+rX", cls.images], check=True)

    def setUp(self):
        folder = tempfile.mkdtemp(prefix="skiff-local-")
        self.folder = Path(folder)
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        if self.prefix:
            os.chown(folder, NOBODY, NOBODY)
        self.data = self.folder / "skiff"
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": folder, "XDG_DATA_HOME": folder,
            "TMPDIR": folder, "SKIFF_LOCAL": "1",
        }

    def image(self, name="busybox"):
        return f"oci:{self.images}/{name}:latest"

    def write(self, name, text):
        path = self.folder / name
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        path.chmod(0o644)
        return str(path)

    def skiff(self, *arguments, status=0, before=(), text=""):
        done = subprocess.run([*self.prefix, *before, self.program, *arguments],
                              env=self.environment, cwd=self.folder, text=True, input=text,
                              capture_output=True, timeout=120, check=False)
        if "forbids user namespaces" in done.stderr and not before:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def init(self, name, script):
        self.skiff("init", "-i", self.image(), "-n", name, "-s", self.write("s.sh", script))

    def output(self, name, *words):
        return self.skiff("--quiet", "run", "-n", name, *words).stdout

    def files(self):
        return {str(path.relative_to(self.data))
                for path in self.data.rglob("*") if not path.is_dir()}

    def define(self, name, script, **settings):
        """Makes a function with keys of the definition."""
        lines = "".join(f"\n                  {key}: {value}" for key, value in settings.items())
        self.skiff("init", "-f", self.write("function.yaml", f"""\
            functions:
              aws:
              - lambda:
                  name: {name}
                  init_script: {self.write("s.sh", script)}
                  container: {{image: "{self.image()}"}}{lines}
            """))
