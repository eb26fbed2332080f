# SPDX-License-Identifier: Apache-2.0
"""A proxy that is itself asked by https, and knows only CONNECT.

    proxy = TlsProxy(certificate, key, {"registry.test:443": "127.0.0.1:5000"}).start()
    …  https_proxy=https://tls.localhost:PORT  …
    proxy.asked
"""

import select
import socket
import ssl
import threading


class TlsProxy:
    def __init__(self, certificate, key, hosts):
        self.asked = []  # hosts, in order
        self._hosts = hosts
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]

    def start(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def stop(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, plain):
        try:
            with self._context.wrap_socket(plain, server_side=True) as client:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += client.recv(1)
                host = head.split()[1].decode()
                self.asked.append(host)
                name, port = self._hosts[host].split(":")
                with socket.create_connection((name, int(port))) as server:
                    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    self._carry(client, server)
        except OSError:
            pass  # who does not trust us goes

    @staticmethod
    def _carry(client, server):
        """Both ways in this one thread: a TLS connection is not for two."""
        while True:
            ready = [client] if client.pending() else select.select([client, server], [], [])[0]
            for one in ready:
                data = one.recv(64 * 1024)
                if not data:
                    return
                (server if one is client else client).sendall(data)
