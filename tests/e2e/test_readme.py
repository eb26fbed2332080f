# SPDX-License-Identifier: Apache-2.0
"""What the README tells deployers to copy: the policy is what skiff needs, the CI files do."""

import json
import re
import shlex
import unittest
from pathlib import Path

from tests.e2e.test_deploy import EVERYTHING
from tests.support.aws_case import AwsCase
from tests.support.aws_servers import PERMISSIONS

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
# AWS asks for these itself, with the deployer's credentials; nobody here does.
ASKED_BY_AWS = {
    "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
    "elasticfilesystem:DescribeMountTargets",
    "kms:CreateGrant", "kms:Decrypt", "kms:Encrypt",
}
# What a policy calls otherwise than the API does, and what the registry asks for of those who push.
POLICY_NAMES = {
    "lambda:Invoke": {"lambda:InvokeFunction"},
    "s3:GetBucketNotificationConfiguration": {"s3:GetBucketNotification"},
    "s3:PutBucketNotificationConfiguration": {"s3:PutBucketNotification"},
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "sts:GetCallerIdentity": set(),  # which needs none
}
OF_THE_REGISTRY = {
    "HEAD blobs": "ecr:BatchCheckLayerAvailability", "POST uploads": "ecr:InitiateLayerUpload",
    "PUT uploads": ("ecr:UploadLayerPart", "ecr:CompleteLayerUpload"),
    "PUT manifests": "ecr:PutImage", "GET manifests": "ecr:BatchGetImage",
    "GET blobs": "ecr:GetDownloadUrlForLayer",
}
# Asked for along with another: by CreateFunction, of the role, of the repository and of what it
# runs, and by those that make something with tags.
IMPLIED = {
    "iam:PassRole": "lambda:CreateFunction", "ecr:GetRepositoryPolicy": "lambda:CreateFunction",
    "ecr:SetRepositoryPolicy": "lambda:CreateFunction", "ecr:TagResource": "ecr:CreateRepository",
    "logs:TagResource": "logs:CreateLogGroup",
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


class ActionsTest(AwsCase):
    """moto says that the policy is enough, for skiff may do no more; that it is the least, what
    skiff asks for."""

    def setUp(self):
        super().setUp()
        self.aws.front.actions.clear()

    def must(self, *words, status=0):
        done = self.skiff(*words)
        self.assertEqual(done.returncode, status, f"{words}: {done.stdout}{done.stderr}")

    def rich(self, everything):
        more = EVERYTHING.replace("  group: /teams/blue\n", "") + (
            "input:\n- {storage_provider: s3, path: acts-in/a}\n"
            "output:\n- {storage_provider: s3, path: acts-out/b}\n")
        path = self.definition("acts", more=more if everything else "")
        path.write_text(path.read_text(encoding="utf-8").replace(f"role: {self.aws.role}", ""),
                        encoding="utf-8")
        return path

    def actions(self):
        found = set()
        for action in self.aws.front.actions:
            found |= POLICY_NAMES.get(action, {action})
        for call in self.aws.front.calls:
            method, _, path = call.partition(" ")
            kind = "uploads" if "/uploads/" in path else path.split("/")[-2] if path else ""
            named = OF_THE_REGISTRY.get(f"{method} {kind}", ())
            found |= {named} if isinstance(named, str) else set(named)
        return found | {implied for implied, by in IMPLIED.items() if by in found}

    def test_every_action_is_asked_for(self):
        self.must("deploy", "-f", self.rich(True), "--create-role")
        changed = self.rich(True)
        changed.write_text(changed.read_text(encoding="utf-8").replace("team: blue", "team: red")
                           .replace("max_age: 60", "max_age: 90"), encoding="utf-8")
        self.must("deploy", "-f", changed, "-s", "other.sh", "-m", "256")
        self.aws.queue_result("{}")
        self.must("run", "-n", "acts")
        self.must("log", "-n", "acts")
        self.must("ls")
        self.must("prune", "-n", "acts", "--keep", "1")
        uri = self.aws.boto3("""answer = client("lambda").get_function(FunctionName="acts")[
            "Code"]["ImageUri"]""")
        self.must("copy", uri, "oci:copied")
        self.must("update", "-f", self.rich(False))  # and all around it goes
        self.must("rm", "-n", "acts")
        self.must("deploy", "-f", self.definition("acts"))  # whose role is looked at
        published = self.definition("acts", more="publish: true\n")
        self.must("update", "-f", published)
        self.must("update", "-f", published)  # has its newest version been published?
        self.refuse("TagResource", 403, "AccessDeniedException", "not this time")
        text = self.rich(True).read_text(encoding="utf-8").replace("blue", "green")
        (self.folder / "acts.yaml").write_text(text, encoding="utf-8")
        self.must("update", "-f", "acts.yaml", "--rollback", status=1)
        self.must("rm", "-n", "acts")
        self.assertEqual(self.actions(), set(PERMISSIONS))


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
