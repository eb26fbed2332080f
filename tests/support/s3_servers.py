# SPDX-License-Identifier: Apache-2.0
"""An S3 on this machine: moto, which checks signatures, behind a front that speaks TLS.

    with S3Servers() as s3:
        s3.put("bucket", "in/a.txt", b"...")
        ... AWS_ENDPOINT_URL_S3=s3.url, SSL_CERT_FILE=s3.certificate, s3.credentials ...
        s3.get("bucket", "out/b.txt")

The front keeps what was asked, stands for Amazon's hosts too (through `s3.proxy`), knows in which
region a bucket is, and does harm on request:

    s3.harm("GET", "cut")        half of the object, then the connection ends
    s3.harm("PUT", "slow down")  503 SlowDown, like S3 when it is busy

moto checks every signature; what botocore would have signed is asked with s3.expected_proofs().
"""

import collections
import http.client
import http.server
import json
import os
import re
import select
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.parse
from pathlib import Path

from tests.support import process
from tests.support.aws_servers import LISTENING
from tests.support.certificates import Authority
from tests.support.python_packages import ensure_venv

REGION = "eu-west-1"
HOST = "*.s3.eu-west-1.amazonaws.com"
PIECE = 64 * 1024
SCOPE = re.compile(r"Credential=[^/]+/\d+/([^/]+)/s3/aws4_request")
SECRET = re.compile(r"<(AccessKeyId|SecretAccessKey)>(.*?)</")

SLOW_DOWN = (503, "SlowDown", "Please reduce your request rate.")
INTERNAL = (500, "InternalError", "We encountered an internal error. Please try again.")
REFUSALS = {"slow down": SLOW_DOWN, "internal error": INTERNAL,
            "denied": (403, "AccessDenied", "Access Denied"),
            "request timeout": (400, "RequestTimeout", "Your socket connection was idle.")}

Seen = collections.namedtuple("Seen", "method path headers status")

# moto lets the first calls pass unsigned: these make the user whose signatures it checks.
SET_UP = """
import boto3, json
iam = boto3.client("iam")
iam.create_user(UserName="function")
iam.put_user_policy(UserName="function", PolicyName="may", PolicyDocument=json.dumps({
    "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
key = iam.create_access_key(UserName="function")["AccessKey"]
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]))
"""
SET_UP_CALLS = 3

# A Python that has boto3 and runs what it is sent, a line of JSON each way.
AGENT = """
import base64, json, sys
import boto3
s3 = boto3.client("s3")
for line in sys.stdin:
    names = {"boto3": boto3, "base64": base64, "s3": s3, "answer": None, **json.loads(line)}
    exec(names["source"], names)
    print(json.dumps(names["answer"], default=str), flush=True)
"""

WITNESS = """
import datetime
import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
answer = []
for item in values["requests"]:
    headers = {name.lower(): value for name, value in item["headers"].items()}
    signed = headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    when = datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
    botocore.auth.get_current_datetime = lambda *_, **__: when
    request = AWSRequest(method=item["method"], url="https://" + headers["host"] + item["path"],
                         headers={name: headers[name] for name in signed
                                  if name not in ("host", "x-amz-date", "x-amz-security-token")})
    signer = botocore.auth.S3SigV4Auth(Credentials(*values["credentials"]), "s3", item["region"])
    signer.payload = lambda _request: headers["x-amz-content-sha256"]
    request.context["payload_signing_enabled"] = True
    signer.add_auth(request)
    answer.append(request.headers["Authorization"])
"""


class S3Servers:
    """Everything on the loopback, gone after stop()."""

    def __init__(self):
        self.url = None
        self.proxy = None  # takes CONNECT to any host, and leads it here
        self.certificate = None
        self.credentials = None
        self.buckets = {}  # region by name, for those that have one
        self.seen = []
        self._harm = []
        self._lock = threading.Lock()
        self._moto = None
        self._agent = None
        self._folder = None
        self._servers = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers = []
        if self._agent:
            self._agent.stdin.close()
            process.stop(self._agent)
            self._agent.stdout.close()
            self._agent = None
        if self._moto:
            process.stop(self._moto)
            self._moto = None
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def _start(self):
        self._folder = tempfile.TemporaryDirectory(prefix="skiff-s3-")
        folder = Path(self._folder.name)
        authority = Authority(folder, "authority")
        self.certificate = authority.certificate
        certificate, key = authority.issue(HOST, "127.0.0.1")
        self._start_moto(folder)
        self.credentials = self._make_user()
        self._start_agent()

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        front = self._serve(_Front)
        front.socket = context.wrap_socket(front.socket, server_side=True,
                                           do_handshake_on_connect=False)
        self._listen(front)
        self.url = "https://127.0.0.1:%d" % front.server_address[1]
        plain = self._serve(_Front)
        self._listen(plain)
        self.plain_url = "http://127.0.0.1:%d" % plain.server_address[1]
        proxy = self._serve(_Proxy)
        proxy.target = front.server_address
        self._listen(proxy)
        self.proxy = "http://127.0.0.1:%d" % proxy.server_address[1]

    def _serve(self, handler):
        server = _Server(("127.0.0.1", 0), type("Handler", (handler,), {"s3": self}))
        self._servers.append(server)
        return server

    @staticmethod
    def _listen(server):
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def _start_moto(self, folder):
        log = folder / "moto.log"
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(SET_UP_CALLS)}
        with open(log, "wb") as output:
            self._moto = process.start([ensure_venv(), "-m", "moto.server", "-H", "127.0.0.1",
                                        "-p", "0"], env=environment, stdout=output, stderr=output)
        found = process.wait_until(lambda: LISTENING.search(log.read_text()), "moto", self._moto)
        self.moto = found[1].removeprefix("http://")

    def _environment(self, credentials):
        return {**os.environ, "AWS_ACCESS_KEY_ID": credentials[0],
                "AWS_SECRET_ACCESS_KEY": credentials[1], "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL": "http://" + self.moto, "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def _make_user(self):
        done = subprocess.run([ensure_venv(), "-c", SET_UP], check=True, stdout=subprocess.PIPE,
                              env=self._environment(("none", "none")))
        return json.loads(done.stdout)

    def _start_agent(self):
        self._agent = process.start([ensure_venv(), "-c", AGENT], text=True,
                                    env=self._environment(self.credentials),
                                    stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    # --- what tests do ---------------------------------------------------------------------------

    def boto3(self, source, **values):
        """Runs a script with `s3`, a client, and `values`; what it puts into `answer` comes back."""
        self._agent.stdin.write(json.dumps({"source": source, "values": values}) + "\n")
        self._agent.stdin.flush()
        line = self._agent.stdout.readline()
        if not line:
            raise RuntimeError("boto3 failed")
        return json.loads(line)

    def harm(self, method, kind, times=1, at=0):
        """The next requests of this method come to harm, after `at` that do not."""
        self._harm.append([method, kind, at, times])

    def forget(self):
        self.seen.clear()
        self._harm.clear()

    def expected_proofs(self, requests, credentials):
        """What botocore would have written into Authorization."""
        return self.boto3(WITNESS, credentials=credentials, requests=[
            {"method": seen.method, "path": seen.path, "headers": dict(seen.headers),
             "region": SCOPE.search(seen.headers["Authorization"])[1]} for seen in requests])

    # --- what the front asks -----------------------------------------------------------------------

    def take_harm(self, method):
        with self._lock:
            for harm in self._harm:
                if harm[0] != method or harm[3] == 0:
                    continue
                if harm[2] > 0:
                    harm[2] -= 1
                    continue
                harm[3] -= 1
                return harm[1]
        return None

    def region_of(self, host, path):
        bucket = (host.split(".")[0] if host.endswith(".amazonaws.com") and
                  not host.startswith("s3.") else path.lstrip("/").split("/")[0].split("?")[0])
        return self.buckets.get(bucket)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_):
        pass  # clients that go away are what this is about


class _Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    s3 = None

    def _any(self):
        length = int(self.headers.get("Content-Length") or 0)
        harm = self.s3.take_harm(self.command)
        if harm == "cut request":
            self.rfile.read(length // 2)
            self._note(0)
            self.close_connection = True
            return
        region = self.s3.region_of(self.headers["Host"], self.path)
        scope = SCOPE.search(self.headers.get("Authorization", ""))
        if region and scope and scope[1] != region:
            self._drop(length)
            self._refuse_region(region)
            return
        if harm in REFUSALS:
            self._drop(length)
            self._refuse(*REFUSALS[harm])
            return
        self._forward(length, harm)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _any

    def _note(self, status):
        self.s3.seen.append(Seen(self.command, self.path, dict(self.headers.items()), status))

    def _drop(self, length):
        while length > 0:
            piece = self.rfile.read(min(length, PIECE))
            length -= len(piece) or length

    def _refuse(self, status, code, message, more="", headers=None):
        body = ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                f"<Error><Code>{code}</Code><Message>{message}</Message>{more}</Error>").encode()
        self._note(status)
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _refuse_region(self, region):
        if self.command == "GET":
            self._refuse(301, "PermanentRedirect", "The bucket must be addressed elsewhere.",
                         "<Endpoint>elsewhere.invalid</Endpoint>",
                         {"x-amz-bucket-region": region, "Location": "https://elsewhere.invalid/"})
        else:
            self._refuse(400, "AuthorizationHeaderMalformed", "the region is wrong",
                         f"<Region>{region}</Region>")

    def _forward(self, length, harm):
        moto = http.client.HTTPConnection(self.s3.moto, timeout=60)
        try:
            moto.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                moto.putheader(name, value)
            moto.endheaders()
            while length > 0:
                piece = self.rfile.read(min(length, PIECE))
                if not piece:
                    self.close_connection = True
                    return
                moto.send(piece)
                length -= len(piece)
            self._answer(moto.getresponse(), harm)
        finally:
            moto.close()

    def _answer(self, response, harm):
        body = response.read()
        self._note(response.status)
        if harm == "cut answer":  # it is done, and nobody hears of it
            self.close_connection = True
            return
        if harm == "error in success":
            body = b"<Error><Code>InternalError</Code><Message>try again</Message></Error>"
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date",
                                    "server"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if harm == "cut":
            self.wfile.write(body[:len(body) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class _Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_CONNECT(self):
        with socket.create_connection(self.server.target) as there:
            self.send_response(200)
            self.end_headers()
            self.wfile.flush()
            ends = {self.connection: there, there: self.connection}
            while True:
                ready, _, _ = select.select(list(ends), [], [], 60)
                for end in ready:
                    piece = end.recv(PIECE)
                    if not piece:
                        self.close_connection = True
                        return
                    ends[end].sendall(piece)
                if not ready:
                    return

    def log_message(self, *_):
        pass


def quoted(key):
    """A key as an event of S3 has it."""
    return urllib.parse.quote_plus(key, safe="/")
