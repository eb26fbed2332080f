# SPDX-License-Identifier: Apache-2.0
"""What the supervisor costs, beside AWS's own runtime client for Python with a handler that runs
the same script. The table is of its quick moments (the tenth percentile): others use the machine.

Measured are the time from exec to the first question for an event, the time from an event to
its answer less that of the script alone, and the peak of resident memory. The
client comes from PyPI into build/venv; where it cannot be had, only ours is shown.
"""

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support import process
from tests.support.fake_runtime_api import RuntimeApi

CHECKOUT = Path(__file__).resolve().parents[2]
VENV = CHECKOUT / "build" / "venv" / "awslambdaric"
SCRIPT = "#!/bin/sh\nexit 0\n"
HANDLER = """\
import subprocess
def handler(event, context):
    done = subprocess.run(["{script}"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return {{"statusCode": 200, "body": done.stdout.decode()}}
"""
STARTS = 15


class WatchedApi(RuntimeApi):
    """Knows when it was first asked for an event."""

    first_asked = None

    def _next(self):
        self.first_asked = self.first_asked or time.perf_counter()
        return super()._next()


def ric_python():
    """The Python that has awslambdaric; None where it cannot be had."""
    python = VENV / "bin" / "python"
    try:
        if not python.exists():
            subprocess.run([sys.executable, "-m", "venv", VENV], check=True, capture_output=True)
        if subprocess.run([python, "-c", "import awslambdaric"], capture_output=True,
                          check=False).returncode != 0:
            subprocess.run([python, "-m", "pip", "install", "-q", "awslambdaric"], check=True,
                           capture_output=True, timeout=600)
    except (OSError, subprocess.SubprocessError) as error:
        print(f"  skipped: awslambdaric cannot be had ({error})")
        return None
    return str(python)


def peak_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return int(re.search(r"VmHWM:\s+(\d+)", file.read())[1]) * 1024 / 1e6


def run(argv, environment, events):
    """Returns (ms to the first question, ms of each event, peak MB)."""
    with WatchedApi() as api:
        begun = time.perf_counter()
        # Not by process.start(), whose fork of this Python would take longer than what is measured.
        runtime = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**environment, "AWS_LAMBDA_RUNTIME_API": api.host, "PATH": "/usr/bin:/bin"})
        try:
            process.wait_until(lambda: api.first_asked, argv[0], runtime)
            spent = []
            for _ in range(events):
                sent = time.perf_counter()
                answer = api.invoke({})
                spent.append((time.perf_counter() - sent) * 1000)
                if answer.kind != "response":
                    raise RuntimeError(answer.body.decode())
            return (api.first_asked - begun) * 1000, spent, peak_mb(runtime.pid)
        finally:
            process.stop(runtime)


def quick(values):
    """What nine of ten take at least: the other tenth is the machine at rest."""
    return statistics.quantiles(values, n=10)[0]


def alone(script, events):
    """Starting the script and waiting for it, each time."""
    spent = []
    for _ in range(events):
        begun = time.perf_counter()
        os.waitpid(os.posix_spawn(script, [script], {"PATH": "/usr/bin:/bin"}), 0)
        spent.append((time.perf_counter() - begun) * 1000)
    return quick(spent)


def idle(events):
    """What asking and answering cost where nothing is run: that part is the test's server's."""
    with RuntimeApi() as api:
        client = process.start([sys.executable, "-c", (
            "import http.client, sys\n"
            "c = http.client.HTTPConnection(sys.argv[1])\n"
            "p = '/2018-06-01/runtime/invocation/'\n"
            "while True:\n"
            "    c.request('GET', p + 'next'); r = c.getresponse(); r.read()\n"
            "    i = r.headers['Lambda-Runtime-Aws-Request-Id']\n"
            "    c.request('POST', p + i + '/response', b'{}'); c.getresponse().read()\n"),
            api.host], stderr=subprocess.DEVNULL)
        try:
            spent = []
            for _ in range(events):
                sent = time.perf_counter()
                api.invoke({})
                spent.append((time.perf_counter() - sent) * 1000)
            return quick(spent)
        finally:
            process.stop(client)


def table(events):
    """The lines of a Markdown table."""
    with tempfile.TemporaryDirectory(prefix="skiff-bench-") as folder:
        script = os.path.join(folder, "script.sh")
        Path(script).write_text(SCRIPT, encoding="ascii")
        os.chmod(script, 0o755)
        Path(folder, "app.py").write_text(HANDLER.format(script=script), encoding="ascii")
        native = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
        supervisor = str(CHECKOUT / "build" / "supervisor" / native / "supervisor")
        doers = [("skiff's supervisor", [supervisor, script], {})]
        python = ric_python()
        if python:
            doers.append(("awslambdaric, subprocess.run",
                          [python, "-m", "awslambdaric", "app.handler"],
                          {"PYTHONPATH": folder, "LAMBDA_TASK_ROOT": folder}))
        base = alone(script, events) + idle(events)
        lines = [f"The script alone, and asking and answering, take {base:.2f} ms an event "
                 f"({events} events).\n", "\n",
                 "| | ready for an event | own time for each event | memory, at most |\n",
                 "|---|---|---|---|\n"]
        for name, argv, environment in doers:
            ready = quick([run(argv, environment, 1)[0] for _ in range(STARTS)])
            _, spent, peak = run(argv, environment, events)
            own = quick(spent) - base
            lines.append(f"| {name} | {ready:.1f} ms | {own:.2f} ms | {peak:.1f} MB |\n")
        return lines
