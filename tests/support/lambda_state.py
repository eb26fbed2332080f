# SPDX-License-Identifier: Apache-2.0
"""What real Lambda does with a function over time, and moto does not.

A function is Pending for a while after it was made, InProgress after it was changed, and refuses
changes meanwhile; it tells all that was asked of it; a statement, an alias or a URL is made once;
and none is invoked that was not made here.
"""

import json
import re
import threading

from tests.support.aws_faults import in_json

# What Lambda tells of a function as it was asked for it. moto leaves out some.
TOLD = ("Role", "Description", "Timeout", "MemorySize", "Environment", "VpcConfig", "KMSKeyArn",
        "FileSystemConfigs", "EphemeralStorage", "TracingConfig", "DeadLetterConfig",
        "LoggingConfig", "Architectures")
CHANGES = ("UpdateFunctionCode", "UpdateFunctionConfiguration", "PublishVersion")
NAME = re.compile(r"/\d{4}-\d\d-\d\d/functions/(?P<name>[^/?]+)"
                  r"(?:/(?:policy|aliases)/(?P<part>[^/?]+))?")
# By what a thing of a function is known that is made once, and Lambda's words for a second one.
ONCE = {
    "AddPermission": ("StatementId", "The statement id ({}) provided already exists. Please provide "
                      "a new statement id, or remove the existing statement."),
    "CreateAlias": ("Name", "Alias already exists: {}"),
    "CreateFunctionUrlConfig": ("", "Failed to create function url config for [functionArn = arn]. "
                                "Error message:  FunctionUrlConfig exists for this Lambda function"),
}
UNMADE = {"RemovePermission": "AddPermission", "DeleteAlias": "CreateAlias",
          "DeleteFunctionUrlConfig": "CreateFunctionUrlConfig"}
NOTED = ("CreateFunction", "DeleteFunction", *CHANGES, *ONCE, *UNMADE)


class Functions:
    """`pending_polls`: how often GetFunction says Pending after CreateFunction, or InProgress
    after a change. `ends`: what then becomes of it, (reason code, reason) or None for well."""

    def __init__(self):
        self.pending_polls = 1
        self.ends = None
        self._functions = {}  # those made here
        self._lock = threading.Lock()

    def refuse(self, operation, path, body):
        """What Lambda has against it, a fault; None for nothing."""
        name = name_of(path)
        function = self._functions.get(name, {})
        if operation in CHANGES and function.get("polls", 0) > 0:
            return in_json(409, "ResourceConflictException", "The operation cannot be performed at "
                           f"this time. An update is in progress for resource: {name}")
        if operation in ONCE:
            key, words = ONCE[operation]
            if (operation, body.get(key)) in function.get("made", ()):
                return in_json(409, "ResourceConflictException", words.format(body.get(key)))
        if operation == "Invoke" and name not in self._functions:
            return in_json(404, "ResourceNotFoundException", "Function not found")
        return None

    def note(self, operation, path, body, answer):
        """What was carried out, and what moto said of it."""
        if operation not in NOTED:
            return
        name = body["FunctionName"] if operation == "CreateFunction" else name_of(path)
        with self._lock:
            if operation == "DeleteFunction":
                if "Qualifier=" not in path:
                    self._functions.pop(name, None)
                return
            function = self._functions.setdefault(name, {
                "asked": {}, "made": set(), "polls": 0, "versions": {}})
            if operation == "PublishVersion":
                function["versions"][json.loads(answer)["Version"]] = dict(function["asked"])
            if operation in ONCE:
                function["made"].add((operation, body.get(ONCE[operation][0])))
            if operation in UNMADE:
                function["made"].discard((UNMADE[operation], NAME.match(path)["part"]))
            if operation in CHANGES[:2] + ("CreateFunction",):
                function["asked"].update(body)
                function.update(polls=self.pending_polls, ends=self.ends,
                                is_new=operation == "CreateFunction")

    def amend(self, configuration):
        """Tells of a function, or of a version, what it was asked to be, and where it stands."""
        function = self._functions.get(configuration["FunctionName"])
        if not function or "is_new" not in function:
            return
        asked = function["versions"].get(configuration["Version"], function["asked"])
        configuration.update({name: asked[name] for name in TOLD if name in asked})
        if asked.get("ImageConfig"):
            configuration["ImageConfigResponse"] = {"ImageConfig": asked["ImageConfig"]}
        else:
            configuration.pop("ImageConfigResponse", None)
        prefix, state = ("State", "State") if function["is_new"] else ("LastUpdateStatus",) * 2
        with self._lock:
            left = function["polls"]
            function["polls"] = max(0, left - 1)
        if left > 0:
            configuration.update({state: "Pending" if function["is_new"] else "InProgress",
                                  f"{prefix}Reason": "The function is being created.",
                                  f"{prefix}ReasonCode": "Creating"})
        elif function["ends"]:
            configuration.update({state: "Failed", f"{prefix}ReasonCode": function["ends"][0],
                                  f"{prefix}Reason": function["ends"][1]})


def name_of(path):
    found = NAME.match(path)
    return found and found["name"]
