# SPDX-License-Identifier: Apache-2.0
"""ECR as one service: moto answers for the API, a docker-registry keeps the images.

Every request comes here first. What begins with /v2 goes to the registry, the rest to moto, with
the Host header it came with, so that its signature still holds. Between the two this front
does what real AWS does and they do not:

  * a login for twelve hours, and the address where it is good;
  * an image pushed into the registry is known to the API, one deleted in the API leaves the
    registry, and a repository nobody created is not made by pushing;
  * manifests without a mediaType are refused, and tags that may not move; PATCH is answered 201;
  * a function needs an image that is there and no index, and takes its time (lambda_state.py).

Bodies of blobs pass through in pieces.
"""

import base64
import datetime
import hashlib
import hmac
import http.client
import http.server
import json
import re
import sys
import threading
import time
from urllib.parse import parse_qsl, urlsplit

from tests.support.aws_faults import Faults, in_json
from tests.support.lambda_state import Functions

PIECE = 64 * 1024
MANIFEST_LIMIT = 4 * 1024 * 1024
API_LIMIT = 16 * 1024 * 1024
TOKEN_SECONDS = 12 * 3600

ECR_TARGET = "AmazonEC2ContainerRegistry_V20150921."
FUNCTIONS = re.compile(r"/2015-03-31/functions(?:/(?P<name>[^/?]+)(?P<rest>/[^?]*)?)?/?(?:\?|$)")
OF_FUNCTIONS = {
    ("PUT", "/code"): "UpdateFunctionCode",
    ("PUT", "/configuration"): "UpdateFunctionConfiguration",
    ("GET", "/versions"): "ListVersionsByFunction",
    ("POST", "/versions"): "PublishVersion",
    ("POST", "/aliases"): "CreateAlias",
    ("POST", "/policy"): "AddPermission",
}
EXTRAS = re.compile(r"/\d{4}-\d\d-\d\d/(?:functions/[^/]+/)?"
                    r"(?P<what>aliases|policy|concurrency|url|tags)(?:/|\?|$)")
OF_EXTRAS = {
    ("GET", "aliases"): "GetAlias",
    ("PUT", "aliases"): "UpdateAlias",
    ("DELETE", "aliases"): "DeleteAlias",
    ("GET", "policy"): "GetPolicy",
    ("DELETE", "policy"): "RemovePermission",
    ("PUT", "concurrency"): "PutFunctionConcurrency",
    ("DELETE", "concurrency"): "DeleteFunctionConcurrency",
    ("GET", "url"): "GetFunctionUrlConfig",
    ("POST", "url"): "CreateFunctionUrlConfig",
    ("PUT", "url"): "UpdateFunctionUrlConfig",
    ("DELETE", "url"): "DeleteFunctionUrlConfig",
    ("POST", "tags"): "TagResource",
}
SIGNER = re.compile(r"Credential=(?P<key>[^/]+)/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/")
OF_BUCKETS = {
    ("GET", "list-type"): "ListObjectsV2",
    ("GET", "notification"): "GetBucketNotificationConfiguration",
    ("PUT", "notification"): "PutBucketNotificationConfiguration",
}
REGISTRY_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags)/(?P<rest>[^?]*)")
INDEX_TYPES = ("application/vnd.oci.image.index.v1+json",
               "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = INDEX_TYPES + ("application/vnd.oci.image.manifest.v1+json",
                                "application/vnd.docker.distribution.manifest.v2+json")
# Of one connection, not of what it carries.
HOP_HEADERS = {"connection", "keep-alive", "transfer-encoding", "te", "trailer", "upgrade",
               "proxy-connection", "expect"}


class EcrFront:
    """`functions`: where they stand, with switches for that. `calls`: every API operation asked for so far, and "<METHOD> <path>" of every request to the
    registry. `requests`: (operation, path, body) of those with a body in JSON, or in a form. `signers`: (service,
    access key) of those that are signed. `actions`: "<service>:<operation>" of those, whoever asked.
    `bucket_regions`: of buckets that answer there alone.
    `faults`: what goes wrong."""

    def __init__(self, moto_url, registry, keys, region):
        self.moto = urlsplit(moto_url).netloc
        self.registry = registry
        self.region = region
        self.functions = Functions()
        self.calls = []
        self.requests = []
        self.signers = []
        self.actions = set()
        self.bucket_regions = {}
        self.faults = Faults()
        self.url = None
        self._keys = keys
        self._logins = 1         # that were given out, one after the other
        self._requests_left = None  # of the registry's, until the login runs out
        self._lock = threading.Lock()
        self._server = None

    def start(self):
        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.front = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def expire_login(self, after):
        """Lets the login run out after so many requests to the registry."""
        with self._lock:
            self._requests_left = after

    # --- what Handler asks ---

    def note(self, call):
        with self._lock:
            self.calls.append(call)

    def new_login(self):
        with self._lock:
            if self._requests_left is not None and self._requests_left < 0:
                self._logins += 1
                self._requests_left = None
        return self.login

    def login_has_run_out(self):
        with self._lock:
            if self._requests_left is None:
                return False
            self._requests_left -= 1
            return self._requests_left < 0

    @property
    def login(self):
        password = f"{self.registry.password} {self._logins}"
        return base64.b64encode(f"AWS:{password}".encode()).decode()

    @property
    def registry_login(self):
        """The registry's own, which never runs out."""
        return base64.b64encode(f"{self.registry.user}:{self.registry.password}".encode()).decode()

    def ask_ecr(self, operation, **body):
        """Asks moto's ECR on the front's own account: (status, answer)."""
        return ask_ecr(self.moto, self._keys, self.region, operation, body)

    def repository(self, name):
        """What moto knows of it; None where it is not."""
        status, answer = self.ask_ecr("DescribeRepositories", repositoryNames=[name])
        return answer["repositories"][0] if status == 200 else None

    def holds_still(self, name, tag):
        """Whether the tag is there and may not move."""
        if tag.startswith("sha256:") or self.repository(name)["imageTagMutability"] == "MUTABLE":
            return False
        return bool(self.ask_ecr("BatchGetImage", repositoryName=name,
                                 imageIds=[{"imageTag": tag}])[1].get("images"))

    def ask_registry(self, method, path):
        """Asks the registry: (status, headers)."""
        connection = http.client.HTTPConnection(self.registry.host, timeout=60)
        try:
            connection.request(method, path, headers={"Authorization": f"Basic {self.registry_login}",
                                                      "Accept": ", ".join(MANIFEST_TYPES)})
            answer = connection.getresponse()
            answer.read()
            return answer.status, answer.headers
        finally:
            connection.close()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that was killed is no trouble of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name):
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def log_message(self, *_):
        pass

    @property
    def front(self):
        return self.server.front

    def _serve(self):
        self._body = Body(self.rfile, self.headers)
        self._is_lost = False
        try:
            if self.path.startswith("/v2"):
                self._serve_registry()
            else:
                self._serve_api()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close_connection = True
            self.send_error(502, str(error))
        if not self._body.ended:
            self.close_connection = True  # the rest of the body is no request

    # --- the API ---

    def _serve_api(self):
        body = self._body.read_all(API_LIMIT)
        operation = self._operation(body)
        self.front.note(operation)
        signer = SIGNER.search(self.headers.get("Authorization", ""))
        if signer:
            self.front.signers.append((signer["service"], signer["key"]))
            self.front.actions.add(f"{signer['service']}:{operation}")
            region = self.front.bucket_regions.get(urlsplit(self.path).path.split("/")[1])
            if region and signer["service"] == "s3" and region != signer["region"]:
                self._answer(301, {"x-amz-bucket-region": region}, b"<Error><Code>PermanentRedirect"
                             b"</Code><Message>elsewhere</Message></Error>")
                return
        asked = json.loads(body) if body.startswith(b"{") else form_of(body)
        if asked:
            self.front.requests.append((operation, self.path, asked))
        if self._meets_fault(operation):
            return
        refusal = self._refuse(operation, asked)
        if refusal:
            self._answer(refusal.status, refusal.headers, refusal.body)
            return
        with self._forward(self.front.moto, body) as answer:
            content = answer.read()
            if answer.status < 300:
                self.front.functions.note(operation, self.path, asked, content)
                content = self._amend(operation, asked, content)
            self._answer(answer.status, answer.headers, content)

    def _operation(self, body):
        target = self.headers.get("X-Amz-Target", "")
        found = FUNCTIONS.match(self.path)
        if target:
            return target.rpartition(".")[2]
        if found and not found["name"]:
            return {"POST": "CreateFunction", "GET": "ListFunctions"}.get(self.command, "?")
        if found and found["rest"] == "/invocations":
            return "Invoke"
        if found and not found["rest"]:
            return {"GET": "GetFunction", "DELETE": "DeleteFunction"}.get(self.command, "?")
        if found and (self.command, found["rest"]) in OF_FUNCTIONS:
            return OF_FUNCTIONS[self.command, found["rest"]]
        extra = EXTRAS.match(self.path)
        if extra and (self.command, extra["what"]) in OF_EXTRAS:
            return OF_EXTRAS[self.command, extra["what"]]
        if "/s3/aws4_request" in self.headers.get("Authorization", ""):
            return self._storage_operation()
        action = re.search(rb"(?:^|&)Action=(\w+)", body)
        return action[1].decode() if action else f"{self.command} {self.path}"

    def _storage_operation(self):
        url = urlsplit(self.path)
        what = re.match(r"[a-z-]*", url.query)[0]
        is_bucket = url.path.count("/") == 1
        return OF_BUCKETS.get((self.command, what)) or (
            f"{self.command.capitalize()}{'Bucket' if is_bucket else 'Object'}"
        ).replace("PutBucket", "CreateBucket")

    def _refuse(self, operation, asked):
        """What Lambda says of a change that cannot be, and of an image it cannot run."""
        if operation == "CreateFunction":
            return self._refuse_image(asked.get("Code", {}).get("ImageUri", ""))
        refusal = self.front.functions.refuse(operation, self.path, asked)
        if not refusal and operation == "UpdateFunctionCode":
            return self._refuse_image(asked.get("ImageUri", ""))
        return refusal

    def _refuse_image(self, uri):
        name, at, reference = uri.partition("/")[2].partition("@")
        if not at:
            name, _, reference = name.rpartition(":")
        status, headers = self.front.ask_registry("HEAD", f"/v2/{name}/manifests/{reference}")
        code = "InvalidParameterValueException"
        if status != 200:
            return in_json(400, code,
                           f"Source image {uri} does not exist. Provide a valid source image.")
        if headers.get("Content-Type") in INDEX_TYPES:
            return in_json(400, code, "The image manifest, config or layer media type for the "
                           f"source image {uri} is not supported.")
        return None

    def _amend(self, operation, asked, content):
        if operation == "GetAuthorizationToken":
            return json.dumps({"authorizationData": [{
                "authorizationToken": self.front.new_login(),
                "expiresAt": time.time() + TOKEN_SECONDS,
                "proxyEndpoint": self.front.url,
            }]}).encode()
        if operation == "BatchDeleteImage":
            self._delete_from_registry(asked["repositoryName"], json.loads(content))
        if operation == "GetBucketNotificationConfiguration":  # moto's name for an empty one
            return content.replace(b"GetBucketNotificationResponse", b"NotificationConfiguration")
        if operation == "ListFunctions":
            return self._amend_list(json.loads(content))
        if operation == "GetFunction":
            return self._amend_function(json.loads(content))
        return content

    def _delete_from_registry(self, repository, answer):
        for digest in {image["imageDigest"] for image in answer.get("imageIds", [])}:
            left = self.front.ask_ecr("BatchGetImage", repositoryName=repository,
                                      imageIds=[{"imageDigest": digest}])[1].get("images")
            if not left:
                self.front.ask_registry("DELETE", f"/v2/{repository}/manifests/{digest}")

    def _amend_function(self, function):
        self.front.functions.amend(function["Configuration"])
        code = function.get("Code", {})
        if "@" in code.get("ImageUri", ""):  # moto 5.2.5 doubles the "@sha256"
            code["ResolvedImageUri"] = code["ImageUri"]
        return json.dumps(function).encode()

    def _amend_list(self, page):
        """Where the code is an image, its hash is that of the manifest."""
        for configuration in page["Functions"]:
            variables = configuration.get("Environment", {}).get("Variables", {})
            digest = variables.get("IMAGE_ID", "").partition("@sha256:")[2]
            if digest:
                configuration["CodeSha256"] = digest
        return json.dumps(page).encode()

    # --- the images ---

    def _serve_registry(self):
        self.front.note(f"{self.command} {urlsplit(self.path).path}")
        if self.headers.get("Authorization") != f"Basic {self.front.login}":
            self._answer(401, {"Content-Type": "text/plain", "Www-Authenticate":
                               f'Basic realm="{self.front.url}/",service="ecr.amazonaws.com"'},
                         b"Not Authorized\n")
            return
        if self.front.login_has_run_out():
            self._refuse_registry(403, "DENIED", "Your authorization token has expired. "
                                  "Reauthenticate and try again.")
            return
        self.headers.replace_header("Authorization", f"Basic {self.front.registry_login}")
        found = REGISTRY_PATH.match(self.path)
        if found and self._meets_fault(f"{self.command} {kind_of(found)}"):
            return
        if found and self.command != "DELETE" and not self.front.repository(found["name"]):
            self._refuse_registry(404, "NAME_UNKNOWN", f"The repository with name "
                                  f"'{found['name']}' does not exist in the registry")
        elif found and found["kind"] == "manifests" and self.command == "PUT":
            self._put_manifest(found["name"], found["rest"])
        elif found and found["kind"] == "manifests" and self.command == "DELETE":
            self._refuse_registry(405, "UNSUPPORTED", "The operation is unsupported.")
        else:
            self._pass_on()

    def _put_manifest(self, name, reference):
        manifest = self._body.read_all(MANIFEST_LIMIT)
        media_type = json.loads(manifest).get("mediaType")
        if not media_type:
            self._refuse_registry(405, "UNSUPPORTED", "Invalid parameter at 'ImageManifest' "
                                  "failed to satisfy constraint: 'Invalid JSON syntax'")
            return
        if self.front.holds_still(name, reference):  # even for what it names already
            self._refuse_registry(400, "TAG_INVALID", f"The image tag '{reference}' already exists "
                                  f"in the '{name}' repository and cannot be overwritten because "
                                  "the tag is immutable.")
            return
        with self._forward(self.front.registry.host, manifest) as answer:
            content = answer.read()
            if answer.status >= 300:
                self._answer(answer.status, answer.headers, content)
                return
            headers = answer.headers
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        tag = {} if reference.startswith("sha256:") else {"imageTag": reference}
        status, known = self.front.ask_ecr(
            "PutImage", repositoryName=name, imageManifest=manifest.decode(),
            imageManifestMediaType=media_type, imageDigest=digest, **tag)
        if status == 200 or known.get("__type") == "ImageAlreadyExistsException":
            self._answer(201, headers, b"")
        else:
            self._refuse_registry(400, "TAG_INVALID", json.dumps(known))

    def _pass_on(self):
        with self._forward(self.front.registry.host, None) as answer:
            status = 201 if self.command == "PATCH" and answer.status == 202 else answer.status
            length = answer.headers.get("Content-Length")
            self._send_head(status, answer.headers, length)
            if self.command == "HEAD" or status in (204, 304):
                return
            for piece in iter(lambda: answer.read(PIECE), b""):
                self.wfile.write(piece if length else b"%x\r\n%s\r\n" % (len(piece), piece))
            if not length:
                self.wfile.write(b"0\r\n\r\n")

    # --- both ---

    def _forward(self, host, body):
        """Sends the request on; without `body` the client's, piece by piece."""
        connection = http.client.HTTPConnection(host, timeout=120)
        try:
            connection.putrequest(self.command, self.path, skip_host=True,
                                  skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_HEADERS | {"content-length"}:
                    connection.putheader(name, value)
            length = self._body.length if body is None else len(body)
            if length is None:
                connection.putheader("Transfer-Encoding", "chunked")
            elif length or self.command in ("POST", "PUT", "PATCH"):
                connection.putheader("Content-Length", str(length))
            connection.endheaders()
            for piece in self._body.pieces() if body is None else (body,):
                if piece:
                    connection.send(b"%x\r\n%s\r\n" % (len(piece), piece)
                                    if length is None else piece)
            if length is None:
                connection.send(b"0\r\n\r\n")
            return Answer(connection)
        except BaseException:
            connection.close()
            raise

    def _refuse_registry(self, status, code, message):
        self._answer_json(status, {"errors": [{"code": code, "message": message}]})

    def _answer_json(self, status, content, headers=None):
        self._answer(status, {"Content-Type": "application/json", **(headers or {})},
                     json.dumps(content).encode())

    def _answer(self, status, headers, content):
        self._send_head(status, headers, str(len(content)))
        if self.command != "HEAD":
            self.wfile.write(content)

    def _meets_fault(self, kind):
        """Whether that is the end of the request."""
        self.front.faults.wait(kind)
        fault = self.front.faults.take(kind)
        self._is_lost = fault is not None and not fault.status
        if fault and fault.status:
            self._answer(fault.status, fault.headers, fault.body)
        return bool(fault and fault.status)

    def _send_head(self, status, headers, length):
        if self._is_lost:
            raise ConnectionResetError("an answer that is lost")
        self.send_response(status)
        for name, value in headers.items():
            # moto's checksum is of what it said, not of what we make of it.
            if name.lower() not in HOP_HEADERS | {"content-length", "date", "server",
                                                  "x-amz-crc32"}:
                self.send_header(name, value)
        if status != 204:
            if length is None:
                self.send_header("Transfer-Encoding", "chunked")
            else:
                self.send_header("Content-Length", length)
        self.end_headers()


def form_of(body):
    """A form of the query protocol as JSON would have it; {} for anything else."""
    asked = {}
    if not body.startswith(b"Action="):
        return asked
    for name, value in parse_qsl(body.decode()):
        whole, _, part = name.partition(".member.")
        if part:  # of a list, "Tags.member.1.Key"
            number, _, member = part.partition(".")
            entries = asked.setdefault(whole, [])
            entries += [{}] * (int(number) - len(entries))
            entries[int(number) - 1] = {**entries[int(number) - 1], member: value}
        elif name not in ("Action", "Version"):
            asked[name] = value
    return asked


def kind_of(path):
    """What a match of REGISTRY_PATH is about: manifests, blobs, uploads, tags."""
    return "uploads" if path["rest"].startswith("uploads/") else path["kind"]


class Answer:
    """An answer of a server behind the front; its connection goes with it."""

    def __init__(self, connection):
        self._connection = connection
        self._answer = connection.getresponse()
        self.status = self._answer.status
        self.headers = self._answer.headers
        self.read = self._answer.read

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()


class Body:
    """The body of a request: `length` bytes, or chunks when that is None."""

    def __init__(self, file, headers):
        self._file = file
        chunked = "chunked" in headers.get("Transfer-Encoding", "").lower()
        self.length = None if chunked else int(headers.get("Content-Length") or 0)
        self.ended = self.length == 0

    def pieces(self):
        if self.length is None:
            yield from self._chunks()
        else:
            yield from self._exactly(self.length)
        self.ended = True

    def read_all(self, limit):
        content = bytearray()
        for piece in self.pieces():
            content += piece
            if len(content) > limit:
                raise ValueError("a body that is too large")
        return bytes(content)

    def _exactly(self, left):
        while left > 0:
            piece = self._file.read1(min(left, PIECE))
            if not piece:
                raise ConnectionResetError("a body that ends early")
            left -= len(piece)
            yield piece

    def _chunks(self):
        while size := int(self._file.readline(100).split(b";")[0], 16):
            yield from self._exactly(size)
            self._file.readline(10)
        while self._file.readline(PIECE) not in (b"\r\n", b"\n", b""):
            pass


def ask_ecr(host, keys, region, operation, body):
    """One signed call, for the front's own questions: (status, answer)."""
    content = json.dumps(body).encode()
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": host,
        "x-amz-date": now,
        "x-amz-target": ECR_TARGET + operation,
    }
    names = ";".join(headers)
    canonical = "\n".join(["POST", "/", "", *(f"{name}:{value}" for name, value in headers.items()),
                           "", names, hashlib.sha256(content).hexdigest()])
    scope = f"{now[:8]}/{region}/ecr/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{keys[1]}".encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={keys[0]}/{scope}, "
                                f"SignedHeaders={names}, Signature={key.hex()}")
    connection = http.client.HTTPConnection(host, timeout=60)
    try:
        connection.request("POST", "/", content, headers)
        answer = connection.getresponse()
        text = answer.read()
    finally:
        connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, {"message": text.decode(errors="replace")}
