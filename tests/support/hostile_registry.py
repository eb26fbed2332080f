# SPDX-License-Identifier: Apache-2.0
"""A registry that serves an OCI layout, and lies where it is told to.

    with HostileRegistry(layout, tamper) as registry: …

tamper(path, headers, body) sees every answer before it goes out and returns the
headers and body to send, or None to close the connection without a word. A
Content-Length in the headers is sent as it is, whatever the body's length, and
a body may come in parts. A header ":status" is the status instead of 200. With `tls`,
{"certificate": FILE, "key": FILE}, it speaks https.
"""

import http.server
import json
import ssl
import threading
from pathlib import Path


class HostileRegistry:
    def __init__(self, layout, tamper=lambda path, headers, body: (headers, body), tls=None):
        self.layout = Path(layout)
        self.tamper = tamper
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(tls["certificate"], tls["key"])
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _find(self, path):
        """The media type and bytes of a manifest or blob, or None."""
        name = path.rsplit("/", 1)[1]
        entry = json.loads((self.layout / "index.json").read_text())["manifests"][0]
        digest = name if name.startswith("sha256:") else entry["digest"]
        file = self.layout / "blobs" / digest.replace(":", "/")
        if not file.exists():
            return None
        body = file.read_bytes()
        if "/manifests/" not in path:
            return "application/octet-stream", body
        return json.loads(body)["mediaType"], body

    def _handler(self):
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                found = registry._find(self.path)
                if not found:
                    self.send_error(404)
                    return
                media_type, body = found
                headers = {"Content-Type": media_type, "Content-Length": str(len(body))}
                answer = registry.tamper(self.path, headers, body)
                self.close_connection = True
                if not answer:
                    return
                headers, body = answer
                headers = dict(headers)
                self.send_response(headers.pop(":status", 200))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                try:
                    for part in [body] if isinstance(body, bytes) else body:
                        self.wfile.write(part)
                except ConnectionError:
                    pass  # it had read enough

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        return Handler
