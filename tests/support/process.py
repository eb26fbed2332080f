# SPDX-License-Identifier: Apache-2.0
"""Servers that tests start, and that never outlive them.

A server is ended by stop(), by the end of this program, and by the kernel
should this program be killed.
"""

import atexit
import ctypes
import signal
import subprocess
import time
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
_running = set()


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def start(argv, **options):
    """Starts a server; the options are subprocess.Popen's. The kernel's promise holds for the
    thread that calls this, so call it from the main one."""
    options.setdefault("stdin", subprocess.DEVNULL)
    process = subprocess.Popen(argv, preexec_fn=_die_with_parent, **options)
    _running.add(process)
    return process


def stop(process):
    """Ends the server and waits for it. Ended already is fine."""
    _running.discard(process)
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def with_arguments(*words):
    """The processes of this machine that were started with just these."""
    wanted = [word.encode() for word in words]
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes().split(b"\0")[:-1] == wanted:
                found.append(path)
        except OSError:
            pass  # it has ended
    return found


@atexit.register
def _stop_all():
    for process in list(_running):
        stop(process)


def wait_until(condition, what, process=None, seconds=20):
    """Asks until the condition answers with something true, and returns that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = condition()
        if answer:
            return answer
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"{what}: ended with status {process.returncode}")
        time.sleep(0.02)
    raise RuntimeError(f"{what}: no answer within {seconds} seconds")
