# SPDX-License-Identifier: Apache-2.0
"""Deployments while AWS has a bad day: what passes is waited out, what does not is said in one
sentence, and whatever happened, the next deployment goes on."""

import hashlib
import json
import re
import unittest

from tests.e2e.test_deploy import CHANGING, EVERYTHING
from tests.support.aws_case import AwsCase
from tests.support.aws_faults import LOST, in_html, in_json, in_xml, of_registry
from tests.support.aws_servers import ACCOUNT, REGION

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
SURROUNDINGS = """
lambda_ = client("lambda")
name = values["name"]
answer = {
    "url": lambda_.get_function_url_config(FunctionName=name)["AuthType"],
    "alias": lambda_.get_alias(FunctionName=name, Name="live")["FunctionVersion"],
    "versions": [v["Version"]
                 for v in lambda_.list_versions_by_function(FunctionName=name)["Versions"]],
    "statements": sorted(s["Sid"] for s in json.loads(
        lambda_.get_policy(FunctionName=name)["Policy"])["Statement"]),
    "bucket": [c["LambdaFunctionArn"] for c in client("s3").get_bucket_notification_configuration(
        Bucket=name + "-in").get("LambdaFunctionConfigurations", [])],
}
"""
EXPIRED = "The security token included in the request is expired"
SESSIONS = """
iam, sts = client("iam"), client("sts")
try:
    iam.create_role(RoleName="ci", AssumeRolePolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}))
    iam.put_role_policy(RoleName="ci", PolicyName="may", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "*", "Resource": "*"}]}))
except iam.exceptions.EntityAlreadyExistsException:
    pass
answer = [sts.assume_role(RoleArn="arn:aws:iam::123456789012:role/ci",
                          RoleSessionName=f"s{number}")["Credentials"]
          for number in range(values["count"])]
"""


class AwsFaultsTest(AwsCase):
    def setUp(self):
        super().setUp()
        self.faults = self.aws.front.faults

    def rich(self, name, concurrency=7):
        """A definition with all there is around a function, and a role to be made."""
        buckets = (f"input:\n- {{storage_provider: s3, path: {name}-in/a}}\n"
                   f"output:\n- {{storage_provider: s3, path: {name}-out/b}}\n")
        everything = EVERYTHING.replace("concurrency: 7", f"concurrency: {concurrency}")
        path = self.definition(name, more=everything + buckets)
        text = path.read_text(encoding="utf-8").replace(f"role: {self.aws.role}", "")
        path.write_text(text, encoding="utf-8")
        return path

    def changes(self):
        return [call for call in self.aws.front.calls if call.startswith(CHANGING)]

    def image_of(self, name):
        return self.aws.boto3("""
            answer = client("lambda").get_function(FunctionName=values["name"])["Code"]["ImageUri"]
            """, name=name)

    def go_on(self, name):
        """The next deployment finds everything, or makes it; rm takes it all."""
        self.faults.clear()
        self.assert_done(self.skiff("deploy", "-f", self.definition(name)))
        self.aws.front.calls.clear()
        self.assert_done(self.skiff("deploy", "-f", self.definition(name)))
        self.assertEqual(self.changes(), [])
        self.assert_done(self.skiff("rm", "-n", name))
        self.assertEqual(self.left_overs(name), [])

    def whole_way(self, name, faults, registry):
        """Makes, changes and removes a function; the kinds of requests that met a fault."""
        met = set()
        for words in (["deploy", "-f", self.rich(name), "--create-role"],
                      ["deploy", "-f", self.rich(name, concurrency=8), "-s", "other.sh", "-m",
                       "256"],
                      ["rm", "-n", name]):
            self.faults.everywhere(faults, registry)
            done = self.skiff(*words)
            met |= self.faults.met()
            self.faults.clear()
            self.assert_done(done)
            if words[0] == "deploy":
                self.assert_settled(name)
        self.assertEqual(self.left_overs(name), [])
        return met

    def assert_settled(self, name):
        found = self.aws.boto3(SURROUNDINGS, name=name)
        self.assertEqual(found["url"], "NONE")
        self.assertEqual(found["alias"], found["versions"][-1])
        self.assertEqual(found["statements"],
                         [f"skiff-s3-{name}-in", "skiff-url", "skiff-url-invoke"])
        self.assertEqual(found["bucket"], [f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"])

    def test_every_answer_is_lost_once(self):
        met = self.whole_way("lost", [LOST], [LOST])
        self.assertLessEqual({
            "AddPermission", "BatchDeleteImage", "CreateAlias", "CreateBucket", "CreateFunction",
            "CreateFunctionUrlConfig", "CreateRepository", "CreateRole", "DeleteFunction",
            "DeleteRepository", "DeleteRole", "DeleteRolePolicy", "GetAuthorizationToken",
            "POST uploads", "PUT manifests", "PUT uploads", "PublishVersion",
            "PutBucketNotificationConfiguration", "PutFunctionConcurrency", "PutObject",
            "PutRolePolicy", "UpdateAlias", "UpdateFunctionCode", "UpdateFunctionConfiguration",
        }, met)

    def test_everybody_is_busy_once(self):
        met = self.whole_way("busy-day", [
            in_json(429, "TooManyRequestsException", "Rate exceeded"),
            in_xml(503, "ServiceUnavailable", "Please try again later"),
            in_html(502, "502 Bad Gateway"),
            in_json(500, "ServiceException", "An internal error occurred."),
            in_xml(400, "Throttling", "Rate exceeded"),
        ], [of_registry(429, "TOOMANYREQUESTS", "Rate exceeded"),
            in_html(503, "503 Service Temporarily Unavailable")])
        self.assertGreater(len(met), 30)

    def test_a_refusal_anywhere_is_one_sentence_and_the_next_deployment_goes_on(self):
        self.assert_done(self.skiff("deploy", "-f", self.definition("refused")))
        asked = {re.sub(r"^(\w+) /v2/.*/(blobs/uploads|blobs|manifests)/.*$", r"\1 \2",
                        call).replace("blobs/uploads", "uploads")
                 for call in self.aws.front.calls}
        self.assert_done(self.skiff("rm", "-n", "refused"))
        self.assertIn("PUT manifests", asked)
        nice_to_have = {"GetRole", "GetCallerIdentity", "CreateLogGroup", "PutRetentionPolicy"}
        for number, kind in enumerate(sorted(asked - {"GET manifests"})):
            name = f"refused{number}"
            with self.subTest(kind):
                self.faults.add(kind, in_xml(403, "AccessDenied", f"not authorized: {kind}")
                                if " " not in kind else
                                of_registry(403, "DENIED", f"not authorized: {kind}"), times=100)
                done = self.skiff("deploy", "-f", self.definition(name))
                if kind in nice_to_have:
                    self.assertEqual(done.returncode, 0, done.stderr)
                else:
                    self.assert_refused(done, kind.partition(" ")[0])
                    self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.go_on(name)

    def test_what_is_left_goes_as_the_error_says(self):
        for operation, left in (("CreateFunction", "the image is there"),
                                ("PutFunctionConcurrency", "the function is there")):
            with self.subTest(operation):
                self.refuse(operation, 403, "AccessDeniedException", "no")
                path = self.definition("left", more="concurrency: 7\n")
                done = self.skiff("deploy", "-f", path)
                self.assert_refused(done, f"AccessDeniedException: no; {left}: mend the cause")
                self.assertNotEqual(self.left_overs("left"), [])
                words = re.findall(r"'skiff ([^']*)'", done.stderr)
                self.assertEqual(words[0], "deploy")
                self.assert_done(self.skiff(*words[1].split()))
                self.assertEqual(self.left_overs("left"), [])

        self.assert_done(self.skiff("deploy", "-f", self.definition("left")))
        self.refuse("UpdateFunctionConfiguration", 403, "AccessDeniedException", "no")
        done = self.skiff("deploy", "-f", self.definition("left"), "-m", "256")
        self.assert_refused(done, "no; the image is there: mend the cause and go on with 'skiff "
                            "deploy'\n")  # and nobody is told to remove what ran
        self.go_on("left")

    def test_a_role_is_waited_for_as_long_as_it_takes(self):
        self.faults.refuse("CreateFunction", 400, "InvalidParameterValueException",
                           "The role defined for the function cannot be assumed by Lambda.", 3)
        done = self.skiff("deploy", "-f", self.definition("roles"))
        self.assert_done(done)
        self.assertEqual(done.stdout.count("Waiting for the role to be known to Lambda\n"), 1)
        self.assertEqual(self.aws.front.calls.count("CreateFunction"), 4)
        self.go_on("roles")

    def test_a_function_that_is_not_known_everywhere_is_waited_for(self):
        self.faults.add("GetFunction", in_json(404, "ResourceNotFoundException",
                                               "Function not found: arn"), times=2, after=1)
        done = self.skiff("deploy", "-f", self.definition("nowhere-yet"))
        self.assert_done(done)
        self.assertIn("Function is not known everywhere yet\n", done.stdout)
        self.go_on("nowhere-yet")

    def test_changes_of_others_are_waited_for_wherever_they_are_met(self):
        name = "others"
        self.assert_done(self.skiff("deploy", "-f", self.rich(name), "--create-role"))
        for operation in ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion",
                          "UpdateAlias", "PutFunctionConcurrency", "TagResource"):
            self.faults.refuse(operation, 409, "ResourceConflictException",
                               "The operation cannot be performed at this time. An update is in "
                               f"progress for resource: {name}")
        path = self.rich(name, concurrency=9)
        path.write_text(path.read_text(encoding="utf-8").replace("team: blue", "team: green"),
                        encoding="utf-8")
        done = self.skiff("deploy", "-f", path, "-s", "other.sh", "-m", "256")
        self.assert_done(done)
        self.assertIn("Waiting for an earlier change of the function\n", done.stdout)
        self.assert_settled(name)
        self.assert_done(self.skiff("rm", "-n", name))

    def test_answers_that_are_no_json_are_said_to_be_none(self):
        for operation in ("GetFunction", "DescribeRepositories", "GetAuthorizationToken"):
            with self.subTest(operation):
                self.faults.add(operation, in_html(200, "Welcome to the hotel"))
                self.assert_refused(self.skiff("deploy", "-f", self.definition("hotel")),
                                    f"{operation}: answer of AWS")
        self.assert_nothing_written()

    def test_an_invocation_whose_answer_is_lost_is_not_repeated(self):
        """Not even by libcurl, which does that on a connection that was used before."""
        self.assert_done(self.skiff("deploy", "-f", self.definition("once")))
        self.faults.refuse("Invoke", 429, "TooManyRequestsException", "Rate exceeded")
        self.faults.add("Invoke", LOST)
        self.aws.front.calls.clear()
        done = self.skiff("run", "-n", "once")
        self.assert_refused(done, "lambda Invoke: ")
        self.assertEqual(self.aws.front.calls, ["Invoke", "Invoke"])

    # --- credentials that end in the middle ---

    def sessions(self, count):
        """Variables of a profile whose process gives a new session each time, `count` of them,
        and then the last one again; and those of the first session alone."""
        made = self.aws.boto3(SESSIONS, count=count)
        answers = [json.dumps({"Version": 1, "AccessKeyId": keys["AccessKeyId"],
                               "SecretAccessKey": keys["SecretAccessKey"],
                               "SessionToken": keys["SessionToken"],
                               "Expiration": "2099-01-01T00:00:00Z"}) for keys in made]
        (self.folder / "sessions").write_text("\n".join(answers) + "\n", encoding="ascii")
        (self.folder / "asked").write_text("", encoding="ascii")
        program = self.folder / "keys.sh"
        program.write_text(f"#!/bin/sh\ncd '{self.folder}'\necho . >>asked\n"
                           "head -n $(wc -l <asked) sessions | tail -n 1\n", encoding="ascii")
        program.chmod(0o755)
        (self.folder / "config").write_text(f"[profile ci]\ncredential_process = {program}\n",
                                            encoding="ascii")
        return ({"AWS_CONFIG_FILE": str(self.folder / "config"), "AWS_PROFILE": "ci",
                 "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""},
                {"AWS_ACCESS_KEY_ID": made[0]["AccessKeyId"],
                 "AWS_SECRET_ACCESS_KEY": made[0]["SecretAccessKey"],
                 "AWS_SESSION_TOKEN": made[0]["SessionToken"]})

    def test_credentials_that_end_in_the_middle_are_found_anew(self):
        for number, (operation, code) in enumerate((
                ("DescribeRepositories", "ExpiredTokenException"),
                ("CreateFunction", "ExpiredTokenException"),
                ("CreateLogGroup", "ExpiredToken"))):
            with self.subTest(operation):
                variables, _ = self.sessions(2)
                name = f"expired{number}"
                self.faults.add(operation, in_xml(403, code, EXPIRED))
                self.assert_done(self.skiff("deploy", "-f", self.definition(name), **variables))
                self.assertEqual((self.folder / "asked").read_text(encoding="ascii"), ".\n.\n")
                self.go_on(name)

    def test_credentials_that_cannot_be_found_anew_are_said_to_have_ended(self):
        by_process, by_variables = self.sessions(1)
        for variables, origin in ((by_variables, "the environment"),
                                  (by_process, "credential_process of profile 'ci'")):
            with self.subTest(origin):
                self.faults.add("CreateFunction", in_json(403, "ExpiredTokenException", EXPIRED))
                done = self.skiff("deploy", "-f", self.definition("ended"), **variables)
                self.assert_refused(done, f"CreateFunction: ExpiredTokenException: {EXPIRED}; the "
                                    f"credentials of {origin} have ended: get new ones; the image "
                                    "is there: mend the cause and go on with 'skiff deploy', or "
                                    "take it away with 'skiff prune -n ended --all'")
                self.assertEqual(self.aws.front.calls.count("CreateFunction"), 1)
                self.aws.front.calls.clear()
                self.go_on("ended")

    # --- what ECR refuses ---

    def test_tags_that_may_not_move_stop_no_deployment(self):
        self.aws.boto3("""client("ecr").create_repository(
            repositoryName="still", imageTagMutability="IMMUTABLE",
            tags=[{"Key": "createdby", "Value": "skiff"}])""")
        self.assert_done(self.skiff("deploy", "-f", self.definition("still")))
        first = self.image_of("still")

        done = self.skiff("deploy", "-f", self.definition("still"), "-s", "other.sh")
        self.assertEqual(done.returncode, 0, done.stderr)
        second = self.image_of("still")
        own_tag = f"skiff-{second.partition('@sha256:')[2][:16]}"
        self.assertEqual(done.stderr, f"skiff: warning: the tags of {HOST}/still may not move, so "
                         f"'latest' stays what it was and the image is tagged {own_tag}; the "
                         "function runs it by digest\n")
        images = self.aws.boto3("""
            answer = client("ecr").describe_images(repositoryName="still")["imageDetails"]""")
        self.assertEqual({image["imageDigest"]: image["imageTags"] for image in images},
                         {first.partition("@")[2]: ["latest"], second.partition("@")[2]: [own_tag]})

        self.aws.front.calls.clear()
        done = self.skiff("deploy", "-f", self.definition("still"), "-s", "other.sh")
        self.assert_done(done)
        self.assertEqual(self.changes(), [])
        # And back, to the image that both a tag that stays and the function name.
        done = self.skiff("deploy", "-f", self.definition("still"))
        self.assert_done(done)
        self.assertEqual(self.image_of("still"), first)

    def test_a_rollback_leaves_tags_that_may_not_move(self):
        self.aws.boto3("""client("ecr").create_repository(
            repositoryName="still-back", imageTagMutability="IMMUTABLE",
            tags=[{"Key": "createdby", "Value": "skiff"}])""")
        self.assert_done(self.skiff("deploy", "-f", self.definition("still-back")))
        first = self.image_of("still-back")
        self.faults.refuse("UpdateFunctionCode", 403, "AccessDeniedException", "no")
        done = self.skiff("deploy", "-f", self.definition("still-back"), "-s", "other.sh",
                          "--rollback")
        self.assertEqual(done.returncode, 1)
        self.assertIn("what was done is undone", done.stderr)
        images = self.aws.boto3("""
            answer = client("ecr").describe_images(repositoryName="still-back")["imageDetails"]""")
        self.assertEqual([image["imageDigest"] for image in images], [first.partition("@")[2]])

    def test_a_manifest_without_its_media_type_is_made_whole_or_refused_in_words(self):
        """As a base it does; as it is, ECR and Lambda do not take it."""
        layout = self.folder / "bare"
        self.assert_done(self.skiff("copy", "--platform", "linux/amd64", self.base,
                                    f"oci:{layout}"))
        index = json.loads((layout / "index.json").read_text(encoding="utf-8"))
        self.strip_media_type(layout, index["manifests"][0])
        (layout / "index.json").write_text(json.dumps(index), encoding="utf-8")

        path = self.definition("bare-base")
        text = path.read_text(encoding="utf-8").replace(self.base, f"oci:{layout}")
        path.write_text(text, encoding="utf-8")
        self.assert_done(self.skiff("deploy", "-f", path))

        self.aws.boto3("client('ecr').create_repository(repositoryName='bare-copy')")
        self.assert_refused(self.skiff("copy", f"oci:{layout}", f"{HOST}/bare-copy:1"),
                            "the manifest has no mediaType, which Amazon ECR wants")

    @staticmethod
    def strip_media_type(layout, descriptor):
        blobs = layout / "blobs" / "sha256"
        manifest = json.loads((blobs / descriptor["digest"][7:]).read_text(encoding="utf-8"))
        manifest.pop("mediaType", None)
        content = json.dumps(manifest).encode()
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        descriptor.update(digest=f"sha256:{digest}", size=len(content))


if __name__ == "__main__":
    unittest.main()
