# SPDX-License-Identifier: Apache-2.0
"""Functions that change: every key of a definition, update, deploy, plans, and ways back."""

import base64
import json
import re
import unittest

from tests.support import aws_model
from tests.support.aws_case import AwsCase
from tests.support.aws_servers import ACCOUNT, REGION

ARN = f"arn:aws:%s:{REGION}:{ACCOUNT}:%s"
EVERYTHING = f"""\
ephemeral_storage: 2048
kms_key_arn: {ARN % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab")}
tracing: Active
dead_letter: {ARN % ("sqs", "letters")}
concurrency: 7
alias: live
log_level: debug
supervisor: {{version: latest}}
vpc:
  SubnetIds: [subnet-22222222, subnet-11111111]
  SecurityGroupIds: [sg-11111111]
file_system:
- Arn: {ARN % ("elasticfilesystem", "access-point/fsap-00000000000000000")}
  LocalMountPath: /mnt/data
image_config:
  command: [one, "two words"]
  working_directory: /tmp
logging:
  format: JSON
  system_level: WARN
  group: /teams/blue
function_url:
  auth: NONE
  cors: {{allow_origins: ["*"], max_age: 60}}
"""

GET_FUNCTION = """
lambda_ = client("lambda")
answer = lambda_.get_function(FunctionName=values["name"])
"""
GET_SURROUNDINGS = GET_FUNCTION + """
answer["url"] = lambda_.get_function_url_config(FunctionName=values["name"])
answer["alias"] = lambda_.get_alias(FunctionName=values["name"], Name="live")
answer["policy"] = json.loads(lambda_.get_policy(FunctionName=values["name"])["Policy"])
"""
CHANGING = ("Create", "Update", "Put", "Delete", "Publish", "Add", "Remove", "Tag", "PUT", "POST",
            "PATCH")


class DeployTest(AwsCase):
    def changes(self):
        """Everything asked for so far that changes something."""
        return [call for call in self.aws.front.calls if call.startswith(CHANGING)]

    def get(self, name, script=GET_FUNCTION):
        calls = list(self.aws.front.calls)
        answer = self.aws.boto3(script, through_front=True, name=name)
        self.aws.front.calls[:] = calls
        return answer

    def images(self, name):
        """The digests in the function's repository and their tags."""
        details = self.aws.boto3("""
            answer = client("ecr").describe_images(repositoryName=values["name"])["imageDetails"]
            """, name=name)
        return {image["imageDigest"]: image.get("imageTags", []) for image in details}

    def deploy(self, name, *arguments, verb="deploy", **keywords):
        return self.skiff(verb, "-f", self.definition(name, **keywords), *arguments)

    def test_every_key_arrives(self):
        self.assert_done(self.deploy("full", more=EVERYTHING, verb="init"))
        function = self.get("full", GET_SURROUNDINGS)
        configuration = function["Configuration"]
        for name, expected in {
                "EphemeralStorage": {"Size": 2048},
                "KMSKeyArn": ARN % ("kms", "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
                "TracingConfig": {"Mode": "Active"},
                "DeadLetterConfig": {"TargetArn": ARN % ("sqs", "letters")},
                "FileSystemConfigs": [{
                    "Arn": ARN % ("elasticfilesystem", "access-point/fsap-00000000000000000"),
                    "LocalMountPath": "/mnt/data"}],
                "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO",
                                  "SystemLogLevel": "WARN", "LogGroup": "/teams/blue"},
                "ImageConfigResponse": {"ImageConfig": {"Command": ["one", "two words"],
                                                        "WorkingDirectory": "/tmp"}},
                "MemorySize": 1024, "Timeout": 120, "Description": "says moo",
                "Role": self.aws.role, "Architectures": ["x86_64"]}.items():
            self.assertEqual(configuration[name], expected, name)
        self.assertEqual(configuration["VpcConfig"]["SubnetIds"],
                         ["subnet-11111111", "subnet-22222222"])
        self.assertEqual(function["Concurrency"]["ReservedConcurrentExecutions"], 7)
        self.assertEqual(function["Tags"]["team"], "blue")
        self.assertEqual(function["url"]["AuthType"], "NONE")
        self.assertEqual(function["url"]["Cors"]["MaxAge"], 60)
        self.assertEqual(function["alias"]["FunctionVersion"], "1")
        self.assertEqual({statement["Action"] for statement in function["policy"]["Statement"]},
                         {"lambda:InvokeFunctionUrl", "lambda:InvokeFunction"})
        fdl = json.loads(base64.b64decode(configuration["Environment"]["Variables"]["FDL"]))
        self.assertEqual(fdl["log_level"], "DEBUG")
        self.assertNotIn("CreateLogGroup", self.aws.front.calls)  # it is somebody's own

        self.aws.front.calls.clear()
        self.assert_done(self.deploy("full", more=EVERYTHING, verb="update"))
        self.assertEqual(self.changes(), [])

        self.assert_done(self.deploy("full"))
        self.assertEqual([call for call in self.changes() if not call.startswith("P")], [
            "UpdateFunctionCode", "UpdateFunctionConfiguration", "DeleteFunctionConcurrency",
            "RemovePermission", "RemovePermission", "DeleteFunctionUrlConfig"])
        self.assertNotIn("ImageConfigResponse", self.get("full")["Configuration"])

    def test_requests_are_as_lambdas_model_has_them(self):
        model = aws_model.load("lambda", "2015-03-31")
        self.aws.front.requests.clear()
        more = EVERYTHING.replace("  group: /teams/blue\n", "")
        path = self.definition("model", more=more)
        path.write_text(path.read_text(encoding="utf-8").replace(f"role: {self.aws.role}", ""),
                        encoding="utf-8")
        self.assert_done(self.skiff("deploy", "-f", path, "--create-role"))
        changed = self.definition("model", more=more.replace("max_age: 60", "max_age: 61"))
        changed.write_text(changed.read_text(encoding="utf-8").replace("blue", "green")
                           .replace(f"role: {self.aws.role}", ""), encoding="utf-8")
        self.assert_done(self.skiff("deploy", "-f", changed, "-d", "other", "-s", "other.sh"))
        self.assert_done(self.skiff("log", "-n", "model", "--since", "5m"))
        self.assert_done(self.skiff("prune", "-n", "model", "--keep", "9"))
        self.assert_done(self.skiff("rm", "-n", "model"))
        self.assertEqual(self.checked(model, aws_model.load("ecr", "2015-09-21"),
                                      aws_model.load("logs", "2014-03-28"),
                                      aws_model.load("iam", "2010-05-08")), {
            "CreateRole", "DeleteRole", "DeleteRolePolicy", "PutRolePolicy", "AddPermission", "BatchDeleteImage", "BatchGetImage", "CreateAlias", "CreateFunction",
            "CreateFunctionUrlConfig", "CreateLogGroup", "CreateRepository", "DeleteLogGroup",
            "DeleteRepository", "DescribeImages", "DescribeRepositories", "FilterLogEvents",
            "ListTagsForResource", "PutFunctionConcurrency", "PutRetentionPolicy", "TagResource", "UpdateAlias", "UpdateFunctionCode",
            "UpdateFunctionConfiguration", "UpdateFunctionUrlConfig"})
        for bad in ({"MemorySize": "512"}, {"Role": "r"}, {"Environment": {"Variables": {"1": "a"}}},
                    {"Unknown": 1}, {"Timeout": 0}):
            self.assertNotEqual(
                aws_model.complaints(model, "UpdateFunctionConfiguration", bad), [], bad)

    def checked(self, *models):
        """The operations whose bodies were looked at, each with the model that has it."""
        checked = set()
        for operation, _, body in self.aws.front.requests:
            for model in models:
                if operation in model["operations"]:
                    self.assertEqual(aws_model.complaints(model, operation, body), [])
                    checked.add(operation)
                    break
        return checked

    def test_deploy_makes_then_changes_then_does_nothing(self):
        self.aws.front.functions.pending_polls = 2
        self.assert_done(self.deploy("again"))
        first = self.get("again")
        self.aws.front.calls.clear()
        done = self.deploy("again")
        self.assert_done(done)
        self.assertIn("Function 'again' is as the definition has it.\n", done.stdout)
        self.assertEqual(self.changes(), [])

        done = self.deploy("again", "-s", "other.sh", "-m", "256")
        self.assert_done(done)
        self.assertIn("Function is InProgress: ", done.stdout)
        self.assertEqual([call for call in self.changes() if "Function" in call],
                         ["UpdateFunctionCode", "UpdateFunctionConfiguration"])
        second = self.get("again")
        self.assertEqual(second["Configuration"]["MemorySize"], 256)
        self.assertNotEqual(first["Code"]["ImageUri"], second["Code"]["ImageUri"])
        self.assert_refused(self.deploy("again", verb="init"), "change it with: skiff update")
        self.assert_refused(self.deploy("nobody", verb="update"), "make it with: skiff init")

    def variables(self, name):
        variables = self.get(name)["Configuration"]["Environment"]["Variables"]
        return {key: value for key, value in variables.items() if key not in ("FDL", "IMAGE_ID")}

    def test_variables_are_merged(self):
        self.assert_done(self.deploy("merge", "-le", "EXTRA=1", "-le", "OLD=2"))
        self.assert_done(self.deploy("merge", "-le", "NEWER=3", "--unset", "OLD"))
        self.assertEqual(self.variables("merge"), {"COLOUR": "red", "EXTRA": "1", "NEWER": "3"})
        self.assert_done(self.deploy("merge", "--replace-env"))
        self.assertEqual(self.variables("merge"), {"COLOUR": "red"})

    def test_the_functions_own_variables_are_told_to_nobody_else(self):
        self.assert_done(self.deploy("discreet"))
        self.aws.front.calls.clear()
        self.assert_done(self.deploy("discreet", "-le", "PASSWORD=a-secret"))
        self.assertEqual(self.changes(), ["UpdateFunctionConfiguration"])  # the image is the same
        variables = self.get("discreet")["Configuration"]["Environment"]["Variables"]
        self.assertEqual(variables["PASSWORD"], "a-secret")
        self.assertNotIn(b"a-secret", base64.b64decode(variables["FDL"]))

    def test_a_change_that_is_too_large_with_what_is_there_is_refused_before_a_push(self):
        words = "image_config:\n  command: [{}]\n"
        self.assert_done(self.deploy("grows", "-le", f"MUCH={'x' * 1800}"))
        # What is too long for a change may be told of a new function.
        self.assert_done(self.deploy("long", more=words.format("y" * 2000)))
        for name, more, arguments, expected in (
                ("grows", "", ["-le", f"MORE={'x' * 1800}"],
                 r"environment of function 'grows' has 4\d{3} bytes, Lambda takes 4096"),
                ("long", words.format("z" * 2000), ["-m", "256"],
                 r"of function 'long' has 5\d{3} bytes as a request, Lambda takes less than 5120; "
                 "a shorter description")):
            self.aws.front.calls.clear()
            done = self.deploy(name, "-s", "other.sh", *arguments, more=more)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, expected)
            self.assertEqual(self.changes(), [])

    def test_a_function_of_a_zip_archive_is_left_alone(self):
        self.aws.boto3("""
            client("lambda").create_function(
                FunctionName="zipped", Role=values["role"], Runtime="python3.12", Handler="a.b",
                Code={"ZipFile": b"x"})""", role=self.aws.role)
        for verb in ("init", "update", "deploy"):
            self.aws.front.calls.clear()
            self.assert_refused(self.deploy("zipped", verb=verb), "made of a zip archive, and "
                                "Lambda never makes it one of an image: remove it with "
                                "'skiff rm -n zipped'")
            self.assertEqual(self.changes(), [])
        self.assert_done(self.skiff("rm", "-n", "zipped"))
        self.assert_done(self.deploy("zipped"))

    def test_a_creation_that_failed_is_made_anew(self):
        self.aws.front.functions.ends = ("InvalidImage", "UnsupportedImageLayerDetected - Layer sha256:1")
        done = self.deploy("broken")
        self.assert_refused(done, "(InvalidImage); the layer it names has to be gzip")
        self.assertIn("go on with 'skiff deploy'", done.stderr)
        self.aws.front.functions.ends = None
        done = self.deploy("broken")
        self.assert_done(done)
        self.assertIn("The creation of function 'broken' had failed; it is made anew\n",
                      done.stdout)

    def test_waiting_has_the_end_one_gives_it(self):
        self.aws.front.functions.pending_polls = 100
        done = self.deploy("late", "--wait", "1")
        self.assert_refused(done, "is not active after 1 s (Pending: The function is being created.)")
        self.aws.front.functions.pending_polls = 0

    def test_what_nobody_waited_for_is_waited_for_by_the_next_deployment(self):
        for name, change in (("coming", []), ("changing", ["--unset", "COLOUR"])):
            with self.subTest(name):
                if change:
                    self.assert_done(self.deploy(name))
                self.aws.front.functions.pending_polls = 4
                self.assert_refused(self.deploy(name, *change, "--wait", "1"),
                                    "is not active after 1 s")
                done = self.deploy(name, *change)
                self.assert_done(done)
                self.assertIn("Function 'Active'\n", done.stdout)

    def test_a_change_that_failed_is_made_again_once(self):
        self.aws.front.functions.pending_polls = 0
        self.assert_done(self.deploy("failing", more="alias: live\n"))
        self.aws.front.functions.ends = ("EFSMountTimeout", "no mount target")
        change = ("failing", "-m", "256")
        for _ in range(3):  # of the image, of the rest, and of what is there already
            self.assert_refused(self.deploy(*change, more="alias: live\n"),
                                "could not be changed and is as it was: no mount target")
        self.aws.front.functions.ends = None
        plan = json.loads(self.deploy(*change, "--dry-run", "--json", more="alias: live\n").stdout)
        self.assertEqual(plan["Functions"][0]["Calls"],
                         ["UpdateFunctionCode", "PublishVersion", "UpdateAlias"])
        for calls in (["UpdateFunctionCode", "PublishVersion", "UpdateAlias"], []):
            self.aws.front.calls.clear()
            self.assert_done(self.deploy(*change, more="alias: live\n"))
            self.assertEqual(self.changes(), calls)

    def test_an_earlier_change_is_waited_for(self):
        self.assert_done(self.deploy("busy"))
        for status, code, message in (
                (409, "ResourceConflictException", "The operation cannot be performed at this "
                 "time. An update is in progress for resource: busy"),
                (429, "TooManyRequestsException", "Rate exceeded")):
            self.refuse("UpdateFunctionConfiguration", status, code, message)
        done = self.deploy("busy", "-t", "60")
        self.assert_done(done)
        self.assertIn("Waiting for an earlier change of the function\n", done.stdout)
        self.assertEqual(self.get("busy")["Configuration"]["Timeout"], 60)

    def test_round_trips_are_counted(self):
        done = self.deploy("counted", "--timings")
        self.assert_done(done)
        self.deploy_counted(done, 20)
        # What a new one costs: each question is asked once, nothing is said twice.
        asked = [re.sub(r"(sha256:|uploads/)[0-9a-f-]+$", r"\1…", call)
                 for call in self.aws.front.calls]
        self.assertEqual(sorted(call for call in asked if not call.startswith("HEAD")), [
            "CreateFunction", "CreateLogGroup", "CreateRepository", "DescribeRepositories",
            "GetAuthorizationToken", "GetCallerIdentity", "GetFunction", "GetFunction", "GetRole",
            *["POST /v2/counted/blobs/uploads/"] * 4, *["PUT /v2/counted/blobs/uploads/…"] * 4,
            "PUT /v2/counted/manifests/latest", "PutRetentionPolicy"])
        self.assertLessEqual(asked.count("HEAD /v2/counted/blobs/sha256:…"), 4)
        self.aws.front.calls.clear()
        done = self.deploy("counted", "--timings")
        self.assert_done(done)
        self.deploy_counted(done, 7)
        # What an unchanged function costs on AWS, each question asked once.
        self.assertEqual(sorted(self.aws.front.calls), [
            "DescribeRepositories", "GET /v2/counted/manifests/latest", "GetAuthorizationToken",
            "GetFunction"])

    def test_what_does_not_need_each_other_is_asked_at_the_same_time(self):
        """The platform's answers come when all questions are there and the base image is read."""
        def base_is_read():
            asked = [path for method, path, _ in self.aws.registry.requests()[before:]
                     if method == "GET" and path.startswith("/v2/base/busybox/")]
            return {path.split("/")[4] for path in asked} == {"manifests", "blobs"}

        before = len(self.aws.registry.requests())
        faults = self.aws.front.faults
        faults.together(["DescribeRepositories", "GetAuthorizationToken", "GetFunction"],
                        base_is_read)
        self.assert_done(self.deploy("overlap"))
        self.assertFalse(faults.were_late)

    def deploy_counted(self, done, most):
        found = re.search(r"^(\d+) round trips, (\d+) of them one after the other$", done.stdout,
                          re.MULTILINE)
        self.assertTrue(found, done.stdout)
        self.assertLess(0, int(found[2]))
        self.assertLessEqual(int(found[2]), int(found[1]))
        self.assertLessEqual(int(found[2]), most)
        self.assertGreaterEqual(int(found[1]), len(self.aws.front.calls))

    def test_functions_are_listed_by_those_who_made_them(self):
        self.assert_done(self.deploy("listed"))
        # As SCAR makes them, and as others do.
        fdl = base64.b64encode(json.dumps({"name": "of-scar", "runtime": "image"}).encode())
        self.aws.boto3("""
            uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/x:latest"
            for name, variables in values["functions"].items():
                client("lambda").create_function(
                    FunctionName=name, Role=values["role"], PackageType="Image", MemorySize=640,
                    Timeout=77, Code={"ImageUri": uri}, Environment={"Variables": variables},
                    Tags={"createdby": "scar", "owner": "AIDAEXAMPLE"} if "IMAGE_ID" in variables
                         else {})
            """, role=self.aws.role, functions={
                "of-scar": {"FDL": fdl.decode(), "IMAGE_ID": "x/of-scar:latest"},
                "unlisted": {}, "unlisted-too": {"FDL": "Fluid Dynamics Laboratory"},
                "unlisted-either": {"FDL": base64.b64encode(b'"text"').decode()}})
        done = self.skiff("ls")
        self.assert_done(done)
        lines = [line.split() for line in done.stdout.splitlines()]
        self.assertEqual(lines[0], ["NAME", "MEMORY", "TIME", "IMAGE_ID"])
        self.assertIn(["listed", "1024", "120", self.get("listed")["Code"]["ImageUri"]], lines)
        self.assertIn(["of-scar", "640", "77", "x/of-scar:latest"], lines)
        self.assertNotIn("unlisted", done.stdout)
        for command in (("log", "-n", "of-scar"), ("rm", "-n", "of-scar")):
            self.assertNotIn("no function", self.skiff(*command).stderr)
        self.assertNotIn("of-scar", self.skiff("ls").stdout)

    def test_a_plan_changes_nothing(self):
        done = self.deploy("plan", "--dry-run")
        self.assert_done(done)
        for word in ("plan, which is not there yet", "upload    layer", "CreateRepository",
                     "CreateFunction"):
            self.assertIn(word, done.stdout)
        self.assertEqual(self.changes(), [])
        self.assertEqual(self.left_overs("plan"), [])

        self.assert_done(self.deploy("plan"))
        self.aws.front.calls.clear()
        done = self.deploy("plan", "--dry-run", "-s", "other.sh", "-m", "256", "--json")
        plan = json.loads(done.stdout)["Functions"][0]
        self.assertEqual(plan["Calls"], [
            "UpdateFunctionCode", "UpdateFunctionConfiguration: MemorySize",
            "UpdateFunctionConfiguration: Environment"])
        self.assertEqual([upload["is"] for upload in plan["Upload"]], ["layer", "config"])
        done = self.deploy("plan", "--dry-run")
        self.assertIn("call      none: it is as the definition has it", done.stdout)
        self.assertEqual(self.changes(), [])

    def test_rollback_undoes_a_creation(self):
        self.aws.front.functions.ends = ("EniLimitExceeded", "no interface is left")
        done = self.deploy("back", "--rollback")
        self.assert_refused(done, "use fewer subnets and security groups")
        self.assertIn("what was done is undone", done.stderr)
        self.aws.front.functions.ends = None
        self.assertEqual(self.left_overs("back"), [])

    def test_rollback_undoes_an_update(self):
        self.assert_done(self.deploy("forth"))
        before = self.get("forth")
        images = self.images("forth")
        self.refuse("PutFunctionConcurrency", 400, "InvalidParameterValueException",
                    "decreases account's UnreservedConcurrentExecution below its minimum")
        done = self.deploy("forth", "--rollback", "-s", "other.sh", "-m", "256",
                           more="concurrency: 900\n")
        self.assert_refused(done, "below its minimum")
        self.assertIn("what was done is undone", done.stderr)
        after = self.get("forth")
        self.assertEqual(before["Code"]["ImageUri"], after["Code"]["ImageUri"])
        for key in ("MemorySize", "Environment"):
            self.assertEqual(before["Configuration"][key], after["Configuration"][key])
        self.assertEqual(self.images("forth"), images)

    def around(self, name):
        """What belongs to a function without being part of it."""
        return self.aws.boto3("""
            lambda_, name = client("lambda"), values["name"]
            def url():
                found = lambda_.get_function_url_config(FunctionName=name)
                return found["AuthType"], found.get("Cors", {})
            def statements():
                return sorted(s["Sid"] for s in json.loads(
                    lambda_.get_policy(FunctionName=name)["Policy"])["Statement"])
            def or_nothing(ask):
                try:
                    return ask()
                except lambda_.exceptions.ResourceNotFoundException:
                    return None
            answer = [
                lambda_.get_function(FunctionName=name).get("Concurrency"),
                or_nothing(url), or_nothing(statements),
                {a["Name"]: a["FunctionVersion"]
                 for a in lambda_.list_aliases(FunctionName=name)["Aliases"]},
                [v["Version"] for v in
                 lambda_.list_versions_by_function(FunctionName=name)["Versions"]]]
            """, name=name)

    def test_a_urls_cors_goes_with_the_definitions(self):
        url = "function_url: {{auth: AWS_IAM{}}}\n"
        self.assert_done(self.deploy("cors", more=url.format(", cors: {max_age: 60}")))
        self.assertEqual(self.around("cors")[1], ["AWS_IAM", {"MaxAge": 60}])
        self.aws.front.requests.clear()
        self.assert_done(self.deploy("cors", more=url.format("")))
        self.assertIn({"AuthType": "AWS_IAM", "InvokeMode": "BUFFERED", "Cors": {}},
                      [body for operation, _, body in self.aws.front.requests
                       if operation == "UpdateFunctionUrlConfig"])
        # moto keeps the old one then; from now on it is somebody else's, and stays.
        self.aws.front.calls.clear()
        self.assert_done(self.deploy("cors", more=url.format("")))
        self.assertEqual(self.changes(), [])

    def test_rollback_undoes_what_is_around_a_function(self):
        """From all to nothing, from nothing to all, and from one to another."""
        private = "function_url: {auth: AWS_IAM, cors: {allow_origins: [a.example]}}\n"
        full = ("concurrency: 7\nfunction_url: {auth: NONE, cors: {max_age: 60}}\n"
                "publish: true\nalias: live\n")
        last = {"none": "TagResource", "all": "UpdateAlias", "private": "TagResource"}
        for number, (before, after) in enumerate((("none", "all"), ("all", "none"),
                                                  ("all", "private"), ("private", "all"))):
            with self.subTest(f"{before} to {after}"):
                name = f"around{number}"
                texts = {"none": "", "all": full, "private": private}
                self.assert_done(self.deploy(name, more=texts[before]))
                present, images = self.around(name), self.images(name)
                path = self.definition(name, more=texts[after])
                path.write_text(path.read_text(encoding="utf-8").replace("blue", "green"),
                                encoding="utf-8")
                for operation in (last[after], "CreateAlias", "TagResource"):
                    self.refuse(operation, 403, "AccessDeniedException", "no")
                done = self.skiff("deploy", "-f", path, "-s", "other.sh", "--rollback")
                self.assert_refused(done, "AccessDeniedException: no")
                self.assertIn("what was done is undone", done.stderr)
                self.assertEqual(self.around(name), present)
                self.assertEqual(self.images(name), images)
                self.aws.front.faults.clear()
                self.aws.front.calls.clear()
                self.assert_done(self.deploy(name, more=texts[before]))
                self.assertEqual(self.changes(), [])

    def test_a_version_that_was_not_published_is_published_by_the_next_deployment(self):
        for operation, more in (("PublishVersion", "alias: live\n"), ("UpdateAlias", "alias: live\n"),
                                ("PublishVersion", "publish: true\n")):
            with self.subTest(operation + more):
                name = f"unpublished-{operation.lower()}-{more.split(':')[0]}"
                has_alias = "alias" in more
                self.assert_done(self.deploy(name, more=more))
                self.refuse(operation, 403, "AccessDeniedException", "no")
                done = self.deploy(name, "-m", "256", more=more)
                self.assert_refused(done, "the function is changed, but not all around it: lambda "
                                    f"{operation}: AccessDeniedException: no; ")
                self.assertIn("go on with 'skiff deploy'", done.stderr)
                self.assertEqual(self.around(name)[3], {"live": "1"} if has_alias else {})
                self.assert_done(self.deploy(name, "-m", "256", more=more))
                _, _, _, aliases, versions = self.around(name)
                self.assertEqual(aliases, {"live": versions[-1]} if has_alias else {})
                self.assertNotEqual(versions[-1], "1")
                self.aws.front.calls.clear()
                self.assert_done(self.deploy(name, "-m", "256", more=more))
                self.assertEqual(self.changes(), [])

    def test_a_role_may_be_made_for_the_function(self):
        path = self.definition("roled", more="tracing: Active\n")
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f"role: {self.aws.role}", ""), encoding="utf-8")
        self.assert_refused(self.skiff("deploy", "-f", path), "or let --create-role make one",
                            status=2)
        done = self.skiff("deploy", "-f", path, "--create-role")
        self.assert_done(done)
        name = f"roled-{REGION}"
        self.assertIn(f"Role 'skiff/{name}' successfully created.\n", done.stdout)
        role = self.get("roled")["Configuration"]["Role"]
        self.assertEqual(role, f"arn:aws:iam::{ACCOUNT}:role/skiff/{name}")
        policy = self.aws.boto3("""
            answer = client("iam").get_role_policy(RoleName=values["name"], PolicyName="skiff")
            """, name=name)["PolicyDocument"]
        logs, tracing = policy["Statement"]
        self.assertEqual(logs["Resource"],
                         f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/roled:*")
        self.assertEqual(tracing["Action"], ["xray:PutTelemetryRecords", "xray:PutTraceSegments"])
        # It is remembered.
        self.assert_done(self.skiff("update", "-f", path, "-m", "256"))
        self.assertEqual(self.get("roled")["Configuration"]["Role"], role)
        self.assert_done(self.skiff("rm", "-n", "roled"))
        self.assertNotIn(name, self.roles())

    def test_a_role_without_its_function_is_told_of_and_taken_away(self):
        path = self.definition("orphan")
        text = path.read_text(encoding="utf-8").replace(f"role: {self.aws.role}", "")
        path.write_text(text, encoding="utf-8")
        for operation in ("PutRolePolicy", "CreateFunction"):
            for words in ([], ["--rollback"]):
                with self.subTest(operation=operation, words=words):
                    self.refuse(operation, 403, "AccessDeniedException", "no")
                    done = self.skiff("deploy", "-f", path, "--create-role", *words)
                    self.assert_refused(done, "its role is there, which 'skiff rm -n orphan' "
                                        "removes, but not the function: ")
                    if not words:
                        self.assertIn(f"orphan-{REGION}", self.roles())
                        self.assert_done(self.skiff("rm", "-n", "orphan"))
                    self.assertNotIn(f"orphan-{REGION}", self.roles())
        self.assert_refused(self.skiff("rm", "-n", "orphan"), "no function 'orphan'")

    def roles(self):
        roles = self.aws.boto3("answer = client('iam').list_roles()['Roles']")
        return [role["RoleName"] for role in roles]

    def test_older_images_are_pruned_but_for_those_in_use(self):
        two = "architectures: [arm64, x86_64]\n"
        self.assert_done(self.deploy("old", more=two))
        self.assert_done(self.skiff("init", "-i", self.get("old")["Code"]["ImageUri"], "-n", "user",
                                    "-r", self.aws.role))
        first = set(self.images("old"))
        for script in ("other.sh", "third.sh", "fourth.sh"):
            (self.folder / script).write_text(f"#!/bin/sh\necho {script}\n", encoding="ascii")
            self.assert_done(self.deploy("old", "-s", script, more=two))
            # moto drops an image with its last tag, AWS does not.
            self.aws.boto3("""
                ecr = client("ecr")
                image = ecr.batch_get_image(repositoryName="old", imageIds=[{"imageTag": "latest"}]
                                            )["images"][0]
                ecr.put_image(repositoryName="old", imageTag=values["tag"],
                              imageManifest=image["imageManifest"],
                              imageManifestMediaType=image["imageManifestMediaType"],
                              imageDigest=image["imageId"]["imageDigest"])""", tag=script[:-3])
        before = set(self.images("old"))
        newest = self.get("old")["Code"]["ImageUri"].partition("@")[2]

        done = self.skiff("prune", "-n", "old", "--keep", "1", "--dry-run")
        self.assert_done(done)
        self.assertEqual(set(self.images("old")), before)
        planned = {line.split()[2] for line in done.stdout.splitlines()}
        self.assert_done(self.skiff("prune", "-n", "old", "--keep", "1"))
        left = set(self.images("old"))
        self.assertEqual(before - left, planned)
        self.assertGreaterEqual(len(planned), 3)
        self.assertIn(newest, left)
        self.assertTrue(first & left)  # which another function runs
        self.assertEqual(self.skiff("prune", "-n", "old", "--keep", "1").stdout,
                         "nothing to remove\n")

        self.aws.boto3("client('ecr').create_repository(repositoryName='foreign')")
        for words, expected, status in (
                (["-n", "old"], "say how many images stay", 2),
                (["-n", "nothing", "--all"], "no repository 'nothing'", 1),
                (["-n", "foreign", "--all"], "was not made by skiff, so its images stay", 1)):
            self.assert_refused(self.skiff("prune", *words), expected, status)

    def test_an_image_another_function_runs_is_kept(self):
        self.assert_done(self.deploy("mine"))
        uri = self.get("mine")["Code"]["ImageUri"]
        self.assert_done(self.skiff("init", "-i", uri, "-n", "theirs-now", "-r", self.aws.role))
        done = self.skiff("rm", "-n", "mine")
        self.assert_done(done)
        self.assertIn("is kept: another function runs", done.stdout)
        self.assertEqual(self.get("theirs-now")["Code"]["ImageUri"], uri)


if __name__ == "__main__":
    unittest.main()
