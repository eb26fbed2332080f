# SPDX-License-Identifier: Apache-2.0
"""Python's packages for the tests, in the versions of requirements.txt: for tests in a venv of their
own, for functions in a folder of an image.
"""

import fcntl
import hashlib
import shutil
import subprocess
import venv
from pathlib import Path

VENV = Path(__file__).resolve().parents[2] / "build" / "venv"
REQUIREMENTS = Path(__file__).with_name("requirements.txt")
PLATFORMS = {"amd64": "manylinux2014_x86_64", "arm64": "manylinux2014_aarch64"}


def ensure_venv():
    """Installs moto, boto3 and the rest into build/venv, unless they are there; the path of its
    Python."""
    python = VENV / "bin" / "python"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    marker = VENV / "requirements.sha256"
    VENV.parent.mkdir(parents=True, exist_ok=True)
    with open(VENV.with_suffix(".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if marker.exists() and marker.read_text(encoding="ascii") == wanted:
            return python
        shutil.rmtree(VENV, ignore_errors=True)
        venv.create(VENV, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--requirement", REQUIREMENTS], check=True)
        marker.write_text(wanted, encoding="ascii")
    return python


def install(folder, version, architecture, *names):
    """Puts packages and what they need into a folder, for a Python of another version and machine
    than the one that runs this."""
    done = subprocess.run(
        [ensure_venv(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--only-binary=:all:", "--python-version", version, "--platform", PLATFORMS[architecture],
         "--constraint", REQUIREMENTS, "--target", folder, *names],
        capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"pip failed: {done.stderr.strip()}")
