# SPDX-License-Identifier: Apache-2.0
"""Who skiff is for AWS is who the AWS CLI would be.

botocore, the CLI's own library, is the witness: for the same files and variables both choose the
same access key, or neither finds any; and it makes the same signatures of the same requests.
"""

import datetime
import hashlib
import json
import os
import re
import subprocess
import unittest

from tests.support.certificates import Authority
from tests.support.identity_server import (CONTAINER_TOKEN, RENEWED_TOKEN, SECRET, SESSION_TOKEN,
                                           IdentityServer, ends_at, signer)
from tests.support.python_packages import ensure_venv
from tests.support.skiff import CHECKOUT, SkiffTest

IMAGE = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"

# Reads cases, each the variables of an environment and perhaps a profile; answers with the access
# keys, null where there are none.
RESOLVE = """
import json, os, sys
import botocore.credentials, botocore.session, botocore.tokens
def resolve(case):
    os.environ.clear()
    os.environ.update(case["environment"])
    for provider in (botocore.credentials.SSOProvider, botocore.tokens.SSOTokenProvider):
        provider._SSO_TOKEN_CACHE_DIR = os.path.expanduser("~/.aws/sso/cache")
    try:
        session = botocore.session.Session(profile=case["profile"])
        found = session.get_credentials()
        return found and found.get_frozen_credentials().access_key
    except Exception:
        return None
json.dump([resolve(case) for case in json.load(sys.stdin)], sys.stdout)
"""

# Reads requests as they were sent, and answers with what botocore signs of them.
SIGN = """
import json, re, sys
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
def sign(sent):
    proof = sent["headers"]["authorization"]
    key, day, region, service = re.search(r"Credential=([^/]+)/([^/]+)/([^/]+)/([^/]+)/", proof).groups()
    names = re.search(r"SignedHeaders=([^,]+),", proof)[1].split(";")
    request = AWSRequest(sent["method"], sent["url"], data=sent["body"],
                         headers={name: sent["headers"][name] for name in names})
    request.context["timestamp"] = sent["headers"]["x-amz-date"]
    auth = (S3SigV4Auth if service == "s3" else SigV4Auth)(
        Credentials(key, sent["secret"]), service, region)
    auth.payload = lambda request: sent["hash"]
    canonical = auth.canonical_request(request)
    to_sign = auth.string_to_sign(request, canonical)
    return [canonical, to_sign, auth.signature(to_sign, request)]
json.dump([sign(sent) for sent in json.load(sys.stdin)], sys.stdout)
"""

KEYS = "aws_access_key_id = AKID{0}\naws_secret_access_key = {1}AKID{0}\n"
FILE_KEYS = KEYS.format("FILE", SECRET)
CONFIG_KEYS = KEYS.format("CONFIG", SECRET)
VARIABLES = {"AWS_ACCESS_KEY_ID": "AKIDENV", "AWS_SECRET_ACCESS_KEY": SECRET + "AKIDENV"}
NO_INSTANCE = {"AWS_EC2_METADATA_DISABLED": "true"}
ROLE = "role_arn = arn:aws:iam::123456789012:role/{}\n"
SSO = ("sso_account_id = 123456789012\nsso_role_name = dev\nsso_region = eu-west-1\n"
       "sso_start_url = https://start\n")
SSO_SESSION = ("[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n"
               "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://start\n")


def ask(script, values):
    done = subprocess.run([ensure_venv(), "-c", script], input=json.dumps(values), check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)


def sso_cache(name, token=SESSION_TOKEN, hours=1, **more):
    path = f".aws/sso/cache/{hashlib.sha1(name.encode()).hexdigest()}.json"
    return path, json.dumps({"accessToken": token, "expiresAt": ends_at(hours), **more})


class CredentialsTest(SkiffTest):
    def cases(self, url):
        """(what, variables, credentials file, configuration file, other files, profile,
        expected)"""
        process = self.write("keys.sh", "#!/bin/sh\necho '" + json.dumps(
            {"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "s"}) + "'\n", 0o755)
        container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/container"}
        pod = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/pod"}
        token = self.write("web token", "abcd")
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": token,
               "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci"}
        refresh = {"refreshToken": "refresh", "clientId": "c", "clientSecret": "s",
                   "registrationExpiresAt": ends_at(24)}
        return [
            ("variables first", VARIABLES, f"[default]\n{FILE_KEYS}", "", [], None, "AKIDENV"),
            ("--profile before variables", VARIABLES, f"[w]\n{FILE_KEYS}", "", [], "w",
             "AKIDFILE"),
            ("AWS_PROFILE after variables", {**VARIABLES, "AWS_PROFILE": "w"},
             f"[w]\n{FILE_KEYS}", "", [], None, "AKIDENV"),
            ("AWS_PROFILE", {"AWS_PROFILE": "w"}, f"[default]\n[w]\n{FILE_KEYS}", "", [], None,
             "AKIDFILE"),
            ("a profile that is not there", {"AWS_PROFILE": "gone"}, f"[default]\n{FILE_KEYS}", "",
             [], None, None),
            ("credentials before configuration", {}, f"[default]\n{FILE_KEYS}",
             f"[default]\n{CONFIG_KEYS}", [], None, "AKIDFILE"),
            ("configuration", {}, "", f"[default]\n{CONFIG_KEYS}", [], None, "AKIDCONFIG"),
            ("a quoted name", {}, "", f'[profile "my work"]\n{CONFIG_KEYS}', [], "my work",
             "AKIDCONFIG"),
            ("process before configuration", {}, "",
             f"[default]\n{CONFIG_KEYS}credential_process = '{process}' \"a b\" c\\ d\n", [], None,
             "AKIDPROCESS"),
            ("credentials before process", {}, f"[default]\n{FILE_KEYS}",
             f"[default]\ncredential_process = {process}\n", [], None, "AKIDFILE"),
            ("a process that fails", NO_INSTANCE, "",
             f"[default]\n{CONFIG_KEYS}credential_process = /bin/false\n", [], None, None),
            ("a role before keys", {}, f"[default]\n{FILE_KEYS}[base]\n" +
             KEYS.format("BASE", SECRET),
             f"[default]\n{ROLE.format('r')}source_profile = base\n", [], None, "AKIDBASEASR"),
            ("a role of itself", {}, f"[default]\n{FILE_KEYS}",
             f"[default]\n{ROLE.format('r')}source_profile = default\n", [], None,
             "AKIDFILEASR"),
            ("a chain of roles", {}, f"[base]\n{FILE_KEYS}",
             f"[profile a]\n{ROLE.format('two')}source_profile = b\nexternal_id = x1\n"
             f"[profile b]\n{ROLE.format('one')}source_profile = base\n", [], "a",
             "AKIDFILEASONEASTWOX1"),
            ("a circle of roles", NO_INSTANCE, "",
             f"[default]\n{ROLE.format('two')}source_profile = b\n"
             f"[profile b]\n{ROLE.format('one')}source_profile = default\n", [], None, None),
            ("a role without a source", NO_INSTANCE, "", f"[default]\n{ROLE.format('r')}", [],
             None, None),
            ("a role by variables", VARIABLES, "",
             f"[profile w]\n{ROLE.format('r')}credential_source = Environment\n", [], "w",
             "AKIDENVASR"),
            ("a role by the container", container, "",
             f"[default]\n{ROLE.format('r')}credential_source = EcsContainer\n", [], None,
             "AKIDCONTAINERASR"),
            ("a role by the instance", {}, "",
             f"[default]\n{ROLE.format('r')}credential_source = Ec2InstanceMetadata\n", [], None,
             "AKIDINSTANCEASR"),
            ("a role by a process", {}, "",
             f"[default]\n{ROLE.format('r')}source_profile = p\n"
             f"[profile p]\ncredential_process = {process}\n", [], None, "AKIDPROCESSASR"),
            ("a web identity before keys", web, f"[default]\n{FILE_KEYS}", "", [], None,
             "AKIDWEBABCD"),
            ("a web identity after --profile", web, f"[w]\n{FILE_KEYS}", "", [], "w", "AKIDFILE"),
            ("a web identity of a profile", {}, "",
             f"[default]\n{ROLE.format('ci')}web_identity_token_file = {token}\n", [], None,
             "AKIDWEBABCD"),
            ("a role by a web identity", {}, "",
             f"[default]\n{ROLE.format('r')}source_profile = w\n[profile w]\n"
             f"{ROLE.format('ci')}web_identity_token_file = {token}\n", [], None,
             "AKIDWEBABCDASR"),
            ("SSO, the older way", {}, "", f"[default]\n{SSO}", [sso_cache("https://start")], None,
             "AKIDSSO"),
            ("SSO before keys", {}, f"[default]\n{FILE_KEYS}", SSO_SESSION, [sso_cache("corp")],
             None, "AKIDSSO"),
            ("SSO, renewed", {}, "", SSO_SESSION, [sso_cache("corp", "old", -1, **refresh)], None,
             "AKIDSSORENEWED"),
            ("SSO that has ended", NO_INSTANCE, "", SSO_SESSION, [sso_cache("corp", "old", -1)],
             None, None),
            ("SSO, nobody logged in", NO_INSTANCE, "", SSO_SESSION, [], None, None),
            ("a role by SSO", {}, "",
             f"[profile r]\n{ROLE.format('r')}source_profile = default\n{SSO_SESSION}",
             [sso_cache("corp")], "r", "AKIDSSOASR"),
            ("a container", container, "", "[default]\nregion = eu-west-1\n", [], None,
             "AKIDCONTAINER"),
            ("a profile before the container", container, f"[default]\n{FILE_KEYS}", "", [], None,
             "AKIDFILE"),
            ("a pod", {**pod, "AWS_CONTAINER_AUTHORIZATION_TOKEN": CONTAINER_TOKEN}, "", "", [],
             None, "AKIDPOD"),
            ("a pod's file", {**pod, "AWS_CONTAINER_AUTHORIZATION_TOKEN": "no",
                              "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE":
                                  self.write("pod-token", CONTAINER_TOKEN)}, "", "", [], None,
             "AKIDPOD"),
            ("a container elsewhere", {"AWS_CONTAINER_CREDENTIALS_FULL_URI":
                                       "http://192.0.2.1/container"}, "", "", [], None, None),
            ("an instance", {}, "", "", [], None, "AKIDINSTANCE"),
            ("no instance", NO_INSTANCE, "", "", [], None, None),
        ]

    def make_home(self, number, credentials, config, files):
        home = self.folder / f"home-{number}"
        for name, text in [(".aws/credentials", credentials), (".aws/config", config), *files]:
            if text:
                self.write(f"{home.name}/{name}", text, 0o600)
        return str(home)

    def test_the_same_key_is_chosen_as_by_botocore(self):
        self.signed = []
        with IdentityServer() as server:
            cases = self.cases(server.url)
            asked = []
            for number, (what, variables, credentials, config, files, profile, key) in \
                    enumerate(cases):
                # Each is asked in a home of its own: both renew logins there.
                worlds = [{"environment": {**server.environment, **variables,
                                           "PATH": os.environ["PATH"],
                                           "HOME": self.make_home(f"{number}-{who}", credentials,
                                                                  config, files)},
                           "profile": profile} for who in ("skiff", "witness")]
                asked.append(worlds[1])
                with self.subTest(what):
                    self.assertEqual(self.ask_skiff(server, worlds[0]), key)
            for (what, *_, key), found in zip(cases, ask(RESOLVE, asked)):
                with self.subTest(what, witness="botocore"):
                    self.assertEqual(found, key)
        self.check_signatures(self.signed)

    def ask_skiff(self, server, world):
        """The key that skiff signs with; nothing it says has a secret in it."""
        server.clear()
        profile = ["--profile", world["profile"]] if world["profile"] else []
        done = self.skiff("inspect", IMAGE, *profile, environment=world["environment"])
        self.assertEqual(done.returncode, 1)
        self.assertNotRegex(done.stdout + done.stderr, f"{SECRET}|token-of-|{SESSION_TOKEN}|"
                            f"{RENEWED_TOKEN}|{CONTAINER_TOKEN}")
        self.signed += [(server.url, *request) for request in server.requests]
        if "AccessDeniedException: enough" in done.stderr:
            return server.signers[-1]
        return None

    def check_signatures(self, requests):
        """botocore would have signed them in the same way."""
        sent = []
        for url, method, path, headers, body in requests:
            key = signer(headers)
            sent.append({"method": method, "url": url + path, "headers": headers, "body": body,
                         "secret": "s" if key == "AKIDPROCESS" else SECRET + key,
                         "hash": hashlib.sha256(body.encode()).hexdigest()})
        self.assertGreater(len(sent), 20)
        for request, (_, _, signature) in zip(sent, ask(SIGN, sent)):
            proof = request["headers"]["authorization"]
            with self.subTest(proof, witness="botocore"):
                self.assertEqual(proof.rpartition("Signature=")[2], signature)

    def test_a_wrong_clock_is_put_right(self):
        with IdentityServer() as server:
            for days in (-1, 1):
                with self.subTest(days):
                    server.clear()
                    server.ahead = datetime.timedelta(days=days)
                    self.fail_with(1, "inspect", IMAGE, says="AccessDeniedException: enough",
                                   environment={**server.environment, **VARIABLES,
                                                "AWS_MAX_ATTEMPTS": "2"})
                    self.assertEqual(server.asked, ["POST /", "POST /"])
                    self.assertEqual(server.signers, ["AKIDENV"])

    def test_certificates_are_trusted_where_the_user_says(self):
        authority = Authority(self.folder, "authority")
        with IdentityServer(authority.issue("server", "127.0.0.1")) as server:
            world = {**server.environment, **VARIABLES, "AWS_CONFIG_FILE": self.write("config", (
                f"[profile trusting]\nca_bundle = {authority.certificate}\n"))}
            for more, words in (
                    ({}, "certificate"),
                    ({"AWS_CA_BUNDLE": authority.certificate}, "AccessDeniedException: enough"),
                    ({"AWS_PROFILE": "trusting"}, "AccessDeniedException: enough"),
            ):
                with self.subTest(more):
                    self.fail_with(1, "inspect", IMAGE, environment={**world, **more}, says=words)

    def test_the_steps_written_down_are_botocores(self):
        sent, steps = [], []
        for path in sorted((CHECKOUT / "testdata" / "signing").iterdir()):
            parts = re.split(r"(?m)^== .*\n", path.read_text(encoding="utf-8"))
            key, request, *expected = [part.removesuffix("\n") for part in parts[1:]]
            head, _, body = request.partition("\n\n")
            (method, target, _), *lines = [line.split(" " if number == 0 else ":", 2 - (number > 0))
                                           for number, line in enumerate(head.split("\n"))]
            headers = {name.lower(): value for name, value in lines}
            scope = expected[1].split("\n")[2]
            names = expected[0].split("\n")[-2]
            headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={key.split()[0]}/{scope}, "
                                        f"SignedHeaders={names}, Signature={expected[2]}")
            sent.append({"method": method, "url": f"https://{headers['host']}{target}",
                         "headers": headers, "body": body, "secret": key.split()[1],
                         "hash": hashlib.sha256(body.encode()).hexdigest()})
            steps.append(expected)
        self.assertGreaterEqual(len(steps), 30)
        self.assertEqual(ask(SIGN, sent), steps)


if __name__ == "__main__":
    unittest.main()
