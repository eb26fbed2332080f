# SPDX-License-Identifier: Apache-2.0
"""Objects that come in and files that go out, between a function and an S3 with TLS.

moto checks every signature; botocore says once more what each should have been.
"""

import base64
import json
import unittest

from tests.support import base_images
from tests.support.s3_servers import REGION, S3Servers, quoted
from tests.support.skiff import SkiffTest
from tests.support.supervised_function import Function, encoded, require_namespaces

CAT = 'cat "$INPUT_FILE_PATH"; echo; echo "${INPUT_FILE_PATH##*/}"'
PEAK = "while read name value unit; do [ $name = VmHWM: ] && echo $value; done </proc/$PPID/status"

# Keys of which every part of the way has an opinion.
ODD_KEYS = ["a b", "a+b", "a%2Bb", "100%", "a&b=c?d#e", "caf\u00e9", "\u6587\u4ef6", "a~b", "-._~",
            "a'b\"c", "(1)[2]{3}", "a:b,c;d@e$f!g*h", "back\\slash", "x|y^z`", "tab\there"]

servers = None


def setUpModule():
    global servers
    require_namespaces()
    servers = S3Servers().__enter__()
    unittest.addModuleCleanup(servers.stop)
    servers.boto3("[s3.create_bucket(Bucket=b, CreateBucketConfiguration="
                  "{'LocationConstraint': 'eu-west-1'}) for b in ('inputs', 'outputs', 'my.outputs')]")


def put(key, content=b"content", bucket="inputs"):
    servers.boto3("s3.put_object(Bucket=values['b'], Key=values['k'],"
                  "Body=base64.b64decode(values['c']))",
                  b=bucket, k=key, c=base64.b64encode(content).decode())


def stored(bucket="outputs"):
    """What is in a bucket, by key; large objects by their size. Emptied for the next test."""
    found = servers.boto3("""
answer = {}
for item in s3.list_objects_v2(Bucket=values['b']).get('Contents', []):
    key = item['Key']
    answer[key] = item['Size'] if item['Size'] > 100000 else base64.b64encode(
        s3.get_object(Bucket=values['b'], Key=key)['Body'].read()).decode()
    s3.delete_object(Bucket=values['b'], Key=key)
answer = [answer, len(s3.list_multipart_uploads(Bucket=values['b']).get('Uploads', []))]
""", b=bucket)
    return ({key: content if isinstance(content, int) else base64.b64decode(content)
             for key, content in found[0].items()}, found[1])


def record(key, bucket="inputs", source="aws:s3", region=REGION):
    return {"eventSource": source, "awsRegion": region, "eventTime": "2019-02-23T11:40:46.473Z",
            "s3": {"bucket": {"name": bucket}, "object": {"key": quoted(key)}}}


def event(*keys, **options):
    return {"Records": [record(key, **options) for key in keys]}


def minio(**fields):
    return {"minio": {"m": {"endpoint": servers.url, "access_key": servers.credentials[0],
                            "secret_key": servers.credentials[1], "region": REGION, **fields}}}


def output(path, provider="s3", **filters):
    return {"storage_provider": provider, "path": path, **filters}


class Storage:
    """What holds on every architecture."""

    architecture = None

    def setUp(self):
        servers.forget()
        servers.buckets.clear()

    def function(self, script="true", environment=None, **config):
        with open(servers.certificate, encoding="ascii") as file:
            certificate = file.read()
        return Function(self.architecture, config={"init_script": "s.sh", **config},
                        files={"var/task/s.sh": script, "var/task/ca.pem": certificate},
                        environment={"AWS_ACCESS_KEY_ID": servers.credentials[0],
                                     "AWS_SECRET_ACCESS_KEY": servers.credentials[1],
                                     "AWS_REGION": REGION, "AWS_ENDPOINT_URL_S3": servers.url,
                                     "SSL_CERT_FILE": "/var/task/ca.pem", **(environment or {})})

    def output_of(self, answer):
        self.assertEqual(answer.kind, "response", answer.body)
        return base64.b64decode(answer.json()["body"]).decode()

    def fails(self, answer, error_type, *words):
        self.assertEqual(answer.kind, "error", answer.body)
        self.assertEqual(answer.json()["errorType"], error_type)
        for word in words:
            self.assertIn(word, answer.json()["errorMessage"])

    def test_an_object_comes_in_and_results_go_out_with_right_signatures(self):
        put("in/my file( 1).png", b"PNGDATA")
        script = ('cat "$INPUT_FILE_PATH" > "$TMP_OUTPUT_DIR/copy of it"\n'
                  'mkdir -p $TMP_OUTPUT_DIR/sub/deep; echo deep > $TMP_OUTPUT_DIR/sub/deep/r\n'
                  'echo "$STORAGE_OBJECT_KEY $EVENT_TIME ${INPUT_FILE_PATH##*/}"')
        with self.function(script, output=[output("outputs/x/")]) as function:
            self.assertEqual(self.output_of(function.invoke(event("in/my file( 1).png"))),
                             "in/my file( 1).png 2019-02-23T11:40:46.473Z my file( 1).png\n")
            self.assertEqual(function.left_in_tmp(), [])
            self.assertIn("Uploading file 'x/copy of it' to bucket 'outputs'",
                          function.log("INFO"))
        self.assertEqual(stored(), ({"x/copy of it": b"PNGDATA", "x/sub/deep/r": b"deep\n"}, 0))
        seen = [item for item in servers.seen if "Authorization" in item.headers]
        self.assertEqual([item.status for item in seen], [200, 200, 200])
        self.assertEqual(servers.expected_proofs(seen, servers.credentials),
                         [item.headers["Authorization"] for item in seen])


class StorageAmd64(Storage, unittest.TestCase):
    architecture = "amd64"

    def test_keys_of_any_kind_are_signed_as_botocore_does(self):
        script = 'cat "$INPUT_FILE_PATH" > "$TMP_OUTPUT_DIR/${INPUT_FILE_PATH##*/}"'
        servers.boto3("[s3.put_object(Bucket='inputs', Key='odd/' + k, Body=k.encode())"
                      " for k in values['keys']]", keys=ODD_KEYS)
        with self.function(script, output=[output("outputs/odd of/m\u00fcn")]) as function:
            self.output_of(function.invoke(event(*("odd/" + key for key in ODD_KEYS))))
        self.assertEqual(stored()[0], {"odd of/m\u00fcn/" + key: key.encode() for key in ODD_KEYS})
        seen = list(servers.seen)
        self.assertEqual(len(seen), 2 * len(ODD_KEYS))
        self.assertEqual(servers.expected_proofs(seen, servers.credentials),
                         [item.headers["Authorization"] for item in seen])

    def test_amazons_own_hosts_are_asked_by_the_buckets_name(self):
        put("a.txt", b"virtual")
        environment = {"AWS_ENDPOINT_URL_S3": "", "https_proxy": servers.proxy}
        with self.function(f"{CAT}; echo r > $TMP_OUTPUT_DIR/r", environment,
                           output=[output("outputs")]) as function:
            self.assertIn("virtual\na.txt\n", self.output_of(function.invoke(event("a.txt"))))
        self.assertEqual([item.headers["Host"] for item in servers.seen],
                         [f"inputs.s3.{REGION}.amazonaws.com", f"outputs.s3.{REGION}.amazonaws.com"])
        self.assertEqual(stored()[0], {"r": b"r\n"})

    def test_a_bucket_elsewhere_is_found_in_its_region(self):
        put("a.txt", b"far")
        servers.buckets.update(inputs="ap-south-1", outputs="sa-east-1")
        with self.function(f"{CAT}; echo r > $TMP_OUTPUT_DIR/r; echo s > $TMP_OUTPUT_DIR/s",
                           output=[output("outputs")]) as function:
            self.assertIn("far\n", self.output_of(function.invoke(event("a.txt"))))
        self.assertEqual([item.status for item in servers.seen], [301, 200, 400, 200, 200])
        self.assertEqual(stored()[0], {"r": b"r\n", "s": b"s\n"})

    def test_a_large_file_goes_in_parts_and_a_large_object_comes_in_with_little_memory(self):
        size = 70 << 20
        script = f"head -c {size} /var/task/zeros > $TMP_OUTPUT_DIR/large; {PEAK}"
        with self.function(script, output=[output("outputs")]) as function:
            with open(f"{function.root}/var/task/zeros", "wb") as zeros:
                zeros.truncate(size)
            servers.harm("PUT", "slow down", at=1)
            servers.harm("PUT", "cut request", at=2)
            servers.harm("POST", "error in success", at=1)
            self.output_of(function.invoke())
            self.assertLess(int(function.run(PEAK)[0]), 8 << 10, "KiB resident")
        puts = [item for item in servers.seen if item.method == "PUT" and item.status == 200]
        self.assertEqual(len(puts), 5)
        self.assertEqual(servers.expected_proofs(puts, servers.credentials),
                         [item.headers["Authorization"] for item in puts])
        servers.forget()
        servers.harm("GET", "cut", times=2)
        with self.function(f"head -c 8 $INPUT_FILE_PATH | cat; {PEAK}; ls -l $INPUT_FILE_PATH",
                           ) as function:
            answer = self.output_of(function.invoke(event("large", bucket="outputs")))
            peak, listing = answer.replace("\0", "").split("\n")[:2]
            self.assertLess(int(peak), 8 << 10, "KiB resident")
            self.assertIn(str(size), listing)
        self.assertEqual([item.status for item in servers.seen], [200, 206, 206])
        self.assertEqual(stored(), ({"large": size}, 0))

    def test_parts_that_become_no_object_are_thrown_away(self):
        size = 65 << 20
        with self.function(f"head -c {size} /var/task/zeros > $TMP_OUTPUT_DIR/large",
                           output=[output("outputs")]) as function:
            with open(f"{function.root}/var/task/zeros", "wb") as zeros:
                zeros.truncate(size)
            servers.harm("PUT", "denied", at=2)
            self.fails(function.invoke(), "Skiff.StorageError",
                       "upload to 's3': s3://outputs/large: part 3: status 403 AccessDenied")
        self.assertEqual(stored(), ({}, 0))
        self.assertEqual(servers.seen[-1].method, "DELETE")

    def test_every_record_is_a_run_with_its_own_object(self):
        put("in/1", b"one")
        put("in/2", b"two")
        script = f"{CAT}; cat $INPUT_FILE_PATH > $TMP_OUTPUT_DIR/${{INPUT_FILE_PATH##*/}}"
        with self.function(script, output=[output("outputs")]) as function:
            answer = self.output_of(function.invoke(event("in/1", "in/2")))
            self.assertEqual([line for line in answer.split("\n") if line in ("one", "two")],
                             ["one", "two"])
            self.fails(function.invoke(event("in/1", "in/none", "in/2")), "Skiff.StorageError",
                       "event.Records[1] ('in/none'): download the input: s3://inputs/in/none: "
                       "status 404 NoSuchKey")
        self.assertEqual(stored()[0], {"1": b"one", "2": b"two"})

    def test_outputs_take_what_their_filters_say(self):
        script = ("cd $TMP_OUTPUT_DIR; mkdir sub; echo 1 > res-1.txt; echo 2 > res-2.jpg\n"
                  "echo 3 > other.txt; echo 4 > sub/res-3.txt; /bin/busybox ln -s res-1.txt link.txt\n"
                  "/bin/busybox mkfifo pipe.txt")
        with self.function(script, storage_providers=minio(), output=[
                output("outputs/both", prefix=["res-"], suffix=[".txt"]),
                output("outputs/ends", suffix=["jpg", "er.txt"]),
                output("my.outputs/all", provider="minio.m")]) as function:
            self.output_of(function.invoke())
            self.assertIn("'pipe.txt' is not a file, so it is not uploaded",
                          function.log("WARNING"))
        self.assertEqual(stored()[0], {"both/res-1.txt": b"1\n", "ends/res-2.jpg": b"2\n",
                                       "ends/other.txt": b"3\n"})
        self.assertEqual(sorted(stored("my.outputs")[0]),
                         ["all/link.txt", "all/other.txt", "all/res-1.txt", "all/res-2.jpg",
                          "all/sub/res-3.txt"])

    def test_events_of_minio_are_fetched_there_with_its_own_keys(self):
        put("m.txt", b"from minio")
        nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_ENDPOINT_URL_S3": ""}
        of_minio = event("m.txt", source="minio:s3", region="")
        with self.function(CAT, nobody, storage_providers=minio()) as function:
            for sent in (of_minio, {"storage_provider": "m", "event": of_minio}):
                self.assertIn("from minio\nm.txt\n", self.output_of(function.invoke(sent)))
            self.fails(function.invoke({"storage_provider": "x", "event": of_minio}),
                       "Skiff.StorageError", "'minio.x', which is not in storage_providers")
        with self.function(CAT, nobody, storage_providers=minio(endpoint=servers.plain_url)
                           ) as function:
            self.assertIn("from minio\n", self.output_of(function.invoke(of_minio)))

    def test_secrets_come_with_fdl_and_are_in_no_log(self):
        put("m.txt", b"from minio")
        fdl = encoded(json.dumps({"storage_providers": minio()}))
        with self.function(CAT, {"FDL": fdl, "AWS_ACCESS_KEY_ID": ""}, log_level="DEBUG",
                           output=[output("outputs", provider="minio.m")]) as function:
            sent = event("m.txt", source="minio:s3")
            self.assertIn("from minio\n", self.output_of(function.invoke(sent)))
            self.assertNotIn(servers.credentials[1], function.stderr())

    def test_hostile_keys_stay_in_their_folder(self):
        long_key = "l" * 300 + ".png"
        for key in ("../../escape", "/absolute", "folder/", long_key):
            put(key, b"bytes")
        script = 'cd $TMP_INPUT_DIR; for f in *; do echo "${#f} ${f##*l}"; done'
        with self.function(script) as function:
            for key, name in (("../../escape", "6 escape"), ("/absolute", "8 absolute"),
                              (long_key, "255 .png")):
                with self.subTest(key=key[:20]):
                    self.assertIn(name.split()[0],
                                  self.output_of(function.invoke(event(key))).split())
            self.assertIn("47 e-", self.output_of(function.invoke(event("folder/"))))
            self.assertEqual(function.left_in_tmp(), [])
            self.fails(function.invoke(event("a", bucket="evil.example/x?")),
                       "Skiff.StorageError", "is no name of a bucket")

    def test_who_is_not_certified_is_not_asked(self):
        put("a.txt")
        with self.function(CAT, {"SSL_CERT_FILE": ""}) as function:
            self.fails(function.invoke(event("a.txt")), "Skiff.StorageError",
                       "SSL_CERT_FILE may name a file")
        with self.function(CAT, {"SSL_CERT_FILE": ""},
                           storage_providers=minio(verify=False)) as function:
            self.assertIn("content", self.output_of(
                function.invoke(event("a.txt", source="minio:s3"))))
        with self.function(CAT, {"SSL_CERT_FILE": "/nowhere"}) as function:
            self.fails(function.invoke(event("a.txt")), "Skiff.StorageError", "SSL_CERT_FILE")

    def test_storage_failures_are_seen_and_the_next_event_is_served(self):
        put("a.txt")
        with self.function("echo r > $TMP_OUTPUT_DIR/r; echo s > $TMP_OUTPUT_DIR/s",
                           output=[output("nowhere"), output("outputs")]) as function:
            self.fails(function.invoke(), "Skiff.StorageError",
                       "2 files, the first one: upload to 's3': s3://nowhere/r: "
                       "status 404 NoSuchBucket")
            self.assertEqual(stored()[0], {"r": b"r\n", "s": b"s\n"})
            self.fails(function.invoke(), "Skiff.StorageError", "2 files")
        stored()
        with self.function(CAT, {"AWS_SECRET_ACCESS_KEY": "wrong"}) as function:
            self.fails(function.invoke(event("a.txt")), "Skiff.StorageError",
                       "the secret key does not belong to the access key")

    def test_what_a_time_out_leaves_is_stored(self):
        with self.function("echo partial; echo r > $TMP_OUTPUT_DIR/r; sleep 30",
                           output=[output("outputs")]) as function:
            self.fails(function.invoke(left_s=12), "Skiff.Timeout", "partial")
        self.assertEqual(stored()[0], {"r": b"r\n"})

    def test_a_time_out_is_one_whatever_failed_before_it(self):
        put("in/1")
        with self.function("echo partial; sleep 30") as function:
            self.fails(function.invoke(event("in/none", "in/1"), left_s=12), "Skiff.Timeout",
                       "and before that: event.Records[0] ('in/none')",
                       "it had printed:\npartial\n")

    def test_output_that_no_answer_carries_is_stored(self):
        with self.function("head -c 6000000 /dev/zero; echo end", output=[output("outputs/o")]
                           ) as function:
            function.write("dev/zero", "\0" * 6000000)
            answer = function.invoke(wait_s=120)
            name = f"o/output-{answer.request_id}.txt"
            self.assertIn(f"All of it is in '{name}' in bucket 'outputs' of s3 and in the log.]",
                          self.output_of(answer)[-300:])
            self.assertEqual(function.left_in_tmp(), [])
        self.assertEqual(stored()[0], {name: 6000004})

    def test_configurations_that_cannot_work_are_refused_at_the_start(self):
        cases = [
            ({"output": [output("b", provider="onedata.o")]}, "'onedata.o': S3 and MinIO"),
            ({"output": [output("b", provider="s3.typo")]}, "'s3.typo' is not in"),
            ({"storage_providers": {"s3": {"mine": {"access_key": "a"}}}},
             "The storage authentication of 'S3' is not well-defined"),
        ]
        for config, words in cases:
            with self.subTest(words=words), self.function(**config) as function:
                error = function.api.init_errors.get(timeout=30)
                self.assertIn(words, error.json()["errorMessage"])
                self.assertEqual(function.wait(), 1)


class StorageArm64(Storage, unittest.TestCase):
    architecture = "arm64"


class StorageOfADefinition(SkiffTest):
    def test_a_definitions_accounts_reach_the_function_and_nobody_else(self):
        access_key, secret_key = servers.credentials
        self.write("s.sh", "#!/bin/sh\necho made > $TMP_OUTPUT_DIR/made\n")
        definition = self.write("function.yaml", json.dumps({
            "functions": {"aws": [{"lambda": {
                "name": "maker", "init_script": "s.sh",
                "container": {"image": base_images.busybox()},
                "output": [output("outputs/local", provider="minio.lab")]}}]},
            "storage_providers": {"minio": {"lab": {
                "endpoint": servers.plain_url, "access_key": access_key,
                "secret_key": secret_key, "region": REGION}}}}))
        done = self.skiff("--local", "init", "-f", definition)
        self.assertEqual((done.returncode, done.stderr.count("warning")), (0, 0), done.stderr)
        self.assertNotIn(secret_key, done.stdout + done.stderr)
        done = self.skiff("--local", "run", "-n", "maker")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotIn(secret_key, done.stdout + done.stderr)
        self.assertEqual(stored()[0], {"local/made": b"made\n"})


if __name__ == "__main__":
    unittest.main()
