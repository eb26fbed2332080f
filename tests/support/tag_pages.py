# SPDX-License-Identifier: Apache-2.0
"""A front that lists a registry's tags in pages, which Debian's docker-registry does not do.

It does so as distribution 3 does: `n` tags after `last`, and a Link to the next page where there
is one. A page has at most `most` tags, whatever is asked for. `pages` has how many each had.
"""

import http.server
import json
import threading
import urllib.request
from urllib.parse import parse_qs, urlencode, urlsplit


class TagPages:
    def __init__(self, upstream, most):
        self.upstream = upstream
        self.most = most
        self.pages = []
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.host = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def _page(self, target):
        """The answer's content, and where the next page is."""
        query = parse_qs(target.query)
        with urllib.request.urlopen(f"http://{self.upstream}{target.path}") as answer:
            content = json.load(answer)
        last = query.get("last", [""])[0]
        tags = sorted(tag for tag in content["tags"] if tag > last)
        count = min(self.most, int(query["n"][0]))
        page = tags[:count]
        self.pages.append(len(page))
        more = urlencode({"n": count, "last": page[-1]}) if len(tags) > count else None
        return {**content, "tags": page}, more and f"{target.path}?{more}"

    def _handler(self):
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                content, more = front._page(urlsplit(self.path))
                body = json.dumps(content).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                if more:
                    self.send_header("Link", f'<{more}>; rel="next"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler
