# SPDX-License-Identifier: Apache-2.0
"""Secrets stay where they belong: no command says one, no file that others may read has one, and
no program that runs has one among its arguments."""

import base64
import json
import os
import resource
import stat
import subprocess
import unittest
from pathlib import Path

from tests.support import process
from tests.support.aws_case import SKIFF, AwsCase

STORAGE_KEY = "storage-secret-0123456789"
STORAGE = f"""\
storage_providers:
  minio:
    lab: {{endpoint: "https://minio.example", access_key: AKMINIO, secret_key: {STORAGE_KEY}}}
"""
FILE = ("-f", "secret.yaml")
NAME = ("-n", "secret")
COMMANDS = [
    ("doctor", *FILE),
    ("build", *FILE, "--to", "oci:image", "--metadata-file", "made.json"),
    ("deploy", *FILE, "--dry-run"),
    ("deploy", *FILE, "--dry-run", "--json"),
    ("init", *FILE, "--timings"),
    ("update", *FILE, "-s", "other.sh", "--json"),
    ("build", *FILE, "-s", "other.sh", "--push", "--metadata-file", "pushed.json"),
    ("build", *FILE, "--push", "--json"),
    ("export", *FILE, "--format", "terraform"),
    ("export", *NAME, "--format", "sam"),
    ("ls", "--json"),
    ("log", *NAME),
    ("inspect", "oci:image"),
    ("inspect", "oci:image", "--raw"),
    ("prune", *NAME, "--keep", "1", "--json"),
    ("--local", "init", *FILE),
    ("--local", "ls", "--json"),
    ("--local", "update", *FILE, "-s", "other.sh", "--dry-run"),
    ("rm", *NAME),
]
# Notes its own arguments and those of who started it, and answers.
SPY = """\
#!/bin/sh
[ "$1" = get ] && cat >/dev/null
for each in $$ $PPID; do tr '\\0' ' ' </proc/$each/cmdline; echo; done >>'{log}'
echo '{answer}'
"""


def family(pid):
    """The process and all it has started, by their ids."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text(encoding="ascii",
                                                 errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def arguments(pids):
    for pid in pids:
        try:
            yield Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        except OSError:
            continue


class SecretsTest(AwsCase):
    def setUp(self):
        super().setUp()
        path = self.definition("secret")
        path.write_text(STORAGE + path.read_text(encoding="utf-8"), encoding="utf-8")
        login, = json.loads((self.folder / "docker/config.json").read_text())["auths"].values()
        plain = base64.b64decode(login["auth"]).decode()
        self.secrets = [STORAGE_KEY, self.environment["AWS_SECRET_ACCESS_KEY"], login["auth"],
                        plain.partition(":")[2]]
        self.data = self.folder / f"data of {self.id().rpartition('.')[2]}"
        # In FDL the definition is in base64, at any of three offsets.
        for offset in range(3):
            text = base64.b64encode(b"x" * offset + STORAGE_KEY.encode()).decode()
            self.secrets.append(text[4:-4])

    def skiff(self, *words, **variables):
        return super().skiff(*words, XDG_DATA_HOME=str(self.data), **variables)

    def local_record(self):
        return json.loads((self.data / "skiff/functions/secret.json").read_text())

    def assert_kept(self, text, where):
        for number, secret in enumerate(self.secrets):
            self.assertNotIn(secret, text, f"{where}: secret {number}")

    def test_no_command_says_a_secret(self):
        for command in COMMANDS:
            done = self.skiff(*command)
            self.assertEqual(done.returncode, 0, f"{command}: {done.stderr}")
            self.assert_kept(done.stdout + done.stderr, " ".join(command))
        fdl = self.local_record()["environment"]["FDL"]
        self.assertIn(STORAGE_KEY, base64.b64decode(fdl).decode())
        self.assertTrue(any(secret in fdl for secret in self.secrets))  # the test can fail

    def test_no_error_says_a_secret(self):
        for command, variables in (
                (("deploy", *FILE), {"AWS_SECRET_ACCESS_KEY": "wrong-" + STORAGE_KEY}),
                (("deploy", *FILE, "-m", "1"), {}),
                (("deploy", *FILE, "-s", "none.sh"), {}),
                (("export", *FILE, "--format", "json"), {"AWS_REGION": "eu-none-9"}),
                (("log", *NAME), {"AWS_SESSION_TOKEN": STORAGE_KEY})):
            done = self.skiff(*command, **variables)
            self.assertNotEqual(done.returncode, 0, command)
            self.assert_kept(done.stdout + done.stderr, " ".join(command))

    def test_files_that_others_may_read_have_none(self):
        """Whatever the umask."""
        login, = json.loads((self.folder / "docker/config.json").read_text())["auths"]
        password = self.secrets[3]
        for umask in (0o022, 0):
            with self.subTest(umask=oct(umask)):
                self.data = self.folder / f"data with {umask}"
                docker = self.folder / f"docker with {umask}"
                before = os.umask(umask)
                self.addCleanup(os.umask, before)
                for command in COMMANDS[:3] + COMMANDS[15:16]:
                    self.skiff(*command)
                done = subprocess.run(
                    [SKIFF, "login", "-u", "AWS", "--password-stdin", login], check=False,
                    env={**self.environment, "DOCKER_CONFIG": str(docker)}, input=password,
                    capture_output=True, text=True)
                os.umask(before)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(base64.b64encode(f"AWS:{password}".encode()).decode(),
                              (docker / "config.json").read_text())
                for path in (docker, docker / "config.json", self.data / "skiff",
                             self.data / "skiff/functions/secret.json"):
                    self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)
        ours = {"secret.yaml", "config.json"}
        for path in self.folder.rglob("*"):
            if path.is_file() and path.name not in ours and path.stat().st_mode & 0o077:
                self.assert_kept(path.read_bytes().decode(errors="replace"), path)
        self.assertIn("FDL", self.local_record()["environment"])

    # --- arguments, which everybody on the machine may read ---

    def spy(self, name, answer):
        """A program that answers, and notes the arguments of itself and of who started it."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(SPY.format(log=self.folder / "arguments", answer=json.dumps(answer)),
                        encoding="utf-8")
        path.chmod(0o755)
        return path

    def test_programs_that_know_logins_are_told_in_other_ways(self):
        login, = json.loads((self.folder / "docker/config.json").read_text())["auths"]
        self.spy("docker-credential-spy", {"ServerURL": login, "Username": "AWS",
                                           "Secret": self.secrets[3]})
        keys = self.spy("keys", {"Version": 1,
                                 "AccessKeyId": self.environment["AWS_ACCESS_KEY_ID"],
                                 "SecretAccessKey": self.secrets[1]})
        (self.folder / "spied").mkdir()
        (self.folder / "spied/config.json").write_text(
            json.dumps({"credsStore": "spy"}), encoding="utf-8")
        (self.folder / "aws").write_text(f"[default]\ncredential_process = {keys}\n",
                                         encoding="utf-8")
        done = self.skiff("deploy", *FILE, "-le", "WORD", WORD=self.secrets[1],
                          PATH=f"{self.folder}/bin:{os.environ['PATH']}",
                          DOCKER_CONFIG=str(self.folder / "spied"),
                          AWS_CONFIG_FILE=str(self.folder / "aws"),
                          AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY="")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_kept(done.stdout + done.stderr, "deploy")
        log = (self.folder / "arguments").read_text(encoding="utf-8")
        for word in ("docker-credential-spy get", f"{keys}", f"{SKIFF} deploy"):
            self.assertIn(word, log)
        self.assert_kept(log, "arguments")
        variables = self.aws.boto3("""
            answer = client("lambda").get_function_configuration(FunctionName="secret")[
                "Environment"]["Variables"]""")
        self.assertEqual(variables["WORD"], self.secrets[1])
        self.assertEqual(self.skiff("rm", *NAME).returncode, 0)

    def test_what_runs_on_this_machine_has_none_among_its_arguments_and_leaves_no_core(self):
        (self.folder / "waits.sh").write_text("#!/bin/sh\nsleep 54321\n", encoding="ascii")
        done = self.skiff("--local", "init", *FILE, "-s", "waits.sh", "-e", "WORD", "-le", "WORD",
                          WORD=self.secrets[1])
        if "forbids user namespaces" in done.stderr:
            self.skipTest(done.stderr.strip())
        self.assertEqual(done.returncode, 0, done.stderr)
        _, most = resource.getrlimit(resource.RLIMIT_CORE)
        running = subprocess.Popen(
            [SKIFF, "--local", "run", *NAME], cwd=self.folder, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, env={**self.environment, "XDG_DATA_HOME": str(self.data)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        process.wait_until(lambda: any("54321" in each for each in arguments(family(running.pid))),
                           "the function", running)
        pids = family(running.pid)
        self.assertGreater(len(pids), 2)
        self.assert_kept("\n".join(arguments(pids)), "arguments")
        for pid in pids:
            limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
            self.assertRegex(limits, r"Max core file size +0 ")

    def test_no_option_takes_a_password(self):
        for words in (["-p", STORAGE_KEY], [f"-p{STORAGE_KEY}"], ["--password", STORAGE_KEY],
                      [f"--password={STORAGE_KEY}"]):
            done = self.skiff("login", "-u", "me", *words, "registry.example")
            self.assert_refused(done, "--password: everybody on this machine could read it there; "
                                "give it with --password-stdin", status=2)
            self.assert_kept(done.stderr, "login")

    def test_a_variable_without_a_value_is_taken_from_the_environment(self):
        done = self.skiff("--local", "init", *FILE, "-e", "NOWHERE")
        self.assert_refused(done, "--environment: 'NOWHERE' is neither NAME=value nor set in "
                            "skiff's own environment", status=2)

if __name__ == "__main__":
    unittest.main()
