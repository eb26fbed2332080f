# SPDX-License-Identifier: Apache-2.0
"""A folder as people put into images: programs, libraries, texts and data out of /usr."""

import hashlib
import os
import shutil
import subprocess

LARGEST = 30_000_000


def _candidates():
    for top in ("bin", "include", "lib", "share"):
        for folder, _, names in os.walk(os.path.join("/usr", top)):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.isfile(path) and not os.path.islink(path) and \
                        os.path.getsize(path) <= LARGEST and os.access(path, os.R_OK):
                    yield path


def make(folder, megabytes, files):
    """Copies files of /usr into the folder until it has so many of them or is so large. Which
    ones is decided by their names alone. Small ones come first, so that both are reached."""
    def order(path):
        return hashlib.sha256(path.encode(errors="surrogateescape")).digest()

    found = sorted(_candidates(), key=order)
    sizes = {path: os.path.getsize(path) for path in found}
    small = [path for path in found if sizes[path] < 16384][:files * 5 // 6]
    large = [path for path in found if sizes[path] >= 16384]
    count = total = 0
    for path in small + large:
        if count == files or total >= megabytes * 1000000:
            break
        copy = os.path.join(folder, path[1:])
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copyfile(path, copy)
        count += 1
        total += sizes[path]
    return count, total


def gzip_6_bytes(folder):
    """What GNU's tar and gzip -6 make of it."""
    tar = subprocess.Popen(["tar", "-C", folder, "-c", "."], stdout=subprocess.PIPE)
    with subprocess.Popen(["gzip", "-6"], stdin=tar.stdout, stdout=subprocess.PIPE) as gzip:
        tar.stdout.close()
        count = sum(len(block) for block in iter(lambda: gzip.stdout.read(1 << 20), b""))
    tar.wait()
    return count
