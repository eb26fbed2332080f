# SPDX-License-Identifier: Apache-2.0
"""Folders as layers, zstd and Docker's format, with umoci, skopeo and zstd as witnesses."""

import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import tarfile
import unittest
from pathlib import Path

from tests.support import base_images
from tests.support.aws_servers import AwsServers
from tests.support.registry_server import Registry
from tests.support.skiff import PROGRAM, SkiffTest, read_layout

ZSTD_LAYER = "application/vnd.oci.image.layer.v1.tar+zstd"
GZIP_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
BOTH = "linux/amd64,linux/arm64"


def run(*argv, **options):
    return subprocess.run(list(map(str, argv)), check=True, capture_output=True, **options).stdout


def put_blob(layout, content):
    digest = hashlib.sha256(content).hexdigest()
    (Path(layout) / "blobs" / "sha256" / digest).write_bytes(content)
    return {"digest": f"sha256:{digest}", "size": len(content)}


def zstd_base(layout):
    """The busybox image for linux/amd64 with the zstd program's layers."""
    shutil.copytree(base_images.busybox().split(":")[1], layout)
    top = json.loads((layout / "index.json").read_text())["manifests"][0]
    index = json.loads(read_layout(layout, top["digest"]))
    manifest = json.loads(read_layout(layout, index["manifests"][0]["digest"]))
    for layer in manifest["layers"]:
        plain = gzip.decompress(read_layout(layout, layer["digest"]))
        layer.update(put_blob(layout, run("zstd", "-c", input=plain)), mediaType=ZSTD_LAYER)
    named = {**put_blob(layout, json.dumps(manifest).encode()),
             "mediaType": index["manifests"][0]["mediaType"],
             "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [named]}))
    return f"oci:{layout}"


class LayersTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.base = base_images.busybox()
        self.script = self.write("hello.sh", "#!/bin/sh\necho hello\n")

    def build(self, *words):
        built = self.json("build", "-i", self.base, "-s", self.script, "--platform",
                          "linux/amd64", *words)
        return built["destinations"][0]["manifests"][0]

    def models(self, folder="models"):
        """A folder with one of everything that can be copied."""
        self.write(f"{folder}/small.bin", "small", 0o600)
        self.write(f"{folder}/deep/er/tool", "#!/bin/sh\n", 0o710)
        (self.folder / folder / "link").symlink_to("deep/er/tool")
        (self.folder / folder / "absolute").symlink_to("/bin/sh")
        (self.folder / folder / "twin").hardlink_to(self.folder / folder / "small.bin")
        (self.folder / folder / "empty").mkdir(0o700)
        return str(self.folder / folder)

    def unpack(self, tag):
        run("umoci", "unpack", "--rootless", "--image", tag, "bundle", cwd=self.folder)
        return self.folder / "bundle" / "rootfs"

    def members(self, layer, layout="out"):
        blob = self.folder / layout / "blobs" / layer["digest"].replace(":", "/")
        with tarfile.open(blob, "r:gz") as tar:
            return tar.getmembers()

    def test_umoci_unpacks_what_was_copied(self):
        self.build("--copy", f"{self.models()}:/opt/models", "--copy", f"{self.script}:etc/",
                   "--to", "oci:out:v1")
        root = self.unpack("out:v1")
        models = root / "opt" / "models"

        self.assertEqual({str(each.relative_to(models)) for each in models.rglob("*")},
                         {"small.bin", "deep", "deep/er", "deep/er/tool", "link", "absolute",
                          "twin", "empty"})
        modes = {name: oct((models / name).stat().st_mode & 0o777)
                 for name in ("small.bin", "deep", "deep/er/tool", "empty", "twin")}
        self.assertEqual(modes, {"small.bin": "0o644", "deep": "0o755", "deep/er/tool": "0o755",
                                 "empty": "0o755", "twin": "0o644"})
        self.assertEqual((models / "twin").read_text(), "small")
        self.assertEqual((models / "twin").stat().st_nlink, 1)
        self.assertEqual(os.readlink(models / "link"), "deep/er/tool")
        self.assertEqual(os.readlink(models / "absolute"), "/bin/sh")
        self.assertEqual((root / "var/task/etc/hello.sh").read_text(), "#!/bin/sh\necho hello\n")

    def test_entries_are_sorted_and_belong_to_nobody(self):
        manifest = self.build("--copy", f"{self.models()}:/opt/models", "--to", "oci:out")
        entries = self.members(manifest["layers"][-2])
        names = [each.name for each in entries]
        self.assertEqual(names, sorted(names))
        self.assertEqual(names[:2], ["opt", "opt/models"])
        for each in entries:
            self.assertEqual((each.uid, each.gid, each.uname, each.gname, each.mtime),
                             (0, 0, "", "", 0))
            self.assertFalse(each.islnk())

    def test_the_definition_copies_from_its_own_folder(self):
        self.models("project/data")
        self.write("project/data/.dockerignore", "# leave out\n**/*.bin\n.dockerignore\n")
        self.write("project/run.sh", "#!/bin/sh\n")
        definition = self.write("project/function.yaml", f"""\
functions:
  aws:
  - lambda:
      name: copies
      init_script: run.sh
      extra_payload: data/deep
      container:
        image: {self.base}
        copy:
        - {{src: data, dest: /opt/data, mode: 0555}}
        - src: run.sh
          dest: /usr/local/bin/
""")
        self.succeed("build", "-f", definition, "--to", "oci:out:v1")
        root = self.unpack("out:v1")
        self.assertTrue((root / "var/task/er/tool").is_file())
        self.assertTrue((root / "usr/local/bin/run.sh").is_file())
        self.assertEqual({each.name for each in (root / "opt/data").iterdir()},
                         {"deep", "link", "absolute", "twin", "empty"})
        self.assertEqual((root / "opt/data/deep/er/tool").stat().st_mode & 0o777, 0o555)
        self.assertNotIn("copy", (root / "var/task/function_config.yaml").read_text())

    def test_the_same_files_give_the_same_layer(self):
        digests = set()
        for name in ("one", "another"):
            folder = self.models(name)
            os.utime(f"{folder}/small.bin", (1, 1 if name == "one" else 2_000_000_000))
            os.chmod(f"{folder}/deep", 0o700 if name == "one" else 0o777)
            manifest = self.build("--copy", f"{folder}:/opt/models", "--to", f"oci:out-{name}")
            digests.add(manifest["digest"])
        self.assertEqual(len(digests), 1)

    def test_a_changed_script_does_not_send_the_folder_again(self):
        registry = Registry().start()
        self.addCleanup(registry.stop)
        registry.docker_config(self.folder / ".docker")
        folder = self.models()
        (self.folder / "models" / "large.bin").write_bytes(os.urandom(100_000))
        words = ["--copy", f"{folder}:/opt/models", "--to", f"{registry.host}/f:1"]
        self.build(*words)
        before = len(registry.requests())
        self.write("hello.sh", "#!/bin/sh\necho changed\n")
        self.build(*words)
        sent = [path for method, path, _ in registry.requests()[before:]
                if method == "PUT" and "/blobs/" in path]
        self.assertEqual(len(sent), 2, sent)  # the function's layer and the config

    def test_a_large_folder_is_several_layers(self):
        large = self.folder / "large" / "deep"
        large.mkdir(parents=True)
        for name in "abc":
            with open(large / name, "wb") as file:
                file.truncate(100 << 20)
        words = ["--copy", f"{large.parent}:/opt", "--to", "oci:out"]
        layers = self.build(*words)["layers"][-4:-1]
        names = [[each.name for each in self.members(layer)] for layer in layers]
        self.assertEqual(names, [["opt", "opt/deep", f"opt/deep/{name}"] for name in "abc"])

        with open(large / "b", "r+b") as file:
            file.write(b"changed")
        changed = self.build(*words)["layers"][-4:-1]
        self.assertEqual([old == new for old, new in zip(layers, changed)], [True, False, True])

    def test_many_files_stay_on_the_disk_until_they_are_written(self):
        folder = self.folder / "many"
        for i in range(30000):
            if i % 300 == 0:
                (folder / str(i // 300)).mkdir(parents=True)
            (folder / str(i // 300) / f"{i}.txt").write_text(f"file {i}\n")
        with open(folder / "large", "wb") as large:
            large.truncate(400 * 1024 * 1024)
        words = [PROGRAM, "build", "-i", self.base, "--copy", f"{folder}:/opt/many", "--platform",
                 "linux/amd64", "--to", "oci:out", "--json"]
        with open(self.folder / "result", "wb") as out:
            process = subprocess.Popen(words, cwd=self.folder, env=self.environment, stdout=out,
                                       stderr=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
        self.assertEqual(status, 0)
        built = json.loads((self.folder / "result").read_text())["destinations"][0]
        entries = self.members(built["manifests"][0]["layers"][-2])
        self.assertEqual(sum(each.isfile() for each in entries), 30001)
        self.assertEqual(max(each.size for each in entries), 400 * 1024 * 1024)
        self.assertLess(usage.ru_maxrss, 300 * 1024)  # KiB: nothing near the size of the files

    def test_what_cannot_be_copied_is_named(self):
        folder = self.models()
        os.mkfifo(f"{folder}/deep/pipe")
        words = ["build", "-i", self.base, "--to", "oci:out", "--copy"]
        self.fail_with(1, *words, f"{folder}:/x", says=["models/deep/pipe' is a pipe"])
        os.unlink(f"{folder}/deep/pipe")
        with socket.socket(socket.AF_UNIX) as listener:
            os.chdir(folder)  # a socket's path is short
            self.addCleanup(os.chdir, Path(__file__).resolve().parents[2])
            listener.bind("socket")
            self.fail_with(1, *words, f"{folder}:/x", says=["models/socket' is a socket"])
        self.fail_with(1, *words, "nowhere:/x", says=["--copy: open 'nowhere': No such file"])
        self.fail_with(2, *words, f"{folder}/link:/x", says=["is a symbolic link; name what"])
        self.fail_with(2, *words, f"{folder}:/x/../y", says=["'..' has no place"])
        self.fail_with(2, *words, f"{folder}:/lib/x", says=["say /usr/lib"])
        self.fail_with(1, *words, f"{self.script}:/var/task/supervisor", says=["--supervisor"])
        self.assertFalse((self.folder / "out" / "index.json").exists() and
                         json.loads((self.folder / "out/index.json").read_text())["manifests"])

    def test_a_function_here_sees_what_was_copied(self):
        self.succeed("--local", "init", "-i", self.base, "-n", "f", "-s",
                     self.write("cat.sh", "#!/bin/sh\ncat /opt/models/link small.bin\n"),
                     "-ep", self.models(), "--copy", "models:/opt/models")
        done = self.skiff("--local", "run", "-n", "f", "cat", "/opt/models/twin",
                          "/var/task/small.bin")
        if "forbids user namespaces" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.endswith("smallsmall"), done.stdout)

    def test_zstd_holds_the_same_files(self):
        packed = self.build("--compression", "zstd", "--to", "oci:zstd")
        plain = self.build("--to", "oci:gzip")
        self.assertEqual([each["mediaType"] for each in packed["layers"][-2:]], [ZSTD_LAYER] * 2)
        for one, other in zip(packed["layers"], plain["layers"], strict=True):
            self.assertEqual(one["diffId"], other["diffId"])
        for layer in packed["layers"][-2:]:
            tar = run("zstd", "-dc", input=read_layout(self.folder / "zstd", layer["digest"]))
            self.assertEqual("sha256:" + hashlib.sha256(tar).hexdigest(), layer["diffId"])
        run("skopeo", "copy", "--dest-decompress", "oci:zstd", "dir:plain", cwd=self.folder)
        for layer in packed["layers"]:
            self.assertTrue((self.folder / "plain" / layer["diffId"].split(":")[1]).exists())

    def test_a_base_in_zstd_is_kept(self):
        base = zstd_base(self.folder / "base")
        built = self.json("build", "-i", base, "--to", "oci:out")
        layers = built["destinations"][0]["manifests"][0]["layers"]
        self.assertEqual(layers[0]["mediaType"], ZSTD_LAYER)
        self.fail_with(1, "build", "-i", base, "--format", "docker", "--to", "oci:x",
                       says=["for which Docker's format has no name"])

    def test_docker_s_format_has_nothing_of_oci_s(self):
        registry = Registry().start()
        self.addCleanup(registry.stop)
        registry.docker_config(self.folder / ".docker")
        reference = f"{registry.host}/team/hello:1.0"
        self.succeed("build", "-i", self.base, "-s", self.script, "--platform", BOTH, "--format",
                     "docker", "--to", reference)
        environment = {**os.environ,
                       "REGISTRY_AUTH_FILE": str(self.folder / ".docker" / "config.json")}
        index = json.loads(run("skopeo", "inspect", "--tls-verify=false", "--raw",
                               f"docker://{reference}", env=environment))
        self.assertEqual(index["mediaType"],
                         "application/vnd.docker.distribution.manifest.list.v2+json")
        for entry in index["manifests"]:
            raw = run("skopeo", "inspect", "--tls-verify=false", "--raw",
                      f"docker://{registry.host}/team/hello@{entry['digest']}", env=environment)
            self.assertNotIn(b"application/vnd.oci", raw)
            manifest = json.loads(raw)
            types = [manifest["mediaType"], manifest["config"]["mediaType"], entry["mediaType"],
                     *(layer["mediaType"] for layer in manifest["layers"])]
            self.assertTrue(all(each.startswith("application/vnd.docker.") for each in types))
        run("skopeo", "copy", "--src-tls-verify=false", f"docker://{reference}",
            f"docker-archive:{self.folder}/archive", env=environment)

    def test_words_that_mean_nothing_are_refused(self):
        words = ["build", "-i", self.base, "--to", "oci:out"]
        self.fail_with(2, *words, "--format", "v1", says=["--format: expected oci or docker"])
        self.fail_with(2, *words, "--compression", "xz", says=["expected gzip or zstd"])
        self.fail_with(2, *words, "--format", "docker", "--compression", "zstd",
                       says=["Docker's format has no name for zstd"])
        self.fail_with(2, *words, "--copy", "nothing", says=["--copy: expected SRC:DEST"])


class ZstdOnAwsTest(SkiffTest):
    def test_a_base_in_zstd_is_recompressed_for_lambda(self):
        aws = AwsServers().start()
        self.addCleanup(aws.stop)
        base = zstd_base(self.folder / "base")
        environment = {**aws.environment,
                       "DOCKER_CONFIG": str(aws.registry.docker_config(self.folder / "docker"))}
        done = self.skiff("init", "-i", base, "-n", "squeezed", "-r", aws.role,
                          environment=environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("is recompressed: Lambda takes gzip, and it is zstd", done.stdout)
        manifest = aws.boto3("""
            answer = json.loads(client("ecr").batch_get_image(
                repositoryName="squeezed", imageIds=[{"imageTag": "latest"}]
            )["images"][0]["imageManifest"])""")
        self.assertEqual({each["mediaType"] for each in manifest["layers"]}, {GZIP_LAYER})


if __name__ == "__main__":
    unittest.main()
