# SPDX-License-Identifier: Apache-2.0
"""A function that lives long: ten thousand events later it is as large as it was.

Inside its own process numbers the supervisor is the first, so its scripts can look at it.
"""

import collections
import itertools
import json
import platform
import unittest

from tests.support.supervised_function import MACHINES, Function, encoded, require_namespaces

EVENTS = 10_000
WARM = 1_000
GROWTH_KB = 50  # five bytes an event
# It may be looked at before it has let go of what it started the script with.
LOOK = """
sleep 0.5
while read name value unit; do [ $name = VmRSS: ] && echo $value; done </proc/1/status
for names in "/proc/1/fd/*" "/tmp/*" "/proc/[0-9]*"; do set -- $names; echo $#; done
"""


def setUpModule():
    require_namespaces()


def kinds_of_events():
    record = {"eventSource": "aws:s3", "s3": {"bucket": {"name": "b"}, "object": {"key": "k"}}}
    return [
        {},
        {"cmd_args": ["true"]},
        {"httpMethod": "POST", "queryStringParameters": {"q": "v" * 100}, "body": "UE5H" * 100},
        b"no JSON",
        {"cmd_args": "no list"},
        {"Records": [record, record]},
        {"storage_provider": "m", "event": json.dumps({"Records": [record]})},
        {"script": encoded("echo text >$TMP_OUTPUT_DIR/file; sleep 1000 &")},
        {"script": encoded("kill -9 $$")},
    ]


class Soak(unittest.TestCase):
    def serve(self, function, events):
        """Queues them all, which spares this machine much waiting, and counts the answers."""
        posted = [function.api.post(event, left_s=600) for event in events]
        return collections.Counter(event.answer.get(timeout=60).kind for event in posted)

    def look(self, function):
        output, _ = function.run(LOOK)
        return [int(number) for number in output.split()]

    def test_after_ten_thousand_events_nothing_has_grown(self):
        architecture = next(name for name, machine in MACHINES.items()
                            if machine == platform.machine())
        config = {"init_script": "s.sh", "file_stage_in": True, "log_level": "ERROR"}
        events = itertools.islice(itertools.cycle(kinds_of_events()), EVENTS)
        with Function(architecture, config=config,
                      files={"var/task/s.sh": "#!/bin/true\n"}) as function:
            answers = self.serve(function, itertools.islice(events, WARM))
            before = self.look(function)
            answers += self.serve(function, events)
            after = self.look(function)
        self.assertEqual(answers["error"], EVENTS // len(kinds_of_events()), answers)
        self.assertEqual(answers.total(), EVENTS)
        self.assertEqual(after[1:], before[1:], "open files, files in /tmp, processes")
        self.assertLess(after[0] - before[0], GROWTH_KB, "kB")


if __name__ == "__main__":
    unittest.main()
