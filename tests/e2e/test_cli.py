# SPDX-License-Identifier: Apache-2.0
"""What a person meets first: help, versions, exit statuses, and bars on a terminal."""

import json
import os
import pty
import re
import subprocess
import time

from tests.support import fixed_base
from tests.support.hostile_registry import HostileRegistry
from tests.support.skiff import CHECKOUT, PROGRAM, SkiffTest

ESCAPE = "\x1b"
OF_THE_AWS_CLI = {"--endpoint-url", "--log-type"}
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


class CliTest(SkiffTest):
    def commands(self):
        text = self.succeed("--help")
        return re.findall(r"(?m)^  ([a-z]+) +\S", text.partition("\noptions")[0])

    def options(self, command):
        """The (short, long) names of each; short may be empty."""
        return re.findall(r"(?m)^ +(?:(-\w+), )?(--[a-z-]+)", self.succeed(command, "--help"))

    def test_help_is_the_same_wherever_it_comes_from(self):
        text = self.succeed("--help")
        self.assertEqual(self.succeed("help"), text)
        done = self.skiff()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (2, "", text))

    def test_the_readme_has_every_command_and_no_others(self):
        commands = self.commands()
        self.assertIn("init", commands)
        for command in commands:
            self.assertRegex(README, rf"skiff (--local )?{command}\b|`{command}\b", command)
        for named in re.findall(r"(?m)^    \$ skiff (?:--local )?([a-z]+)", README):
            self.assertIn(named, commands)

    def test_the_readme_has_every_option_and_no_others(self):
        ours = re.sub(r"(?m)^ +(\$ )?aws .*$", "", README)
        named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", ours)) - OF_THE_AWS_CLI
        options = {pair for command in self.commands() for pair in self.options(command)}
        self.assertEqual([pair for pair in options if not named & set(pair)], [],
                         "not in the README")
        self.assertEqual({name for name in named if name.startswith("--")}
                         - {long for _, long in options}, set(), "not in any help")

    def test_every_command_explains_itself(self):
        for command in self.commands():
            with self.subTest(command):
                text = self.succeed(command, "--help")
                self.assertIn(f"usage: skiff {command}", text)
                self.assertIn("examples:", text)
                self.assertLessEqual(max(map(len, text.splitlines())), 100)
                self.assertEqual(self.succeed("help", command), text)
                self.assertEqual(self.succeed(command, "-h"), text)

    def test_the_version(self):
        makefile = (CHECKOUT / "Makefile").read_text()
        version = re.search(r"^VERSION\s*:= (\S+)$", makefile, re.MULTILINE)[1]
        self.assertEqual(self.succeed("--version"), f"skiff {version}\n")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([PROGRAM, "--help"], stdout=full, stderr=subprocess.PIPE,
                                  check=False, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No space left", done.stderr)

    def test_output_of_any_length_is_missed(self):
        for count in (1, 500, 5000):
            fixed_base.make(self.folder / f"base{count}")
            index = json.loads((self.folder / f"base{count}" / "index.json").read_text())
            (entry,) = index["manifests"]
            index["manifests"] = [
                {**entry, "annotations": {"org.opencontainers.image.ref.name": f"tag-{number}"}}
                for number in range(count)]
            self.write(f"base{count}/index.json", json.dumps(index))
            with self.subTest(count):
                self.assertIn("skiff: write the output: ",
                              self.skiff_in_shell(f"tags oci:base{count} >/dev/full"))

    def test_what_was_closed_takes_nothing_in(self):
        """Else the first file that is opened has the number of stdout, and what is printed."""
        fixed_base.make(self.folder / "base")
        self.environment["XDG_DATA_HOME"] = str(self.folder / "data")
        for closed in ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-":
            with self.subTest(closed):
                self.skiff_in_shell(f"--local init -i oci:base -n hello {closed}")
                files = [each for each in (self.folder / "data").rglob("*") if each.is_file()]
                self.assertEqual((self.folder / "data/skiff/lock").stat().st_size, 0)
                for file in files:
                    self.assertNotIn(b"copied sha256", file.read_bytes(), file)
                self.succeed("--local", "rm", "-n", "hello")
        self.assertEqual(self.skiff_in_shell("tags oci:base >&-"),
                         "skiff: write the output: Bad file descriptor\n")

    def skiff_in_shell(self, words):
        """What it says on stderr."""
        done = subprocess.run(f"{PROGRAM} {words}", shell=True, cwd=self.folder, text=True,
                              env=self.environment, capture_output=True, check=False)
        return done.stderr

    def test_output_comes_before_the_error(self):
        done = subprocess.run([PROGRAM, "doctor"], env=self.environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?s)\Aregion .*\nskiff: doctor: [^\n]*\n\Z")

    def on_a_terminal(self, *words, **environment):
        """What the command writes to a terminal."""
        leader, follower = pty.openpty()
        program = subprocess.Popen([PROGRAM, *words], stdin=follower, stdout=follower,
                                   stderr=follower, cwd=self.folder,
                                   env={**self.environment, "TERM": "xterm", **environment})
        os.close(follower)
        written = b""
        while True:
            try:
                part = os.read(leader, 4096)
            except OSError:
                break
            if not part:
                break
            written += part
        os.close(leader)
        self.assertEqual(program.wait(), 0, written)
        return written.decode()

    def slow_base(self):
        """A registry whose blobs come in two halves, with time to look between them."""
        fixed_base.make(self.folder / "base")

        def halves(body):
            yield body[:100]
            time.sleep(0.4)
            yield body[100:]

        def slow(path, headers, body):
            return headers, halves(body) if "/blobs/" in path else body

        return HostileRegistry(self.folder / "base", slow)

    def test_bars_are_for_terminals_only(self):
        with self.slow_base() as registry:
            self.assertNotIn(ESCAPE, self.succeed("copy", f"{registry.host}/base", "oci:plain"))
            text = self.on_a_terminal("copy", f"{registry.host}/base", "oci:bars")
        self.assertIn(ESCAPE, text)
        self.assertIn("total", text)

    def test_no_color_is_obeyed(self):
        color = re.compile(ESCAPE + r"\[\d*(;\d+)*m")
        with self.slow_base() as registry:
            base = f"{registry.host}/base"
            self.assertRegex(self.on_a_terminal("copy", base, "oci:a"), color)
            self.assertNotRegex(self.on_a_terminal("copy", base, "oci:b", NO_COLOR="1"), color)
