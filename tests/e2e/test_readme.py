# SPDX-License-Identifier: Apache-2.0
"""What the README tells deployers to copy: the policy is what skiff needs, the CI files do."""

import json
import re
import shlex
import unittest
from pathlib import Path

from tests.support.aws_case import AwsCase
from tests.support.aws_servers import PERMISSIONS

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
# AWS asks for these itself, with the deployer's credentials; nobody here does.
ASKED_BY_AWS = {
    "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
    "elasticfilesystem:DescribeMountTargets",
    "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt",
}
READ_YAML = "import yaml; answer = [yaml.safe_load(text) for text in values['texts']]"


def section(title):
    return re.search(rf"^### {title}\n(.*?)(?=^##)", README, re.DOTALL | re.MULTILINE)[1]


def code(kind, text):
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def actions_of(table):
    """`iam:GetRole` and `iam:{GetRole, PassRole}`, in the second column."""
    for row in re.findall(r"^\|[^|]*\|([^|]*)\|", table, re.MULTILINE):
        for service, many, one in re.findall(r"`(\w+):(?:\{([^}]*)\}|(\w+))`", row):
            for action in many.split(", ") if many else [one]:
                yield f"{service}:{action}"


class PolicyTest(unittest.TestCase):
    def setUp(self):
        self.text = section("What a deployer may do")
        text, = code("json", self.text)
        self.statements = json.loads(text)["Statement"]

    def test_it_has_all_that_the_tests_user_has_and_no_more(self):
        listed = {action for statement in self.statements
                  for action in ([statement["Action"]] if isinstance(statement["Action"], str)
                                 else statement["Action"])}
        self.assertEqual(listed | set(actions_of(self.text)), set(PERMISSIONS) | ASKED_BY_AWS)

    def test_it_is_for_everything_only_where_aws_knows_nothing_less(self):
        wide = [statement["Action"] for statement in self.statements
                if statement["Resource"] == "*"]
        self.assertEqual(wide, [["ecr:GetAuthorizationToken", "lambda:ListFunctions"]])
        for statement in self.statements:
            self.assertEqual(statement["Effect"], "Allow")
            self.assertNotIn(":*", json.dumps(statement["Action"]))
        passing, = (statement for statement in self.statements
                    if statement["Action"] == "iam:PassRole")
        self.assertEqual(passing["Condition"]["StringEquals"],
                         {"iam:PassedToService": "lambda.amazonaws.com"})


class CiTest(AwsCase):
    def test_what_runs_in_ci_runs(self):
        text = section("In CI")
        github, gitlab = self.aws.boto3(READ_YAML, texts=code("yaml", text))
        job = github["jobs"]["deploy"]
        self.assertEqual(github["permissions"], {"id-token": "write", "contents": "read"})
        lines = [step["run"] for step in job["steps"] if "run" in step]
        lines += gitlab["deploy"]["script"]
        commands = [shlex.split(line) for line in lines if line.startswith("skiff ")]
        self.assertEqual([command[1] for command in commands],
                         ["doctor", "deploy", "prune", "deploy", "deploy", "prune"])
        self.definition("hello").rename(self.folder / "function.yaml")
        for command in commands:
            done = self.skiff(*command[1:])
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # Nothing is asked for that is not there: no Docker, no key.
        self.assertNotRegex(text.replace("no Docker daemon", ""), "(?i)docker|secret")
        self.assertIn("AWS_TOKEN", gitlab["deploy"]["id_tokens"])

    def test_the_token_of_gitlab_is_enough(self):
        gitlab, = [each for each in self.aws.boto3(READ_YAML, texts=code("yaml", section("In CI")))
                   if "deploy" in each]
        variables = gitlab["deploy"]["variables"]
        (self.folder / "token").write_text("a.b.c", encoding="ascii")
        done = self.skiff("ls", **{**variables, "AWS_ACCESS_KEY_ID": "",
                                   "AWS_SECRET_ACCESS_KEY": "",
                                   "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.folder / "token")})
        self.assertIn("AssumeRoleWithWebIdentity", self.aws.front.calls)
        self.assertNotIn("no AWS credentials", done.stderr)


if __name__ == "__main__":
    unittest.main()
