# SPDX-License-Identifier: Apache-2.0
"""What registries are asked: nothing twice, and nothing that is known already.

Each round trip is what a user waits for, so every request of a build and a copy
is counted here, from the registries' own logs.
"""

import re
from collections import Counter

from tests.support import fixed_base
from tests.support.registry_server import Registry
from tests.support.skiff import SkiffTest

BOTH = "linux/amd64,linux/arm64"


def kind(method, path, status):
    """"POST upload 202": the request without the names in it."""
    path, _, query = path.partition("?")
    if "/blobs/uploads/" in path:
        what = "mount" if query.startswith("mount=") else "upload"
    elif "/blobs/" in path:
        what = "blob"
    else:
        what = "manifest" if re.search(r"/manifests/sha256:", path) else "tag"
    return f"{method} {what} {status}"


class RequestsTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.near, self.far = Registry(auth=False).start(), Registry(auth=False).start()
        self.addCleanup(self.near.stop)
        self.addCleanup(self.far.stop)
        self.base = f"{self.near.host}/base/app:1"
        self.succeed("copy", fixed_base.make(self.folder / "base", 100_000), self.base)
        self.write("s.sh", "#!/bin/sh\necho hello\n")

    def asked(self, *words):
        """Runs skiff; what it asked both registries, and each path that was asked twice."""
        before = [len(registry.requests()) for registry in (self.near, self.far)]
        self.succeed(*words)
        logs = [registry.requests()[count:]
                for registry, count in zip((self.near, self.far), before)]
        for log in logs:
            reads = Counter(entry for entry in log if entry[0] in ("GET", "HEAD"))
            self.assertEqual([entry for entry, count in reads.items() if count > 1], [])
            puts = [kind(*entry) for entry in log if entry[0] == "PUT"]
            if puts:
                self.assertEqual(puts[-1], "PUT tag 201")
        return [dict(Counter(kind(*entry) for entry in log)) for log in logs]

    def build(self, *destinations, platforms="linux/amd64"):
        words = [word for each in destinations for word in ("--to", each)]
        return self.asked("build", "-i", self.base, "-s", "s.sh", "--platform", platforms, *words)

    def test_a_build_for_another_registry(self):
        near, far = self.build(f"{self.far.host}/f:1")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 1, "GET blob 200": 2})
        # The base's layer and the supervisor might be there; function and config are new.
        self.assertEqual(far, {"HEAD blob 404": 2, "POST upload 202": 4, "PUT upload 201": 4,
                               "PUT tag 201": 1})

    def test_a_build_for_two_platforms(self):
        near, far = self.build(f"{self.far.host}/f:1", platforms=BOTH)
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 2, "GET blob 200": 4})
        self.assertEqual(far, {"HEAD blob 404": 4, "POST upload 202": 7, "PUT upload 201": 7,
                               "PUT manifest 201": 2, "PUT tag 201": 1})

    def test_a_build_within_a_registry(self):
        near, far = self.build(f"{self.near.host}/f:1")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 1, "GET blob 200": 1,
                                "POST mount 201": 1, "HEAD blob 404": 1, "POST upload 202": 3,
                                "PUT upload 201": 3, "PUT tag 201": 1})
        self.assertEqual(far, {})

    def test_a_build_with_another_script(self):
        self.build(f"{self.far.host}/f:1")
        self.write("s.sh", "#!/bin/sh\necho changed\n")
        near, far = self.build(f"{self.far.host}/f:1")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 1, "GET blob 200": 1})
        self.assertEqual(far, {"HEAD blob 200": 2, "POST upload 202": 2, "PUT upload 201": 2,
                               "PUT tag 201": 1})

    def test_a_second_tag_costs_one_request(self):
        _, far = self.build(f"{self.far.host}/f:1", f"{self.far.host}/f:2")
        self.assertEqual(far, {"HEAD blob 404": 2, "POST upload 202": 4, "PUT upload 201": 4,
                               "PUT tag 201": 2})

    def test_a_copy(self):
        near, far = self.asked("copy", self.base, f"{self.far.host}/copied:1")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 2, "GET blob 200": 4})
        self.assertEqual(far, {"HEAD blob 404": 4, "POST upload 202": 4, "PUT upload 201": 4,
                               "PUT manifest 201": 2, "PUT tag 201": 1})

        near, far = self.asked("copy", self.base, f"{self.far.host}/copied:2")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 2})
        self.assertEqual(far, {"HEAD blob 200": 4, "PUT manifest 201": 2, "PUT tag 201": 1})

    def test_a_copy_within_a_registry(self):
        near, _ = self.asked("copy", self.base, f"{self.near.host}/copied:1")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 2, "POST mount 201": 4,
                                "PUT manifest 201": 2, "PUT tag 201": 1})

    def test_a_copy_within_a_repository(self):
        near, _ = self.asked("copy", self.base, f"{self.near.host}/base/app:2")
        self.assertEqual(near, {"GET tag 200": 1, "GET manifest 200": 2, "PUT manifest 201": 2,
                                "PUT tag 201": 1})
