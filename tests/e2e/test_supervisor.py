# SPDX-License-Identifier: Apache-2.0
"""The supervisor in a function: what it runs, what it answers, and what it leaves behind.

Each test gives it a root of its own (busybox, or nothing at all), in namespaces, and plays
Lambda. Both architectures keep the same contract; the foreign one runs under qemu.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

from tests.support import process
from tests.support.supervised_function import (BUSYBOX, MACHINES, Function, encoded,
                                               require_namespaces, supervisor_path)


def setUpModule():
    require_namespaces()


class Contract:
    """What holds on every architecture."""

    architecture = None

    def function(self, **options):
        return Function(self.architecture, **options)

    def output(self, answer):
        self.assertEqual(answer.kind, "response", answer.body)
        return base64.b64decode(answer.json()["body"], validate=True).decode()

    def fails(self, answer, error_type, words):
        self.assertEqual(answer.kind, "error", answer.body)
        error = answer.json()
        self.assertEqual(error["errorType"], error_type)
        self.assertIn(words, error["errorMessage"])
        self.assertEqual(error["requestId"], answer.request_id)
        self.assertEqual(answer.headers["lambda-runtime-function-error-type"], error_type)
        return error

    # --- what is run -------------------------------------------------------------------------

    def test_the_init_script_answers_as_scar_does(self):
        with self.function(config={"name": "test", "init_script": "s.sh", "log_level": "INFO",
                                   "container": {"timeout_threshold": 10}},
                           files={"var/task/s.sh": "echo a; echo b >&2; exit 3"}) as function:
            answer = function.invoke({})
            self.assertEqual(answer.kind, "response")
            self.assertEqual(answer.json(), {
                "statusCode": 200,
                "headers": {"amz-lambda-request-id": answer.request_id,
                            "amz-log-group-name": "/aws/lambda/test",
                            "amz-log-stream-name": "stream",
                            "x-skiff-exit-status": "3"},
                "body": encoded("a\nb\n"),
                "isBase64Encoded": True,
            })
            self.assertEqual(function.log("WARNING"), ["User script exited with code 3!"])
            self.assertIn("\na\nb\n", function.stderr())
            self.assertEqual(function.stdout(), "")

    def test_success_has_no_exit_status_header(self):
        with self.function() as function:
            output, response = function.run("echo fine")
            self.assertEqual(output, "fine\n")
            self.assertNotIn("x-skiff-exit-status", response["headers"])
            self.assertEqual(function.log("WARNING"), [])

    def test_a_script_of_the_event_beats_all_others(self):
        event = {"script": encoded("echo script"), "cmd_args": '["echo", "cmd_args"]'}
        with self.function(config={"init_script": "s.sh"},
                           files={"var/task/s.sh": "echo init_script"},
                           command=["echo", "image"]) as function:
            self.assertEqual(self.output(function.invoke(event)), "script\n")
            del event["script"]
            self.assertEqual(self.output(function.invoke(event)), "cmd_args\n")
            self.assertEqual(self.output(function.invoke({"script": None})), "init_script\n")

    def test_without_any_script_the_image_runs_what_it_always_ran(self):
        with self.function(command=["echo", "the image's own", "command"]) as function:
            self.assertEqual(self.output(function.invoke({})), "the image's own command\n")

    def test_nothing_to_run_is_said_and_does_not_end_the_function(self):
        with self.function() as function:
            self.fails(function.invoke({}), "Skiff.NotFound", "nothing to run")
            self.assertEqual(function.run("echo still here")[0], "still here\n")

    def test_cmd_args_are_looked_up_in_the_path(self):
        with self.function() as function:
            self.assertEqual(self.output(function.invoke({"cmd_args": '["echo", "a  b", "$c"]'})),
                             "a  b $c\n")
            self.assertEqual(self.output(function.invoke({"cmd_args": ["/bin/echo", "list"]})),
                             "list\n")
            self.fails(function.invoke({"cmd_args": '["nowhere"]'}), "Skiff.NotFound",
                       "no program 'nowhere' in PATH (/var/task:/bin)")
            self.fails(function.invoke({"cmd_args": '["/bin/nowhere"]'}), "Skiff.NotFound",
                       "'/bin/nowhere' is not in the image")
            self.fails(function.invoke({"cmd_args": '["/tmp"]'}), "Skiff.InvalidEvent",
                       "'/tmp' is not executable")

    def test_wrong_events_are_function_errors_with_a_reason(self):
        cases = [
            ({"script": "*"}, "event.script: not base64"),
            ({"script": 7}, "event.script: not a string"),
            ({"cmd_args": "[1]"}, "event.cmd_args: item 0 is not a string"),
            ({"cmd_args": "[]"}, "event.cmd_args: not a list"),
            ({"cmd_args": "df -h"}, "event.cmd_args: not JSON"),
            ({"cmd_args": {}}, "event.cmd_args: not a list"),
        ]
        with self.function() as function:
            for event, words in cases:
                with self.subTest(event=event):
                    self.fails(function.invoke(event), "Skiff.InvalidEvent", words)
            self.assertEqual(function.run("echo still here")[0], "still here\n")
            self.assertEqual(function.left_in_tmp(), [])

    def test_any_event_reaches_the_program_byte_for_byte(self):
        deep = b"[" * 100 + b"]" * 100
        with self.function(config={"init_script": "s.sh"},
                           files={"var/task/s.sh": "cat $INPUT_FILE_PATH"}) as function:
            for event in (b"{}", b' { "a" : [1, 2.50] }\n', b'"text"', b"null", b"", b"no JSON",
                          b'{"a": "\\u0000"}', b'{"a": 1, "a": 2}', deep):
                with self.subTest(event=event):
                    self.assertEqual(self.output(function.invoke(event)).encode(), event)

    # --- how scripts are started ---------------------------------------------------------------

    def test_the_interpreter_line_is_followed_without_an_executable_bit(self):
        with self.function(config={"init_script": "s.sh"},
                           files={"var/task/s.sh": "#!  /bin/busybox   cat \nits own text\n"},
                           ) as function:
            self.assertEqual(self.output(function.invoke({})),
                             "#!  /bin/busybox   cat \nits own text\n")

    def test_a_missing_interpreter_is_replaced_by_the_shell(self):
        with self.function() as function:
            self.assertEqual(function.run("#!/bin/bash -e\necho $0")[0][:8], "/tmp/tmp")
            self.assertIn("The image has no '/bin/bash'", function.log("WARNING")[0])

    def test_line_ends_of_windows_are_named(self):
        with self.function() as function:
            self.assertEqual(function.run("#!/bin/sh\r\necho one\r\n")[0], "one\r\n")
            self.assertIn("end as on Windows (CR LF)", function.log("WARNING")[0])

    def test_a_program_may_come_as_script(self):
        with open(BUSYBOX, "rb") as file:
            program = base64.b64encode(file.read()).decode()
        with self.function(busybox=None) as function:
            self.assertEqual(self.output(function.invoke({"script": program})),
                             "script.sh: applet not found\n")

    def test_an_init_script_that_is_not_there_is_named(self):
        with self.function(config={"init_script": "gone.sh"}) as function:
            self.fails(function.invoke({}), "Skiff.NotFound",
                       "init_script: '/var/task/gone.sh' is not in the image")

    def test_a_program_for_nothing_is_told_apart_from_a_missing_one(self):
        with self.function(files={"var/task/garbage": "no program\n"}) as function:
            os.chmod(os.path.join(function.root, "var/task/garbage"), 0o755)
            self.fails(function.invoke({"cmd_args": ["garbage"]}), "Skiff.InvalidEvent",
                       "'/var/task/garbage' cannot start: it is neither a program for this")

    def test_the_working_folder_is_the_images(self):
        with self.function(workdir="/var/task") as function:
            self.assertEqual(function.run("pwd")[0], "/var/task\n")

    # --- the program's world -------------------------------------------------------------------

    def test_the_environment_is_complete_and_the_containers_own_comes_last(self):
        variables = {"NUMBER": 45, "YES": True, "NOTHING": None, "TEXT": "a b",
                     "FROM_IMAGE": "changed", "AWS_LAMBDA_REQUEST_ID": "overridden"}
        with self.function(config={"container": {"environment": {"Variables": variables}}},
                           environment={"FROM_IMAGE": "kept", "OTHER": "1"}) as function:
            output, _ = function.run("env", trace="Root=1-2-3")
            lines = output.splitlines()
            names = [line.split("=")[0] for line in lines]
            self.assertEqual(len(names), len(set(names)), "a variable is there twice")
            seen = dict(line.split("=", 1) for line in lines)
            for name, value in {"NUMBER": "45", "YES": "true", "NOTHING": "", "TEXT": "a b",
                                "FROM_IMAGE": "changed", "OTHER": "1",
                                "AWS_LAMBDA_REQUEST_ID": "overridden",
                                "_X_AMZN_TRACE_ID": "Root=1-2-3"}.items():
                self.assertEqual(seen[name], value, name)
            self.assertRegex(seen["TMP_INPUT_DIR"], r"^/tmp/tmp\w{6}$")
            self.assertRegex(seen["TMP_OUTPUT_DIR"], r"^/tmp/tmp\w{6}$")
            self.assertNotEqual(seen["TMP_INPUT_DIR"], seen["TMP_OUTPUT_DIR"])
            self.assertRegex(seen["INPUT_FILE_PATH"],
                             "^" + seen["TMP_INPUT_DIR"] + "/event-file-")

    def test_nothing_of_one_event_is_seen_by_the_next(self):
        with self.function() as function:
            first, _ = function.run("export LEAK=1; echo x > $TMP_OUTPUT_DIR/x; env",
                                    trace="Root=1-2-3")
            second, _ = function.run("env; ls /tmp")
            self.assertIn("_X_AMZN_TRACE_ID=Root=1-2-3\n", first)
            self.assertNotIn("_X_AMZN_TRACE_ID", second)
            self.assertNotIn("LEAK", second)
            folder = re.search(r"TMP_OUTPUT_DIR=/tmp/(\w+)", first)[1]
            self.assertNotIn(folder, second)

    def test_the_program_gets_empty_input_and_no_connection_of_ours(self):
        with self.function() as function:
            output, _ = function.run("cat; for f in /proc/$$/fd/*; do readlink $f; done")
            files = sorted(output.splitlines())
            self.assertEqual(len(files), 4, files)
            self.assertEqual(files[0], "/dev/null")
            self.assertTrue(files[1].endswith("/script.sh"), "the shell itself opens its script")
            self.assertTrue(files[2].startswith("pipe:"), files)
            self.assertEqual(files[2], files[3])

    def test_folders_are_removed_whatever_is_in_them(self):
        script = ("cd $TMP_OUTPUT_DIR; mkdir 0 1 -p shut/inner; touch shut/inner/file 2\n"
                  "chmod 000 shut/inner shut\n"
                  "i=0; while [ $i -lt 1500 ]; do mkdir d; cd d; i=$((i+1)); done; echo made")
        with self.function() as function:
            self.assertEqual(function.run(script)[0], "made\n")
            self.assertEqual(function.left_in_tmp(), [])
            self.assertEqual(function.log("WARNING"), [])

    def test_without_a_tmp_the_error_says_so(self):
        with self.function(folders=("proc",)) as function:
            self.fails(function.invoke({}), "Skiff.SystemError", "/tmp")

    # --- its end -------------------------------------------------------------------------------

    def processes(self, function):
        output, _ = function.run("for p in /proc/[0-9]*; do cat $p/cmdline; echo; done")
        return output

    def test_a_time_out_is_an_error_with_the_output_so_far_and_kills_everybody(self):
        script = ("sleep 1001 & setsid sleep 1002 & (setsid sh -c 'sleep 1003 & sleep 1004' &)\n"
                  "echo partial; sleep 1005")
        with self.function() as function:
            started = time.monotonic()
            answer = function.invoke({"script": encoded(script)}, left_s=12.9)
            self.assertGreater(time.monotonic() - started, 1.9)
            error = self.fails(answer, "Skiff.Timeout", "time limit of 2 s")
            self.assertTrue(error["errorMessage"].endswith("had printed:\npartial\n"), error)
            self.assertTrue(function.log("ERROR")[0].endswith("of container.timeout_threshold)"))
            self.assertNotIn("sleep", self.processes(function))

    def test_folders_that_a_script_removes_or_replaces_are_gone_as_well(self):
        with self.function() as function:
            function.run("/bin/busybox rm -r $TMP_INPUT_DIR\n/bin/busybox rmdir $TMP_OUTPUT_DIR\n"
                         "/bin/busybox ln -s /var $TMP_OUTPUT_DIR")
            self.assertEqual(function.log("WARNING"), [])
            self.assertEqual(function.left_in_tmp(), [])
            self.assertEqual(function.run("echo /var/*")[0], "/var/task\n")

    def test_an_end_ends_what_was_left_in_the_background(self):
        with self.function() as function:
            started = time.monotonic()
            output, _ = function.run("sleep 1001 & setsid sleep 1002 &\n"
                                     "(setsid sh -c 'sleep 1003 & sleep 1004' &)\necho done")
            self.assertEqual(output, "done\n")
            self.assertLess(time.monotonic() - started, 30)
            self.assertNotIn("sleep", self.processes(function))

    def test_a_program_that_closes_its_output_is_waited_for(self):
        with self.function() as function:
            output, response = function.run("exec >&- 2>&-; sleep 1; exit 4")
            self.assertEqual(output, "")
            self.assertEqual(response["headers"]["x-skiff-exit-status"], "4")

    def test_orphans_that_end_early_are_buried(self):
        with self.function() as function:
            output, _ = function.run("i=0; while [ $i -lt 20 ]; do (true &); i=$((i+1)); done\n"
                                     "sleep 1; cat /proc/[0-9]*/stat")
            self.assertNotIn(") Z ", output)

    def test_a_signal_is_named(self):
        with self.function() as function:
            _, response = function.run("kill -9 $$")
            self.assertEqual(response["headers"]["x-skiff-exit-status"], "137")
            self.assertEqual(function.log("WARNING"),
                             ["User script was killed by signal 9 (Killed)!"])

    def test_a_failing_script_may_be_a_function_error(self):
        config = {"supervisor": {"on_error": "fail"}, "init_script": "s.sh"}
        with self.function(config=config,
                           files={"var/task/s.sh": "echo out; echo err >&2; exit 3"}) as function:
            error = self.fails(function.invoke({}), "Skiff.ScriptFailed", "exited with code 3")
            self.assertTrue(error["errorMessage"].endswith("it had printed:\nout\nerr\n"), error)
            self.assertEqual(function.run("echo fine")[0], "fine\n")
            killed = function.invoke({"script": encoded("kill -9 $$")})
            self.fails(killed, "Skiff.ScriptFailed", "code 137; it had printed nothing")

    def test_no_time_at_all_is_said_before_anything_starts(self):
        with self.function(config={"container": {"timeout_threshold": 20}}) as function:
            answer = function.invoke({"script": encoded("echo x > /tmp/ran")}, left_s=15)
            self.fails(answer, "Skiff.Timeout", "container.timeout_threshold keeps 20 s")
            self.assertEqual(function.left_in_tmp(), [])

    def test_the_environment_changes_the_threshold(self):
        with self.function(config={"container": {"timeout_threshold": 20}},
                           environment={"TIMEOUT_THRESHOLD": "3"}) as function:
            answer = function.invoke({"script": encoded("sleep 1000")}, left_s=5.5)
            self.fails(answer, "Skiff.Timeout", "it had printed nothing")

    def test_without_a_deadline_there_is_no_limit(self):
        with self.function() as function:
            self.assertEqual(function.run("sleep 1; echo ok", left_s=None)[0], "ok\n")

    # --- output --------------------------------------------------------------------------------

    def test_output_is_streamed_to_the_log_while_it_comes(self):
        with self.function() as function:
            invocation = function.api.post({"script": encoded("echo early; sleep 1000")})
            process.wait_until(lambda: "early\n" in function.stderr(), "output in the log")
            self.assertTrue(invocation.answer.empty())

    def test_more_output_than_a_response_carries_is_cut_with_a_notice(self):
        with self.function() as function:
            answer = function.invoke({"script": encoded("yes 0123456789abcde | head -c 8000000")})
            self.assertLess(len(answer.body), 6 * 1024 * 1024)
            output = self.output(answer)
            self.assertGreater(len(output), 4_600_000)
            self.assertIn("of 8000000 bytes", output[-200:])
            self.assertGreater(len(function.stderr()), 8_000_000)

    def test_output_need_not_be_text(self):
        with self.function() as function:
            answer = function.invoke({"script": encoded("printf '\\377\\000\\n'")})
            self.assertEqual(base64.b64decode(answer.json()["body"]), b"\xff\0\n")
            answer = function.invoke({"script": encoded("printf '\\377x'; sleep 1000")},
                                     left_s=11.5)
            self.fails(answer, "Skiff.Timeout", "had printed:\n\ufffdx")

    # --- configuration -------------------------------------------------------------------------

    def test_the_configuration_may_come_in_the_environment_alone(self):
        config = {"init_script": "s.sh",
                  "container": {"environment": {"Variables": {"WHO": "FDL"}}}}
        with self.function(environment={"FDL": encoded(json.dumps(config))},
                           files={"var/task/s.sh": "echo $WHO"}) as function:
            self.assertEqual(self.output(function.invoke({})), "FDL\n")

    def test_the_configuration_may_be_yaml_as_scar_writes_it(self):
        file = "name: f\ninit_script: s.sh\nlog_level: info\ncontainer:\n" \
               "  environment:\n    Variables:\n      K2: 45\n      YES: 'yes'\n"
        with self.function(config_file=file,
                           files={"var/task/s.sh": "echo $K2 $YES $FDL_ONLY"},
                           environment={"FDL": encoded("container: {environment: {Variables: "
                                                       "{FDL_ONLY: 1}}}")}) as function:
            self.assertEqual(self.output(function.invoke({})), "45 yes 1\n")

    def test_what_the_file_does_not_say_is_taken_from_the_environment(self):
        file = {"container": {"environment": {"Variables": {"BOTH": "file", "FILE": "1"}}},
                "init_script": None}
        fdl = {"container": {"environment": {"Variables": {"BOTH": "FDL", "FDL_ONLY": "2"}}},
               "init_script": "s.sh"}
        with self.function(config=file, environment={"FDL": encoded(json.dumps(fdl))},
                           files={"var/task/s.sh": "echo $BOTH $FILE $FDL_ONLY"}) as function:
            self.assertEqual(self.output(function.invoke({})), "file 1 2\n")

    def test_a_broken_environment_is_nothing_to_a_file(self):
        with self.function(config={}, environment={"FDL": "broken"}) as function:
            self.assertEqual(function.run("echo fine")[0], "fine\n")

    def test_a_broken_configuration_is_an_init_error(self):
        variables = {"container": {"environment": {"Variables": {"A=B": "1"}}}}
        cases = [
            ("init_script: [\n", {}, "function_config.yaml:2:1: "),
            ("[]", {}, "function_config.yaml: not a mapping"),
            ('{"init_script": 7}', {}, "'init_script' is not a string"),
            ('{"container": []}', {}, "'container' is not an object"),
            ('{"container": {"timeout_threshold": "soon"}}', {},
             "container.timeout_threshold: 'soon' is not a number of seconds"),
            (json.dumps(variables), {}, "'A=B' is no name for a variable"),
            ("{}", {"TIMEOUT_THRESHOLD": "-1"}, "TIMEOUT_THRESHOLD: '-1'"),
            ('{"supervisor": {"on_error": "retry"}}', {},
             "supervisor.on_error: 'retry' is neither respond nor fail"),
            ('{"file_stage_in": "perhaps"}', {}, "file_stage_in: 'perhaps'"),
            ("{}", {"DOWNLOAD_INPUT": "perhaps"}, "DOWNLOAD_INPUT: 'perhaps'"),
            (None, {"FDL": "*"}, "FDL: not base64"),
            (None, {"FDL": encoded("a: b: c")}, "FDL:1:5: "),
        ]
        for config_file, environment, words in cases:
            with self.subTest(config=config_file, environment=environment):
                with self.function(config_file=config_file, environment=environment) as function:
                    error = function.api.init_errors.get(timeout=30)
                    self.assertIn(words, error.json()["errorMessage"])
                    self.assertEqual(error.json()["errorType"], "Skiff.InvalidConfiguration")
                    self.assertEqual(error.headers["lambda-runtime-function-error-type"],
                                     "Skiff.InvalidConfiguration")
                    self.assertEqual(function.wait(), 1)
                    self.assertIn(words, function.log("CRITICAL")[0])

    def test_log_levels_hide_lines_and_unknown_ones_are_info(self):
        with self.function(config={"log_level": "warning"}) as function:
            function.run("true")
            self.assertEqual(function.log("INFO"), [])
        with self.function(config={"log_level": "LOUD"}) as function:
            function.run("true")
            self.assertNotEqual(function.log("INFO"), [])
            self.assertIn("log_level 'LOUD' is unknown", function.log("WARNING")[0])
        with self.function(config={"log_level": "INFO"},
                           environment={"LOG_LEVEL": "Error"}) as function:
            function.run("exit 3")
            self.assertEqual(function.log(), [])

    # --- the Runtime API -----------------------------------------------------------------------

    def test_one_connection_serves_all_events_whatever_http_proxy_says(self):
        nobody = "http://127.0.0.1:1"
        with self.function(environment={"http_proxy": nobody, "all_proxy": nobody}) as function:
            for number in range(5):
                self.assertEqual(function.run(f"echo {number}")[0], f"{number}\n")
            self.assertEqual(function.api.connections, 1)

    def test_a_refused_answer_does_not_end_the_function(self):
        with self.function() as function:
            function.api.refuse_with(413)
            function.api.post({"script": encoded("echo lost")})
            self.assertEqual(function.run("echo next")[0], "next\n")
            self.assertIn("status 413", function.log("ERROR")[0])

    def test_an_api_that_breaks_down_ends_the_function(self):
        with self.function() as function:
            function.api.refuse_with(500)
            function.api.post({"script": encoded("echo lost")})
            self.assertEqual(function.wait(), 1)
            self.assertIn("status 500", function.log("CRITICAL")[0])

    def test_an_api_out_of_reach_ends_the_function(self):
        with self.function(environment={"AWS_LAMBDA_RUNTIME_API": "127.0.0.1:1"}) as function:
            self.assertEqual(function.wait(), 1)
            self.assertIn("http://127.0.0.1:1/2018-06-01/runtime/invocation/next",
                          function.log("CRITICAL")[0])

    def test_a_request_id_cannot_become_a_path(self):
        with self.function() as function:
            function.api.post({}, request_id="../../x")
            self.assertEqual(function.wait(), 1)
            self.assertIn("'../../x' is no request id", function.log("CRITICAL")[0])

    # --- the program itself --------------------------------------------------------------------

    def test_an_empty_image_suffices(self):
        with self.function(busybox=None, folders=("tmp",)) as function:
            self.fails(function.invoke({}), "Skiff.NotFound", "nothing to run")
            self.fails(function.invoke({"script": encoded("echo")}), "Skiff.NotFound",
                       "needs a shell and the image has no /bin/sh")
            # The one program there is; without the API's address it only says its name.
            command = [*function._runner, "/var/task/supervisor", "--version"]
            self.assertRegex(self.output(function.invoke({"cmd_args": command})),
                             r"\Asupervisor \d+\.\d+\.\d+\n\Z")

    def test_it_is_static(self):
        headers = subprocess.run(["readelf", "-hlW", supervisor_path(self.architecture)],
                                 capture_output=True, text=True, check=True).stdout
        self.assertNotIn("INTERP", headers)
        self.assertNotIn("DYNAMIC", headers)
        self.assertRegex(headers, {"amd64": "X86-64", "arm64": "AArch64"}[self.architecture])


class SupervisorAmd64(Contract, unittest.TestCase):
    architecture = "amd64"


class SupervisorArm64(Contract, unittest.TestCase):
    architecture = "arm64"


class SupervisorBuild(unittest.TestCase):
    def test_two_builds_in_different_folders_give_the_same_bytes(self):
        with tempfile.TemporaryDirectory(prefix="skiff-supervisor-") as folder:
            shutil.copy("Makefile", folder)
            for room in ("oci/base", "lambda/signer", "lambda/supervisor", "static"):
                shutil.copytree(room, os.path.join(folder, room))
            subprocess.run(["make", "-s", "-C", folder, "supervisors"], check=True, umask=0o077,
                           capture_output=True,
                           env={**os.environ, "TZ": "Asia/Tokyo", "CFLAGS": "-O0"})
            for architecture in MACHINES:
                with open(supervisor_path(architecture), "rb") as first, \
                        open(os.path.join(folder, supervisor_path(architecture)), "rb") as second:
                    self.assertEqual(first.read(), second.read(), architecture)


if __name__ == "__main__":
    unittest.main()
