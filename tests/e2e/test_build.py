# SPDX-License-Identifier: Apache-2.0
"""build, copy and inspect against a real registry, with others' tools as witnesses."""

import json
import os
import subprocess
import tarfile

from tests.support import base_images
from tests.support.registry_server import Registry
from tests.support.skiff import SkiffTest, read_layout

BOTH = "linux/amd64,linux/arm64"
DEFINITION = """\
functions:
  aws:
  - lambda:
      runtime: image
      name: hello
      memory: 256
      init_script: scripts/hello.sh
      container:
        image: {image}
        environment:
          Variables:
            GREETING: good morning
            COUNT: 3
storage_providers:
  s3:
    mine:
      access_key: AKIDEXAMPLE
      secret_key: never-in-an-image
"""


def run(*argv, **options):
    return subprocess.run(list(map(str, argv)), check=True, text=True, capture_output=True,
                          **options).stdout


class BuildTest(SkiffTest):
    def setUp(self):
        super().setUp()
        registry = Registry().start()
        self.addCleanup(registry.stop)
        self.registry = registry
        registry.docker_config(self.folder / ".docker")
        self.auth = self.folder / ".docker" / "config.json"
        self.script = self.write("scripts/hello.sh", "#!/bin/sh\necho hello\n")

    def skopeo(self, command, *words):
        environment = {**os.environ, "REGISTRY_AUTH_FILE": str(self.auth)}
        return run("skopeo", command, *words, env=environment)

    def build(self, *words):
        """Builds the definition on busybox for both platforms and returns the metadata."""
        definition = self.write("function.yaml", DEFINITION.format(image=base_images.busybox()))
        self.succeed("build", "-f", definition, *words, "--metadata-file", "metadata.json")
        return json.loads((self.folder / "metadata.json").read_text())["destinations"]

    def test_metadata_tells_every_document_and_blob(self):
        reference = f"{self.registry.host}/team/hello:1.0"
        layout, remote = self.build("--platform", BOTH, "--to", "oci:out", "--to", reference)

        self.assertEqual(layout["reference"], "oci:out:latest")
        self.assertEqual(remote["reference"], reference)
        self.assertEqual(layout["index"], remote["index"])
        self.assertEqual(remote["digest"], remote["index"]["digest"])
        self.assertEqual([each["platform"] for each in remote["manifests"]], BOTH.split(","))
        for manifest in remote["manifests"]:
            content = json.loads(read_layout(self.folder / "out", manifest["digest"]))
            self.assertEqual(manifest["mediaType"], content["mediaType"])
            for told, real in zip([manifest["config"], *manifest["layers"]],
                                  [content["config"], *content["layers"]], strict=True):
                self.assertEqual({key: told[key] for key in real}, real)
                self.assertEqual(told["platform"], manifest["platform"])
                self.assertEqual(len(read_layout(self.folder / "out", real["digest"])),
                                 real["size"])

    def test_skopeo_reads_what_was_pushed(self):
        reference = f"{self.registry.host}/team/hello:1.0"
        [remote] = self.build("--platform", BOTH, "--to", reference)

        raw = self.skopeo("inspect", "--tls-verify=false", "--raw", f"docker://{reference}")
        self.assertEqual(len(raw), remote["index"]["size"])
        for manifest in remote["manifests"]:
            by_digest = f"docker://{self.registry.host}/team/hello@{manifest['digest']}"
            config = json.loads(self.skopeo("inspect", "--tls-verify=false", "--config",
                                            by_digest))
            self.assertEqual(config["architecture"], manifest["platform"].split("/")[1])
            self.assertEqual(config["config"]["Entrypoint"], ["/var/task/supervisor"])
        self.skopeo("copy", "--all", "--src-tls-verify=false", f"docker://{reference}",
                    f"oci:{self.folder}/witness:1")
        self.assertEqual(read_layout(self.folder / "witness", remote["digest"]),
                         raw.encode())

    def test_the_config_runs_the_supervisor_and_loses_nothing(self):
        [built] = self.build("--platform", "linux/arm64", "--to", "oci:out")
        self.assertNotIn("index", built)
        [manifest] = built["manifests"]
        config = json.loads(read_layout(self.folder / "out", manifest["config"]["digest"]))

        self.assertEqual(config["architecture"], "arm64")
        self.assertEqual(config["config"]["Entrypoint"], ["/var/task/supervisor"])
        self.assertEqual(config["config"]["Cmd"], ["/bin/sh"])
        self.assertEqual(config["config"]["WorkingDir"], "/srv")
        self.assertEqual(config["config"]["Labels"], {"org.example.kept": "yes"})
        self.assertEqual(config["config"]["Env"], [
            "PATH=/var/task:/usr/sbin:/usr/bin:/sbin:/bin", "GREETING=good morning",
            "PYTHONIOENCODING=utf8", "COUNT=3"])
        self.assertEqual(len(config["history"]), len(manifest["layers"]))
        self.assertEqual(config["created"], "1970-01-01T00:00:00Z")

    def test_a_base_with_an_entrypoint_passes_it_on(self):
        self.succeed("build", "-i", base_images.scratch(), "--to", "oci:out")
        [manifest] = self.json("inspect", "oci:out")["manifests"]
        config = json.loads(read_layout(self.folder / "out", manifest["config"]["digest"]))
        self.assertEqual(config["config"]["Cmd"],
                         ["/busybox", "echo", "hello from the image's own command"])
        self.assertEqual(config["config"]["WorkingDir"], "/var/task")

    def test_umoci_unpacks_the_layers(self):
        self.build("--platform", "linux/amd64", "--to", "oci:out:v1")
        run("umoci", "unpack", "--rootless", "--image", "out:v1", "bundle", cwd=self.folder)
        task = self.folder / "bundle" / "rootfs" / "var" / "task"

        self.assertEqual({each.name: oct(each.stat().st_mode & 0o777)
                          for each in task.iterdir()},
                         {"supervisor": "0o755", "hello.sh": "0o755",
                          "function_config.yaml": "0o644"})
        self.assertEqual((task / "hello.sh").read_text(), "#!/bin/sh\necho hello\n")
        text = (task / "function_config.yaml").read_text()
        config = json.loads(text)
        self.assertEqual(config["init_script"], "hello.sh")
        self.assertEqual(config["container"]["environment"]["Variables"],
                         {"GREETING": "good morning", "COUNT": "3"})
        self.assertNotIn("never-in-an-image", text)
        self.assertNotIn(str(self.folder), text)

    def test_layers_list_parents_first_and_belong_to_nobody(self):
        [built] = self.build("--platform", "linux/amd64", "--to", "oci:out")
        for layer in built["manifests"][0]["layers"][-2:]:
            blob = self.folder / "out" / "blobs" / layer["digest"].replace(":", "/")
            with tarfile.open(blob, "r:gz") as tar:
                entries = tar.getmembers()
            self.assertEqual([each.name for each in entries[:2]], ["var", "var/task"])
            for each in entries:
                self.assertEqual((each.uid, each.gid, each.uname, each.gname, each.mtime),
                                 (0, 0, "", "", 0))

    def test_functions_share_the_supervisor_layer(self):
        [one] = self.build("--platform", "linux/amd64", "--to", "oci:one")
        self.succeed("build", "-i", base_images.glibc(), "-s", self.script, "--to", "oci:two",
                     "--metadata-file", "metadata.json")
        [two] = json.loads((self.folder / "metadata.json").read_text())["destinations"]
        self.assertEqual(one["manifests"][0]["layers"][-2]["digest"],
                         two["manifests"][0]["layers"][-2]["digest"])

    def test_the_base_is_named_by_annotations(self):
        base = f"{self.registry.host}/base/busybox:1"
        self.succeed("copy", base_images.busybox(), base)
        self.succeed("build", "-i", base, "--to", "oci:out")
        [manifest] = self.json("inspect", "oci:out")["manifests"]
        annotations = json.loads(
            read_layout(self.folder / "out", manifest["digest"]))["annotations"]
        [amd64, _] = self.json("inspect", base)["manifests"]
        self.assertEqual(annotations["org.opencontainers.image.base.name"], base)
        self.assertEqual(annotations["org.opencontainers.image.base.digest"], amd64["digest"])

    def test_blobs_that_are_there_are_not_sent_again(self):
        base = f"{self.registry.host}/team/hello:base"
        self.succeed("copy", base_images.busybox(), base)
        before = len(self.registry.requests())
        self.succeed("build", "-i", base, "-s", self.script, "--to",
                     f"{self.registry.host}/team/hello:1")
        sent = [path for method, path, status in self.registry.requests()[before:]
                if method == "PUT" and "/blobs/" in path]
        self.assertEqual(len(sent), 3, sent)  # two layers and the config

    def test_a_mount_spares_the_upload(self):
        base = f"{self.registry.host}/base/busybox:1"
        self.succeed("copy", base_images.busybox(), base)
        before = len(self.registry.requests())
        self.succeed("copy", base, f"{self.registry.host}/other/busybox:1")
        requests = self.registry.requests()[before:]
        self.assertFalse([path for method, path, _ in requests
                          if method == "PUT" and "/blobs/" in path])
        self.assertTrue([path for method, path, status in requests
                         if method == "POST" and "mount=" in path and status == 201])

    def test_copies_keep_every_digest(self):
        remote = f"{self.registry.host}/copy/busybox:v1"
        first = self.json("copy", base_images.busybox(), remote)
        second = self.json("copy", remote, "oci:back:v2")
        self.assertEqual(first["digest"], second["digest"])
        here = self.json("inspect", "oci:back:v2")
        there = self.json("inspect", base_images.busybox())
        self.assertEqual(here["manifests"], there["manifests"])
        run("skopeo", "inspect", "--raw", "oci:back:v2", cwd=self.folder)

    def test_one_platform_is_copied_alone(self):
        self.succeed("copy", "--platform", "linux/arm64", base_images.busybox(), "oci:arm")
        [manifest] = self.json("inspect", "oci:arm")["manifests"]
        self.assertEqual(manifest["platform"], "linux/arm64")

    def test_inspect_is_for_people_and_for_programs(self):
        text = self.succeed("inspect", base_images.busybox())
        for word in ["linux/amd64", "linux/arm64", "/bin/sh", "PATH=", "MB"]:
            self.assertIn(word, text)
        raw = self.succeed("inspect", "--raw", base_images.busybox())
        document = self.json("inspect", base_images.busybox())
        self.assertEqual(len(raw), document["size"])

    def test_json_is_one_document_and_quiet_is_quiet(self):
        done = self.skiff("build", "-i", base_images.busybox(), "--to", "oci:a", "--json")
        self.assertEqual(json.loads(done.stdout)["destinations"][0]["reference"], "oci:a:latest")
        done = self.skiff("build", "-i", base_images.busybox(), "--to", "oci:b", "--quiet")
        self.assertEqual(done.stdout + done.stderr, "")

    def test_another_supervisor_can_be_given(self):
        mine = self.write("mine", "#!/bin/sh\n", 0o600)
        self.succeed("build", "-i", base_images.busybox(), "--supervisor", mine, "--to", "oci:o:v1")
        run("umoci", "unpack", "--rootless", "--image", "o:v1", "bundle", cwd=self.folder)
        supervisor = self.folder / "bundle" / "rootfs" / "var" / "task" / "supervisor"
        self.assertEqual(supervisor.read_text(), "#!/bin/sh\n")
        self.assertEqual(supervisor.stat().st_mode & 0o777, 0o755)
