# SPDX-License-Identifier: Apache-2.0
"""Registries that mean harm: each is left with a clear sentence, soon and with nothing kept."""

import itertools
import json
import shutil
import socket
import threading
import time
import unittest

from tests.support import fixed_base
from tests.support.hostile_registry import HostileRegistry
from tests.support.skiff import SkiffTest

SECONDS = 25  # in which all of them are through
PIECE = b"x" * 65536


def endless():
    return itertools.repeat(PIECE)


def trickle():
    while True:
        time.sleep(0.3)
        yield b" "


class HostileTest(SkiffTest):
    def setUp(self):
        super().setUp()
        self.base = fixed_base.make(self.folder / "base")

    def refuse(self, tamper, says, *words, layout="base"):
        begun = time.monotonic()
        with HostileRegistry(self.folder / layout, tamper) as registry:
            line = self.fail_with(1, "copy", f"{registry.host}/x:latest", "oci:out", *words,
                                  says=says)
        self.assertLess(time.monotonic() - begun, SECONDS)
        index = self.folder / "out" / "index.json"
        if index.exists():
            self.assertEqual(json.loads(index.read_text())["manifests"], [])
        shutil.rmtree(self.folder / "out", ignore_errors=True)
        return line

    def test_bodies_without_end(self):
        def without_length(headers):
            return {"Content-Type": headers["Content-Type"]}
        for part, says in [("/manifests/", "larger than 4194304 bytes"),
                           ("/blobs/", "bytes announced")]:
            with self.subTest(part):
                self.refuse(lambda path, headers, body, part=part:
                            (without_length(headers), endless()) if part in path
                            else (headers, body), says)

    def test_refusals_without_end(self):
        for status in (404, 403, 400):
            with self.subTest(status):
                self.refuse(lambda path, headers, body, status=status:
                            ({":status": status}, endless()) if "/blobs/" in path
                            else (headers, body), "blob sha256:")

    def test_bodies_that_trickle(self):
        self.refuse(lambda path, headers, body: ({}, trickle()), "127.0.0.1", "--timeout", "1")

    def test_headers_without_measure(self):
        for more in ({"X-Large": "x" * 60000, "X-More": "x" * 60000},
                     {f"X-{number}": "x" * 100 for number in range(2000)}):
            self.refuse(lambda path, headers, body, more=more: ({**headers, **more}, body),
                        "the answer's headers are larger than 65536 bytes")

    def test_redirects(self):
        for location, says in [
            ("/v2/x/manifests/latest", "redirects"),
            ("file:///etc/passwd", "'file:///etc/passwd', which is not safe"),
            ("gopher://127.0.0.1:1/", "which is not safe"),
        ]:
            with self.subTest(location):
                self.refuse(lambda path, headers, body, location=location:
                            ({":status": 307, "Location": location, "Content-Length": "0"}, b""),
                            says)

    def test_parts_that_do_not_fit(self):
        """Each continuation of a download begins somewhere else, or brings nothing."""
        asked = []

        def nothing_more(path, headers, body):
            if "/blobs/" not in path:
                return headers, body
            asked.append(path)
            if len(asked) == 1:
                return headers, body[:5]
            return {":status": 206, "Content-Range": f"bytes 5-{len(body) - 1}/{len(body)}",
                    "Content-Length": str(len(body) - 5)}, b""
        self.refuse(nothing_more, "blob sha256:")
        self.assertLess(len(asked), 30)

    def test_sizes_that_lie(self):
        for size in (0, 1, 2 ** 62, 2 ** 63 - 1):
            for part, says in [("layer", "blob sha256:"), ("config", "blob sha256:"),
                               ("manifest", f"bytes instead of {size}")]:
                with self.subTest(part, size=size):
                    layout = self.lying_layout(part, size)
                    self.refuse(lambda path, headers, body: (headers, body), says, layout=layout)

    def lying_layout(self, part, size):
        """The base with one image, or with all, where a part has another size than it has."""
        name = f"{part}-{size}"
        shutil.copytree(self.folder / "base", self.folder / name)
        index = json.loads((self.folder / name / "index.json").read_text())
        platforms = self.document(name, index["manifests"][0]["digest"])
        manifest = self.document(name, platforms["manifests"][0]["digest"])
        {"layer": manifest["layers"][0], "config": manifest["config"],
         "manifest": platforms["manifests"][0]}[part]["size"] = size
        index["manifests"] = [self.put(name, platforms if part == "manifest" else manifest)]
        (self.folder / name / "index.json").write_text(json.dumps(index))
        return name

    def document(self, layout, digest):
        path = self.folder / layout / "blobs" / digest.replace(":", "/")
        return json.loads(path.read_text())

    def put(self, layout, document):
        return fixed_base.put(self.folder / layout, document["mediaType"], document)

    def test_indexes_in_indexes(self):
        """An index cannot hold its own digest; what comes nearest are deep and wide ones."""
        shutil.copytree(self.folder / "base", self.folder / "deep")
        index = json.loads((self.folder / "deep" / "index.json").read_text())
        entry = {key: index["manifests"][0][key] for key in ("mediaType", "digest", "size")}
        for _ in range(8):
            entry = self.put("deep", {"schemaVersion": 2, "mediaType": fixed_base.INDEX,
                                      "manifests": [entry]})
        index["manifests"] = [entry]
        (self.folder / "deep" / "index.json").write_text(json.dumps(index))
        self.refuse(lambda path, headers, body: (headers, body), "nested deeper", layout="deep")

    def test_an_index_that_says_it_lists_itself(self):
        listed = {}

        def itself(path, headers, body):
            name = path.rsplit("/", 1)[1]
            digest = name if name.startswith("sha256:") else "sha256:" + "0" * 64
            listed[digest] = True
            body = json.dumps({"schemaVersion": 2, "mediaType": fixed_base.INDEX, "manifests": [
                {"mediaType": fixed_base.INDEX, "digest": digest, "size": 100}]}).encode()
            return {"Content-Type": fixed_base.INDEX, "Content-Length": str(len(body))}, body
        registry_says = HostileRegistry._find
        HostileRegistry._find = lambda self, path: ("", b"")
        try:
            self.refuse(itself, "has digest")
        finally:
            HostileRegistry._find = registry_says
        self.assertEqual(len(listed), 1)

    def test_an_answer_that_never_gets_to_the_point(self):
        """Interim answers without end."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                while True:
                    try:
                        client, _ = server.accept()
                        threading.Thread(target=flood, args=(client,), daemon=True).start()
                    except OSError:
                        return

            def flood(client):
                with client:
                    try:
                        client.recv(4096)
                        while True:
                            client.sendall(b"HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" * 100)
                            time.sleep(0.01)
                    except OSError:
                        pass

            threading.Thread(target=serve, daemon=True).start()
            begun = time.monotonic()
            self.fail_with(1, "--timeout", "1", "copy",
                           f"127.0.0.1:{server.getsockname()[1]}/x:1", "oci:out",
                           says="127.0.0.1")
            self.assertLess(time.monotonic() - begun, SECONDS)


if __name__ == "__main__":
    unittest.main()
