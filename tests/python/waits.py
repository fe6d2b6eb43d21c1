# SPDX-License-Identifier: MIT
"""Waits: they end in time, at ^C and by cancel(), let other threads run, and heed handlers."""
import errno
import signal
import threading
import time

import case
import mempool

# Programs that wait for what never comes, and how each has begun to.
WAITS = {
    "get": "blocks = pool.get_bulk(64)\nwait = pool.get",
    "receive": "end = pool.receiver(0)\nwait = end.receive",
    "iterate": "end = pool.receiver(0)\nwait = lambda timeout: list(end)",
    "borrow": "end = pool.receiver(2, 'broadcast')\nwait = end.borrow",
    "send": "end = pool.sender(0)\nend.send_bulk(pool.get_bulk(8))\nblock = pool.get()\n"
            "wait = lambda timeout: end.send(block, timeout)",
    "drain": "end = pool.sender(0)\nend.send(pool.get())\nwait = end.drain",
}


class Waits(case.Case):
    OPTIONS = {"block_size": 4096, "blocks": 64, "channel_depth": 8}

    def tearDown(self):
        self.drain()
        super().tearDown()

    def drain(self):
        """Puts what the dead have sent."""
        with self.pool.receiver(0) as receiver:
            while receiver.stat()["lag"]:
                receiver.receive().put()

    def is_asleep(self, pid):
        """Whether the process sleeps in the kernel."""
        with open("/proc/%d/stat" % pid, encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "S"

    def waiting(self, name, text):
        """A program that is in that wait."""
        child = self.start(WAITS[name] + "\nprint('ready', flush=True)\n" + text)
        self.assertEqual(self.line(child), "ready")
        case.wait_until(lambda: self.is_asleep(child.pid))
        return child

    def test_ctrl_c_ends_each_wait(self):
        for name in WAITS:
            child = self.waiting(name, """
try:
    wait(timeout=None)
except KeyboardInterrupt:
    print("interrupted")
""")
            child.send_signal(signal.SIGINT)
            self.assertEqual(child.communicate(timeout=5), ("interrupted\n", ""), name)
            self.drain()

    def test_ctrl_c_that_another_thread_hears_ends_a_wait(self):
        child = self.waiting("get", """
def hear():
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)
threading.Timer(0.1, hear).start()
try:
    wait(timeout=None)
except KeyboardInterrupt:
    print("interrupted")
""")
        self.assertEqual(child.communicate(timeout=5), ("interrupted\n", ""))

    def test_a_handler_runs_and_the_wait_goes_on_to_its_end(self):
        for name in ("get", "receive"):
            child = self.waiting(name, """
begin = time.monotonic()
signal.signal(signal.SIGALRM, lambda *_: print("handled"))
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    wait(timeout=0.5)
except mempool.Empty as e:
    print(e.errno, 0.5 <= time.monotonic() - begin < 5)
""")
            self.assertEqual(child.communicate(timeout=case.HANG_S),
                             ("handled\n%d True\n" % errno.ETIMEDOUT, ""))

    def test_what_a_handler_raises_ends_the_wait(self):
        child = self.waiting("receive", """
def stop(*_):
    raise RuntimeError("enough")
signal.signal(signal.SIGALRM, stop)
signal.setitimer(signal.ITIMER_REAL, 0.1)
try:
    wait(timeout=None)
except RuntimeError as e:
    print(e)
end.close()
pool.close()
""")
        self.assertEqual(child.communicate(timeout=case.HANG_S), ("enough\n", ""))

    def test_a_wait_lets_other_threads_run(self):
        blocks = self.pool.get_bulk(64)
        got = []
        thread = threading.Thread(target=lambda: got.append(self.pool.get(timeout=None)))
        thread.start()
        case.wait_until(lambda: self.pool.stat()["waits"] > 0)
        with self.refuses(mempool.Error, "inside a call", "cancel") as caught:
            self.pool.close()
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        blocks.pop().put()
        thread.join(case.HANG_S)
        self.assertEqual(len(got), 1)

    def test_cancel_ends_the_waits_of_a_pool(self):
        with mempool.Pool.open(self.name) as pool:
            blocks, numbers = pool.get_bulk(64), []

            def wait():
                try:
                    pool.get(timeout=None)
                except mempool.Error as e:
                    numbers.append(e.errno)

            thread = threading.Thread(target=wait)
            thread.start()
            case.wait_until(lambda: pool.stat()["waits"] > 0)
            pool.cancel()
            thread.join(case.HANG_S)
            self.assertEqual(numbers, [errno.ECANCELED])
            pool.put_bulk(blocks)
        self.pool.close()
        self.pool = mempool.Pool.open(self.name)

    def test_timeouts_are_seconds(self):
        blocks = self.pool.get_bulk(64)
        for timeout in (0.01, 0.15, 1e-9):
            begin = time.monotonic()
            with self.refuses(mempool.Empty, "in time"):
                self.pool.get(timeout=timeout)
            self.assertGreaterEqual(time.monotonic() - begin, timeout)
        for timeout in (-1, -0.001, float("nan")):
            with self.refuses(ValueError, "timeout must be"):
                self.pool.get(timeout=timeout)
        with self.assertRaises(TypeError):
            self.pool.get(timeout="1")
        self.pool.put_bulk(blocks)
        for timeout in (float("inf"), 1e300, None, True):
            self.pool.get(timeout=timeout).put()

    def test_a_block_got_in_one_thread_is_put_in_another(self):
        with self.pool.get() as block:
            thread = threading.Thread(target=block.put)
            thread.start()
            thread.join()
            self.assertTrue(repr(block).endswith("was put>"))

    def test_a_thread_that_ends_leaves_its_cache_to_others(self):
        def churn():
            for _ in range(200):
                self.pool.put_bulk(self.pool.get_bulk(8))

        threads = [threading.Thread(target=churn) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.pool.flush()
        self.assertEqual(len(self.pool.get_bulk(64)), 64)


if __name__ == "__main__":
    case.main()
