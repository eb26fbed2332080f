# SPDX-License-Identifier: Apache-2.0
"""A base image whose bytes never change: what golden digests stand on.

Made without any compressor or package, so that its digests depend on this file
alone.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def make(folder, padding=0):
    """Writes the layout with an index of linux/amd64 and linux/arm64 and returns its location.
    Padding makes layers larger, and other than the golden ones."""
    layout = Path(folder)
    (layout / "blobs" / "sha256").mkdir(parents=True)
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    manifests = [_image(layout, architecture, padding) for architecture in ("amd64", "arm64")]
    index = put(layout, INDEX, {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
    index["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}))
    return f"oci:{layout}:latest"


def _image(layout, architecture, padding):
    layer = _layer(architecture, padding)
    config = {
        "os": "linux", "architecture": architecture,
        "config": {"Env": ["PATH=/bin"], "Entrypoint": ["/bin/greet"], "Cmd": ["world"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "history": [{"created_by": "fixed"}],
    }
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": put(layout, CONFIG, config),
        "layers": [put(layout, LAYER, layer)],
    }
    return {**put(layout, MANIFEST, manifest),
            "platform": {"os": "linux", "architecture": architecture}}


def _layer(architecture, padding):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        content = f"fixed for {architecture}\n".encode() + bytes(padding)
        entry = tarfile.TarInfo("fixed")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def _digest(content):
    return "sha256:" + hashlib.sha256(content).hexdigest()


def put(layout, media_type, content):
    """Puts a blob or a document into a layout; its descriptor."""
    if not isinstance(content, bytes):
        content = json.dumps(content, sort_keys=True).encode()
    digest = _digest(content)
    (Path(layout) / "blobs" / digest.replace(":", "/")).write_bytes(content)
    return {"mediaType": media_type, "digest": digest, "size": len(content)}
