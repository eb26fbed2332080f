# SPDX-License-Identifier: Apache-2.0
"""skiff doctor: what is wrong is found, in order and in words, and nothing else is."""

import json
import unittest

from tests.support import fixed_base
from tests.support.aws_servers import ACCOUNT, REGION, AwsServers
from tests.support.skiff import SkiffTest

CHECKS = ["region", "credentials", "ECR", "role", "registry", "user namespaces"]
REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MAKE_ROLE = """
answer = client("iam").create_role(RoleName=values["name"], AssumeRolePolicyDocument=json.dumps({
    "Version": "2012-10-17", "Statement": values["statement"]}))["Role"]["Arn"]
"""


class DoctorTest(SkiffTest):
    @classmethod
    def setUpClass(cls):
        cls.aws = AwsServers().start()
        cls.addClassCleanup(cls.aws.stop)

    def examine(self, *words, environment=None, status=0):
        """{check: (state, text, advice)}; nobody's secrets are told."""
        environment = environment or self.aws.witness_environment
        done = self.skiff("doctor", "--json", *words, environment=environment)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        plain = self.skiff("doctor", *words, environment=environment)
        for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            if environment.get(name):
                self.assertNotIn(environment[name], done.stdout + done.stderr + plain.stdout)
        result = json.loads(done.stdout)
        self.assertEqual(result["ok"], status == 0)
        for check in result["checks"]:
            self.assertRegex(plain.stdout, rf"(?m)^{check['name']} +{check['state']} ")
        self.checked = [check["name"] for check in result["checks"]]
        return {check["name"]: (check["state"], check["text"], check.get("advice", ""))
                for check in result["checks"]}

    def make_role(self, name, statement):
        return self.aws.boto3(MAKE_ROLE, name=name, statement=statement)

    def assert_found(self, finding, state, text="", advice=""):
        self.assertEqual(finding[0], state, finding)
        self.assertIn(text, finding[1])
        self.assertIn(advice, finding[2])

    def test_all_is_well(self):
        found = self.examine("--iam-role", self.aws.role)
        self.assertEqual(self.checked, CHECKS)
        self.assert_found(found["region"], "ok", f"{REGION}, from AWS_REGION")
        self.assert_found(found["credentials"], "ok",
                          f"arn:aws:iam::{ACCOUNT}:user/witness of account {ACCOUNT}, "
                          "from the environment")
        self.assert_found(found["ECR"], "ok")
        self.assert_found(found["role"], "ok", f"{self.aws.role} may be assumed by Lambda")
        self.assert_found(found["registry"], "ok", f"{REGISTRY} takes the login")

    def test_a_definition_names_role_region_and_base_image(self):
        self.write("moo.sh", "#!/bin/sh\n")
        base = fixed_base.make(self.folder / "base")
        nowhere = {**self.aws.witness_environment, "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        for image, state, status in ((base, "ok", 0), ("oci:nowhere", "wrong", 1)):
            with self.subTest(image):
                path = self.write("function.yaml", f"""\
functions:
  aws:
  - iam:
      role: {self.aws.role}
    lambda:
      runtime: image
      name: moo
      region: {REGION}
      init_script: moo.sh
      container:
        image: {image}
""")
                found = self.examine("-f", path, status=status, environment=nowhere)
                self.assertEqual(self.checked, CHECKS[:-1] + ["base image", CHECKS[-1]])
                self.assert_found(found["region"], "ok", f"{REGION}, from the command line or")
                self.assert_found(found["role"], "ok")
                self.assert_found(found["base image"], state, image.removeprefix("oci:"))

    def test_what_stands_on_something_wrong_is_skipped(self):
        found = self.examine(status=1, environment={**self.aws.witness_environment,
                                                    "AWS_REGION": "", "AWS_DEFAULT_REGION": ""})
        self.assert_found(found["region"], "wrong", "give --region")
        for name in CHECKS[1:-1]:
            self.assert_found(found[name], "skipped", "needs a region")
        found = self.examine(status=1, environment={**self.aws.witness_environment,
                                                    "AWS_ACCESS_KEY_ID": "",
                                                    "AWS_SECRET_ACCESS_KEY": ""})
        self.assert_found(found["region"], "ok")
        self.assert_found(found["credentials"], "wrong", "no AWS credentials")
        self.assert_found(found["ECR"], "skipped", "needs credentials")

    def test_a_wrong_secret(self):
        found = self.examine(status=1, environment={**self.aws.witness_environment,
                                                    "AWS_SECRET_ACCESS_KEY": "wrong-secret"})
        self.assert_found(found["credentials"], "wrong", "SignatureDoesNotMatch", "get new")

    def test_a_service_that_does_not_answer(self):
        found = self.examine(status=1, environment={**self.aws.witness_environment,
                                                    "AWS_MAX_ATTEMPTS": "1",
                                                    "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:9"})
        self.assert_found(found["ECR"], "wrong", "127.0.0.1:9", "proxies")
        self.assert_found(found["registry"], "skipped")

    def test_a_definition_without_a_role_is_told_how_to_get_one(self):
        path = self.write("roleless.yaml", f"""\
functions:
  aws:
  - lambda: {{name: roleless, container: {{image: "{fixed_base.make(self.folder / 'base')}"}}}}
""")
        found = self.examine("-f", path)
        self.assert_found(found["role"], "skipped", "no role was named",
                          "set iam.role in the definition (-f FILE), give --iam-role ARN, or let "
                          "'skiff init --create-role' make one")

    def test_roles_that_will_not_do(self):
        for_somebody_else = self.make_role("theirs", {
            "Effect": "Allow", "Principal": {"Service": ["ec2.amazonaws.com"]},
            "Action": "sts:AssumeRole"})
        denied = self.make_role("denied", [{
            "Effect": "Deny", "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole"}])
        for role, text, advice in (
                (for_somebody_else, "does not let Lambda assume it", "lambda.amazonaws.com"),
                (denied, "does not let Lambda assume it", "lambda.amazonaws.com"),
                (f"arn:aws:iam::{ACCOUNT}:role/nobody", "NoSuchEntity", "make the role"),
                ("arn:aws:iam::999999999999:role/function", "is not of account", "of the account"),
        ):
            with self.subTest(role):
                found = self.examine("-r", role, status=1)
                self.assert_found(found["role"], "wrong", text, advice)

    def test_a_role_nobody_may_look_at_is_no_obstacle(self):
        self.aws.front.faults.refuse("GetRole", 403, "AccessDenied",
                                     "not authorized: iam:GetRole", times=2)
        found = self.examine("-r", self.aws.role, environment=self.aws.environment)
        self.assert_found(found["role"], "unsure", "AccessDenied", "iam:GetRole")

    def test_a_role_is_assumed(self):
        keys = self.aws.witness_environment
        self.write(".aws/config", f"""\
[profile deployer]
role_arn = {self.make_role("deployer", {"Effect": "Allow", "Principal": {"AWS": "*"},
                                        "Action": "sts:AssumeRole"})}
role_session_name = from-a-test
source_profile = base
[profile base]
aws_access_key_id = {keys["AWS_ACCESS_KEY_ID"]}
aws_secret_access_key = {keys["AWS_SECRET_ACCESS_KEY"]}
""", 0o600)
        found = self.examine("--profile", "deployer", status=1, environment={
            "AWS_REGION": REGION, "AWS_ENDPOINT_URL": keys["AWS_ENDPOINT_URL"]})
        self.assert_found(found["credentials"], "ok", "assumed-role/deployer/from-a-test")
        self.assert_found(found["ECR"], "wrong", "AccessDenied", "ecr:GetAuthorizationToken")

    def test_without_aws_only_this_machine_is_looked_at(self):
        done = self.skiff("--local", "doctor", "--json")
        check, = json.loads(done.stdout)["checks"]
        self.assertEqual(check["name"], "user namespaces")
        self.assertEqual((done.returncode, check["state"]),
                         (1, "wrong") if done.returncode else (0, "ok"))


if __name__ == "__main__":
    unittest.main()
