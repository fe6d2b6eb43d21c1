# SPDX-License-Identifier: MIT
"""The page on Python keeps its word: each example is a program that runs and ends well, its table
names each call of the library, and whatever it says of a class is there. Each public thing of the
module has a docstring.

usage: page.py PAGE HEADER
"""
import re
import subprocess
import sys
import unittest

import case
import mempool

PAGE, HEADER = sys.argv[1:3]
CLASSES = (mempool.Pool, mempool.Block, mempool.Sender, mempool.Receiver)


class Page(unittest.TestCase):
    def setUp(self):
        with open(PAGE, encoding="utf-8") as file:
            self.text = file.read()

    def test_each_example_runs_and_leaves_no_pool(self):
        examples = re.findall(r"^```python\n(.*?)^```$", self.text, re.M | re.S)
        self.assertGreater(len(examples), 5)
        for n, example in enumerate(examples):
            path = "%s/example%d.py" % (case.FOLDER, n)
            with open(path, "w", encoding="utf-8") as file:
                file.write(example)
            done = subprocess.run([sys.executable, "-W", "error", path], timeout=60, text=True,
                                  stderr=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
            if not done.stderr.startswith("this example needs numpy"):
                self.assertEqual((done.returncode, done.stderr), (0, ""), example)
            with self.assertRaises(mempool.Error):
                mempool.Pool.open(re.search(r'"(py\.[a-z]+)"', example).group(1))

    def test_its_table_has_each_call_of_the_library(self):
        with open(HEADER, encoding="utf-8") as file:
            calls = set(re.findall(r"^[a-z].*?\b(mempool_\w+)\(", file.read(), re.M))
        rows = re.findall(r"^\| (`mempool_.*?) \|", self.text, re.M)
        named = re.findall(r"`(mempool_\w+)`", " ".join(rows))
        self.assertGreater(len(calls), 40)
        self.assertEqual(sorted(named), sorted(calls))

    def test_what_it_names_is_there(self):
        named = re.findall(r"`(Pool|Block|Sender|Receiver)\.(\w+)", self.text)
        named += [(None, name) for name in re.findall(r"`mempool\.(\w+)", self.text)]
        for kind, name in named:
            self.assertTrue(hasattr(getattr(mempool, kind) if kind else mempool, name),
                            (kind, name))
        for kind in CLASSES:
            for name in vars(kind):
                if not name.startswith("_"):
                    self.assertIn("%s(" % name if callable(getattr(kind, name)) else name,
                                  self.text)

    def test_each_public_thing_has_a_docstring(self):
        things = {name: getattr(mempool, name) for name in dir(mempool) if name[0] != "_"}
        for kind in CLASSES:
            for name, thing in vars(kind).items():
                things[kind.__name__ + "." + name] = thing
        for name, thing in things.items():
            if not isinstance(thing, int) and not name.endswith("__module__"):
                self.assertTrue(thing.__doc__, name)


if __name__ == "__main__":
    case.main(sys.argv[3:])
