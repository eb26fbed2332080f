# SPDX-License-Identifier: Apache-2.0
"""Base images to build on, made by others' tools out of Debian's own files.

Each is an OCI layout under build/base-images/ whose tag `latest` is an index of
linux/amd64 and linux/arm64. It is made on first use and again when this file
or requirements.txt changes. Packages come over a private apt configuration: the system's own lists,
architectures and packages are left alone, and nobody needs to be root.

    python3 -m tests.support.base_images busybox
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.support import python_packages

CHECKOUT = Path(__file__).resolve().parents[2]
FOLDER = CHECKOUT / "build" / "base-images"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
ARCHITECTURES = ("amd64", "arm64")
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CREATED = "2020-01-01T00:00:00Z"

# What umoci is told about each image; the rest of this file fills their root folders.
SETTINGS = {
    "busybox": [
        "--config.cmd", "/bin/sh",
        "--config.env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "--config.env", "GREETING=hello from the base image",
        "--config.workingdir", "/srv",
        "--config.label", "org.example.kept=yes",
    ],
    "glibc": [
        "--config.cmd", "/bin/sh",
        "--config.env", "PATH=/usr/bin:/bin",
    ],
    "scratch": [
        "--config.entrypoint", "/busybox",
        "--config.entrypoint", "echo",
        "--config.cmd", "hello from the image's own command",
    ],
    "web": [
        "--config.cmd", "python3",
        "--config.env", "PATH=/usr/bin:/bin",
        "--config.env", "PYTHONUNBUFFERED=1",
    ],
    # As `docker inspect public.ecr.aws/lambda/python:3.12` shows it.
    "lambda_python": [
        "--config.entrypoint", "/lambda-entrypoint.sh",
        "--config.env", "LANG=en_US.UTF-8",
        "--config.env", "TZ=:/etc/localtime",
        "--config.env", "PATH=/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "--config.env", "LD_LIBRARY_PATH=/var/lang/lib:/lib64:/usr/lib64:/var/runtime:"
                        "/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
        "--config.env", "LAMBDA_TASK_ROOT=/var/task",
        "--config.env", "LAMBDA_RUNTIME_DIR=/var/runtime",
        "--config.workingdir", "/var/task",
    ],
}

FRAMEWORKS = ("flask", "gunicorn", "python-multipart", "starlette", "uvicorn", "waitress")

# What Lambda's base images begin with: the emulator where there is no Lambda, else the runtime.
LAMBDA_ENTRYPOINT = """#!/bin/sh
if [ $# -ne 1 ]; then
  echo "entrypoint requires the handler name to be the first argument" 1>&2
  exit 142
fi
export _HANDLER="$1"

RUNTIME_ENTRYPOINT=/var/runtime/bootstrap
if [ -z "${AWS_LAMBDA_RUNTIME_API}" ]; then
  exec /usr/local/bin/aws-lambda-rie $RUNTIME_ENTRYPOINT
else
  exec $RUNTIME_ENTRYPOINT
fi
"""
LAMBDA_BOOTSTRAP = """#!/bin/sh
export AWS_EXECUTION_ENV=AWS_Lambda_python3
exec /var/lang/bin/python3 /var/runtime/bootstrap.py
"""
LAMBDA_BOOTSTRAP_PYTHON = """
import os
import sys
sys.path[:0] = [os.environ["LAMBDA_TASK_ROOT"], "/var/runtime"]
from awslambdaric.__main__ import main
main([sys.argv[0], os.environ["_HANDLER"]])
"""


def busybox():
    """Static programs only, with a shell, a PATH, a variable and a working directory."""
    return _image("busybox", _fill_busybox)


def glibc():
    """A shell and coreutils, linked dynamically with glibc; no working directory."""
    return _image("glibc", _fill_glibc)


def scratch():
    """One static program, an entrypoint and a command; no shell, no folders, no environment."""
    return _image("scratch", _fill_scratch)


def web():
    """Python with web frameworks and servers from PyPI."""
    return _image("web", _fill_web)


def lambda_python():
    """What AWS's own base image for Python is, as far as a function sees: its entrypoint, variables
    and places, and AWS's runtime client. (Its files cannot be had without its registry.)"""
    return _image("lambda_python", _fill_lambda_python)


def _fill_busybox(root, architecture):
    _make_folders(root)
    (root / "bin" / "busybox").write_bytes(_static_busybox(architecture).read_bytes())
    (root / "bin" / "busybox").chmod(0o755)
    for applet in _applets():
        link = root / applet
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.symlink_to("/bin/busybox")


def _fill_scratch(root, architecture):
    (root / "busybox").write_bytes(_static_busybox(architecture).read_bytes())
    (root / "busybox").chmod(0o755)


def _fill_glibc(root, architecture):
    _fill_debian(root, architecture, "base-files", "libc6", "dash", "coreutils")


def _fill_web(root, architecture):
    version = _fill_python(root, architecture)
    python_packages.install(root / "usr/lib/python3/dist-packages", version, architecture,
                            *FRAMEWORKS)


def _fill_lambda_python(root, architecture):
    version = _fill_python(root, architecture, "libstdc++6")
    places = {"lambda-entrypoint.sh": LAMBDA_ENTRYPOINT,
              "usr/local/bin/aws-lambda-rie": "#!/bin/sh\necho the emulator was begun with $*\n",
              "var/runtime/bootstrap": LAMBDA_BOOTSTRAP,
              "var/runtime/bootstrap.py": LAMBDA_BOOTSTRAP_PYTHON}
    for name, text in places.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="ascii")
        (root / name).chmod(0o755)
    for name in ("opt", "var/task", "var/lang/bin"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "var/lang/bin/python3").symlink_to("/usr/bin/python3")
    python_packages.install(root / "var/runtime", version, architecture, "awslambdaric")


def _fill_python(root, architecture, *more):
    """The version of Python it has."""
    _fill_debian(root, architecture, "base-files", "libc6", "dash", "coreutils", "python3", *more)
    (library,) = root.glob("usr/lib/python3.*/")
    return library.name.removeprefix("python")


def _fill_debian(root, architecture, *names):
    for package in _packages(architecture, *names):
        if not package.name.startswith("dpkg_"):  # nothing will be installed in there
            _run("dpkg-deb", "--extract", package, root)
    for needless in ("doc", "info", "lintian", "locale", "man"):
        shutil.rmtree(root / "usr" / "share" / needless, ignore_errors=True)
    _make_folders(root)
    if not (root / "bin" / "sh").is_symlink():
        (root / "bin" / "sh").symlink_to("dash")


def _make_folders(root):
    for name in ("bin", "dev", "etc", "proc", "root", "srv", "sys", "tmp"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc" / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n", encoding="ascii")
    (root / "etc" / "group").write_text("root:x:0:\n", encoding="ascii")


def _static_busybox(architecture):
    (package,) = _packages(architecture, "busybox-static")
    folder = package.with_suffix("")
    if not folder.exists():
        _run("dpkg-deb", "--extract", package, folder)
    return next(path for path in folder.glob("**/bin/busybox"))


def _applets():
    """Where busybox wants its links, asked from the one that runs here."""
    here = {"aarch64": "arm64"}.get(platform.machine(), "amd64")
    return subprocess.run([_static_busybox(here), "--list-full"], check=True,
                          capture_output=True, text=True).stdout.split()


# --- an image --------------------------------------------------------------------------------


def _image(name, fill):
    FOLDER.mkdir(parents=True, exist_ok=True)
    image = FOLDER / name
    version = hashlib.sha256(Path(__file__).read_bytes() +
                             python_packages.REQUIREMENTS.read_bytes()).hexdigest()
    with open(FOLDER / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _made_by(image) != version:
            print(f"making the base image {name}", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=FOLDER, prefix=".new-") as work:
                umask = os.umask(0o022)
                made = _make_image(Path(work), name, fill)
                os.umask(umask)
                (made / "made-by").write_text(version, encoding="ascii")
                shutil.rmtree(image, ignore_errors=True)
                made.rename(image)
    return f"oci:{image}:latest"


def _made_by(image):
    try:
        return (image / "made-by").read_text(encoding="ascii")
    except FileNotFoundError:
        return None


def _make_image(work, name, fill):
    layout = work / "layout"
    _run("umoci", "init", "--layout", layout)
    for architecture in ARCHITECTURES:
        root = work / architecture
        root.mkdir(mode=0o755)
        fill(root, architecture)
        layer = work / f"{architecture}.tar"
        _run("tar", "--create", "--file", layer, "--directory", root, "--format=pax",
             "--pax-option=delete=atime,delete=ctime", "--sort=name", f"--mtime={CREATED}",
             "--owner=0", "--group=0", "--numeric-owner", ".")
        image = f"{layout}:{architecture}"
        _run("umoci", "new", "--image", image)
        _run("umoci", "raw", "add-layer", "--image", image, "--history.created", CREATED,
             "--history.created_by", f"files of the base image {name}", layer)
        _run("umoci", "config", "--image", image, "--no-history", "--created", CREATED,
             "--os", "linux", "--architecture", architecture, *SETTINGS[name])
    _run("umoci", "gc", "--layout", layout)
    _join(layout)
    return layout


def _join(layout):
    """umoci makes images of one platform: put an index over them, and the tag on the index."""
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    manifests = {}
    for entry in entries:
        architecture = entry["annotations"]["org.opencontainers.image.ref.name"]
        manifests[architecture] = {
            "mediaType": entry["mediaType"],
            "digest": entry["digest"],
            "size": entry["size"],
            "platform": {"os": "linux", "architecture": architecture},
        }
    index = json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE,
                        "manifests": [manifests[name] for name in ARCHITECTURES]}).encode()
    digest = hashlib.sha256(index).hexdigest()
    (layout / "blobs" / "sha256" / digest).write_bytes(index)
    tagged = {"mediaType": INDEX_TYPE, "digest": f"sha256:{digest}", "size": len(index),
              "annotations": {"org.opencontainers.image.ref.name": "latest"}}
    (layout / "index.json").write_text(
        json.dumps({"schemaVersion": 2, "manifests": [tagged]}), encoding="ascii")


# --- Debian's packages -----------------------------------------------------------------------


def _packages(architecture, *names):
    """The packages and what they depend on, downloaded and checked by apt: a list of files."""
    archives = FOLDER / "packages" / architecture / "-".join(names)
    if not archives.exists():
        partial = archives.with_suffix(".new")
        shutil.rmtree(partial, ignore_errors=True)
        (partial / "partial").mkdir(parents=True)
        _apt(architecture, "update")
        _apt(architecture, "-o", f"Dir::Cache::Archives={partial}", "install",
             "--download-only", "--yes", "--no-install-recommends", *names)
        partial.rename(archives)
    return sorted(archives.glob("*.deb"))


def _apt(architecture, *arguments):
    state = FOLDER / "apt" / architecture
    (state / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    (state / "status").write_bytes(b"")  # nothing is installed, so every dependency counts
    (state / "sources.list").write_text(
        f"deb [signed-by={KEYRING} target=Packages lang=none] {_mirror()} {_suite()} main\n",
        encoding="ascii")
    options = {
        "APT::Architecture": architecture,
        "APT::Architectures": architecture,
        "APT::Sandbox::User": "root",  # its other user may not enter the checkout
        "Acquire::PDiffs": "false",
        "Debug::NoLocking": "true",
        "Dir::Cache": state,
        "Dir::Etc::SourceList": state / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State": state,
        "Dir::State::Lists": state / "lists",
        "Dir::State::Status": state / "status",
    }
    _run("apt-get", "-q", *(f"-o{name}={value}" for name, value in options.items()), *arguments)


def _mirror():
    known = subprocess.run([CHECKOUT / "static" / "debian_mirrors.sh"], check=True,
                           stdout=subprocess.PIPE, text=True).stdout.split()
    if not known:
        raise RuntimeError("no Debian mirror is known here: set DEBIAN_MIRROR to the URL of one")
    return known[0]


def _suite():
    """This machine's own release of Debian; elsewhere one whose signature old keyrings know."""
    release = platform.freedesktop_os_release()
    return release["VERSION_CODENAME"] if release["ID"] == "debian" else "bookworm"


def _run(*argv):
    done = subprocess.run([str(word) for word in argv], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{argv[0]} failed:\n{done.stdout}")


def main():
    makers = {"busybox": busybox, "glibc": glibc, "scratch": scratch, "web": web,
              "lambda_python": lambda_python}
    for name in sys.argv[1:] or makers:
        print(makers[name]())


if __name__ == "__main__":
    main()
