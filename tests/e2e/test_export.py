# SPDX-License-Identifier: Apache-2.0
"""Functions for other tools: images pushed alone, and Terraform, SAM and JSON of them."""

import json
import subprocess
import unittest

from tests.e2e.test_deploy import EVERYTHING, GET_FUNCTION
from tests.support import aws_model, hcl
from tests.support.aws_case import AwsCase
from tests.support.aws_servers import ACCOUNT, REGION
from tests.support.python_packages import VENV

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
SECRET = "AKSECRETOFSTORAGE"
STORAGE = f"""\
storage_providers:
  s3:
    other: {{access_key: {SECRET}, secret_key: {SECRET}}}
"""
# What the AWS provider has, all but the permission in 5.32 and all in 6.28: a name of ours that is
# not here would not validate.
TERRAFORM = {
    "aws_lambda_function": {
        "function_name", "package_type", "image_uri", "role", "description", "memory_size",
        "timeout", "architectures", "kms_key_arn", "publish", "reserved_concurrent_executions",
        "tags", "environment", "vpc_config", "file_system_config", "image_config",
        "ephemeral_storage", "tracing_config", "dead_letter_config", "logging_config"},
    "aws_lambda_function_url": {"function_name", "authorization_type", "invoke_mode", "cors"},
    "aws_lambda_permission": {"statement_id", "function_name", "action", "principal",
                              "invoked_via_function_url"},
    "aws_lambda_alias": {"name", "function_name", "function_version"},
    "aws_ecr_repository": {"name", "tags"},
    "aws_cloudwatch_log_group": {"name", "retention_in_days"},
}


class ExportTest(AwsCase):
    def export(self, form, *source):
        done = self.skiff("export", *source, "--format", form)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done

    def push(self, path, *arguments):
        done = self.skiff("build", "-f", path, "--push", "--metadata-file", "made.json",
                          *arguments)
        self.assert_done(done)
        made = json.loads((self.folder / "made.json").read_text(encoding="utf-8"))
        return made["destinations"][0]

    def terraform(self, *source):
        """The resources, (type, label) to body; every name in them is known."""
        blocks = hcl.parse(self.export("terraform", *source).stdout)
        resources = {tuple(labels): body for kind, labels, body in blocks if kind == "resource"}
        for (kind, _), body in resources.items():
            self.assertLessEqual(set(body), TERRAFORM[kind])
        imports = [body for kind, _, body in blocks if kind == "import"]
        return resources, imports

    def sam(self, *source):
        text = self.export("sam", *source).stdout
        self.assertEqual(self.complaints(text), "")
        template = self.aws.boto3("import yaml; answer = yaml.safe_load(values['text'])",
                                  text=text)
        return template, template["Resources"]["Function"]["Properties"]

    def complaints(self, template):
        """What AWS's own linter has against a SAM template."""
        (self.folder / "template.yaml").write_text(template, encoding="utf-8")
        done = subprocess.run([VENV / "bin/cfn-lint", "--regions", REGION, "--",
                               self.folder / "template.yaml"], check=False, text=True,
                              capture_output=True)
        return done.stdout + done.stderr

    def test_an_image_is_pushed_alone(self):
        path = self.definition("alone")
        made = self.push(path)
        self.assertEqual(made["reference"], f"{REGISTRY}/alone@{made['digest']}")
        self.assertEqual([each["platform"] for each in made["manifests"]], ["linux/amd64"])
        self.assertEqual(self.left_overs("alone"), ["repositories"])
        calls = self.aws.front.calls
        self.assertIn("CreateRepository", calls)
        self.assertNotIn("CreateFunction", calls)
        self.assertNotIn("GetFunction", calls)
        calls.clear()
        again = self.skiff("build", "-f", path, "--push")
        self.assert_done(again)
        self.assertIn(f"{REGISTRY}/alone@{made['digest']}\n", again.stdout)
        self.assertNotIn("CreateRepository", calls)
        self.assert_done(self.skiff("deploy", "-f", path))
        function = self.aws.boto3(GET_FUNCTION, through_front=True, name="alone")
        self.assertEqual(function["Code"]["ImageUri"], made["reference"])

    def test_words_that_do_not_go_with_push(self):
        path = self.definition("words")
        for arguments, words in {
                ("--push", "--to", "oci:x"): "or else --push",
                (): "or else --push",
                ("--push", "--compression", "zstd"): "Lambda, which takes gzip",
                ("--local", "--push"): "this machine keeps images"}.items():
            self.assert_refused(self.skiff("build", "-f", path, *arguments), words, status=2)
        self.assert_nothing_written()

    def test_a_base_that_is_missing_makes_no_repository(self):
        path = self.definition("nobase")
        path.write_text(path.read_text(encoding="utf-8").replace("base/busybox", "base/none"),
                        encoding="utf-8")
        self.assert_refused(self.skiff("build", "-f", path, "--push"), "base/none")
        self.assert_nothing_written()

    def test_a_definition_with_every_key_becomes_terraform(self):
        path = self.definition("full-1", more=EVERYTHING)
        made = self.push(path)
        resources, imports = self.terraform("-f", path)
        function = resources["aws_lambda_function", "full-1"]
        self.assertEqual(function["image_uri"], "${aws_ecr_repository.full-1.repository_url}"
                         f"@{made['digest']}")
        expected = {
            "function_name": "full-1", "package_type": "Image", "memory_size": 1024,
            "timeout": 120, "description": "says moo", "role": self.aws.role,
            "architectures": ["x86_64"], "reserved_concurrent_executions": 7, "publish": True,
            "tags": {"team": "blue", "createdby": "scar"},
            "image_config": [{"command": ["one", "two words"], "working_directory": "/tmp"}],
            "ephemeral_storage": [{"size": 2048}], "tracing_config": [{"mode": "Active"}],
            "vpc_config": [{"subnet_ids": ["subnet-11111111", "subnet-22222222"],
                            "security_group_ids": ["sg-11111111"]}],
            "logging_config": [{"log_format": "JSON", "application_log_level": "INFO",
                                "system_log_level": "WARN", "log_group": "/teams/blue"}],
        }
        self.assertEqual({name: function[name] for name in expected}, expected)
        self.assertIn("fsap-", function["file_system_config"][0]["arn"])
        self.assertIn(":sqs:", function["dead_letter_config"][0]["target_arn"])
        self.assertIn(":kms:", function["kms_key_arn"])
        self.assertEqual(function["environment"][0]["variables"]["COLOUR"], "red")
        self.assertEqual(resources["aws_ecr_repository", "full-1"]["name"], "full-1")
        self.assertEqual(imports, [{"to": "aws_ecr_repository.full-1", "id": "full-1"}])
        self.assertEqual(resources["aws_lambda_alias", "full-1"]["function_version"],
                         "aws_lambda_function.full-1.version")
        self.assertIs(resources["aws_lambda_permission", "full-1"]["invoked_via_function_url"],
                      True)
        url = resources["aws_lambda_function_url", "full-1"]
        self.assertEqual(url["authorization_type"], "NONE")
        self.assertEqual(url["cors"], [{"allow_origins": ["*"], "max_age": 60}])
        self.assertNotIn(("aws_cloudwatch_log_group", "full-1"), resources)  # somebody's own

    def test_a_definition_with_every_key_becomes_a_sam_template(self):
        path = self.definition("full-2", more=EVERYTHING)
        made = self.push(path)
        template, properties = self.sam("-f", path)
        text = self.export("sam", "-f", path).stdout
        for right, wrong in (("Tracing", "TracingConfig"), ("LocalMountPath", "MountPath")):
            self.assertNotEqual(self.complaints(text.replace(right, wrong, 1)), "", wrong)
        self.assertEqual(template["Transform"], "AWS::Serverless-2016-10-31")
        expected = {
            "ImageUri": made["reference"], "PackageType": "Image", "FunctionName": "full-2",
            "MemorySize": 1024, "Timeout": 120, "Tracing": "Active", "AutoPublishAlias": "live",
            "ReservedConcurrentExecutions": 7, "EphemeralStorage": {"Size": 2048},
            "ImageConfig": {"Command": ["one", "two words"], "WorkingDirectory": "/tmp"},
            "Tags": {"team": "blue", "createdby": "scar"}, "Architectures": ["x86_64"],
            "FunctionUrlConfig": {"AuthType": "NONE", "InvokeMode": "BUFFERED",
                                  "Cors": {"AllowOrigins": ["*"], "MaxAge": 60}},
        }
        self.assertEqual({name: properties.get(name) for name in expected}, expected)
        self.assertEqual(properties["DeadLetterQueue"]["Type"], "SQS")

    def test_json_is_a_request_that_creates_the_function(self):
        path = self.definition("asjson", more=EVERYTHING.replace("alias: live\n", "publish: yes\n"))
        self.push(path)
        done = self.export("json", "-f", path)
        self.assertTrue(done.stdout.endswith("\n}\n"))
        request = json.loads(done.stdout)
        model = aws_model.load("lambda", "2015-03-31")
        self.assertEqual(aws_model.complaints(model, "CreateFunction", request), [])
        self.assertEqual(done.stderr.count("left out"), 2)
        for key in ("concurrency", "function_url"):
            self.assertIn(f"no place in this form: {key}\n", done.stderr)
        self.aws.boto3("answer = client('lambda').create_function(**values['request'])",
                       through_front=True, request=request)
        # It is as the definition has it, but for what was left out.
        self.aws.front.functions.pending_polls = 0
        self.aws.front.calls.clear()
        self.assert_done(self.skiff("update", "-f", path))
        self.assertNotIn("UpdateFunctionCode", self.aws.front.calls)
        self.assertNotIn("UpdateFunctionConfiguration", self.aws.front.calls)

    def test_a_function_that_is_there_is_exported_as_it_is(self):
        more = EVERYTHING.replace("  group: /teams/blue\n", "")
        self.assert_done(self.init("there", more=more))
        path = self.definition("there", more=more)
        by_name = json.loads(self.export("json", "-n", "there").stdout)
        by_file = json.loads(self.export("json", "-f", path).stdout)
        self.assertTrue(by_name["Tags"].pop("owner"))
        self.assertEqual(by_name, by_file)
        resources, imports = self.terraform("-n", "there")
        self.assertIn(("aws_lambda_function_url", "there"), resources)
        self.assertEqual({each["to"]: each["id"] for each in imports}, {
            "aws_ecr_repository.there": "there", "aws_lambda_function.there": "there",
            "aws_lambda_function_url.there": "there", "aws_lambda_alias.there": "there/live"})
        self.assert_refused(self.skiff("export", "-n", "nobody", "--format", "json"),
                            "no function 'nobody'")

    def test_secrets_are_parameters(self):
        path = self.definition("secret")
        path.write_text(STORAGE + path.read_text(encoding="utf-8"), encoding="utf-8")
        self.push(path)
        done = self.export("terraform", "-f", path)
        blocks = {tuple([kind, *labels]): body for kind, labels, body in hcl.parse(done.stdout)}
        self.assertIs(blocks["variable", "fdl"]["sensitive"], True)
        variables = blocks["resource", "aws_lambda_function", "secret"]["environment"][0]
        self.assertEqual(variables["variables"]["FDL"], hcl.Expression("var.fdl"))
        self.assertIn("FDL is a parameter", done.stderr)
        template, properties = self.sam("-f", path)
        self.assertIs(template["Parameters"]["FDL"]["NoEcho"], True)
        self.assertEqual(properties["Environment"]["Variables"]["FDL"], {"Ref": "FDL"})
        self.assertEqual(template["Resources"]["LogGroup"]["Properties"]["RetentionInDays"], 30)
        self.assertIn("keep this secret", self.export("json", "-f", path).stderr)

    def test_what_cannot_be_exported_is_said(self):
        path = self.definition("unpushed")
        for arguments, status, words in [
                (("-n", "a", "-f", path, "--format", "sam"), 2, "say what to export"),
                (("--format", "sam"), 2, "say what to export"),
                (("-n", "a"), 2, "expected terraform, sam or json"),
                (("-n", "a", "--format", "yaml"), 2, "found 'yaml'"),
                (("--local", "-n", "a", "--format", "sam"), 2, "for AWS"),
                (("-f", path, "--format", "sam"), 1, "'skiff build --push' brings it there")]:
            self.assert_refused(self.skiff("export", *arguments), words, status)
        self.assert_nothing_written()
        self.push(path)
        path.write_text(path.read_text(encoding="utf-8").replace("SOUND: moo", "SOUND: baa"),
                        encoding="utf-8")
        self.assert_refused(self.skiff("export", "-f", path, "--format", "sam"),
                            "'skiff build --push' brings it there")


if __name__ == "__main__":
    unittest.main()
