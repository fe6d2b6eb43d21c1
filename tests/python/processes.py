# SPDX-License-Identifier: MIT
"""Processes: fork, spawn, kill and the end of the interpreter."""
import errno
import multiprocessing
import os
import signal
import sys
import unittest

import case
import mempool


def send_one(name):
    """What a child of multiprocessing does."""
    with mempool.Pool.open(name) as pool, pool.sender(0) as sender:
        block = pool.get()
        with block.view() as view:
            view[0] = 7
        sender.send(block)


class Processes(case.Case):
    def in_child(self, function):
        """Runs it in a child by fork. Returns what it returns, as a string."""
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.write(write_end, str(function()).encode())
            finally:
                os._exit(0)
        os.close(write_end)
        with open(read_end, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(os.waitpid(pid, 0)[1], 0)
        return text

    def test_a_child_is_told_to_open_the_pool_itself(self):
        block, sender = self.pool.get(), self.pool.sender(0)

        def use(call):
            try:
                return call()
            except (mempool.Error, BufferError) as e:
                return "%s %s" % (getattr(e, "errno", ""), e)

        for call in (self.pool.get, lambda: self.pool.get(timeout=None), block.put, block.give,
                     lambda: sender.send(block), sender.close, self.pool.close, self.pool.stat,
                     self.pool.fileno, lambda: self.pool.blocks, lambda: self.pool.sender(1)):
            answer = self.in_child(lambda: use(call))  # pylint: disable=cell-var-from-loop
            self.assertRegex(answer, "^%d .*opened? .*in this process" % errno.ECHILD)
        self.assertIn("open it in this process", self.in_child(lambda: use(block.view)))
        with block.view():
            self.assertRegex(self.in_child(lambda: use(block.put)), "^%d " % errno.ECHILD)
        self.assertIn("the parent's", self.in_child(lambda: repr(block)))
        sender.close()
        block.put()

    def test_a_child_opens_the_pool_itself(self):
        block = self.pool.get()

        def work():
            nonlocal block
            block = None  # the parent's: nothing happens to it
            with mempool.Pool.open(self.name) as pool, pool.get() as mine:
                return mine.index

        self.assertNotEqual(self.in_child(work), str(block.index))
        block.put()

    def test_multiprocessing_spawns_and_forks(self):
        for method in ("spawn", "fork"):
            with self.pool.receiver(0) as receiver:
                child = multiprocessing.get_context(method).Process(target=send_one,
                                                                    args=(self.name,))
                child.start()
                with receiver.receive(timeout=case.HANG_S) as block, block.view() as view:
                    self.assertEqual(view[0], 7)
                child.join()
                self.assertEqual(child.exitcode, 0)

    def test_a_killed_process_gives_its_blocks_back(self):
        child = self.start("""
blocks = pool.get_bulk(20)
views = [block.view() for block in blocks]
token = blocks.pop().view
end = pool.receiver(2, "broadcast")
print("ready", flush=True)
loan = end.borrow()
print("borrowed", flush=True)
signal.pause()
""")
        self.assertEqual(self.line(child), "ready")
        with self.pool.sender(2, "broadcast") as sender:
            sender.send(self.pool.get())
        self.assertEqual(self.line(child), "borrowed")
        self.assertEqual(self.pool.stat()["used"], 20)
        child.kill()
        child.communicate()
        case.wait_until(lambda: self.is_at_rest(self.pool))
        self.assertEqual(len(self.pool.get_bulk(64)), 64)

    def test_an_interpreter_ends_whatever_is_left(self):
        out = self.program("""
block, sender, receiver = pool.get(), pool.sender(0), pool.receiver(0)
view = block.view()
circle = [pool.get(), pool.get().view()]
circle.append(circle)
threading.Thread(target=receiver.receive, daemon=True).start()
threading.Thread(target=pool.get_bulk, args=(3,)).start()
while pool.stat()["gets"] < 6:
    pass
print("end")
""")
        self.assertEqual(out, "end\n")

    def test_an_exit_in_the_midst_ends_all(self):
        child = self.start("""
import atexit
with pool.get() as block:
    atexit.register(lambda: print(block, flush=True))
    sys.exit(3)
""")
        out, err = child.communicate(timeout=case.HANG_S)
        self.assertEqual((child.returncode, out, err), (3, "<mempool.Block that was put>\n", ""))

    def test_the_module_can_be_imported_anew(self):
        self.assertEqual(self.program("""
block = pool.get()
for name in [name for name in sys.modules if name.startswith("mempool")]:
    del sys.modules[name]
import mempool as other
assert other.Pool is not mempool.Pool
with other.Pool.open(sys.argv[1]) as same:
    taken = same.take(block.give())
    try:
        pool.put_bulk([taken])
    except TypeError as e:
        print(e)
    taken.put()
del mempool, pool, block
import gc
gc.collect()
"""), "item 0 is no mempool.Block\n")

    @unittest.skipIf(sys.version_info >= (3, 13), "this Python has no _xxsubinterpreters")
    def test_sub_interpreters_are_refused_with_a_sentence(self):
        out = self.program("""
import _xxsubinterpreters as interpreters
try:
    interpreters.run_string(interpreters.create(), "import mempool")
except interpreters.RunFailedError as e:
    print(e)
""")
        # From 3.12 on, Python itself may say so.
        self.assertRegex(out, "main interpreter alone|not support loading in subinterpreters")


if __name__ == "__main__":
    case.main()
