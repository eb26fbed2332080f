# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on the way to AWS, and in which words.

    faults = Faults()
    faults.refuse("CreateFunction", 429, "TooManyRequestsException", "Rate exceeded", times=2)
    faults.add("PUT manifests", LOST)
    faults.everywhere([LOST], [LOST])   # the first request of each kind, of APIs and registry

A kind is an operation of an API, or what a registry is asked for: "POST uploads", "HEAD blobs".
"""

import json
import threading
import time
from dataclasses import dataclass, field

PATIENCE_SECONDS = 20


@dataclass(frozen=True)
class Fault:
    """An answer in the place of AWS's own; without a status the request is carried out, and its
    answer never comes."""
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""


LOST = Fault()


def in_json(status, code, message):
    """As Lambda, ECR and CloudWatch Logs say it."""
    return Fault(status, {"Content-Type": "application/json", "x-amzn-ErrorType": code},
                 json.dumps({"__type": code, "message": message}).encode())


def in_xml(status, code, message):
    """As IAM, STS and S3 say it, and moto of a signature or a permission for every service."""
    return Fault(status, {"Content-Type": "text/xml"},
                 f"<?xml version=\"1.0\"?>\n<ErrorResponse><Error><Type>Sender</Type><Code>{code}"
                 f"</Code><Message>{message}</Message></Error><RequestId>r-1</RequestId>"
                 "</ErrorResponse>".encode())


def in_html(status, title):
    """As a load balancer says it that reaches nobody behind it."""
    return Fault(status, {"Content-Type": "text/html"},
                 f"<html>\r\n<head><title>{title}</title></head>\r\n<body><center><h1>{title}</h1>"
                 "</center></body>\r\n</html>".encode())


def of_registry(status, code, message):
    """As the registry says it, by the distribution's specification."""
    return Fault(status, {"Content-Type": "application/json"},
                 json.dumps({"errors": [{"code": code, "message": message}]}).encode())


class Faults:
    def __init__(self):
        self._waiting = []    # [kind, requests before, times, fault]
        self._in_turn = ([], [])  # for the first request of each kind, of APIs and registry
        self._met = set()     # the kinds that have had theirs
        self._together = set()  # kinds none of which is answered before all have come
        self._come = set()
        self._also = None
        self.were_late = False
        self._lock = threading.Lock()

    def together(self, kinds, also):
        """From now on requests of these kinds wait until all of them have come and `also()` is
        true; `were_late` when that does not happen, as it never does if they are sent one after the
        other."""
        self._together, self._come, self._also = set(kinds), set(), also
        self.were_late = False

    def wait(self, kind):
        if kind not in self._together or self.were_late:
            return
        self._come.add(kind)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self._come != self._together or not self._also():
            if time.monotonic() > deadline:
                self.were_late = True
            if self.were_late:
                return
            time.sleep(0.01)

    def add(self, kind, fault, times=1, after=0):
        """The next `times` requests of the kind meet the fault, when `after` have gone well."""
        with self._lock:
            self._waiting.append([kind, after, times, fault])

    def refuse(self, operation, status, code, message, times=1):
        self.add(operation, in_json(status, code, message), times)

    def everywhere(self, of_apis, of_registry):
        """From now on the first request of each kind meets one of these, in turn."""
        with self._lock:
            self._in_turn, self._met = (of_apis, of_registry), set()

    def met(self):
        """The kinds that have met theirs since everywhere()."""
        with self._lock:
            return set(self._met)

    def clear(self):
        with self._lock:
            self._waiting.clear()
            self._together = set()
            self._in_turn, self._met = ([], []), set()

    def take(self, kind):
        """The fault of a request that has come; None for most."""
        with self._lock:
            for entry in self._waiting:
                if entry[0] != kind:
                    continue
                if entry[1] > 0:
                    entry[1] -= 1
                    continue
                entry[2] -= 1
                if entry[2] == 0:
                    self._waiting.remove(entry)
                return entry[3]
            in_turn = self._in_turn[" " in kind]
            if not in_turn or kind in self._met:
                return None
            self._met.add(kind)
            return in_turn[len(self._met) % len(in_turn)]
