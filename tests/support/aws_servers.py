# SPDX-License-Identifier: Apache-2.0
"""An AWS on this machine: moto for the APIs, docker-registry for the images, one front for both.

    with AwsServers() as aws:
        subprocess.run(["build/skiff", "init", …], env={**os.environ, **aws.environment})
        aws.boto3("answer = client('lambda').list_functions()")

moto checks signatures and what a user may do. There are two users: `skiff` may do what
the README says it has to, `witness`, as whom boto3 looks at the result, may do everything.
"""

import json
import os
import re
import subprocess
import tempfile
import textwrap
import urllib.request

from tests.support import process
from tests.support.ecr_front import EcrFront
from tests.support.python_packages import ensure_venv
from tests.support.registry_server import Registry

LISTENING = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")

REGION = "eu-west-1"
ACCOUNT = "123456789012"

# All that init, run and rm need on AWS. moto asks for some of it only.
PERMISSIONS = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchDeleteImage",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:DescribeImages",
    "ecr:DeleteRepository",
    "ecr:DescribeRepositories",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetRepositoryPolicy",
    "ecr:InitiateLayerUpload",
    "ecr:ListTagsForResource",
    "ecr:PutImage",
    "ecr:SetRepositoryPolicy",
    "ecr:TagResource",
    "ecr:UploadLayerPart",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:DeleteRolePolicy",
    "iam:GetRole",
    "iam:PassRole",
    "iam:PutRolePolicy",
    "lambda:AddPermission",
    "lambda:CreateAlias",
    "lambda:CreateFunction",
    "lambda:CreateFunctionUrlConfig",
    "lambda:DeleteAlias",
    "lambda:DeleteFunction",
    "lambda:DeleteFunctionConcurrency",
    "lambda:DeleteFunctionUrlConfig",
    "lambda:GetFunction",
    "lambda:GetFunctionUrlConfig",
    "lambda:GetPolicy",
    "lambda:InvokeFunction",
    "lambda:ListFunctions",
    "lambda:ListVersionsByFunction",
    "lambda:PublishVersion",
    "lambda:PutFunctionConcurrency",
    "lambda:RemovePermission",
    "lambda:TagResource",
    "lambda:UpdateAlias",
    "lambda:UpdateFunctionCode",
    "lambda:UpdateFunctionConfiguration",
    "lambda:UpdateFunctionUrlConfig",
    "logs:CreateLogGroup",
    "logs:DeleteLogGroup",
    "logs:FilterLogEvents",
    "logs:PutRetentionPolicy",
    "logs:TagResource",
    "s3:CreateBucket",
    "s3:GetBucketNotification",
    "s3:ListBucket",
    "s3:PutBucketNotification",
    "s3:PutObject",
]
# Its names for lambda:InvokeFunction and s3:{Get,Put}BucketNotification.
MOTO_PERMISSIONS = ["lambda:Invoke", "s3:GetBucketNotificationConfiguration",
                    "s3:PutBucketNotificationConfiguration"]

# moto checks the signature of a request without a body only where the body's hash is signed too.
PREAMBLE = """
import boto3, hashlib, json, sys
def sign_hash(request, **_):
    if not request.data:
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256(b"").hexdigest()
def client(service):
    made = boto3.client(service)
    made.meta.events.register("before-sign", sign_hash)
    return made
values = json.load(sys.stdin)
answer = None
"""
CLOSING = """
json.dump(answer, sys.stdout, default=str)
"""

# Runs before anybody is asked for credentials: this many calls are free.
SET_UP_CALLS = 7
SET_UP = """
iam = client("iam")
def user(name, actions):
    iam.create_user(UserName=name)
    iam.put_user_policy(UserName=name, PolicyName="may", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]
role = iam.create_role(RoleName="function", AssumeRolePolicyDocument=json.dumps({
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"},
                   "Action": "sts:AssumeRole"}]}))["Role"]["Arn"]
answer = {"role": role, "skiff": user("skiff", values["permissions"]),
          "witness": user("witness", "*")}
"""


class AwsServers:
    """Everything on loopback, gone after stop().

    `environment` is skiff's, `witness_environment` that of somebody who may do everything, `role` an ARN for its functions, `front` has switches for faults
    and a record of what was asked, `registry` is the docker-registry behind it.
    """

    def __init__(self):
        self.environment = None
        self.witness_environment = None
        self.role = None
        self.front = None
        self.registry = None
        self.moto_url = None
        self._moto = None
        self._folder = None
        self._keys = {"skiff": ("AKIDUNKNOWN", "none"), "witness": ("AKIDUNKNOWN", "none")}

    def start(self):
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self):
        if self.front:
            self.front.stop()
            self.front = None
        if self.registry:
            self.registry.stop()
            self.registry = None
        if self._moto:
            process.stop(self._moto)
            self._moto = None
        if self._folder:
            self._folder.cleanup()
            self._folder = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def boto3(self, script, through_front=False, **values):
        """Runs a script that finds `client(service)` and `values`; what it leaves in `answer`
        comes back as JSON does. It asks moto, or what skiff asks."""
        source = PREAMBLE + textwrap.dedent(script) + CLOSING
        environment = {**os.environ, **self._variables("witness", self.front.url if through_front
                                                        else self.moto_url)}
        done = subprocess.run([ensure_venv(), "-c", source], env=environment, check=False,
                              input=json.dumps(values), capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"boto3: {done.stderr}")
        return json.loads(done.stdout)

    def queue_result(self, text):
        """What the next invocation of a function answers; without one it echoes its event."""
        self._tell_moto("/moto-api/static/lambda-simple/response",
                        {"results": [text], "region": REGION})

    def _start(self):
        python = ensure_venv()
        self._folder = tempfile.TemporaryDirectory(prefix="skiff-aws-")
        self._start_moto(python)
        self._tell_moto("/moto-api/config", {"lambda": {"use_docker": False}})
        made = self.boto3(SET_UP, permissions=PERMISSIONS + MOTO_PERMISSIONS)
        self.role = made["role"]
        self._keys = made
        self.registry = Registry(user="AWS", password="a token of ECR").start()
        self.front = EcrFront(self.moto_url, self.registry, made["witness"], REGION).start()
        self.environment = self._variables("skiff", self.front.url)
        self.witness_environment = self._variables("witness", self.front.url)

    def _start_moto(self, python):
        log = os.path.join(self._folder.name, "moto.log")
        environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(SET_UP_CALLS)}
        with open(log, "wb") as output:
            self._moto = process.start([python, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                                       env=environment, stdout=output, stderr=output)

        def address():
            with open(log, encoding="utf-8") as file:
                found = LISTENING.search(file.read())
            return found and found[1]

        self.moto_url = process.wait_until(address, "moto", self._moto)

    def _variables(self, user, url):
        access_key, secret_key = self._keys[user]
        return {
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def _tell_moto(self, path, body):
        request = urllib.request.Request(self.moto_url + path, json.dumps(body).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as answer:
            answer.read()
