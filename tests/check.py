# SPDX-License-Identifier: Apache-2.0
"""Runs all tests and ends with one line that counts them.

    python3 tests/check.py [--build BUILD] [--only WORD] [--fuzz-seconds SECONDS] [--jobs N]

Every suite gives a line; what failed or was skipped is shown in full. A suite
that breaks off counts as one failure more than it had got to. Twice as many suites as there are
processors run at a time, for half of what they do is waiting; each has servers, ports and
folders of its own.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
LINTS = ["floors", "doors", "headers", "formatted"]
SUITE_SECONDS = 900

# How often each fuzz target is run: the same number and seed give the same inputs everywhere.
# Each takes two to four seconds.
FUZZ_RUNS = {"archive": 8000, "base64": 150000, "challenge": 100000, "definition": 7000,
             "event": 60000, "ignore": 8000, "image": 40000, "json": 60000, "location": 250000,
             "http_event": 40000, "http_request": 60000, "platform_spec": 350000, "profile": 60000,
             "registry_login": 18000, "request": 40000, "supervisor_settings": 5000,
             "unpack": 1500, "yaml": 12000}
FUZZ_SEEDS = {"definition": ["testdata/definitions"], "yaml": ["testdata/definitions"],
              "supervisor_settings": ["testdata/definitions"]}


# The program that is fully static has libraries of its own, and another libc: every suite that
# starts a registry or an AWS is run with it, too. The suite of the static programs knows them.
STATIC = "build/static/amd64/skiff"
STARTS_SERVERS = re.compile(r"^from tests\.support\.(aws_case|aws_servers|hostile_registry|"
                            r"registry_server|token_server) import ", re.MULTILINE)
KNOWS_STATIC = "test_static"


class Count:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}"


def run(argv, seconds=SUITE_SECONDS, **options):
    try:
        done = subprocess.run(argv, cwd=CHECKOUT, stdin=subprocess.DEVNULL, text=True,
                              errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds, check=False, **options)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired as expired:
        output = expired.stdout or b""
        return -1, output.decode(errors="replace") + f"\nstopped after {seconds} s\n"


def first_number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1)) if found else 0


def unit(program):
    """One cmocka program, which counts for itself."""
    status, output = run([str(program)])
    count = Count(first_number(r"\[  PASSED  \] (\d+) test", output),
                  first_number(r"\[  FAILED  \] (\d+) test", output),
                  first_number(r"\[  SKIPPED \] (\d+) test", output))
    if status != 0 and count.failed == 0:
        count.failed = 1
    return count, output


def end_to_end(module, **environment):
    """One unittest module, in a Python of its own."""
    if not Path(environment.get("SKIFF", "/")).exists():
        return Count(skipped=1), f"skipped: no {STATIC}; 'make static' builds it"
    status, output = run([sys.executable, "-m", "unittest", "-v", module],
                         env={**os.environ, **environment})
    ran = first_number(r"Ran (\d+) test", output)
    failed = sum(int(n) for n in re.findall(r"(?:failures|errors)=(\d+)", output))
    skipped = first_number(r"skipped=(\d+)", output)
    if status != 0 and failed == 0:
        failed = 1
    return Count(max(0, ran - failed - skipped), failed, skipped), output


def fuzz(name, seconds):
    """One fuzz target. What it finds is left in build-fuzz, its other files are not."""
    program = CHECKOUT / "build-fuzz" / f"fuzz_{name}"
    if not program.exists():
        return Count(skipped=1), "skipped: clang is not here, or not its libFuzzer"
    with tempfile.TemporaryDirectory(prefix="skiff-fuzz-") as scratch:
        corpus = program.parent / "corpus" / name if seconds else Path(scratch) / "corpus"
        corpus.mkdir(parents=True, exist_ok=True)
        extent = ([f"-max_total_time={seconds}"] if seconds
                  else [f"-runs={FUZZ_RUNS[name]}", "-seed=1"])
        status, output = run([program, *extent, "-max_len=4096", "-timeout=60", "-verbosity=0",
                              f"-artifact_prefix={program.parent}/{name}-", corpus,
                              *FUZZ_SEEDS.get(name, [])],
                             SUITE_SECONDS + seconds, env={**os.environ, "TMPDIR": scratch})
    return Count(int(status == 0), int(status != 0)), output


def lint(target):
    status, output = run(["make", "--no-print-directory", target])
    skipped = int(output.startswith("skipped: "))
    return Count(int(status == 0) - skipped, int(status != 0), skipped), output


def suites(build, fuzz_seconds):
    for target in LINTS:
        yield f"lint {target}", lambda target=target: lint(target)
    for program in sorted((CHECKOUT / build).glob("test_*")):
        if os.access(program, os.X_OK) and program.is_file():
            yield f"unit {program.name[5:]}", lambda program=program: unit(program)
    modules = [(kind, f"tests.{folder}.{file.stem}", file)
               for kind, folder in (("faults", "faults"), ("end to end", "e2e"))
               for file in sorted((CHECKOUT / "tests" / folder).glob("test_*.py"))]
    for kind, module, file in modules:
        yield f"{kind} {file.stem[5:]}", lambda module=module: end_to_end(module)
    for _, module, file in modules:
        if file.stem != KNOWS_STATIC and STARTS_SERVERS.search(file.read_text(encoding="utf-8")):
            yield f"static {file.stem[5:]}", lambda module=module: end_to_end(
                module, SKIFF=str(CHECKOUT / STATIC))
    for file in sorted((CHECKOUT / "tests/fuzz").glob("fuzz_*.c")):
        name = file.stem[5:]
        yield f"fuzz {name}", lambda name=name: fuzz(name, fuzz_seconds)


def timed(suite):
    begun = time.monotonic()
    count, output = suite()
    return count, output, time.monotonic() - begun


def show(name, count, output, seconds):
    print(f"{name:<32} {count}  ({seconds:.1f} s)", flush=True)
    if count.failed:
        print(output, flush=True)
    for line in output.splitlines():
        if "skipped" in line.lower() and count.skipped and not count.failed:
            print(f"    {line.strip()}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--only", default="", help="suites whose name has this word")
    parser.add_argument("--fuzz-seconds", type=int, default=0, metavar="SECONDS",
                        help="for each fuzz target; 0: its usual number of runs")
    parser.add_argument("--jobs", type=int, default=2 * len(os.sched_getaffinity(0)),
                        metavar="N", help="suites at a time (default: two for each processor)")
    arguments = parser.parse_args()

    total = Count()
    with ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        under_way = {pool.submit(timed, suite): name
                     for name, suite in suites(arguments.build, arguments.fuzz_seconds)
                     if arguments.only in name}
        for done in as_completed(under_way):
            count, output, seconds = done.result()
            total.add(count)
            show(under_way[done], count, output, seconds)
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
