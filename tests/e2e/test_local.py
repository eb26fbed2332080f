# SPDX-License-Identifier: Apache-2.0
"""Functions on this machine: init, run and rm with --local, as whoever runs the tests and,
where that is root, as an ordinary user, too.
"""

import base64
import json
import os
import random
import shutil
import signal
import subprocess
import time
import unittest

from tests.support import process
from tests.support.local_case import AS_NOBODY, LocalCase

# What an empty place keeps.
EMPTY = {"lock", "images/oci-layout", "images/index.json"}


class LocalTest(LocalCase):
    def test_the_story(self):
        self.init("hello", "echo hello from a script; echo and its errors >&2")
        done = self.skiff("run", "-n", "hello")
        self.assertIn("hello from a script\nand its errors\n", done.stdout)
        self.assertIn("Log Group Name: /aws/lambda/hello\n", done.stdout)
        log = (self.data / "functions" / "hello.log").read_text(encoding="utf-8")
        self.assertRegex(log, r"^START RequestId: [0-9a-f-]{36} Version: \$LATEST\n")
        self.assertIn("\nREPORT RequestId: ", log)

        self.assertIn("exists already", self.skiff("init", "-i", self.image(), "-n", "hello",
                                                   status=1).stderr)
        self.skiff("rm", "-n", "hello")
        self.assertEqual(self.files(), EMPTY)
        self.assertEqual(os.listdir(self.data / "roots"), [])
        for command in ("run", "rm"):
            self.assertIn("no function 'hello' on this machine",
                          self.skiff(command, "-n", "hello", status=1).stderr)

    def test_without_a_supervisor_the_image_asks_for_events_itself(self):
        self.write("client.sh", """\
            next=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
            wget -q -S -O /tmp/event $next/next 2>/tmp/head
            id=$(sed -n 's/.*Aws-Request-Id: *//Ip' /tmp/head | tr -d '\\r')
            ls /var/task >&2
            wget -q -O - --post-data "{\\"greeting\\": \\"$GREETING\\", \\"PATH\\": \\"$PATH\\"}" \\
                $next/$id/response >/dev/null
            """)
        definition = self.write("none.yaml", f"""\
            functions:
              aws:
              - lambda:
                  name: own
                  init_script: client.sh
                  supervisor: {{mode: none}}
                  image_config: {{command: [/bin/sh, /var/task/client.sh]}}
                  container: {{image: "{self.image()}"}}
            """)
        self.skiff("init", "-f", definition)
        self.assertEqual(json.loads(self.output("own")), {
            "greeting": "hello from the base image", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        log = (self.data / "functions" / "own.log").read_text(encoding="utf-8")
        self.assertIn("\nclient.sh\nfunction_config.yaml\n", log)
        self.assertIn("--supervisor names a supervisor, and",
                      self.skiff("build", "-f", definition, "--supervisor", self.program,
                                 "--to", "oci:x", status=2).stderr)

    def deploy(self, script, *arguments, verb="deploy", status=0):
        return self.skiff(verb, "-i", self.image(), "-n", "again", "-s",
                          self.write("s.sh", script), *arguments, status=status)

    def test_inputs_call_nobody_here_and_that_is_said(self):
        self.write("s.sh", "echo hello")
        for verb, paths in (("init", ("-ib", "photos/in")), ("update", ("--input-bucket", "b2b"))):
            done = self.skiff(verb, "-i", self.image(), "-n", "fed", "-s", "s.sh", *paths)
            self.assertIn("No bucket calls a function on this machine; 'skiff --local run -n fed "
                          "-p EVENT' does.\n", done.stdout)

    def test_an_environment_that_lambda_would_refuse_is_warned_of(self):
        told = "warning: the environment of function 'again' has"
        done = self.deploy("echo one", "-le", "LONG=" + "x" * 4000)
        self.assertIn(told, done.stderr)
        self.assertIn("one\n", self.output("again"))
        done = self.deploy("echo two", "-le", "LONG=short")
        self.assertNotIn(told, done.stderr)

    def test_deploy_makes_then_changes_then_does_nothing(self):
        self.assertIn("no function 'again' to update; make it with: skiff --local init",
                      self.deploy("echo one", verb="update", status=1).stderr)
        plan = self.deploy("echo one", "--dry-run").stdout
        self.assertIn("call      create function again\n", plan)
        self.assertFalse(self.data.exists() and self.files() - {"lock"})
        self.deploy("echo one; env", "-le", "AGE=1", "-le", "OLD=1")
        self.assertIn("one\n", self.output("again"))
        before = self.files()
        self.assertIn("Function 'again' is as the definition has it.\n",
                      self.deploy("echo one; env", "-le", "AGE=1", "-le", "OLD=1").stdout)
        self.assertEqual(self.files(), before)

        self.assertIn("call      update function again\n",
                      self.deploy("echo two; env", "--dry-run").stdout)
        done = self.deploy("echo two; env", "-le", "AGE=2", "--unset", "OLD", verb="update")
        self.assertIn("Function 'again' updated.\n", done.stdout)
        output = self.output("again")
        self.assertTrue(output.startswith("two\n"), output)
        self.assertIn("AGE=2\n", output)
        self.assertNotIn("OLD=", output)
        self.deploy("echo two; env", "--replace-env")
        self.assertNotIn("AGE=", self.output("again"))
        listed = json.loads(self.skiff("ls", "--json").stdout)["Functions"]
        self.assertEqual([(one["Name"], one["Memory"], one["Timeout"]) for one in listed],
                         [("again", 512, 300)])
        # Nothing of what went before is kept.
        self.assertEqual(len(roots(self.data)), 1)
        self.skiff("rm", "-n", "again")
        self.assertEqual(self.files(), EMPTY)

    def test_a_configuration_may_run_something_else(self):
        path = self.write("config.yaml", f"""\
            functions:
              aws:
              - lambda:
                  name: other
                  container: {{image: "{self.image()}"}}
                  image_config:
                    command: [sh, -c, "echo the event > /dev/null; pwd"]
                    working_directory: /usr
            """)
        self.skiff("init", "-f", path)
        self.assertEqual(self.output("other"), "/usr\n")

    def test_json_says_what_a_program_wants_to_know(self):
        self.init("hello", "printf words")
        result = json.loads(self.skiff("--json", "run", "-n", "hello").stdout)["LambdaOutput"]
        self.assertEqual(result["Payload"], "words")
        self.assertRegex(result["RequestId"], "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual(result["LogGroupName"], "/aws/lambda/hello")
        self.assertRegex(result["LogStreamName"], r"^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$")

    def test_the_function_is_nobody_special(self):
        self.init("who", """\
            id -u
            id -g
            grep Cap /proc/self/status
            cat /proc/1/comm
            pwd
        """)
        lines = self.output("who").splitlines()
        self.assertEqual(lines[:2], ["993", "993"])
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            self.assertIn(f"{name}:\t0000000000000000", lines)
        self.assertEqual(lines[-2:], ["supervisor", "/srv"])

    def test_only_tmp_can_be_written_and_is_fresh_each_time(self):
        self.init("writer", """\
            for place in / /etc /var/task /dev /bin; do
                touch $place/new 2>/dev/null && echo "$place can be written"
            done
            ls /tmp | grep -v -e '^tmp'
            echo kept > /tmp/file && cat /tmp/file
        """)
        for _ in range(2):
            self.assertEqual(self.output("writer"), "kept\n")

    def test_invoke_prints_the_answer_as_it_is(self):
        self.init("f", 'cat "$INPUT_FILE_PATH"')
        event = self.write("event.json", '{"from": "a file"}')
        for payload, text, body in (('{"n": 1}', "", '{"n": 1}'),
                                    ("@" + event, "", '{"from": "a file"}'),
                                    ("-", '{"on": "stdin"}', '{"on": "stdin"}')):
            done = self.skiff("--quiet", "invoke", "-n", "f", "--payload", payload, text=text)
            answer = json.loads(done.stdout)
            self.assertEqual(base64.b64decode(answer["body"]).decode(), body)
        self.skiff("invoke", "-n", "f", "-o", "answer.json")
        self.assertIn("statusCode", json.loads((self.folder / "answer.json").read_bytes()))
        told = json.loads(self.skiff("invoke", "-n", "f", "--json").stdout)
        self.assertEqual((told["Failed"], json.loads(told["Payload"])["statusCode"]), (False, 200))

        done = self.skiff("invoke", "-n", "f", "--payload", '{"script": 7}', status=1)
        self.assertEqual(json.loads(done.stdout)["errorType"], "Skiff.InvalidEvent")
        self.assertIn("REPORT RequestId", done.stderr)
        self.assertIn("function 'f' failed", done.stderr)
        for payload, status, says in (("{", 2, "--payload"), ("@missing", 1, "'missing'"),
                                      ("-", 2, "--payload")):
            self.assertIn(says, self.skiff("invoke", "-n", "f", "--payload", payload,
                                           status=status).stderr)
        self.assertIn("say which function", self.skiff("invoke", status=2).stderr)

    def test_repeated_runs_find_the_function_warm(self):
        self.init("again", "test -e /tmp/seen && echo warm || echo cold; touch /tmp/seen")
        done = self.skiff("--quiet", "run", "-n", "again", "--repeat", "3")
        self.assertEqual(done.stdout, "cold\nwarm\nwarm\n")
        log = (self.data / "functions" / "again.log").read_text(encoding="utf-8")
        self.assertEqual([log.count(word) for word in ("START", "END", "REPORT", "Init Duration")],
                         [3, 3, 3, 1])
        self.assertIn("--repeat", self.skiff("run", "-n", "again", "--repeat", "0",
                                             status=2).stderr)
        self.assertEqual(self.output("again"), "cold\n")  # another command, another sandbox

    def test_who_interrupts_repeated_runs_has_seen_those_that_were_over(self):
        self.init("turns", "echo a turn; test -e /tmp/seen && sleep 600; touch /tmp/seen")
        run = process.start([*self.prefix, self.program, "--quiet", "run", "-n", "turns",
                             "--repeat", "2"], env=self.environment, cwd=self.folder, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(process.stop, run)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        self.assertEqual(run.stdout.readline(), "a turn\n")
        run.send_signal(signal.SIGINT)
        self.assertEqual(run.wait(timeout=60), -signal.SIGINT)

    def test_the_environment_is_lambdas_the_images_and_the_functions(self):
        definition = self.write("function.yaml", f"""\
            functions:
              aws:
              - lambda:
                  runtime: image
                  name: env
                  memory: 300
                  init_script: {self.write("env.sh", "env")}
                  environment:
                    Variables: {{MOOD: good}}
                  container:
                    image: {self.image()}
                    environment:
                      Variables: {{INSIDE: "yes"}}
        """)
        self.skiff("init", "-f", definition)
        found = dict(line.split("=", 1) for line in self.output("env").splitlines()
                     if "=" in line)
        expected = {
            "GREETING": "hello from the base image",
            "MOOD": "good",
            "INSIDE": "yes",
            "PYTHONIOENCODING": "utf8",
            "PATH": "/var/task:/usr/sbin:/usr/bin:/sbin:/bin",
            "TZ": ":UTC",
            "LAMBDA_TASK_ROOT": "/var/task",
            "AWS_EXECUTION_ENV": "AWS_Lambda_Image",
            "AWS_LAMBDA_FUNCTION_NAME": "env",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "300",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/env",
            "AWS_REGION": "us-east-1",
        }
        self.assertEqual({name: found.get(name) for name in expected}, expected)
        self.assertRegex(found["IMAGE_ID"], "^skiff.local/env@sha256:[0-9a-f]{64}$")
        self.assertIn("FDL", found)
        self.assertNotIn("SKIFF_LOCAL", found)  # nothing of the caller's

    def test_exit_status_and_commands_come_through(self):
        self.init("status", "echo out; exit 7")
        done = self.skiff("--quiet", "run", "-n", "status", status=1)
        self.assertEqual(done.stdout, "out\n")
        self.assertIn("exit status 7", done.stderr)
        self.assertEqual(self.output("status", "echo", "two words", "$HOME"),
                         "two words $HOME\n")
        self.assertEqual(self.output("status", "sh", "-c", "echo a >/dev/stdout;"
                                     "echo b >>/dev/stderr"), "a\nb\n")

    def test_an_image_without_a_shell_runs_its_own_command(self):
        self.skiff("init", "-i", self.image("scratch"), "-n", "own")
        self.assertEqual(self.output("own"), "hello from the image's own command\n")

    def test_time_runs_out(self):
        definition = self.write("function.yaml", f"""\
            functions:
              aws:
              - lambda:
                  runtime: image
                  name: slow
                  timeout: 1
                  init_script: {self.write("slow.sh", "sleep 600")}
                  container: {{image: "{self.image()}", timeout_threshold: 0}}
        """)
        self.skiff("init", "-f", definition)
        begun = time.monotonic()
        done = self.skiff("run", "-n", "slow", status=1)
        self.assertLess(time.monotonic() - begun, 60)
        self.assertRegex(done.stderr, "time|Time")

    def test_a_supervisor_that_ends_is_an_exit_error(self):
        busybox = shutil.which("busybox")
        if not busybox:
            self.skipTest("no busybox")
        self.skiff("init", "-i", self.image(), "-n", "broken", "--supervisor", busybox)
        self.assertIn("Runtime.ExitError", self.skiff("run", "-n", "broken", status=1).stderr)

    def test_two_first_runs_at_once_share_one_root(self):
        self.init("twice", "echo done")
        runs = [subprocess.Popen([*self.prefix, self.program, "--quiet", "run", "-n", "twice"],
                                 env=self.environment, cwd=self.folder, text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                for _ in range(3)]
        for run in runs:
            out, err = run.communicate(timeout=60)
            if "forbids user namespaces" in err:
                self.skipTest(err.strip())
            self.assertEqual((run.returncode, out), (0, "done\n"), err)
        self.assertEqual(len(roots(self.data)), 1)

    def test_a_killed_init_is_in_nobodys_way(self):
        script = self.write("s.sh", "echo fine")
        for delay in (0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05):
            init = subprocess.Popen(
                [*self.prefix, self.program, "init", "-i", self.image(), "-n", "phoenix", "-s",
                 script], env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL)
            time.sleep(delay * random.uniform(0.5, 1.5))
            init.kill()
            init.wait()
            if (self.data / "functions" / "phoenix.json").exists():
                self.skiff("rm", "-n", "phoenix")  # it was quicker
            self.init("phoenix", "echo fine")
            self.assertEqual(self.output("phoenix"), "fine\n")
            self.skiff("rm", "-n", "phoenix")
            self.assertEqual(self.files(), EMPTY)
            self.assertEqual(os.listdir(self.data / "roots"), [])

    def test_a_killed_run_takes_its_function_along(self):
        seconds = str(random.randrange(10**6, 10**7))
        self.init("sleeper", f"setsid sleep {seconds} & sleep {seconds}")
        run = process.start([*self.prefix, self.program, "run", "-n", "sleeper"],
                            env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)
        self.addCleanup(run.stderr.close)
        try:
            process.wait_until(lambda: len(process.with_arguments("sleep", seconds)) == 2, "sleeper", run)
        except RuntimeError:
            if run.poll() is None:
                raise
            self.skipTest(run.stderr.read().decode())
        run.send_signal(signal.SIGKILL)
        run.wait()
        process.wait_until(lambda: not process.with_arguments("sleep", seconds), "the end of the sleepers")

    def test_where_user_namespaces_are_forbidden_all_else_works(self):
        forbid = ("unshare", "--user", "--map-root-user", "sh", "-c",
                  'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', "sh")
        if subprocess.run([*self.prefix, *forbid, "true"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("cannot forbid user namespaces where they are not allowed")
        self.skiff("init", "-i", self.image(), "-n", "f", before=forbid)
        done = self.skiff("run", "-n", "f", status=1, before=forbid)
        self.assertEqual(len(done.stderr.strip().splitlines()[-1:]), 1)
        for words in ("forbids user namespaces", "No space left on device",
                      "user.max_user_namespaces", "build, copy, inspect"):
            self.assertIn(words, done.stderr)
        self.skiff("build", "-i", self.image(), "--to", f"oci:{self.folder}/out:v1",
                   before=forbid)
        self.skiff("rm", "-n", "f", before=forbid)
        self.assertEqual(self.files(), EMPTY)


def roots(data):
    """The images that are unpacked."""
    return [name for name in os.listdir(data / "roots") if not name.startswith("chain-")]


@unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "is done by itself already")
class LocalAsOrdinaryUserTest(LocalTest):
    prefix = AS_NOBODY


if __name__ == "__main__":
    unittest.main()
