# SPDX-License-Identifier: Apache-2.0
"""The sandbox functions of this machine run in: what it is on machines that allow much and on
those that allow little, what it is kept from and how one looks around in it.
"""

import os
import platform
import pty
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from tests.support import process
from tests.support.local_case import AS_NOBODY, NOBODY, LocalCase

IS_ROOT = os.geteuid() == 0
KERNEL = tuple(int(number) for number in re.findall(r"\d+", platform.release())[:2])
FOREIGN = "x86_64" if platform.machine() == "aarch64" else "aarch64"
QEMU = shutil.which(f"qemu-{FOREIGN}-static")
# Runs a script first, in a mount namespace of its own.
PRIVATELY = ("unshare", "--mount", "--propagation", "private", "sh", "-ec")
STRANGER = 4711


def ask_as(user, address):
    """The first line that the server at this address tells a user of the machine."""
    host, port = address.split(":")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            with socket.socket() as connection:
                connection.settimeout(20)
                connection.connect((host, int(port)))
                connection.sendall(b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
                os.write(writer, connection.recv(1000) or b"nothing")
        except ConnectionError:
            os.write(writer, b"nothing")
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said.split("\r\n")[0]


class GuardedCase(LocalCase):
    """Who on the machine is told a function's events."""

    caller = NOBODY
    stranger = STRANGER  # as skiff sees him

    def check_that_strangers_are_refused(self):
        seconds = str(random.randrange(10**6, 10**7))
        self.init("guarded", f"sleep {seconds}; echo done")
        run = process.start([*self.prefix, self.program, "run", "-n", "guarded"], text=True,
                            env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
        self.addCleanup(process.stop, run)
        process.wait_until(lambda: process.with_arguments("sleep", seconds), "sleeper", run)
        (sleeper,) = [path.parent for path in process.with_arguments("sleep", seconds)]
        variables = (sleeper / "environ").read_text(encoding="utf-8").split("\0")
        address = dict(line.partition("=")[::2] for line in variables)["AWS_LAMBDA_RUNTIME_API"]
        for _ in range(80):  # more than there are slots for connections
            self.assertIn(ask_as(STRANGER, address), ("nothing", "HTTP/1.1 403 Forbidden"))
        self.assertEqual(ask_as(self.caller, address), "HTTP/1.1 404 Not Found")
        os.kill(int(sleeper.name), signal.SIGTERM)
        out, err = run.communicate(timeout=60)
        self.assertIn("done\n", out)
        self.assertEqual(run.returncode, 0, err)
        log = self.skiff("log", "-n", "guarded").stdout
        self.assertEqual(log.count(f"skiff: user {self.stranger} of this machine tried to ask for the "
                                   "function's events, and was refused\n"), 1, log)


class SandboxTest(GuardedCase):
    caller = os.geteuid()

    @unittest.skipUnless(IS_ROOT, "needs root, to be somebody else")
    def test_other_users_do_not_reach_the_runtime_api(self):
        self.check_that_strangers_are_refused()

    def test_layers_are_unpacked_once_for_all_functions(self):
        self.init("one", "echo one")
        first = self.skiff("run", "-n", "one").stderr
        self.assertEqual(first.count("unpacked sha256:"), 3, first)
        self.init("two", "echo two")
        second = self.skiff("run", "-n", "two").stderr
        self.assertEqual(second.count("unpacked sha256:"), 1, second)  # its script
        chains = [chain / "bin" / "busybox" for chain in (self.data / "roots").glob("chain-*")
                  if not chain.is_symlink()]
        self.assertEqual(len(chains), 4)  # the base, with the supervisor, with either script
        self.assertEqual(len({path.stat().st_ino for path in chains}), 1)

        # A changed script finds the base still there, though its own root is gone.
        self.skiff("rm", "-n", "two")
        self.skiff("update", "-i", self.image(), "-n", "one", "-s",
                   self.write("s.sh", "echo three"))
        third = self.skiff("run", "-n", "one")
        self.assertEqual(third.stderr.count("unpacked sha256:"), 1, third.stderr)
        self.assertIn("three\n", third.stdout)

        # So does one that copies other files than before.
        self.skiff("update", "-i", self.image(), "-n", "one", "-s", self.write("s.sh", "cat /copy"),
                   "--copy", f"{self.write('copied', 'four')}:/copy")
        fourth = self.skiff("run", "-n", "one")
        self.assertEqual(fourth.stderr.count("unpacked sha256:"), 3, fourth.stderr)
        self.assertIn("four", fourth.stdout)
        self.assertNotIn("unpacked", self.skiff("run", "-n", "one").stderr)
        self.skiff("rm", "-n", "one")
        self.assertEqual(os.listdir(self.data / "roots"), [])

    def test_tmp_is_as_large_as_the_definition_says(self):
        self.define("large", "df -k /tmp | tail -n 1 | tr -s ' ' | cut -d ' ' -f 2",
                    ephemeral_storage=600)
        self.assertEqual(self.output("large"), f"{600 * 1024}\n")

    def test_there_are_as_many_files_and_processes_as_in_lambda(self):
        self.init("bomb", "ulimit -n; (i=0; while sleep 100 & do i=$((i+1)); done); echo survived")
        done = self.skiff("--quiet", "run", "-n", "bomb")
        self.assertRegex(done.stdout, "^1024\n.*can't fork: Resource temporarily unavailable\n"
                                      "survived\n$")

    def test_ids_of_others_are_refused_as_in_lambda(self):
        self.init("ids", "touch /tmp/x; chown 33 /tmp/x; chgrp 33 /tmp/x; chown 993:993 /tmp/x"
                         " && echo fine; true")
        lines = self.output("ids").splitlines()
        self.assertEqual([line.rsplit(": ")[-1] for line in lines],
                         ["Operation not permitted", "Operation not permitted", "fine"])

    def test_the_other_machines_programs_run_under_qemu(self):
        if not QEMU or KERNEL < (6, 7):
            self.skipTest(f"needs Linux 6.7 and qemu-{FOREIGN}-static")
        self.define("foreign", "uname -m; sh -c 'echo a child of it: $(uname -m)'; id -u",
                    architectures="[arm64]" if FOREIGN == "aarch64" else "[x86_64]")
        self.assertEqual(self.output("foreign"), f"{FOREIGN}\na child of it: {FOREIGN}\n993\n")
        self.assertEqual(self.skiff("shell", "foreign", "uname", "-m").stdout, f"{FOREIGN}\n")
        table = Path("/proc/sys/fs/binfmt_misc")  # the host's has nothing of ours
        self.assertFalse((table / "skiff").exists())

    def test_a_shell_is_where_the_function_would_be(self):
        self.init("looked-at", "echo never runs")
        done = self.skiff("shell", "looked-at", "sh", "-c",
                          "pwd; id -u; echo $GREETING; echo $AWS_LAMBDA_FUNCTION_NAME; cat; "
                          "ls /var/task; echo to stderr >&2; exit 7", status=7,
                          text="from the caller\n")
        self.assertEqual(done.stdout, "/srv\n993\nhello from the base image\nlooked-at\n"
                                      "from the caller\nfunction_config.yaml\ns.sh\nsupervisor\n")
        self.assertTrue(done.stderr.endswith("to stderr\n"), done.stderr)
        self.assertEqual(self.skiff("shell", "looked-at", text="echo the image\\'s shell\n").stdout,
                         "the image's shell\n")
        self.assertIn("nothing: No such file or directory",
                      self.skiff("shell", "looked-at", "nothing", status=1).stderr)
        self.skiff("init", "-i", self.image("scratch"), "-n", "bare")
        self.assertIn("no shell starts in the image (/bin/sh: No such file or directory): name a "
                      "program", self.skiff("shell", "bare", status=1).stderr)
        self.assertIn("no function 'missing' on this machine",
                      self.skiff("shell", "missing", status=1).stderr)
        self.assertIn("shell takes NAME", self.skiff("shell", status=2).stderr)
        self.skiff("shell", "looked-at", "sh", "-c", "sleep 9 & exec sleep 0")
        self.skiff("shell", "looked-at", "sh", "-c", "kill -TERM $$; sleep 9", status=143)

    def shell_at_a_terminal(self, *command):
        self.init("looked-at", "echo never runs")
        self.skiff("shell", "looked-at", "true")
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.folder)
            os.execvpe((*self.prefix, self.program)[0],
                       [*self.prefix, self.program, "shell", "looked-at", *command],
                       self.environment | {"TERM": "vt100"})
        self.addCleanup(os.close, terminal)
        return pid, terminal

    def test_ctrl_c_ends_a_command(self):
        # One that is executed, so that no shell is there to listen.
        pid, terminal = self.shell_at_a_terminal("sh", "-c", "echo begun; exec sleep 30")
        expect(self, terminal, "begun")
        os.write(terminal, b"\x03")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 130)

    def test_a_shell_has_a_terminal_with_job_control(self):
        pid, terminal = self.shell_at_a_terminal()
        expect(self, terminal, "$ ")
        os.write(terminal, b"echo term=$TERM; stty size; test -t 0 && echo is  a  tty\r")
        self.assertIn("term=vt100", expect(self, terminal, "is a tty"))
        # Ctrl-C ends what runs in it, and nothing else.
        os.write(terminal, b"sleep 1000; echo after=$?\r")
        expect(self, terminal, "echo after")
        time.sleep(0.3)
        os.write(terminal, b"\x03")
        os.write(terminal, b"echo still  here; exit 5\r")
        expect(self, terminal, "still here")
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 5)


def expect(case, terminal, words):
    """Reads what appears on the terminal until it has the words."""
    said = ""
    while words not in said:
        try:
            block = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that nobody is there any more
            block = b""
        if not block:
            case.fail(f"'{words}' did not come: {said}")
        said += block.decode()
    return said


@unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "is done by itself already")
class SandboxAsOrdinaryUserTest(SandboxTest):
    prefix = AS_NOBODY
    caller = NOBODY

    def test_nothing_is_roots(self):
        self.init("owner", "stat -c '%u %g' /bin/busybox")
        self.assertEqual(self.output("owner"), "993 993\n")


class UnprivilegedContainerTest(GuardedCase):
    """Root of a user namespace that has no other ids, with mounts and processes of its own."""

    stranger = NOBODY  # as all are whom it does not know

    def test_a_function_runs_in_it(self):
        inside = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork",
                  "--mount-proc")
        self.prefix = AS_NOBODY if IS_ROOT else ()
        os.chown(self.folder, NOBODY if IS_ROOT else -1, NOBODY if IS_ROOT else -1)
        if subprocess.run([*self.prefix, *inside, "true"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("this machine forbids user namespaces")
        self.prefix += inside
        if IS_ROOT:
            self.check_that_strangers_are_refused()
        self.init("f", "id -u; touch /x || grep CapEff /proc/self/status; ls /proc | head -n 1")
        self.assertEqual(self.output("f"), "993\ntouch: /x: Read-only file system\n"
                                           "CapEff:\t0000000000000000\n1\n")


@unittest.skipUnless(IS_ROOT and shutil.which("newuidmap"), "needs root, and newuidmap")
class SubordinateIdsTest(SandboxTest):
    """An ordinary user whom /etc/subuid gives ids, in a copy that only he sees."""

    caller = NOBODY
    prefix = (*PRIVATELY, f"""
        ids=$(mktemp); echo {NOBODY}:200000:10 >"$ids"; chmod 644 "$ids"
        for file in /etc/subuid /etc/subgid; do mount --bind "$ids" "$file"; done
        rm "$ids"
        exec "$@"
        """, "sh", *AS_NOBODY)

    @classmethod
    def setUpClass(cls):
        done = subprocess.run([*cls.prefix, "grep", "-q", "200000", "/etc/subuid"], check=False,
                              capture_output=True)
        if done.returncode != 0:
            raise unittest.SkipTest(f"cannot give an ordinary user ids: {done.stderr.decode()}")
        super().setUpClass()

    def test_the_images_files_are_roots_and_not_the_functions(self):
        self.init("owner", "stat -c '%u %g' /bin/busybox; id -u; id -G")
        self.assertEqual(self.output("owner"), "0 0\n993\n993\n")


class ChrootCase(GuardedCase):
    """In a chroot, where the kernel gives nobody a user namespace."""

    caller = 0
    keep_capabilities = ""

    def setUp(self):
        super().setUp()
        host = self.folder / "host"
        host.mkdir()
        self.prefix = (*PRIVATELY, f"""
            mount --rbind / {host}; exec chroot {host} setpriv {self.keep_capabilities} "$@"
            """, "sh")
        done = subprocess.run([*self.prefix, "unshare", "--user", "true"], check=False,
                              capture_output=True)
        if b"unshare failed" not in done.stderr:
            self.skipTest(f"cannot make such a machine: {done.stderr.decode()}")


@unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "only root can")
class RootsNamespacesTest(ChrootCase):
    def test_root_needs_no_user_namespace(self):
        self.init("f", "id -u; grep CapEff /proc/self/status; touch /x || ls /proc | head -n 1")
        done = self.skiff("--quiet", "run", "-n", "f")
        self.assertEqual(done.stdout, "993\nCapEff:\t0000000000000000\n"
                                      "touch: /x: Read-only file system\n1\n")
        self.assertNotIn("chroot", done.stderr)

    def test_other_users_do_not_reach_the_runtime_api(self):
        self.check_that_strangers_are_refused()


@unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "only root can")
class ChrootTest(ChrootCase):
    keep_capabilities = "--bounding-set=-sys_admin --inh-caps=-sys_admin"

    def runs(self):
        return list((self.data / "roots").glob(".run-*"))

    def test_it_is_weaker_and_says_so(self):
        self.init("f", """\
            id -u
            for place in / /etc /etc/hosts /var/task /dev /dev/null/ /bin /bin/sh; do
                (echo x >>$place/new || echo x >>$place) 2>/dev/null && echo "$place was written"
            done
            ls /tmp | grep -v -e '^tmp'
            echo kept >/tmp/file && cat /tmp/file && echo gone >/dev/null
            head -c 3 /dev/zero | wc -c
            cat /proc/self/status 2>&1
            """)
        for _ in range(2):
            done = self.skiff("run", "-n", "f", status=1)
            self.assertIn("this machine or container allows no namespaces, so functions run in a "
                          "chroot", done.stderr)
            self.assertEqual(done.stderr.count("chroot"), 1)
            self.assertIn("\n993\nkept\n3\ncat: can't open '/proc/self/status'", done.stdout)
            self.assertNotIn("was written", done.stdout)
            self.assertEqual(self.runs(), [])
        self.assertEqual(self.skiff("shell", "f", "sh", "-c", "exit 7", status=7).stdout, "")

    def test_other_users_do_not_reach_the_runtime_api(self):
        self.check_that_strangers_are_refused()

    def test_nobody_gets_away(self):
        seconds = str(random.randrange(10**6, 10**7))
        self.init("daemon", f"setsid sh -c 'setsid sleep {seconds} & sleep {seconds}' "
                            f">/dev/null 2>&1 & sleep 0.2; echo done")
        self.assertEqual(self.output("daemon"), "done\n")
        process.wait_until(lambda: not process.with_arguments("sleep", seconds), "the end")

        self.init("sleeper", f"setsid sleep {seconds} & sleep {seconds}")
        run = process.start([*self.prefix, self.program, "run", "-n", "sleeper"],
                            env=self.environment, cwd=self.folder, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
        process.wait_until(lambda: len(process.with_arguments("sleep", seconds)) == 2, "sleeper",
                           run)
        # A skiff at work beside it leaves its folder alone; after its end it is swept.
        self.init("other", "echo fine")
        self.assertEqual(len(self.runs()), 1)
        run.send_signal(signal.SIGKILL)
        run.wait()
        process.wait_until(lambda: not process.with_arguments("sleep", seconds), "the end")
        self.skiff("rm", "-n", "other")
        self.assertEqual(self.runs(), [])


class UseTest(LocalCase):
    """What REPORT says of memory."""

    script = "head -c 50000001 /dev/zero | tail -c 50000000 | wc -c; true"

    def used(self, *words):
        """MB, of each event."""
        self.skiff("--quiet", "run", "-n", "user", *words)
        return [int(number) for number in re.findall(
            r"Max Memory Used: (\d+) MB", self.skiff("log", "-n", "user").stdout)]

    def test_memory_is_that_of_the_largest_process_in_the_end(self):
        self.init("user", self.script)
        (used,) = self.used()
        self.assertTrue(48 <= used < 200, used)

    def test_memory_is_that_of_the_whole_sandbox_in_each_event(self):
        if not limits_memory():
            self.skipTest("this machine lets nobody limit memory")
        self.init("user", self.script.replace("| wc", "| tail -c 50000000 | wc"))
        for used in self.used("--repeat", "3"):
            self.assertTrue(96 <= used < 300, used)


@unittest.skipUnless(IS_ROOT and shutil.which("setpriv"), "is done by itself already")
class UseOfAnOrdinaryUserTest(UseTest):
    prefix = AS_NOBODY

    def test_memory_is_that_of_the_whole_sandbox_in_each_event(self):
        self.init("user", self.script)
        first, last = self.used("--repeat", "2")
        self.assertTrue(0 < first < 48 <= last < 200, (first, last))


@unittest.skipUnless(IS_ROOT, "only root is sure to be allowed")
class LimitsTest(LocalCase):
    def test_memory_is_limited(self):
        if not limits_memory():
            self.skipTest("this machine lets nobody limit memory")
        self.define("eater", "head -c 60000000 /dev/zero | tail -c 59999999 | wc -c;"
                             "tail -c 1000000000 /dev/zero | wc -c; sleep 600", memory=128)
        run = process.start([self.program, "--quiet", "run", "-n", "eater"], text=True,
                            env=self.environment, cwd=self.folder, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT)
        self.addCleanup(process.stop, run)
        said, _ = run.communicate(timeout=120)
        self.assertEqual(run.returncode, 1, said)
        self.assertIn("Runtime exited with error: signal: killed", said)
        log = self.skiff("log", "-n", "eater").stdout
        self.assertRegex(log, r"\n59999999\n(?s:.*)signal: killed\nRuntime.ExitError\nEND ")
        self.assertEqual([group for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/memory")
                          for group in Path(mount).rglob(f"skiff-{run.pid}-*")], [])

    def test_without_qemu_it_is_said_what_to_install(self):
        if not QEMU or any(Path("/proc/sys/fs/binfmt_misc").glob("qemu-*")):
            self.skipTest("needs a machine that runs the other's programs with a program only")
        self.define("foreign", "uname -m",
                    architectures="[arm64]" if FOREIGN == "aarch64" else "[x86_64]")
        hide = (*PRIVATELY, f'mount --bind /dev/null {QEMU}; exec "$@"', "sh")
        done = self.skiff("run", "-n", "foreign", status=1, before=hide)
        self.assertRegex(done.stderr, r"linux/\w+ programs do not run on this machine: QEMU.*"
                                      "apt-get install qemu-user-static")


def limits_memory():
    for line in Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory":
            return os.access(f"/sys/fs/cgroup/memory{path}", os.W_OK)
        above = Path(f"/sys/fs/cgroup{path}")
        while not controllers and above != Path("/sys/fs"):
            delegated = above / "cgroup.subtree_control"
            if delegated.exists() and "memory" in delegated.read_text(encoding="ascii"):
                return os.access(above, os.W_OK)
            above = above.parent
    return False


if __name__ == "__main__":
    unittest.main()
