# SPDX-License-Identifier: Apache-2.0
"""Images in one file, and lists of tags: what skiff writes others read, and the other way round."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

from tests.support import base_images, fixed_base
from tests.support.registry_server import Registry
from tests.support.skiff import PROGRAM, SkiffTest, read_layout
from tests.support.tag_pages import TagPages

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


class WitnessTest(SkiffTest):
    """podman and docker load what skiff writes, and skiff reads what they save. Docker is asked
    where its daemon is; podman needs none and keeps its images in the test's folder."""

    def setUp(self):
        super().setUp()
        storage = ["--root", self.folder / "storage", "--runroot", self.folder / "run",
                   "--storage-driver", "vfs"]
        if "DOCKER_HOST" in os.environ:
            self.environment["DOCKER_HOST"] = os.environ["DOCKER_HOST"]
        known = {"podman": ["podman", *map(str, storage)], "docker": ["docker"]}
        self.witnesses, reasons = {}, []
        for name, command in known.items():
            reason = self.what_hinders(command)
            if reason:
                reasons.append(f"{name}: {reason}")
            else:
                self.witnesses[name] = command
        if not self.witnesses:
            self.skipTest("; ".join(reasons))
        self.name = f"skiff-witness-{os.getpid()}"
        self.addCleanup(self.forget)

    def what_hinders(self, command):
        try:
            done = subprocess.run([*command, "images"], env=self.environment, text=True,
                                  capture_output=True, check=False)
        except FileNotFoundError:
            return "is not here"
        return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]

    def ask(self, name, *words, check=True):
        return subprocess.run([*self.witnesses[name], *words], check=check, text=True,
                              capture_output=True, cwd=self.folder, env=self.environment).stdout

    def forget(self):
        for name in self.witnesses:
            self.ask(name, "rmi", "--force", f"docker.io/team/{self.name}:1", check=False)
        if "podman" in self.witnesses:
            self.ask("podman", "rmi", "--all", "--force", check=False)

    def seen(self, name, image):
        """What a witness says of an image: layers, command, environment, architecture."""
        [image] = json.loads(self.ask(name, "image", "inspect", image))
        return (image["RootFS"]["Layers"], image["Config"]["Cmd"], image["Config"]["Env"],
                image["Architecture"])

    def expected(self, place):
        """The same as it stands in skiff's own folder, where the place is copied to."""
        self.succeed("copy", *AMD64, place, "oci:expected")
        [image] = self.json("inspect", "oci:expected")["manifests"]
        config = json.loads(read_layout(self.folder / "expected", image["config"]["digest"]))
        return (config["rootfs"]["diff_ids"], config["config"]["Cmd"], config["config"]["Env"],
                config["architecture"])

    def test_docker_archives_are_loaded_and_saved(self):
        image = f"docker.io/team/{self.name}:1"
        self.succeed("copy", *AMD64, base_images.busybox(), f"docker-archive:ours.tar:{image}")
        expected = self.expected("docker-archive:ours.tar")
        for name in self.witnesses:
            with self.subTest(name):
                self.assertIn(self.name, self.ask(name, "load", "-i", "ours.tar"))
                self.assertEqual(self.seen(name, image), expected)
                self.ask(name, "save", "-o", f"{name}.tar", image)
                self.assertEqual(self.expected(f"docker-archive:{name}.tar"), expected)

    def test_oci_archives_are_loaded_and_saved(self):
        if "podman" not in self.witnesses:
            self.skipTest("podman is not usable here, and older dockers load no OCI archives")
        for number, words in enumerate([AMD64, ()]):  # a manifest, an index
            image = f"{self.name}-{number}"
            self.succeed("copy", *words, base_images.busybox(), f"oci-archive:{number}.tar:{image}")
            loaded = self.ask("podman", "load", "-i", f"{number}.tar").split()[-1]
            self.assertIn(image, loaded)
            expected = self.expected(f"oci-archive:{number}.tar")
            self.assertEqual(self.seen("podman", loaded), expected)
            self.ask("podman", "save", "--format", "oci-archive", "-o", f"saved{number}.tar", loaded)
            self.assertEqual(self.expected(f"oci-archive:saved{number}.tar"), expected)


class InterruptedTest(SkiffTest):
    """Ctrl-C while an archive or a folder is being written."""

    def setUp(self):
        super().setUp()
        try:
            os.close(os.open(self.folder, os.O_TMPFILE | os.O_WRONLY))
        except OSError as error:
            self.skipTest(f"no files without names in {self.folder.parent}: {error.strerror}")
        self.base = fixed_base.make(self.folder / "base", padding=40_000_000)
        (self.folder / "out").mkdir()

    def is_writing(self, program):
        """Whether a file below out/ is open."""
        for entry in Path(f"/proc/{program.pid}/fd").iterdir():
            try:
                if os.readlink(entry).startswith(f"{self.folder}/out/"):
                    return True
            except FileNotFoundError:
                pass
        return False

    def interrupt(self, number, *words):
        """Sends the signal in the middle; a program that was faster is run again."""
        before = os.listdir(self.folder / "out")
        for _ in range(20):
            with subprocess.Popen([PROGRAM, "copy", *words], cwd=self.folder,
                                  env=self.environment, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL,
                                  preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)
                                  ) as program:
                while not self.is_writing(program) and program.poll() is None:
                    pass
                program.send_signal(number)
            if program.returncode != 0:
                break
            shutil.rmtree(self.folder / "out")
            (self.folder / "out").mkdir()
            for name in before:
                (self.folder / "out" / name).write_bytes(b"old")
        self.assertEqual(program.returncode, -number)
        self.assertEqual(list((self.folder / "tmp").iterdir()), [], "left behind")

    def test_nothing_is_left_beside_an_archive(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for place in ("oci-archive:out/a.tar", "docker-archive:out/a.tar"):
                with self.subTest(place, signal=number):
                    self.interrupt(number, *AMD64, self.base, place)
                    self.assertEqual(os.listdir(self.folder / "out"), [])

    def test_the_archive_that_was_there_stays(self):
        (self.folder / "out" / "a.tar").write_bytes(b"old")
        self.interrupt(signal.SIGINT, *AMD64, self.base, "oci-archive:out/a.tar")
        self.assertEqual(os.listdir(self.folder / "out"), ["a.tar"])
        self.assertEqual((self.folder / "out" / "a.tar").read_bytes(), b"old")

    def test_no_half_blob_is_left_in_a_folder(self):
        self.interrupt(signal.SIGINT, *AMD64, self.base, "oci:out")
        for name in os.listdir(self.folder / "out" / "blobs" / "sha256"):
            content = (self.folder / "out" / "blobs" / "sha256" / name).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), name)


class TagsTest(SkiffTest):
    def test_tags_are_listed_page_by_page(self):
        names = [f"v{number:04}" for number in range(2100)]
        base = fixed_base.make(self.folder / "base")
        with Registry(auth=False) as registry:
            place = f"{registry.host}/team/app"
            self.succeed("copy", base, f"{place}:{names[0]}")
            registry.add_tags("team/app", names[0], names[1:])
            self.assertEqual(self.succeed("tags", place).split(), names)
            for most, pages in ((10 ** 6, [1000, 1000, 100]), (900, [900, 900, 300])):
                with self.subTest(most), TagPages(registry.host, most) as front:
                    listed = self.succeed("tags", f"{front.host}/team/app").split()
                    self.assertEqual(listed, names)
                    self.assertEqual(front.pages, pages)

    def test_tags_are_listed_after_a_login(self):
        names = ["1", "2", "latest"]
        base = fixed_base.make(self.folder / "base")
        with Registry() as registry:
            registry.docker_config(self.folder / ".docker")
            place = f"{registry.host}/team/app"
            for name in names:
                self.succeed("copy", base, f"{place}:{name}")
            self.assertEqual(self.succeed("tags", place).split(), names)
            document = self.json("tags", f"{place}:2")
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

    def put_motley_index(self):
        """An index of another index, an attestation and an artifact, as base:motley."""
        layout = self.folder / "base"
        fixed_base.make(layout)
        index = json.loads((layout / "index.json").read_text())

        def manifest(config_type, **fields):
            return fixed_base.put(layout, fixed_base.MANIFEST, {
                "schemaVersion": 2, "mediaType": fixed_base.MANIFEST,
                "config": fixed_base.put(layout, config_type, {}),
                "layers": [fixed_base.put(layout, "text/plain", b"hello")], **fields})

        attestation = {**manifest(fixed_base.CONFIG), "annotations": {
            "vnd.docker.reference.type": "attestation-manifest"},
            "platform": {"os": "unknown", "architecture": "unknown"}}
        artifact = manifest("application/vnd.oci.empty.v1+json", artifactType="application/x")
        for tag, media_type, document in [
                ("motley", fixed_base.INDEX, {
                    "schemaVersion": 2, "mediaType": fixed_base.INDEX, "annotations": {"k": "v"},
                    "manifests": [index["manifests"][0], attestation, artifact],
                    "unknown": {"z": 1, "a": [2]}}),
                ("artifact", None, artifact)]:
            entry = fixed_base.put(layout, media_type, document) if media_type else document
            index["manifests"].append({**entry, "annotations": {
                "org.opencontainers.image.ref.name": tag}})
        (layout / "index.json").write_text(json.dumps(index))

    def test_an_index_may_hold_more_than_images(self):
        self.put_motley_index()
        raw = self.succeed("inspect", "--raw", "oci:base:motley")
        with Registry(auth=False) as registry:
            place = f"{registry.host}/team/motley"
            self.succeed("copy", "oci:base:motley", place)
            self.succeed("copy", place, "oci:back")
            self.assertEqual(self.succeed("inspect", "--raw", "oci:back"), raw)
            text = self.succeed("inspect", place)
            self.succeed("build", "-i", place, "--platform", "linux/amd64,linux/arm64", "--to",
                         f"{place}:built")
            built = self.json("inspect", f"{place}:built")["manifests"]
        self.assertEqual([each["platform"] for each in built], ["linux/amd64", "linux/arm64"])
        self.assertIn("  platforms   an index, unnamed, and 1 attestation\n", text)
        self.assertIn("  platforms   linux/amd64, linux/arm64\n", text)
        self.assertIn("\nlinux/arm64 sha256:", text)
        self.assertIn("  artifact    application/x, 5 B\n", text)
        listed = self.json("inspect", "oci:base:motley")["manifests"]
        self.assertEqual([each.get("platform") or each["artifactType"] for each in listed],
                         ["linux/amd64", "linux/arm64", "application/x"])

    def test_an_artifact_is_no_image(self):
        self.put_motley_index()
        self.assertIn("  artifact    application/x, 5 B\n",
                      self.succeed("inspect", "oci:base:artifact"))
        self.fail_with(1, "build", "-i", "oci:base:artifact", "--to", "oci:out",
                       says="it is not an image, but an artifact, 'application/x'")
