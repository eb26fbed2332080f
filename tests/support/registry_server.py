# SPDX-License-Identifier: Apache-2.0
"""A real registry on this machine: Debian's docker-registry on a free loopback port.

    with Registry() as registry:
        folder = registry.docker_config(scratch)
        subprocess.run(["skopeo", "copy", "--dest-tls-verify=false", image,
                        f"docker://{registry.host}/base/busybox:latest"],
                       env={**os.environ, "REGISTRY_AUTH_FILE": f"{folder}/config.json"})
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile

from tests.support import process

LISTENING = re.compile(r"listening on (127\.0\.0\.1:\d+)")
# Apache's combined log format, up to the status.
REQUEST = re.compile(r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/1\.1" (?P<status>\d+)')


class Registry:
    """With auth=False it is open to everybody. With `tls`, {"certificate": FILE, "key": FILE},
    it speaks https, and with "clientcas": [FILE] asks clients for a certificate. What it holds
    is gone after stop()."""

    def __init__(self, auth=True, user="skiff", password="not-a-secret", tls=None):
        self.auth = auth
        self.tls = tls
        self.user = user
        self.password = password
        self.host = None
        self._process = None
        self._folder = None

    def start(self):
        self._folder = tempfile.TemporaryDirectory(prefix="skiff-registry-",
                                                   ignore_cleanup_errors=True)
        try:
            self._start_in(self._folder.name)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        if self._process:
            process.stop(self._process)
            self._process = None
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def docker_config(self, folder):
        """Writes a docker config.json with the login into the folder and returns the folder."""
        os.makedirs(folder, exist_ok=True)
        login = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
            json.dump({"auths": {self.host: {"auth": login}} if self.auth else {}}, file)
        return folder

    def requests(self):
        """Every request answered so far, as (method, path, status)."""
        with open(os.path.join(self._folder.name, "requests.log"), encoding="utf-8") as file:
            return [(found["method"], found["path"], int(found["status"]))
                    for found in map(REQUEST.search, file) if found]

    def add_tags(self, repository, known, tags):
        """Gives the image under a known tag many more, without asking for each."""
        folder = os.path.join(self._folder.name, "storage/docker/registry/v2/repositories",
                              repository, "_manifests/tags")
        for tag in tags:
            shutil.copytree(os.path.join(folder, known), os.path.join(folder, tag))

    def wipe(self):
        """Forgets all images, as if it were new."""
        shutil.rmtree(os.path.join(self._folder.name, "storage"), ignore_errors=True)

    def _start_in(self, folder):
        config = os.path.join(folder, "config.yml")
        log = os.path.join(folder, "registry.log")
        with open(config, "w", encoding="utf-8") as file:
            json.dump(self._config(folder), file)  # JSON is YAML
        with open(log, "wb") as errors, \
                open(os.path.join(folder, "requests.log"), "wb") as requests:
            self._process = process.start(["docker-registry", "serve", config],
                                          stdout=requests, stderr=errors)

        def address():
            with open(log, encoding="utf-8") as file:
                found = LISTENING.search(file.read())
            return found and found[1]

        self.host = process.wait_until(address, "docker-registry", self._process)

    def _config(self, folder):
        config = {
            "version": "0.1",
            "log": {"level": "info"},
            "storage": {
                "filesystem": {"rootdirectory": os.path.join(folder, "storage")},
                "delete": {"enabled": True},
            },
            "http": {"addr": "127.0.0.1:0", "secret": "only for tests"},
        }
        if self.tls:
            config["http"]["tls"] = self.tls
        if self.auth:
            passwords = os.path.join(folder, "passwords")
            with open(passwords, "wb") as file:
                subprocess.run(["htpasswd", "-Bbn", "-C", "4", self.user, self.password],
                               stdout=file, check=True)
            config["auth"] = {"htpasswd": {"realm": "skiff tests", "path": passwords}}
        return config
