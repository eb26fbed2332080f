# SPDX-License-Identifier: Apache-2.0
"""The same inputs give the same digests: here, and on the machine that wrote testdata/golden/.

The golden digests are made with a fixed base image and a stand-in for the
supervisor, whose own bytes follow the compiler.
"""

import json
import os
import shutil
import subprocess

from tests.support import fixed_base
from tests.support.skiff import CHECKOUT, PROGRAM, SkiffTest

GOLDEN = CHECKOUT / "testdata" / "golden" / "hello.json"
STAND_IN = "#!/bin/stand-in\n"
DEFINITION = """\
functions:
  aws:
  - lambda:
      runtime: image
      name: hello
      init_script: hello.sh
      container:
        image: {image}
        environment:
          Variables: {{GREETING: good morning}}
"""


class ReproducibleTest(SkiffTest):
    def inputs(self, folder):
        """Writes the same function into some folder; only its place differs."""
        self.write(f"{folder}/hello.sh", "#!/bin/sh\necho $GREETING\n")
        self.write(f"{folder}/stand-in", STAND_IN)
        image = fixed_base.make(self.folder / folder / "base")
        # The image is named relative to where skiff is called, so that its name is fixed too.
        self.assertTrue(image.endswith("base:latest"))
        return self.write(f"{folder}/function.yaml", DEFINITION.format(image="oci:base:latest"))

    def build(self, folder, prefix=(), umask=0o022, **environment):
        definition = self.inputs(folder)
        words = [*prefix, PROGRAM, "build", "-f", definition, "--supervisor", "stand-in",
                 "--platform", "linux/amd64,linux/arm64", "--to", "oci:out", "--json"]
        done = subprocess.run(words, cwd=self.folder / folder, text=True, capture_output=True,
                              env={**self.environment, **environment}, umask=umask, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        [built] = json.loads(done.stdout)["destinations"]
        return built

    def test_the_golden_digests_come_out(self):
        built = self.build("here")
        if os.environ.get("SKIFF_WRITE_GOLDEN"):
            GOLDEN.write_text(json.dumps(built, indent=2, sort_keys=True) + "\n")
        self.assertEqual(built, json.loads(GOLDEN.read_text()))

    def test_where_when_and_who_do_not_matter(self):
        golden = json.loads(GOLDEN.read_text())
        surroundings = {
            "umask": {"umask": 0o077},
            "time zone": {"TZ": "Pacific/Kiritimati"},
            "locale": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
            "a folder elsewhere with a long name": {},
            # The sanitizers of `make asan` mind being loaded second.
            "another day": {"prefix": ("faketime", "2031-02-03 04:05:06"),
                            "ASAN_OPTIONS": "verify_asan_link_order=0"},
            "processors": {"prefix": ("taskset", "1")},
        }
        if os.getuid() == 0:
            self.folder.chmod(0o755)
            (self.folder / "tmp").chmod(0o777)
        for name, surrounding in surroundings.items():
            with self.subTest(name):
                self.assertEqual(self.build(name, **surrounding), golden)

    def test_another_user_makes_the_same(self):
        if os.getuid() != 0:
            self.skipTest("only root can become another user")
        self.inputs("theirs")
        subprocess.run(["chown", "-R", "12345:12345", self.folder], check=True)
        environment = {**self.environment, "HOME": str(self.folder / "theirs")}
        done = subprocess.run(
            ["setpriv", "--reuid=12345", "--regid=12345", "--clear-groups", PROGRAM, "build",
             "-f", "function.yaml", "--supervisor", "stand-in", "--platform",
             "linux/amd64,linux/arm64", "--to", "oci:out", "--json"],
            cwd=self.folder / "theirs", text=True, capture_output=True, env=environment,
            check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        [built] = json.loads(done.stdout)["destinations"]
        self.assertEqual(built, json.loads(GOLDEN.read_text()))

    def test_source_date_epoch_is_the_time_of_everything(self):
        built = self.build("dated", SOURCE_DATE_EPOCH="86400")
        self.assertNotEqual(built["digest"], json.loads(GOLDEN.read_text())["digest"])
        config = self.json("inspect", "oci:out", cwd=self.folder / "dated")["manifests"][0]
        blob = self.folder / "dated/out/blobs" / config["config"]["digest"].replace(":", "/")
        self.assertEqual(json.loads(blob.read_text())["created"], "1970-01-02T00:00:00Z")
        self.fail_with(2, "build", "-i", "oci:base", "--to", "oci:x", cwd=self.folder / "dated",
                       says="SOURCE_DATE_EPOCH 'soon'", environment={"SOURCE_DATE_EPOCH": "soon"})

    def test_another_checkout_builds_the_same_supervisor(self):
        files = subprocess.run(["git", "ls-files", "-z", "--cached", "--others",
                                "--exclude-standard"], cwd=CHECKOUT, check=True, text=True,
                               capture_output=True).stdout.split("\0")
        for name in filter(None, files):
            copy = self.folder / "elsewhere" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(CHECKOUT / name, copy)
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("MAKE") and key != "MFLAGS"}
        subprocess.run(["make", "supervisors"], cwd=self.folder / "elsewhere", check=True,
                       capture_output=True, env=environment)
        for architecture in ("amd64", "arm64"):
            path = f"build/supervisor/{architecture}/supervisor"
            self.assertEqual((self.folder / "elsewhere" / path).read_bytes(),
                             (CHECKOUT / path).read_bytes())
