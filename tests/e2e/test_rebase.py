# SPDX-License-Identifier: Apache-2.0
"""rebase against a real registry: a function on a newer base, with umoci and skopeo as witnesses."""

import json
import os
import subprocess

from tests.support import base_images
from tests.support.registry_server import Registry
from tests.support.skiff import SkiffTest, read_layout

BOTH = "linux/amd64,linux/arm64"


class RebaseTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.registry = Registry().start()
        self.addCleanup(self.registry.stop)
        self.registry.docker_config(self.folder / ".docker")
        self.old = f"{self.registry.host}/base/os:1"
        self.new = f"{self.registry.host}/base/os:2"
        self.function = f"{self.registry.host}/team/hello:1.0"
        self.succeed("copy", base_images.busybox(), self.old)
        self.succeed("copy", base_images.glibc(), self.new)
        self.write("hello.sh", "#!/bin/sh\necho hello\n")
        self.write("data/file", "data")

    def build(self, base, to, *words):
        built = self.json("build", "-i", base, "-s", "hello.sh", "-e", "WORD=hi", "--copy",
                          "data:/opt/data", "--platform", BOTH, "--to", to, *words)
        return built["destinations"][0]

    def blobs_sent(self, before):
        return [path for method, path, _ in self.registry.requests()[before:]
                if method == "PUT" and "/blobs/" in path]

    def test_only_the_base_and_the_configs_are_new(self):
        built = self.build(self.old, self.function)
        before = len(self.registry.requests())
        rebased = self.json("rebase", self.function, "--base", self.new)["destinations"][0]

        self.assertEqual(rebased["reference"], self.function)
        for one, other in zip(built["manifests"], rebased["manifests"], strict=True):
            self.assertEqual([each["digest"] for each in one["layers"][-3:]],
                             [each["digest"] for each in other["layers"][-3:]])
            self.assertEqual(one["platform"], other["platform"])
        # The layers of the base are mounted from its repository.
        self.assertEqual(len(self.blobs_sent(before)), 2)
        there = self.json("inspect", self.function)
        self.assertEqual(there["digest"], rebased["digest"])

    def test_the_image_is_the_one_a_build_would_make(self):
        """But for the name of the base that the function's own config keeps, in its layer."""
        self.build(self.old, "oci:old")
        rebased = self.json("rebase", "oci:old", "--base", self.new, "--to", "oci:new:v1")
        built = self.build(self.new, "oci:built")
        for one, other in zip(rebased["destinations"][0]["manifests"], built["manifests"],
                              strict=True):
            configs = []
            for folder, manifest in (("new", one), ("built", other)):
                config = json.loads(read_layout(self.folder / folder,
                                                manifest["config"]["digest"]))
                del config["rootfs"]["diff_ids"][-1]
                configs.append(config)
            self.assertEqual(configs[0], configs[1])
            self.assertIn("WORD=hi", configs[0]["config"]["Env"])
            self.assertNotIn("GREETING=hello from the base image", configs[0]["config"]["Env"])
            manifest = json.loads(read_layout(self.folder / "new", one["digest"]))
            annotations = manifest["annotations"]
            self.assertEqual(annotations["org.opencontainers.image.base.name"], self.new)

        self.succeed("rebase", "oci:old", "--base", self.new, "--to", "oci:one:v1")
        environment = {**os.environ, "HOME": str(self.folder)}
        subprocess.run(["skopeo", "copy", "--override-arch", "amd64", "oci:one:v1", "oci:amd64:v1"],
                       cwd=self.folder, check=True, capture_output=True, env=environment)
        subprocess.run(["umoci", "unpack", "--rootless", "--image", "amd64:v1", "bundle"],
                       cwd=self.folder, check=True, capture_output=True)
        root = self.folder / "bundle" / "rootfs"
        self.assertEqual((root / "opt/data/file").read_text(), "data")
        self.assertEqual((root / "var/task/hello.sh").read_text(), "#!/bin/sh\necho hello\n")
        self.assertTrue((root / "var/task/supervisor").is_file())
        self.assertTrue((root / "usr/bin/env").exists())  # of the new base

    def test_docker_s_format_stays(self):
        self.build(self.old, "oci:docker", "--format", "docker")
        self.succeed("rebase", "oci:docker", "--base", self.new)
        raw = json.loads(self.succeed("inspect", "--raw", "oci:docker"))
        self.assertEqual(raw["mediaType"],
                         "application/vnd.docker.distribution.manifest.list.v2+json")

    def test_it_runs_on_this_machine(self):
        self.build(self.old, "oci:old")
        self.succeed("rebase", "oci:old", "--base", self.new, "--to", "oci:new")
        self.succeed("--local", "init", "-i", "oci:new", "-n", "moved", "-s", "hello.sh")
        done = self.skiff("--local", "run", "-n", "moved")
        if "forbids user namespaces" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.endswith("hello\n"), done.stdout)

    def test_what_cannot_be_rebased_is_said(self):
        digest = self.build(self.old, self.function)["digest"]
        at_digest = f"{self.registry.host}/team/hello@{digest}"
        self.fail_with(2, "rebase", self.function, says=["--base IMAGE"])
        self.fail_with(2, "rebase", at_digest, "--base", self.new, says=["with --to"])
        self.succeed("rebase", at_digest, "--base", self.new, "--to", "oci:there")
        self.fail_with(1, "rebase", self.old, "--base", self.new,
                       says=["its uppermost layer is not a function of skiff's"])
        self.fail_with(1, "rebase", f"{self.registry.host}/team/hello:none", "--base", self.new,
                       says=["rebase ", "none"])
        self.fail_with(1, "rebase", self.function, "--base", f"{self.registry.host}/base/os:9",
                       says=["base: ", "os"])
        self.assertEqual(self.json("inspect", self.function)["digest"], digest)
