# SPDX-License-Identifier: Apache-2.0
"""Every option of SCAR 4.3.1: taken as it is, or refused with what to use instead.

testdata/scar/help.txt is what `scar COMMAND -h` prints.
"""

import re
import unittest

from tests.support.skiff import CHECKOUT, SkiffTest

HELP = CHECKOUT / "testdata" / "scar" / "help.txt"
OPTION = re.compile(r"^  (-[a-z]+)(?: ([A-Z_]+))?, (--[a-z-]+)", re.MULTILINE)

# What skiff does not take, and words of what it says then.
REFUSED = {
    ("init", "--layers"): "--copy puts files into it",
    ("init", "--batch-memory"): "nothing of AWS Batch",
    ("init", "--batch-vcpus"): "nothing of AWS Batch",
    ("init", "--enable-gpu"): "nothing of AWS Batch",
    ("init", "--preheat"): "skiff run -n NAME",
    ("init", "--api-gateway-name"): "function_url:",
    ("init", "--verbose"): "--json",
    ("invoke", "--asynchronous"): "aws lambda invoke",
    ("invoke", "--data-binary"): "--payload @FILE",
    ("invoke", "--json-data"): "--payload JSON",
    ("invoke", "--parameters"): "function_url:",
    ("run", "--asynchronous"): "aws lambda invoke",
    ("run", "--input-bucket"): "--payload",
    ("run", "--verbose"): "--json",
    ("ls", "--bucket"): "aws s3 ls",
    ("ls", "--verbose"): "--json",
    ("rm", "--all"): "skiff rm -n NAME",
    ("rm", "--verbose"): "--json",
}
COMMANDS = {
    "put": "aws s3 cp",
    "get": "aws s3 cp",
}
NUMBERS = {"MEMORY", "TIMEOUT", "TIMEOUT_THRESHOLD"}


def commands():
    """{command: [(short, argument or None, long)]} of SCAR's help."""
    parts = re.split(r"^\$ scar (\w+) -h$", HELP.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {name: [found for found in OPTION.findall(text) if found[2] != "--help"]
            for name, text in zip(parts[1::2], parts[2::2])}


class ScarOptionsTest(SkiffTest):
    def test_every_option_is_taken_or_refused_with_what_to_use_instead(self):
        seen = set()
        for command, options in commands().items():
            self.assertTrue(options, command)
            for short, argument, name in options:
                value = [] if not argument else ["100" if argument in NUMBERS else "x"]
                for spelling in (short, name):
                    with self.subTest(command=command, option=spelling):
                        seen.add((command, name))
                        self.check(command, name, [spelling, *value])
        self.assertEqual(set(REFUSED) - seen, set())
        self.assertGreater(len(seen), 50)

    def check(self, command, name, words):
        if command in COMMANDS:
            self.fail_with(2, command, *words, says=[f"no command '{command}'", COMMANDS[command]])
        elif (command, name) in REFUSED:
            self.fail_with(2, command, *words, says=[f"{name}: ", REFUSED[command, name]])
        else:
            done = self.skiff(command, *words, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_help_tells_of_those_that_are_taken_alone(self):
        for command, options in commands().items():
            if command in COMMANDS:
                continue
            text = self.succeed(command, "--help")
            for _, _, name in options:
                told = re.search(rf"{name}(?![a-z-])", text) is not None
                self.assertEqual(told, (command, name) not in REFUSED, (command, name))

    def test_values_that_mean_another_mode_are_refused(self):
        base = ["init", "-i", "alpine", "-n", "f"]
        self.fail_with(2, *base, "-em", "batch", says=["execution mode 'batch'", "AWS Batch"])
        self.fail_with(2, *base, "-rt", "python3.7", says=["runtime 'python3.7'", "'image'"])
        self.fail_with(2, *base, "-tt", "300", says="--timeout-threshold: expected 0 to 299")
        self.fail_with(2, *base, "-ib", "/", says="--input-bucket: '/' names no bucket")
        self.fail_with(2, *base, "-ib", "photos", "-ob", "photos/out",
                       says="--output-bucket: 'photos/out' is within the input 'photos'")

    def test_a_function_is_named_or_its_file_is_but_not_both(self):
        for command in ("run", "rm"):
            self.fail_with(2, command, says="say which function: -n NAME or -f FILE")
            self.fail_with(2, command, "-n", "f", "-f", "f.yaml", says="not both")
        path = self.write("two.yaml", "functions:\n  aws:\n" + "".join(
            f"  - lambda:\n      name: {name}\n      container:\n        image: alpine\n"
            for name in ("one", "two")))
        self.fail_with(2, "run", "-f", path, says="has 2 functions: say which with -n NAME")
        done = self.skiff("--local", "rm", "-f", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("no function"), 2, done.stderr)


if __name__ == "__main__":
    unittest.main()
