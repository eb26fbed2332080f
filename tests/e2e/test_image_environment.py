# SPDX-License-Identifier: Apache-2.0
"""SCAR's image environment, section by section of its documentation ("Image environment usage").

Each section's definition is deployed as SCAR's users write it. boto3 reads the function back, the
registry its image, and where this machine can run it, the very image that was pushed answers.
"""

import base64
import json
import tarfile
import textwrap
import unittest

from tests.support import aws_case
from tests.support.aws_servers import ACCOUNT, REGION

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
MACHINES = {"amd64": 62, "arm64": 183}  # of ELF
GET_FUNCTION = """
answer = client("lambda").get_function(FunctionName=values["name"])
"""


def setUpModule():
    aws_case.AwsCase.setUpClass.__func__(Section)


def tearDownModule():
    Section.doClassCleanups()


class Section(aws_case.AwsCase):
    """What the sections share, the servers too; it has no test of its own."""

    @classmethod
    def setUpClass(cls):
        pass  # setUpModule() did it

    def write(self, name, text):
        path = self.folder / f"{name}.yaml"
        path.write_text(textwrap.dedent(text).format(base=self.base, role=self.aws.role, host=HOST),
                        encoding="utf-8")
        return path

    def deploy(self, name, text, *arguments):
        self.assert_done(self.skiff("init", "-f", self.write(name, text), *arguments))
        return self.read(name)

    def read(self, name):
        function = self.aws.boto3(GET_FUNCTION, through_front=True, name=name)
        variables = function["Configuration"]["Environment"]["Variables"]
        function["FDL"] = json.loads(base64.b64decode(variables["FDL"]))
        self.assertEqual(function["Configuration"]["PackageType"], "Image")
        self.assertEqual(function["Configuration"]["State"], "Active")
        return function

    def image(self, function):
        """The configuration of the image the function runs, and its files in /var/task."""
        uri = function["Code"]["ImageUri"]
        layout = self.folder / "images" / uri.rpartition(":")[2]
        self.assert_done(self.skiff("copy", uri, f"oci:{layout}"))
        blobs = layout / "blobs" / "sha256"
        manifest = json.loads((blobs / uri.rpartition(":")[2]).read_bytes())
        config = json.loads((blobs / manifest["config"]["digest"][7:]).read_bytes())
        files = {}
        for layer in manifest["layers"]:
            with tarfile.open(blobs / layer["digest"][7:]) as tar:
                files.update((member.name.strip("/"), tar.extractfile(member).read())
                             for member in tar
                             if member.isfile() and member.name.strip("/").startswith("var/task/"))
        return config, files

    def check_supervised(self, function, architecture):
        config, files = self.image(function)
        self.assertEqual(config["architecture"], architecture)
        self.assertIn("/var/task/supervisor", json.dumps(config["config"]))
        supervisor = files["var/task/supervisor"]
        self.assertEqual(supervisor[:4], b"\x7fELF")
        self.assertEqual(int.from_bytes(supervisor[18:20], "little"), MACHINES[architecture])
        return files

    def check_answer(self, function, expected):
        """Runs the image that was pushed on this machine."""
        environment = {"XDG_DATA_HOME": str(self.folder / "data")}
        name = function["Configuration"]["FunctionName"]
        self.assert_done(self.skiff("--local", "init", "-i", function["Code"]["ImageUri"], "-n",
                                    name, **environment))
        done = self.skiff("--local", "--quiet", "run", "-n", name, **environment)
        self.skiff("--local", "rm", "-n", name, **environment)
        if "forbids user namespaces" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual((done.returncode, done.stdout), (0, expected), done.stderr)

    def remove(self, name):
        self.assert_done(self.skiff("rm", "-n", name))


class FlagAndKeyTest(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              name: {{name}}{{runtime}}
              init_script: moo.sh
              container:
                image: {base}
            iam:
              role: {role}
        """

    def test_a_flag_or_a_key_chooses_the_image_environment(self):
        flagged = self.deploy("flag", self.TEXT.replace("{{name}}{{runtime}}", "flag"), "-rt",
                              "image")
        keyed = self.deploy("keyed", self.TEXT.replace("{{name}}{{runtime}}",
                                                       "keyed\n              runtime: image"))
        for function in (flagged, keyed):
            self.assertEqual(function["FDL"]["runtime"], "image")
            self.assertEqual(self.check_supervised(function, "amd64")["var/task/moo.sh"],
                             b"#!/bin/sh\necho moo\n")
        self.assert_done(self.skiff("init", "-i", self.base, "--runtime", "image", "-n", "words",
                                    "-s", "moo.sh", "-r", self.aws.role))
        self.check_answer(self.read("words"), "moo\n")


class AlpineTest(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: {{name}}
              init_script: moo.sh
              container:
                image: {base}
                alpine: {{alpine}}
            iam:
              role: {role}
        """

    def test_alpine_is_accepted_and_nothing_has_to_be_chosen(self):
        """The supervisor is static, so it is the same for musl, glibc and neither."""
        supervisors = []
        for alpine in ("true", "false"):
            name = f"alpine-{alpine}"
            function = self.deploy(name, self.TEXT.replace("{{name}}", name)
                                   .replace("{{alpine}}", alpine))
            self.assertEqual(function["FDL"]["container"]["alpine"], alpine == "true")
            supervisors.append(self.check_supervised(function, "amd64")["var/task/supervisor"])
            self.check_answer(function, "moo\n")
        self.assertEqual(*supervisors)


class PreparedImageTest(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: {{name}}
              log_level: debug
              container:
                image: {{image}}
                create_image: false
                environment:
                  Variables:
                    SOUND: quack
            iam:
              role: {role}
        """

    def text(self, name, image):
        return self.TEXT.replace("{{name}}", name).replace("{{image}}", image)

    def test_an_image_of_ecr_is_used_as_it_is_and_stays(self):
        self.aws.boto3("client('ecr').create_repository(repositoryName='prepared')")
        self.assert_done(self.skiff("build", "-i", self.base, "-s", "moo.sh", "--platform",
                                    "linux/amd64", "--to", f"{HOST}/prepared:latest"))
        self.aws.front.calls.clear()
        function = self.deploy("duck", self.text("duck", f"{HOST}/prepared"))
        written = [call for call in self.aws.front.calls
                   if call.startswith(("PUT /v2", "POST /v2", "CreateRepository"))]
        self.assertEqual(written, [])
        tags = self.aws.boto3("""
            answer = client("ecr").describe_images(repositoryName="prepared")["imageDetails"]""")
        latest, = [each["imageDigest"] for each in tags if "latest" in each.get("imageTags", ())]
        self.assertEqual(function["Code"]["ImageUri"], f"{HOST}/prepared@{latest}")
        # The image knows nothing of the function, so FDL carries what its supervisor has to know.
        self.assertEqual(function["FDL"]["container"]["environment"]["Variables"],
                         {"SOUND": "quack"})
        self.assertEqual(function["FDL"]["log_level"], "DEBUG")
        self.assertEqual(function["FDL"]["ecr"], {"delete_image": False})
        self.remove("duck")
        self.assertEqual(self.left_overs("duck"), [])
        self.assertIn("prepared", self.aws.boto3(aws_case.LEFT_OVERS)["repositories"])
        self.check_answer(function, "moo\n")


class KeepImageTest(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: {{name}}
              init_script: moo.sh
              container:
                image: {base}
            iam:
              role: {role}
            ecr:
              delete_image: {{delete}}
        """

    def test_the_image_stays_where_the_definition_says_so(self):
        for name, delete, left in (("keeps", "false", ["repositories"]), ("drops", "true", [])):
            with self.subTest(delete):
                self.deploy(name, self.TEXT.replace("{{name}}", name)
                            .replace("{{delete}}", delete))
                self.remove(name)
                self.assertEqual(self.left_overs(name), left)


class Arm64Test(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: arm
              init_script: moo.sh
              architectures:
              - arm64
              container:
                image: {base}
            iam:
              role: {role}
        """

    def test_a_function_for_arm64(self):
        function = self.deploy("arm", self.TEXT)
        self.assertEqual(function["Configuration"]["Architectures"], ["arm64"])
        self.check_supervised(function, "arm64")


class EfsTest(Section):
    ARN = (f"arn:aws:elasticfilesystem:{REGION}:{ACCOUNT}:access-point/fsap-0123456789abcdef0")
    VPC = """\
              vpc:
                SubnetIds:
                - subnet-0123456789abcdef0
                SecurityGroupIds:
                - sg-0123456789abcdef0
"""
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: shared
              init_script: moo.sh
{{vpc}}\
              file_system:
              - Arn: {{arn}}
                LocalMountPath: {{mount}}
              container:
                image: {base}
            iam:
              role: {role}
        """

    def text(self, vpc, mount):
        return (self.TEXT.replace("{{vpc}}", vpc).replace("{{arn}}", self.ARN)
                .replace("{{mount}}", mount))

    def test_a_file_system_is_mounted_in_the_functions_network(self):
        function = self.deploy("shared", self.text(self.VPC, "/mnt/models"))["Configuration"]
        self.assertEqual(function["FileSystemConfigs"],
                         [{"Arn": self.ARN, "LocalMountPath": "/mnt/models"}])
        self.assertEqual(function["VpcConfig"]["SubnetIds"], ["subnet-0123456789abcdef0"])
        self.assertEqual(function["VpcConfig"]["SecurityGroupIds"], ["sg-0123456789abcdef0"])

    def test_what_lambda_would_refuse_is_refused_at_once(self):
        for vpc, mount, words in (("", "/mnt/models", "vpc"), (self.VPC, "/data", "/mnt/")):
            path = self.write("unshared", self.text(vpc, mount))
            self.assert_refused(self.skiff("init", "-f", path), words, status=2)
        self.assert_nothing_written()


class PlainTest(Section):
    TEXT = """\
        functions:
          aws:
          - lambda:
              runtime: image
              name: plain
              memory: 1024
              timeout: 60
              init_script: moo.sh
              container:
                image: {base}
            iam:
              role: {role}
        """

    def test_a_plain_container_image_becomes_a_function_and_goes_again(self):
        function = self.deploy("plain", self.TEXT)
        configuration = function["Configuration"]
        self.assertEqual((configuration["MemorySize"], configuration["Timeout"]), (1024, 60))
        self.assertEqual(configuration["Architectures"], ["x86_64"])
        self.assertEqual(function["FDL"]["init_script"], "moo.sh")
        self.assertRegex(function["Code"]["ImageUri"], rf"\A{HOST}/plain@sha256:[0-9a-f]{{64}}\Z")
        self.check_supervised(function, "amd64")
        self.check_answer(function, "moo\n")
        path = self.folder / "plain.yaml"
        done = self.skiff("run", "-f", path)
        self.assert_done(done)
        self.assert_done(self.skiff("rm", "-f", path))
        self.assertEqual(self.left_overs("plain"), [])


if __name__ == "__main__":
    unittest.main()
