# SPDX-License-Identifier: MIT
"""What the tests of the Python module share: a pool for each case, and TAP.

When a case ends, no block of its pool is out, and the pool is sound. What is at work in another
process or after a signal is told by a pipe or by the pool's numbers; nothing sleeps on the chance.
"""
import gc
import os
import select
import subprocess
import sys
import time
import traceback
import unittest

import mempool

FOLDER = os.environ["TMPDIR"]  # goes with the test
HANG_S = 30  # what has not happened by then never will


def wait_until(question, seconds=HANG_S):
    """Asks again and again, until the answer is true."""
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise AssertionError("waited for nothing")
        time.sleep(0.002)


def name_of(case):
    """What a case promises."""
    return case.id().split(".test_")[-1]


class Case(unittest.TestCase):
    """A case with a pool of its own, self.pool."""

    OPTIONS = {"block_size": 4096, "blocks": 64}

    def setUp(self):
        self.pool = mempool.Pool.create(name_of(self)[:64], **self.OPTIONS)
        self.name = self.pool.name

    def tearDown(self):
        gc.collect()
        with mempool.Pool.open(self.name) as pool:
            wait_until(lambda: self.is_at_rest(pool))
            self.assertEqual(pool.check()["first"], "")
        self.pool.close()
        mempool.destroy(self.name)

    def is_at_rest(self, pool):
        numbers = pool.stat()
        return numbers["used"] == numbers["moving"] == numbers["shared"] == 0

    def refuses(self, kind, *words):
        """A context in which @kind has to be raised, with @words in its sentence."""
        return self.assertRaisesRegex(kind, ".*".join(words))

    def program(self, text, *args, **options):
        """Runs another Python: @text, in which `pool` is open. It has to end by itself."""
        child = self.start(text, *args, **options)
        out, err = child.communicate(timeout=HANG_S)
        self.assertEqual((child.returncode, err), (0, ""))
        return out

    def start(self, text, *args, opening="mempool.Pool.open(sys.argv[1])"):
        begin = "import os, signal, sys, threading, time, mempool\npool = %s\n" % opening
        return subprocess.Popen([sys.executable, "-c", begin + text, self.name, *args],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def line(self, child):
        """The next line that a program prints."""
        ready, _, _ = select.select([child.stdout], [], [], HANG_S)
        line = child.stdout.readline() if ready else ""
        self.assertTrue(line, "the program says nothing")
        return line.strip()


class Tap(unittest.TestResult):
    """Tells of each case as it ends."""

    n = 0

    def tell(self, how, case, note=""):
        self.n += 1
        print("%s %d - %s%s" % (how, self.n, name_of(case), note), flush=True)

    def addSuccess(self, test):
        self.tell("ok", test)

    def addSkip(self, test, reason):
        self.tell("ok", test, " # SKIP " + reason)

    def addFailure(self, test, err):
        self.failures.append(test)
        for line in "".join(traceback.format_exception(*err)).splitlines():
            print("# " + line)
        self.tell("not ok", test)

    addError = addFailure


def main(only=None):
    """Runs the cases of the main module. With names of cases as arguments, those alone."""
    only = sys.argv[1:] if only is None else only
    cases = []
    for suite in unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"]):
        cases += [case for case in suite
                  if not only or name_of(case) in only]
    print("1..%d" % len(cases), flush=True)
    result = Tap()
    unittest.TestSuite(cases).run(result)
    sys.exit(0 if cases and result.n == len(cases) and not result.failures else 1)
