# SPDX-License-Identifier: Apache-2.0
"""nginx in front of a registry, as many have it: https, and HTTP/2 for those who want it.

    with Http2Front(registry.host, certificate, key, folder) as front:
        …  f"tls.localhost:{front.port}/app:1"  …
        front.requests()

Layers of more than 1 MiB are refused below small/.
"""

import re
import shutil
import socket

from tests.support import process

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
REQUEST = re.compile(r"(\S+) (\S+) (\S+) (\d+)")
CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-errors.log;
events {{}}
http {{
    log_format protocol '$server_protocol $request_method $uri $status';
    access_log {folder}/nginx-requests.log protocol;
    client_body_temp_path {folder}/nginx-body;
    proxy_temp_path {folder}/nginx-proxy;
    fastcgi_temp_path {folder}/nginx-fastcgi;
    uwsgi_temp_path {folder}/nginx-uwsgi;
    scgi_temp_path {folder}/nginx-scgi;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        proxy_http_version 1.1;
        proxy_request_buffering off;
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-Proto https;
        location / {{
            client_max_body_size 0;
            proxy_pass http://{upstream};
        }}
        location /v2/small/ {{
            client_max_body_size 1m;
            proxy_pass http://{upstream};
        }}
    }}
}}
"""


class Http2Front:
    def __init__(self, upstream, certificate, key, folder):
        self.port = None
        self._folder = folder
        self._settings = {"upstream": upstream, "certificate": certificate, "key": key,
                          "folder": folder}
        self._process = None

    def start(self):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        config = self._folder / "nginx.conf"
        config.write_text(CONFIG.format(port=self.port, **self._settings), encoding="utf-8")
        errors = self._folder / "nginx-start.log"
        with open(errors, "wb") as output:
            self._process = process.start([NGINX, "-e", errors, "-p", self._folder, "-c", config],
                                          stdout=output, stderr=output)
        process.wait_until(self._answers, "nginx", self._process)
        return self

    def stop(self):
        process.stop(self._process)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def requests(self):
        """Every request answered so far, as (protocol, method, path, status)."""
        log = (self._folder / "nginx-requests.log").read_text(encoding="utf-8")
        return [(*found.groups()[:3], int(found[4])) for found in map(REQUEST.match,
                                                                      log.splitlines()) if found]

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
            return True
        except OSError:
            return False
