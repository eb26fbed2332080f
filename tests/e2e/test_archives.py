# SPDX-License-Identifier: Apache-2.0
"""Images in one file, and lists of tags: what skiff writes others read, and the other way round."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile

from tests.support import base_images, fixed_base
from tests.support.registry_server import Registry
from tests.support.skiff import SkiffTest, read_layout

AMD64 = ("--platform", "linux/amd64")


class ArchivesTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.script = self.write("hello.sh", "#!/bin/sh\necho hello\n")

    def skopeo(self, *words):
        return subprocess.run(["skopeo", *words], check=True, text=True, capture_output=True,
                              cwd=self.folder,
                              env={**os.environ, "HOME": str(self.folder)}).stdout

    def diff_ids(self, place):
        [manifest] = self.json("inspect", place)["manifests"]
        return [layer["diffId"] for layer in manifest["layers"]]

    def test_an_oci_archive_carries_every_digest(self):
        copied = self.json("copy", "--all", base_images.busybox(), "oci-archive:a.tar:v1")
        raw = self.skopeo("inspect", "--raw", "oci-archive:a.tar:v1")
        self.assertEqual("sha256:" + hashlib.sha256(raw.encode()).hexdigest(), copied["digest"])
        self.skopeo("copy", "--all", "oci-archive:a.tar:v1", "oci-archive:b.tar:v2")
        back = self.json("copy", "oci-archive:b.tar:v2", "oci:back:v3")
        self.assertEqual(back["digest"], copied["digest"])
        self.assertEqual(self.json("inspect", "oci:back:v3")["manifests"],
                         self.json("inspect", base_images.busybox())["manifests"])

    def test_a_docker_archive_is_read_by_others(self):
        place = "docker-archive:a.tar:team/app:1"
        self.succeed("copy", *AMD64, base_images.busybox(), place)
        seen = json.loads(self.skopeo("inspect", "docker-archive:a.tar:team/app:1"))
        self.assertEqual(seen["Layers"], self.diff_ids(place))
        self.assertEqual(self.succeed("tags", "docker-archive:a.tar"), "docker.io/team/app:1\n")
        with tarfile.open(self.folder / "a.tar") as tar:
            [image] = json.load(tar.extractfile("manifest.json"))
            for name, diff_id in zip(image["Layers"], seen["Layers"]):
                layer = tar.extractfile(name).read()
                self.assertEqual("sha256:" + hashlib.sha256(layer).hexdigest(), diff_id)
        self.skopeo("copy", "docker-archive:a.tar:team/app:1", "oci:theirs:1")
        self.assertEqual(self.diff_ids("oci:theirs:1"), seen["Layers"])

    def test_a_docker_archive_of_others_is_read_plain_or_compressed(self):
        source = base_images.busybox()
        self.skopeo("copy", source, "docker-archive:theirs.tar:app:2")
        content = (self.folder / "theirs.tar").read_bytes()
        (self.folder / "theirs.tar.gz").write_bytes(gzip.compress(content))
        self.succeed("copy", *AMD64, source, "oci:one")
        digests = set()
        for name in ("theirs.tar", "theirs.tar.gz"):
            copied = self.json("copy", f"docker-archive:{name}:app:2", f"oci:{name}.layout")
            digests.add(copied["digest"])
            self.assertEqual(self.diff_ids(f"oci:{name}.layout"), self.diff_ids("oci:one"))
            [manifest] = self.json("inspect", f"oci:{name}.layout")["manifests"]
            for layer in manifest["layers"]:
                self.assertTrue(layer["mediaType"].endswith("tar+gzip"), layer)
                blob = read_layout(self.folder / f"{name}.layout", layer["digest"])
                plain = hashlib.sha256(gzip.decompress(blob)).hexdigest()
                self.assertEqual("sha256:" + plain, layer["diffId"])
        self.assertEqual(len(digests), 1)

    def test_archives_are_the_same_every_time(self):
        for number in (1, 2):
            self.succeed("copy", *AMD64, base_images.busybox(), f"docker-archive:d{number}.tar:a")
            self.succeed("copy", base_images.busybox(), f"oci-archive:o{number}.tar")
        for kind in "do":
            self.assertEqual((self.folder / f"{kind}1.tar").read_bytes(),
                             (self.folder / f"{kind}2.tar").read_bytes())
        self.succeed("copy", "docker-archive:d1.tar", "docker-archive:d3.tar:a")
        self.assertEqual((self.folder / "d1.tar").read_bytes(),
                         (self.folder / "d3.tar").read_bytes())

    def test_a_docker_archive_holds_one_platform(self):
        self.fail_with(2, "copy", base_images.busybox(), "docker-archive:a.tar",
                       says=["--platform", "linux/amd64, linux/arm64"])
        self.fail_with(2, "copy", "--all", *AMD64, base_images.busybox(), "oci:x",
                       says="do not go together")
        self.assertFalse((self.folder / "a.tar").exists())

    def test_an_image_is_built_on_an_archive_and_into_one(self):
        self.skopeo("copy", base_images.busybox(), "docker-archive:base.tar:app:2")
        definition = self.write("f/function.yaml", """\
functions:
  aws:
  - lambda:
      name: hello
      init_script: ../hello.sh
      container:
        image_file: ../base.tar
""")
        self.succeed("build", "-f", definition, "--to", "oci:one", "--to", "docker-archive:out.tar:f",
                     "--to", "oci-archive:out.oci")
        self.succeed("build", "-if", "base.tar", "-n", "hello", "-s", self.script,
                     "--to", "oci:two")
        ids = self.diff_ids("oci:one")
        self.assertEqual(ids[:1], self.diff_ids("docker-archive:base.tar"))
        for place in ("docker-archive:out.tar", "oci-archive:out.oci"):
            self.assertEqual(self.diff_ids(place), ids)
        self.assertEqual(self.diff_ids("oci:two")[:1], ids[:1])
        [manifest] = self.json("inspect", "oci:one")["manifests"]
        self.assertEqual({layer["mediaType"].rsplit("+")[-1] for layer in manifest["layers"]},
                         {"gzip"})
        self.fail_with(2, "build", "-i", "alpine", "-if", "base.tar", "--to", "oci:x",
                       says="not both")

    def test_a_function_of_this_machine_comes_from_an_archive(self):
        self.skopeo("copy", base_images.busybox(), "docker-archive:base.tar:app:2")
        self.succeed("--local", "init", "-if", "base.tar", "-n", "hello", "-s", self.script)
        self.succeed("--local", "rm", "-n", "hello")

    def test_hostile_archives_are_refused_in_a_sentence(self):
        def archive(name, *members):
            with tarfile.open(self.folder / name, "w") as tar:
                for member, content in members:
                    entry = tarfile.TarInfo(member)
                    entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content))

        archive("climb.tar", ("../../evil", b"x"))
        archive("twice.tar", ("manifest.json", b"[]"), ("manifest.json", b"[]"))
        archive("none.tar", ("something", b"else"))
        (self.folder / "cut.tar").write_bytes((self.folder / "none.tar").read_bytes()[:700])
        (self.folder / "bad.tar").write_bytes(b"\x1f\x8b" + b"x" * 1000)
        for name, says in (("climb.tar", "'..'"), ("twice.tar", "twice"),
                           ("none.tar", "manifest.json"), ("cut.tar", "cut.tar"),
                           ("bad.tar", "bad.tar"), ("missing.tar", "missing.tar")):
            with self.subTest(name):
                self.fail_with(1, "inspect", f"docker-archive:{name}", says=says)
                self.fail_with(1, "copy", f"oci-archive:{name}", "oci:x", says=name)
        self.assertFalse((self.folder.parent / "evil").exists())


class TagsTest(SkiffTest):
    def test_tags_are_listed_page_by_page(self):
        names = [f"v{number:04}" for number in range(30)]
        base = fixed_base.make(self.folder / "base")
        with Registry() as registry:
            registry.docker_config(self.folder / ".docker")
            place = f"{registry.host}/team/app"
            for name in names:
                self.succeed("copy", base, f"{place}:{name}")
            self.assertEqual(self.succeed("tags", place).split(), names)
            document = self.json("tags", f"{place}:v0003")
            self.assertEqual(document, {"repository": place, "tags": names})
            self.fail_with(1, "tags", f"{registry.host}/no/such", says="no repository")
            self.assertTrue(any("tags/list" in path for _, path, _ in registry.requests()))

    def test_folders_have_tags_too(self):
        base = fixed_base.make(self.folder / "base")
        for name in ("a", "b"):
            self.succeed("copy", base, f"oci:out:{name}")
        self.assertEqual(self.succeed("tags", "oci:out"), "a\nb\n")
        self.succeed("copy", base, "oci-archive:a.tar:c")
        self.assertEqual(self.json("tags", "oci-archive:a.tar"),
                         {"repository": "oci-archive:a.tar", "tags": ["c"]})


class InspectTest(SkiffTest):
    def test_layers_are_drawn_and_every_line_fits(self):
        text = self.succeed("inspect", base_images.busybox())
        self.assertRegex(text, r"(?m)^  sha256:[0-9a-f]{12} +\d+\.\d MB  #+ ")
        self.assertLessEqual(max(map(len, text.splitlines()[2:])), 100)
        self.assertIn("platforms   linux/amd64, linux/arm64\n", text)
        self.assertIsNone(re.search(r"[^ -~\n]", text))
