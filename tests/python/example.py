# SPDX-License-Identifier: MIT
"""The example for numpy: all see the frames, a killed consumer holds nobody up, all end by
themselves, and the pool goes with them.

usage: example.py FOLDER
"""
import errno
import re
import subprocess
import sys
import unittest

try:
    import numpy  # noqa: F401
except ImportError:
    print("1..0 # SKIP no numpy for this Python (package python3-numpy)")
    sys.exit(0)

import case
import mempool

FOLDER = sys.argv[1]


class Example(unittest.TestCase):
    def start(self, *args):
        return subprocess.Popen([sys.executable, "%s/%s" % (FOLDER, args[0]), *args[1:]],
                                stdout=subprocess.PIPE, text=True)

    def consumer(self, *args):
        child = self.start("consumer.py", *args)
        self.assertEqual(child.stdout.readline(), "consumer: ready\n")
        return child

    def end(self, child):
        """The words of a program that ends well."""
        out, _ = child.communicate(timeout=case.HANG_S)
        self.assertEqual(child.returncode, 0)
        return out

    def counts(self, consumer):
        found = re.match(r"consumer: (\d+) frames, (\d+) missed, (\d+) spoilt,",
                         self.end(consumer))
        return tuple(map(int, found.groups()))

    def test_consumers_see_frames_whole_and_one_that_is_killed_harms_nobody(self):
        recorder, display, victim = self.consumer(), self.consumer("--lossy"), self.consumer()
        producer = self.start("producer.py", "200")
        victim.kill()
        victim.communicate()
        self.assertEqual(self.counts(recorder), (200, 0, 0))
        seen, missed, spoilt = self.counts(display)
        self.assertEqual((spoilt, seen > 0, seen + missed <= 200), (0, True, True))
        self.assertEqual(self.end(producer), "producer: 200 frames\n")
        case.wait_until(self.is_gone)

    def is_gone(self):
        try:
            mempool.Pool.open("python.frames").close()
        except mempool.Error as e:
            return e.errno == errno.ENOENT
        return False

    def test_its_header_is_the_one_of_c(self):
        with open(FOLDER + "/../payload.h", encoding="utf-8") as c, \
                open(FOLDER + "/payload.py", encoding="utf-8") as python:
            header, module = c.read(), python.read()
        rows = r"(?:byte +)?(\d+)\s+(length|sequence|time_ns|the data)"
        self.assertEqual(re.findall(rows, header), re.findall(rows, module))
        self.assertEqual(len(re.findall(rows, header)), 4)
        for name in ("SCHEMA", "VERSION"):
            number = re.search("PAYLOAD_%s (0?x?[0-9a-f]+)u" % name, header).group(1)
            self.assertRegex(module, "(?i)%s = %s\\b" % (name, number))


if __name__ == "__main__":
    case.main(sys.argv[2:])
