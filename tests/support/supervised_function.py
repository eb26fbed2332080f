# SPDX-License-Identifier: Apache-2.0
"""A function made by hand: a root with a supervisor in it, and Lambda played around it.

    with Function("amd64", config={"init_script": "s.sh"},
                  files={"var/task/s.sh": "echo hello"}) as function:
        function.invoke({}).json()
"""

import base64
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from tests.support import process
from tests.support.fake_runtime_api import RuntimeApi

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - supervisor - "
                      r"(DEBUG|INFO|WARNING|ERROR|CRITICAL) - (.*)$", re.MULTILINE)
NAMESPACES = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork",
              "--kill-child"]
BUSYBOX = shutil.which("busybox")
APPLETS = ("sh", "cat", "echo", "sleep", "env", "ls", "yes", "head", "true", "kill", "mkdir",
           "chmod", "touch", "setsid", "pwd", "seq", "id", "readlink")

# Images that differ in where programs are, and the first line of a script in each.
IMAGES = {
    "scratch": ({"busybox": "var/task"}, "#!/var/task/busybox sh\n"),
    "busybox": ({"busybox": "bin"}, ""),
    "glibc": ({"busybox": None, "glibc": ("bash", "cat", "env", "sleep")}, "#!/bin/bash\n"),
}


def supervisor_path(architecture):
    return os.path.join("build", "supervisor", architecture, "supervisor")


def require_namespaces():
    """For setUpModule(): without namespaces the tests of the module are skipped."""
    probe = subprocess.run([*NAMESPACES, "true"], capture_output=True, text=True, check=False)
    if probe.returncode != 0:
        reason = f"no namespaces here ({probe.stderr.strip()})"
        print(f"skipped: {reason}", file=sys.stderr)
        raise unittest.SkipTest(reason)


def encoded(text):
    return base64.b64encode(text.encode()).decode()


class Function:
    """A root with a supervisor in it, and the Lambda around it. Besides there is busybox in the
    folder of that name, or programs of this machine with their libraries, or nothing."""

    def __init__(self, architecture, config=None, files=None, command=(), environment=None,
                 busybox="bin", glibc=(), config_file=None, folders=("tmp", "proc"),
                 workdir="/"):
        self.api = RuntimeApi()
        self._folder = tempfile.TemporaryDirectory(prefix="skiff-supervisor-",
                                                   ignore_cleanup_errors=True)
        self.root = os.path.join(self._folder.name, "root")
        self._stderr = os.path.join(self._folder.name, "stderr")
        self._stdout = os.path.join(self._folder.name, "stdout")
        self._environment = {"PATH": "/var/task:/bin", **(environment or {})}
        self._command = command
        self._workdir = workdir
        self._runner = []
        self._process = None

        for folder in (*folders, "var/task"):
            os.makedirs(os.path.join(self.root, folder))
        self.add_program(supervisor_path(architecture), "var/task/supervisor")
        if platform.machine() != MACHINES[architecture]:
            self.add_program(shutil.which(f"qemu-{MACHINES[architecture]}-static"), "var/task/.qemu")
            self._runner = ["/var/task/.qemu"]
        if busybox:
            self.add_program(BUSYBOX, f"{busybox}/busybox")
            for name in APPLETS:
                os.symlink("busybox", os.path.join(self.root, busybox, name))
        for program in glibc:
            self._copy_with_libraries(program)
        if busybox or glibc:
            self.write("dev/null", "")
        if config is not None:
            config_file = json.dumps(config)
        if config_file is not None:
            self.write("var/task/function_config.yaml", config_file)
        for name, content in (files or {}).items():
            self.write(name, content)

    def add_program(self, source, name):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copy(source, path)
        os.chmod(path, 0o755)

    def _copy_with_libraries(self, program):
        path = shutil.which(program)
        listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        for file in [path, *re.findall(r"(/\S+) \(0x", listed)]:
            self.add_program(file, f"bin/{program}" if file == path else file.lstrip("/"))

    def write(self, name, content, mode=0o644):
        path = os.path.join(self.root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)
        os.chmod(path, mode)

    def _argv(self):
        proc = ["--mount-proc"] if os.path.isdir(os.path.join(self.root, "proc")) else []
        return [*NAMESPACES, *proc, f"--root={self.root}", f"--wd={self._workdir}",
                *self._runner, "/var/task/supervisor", *self._command]

    def outside(self, event=b"", environment=None):
        """Runs the function once where there is no Lambda."""
        done = subprocess.run(self._argv(), env={**self._environment, **(environment or {})},
                              input=event, capture_output=True, timeout=60, check=False)
        with open(self._stderr, "wb") as stderr:
            stderr.write(done.stderr)
        return done

    def start_outside(self, **options):
        """The same, for a function that does not end by itself."""
        self._process = process.start(self._argv(), env=self._environment, **options)
        return self._process

    def remove(self):
        self._folder.cleanup()

    def __enter__(self):
        self.api.__enter__()
        argv = self._argv()
        environment = {"AWS_LAMBDA_RUNTIME_API": self.api.host,
                       "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/test",
                       "AWS_LAMBDA_LOG_STREAM_NAME": "stream", **self._environment}
        with open(self._stderr, "wb") as stderr, open(self._stdout, "wb") as stdout:
            self._process = process.start(argv, env=environment, stdout=stdout, stderr=stderr)
        return self

    def __exit__(self, *_):
        self._process.kill()  # unshare waits for its child whatever SIGTERM says
        process.stop(self._process)
        self.api.__exit__()
        self.remove()

    def invoke(self, event=None, **options):
        return self.api.invoke({} if event is None else event, **options)

    def run(self, script, **options):
        """Sends a script, expects a response, and returns (output, response)."""
        answer = self.invoke({"script": encoded(script)}, **options)
        if answer.kind != "response":
            raise AssertionError(answer.body.decode())
        response = answer.json()
        return base64.b64decode(response["body"], validate=True).decode(), response

    def wait(self):
        return self._process.wait(timeout=30)

    def alive(self):
        return self._process.poll() is None

    def stderr(self):
        with open(self._stderr, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stdout(self):
        with open(self._stdout, encoding="utf-8", errors="replace") as file:
            return file.read()

    def log(self, level=None):
        """The messages of the supervisor's own lines."""
        return [message for found, message in LOG_LINE.findall(self.stderr())
                if level in (None, found)]

    def left_in_tmp(self):
        return os.listdir(os.path.join(self.root, "tmp"))
