# SPDX-License-Identifier: Apache-2.0
"""Every request of a push, and of a pull, meets every fault in turn.

Whatever happens to one request, the command succeeds and the image is whole, or
it says in one line what went wrong and no tag came up. It never hangs and it
leaves nothing behind.
"""

import concurrent.futures
import hashlib
import itertools
import json
import os
import subprocess
import time
import unittest

from tests.support import fixed_base
from tests.support.fault_proxy import BUSY, FAULTS, Fault, FaultProxy
from tests.support.registry_server import Registry
from tests.support.skiff import PROGRAM, SkiffTest
from tests.support.token_server import ELSEWHERE, TokenRegistry

AT_ONCE = 12  # runs at the same time; most of them wait
SECONDS = 40  # that no run may need
LAYER_BYTES = 300_000
PASSWORD = "not-a-secret"

# One fault of these kinds is always got over: what was lost is asked for or sent again.
PASSING = [kind for kind in FAULTS if not kind.startswith(("corrupt", "swap"))]


class Weather(SkiffTest):
    """One registry, a layout to copy from, and the same image in the registry as base/app:1."""

    passing = PASSING

    def setUp(self):
        super().setUp()
        self.registry = Registry(auth=False).start()
        self.addCleanup(self.registry.stop)
        self.upstream = self.registry.host  # what the bad line leads to
        self.base = fixed_base.make(self.folder / "base", LAYER_BYTES)
        self.succeed("copy", self.base, f"{self.registry.host}/base/app:1")
        self.write("s.sh", "#!/bin/sh\necho hello\n")
        self.names = (f"test/app{number}" for number in itertools.count())

    def run_once(self, words):
        """Runs skiff with a temporary folder of its own; several may run at the same time. Whoever
        wants a password gets it."""
        temporary = self.folder / "tmp" / f"run-{time.monotonic_ns()}"
        temporary.mkdir()
        try:
            done = subprocess.run([PROGRAM, "--timeout", "1", *words], cwd=self.folder, text=True,
                                  env={**self.environment, "TMPDIR": str(temporary)},
                                  capture_output=True, input=PASSWORD, check=False,
                                  timeout=SECONDS)
            left = list(temporary.iterdir())
            if left:
                return done, f"left behind: {left}"
            temporary.rmdir()
            return done, None
        except subprocess.TimeoutExpired:
            return None, f"hung for {SECONDS} s"

    def tag(self, repository):
        """What the registry itself has under the tag, as skiff copies it out, or None."""
        out = self.folder / "seen" / repository.replace("/", "-")
        done = subprocess.run([PROGRAM, "copy", f"{self.registry.host}/{repository}:1",
                               f"oci:{out}:1"], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            assert "no image" in done.stderr, done.stderr
            return None
        (entry,) = json.loads((out / "index.json").read_text())["manifests"]
        return entry["digest"]

    def weather(self, fault, command):
        """What is wrong about one run, or None."""
        repository = next(self.names)
        with FaultProxy(self.upstream, fault) as proxy:
            words = command(proxy.host, repository)
            done, wrong = self.run_once(words)
        if wrong:
            return wrong
        if not proxy.harmed:
            return "no request was harmed"
        digest = self.tag(repository)
        if done.returncode == 0:
            return None if digest == self.expected else f"the tag has {digest}"
        lines = [line for line in done.stderr.splitlines() if ": warning: " not in line]
        if done.returncode != 1 or len(lines) != 1 or not lines[0].startswith("skiff: "):
            return f"status {done.returncode}: {done.stderr}"
        if digest:
            return f"failed, and the tag is there: {lines[0]}"
        if fault.times == 1 and fault.kind in self.passing:
            return f"not got over: {lines[0]}"
        return None

    def every_request(self, command, kinds=tuple(FAULTS), times=1, path=""):
        """Of those that have `path` in theirs."""
        repository = next(self.names)
        with FaultProxy(self.upstream) as proxy:
            done, wrong = self.run_once(command(proxy.host, repository))
        self.assertIsNone(wrong)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.expected = self.tag(repository)
        self.assertIsNotNone(self.expected)

        count = len([each for _, each in proxy.requests if path in each])
        faults = [Fault(kind, at, times, path) for kind in kinds for at in range(count)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            for fault, wrong in zip(faults, pool.map(lambda f: self.weather(f, command), faults)):
                if wrong:
                    with self.subTest(f"{fault.kind} at {fault.at}"):
                        self.fail(wrong)
        return proxy.requests


class WeatherTest(Weather):
    def test_a_copy_into_a_registry(self):
        requests = self.every_request(
            lambda host, repository: ["copy", self.base, f"{host}/{repository}:1"])
        self.assertLessEqual({"HEAD", "POST", "PUT"}, {method for method, _ in requests})

    def test_a_copy_from_registry_to_registry(self):
        self.every_request(
            lambda host, repository: ["copy", "--platform", "linux/amd64", f"{host}/base/app:1",
                                      f"{self.registry.host}/{repository}:1"])

    def test_a_build(self):
        self.every_request(
            lambda host, repository: ["build", "-i", f"{self.registry.host}/base/app:1",
                                      "-s", "s.sh", "--platform", "linux/amd64", "--to",
                                      f"{host}/{repository}:1"],
            kinds=("cut before", "cut request", "cut answer", "cut after", "busy",
                   "corrupt answer", "corrupt request", "swap answer", "swap request",
                   "overtake"))

    def test_a_copy_within_a_registry(self):
        requests = self.every_request(
            lambda host, repository: ["copy", "--platform", "linux/amd64", f"{host}/base/app:1",
                                      f"{host}/{repository}:1"])
        self.assertTrue([path for _, path in requests if "mount=" in path])

    def test_a_storm_that_does_not_end(self):
        """From some request on nothing works any more."""
        self.every_request(
            lambda host, repository: ["copy", "--platform", "linux/amd64", self.base,
                                      f"{host}/{repository}:1"],
            kinds=("cut before", "busy"), times=10 ** 6)


class PullTest(Weather):
    """Into a folder, where there is all of the image or none of it."""

    def place(self, name):
        return self.folder / "pulled" / name.replace("/", "-")

    def tag(self, repository):
        place = self.place(repository)
        if not place.exists():
            return None
        for blob in (place / "blobs" / "sha256").iterdir():
            self.assertEqual(hashlib.sha256(blob.read_bytes()).hexdigest(), blob.name)
        entries = json.loads((place / "index.json").read_text())["manifests"]
        return entries[0]["digest"] if entries else None

    def test_a_pull_with_tokens_and_redirects(self):
        with TokenRegistry({"me": PASSWORD}, redirects=True) as front:
            self.succeed("copy", self.base, f"{front.backend}/public/app:1")
            self.upstream = front.host
            requests = self.every_request(
                lambda host, name: ["copy", "--platform", "linux/amd64", f"{host}/public/app:1",
                                    f"oci:{self.place(name)}:1"])
        paths = [path for _, path in requests]
        for part in ("/token", "/manifests/", ELSEWHERE):
            self.assertTrue([path for path in paths if part in path], part)

    def test_a_pull_behind_a_mirror(self):
        """Whatever the mirror does, the registry itself is there."""
        self.succeed("copy", self.base, f"{self.registry.host}/hub/base/app:1")
        self.passing = FAULTS
        self.every_request(
            lambda host, name: ["copy", "--platform", "linux/amd64",
                                f"{self.registry.host}/base/app:1", f"oci:{self.place(name)}:1",
                                "--mirror", f"{self.registry.host}={host}/hub"])


class TokenTest(Weather):
    def test_a_push_with_a_token(self):
        with TokenRegistry({"me": PASSWORD}) as front:
            self.registry.host, self.upstream = front.backend, front.host
            requests = self.every_request(
                lambda host, repository: ["copy", "--platform", "linux/amd64", self.base,
                                          f"{host}/{repository}:1", "-u", "me",
                                          "--password-stdin"], path="/token")
        self.assertEqual(len([path for _, path in requests if "/token" in path]), 1)


class RepeatTest(Weather):
    def test_a_download_goes_on_where_it_broke_off(self):
        blobs = []
        with FaultProxy(self.registry.host) as proxy:
            self.succeed("copy", f"{proxy.host}/base/app:1", "oci:whole")
            blobs = [number for number, (method, path) in enumerate(proxy.requests)
                     if method == "GET" and "/blobs/" in path]
        self.assertEqual(len(blobs), 4)
        for number in blobs:
            with FaultProxy(self.registry.host, Fault("cut answer", number)) as proxy:
                self.succeed("copy", f"{proxy.host}/base/app:1", f"oci:again{number}")
                self.assertEqual(proxy.harmed, [proxy.requests[number]])
                self.assertEqual(proxy.requests.count(proxy.requests[number]), 2)
                (part,) = [each for each in proxy.ranges if each]
                self.assertRegex(part, r"^bytes=[1-9][0-9]*-$")

    def test_what_arrived_is_not_carried_again(self):
        """A PUT whose answer was lost has filled the upload: one question finds out."""
        with FaultProxy(self.registry.host) as proxy:
            self.succeed("copy", self.base, f"{proxy.host}/lost/one:1")
            puts = [number for number, (method, path) in enumerate(proxy.requests)
                    if method == "PUT" and "/blobs/" in path]
        with FaultProxy(self.registry.host, Fault("cut after", puts[0])) as proxy:
            result = self.json("copy", self.base, f"{proxy.host}/lost/two:1")
            sent = [path for method, path in proxy.requests if method == "PUT" and "/blobs/" in path]
        self.assertEqual(len(sent), len(puts))
        self.assertGreater(result["bytesCarried"], 2 * LAYER_BYTES)

    def test_what_is_only_read_is_asked_for_again(self):
        place = "base/app"
        for words in (["tags", place], ["inspect", f"{place}:1"]):
            expected = self.succeed(words[0], f"{self.registry.host}/{words[1]}")
            with FaultProxy(self.registry.host) as proxy:
                self.succeed(words[0], f"{proxy.host}/{words[1]}")
                count = len(proxy.requests)
            for at in range(count):
                with self.subTest(words[0], at=at), \
                        FaultProxy(self.registry.host, Fault("cut answer", at)) as proxy:
                    done = self.succeed(words[0], f"{proxy.host}/{words[1]}")
                    self.assertTrue(proxy.harmed)
                    self.assertEqual(done.replace(proxy.host, self.registry.host), expected)

    def test_a_registry_that_wants_patches(self):
        refuse = Fault("no whole put", 0, times=10 ** 6)
        with FaultProxy(self.registry.host, refuse) as proxy:
            self.succeed("copy", self.base, f"{proxy.host}/patched/app:1")
            methods = [method for method, path in proxy.requests if "/uploads/" in path]
        self.assertEqual(methods.count("PATCH"), 4)
        self.assertIsNotNone(self.tag("patched/app"))

    def test_busy_registries_are_waited_for(self):
        for kind, (status, _) in BUSY.items():
            with self.subTest(status), \
                    FaultProxy(self.registry.host, Fault(kind, 2, times=2)) as proxy:
                self.succeed("copy", self.base, f"{proxy.host}/busy/app{status}:1")
                self.assertEqual(len(proxy.harmed), 2)


if __name__ == "__main__":
    unittest.main()
