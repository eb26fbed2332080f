# SPDX-License-Identifier: Apache-2.0
"""The static programs: one file each, which runs in every Linux as it is."""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import unittest
from pathlib import Path

from tests.bench import images
from tests.support import base_images, fixed_base
from tests.support.certificates import Authority
from tests.support.http2_front import Http2Front
from tests.support.registry_server import Registry
from tests.support.skiff import CHECKOUT, SkiffTest, read_layout

ARCHITECTURES = ("amd64", "arm64")
QEMU = shutil.which("qemu-aarch64-static")
SYSTEM_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
MEMORY_LIMIT_KB = 8192
SIZE_LIMIT = 4_000_000  # without the supervisors inside


def program(architecture):
    return CHECKOUT / "build" / "static" / architecture / "skiff"


def may_change_root():
    return subprocess.run(["unshare", "--user", "--map-root-user", "--root", "/", "true"],
                          capture_output=True, check=False).returncode == 0


def unpack(location, folder):
    """The layers of an image of linux/amd64, one over the other."""
    layout = location.split(":")[1]
    index = json_of(layout, None)
    while "manifests" in index:
        index = json_of(layout, index["manifests"][0]["digest"])
    for layer in index["layers"]:
        blob = read_layout(layout, layer["digest"])
        if layer["mediaType"].endswith("gzip"):
            blob = gzip.decompress(blob)
        with tarfile.open(fileobj=io.BytesIO(blob)) as tar:
            tar.extractall(folder, filter="tar")


def json_of(layout, digest):
    return json.loads(read_layout(layout, digest) if digest
                      else (Path(layout) / "index.json").read_bytes())


IS_BUILT = unittest.skipUnless(all(program(each).exists() for each in ARCHITECTURES),
                               "skipped: no static programs; 'make static' builds them")


@IS_BUILT
class StaticTest(SkiffTest):
    def setUp(self):
        super().setUp()
        authority = Authority(self.folder, "authority")
        certificate, key = authority.issue("tls.localhost", "127.0.0.1")
        self.authority = Path(authority.certificate)
        self.tls = {"certificate": certificate, "key": key}

    def registry(self, **options):
        registry = Registry(auth=False, **options).start()
        self.addCleanup(registry.stop)
        return registry

    def encrypted(self):
        """A name that is asked by https, needs no DNS, and leads to the loopback."""
        return f"tls.localhost:{self.registry(tls=self.tls).host.split(':')[1]}"


@IS_BUILT
class FileTest(unittest.TestCase):
    def test_nothing_is_looked_for_when_it_starts(self):
        for architecture, machine in zip(ARCHITECTURES, ("X86-64", "AArch64")):
            headers = subprocess.run(["readelf", "-hlW", program(architecture)], check=True,
                                     capture_output=True, text=True).stdout
            self.assertIn(machine, headers)
            for word in ("INTERP", "DYNAMIC"):
                self.assertNotIn(word, headers)

    def test_it_is_small_and_does_not_say_where_it_was_made(self):
        for architecture in ARCHITECTURES:
            content = program(architecture).read_bytes()
            inside = sum((CHECKOUT / "build/supervisor" / each / "layer").stat().st_size
                         for each in ARCHITECTURES)
            self.assertLess(len(content) - inside, SIZE_LIMIT)
            for folder in (CHECKOUT, Path.home() / ".cache", "build-amd64"):
                self.assertFalse(f"{folder}/".encode() in content, folder)


@unittest.skipUnless(may_change_root(), "skipped: no user namespaces here")
class RootsTest(StaticTest):
    """Copies and builds over TLS where there is little besides the program."""

    def setUp(self):
        super().setUp()
        self.host = self.encrypted()
        self.source = f"{self.host}/base:1"
        self.trust = {"SSL_CERT_FILE": str(self.authority)}
        self.succeed("copy", fixed_base.make(self.folder / "base"), self.source,
                     environment=self.trust)
        self.root = self.folder / "root"
        self.root.mkdir()

    def inside(self, *words, architecture="amd64"):
        shutil.copy(program(architecture), self.root / "skiff")
        emulator = []
        if architecture == "arm64":
            shutil.copy(QEMU, self.root / "qemu")
            emulator = ["/qemu"]
        return subprocess.run(["unshare", "--user", "--map-root-user", "--root", self.root,
                               *emulator, "/skiff", *words], env={}, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)

    def works(self, *words, **options):
        done = self.inside(*words, **options)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def put_certificates(self, path):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.authority, file)

    def check_everything(self, architecture):
        """The same image as the ordinary program makes, from names that are not ASCII too."""
        for place in (self.folder, self.root):
            (place / "tmp").mkdir(exist_ok=True)
            (place / "data").mkdir()
            (place / "data" / "naïve-日本.txt").write_text("text")
            (place / "hello.sh").write_text("#!/bin/sh\necho hello\n")
        self.assertRegex(self.works("--version", architecture=architecture), r"^skiff \d")
        self.assertIn("amd64", self.works("inspect", self.source, architecture=architecture))
        self.works("copy", self.source, f"{self.host}/copied:1", architecture=architecture)

        build = ("build", "-i", self.source, "-n", "hello", "-s", "hello.sh", "--copy",
                 "data:/opt/data", "--json", "--to")
        ours = self.json(*build[:-2], "--to", f"{self.host}/ours:1", environment=self.trust)
        theirs = self.works(*build, f"{self.host}/theirs:1", architecture=architecture)
        self.assertIn(ours["destinations"][0]["digest"], theirs)

    def test_in_debian(self):
        unpack(base_images.glibc(), self.root)
        self.put_certificates("etc/ssl/certs/ca-certificates.crt")
        self.check_everything("amd64")

    def test_in_a_busybox_with_certificates_as_fedora_has_them(self):
        unpack(base_images.busybox(), self.root)
        self.put_certificates("etc/pki/tls/certs/ca-bundle.crt")
        self.check_everything("amd64")

    def test_with_nothing_but_certificates(self):
        self.put_certificates("etc/ssl/cert.pem")
        self.works("copy", self.source, f"{self.host}/copied:1")
        self.check_everything("amd64")

    @unittest.skipUnless(QEMU, "skipped: no qemu-aarch64-static")
    def test_with_nothing_but_certificates_on_arm64(self):
        self.put_certificates("etc/ssl/cert.pem")
        self.check_everything("arm64")

    def test_what_is_missing_is_said(self):
        done = self.inside("inspect", self.source)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "no certificates to trust .*--ca-file or SSL_CERT_FILE")

    def test_a_root_that_names_no_resolver(self):
        done = self.inside("inspect", "registry.example/app:1")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, "resolve host.*registry.example.*no /etc/resolv.conf")


class ReleaseTest(unittest.TestCase):
    folder = CHECKOUT / "build" / "release"

    @classmethod
    def setUpClass(cls):
        subprocess.run(["make", "-s", "release"], cwd=CHECKOUT, check=True, capture_output=True)

    def test_the_sums_are_right_and_all_there(self):
        sums = (self.folder / "SHA256SUMS").read_text().splitlines()
        named = {line.split("  ")[1]: line.split("  ")[0] for line in sums}
        others = {path.name for path in self.folder.iterdir()} - {"SHA256SUMS"}
        self.assertEqual(set(named), others)
        self.assertEqual(len(others), 3)
        for name, expected in named.items():
            content = (self.folder / name).read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), expected)
        for architecture in ARCHITECTURES:
            (released,) = self.folder.glob(f"skiff-*-linux-{architecture}")
            self.assertTrue(released.read_bytes() == program(architecture).read_bytes())

    def test_the_bill_of_materials_is_what_spdx_asks_for(self):
        (file,) = self.folder.glob("*.spdx.json")
        bill = json.loads(file.read_bytes())
        self.assertEqual(bill["spdxVersion"], "SPDX-2.3")
        self.assertEqual(bill["dataLicense"], "CC0-1.0")
        self.assertEqual(bill["SPDXID"], "SPDXRef-DOCUMENT")
        self.assertRegex(bill["documentNamespace"], "^https://[^#]+$")
        self.assertTrue(bill["name"])
        self.assertRegex(bill["creationInfo"]["created"], r"^\d{4}-\d\d-\d\dT[\d:]{8}Z$")
        self.assertRegex(bill["creationInfo"]["creators"][0], "^Tool: ")

        ids = {"SPDXRef-DOCUMENT"}
        for each in bill["packages"] + bill["files"]:
            self.assertRegex(each["SPDXID"], "^SPDXRef-[A-Za-z0-9.-]+$")
            self.assertNotIn(each["SPDXID"], ids)
            ids.add(each["SPDXID"])
        for package in bill["packages"]:
            self.assertTrue(package["name"] and package["versionInfo"])
            self.assertTrue(package["downloadLocation"] and package["licenseDeclared"])
            self.assertIs(package["filesAnalyzed"], False)
        for released in bill["files"]:
            content = (self.folder / released["fileName"]).read_bytes()
            sums = {sum["algorithm"]: sum["checksumValue"] for sum in released["checksums"]}
            self.assertEqual(sums["SHA1"], hashlib.sha1(content).hexdigest())
            self.assertEqual(sums["SHA256"], hashlib.sha256(content).hexdigest())
        for relation in bill["relationships"]:
            self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, ids)
            # Nothing that is contained: a package with filesAnalyzed false has no files.
            self.assertIn(relation["relationshipType"],
                          {"DESCRIBES", "GENERATED_FROM", "STATIC_LINK"})

    def test_the_bill_has_every_library_that_is_linked(self):
        (file,) = self.folder.glob("*.spdx.json")
        packages = {each["name"]: each for each in json.loads(file.read_bytes())["packages"]}
        makefile = (CHECKOUT / "Makefile").read_text()
        flags = {"archive": "libarchive", "zstd": "libzstd", "z": "zlib", "yaml": "libyaml",
                 "ssl": "openssl", "crypto": "openssl", "pthread": "musl"}
        (linked,) = re.findall(r"LDLIBS='(-larchive [^']*)'", makefile)
        for flag in linked.split():
            self.assertIn(flags.get(flag[2:], flag[2:]), packages)
        self.assertLessEqual({"skiff", "musl", "libdeflate", "libgcc"}, set(packages))
        said = f"OpenSSL {packages['openssl']['versionInfo']}".encode()
        for architecture in ARCHITECTURES:
            self.assertTrue(said in program(architecture).read_bytes(), said)

    def test_another_folder_user_setting_and_umask_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory(prefix="skiff-static-") as folder:
            for name in ("Makefile", "oci", "layers", "registry", "lambda", "cli", "static"):
                copy = shutil.copytree if (CHECKOUT / name).is_dir() else shutil.copy
                copy(CHECKOUT / name, Path(folder) / name)
            subprocess.run(["make", "-s", "-j2", "-C", folder, "static-amd64"], check=True,
                           umask=0o077, capture_output=True,
                           env={**os.environ, "TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8",
                                "CFLAGS": "-O0", "CPPFLAGS": "-DNDEBUG"})
            again = Path(folder) / "build" / "static" / "amd64" / "skiff"
            self.assertTrue(again.read_bytes() == program("amd64").read_bytes())


class MemoryTest(StaticTest):
    def put_large(self, host):
        """Twelve layers of noise, 240 MB together."""
        config = json.dumps({"os": "linux", "architecture": "amd64",
                             "rootfs": {"type": "layers", "diff_ids": []}}).encode()
        images.put_manifest(host, "large", "latest", {
            "schemaVersion": 2, "mediaType": images.MANIFEST,
            "config": images.put_blob(host, "large", images.CONFIG, config),
            "layers": [images.put_blob(host, "large", images.LAYER, os.urandom(20_000_000))
                       for _ in range(12)]})

    def test_a_copy_stays_below_eight_megabytes(self):
        """Over TLS both ways, with HTTP/2, and all the authorities of a distribution to trust."""
        measure, cost = self.folder / "measure", self.folder / "cost"
        subprocess.run(["cc", "-o", measure, CHECKOUT / "tests/bench/measure.c"], check=True)
        plain = self.registry()
        self.put_large(plain.host)
        front = Http2Front(plain.host, **self.tls, folder=self.folder).start()
        self.addCleanup(front.stop)
        bundle = self.folder / "bundle.pem"
        bundle.write_text(SYSTEM_AUTHORITIES.read_text() + self.authority.read_text())

        done = subprocess.run([measure, cost, program("amd64"), "copy", "--ca-file", bundle,
                               f"tls.localhost:{front.port}/large", f"{self.encrypted()}/large"],
                              env=self.environment, text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(int(cost.read_text().split()[2]), MEMORY_LIMIT_KB)


if __name__ == "__main__":
    unittest.main()
