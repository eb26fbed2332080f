# SPDX-License-Identifier: Apache-2.0
"""How much memory a copy needs, by the size of the image.

    python3 -m tests.bench.memory [MEGABYTES…]        (100 1000 10000)

The image's three layers are all zeros and exist as holes in a file; the registry they go to
counts bytes and forgets them. So 10 GB need neither disk nor memory here, nor may they there.
"""

import hashlib
import http.server
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from tests.bench.images import CONFIG, LAYER, MANIFEST, digest_of

CHECKOUT = Path(__file__).resolve().parents[2]
RELEASED = CHECKOUT / "build" / "static" / {"aarch64": "arm64"}.get(platform.machine(), "amd64") \
    / "skiff"
LAYERS = 3
PIECE = 1 << 20


def digest_of_zeros(count):
    zeros, digest = bytes(PIECE), hashlib.sha256()
    for _ in range(count // PIECE):
        digest.update(zeros)
    digest.update(zeros[:count % PIECE])
    return "sha256:" + digest.hexdigest()


class Image:
    def __init__(self, megabytes, folder):
        sizes = [megabytes * 1000000 // LAYERS + number for number in range(LAYERS)]
        self.holes = os.path.join(folder, "holes")
        with open(self.holes, "wb") as file:
            file.truncate(max(sizes))
        self.sizes = {digest_of_zeros(size): size for size in sizes}
        self.config = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {
            "type": "layers", "diff_ids": list(self.sizes)}}).encode()
        self.manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(self.config),
                       "size": len(self.config)},
            "layers": [{"mediaType": LAYER, "digest": digest, "size": size}
                       for digest, size in self.sizes.items()]}).encode()


class Registry(http.server.BaseHTTPRequestHandler):
    """Gives the image, and takes anything."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        headers.setdefault("Content_Length", len(body))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self):
        self.answer(404)

    def do_GET(self):
        image, name = self.server.image, self.path.rsplit("/", 1)[-1]
        if "/manifests/" in self.path:
            self.answer(200, image.manifest, Content_Type=MANIFEST)
        elif name in image.sizes:
            self.answer(200, Content_Length=image.sizes[name])
            with open(image.holes, "rb") as file:
                self.connection.sendfile(file, 0, image.sizes[name])
        else:
            self.answer(200, image.config)

    def do_POST(self):
        self.answer(202, Location=self.path.partition("?")[0] + "1")

    def do_PUT(self):
        left, buffer = int(self.headers["Content-Length"]), bytearray(PIECE)
        while left > 0:
            got = self.rfile.readinto(memoryview(buffer)[:min(left, PIECE)])
            if not got:
                return
            left -= got
            self.server.received += got
        self.answer(201)


def measure(megabytes, folder):
    """Copies such an image; returns (wall s, CPU s, peak MB)."""
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-D_GNU_SOURCE", "-o",
                    os.path.join(folder, "measure"),
                    CHECKOUT / "tests" / "bench" / "measure.c"], check=True)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        server.image, server.received = Image(megabytes, folder), 0
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = f"127.0.0.1:{server.server_port}"
        subprocess.run(["./measure", "cost",
                        os.environ.get("SKIFF", RELEASED),
                        "copy", "--quiet", f"{host}/from:1", f"{host}/to:1"],
                       cwd=folder, check=True, env={"HOME": folder, "TMPDIR": folder})
        server.shutdown()
        if server.received < sum(server.image.sizes.values()):
            raise RuntimeError(f"only {server.received} bytes arrived")
    wall, cpu, peak_kib = Path(folder, "cost").read_text().split()
    return float(wall), float(cpu), int(peak_kib) * 1024 / 1e6


def table(sizes):
    """Yields the lines of a table, each as soon as it is measured."""
    yield "| image MB | wall s | CPU s | peak MB |\n|---|---|---|---|\n"
    for megabytes in sizes:
        with tempfile.TemporaryDirectory(prefix="skiff-bench-") as folder:
            wall, cpu, peak = measure(megabytes, folder)
        yield f"| {megabytes} | {wall:.2f} | {cpu:.2f} | {peak:.1f} |\n"


def main():
    for line in table([int(word) for word in sys.argv[1:]] or [100, 1000, 10000]):
        print(line, end="", flush=True)


if __name__ == "__main__":
    main()
