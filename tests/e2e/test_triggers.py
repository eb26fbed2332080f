# SPDX-License-Identifier: Apache-2.0
"""Buckets that call a function, and those its files go to: what SCAR makes of input: and output:.

boto3 sees buckets, folders, notifications and permissions, and puts files; moto checks every
signature and calls functions itself.
"""

import json
import unittest

from tests.support.aws_case import AwsCase
from tests.support.aws_servers import ACCOUNT, REGION

CHANGES = ("Create", "Put", "Delete", "Add", "Remove", "Update", "PUT", "POST", "PATCH", "DELETE")
READ_BUCKET = """
s3 = client("s3")
name = values["name"]
if name not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
    answer = None
else:
    found = s3.get_bucket_notification_configuration(Bucket=name)
    found.pop("ResponseMetadata")
    answer = {
        "region": s3.get_bucket_location(Bucket=name)["LocationConstraint"],
        "keys": [o["Key"] for o in s3.list_objects_v2(Bucket=name).get("Contents", [])],
        "notifications": found,
    }
"""
MAKE_BUCKET = """
boto3.client("s3", region_name=values.get("region")).create_bucket(
    Bucket=values["name"], CreateBucketConfiguration={
        "LocationConstraint": values.get("region") or "eu-west-1"})
"""
READ_POLICY = """
lambda_ = client("lambda")
try:
    answer = json.loads(lambda_.get_policy(FunctionName=values["name"])["Policy"])["Statement"]
except lambda_.exceptions.ResourceNotFoundException:
    answer = []
"""


def places(**kinds):
    """input: and output: of a definition; "bucket/folder", or a pair with the provider first."""
    text = ""
    for kind, paths in kinds.items():
        text += f"{kind}:\n"
        for path in paths:
            provider, path = path if isinstance(path, tuple) else ("s3", path)
            text += f"- storage_provider: {provider}\n  path: {path}\n"
    return text


class TriggerTest(AwsCase):
    def deploy(self, name, *arguments, verb="deploy", **keywords):
        return self.skiff(verb, "-f", self.definition(name, more=places(**keywords)), *arguments)

    def bucket(self, name):
        return self.aws.boto3(READ_BUCKET, name=name)

    def callers(self, bucket):
        """Whom the bucket calls: {prefix: ARN}, and that it does for all that arrives."""
        found = {}
        for entry in self.bucket(bucket)["notifications"].get("LambdaFunctionConfigurations", []):
            self.assertEqual(entry["Events"], ["s3:ObjectCreated:*"])
            rules = entry.get("Filter", {}).get("Key", {}).get("FilterRules", [])
            self.assertIn([rule["Name"].lower() for rule in rules], ([], ["prefix"]))
            found[rules[0]["Value"] if rules else ""] = entry["LambdaFunctionArn"]
        return found

    def permissions(self, name):
        return {statement["Sid"]: statement
                for statement in self.aws.boto3(READ_POLICY, name=name)}

    def changes(self):
        return [call for call in self.aws.front.calls if call.startswith(CHANGES)]

    @staticmethod
    def arn(name):
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"

    def test_init_makes_what_is_around_a_function_and_rm_takes_what_calls_it(self):
        done = self.deploy("whole", verb="init", input=["photos.in/raw/"],
                           output=["results/small", "photos.in/done"])
        self.assert_done(done)
        for line in ("Bucket 'photos.in' successfully created.",
                     "Folder 'raw/' created in bucket 'photos.in'.",
                     "Bucket 'results' successfully created.",
                     "Folder 'small/' created in bucket 'results'.",
                     "Bucket 'photos.in' calls the function."):
            self.assertIn(line + "\n", done.stdout)
        photos = self.bucket("photos.in")
        self.assertEqual(photos["region"], REGION)
        self.assertEqual(photos["keys"], ["done/", "raw/"])
        self.assertEqual(self.bucket("results")["keys"], ["small/"])
        self.assertEqual(self.bucket("results")["notifications"], {})
        self.assertEqual(self.callers("photos.in"), {"raw/": self.arn("whole")})
        statement, = self.permissions("whole").values()
        self.assertEqual(statement["Sid"], "skiff-s3-photos_in")
        self.assertEqual(statement["Action"], "lambda:InvokeFunction")
        self.assertEqual(statement["Principal"], {"Service": "s3.amazonaws.com"})
        condition = json.dumps(statement["Condition"])
        self.assertIn("arn:aws:s3:::photos.in", condition)
        self.assertIn(ACCOUNT, condition)

        self.aws.boto3("client('s3').put_object(Bucket='photos.in', Key='raw/a', Body=b'a')")
        done = self.skiff("rm", "-n", "whole")
        self.assert_done(done)
        self.assertIn("Bucket notifications successfully deleted.\n", done.stdout)
        self.assertEqual(self.bucket("photos.in")["keys"], ["done/", "raw/", "raw/a"])
        self.assertEqual(self.bucket("photos.in")["notifications"], {})
        self.assertEqual(self.left_overs("whole"), [])

    def test_what_is_equal_is_left_alone(self):
        self.assert_done(self.deploy("equal", input=["equal-in/a"], output=["equal-out/b"]))
        self.aws.front.calls.clear()
        done = self.deploy("equal", input=["equal-in/a"], output=["equal-out/b"])
        self.assert_done(done)
        self.assertEqual(self.changes(), [])
        self.assertIn("Function 'equal' is as the definition has it.\n", done.stdout)

    def test_update_follows_the_definition(self):
        self.assert_done(self.deploy("moves", input=["moves-one/a", "moves-one/b", "moves-two"]))
        self.assertEqual(self.callers("moves-two"), {"": self.arn("moves")})
        self.assert_done(self.deploy("moves", verb="update",
                                     input=["moves-one/b", "moves-one/c d", "moves-three/e"]))
        self.assertEqual(self.callers("moves-one"), dict.fromkeys(["b/", "c+d/"],
                                                                  self.arn("moves")))
        self.assertEqual(self.callers("moves-two"), {})
        self.assertEqual(self.callers("moves-three"), {"e/": self.arn("moves")})
        self.assertEqual(set(self.permissions("moves")),
                         {"skiff-s3-moves-one", "skiff-s3-moves-three"})
        # What somebody took away comes back, and a folder that was emptied is no arrival.
        self.aws.boto3("""
            client("lambda").remove_permission(FunctionName="moves",
                                               StatementId="skiff-s3-moves-one")
            client("s3").delete_object(Bucket="moves-one", Key="b/")
            client("s3").put_bucket_notification_configuration(
                Bucket="moves-three", NotificationConfiguration={})""")
        self.aws.front.calls.clear()
        self.assert_done(self.deploy("moves", input=["moves-one/b", "moves-one/c d",
                                                     "moves-three/e"]))
        self.assertEqual(self.changes(), ["AddPermission", "PutBucketNotificationConfiguration"])
        self.assertEqual(self.callers("moves-three"), {"e/": self.arn("moves")})
        self.assert_done(self.deploy("moves"))
        self.assertEqual(self.callers("moves-one"), {})
        self.assertEqual(self.permissions("moves"), {})

    def test_notifications_of_others_stay(self):
        self.aws.boto3(MAKE_BUCKET, name="shared-in")
        self.assert_done(self.deploy("other", input=["other-in/x"]))
        theirs = self.aws.boto3("""
            queue = client("sqs").create_queue(QueueName="theirs")["QueueUrl"]
            arn = client("sqs").get_queue_attributes(
                QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            s3 = client("s3")
            s3.put_bucket_notification_configuration(
                Bucket="shared-in", NotificationConfiguration={
                    "QueueConfigurations": [{"Id": "q & a", "QueueArn": arn,
                                             "Events": ["s3:ObjectRemoved:*"]}],
                    "LambdaFunctionConfigurations": [
                        {"Id": "sized", "LambdaFunctionArn": values["other"],
                         "Events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"], "Filter": {
                             "Key": {"FilterRules": [{"Name": "prefix", "Value": "o/"},
                                                     {"Name": "suffix", "Value": ".jpg"}]}}}],
                    "EventBridgeConfiguration": {}})
            answer = s3.get_bucket_notification_configuration(Bucket="shared-in")
            answer.pop("ResponseMetadata")""", other=self.arn("other"))
        self.assert_done(self.deploy("mine", input=["shared-in/in"]))
        found = self.bucket("shared-in")["notifications"]
        mine = found["LambdaFunctionConfigurations"].pop()
        self.assertEqual(found, theirs)
        self.assertEqual(mine["LambdaFunctionArn"], self.arn("mine"))
        self.assert_done(self.skiff("rm", "-n", "mine"))
        self.assertEqual(self.bucket("shared-in")["notifications"], theirs)

    def test_a_plan_says_it_and_makes_nothing(self):
        done = self.deploy("planned", "--dry-run", "--json", input=["planned-in/a"],
                           output=["planned-out/b"])
        self.assert_done(done)
        calls = json.loads(done.stdout)["Functions"][0]["Calls"]
        self.assertEqual(calls[-6:], [
            "CreateBucket: planned-out", "PutObject: planned-out/b/", "CreateBucket: planned-in",
            "PutObject: planned-in/a/", "AddPermission: planned-in",
            "PutBucketNotificationConfiguration: planned-in"])
        self.assertEqual(self.changes(), [])
        self.assertIsNone(self.bucket("planned-in"))

    def test_a_step_that_fails_is_gone_on_with_or_undone(self):
        self.refuse("PutBucketNotificationConfiguration", 403, "AccessDenied", "no")
        done = self.deploy("broken", input=["broken-in/a"])
        self.assert_refused(done, "input 'broken-in': bucket 'broken-in': s3 "
                            "PutBucketNotificationConfiguration: AccessDenied: no")
        self.assertIn("go on with 'skiff deploy'", done.stderr)
        self.assert_done(self.deploy("broken", input=["broken-in/a"]))
        self.assertEqual(self.callers("broken-in"), {"a/": self.arn("broken")})

        # An update, of which the second bucket refuses.
        self.aws.boto3(MAKE_BUCKET, name="broken-far", region="us-west-2")
        self.aws.front.bucket_regions["broken-far"] = "us-west-2"
        done = self.deploy("broken", "--rollback", input=["broken-in/b", "broken-far"])
        self.assert_refused(done, f"bucket 'broken-far' is in region us-west-2, and only those in "
                            f"{REGION}, where the function is, can call it")
        self.assertIn("what was done is undone", done.stderr)
        self.assertEqual(self.callers("broken-in"), {"a/": self.arn("broken")})
        self.assertEqual(set(self.permissions("broken")), {"skiff-s3-broken-in"})

        done = self.deploy("fresh", "--rollback", input=["fresh-in/b", "broken-far"])
        self.assertIn("what was done is undone", done.stderr)
        self.assertEqual(self.callers("fresh-in"), {})
        self.assertEqual(self.left_overs("fresh"), [])

    def test_files_may_go_to_another_region(self):
        self.aws.boto3(MAKE_BUCKET, name="far-out", region="us-west-2")
        self.aws.front.bucket_regions["far-out"] = "us-west-2"
        self.assert_done(self.deploy("far", output=["far-out/there"]))
        self.assertEqual(self.bucket("far-out")["keys"], ["there/"])

    def test_a_permission_s3_does_not_know_yet_is_waited_for(self):
        self.refuse("PutBucketNotificationConfiguration", 400, "InvalidArgument",
                    "Unable to validate the following destination configurations")
        done = self.deploy("early", input=["early-in"])
        self.assert_done(done)
        self.assertIn("Waiting for S3 to know that it may call the function\n", done.stdout)

    def test_buckets_that_are_gone_or_closed_do_not_stop_rm(self):
        self.assert_done(self.deploy("gone", input=["gone-in", "gone-closed"]))
        self.aws.boto3("client('s3').delete_bucket(Bucket='gone-in')")
        self.refuse("PutBucketNotificationConfiguration", 403, "AccessDenied", "no")
        done = self.skiff("rm", "-n", "gone")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("the bucket goes on calling the function that is gone: bucket 'gone-closed'",
                      done.stderr)
        self.assertEqual(self.left_overs("gone"), [])

    def test_accounts_of_storage_providers_are_asked_as_themselves(self):
        key = self.aws.boto3("""
            iam = client("iam")
            iam.create_user(UserName="partner")
            iam.put_user_policy(UserName="partner", PolicyName="may", PolicyDocument=json.dumps({
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
            answer = iam.create_access_key(UserName="partner")["AccessKey"]""")
        path = self.definition("partners", more=places(
            input=[("s3.partner", "partner-in/a")], output=[("s3.partner", "partner-out/b")]))
        text = path.read_text(encoding="utf-8")
        path.write_text(text + (
            "storage_providers:\n  s3:\n    partner:\n"
            f"      access_key: {key['AccessKeyId']}\n      secret_key: {key['SecretAccessKey']}\n"
            f"      region: {REGION}\n"), encoding="utf-8")
        before = len(self.aws.front.signers)
        self.assert_done(self.skiff("init", "-f", path))
        self.assertEqual(self.callers("partner-in"), {"a/": self.arn("partners")})
        self.assert_done(self.skiff("rm", "-n", "partners"))
        self.assertEqual(self.callers("partner-in"), {})
        asked = {signer for service, signer in self.aws.front.signers[before:] if service == "s3"}
        self.assertEqual(asked, {key["AccessKeyId"]})


if __name__ == "__main__":
    unittest.main()
