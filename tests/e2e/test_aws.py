# SPDX-License-Identifier: Apache-2.0
"""The whole way with AWS: init, run and rm against moto and a real registry.

boto3 is the witness: what it reads back is what the definition said.
"""

import base64
import json
import subprocess
import unittest

from tests.support.aws_case import LEFT_OVERS, SKIFF, AwsCase
from tests.support.aws_servers import ACCOUNT, REGION
REGISTRY_HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"

# What a function made by skiff answers, as SCAR's clients know it.
ANSWER = json.dumps({
    "statusCode": 200,
    "headers": {
        "amz-lambda-request-id": "a-request",
        "amz-log-group-name": "/aws/lambda/moo",
        "amz-log-stream-name": "2026/01/01/[$LATEST]0",
    },
    "body": base64.b64encode(b"moo\n").decode(),
    "isBase64Encoded": True,
})

GET_FUNCTION = """
answer = client("lambda").get_function(FunctionName=values["name"])
"""
LIST_IMAGES = """
answer = client("ecr").describe_images(repositoryName=values["name"])["imageDetails"]
"""
GET_INDEX = """
answer = json.loads(client("ecr").batch_get_image(
    repositoryName=values["name"], imageIds=[{"imageTag": "latest"}]
)["images"][0]["imageManifest"])
"""


class AwsTest(AwsCase):
    def test_init_run_and_rm_are_the_whole_way(self):
        self.aws.front.functions.pending_polls = 1
        done = self.init("moo")
        self.assert_done(done)
        for line in ("Creating ECR repository: moo",
                     "Function 'moo' successfully created.",
                     "Log group '/aws/lambda/moo' successfully created.",
                     "Wait function to be 'Active'",
                     "Function 'Active'"):
            self.assertIn(line + "\n", done.stdout)
        self.check_function("moo")

        self.aws.queue_result(ANSWER)
        done = self.skiff("run", "-n", "moo")
        self.assert_done(done)
        self.assertRegex(done.stdout, r"\ARequest Id: \S+\nLog Group Name: /aws/lambda/moo\n"
                         r"Log Stream Name: 2026/01/01/\[\$LATEST\]0\nmoo\n\Z")

        self.aws.queue_result(ANSWER)
        done = self.skiff("invoke", "-n", "moo", "--payload", "{}")
        self.assert_done(done)
        self.assertEqual(json.loads(done.stdout), json.loads(ANSWER))

        done = self.skiff("rm", "-n", "moo")
        self.assert_done(done)
        for line in ("Function 'moo' successfully deleted.",
                     "Log group '/aws/lambda/moo' successfully deleted.",
                     "Deleting ECR repo: moo"):
            self.assertIn(line + "\n", done.stdout)
        self.assertEqual(self.left_overs("moo"), [])

        self.assert_refused(self.skiff("rm", "-n", "moo"), f"no function 'moo' in region {REGION}")
        self.assert_refused(self.skiff("run", "-n", "moo"), f"no function 'moo' in region {REGION}")

    def check_function(self, name):
        function = self.aws.boto3(GET_FUNCTION, name=name)
        configuration = function["Configuration"]
        variables = configuration["Environment"]["Variables"]
        image_uri = function["Code"]["ImageUri"]
        fdl = json.loads(base64.b64decode(variables["FDL"]))
        images = self.aws.boto3(LIST_IMAGES, name=name)

        self.assertEqual(configuration["MemorySize"], 1024)
        self.assertEqual(configuration["Timeout"], 120)
        self.assertEqual(configuration["Description"], "says moo")
        self.assertEqual(configuration["PackageType"], "Image")
        self.assertEqual(configuration["Role"], self.aws.role)
        self.assertEqual(configuration["Architectures"], ["x86_64"])
        self.assertEqual(function["Tags"]["team"], "blue")
        self.assertEqual(function["Tags"]["createdby"], "scar")
        self.assertEqual(function["Tags"]["owner"], self.caller())
        self.assertEqual(set(variables), {"COLOUR", "IMAGE_ID", "FDL"})
        self.assertEqual(variables["COLOUR"], "red")
        self.assertEqual(variables["IMAGE_ID"], image_uri)
        self.assertEqual(fdl["name"], name)
        self.assertEqual(fdl["container"]["image"], image_uri)
        self.assertRegex(image_uri, rf"\A{REGISTRY_HOST}/{name}@sha256:[0-9a-f]{{64}}\Z")
        latest, = [image for image in images if "latest" in image.get("imageTags", [])]
        self.assertEqual(latest["imageDigest"], image_uri.partition("@")[2])
        group, = self.aws.boto3("""
            answer = client("logs").describe_log_groups(
                logGroupNamePrefix=values["group"])["logGroups"]""", group=f"/aws/lambda/{name}")
        self.assertEqual(group["retentionInDays"], 30)

    def caller(self):
        user = self.aws.boto3("answer = client('iam').get_user(UserName='skiff')['User']")
        return user["UserId"]

    def test_images_in_ecr_need_no_docker_login(self):
        self.aws.boto3("client('ecr').create_repository(repositoryName='shelf')")
        self.assert_done(self.skiff("copy", self.base, "oci:shelf"))
        shelf = f"{REGISTRY_HOST}/shelf"
        nobody = {"DOCKER_CONFIG": "/nowhere", "AWS_REGION": "", "AWS_DEFAULT_REGION": ""}
        for words in (["build", "-i", "oci:shelf", "-s", "moo.sh", "--to", f"{shelf}:1"],
                      ["copy", f"{shelf}:1", f"{shelf}:2"],
                      ["inspect", f"{shelf}:2"],
                      ["build", "-i", f"{shelf}:2", "-s", "moo.sh", "--to", f"{shelf}:3"]):
            with self.subTest(words):
                self.aws.front.calls.clear()
                self.assert_done(self.skiff(*words, **nobody))
                self.assertEqual(self.aws.front.calls.count("GetAuthorizationToken"), 1)

        lost = {**nobody, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        self.assert_refused(self.skiff("inspect", f"{shelf}:1", **lost),
                            f"login for {REGISTRY_HOST}: no AWS credentials")
        wrong = self.skiff("inspect", f"{shelf}:1", **nobody | {
            "AWS_SECRET_ACCESS_KEY": "wrong-secret"})
        self.assert_refused(wrong, "SignatureDoesNotMatch")
        self.assertNotIn("wrong-secret", wrong.stderr)

    def test_a_login_that_runs_out_in_the_middle_is_renewed(self):
        """Wherever it happens: before a question, in an upload, before the manifest."""
        self.assert_done(self.init("renewed"))
        self.assert_done(self.skiff("rm", "-n", "renewed"))
        count = sum(" /v2/" in call for call in self.aws.front.calls)
        self.assertGreater(count, 3)
        for after in range(0, count, 3):
            with self.subTest(after=after):
                name = f"renewed{after}"
                self.aws.front.calls.clear()
                self.aws.front.expire_login(after)
                self.assert_done(self.init(name))
                self.assertEqual(self.aws.front.calls.count("GetAuthorizationToken"), 2)
                self.assert_done(self.skiff("rm", "-n", name))

    def test_a_function_that_is_there_is_left_alone(self):
        self.assert_done(self.init("twice"))
        before = self.aws.boto3(GET_FUNCTION, name="twice")["Configuration"]
        self.aws.front.calls.clear()
        self.assert_refused(self.init("twice", "-m", "256"), "function 'twice'")
        self.assert_nothing_written()
        after = self.aws.boto3(GET_FUNCTION, name="twice")["Configuration"]
        self.assertEqual(before["MemorySize"], after["MemorySize"])
        self.assertEqual(before["CodeSha256"], after["CodeSha256"])

    def test_a_wrong_secret_is_said_and_not_shown(self):
        for variables, words in (
                ({"AWS_SECRET_ACCESS_KEY": "wrong-secret"}, "SignatureDoesNotMatch"),
                ({"AWS_ACCESS_KEY_ID": "AKIDNOBODY"}, "does not know the access key"),
                ({"AWS_ACCESS_KEY_ID": ""}, "AWS_ACCESS_KEY_ID is not"),
                ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "no AWS credentials"),
        ):
            with self.subTest(words):
                done = self.skiff("init", "-f", self.definition("nokey"), **variables)
                self.assert_refused(done, words)
                self.assertNotIn("wrong-secret", done.stderr)
        self.assert_nothing_written()

    def test_a_missing_region_is_said(self):
        done = self.skiff("init", "-f", self.definition("nowhere"), AWS_REGION="",
                          AWS_DEFAULT_REGION="")
        self.assert_refused(done, "no AWS region", status=2)

    def test_a_missing_role_is_found_before_anything_is_made(self):
        done = self.skiff("init", "-i", self.base, "-n", "norole", "-s", "moo.sh")
        self.assert_refused(done, "--iam-role", status=2)
        self.assert_nothing_written()

    def test_a_definition_too_large_is_found_before_anything_is_made(self):
        done = self.init("large", "-le", f"FILLING={'x' * 3500}")
        self.assert_refused(done, "Lambda takes 4096")
        self.assert_nothing_written()

    def test_a_name_ecr_refuses_is_found_before_anything_is_made(self):
        self.assert_refused(self.init("moo_"), "function name 'moo_'", status=2)
        self.assert_nothing_written()

    def test_capitals_in_a_name_are_no_trouble(self):
        self.assert_done(self.init("MooMoo"))
        uri = self.aws.boto3(GET_FUNCTION, name="MooMoo")["Code"]["ImageUri"]
        self.assertTrue(uri.startswith(f"{REGISTRY_HOST}/moomoo@sha256:"), uri)
        self.assert_done(self.skiff("rm", "-n", "MooMoo"))
        self.assertEqual(self.left_overs("MooMoo") + self.left_overs("moomoo"), [])

    def test_a_repository_of_somebody_elses_is_used_and_kept(self):
        self.aws.boto3("client('ecr').create_repository(repositoryName='theirs')")
        done = self.init("theirs")
        self.assert_done(done)
        self.assertNotIn("Creating ECR repository", done.stdout)
        self.assert_done(self.skiff("rm", "-n", "theirs"))
        self.assertEqual(self.left_overs("theirs"), ["repositories"])
        self.assertEqual(len(self.aws.boto3(LIST_IMAGES, name="theirs")), 1)

    def test_other_images_keep_a_repository(self):
        self.assert_done(self.init("shared"))
        self.aws.boto3("""
            ecr = client("ecr")
            manifest = json.loads(ecr.batch_get_image(
                repositoryName="shared", imageIds=[{"imageTag": "latest"}]
            )["images"][0]["imageManifest"])
            manifest["annotations"] = {"by": "somebody else"}
            ecr.put_image(repositoryName="shared", imageTag="theirs",
                          imageManifest=json.dumps(manifest))""")
        done = self.skiff("rm", "-n", "shared")
        self.assert_done(done)
        self.assertIn("ECR repository shared is kept", done.stdout)
        tags = [image["imageTags"] for image in self.aws.boto3(LIST_IMAGES, name="shared")]
        self.assertEqual(tags, [["theirs"]])

    def test_delete_image_false_keeps_the_image(self):
        path = self.definition("kept")
        path.write_text(path.read_text(encoding="utf-8") +
                        "    ecr:\n      delete_image: false\n", encoding="utf-8")
        self.assert_done(self.skiff("init", "-f", path))
        self.assert_done(self.skiff("rm", "-n", "kept"))
        self.assertEqual(self.left_overs("kept"), ["repositories"])

    def test_two_architectures_are_an_index_and_the_function_is_one_of_them(self):
        self.assert_done(self.init("both", more="architectures: [arm64, x86_64]\n"))
        function = self.aws.boto3(GET_FUNCTION, name="both")
        index = self.aws.boto3(GET_INDEX, name="both")
        self.assertEqual(function["Configuration"]["Architectures"], ["arm64"])
        self.assertEqual(index["mediaType"], INDEX_TYPE)
        digests = {entry["platform"]["architecture"]: entry["digest"]
                   for entry in index["manifests"]}
        self.assertEqual(set(digests), {"amd64", "arm64"})
        self.assertTrue(function["Code"]["ImageUri"].endswith(digests["arm64"]))
        self.assert_done(self.skiff("rm", "-n", "both"))
        self.assertEqual(self.left_overs("both"), [])

    def test_a_role_that_is_not_known_yet_is_waited_for(self):
        self.refuse("CreateFunction", 400, "InvalidParameterValueException",
                    "The role defined for the function cannot be assumed by Lambda.")
        done = self.init("patient")
        self.assert_done(done)
        self.assertIn("Waiting for the role to be known to Lambda\n", done.stdout)
        self.assertEqual(self.aws.front.calls.count("CreateFunction"), 2)

    def test_throttling_is_waited_out(self):
        self.refuse("DescribeRepositories", 400, "ThrottlingException", "Rate exceeded")
        self.refuse("GetFunction", 503, "ServiceUnavailable", "later")
        self.assert_done(self.init("slow"))

    def test_a_refusal_is_told_in_awss_own_words(self):
        self.refuse("CreateFunction", 403, "AccessDeniedException",
                    "User: u is not authorized to perform: iam:PassRole on resource: r")
        self.assert_refused(self.init("denied"), "not authorized to perform: iam:PassRole")
        # What was pushed stays, and does not stop the next one.
        self.assert_done(self.init("denied"))

    def test_an_invocation_is_never_repeated(self):
        self.assert_done(self.init("once"))
        self.aws.front.calls.clear()
        self.refuse("Invoke", 500, "ServiceException", "something broke")
        self.assert_refused(self.skiff("run", "-n", "once"), "something broke")
        self.assertEqual(self.aws.front.calls, ["Invoke"])

    def test_a_killed_init_is_in_nobodys_way(self):
        definition = self.definition("killed")
        for moment in ("Creating ECR repository", "Pushing new image", "copied"):
            with self.subTest(moment):
                program = subprocess.Popen([SKIFF, "init", "-f", definition], cwd=self.folder,
                                           env=self.environment, text=True,
                                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
                for line in program.stdout:
                    if moment in line:
                        break
                program.kill()
                program.communicate()
                if self.aws.boto3(LEFT_OVERS)["functions"]:
                    break  # it was quicker than we were
        if "killed" not in self.aws.boto3(LEFT_OVERS)["functions"]:
            self.assert_done(self.init("killed"))
        self.assert_done(self.skiff("rm", "-n", "killed"))
        self.assertEqual(self.left_overs("killed"), [])

    def test_what_is_gone_already_does_not_stop_rm(self):
        self.assert_done(self.init("halfgone"))
        self.aws.boto3("""
            client("logs").delete_log_group(logGroupName="/aws/lambda/halfgone")
            client("ecr").delete_repository(repositoryName="halfgone", force=True)""")
        self.assert_done(self.skiff("rm", "-n", "halfgone"))
        self.assertEqual(self.left_overs("halfgone"), [])


if __name__ == "__main__":
    unittest.main()
