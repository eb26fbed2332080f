# SPDX-License-Identifier: Apache-2.0
"""Base images of any size, put straight into a registry.

Six layers of bytes that do not compress, in the proportions of a real image, under an index.
"""

import gzip
import hashlib
import http.client
import io
import json
import os
import random
import tarfile

PROPORTIONS = (30, 57, 150, 285, 346, 18)
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def digest_of(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def request(host, method, path, body=None, headers=()):
    connection = http.client.HTTPConnection(host, timeout=300)
    try:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    if answer.status >= 300:
        raise RuntimeError(f"{method} {path}: {answer.status} {data[:200]!r}")
    return answer, data


def open_upload(host, repository, digest):
    """The path and query to PUT the blob to."""
    answer, _ = request(host, "POST", f"/v2/{repository}/blobs/uploads/")
    location = answer.headers["Location"].split(host, 1)[-1]
    return location + ("&" if "?" in location else "?") + "digest=" + digest


def put_blob(host, repository, media_type, data):
    digest = digest_of(data)
    request(host, "PUT", open_upload(host, repository, digest), data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def put_manifest(host, repository, name, document):
    data = json.dumps(document).encode()
    request(host, "PUT", f"/v2/{repository}/manifests/{name or digest_of(data)}", data,
            {"Content-Type": document["mediaType"]})
    return {"mediaType": document["mediaType"], "digest": digest_of(data), "size": len(data)}


def get_manifest(host, repository, name):
    _, data = request(host, "GET", f"/v2/{repository}/manifests/{name}", None,
                      {"Accept": f"{MANIFEST}, {INDEX}"})
    return json.loads(data)


def _layer(name, count, seed):
    """A layer of about `count` bytes, and its diff id."""
    source = random.Random(seed)
    content = b"".join(source.randbytes(1 << 20) for _ in range(count >> 20))
    content += source.randbytes(count & ((1 << 20) - 1))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = count
        archive.addfile(entry, io.BytesIO(content))
    data = tar.getvalue()
    return gzip.compress(data, compresslevel=0, mtime=0), digest_of(data)


def _image(host, repository, architecture, megabytes, folder):
    layers, diff_ids = [], []
    for number, part in enumerate(PROPORTIONS):
        count = megabytes * 1000000 * part // sum(PROPORTIONS)
        data, diff_id = _layer(f"data-{number}", count, f"{architecture} {number} {count}")
        layers.append(put_blob(host, repository, LAYER, data))
        diff_ids.append(diff_id)
        if folder:
            with open(os.path.join(folder, layers[-1]["digest"][7:]), "wb") as file:
                file.write(data)
    config = json.dumps({"architecture": architecture, "os": "linux",
                         "config": {"Cmd": ["/bin/sh"], "Env": ["PATH=/usr/bin:/bin"]},
                         "rootfs": {"type": "layers", "diff_ids": diff_ids}}).encode()
    return put_manifest(host, repository, None, {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": put_blob(host, repository, CONFIG, config), "layers": layers})


def put(host, repository, megabytes, architectures, folder=None):
    """Puts an index of images of this size under the tag `latest`, and copies of their layers
    into the folder, named by digest."""
    manifests = []
    for architecture in architectures:
        manifest = _image(host, repository, architecture, megabytes, folder)
        manifest["platform"] = {"os": "linux", "architecture": architecture}
        manifests.append(manifest)
    put_manifest(host, repository, "latest",
                 {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
