# SPDX-License-Identifier: Apache-2.0
"""Whoever gives out credentials for AWS, on one port: STS, SSO, containers, EC2's instances.

    with IdentityServer() as server:
        run(environment={**server.environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI":
                         f"{server.url}/container"})
        server.signers  # the access keys that signed requests to all other services

Each gives keys that say where they are from: AssumeRole with the key X gives the key of a role
of X. Every other request is refused, once its signer is noted; the services of AWS also refuse
signatures of another time than now. With `certificate`, (FILE, FILE), it speaks https.
"""

import datetime
import http.server
import json
import re
import ssl
import threading
import urllib.parse

INSTANCE_TOKEN = "instance-token"
CONTAINER_TOKEN = "container-token"
SESSION_TOKEN = "sso-session-token"
RENEWED_TOKEN = "sso-renewed-token"
SECRET = "secret-of-"
SKEW = datetime.timedelta(minutes=5)


def ends_at(hours=1):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


def keys_of(access_key):
    return {"AccessKeyId": access_key, "SecretAccessKey": SECRET + access_key,
            "Token": "token-of-" + access_key, "Expiration": ends_at()}


class IdentityServer:
    def __init__(self, certificate=None):
        self.certificate = certificate
        self.requests = []  # of those that were signed: (method, path, headers, body)
        self.asked = []     # "<METHOD> <path>" of all, and STS's operations
        self.ahead = datetime.timedelta()  # of our clock
        self.url = None
        self._server = None

    def __enter__(self):
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.owner = self
        if self.certificate:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*self.certificate)
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if self.certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self):
        return {"AWS_ENDPOINT_URL": self.url, "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.url,
                "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
                "AWS_EC2_METADATA_DISABLED": "false", "AWS_MAX_ATTEMPTS": "1"}

    @property
    def signers(self):
        return [signer(headers) for _, _, headers, _ in self.requests]

    def now(self):
        return datetime.datetime.now(datetime.timezone.utc) + self.ahead

    def clear(self):
        self.requests.clear()
        self.asked.clear()


def signer(headers):
    found = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
    return found and found[1]


def is_of_another_time(headers, now):
    try:
        signed_at = datetime.datetime.strptime(headers.get("x-amz-date", ""), "%Y%m%dT%H%M%SZ")
    except ValueError:
        return True
    return abs(now.replace(tzinfo=None) - signed_at) > SKEW


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_PUT(self):
        self._serve()

    def do_GET(self):
        self._serve()

    def do_POST(self):
        self._serve()

    def _serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = urllib.parse.urlsplit(self.path).path
        owner = self.server.owner
        owner.asked.append(f"{self.command} {path}")
        for answer in (self._answer_instance, self._answer_container, self._answer_sso,
                       self._answer_sts):
            answered = answer(path, headers, body)
            if answered:
                self._send(*answered)
                return
        if is_of_another_time(headers, owner.now()):
            self._send(403, json.dumps({"__type": "InvalidSignatureException",
                                        "message": "Signature expired"}))
            return
        owner.requests.append((self.command, self.path, headers, body.decode()))
        self._send(403, json.dumps({"__type": "AccessDeniedException", "message": "enough"}))

    def date_time_string(self, timestamp=None):
        return super().date_time_string(self.server.owner.now().timestamp())

    def _send(self, status, text):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _answer_instance(self, path, headers, _):
        if path == "/latest/api/token" and self.command == "PUT":
            return 200, INSTANCE_TOKEN
        if not path.startswith("/latest/meta-data/"):
            return None
        if headers.get("x-aws-ec2-metadata-token") != INSTANCE_TOKEN:
            return 401, ""
        name = path.removeprefix("/latest/meta-data/")
        if name == "placement/region":
            return 200, "eu-north-1"
        if name == "iam/security-credentials/":
            return 200, "role"
        if name == "iam/security-credentials/role":
            return 200, json.dumps({"Code": "Success", **keys_of("AKIDINSTANCE")})
        return 404, ""

    @staticmethod
    def _answer_container(path, headers, _):
        if path == "/container":
            return 200, json.dumps(keys_of("AKIDCONTAINER"))
        if path == "/pod":
            if headers.get("authorization") != CONTAINER_TOKEN:
                return 401, ""
            return 200, json.dumps(keys_of("AKIDPOD"))
        return None

    @staticmethod
    def _answer_sso(path, headers, body):
        if path == "/token":
            asked = json.loads(body)
            good = asked["grantType"] == "refresh_token" and asked["refreshToken"] == "refresh"
            return (200, json.dumps({"accessToken": RENEWED_TOKEN, "expiresIn": 3600})) \
                if good else (400, json.dumps({"error": "invalid_grant"}))
        if path != "/federation/credentials":
            return None
        token = headers.get("x-amz-sso_bearer_token")
        if token not in (SESSION_TOKEN, RENEWED_TOKEN):
            return 401, json.dumps({"message": "no"})
        keys = keys_of("AKIDSSO" if token == SESSION_TOKEN else "AKIDSSORENEWED")
        end = datetime.datetime.now().timestamp() + 3600
        return 200, json.dumps({"roleCredentials": {
            "accessKeyId": keys["AccessKeyId"], "secretAccessKey": keys["SecretAccessKey"],
            "sessionToken": keys["Token"], "expiration": int(end * 1000)}})

    def _answer_sts(self, _, headers, body):
        fields = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        operation = fields.get("Action")
        if operation == "AssumeRole" and signer(headers):
            self.server.owner.requests.append((self.command, self.path, headers, body.decode()))
            key = f"{signer(headers)}AS{fields['RoleArn'].rpartition('/')[2].upper()}"
            key += fields.get("ExternalId", "").upper()
        elif operation == "AssumeRoleWithWebIdentity" and not signer(headers):
            key = "AKIDWEB" + fields["WebIdentityToken"].upper()
        else:
            return None
        self.server.owner.asked.append(operation)
        keys = keys_of(key)
        return 200, (
            f'<{operation}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{operation}Result><Credentials><AccessKeyId>{keys['AccessKeyId']}</AccessKeyId>"
            f"<SecretAccessKey>{keys['SecretAccessKey']}</SecretAccessKey>"
            f"<SessionToken>{keys['Token']}</SessionToken><Expiration>{keys['Expiration']}"
            f"</Expiration></Credentials></{operation}Result></{operation}Response>")
