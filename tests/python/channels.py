# SPDX-License-Identifier: MIT
"""Channels: queue, work and broadcast, the end of a stream, and event loops."""
import asyncio
import errno
import select
import threading

import case
import mempool


class Channels(case.Case):
    OPTIONS = {"block_size": 4096, "blocks": 64, "channels": 5, "channel_depth": 8}

    def fill(self, number):
        """A block that says which it is."""
        block = self.pool.get()
        with block.view() as view:
            view[0] = number
        return block

    def read(self, block):
        with block, block.view() as view:
            return view[0]

    def test_a_queue_hands_blocks_on_in_order(self):
        with self.pool.sender(0) as sender, self.pool.receiver(0) as receiver:
            for i in range(5):
                sender.send(self.fill(i))
            self.assertEqual(sender.stat()["lag"], 5)
            self.assertEqual(self.read(receiver.receive()), 0)
            self.assertEqual([self.read(block) for block in receiver.receive_bulk(9)],
                             [1, 2, 3, 4])
            sender.drain(timeout=0)
            with self.refuses(mempool.Empty, "channel 0") as caught:
                receiver.receive(timeout=0)
            self.assertEqual(caught.exception.errno, errno.EAGAIN)

    def test_a_block_that_is_sent_is_nobody_s_here(self):
        with self.pool.sender(0) as sender, self.pool.receiver(0) as receiver:
            block = self.pool.get()
            sender.send(block)
            with self.refuses(ValueError, "was sent"):
                block.put()
            with self.refuses(BufferError, "was sent"):
                memoryview(block)
            receiver.receive().put()

    def test_a_full_channel_leaves_the_block(self):
        with self.pool.sender(0) as sender, self.pool.receiver(0) as receiver:
            blocks = self.pool.get_bulk(10)
            self.assertEqual(sender.send_bulk(blocks), 8)
            for timeout, number in ((0, errno.EAGAIN), (0.01, errno.ETIMEDOUT)):
                with self.refuses(mempool.Full, "channel 0") as caught:
                    sender.send(blocks[8], timeout)
                self.assertEqual(caught.exception.errno, number)
            with self.refuses(mempool.Full, "not all received"):
                sender.drain(timeout=0.01)
            blocks[8].put()
            self.assertEqual(blocks[9].view()[0], 0)
            del blocks
            receiver.receive_bulk(8)

    def test_work_is_shared(self):
        with self.pool.sender(1, "work") as sender, self.pool.receiver(1, "work") as one, \
                self.pool.receiver(1, "work") as two:
            sender.send_bulk([self.fill(i) for i in range(4)])
            got = [self.read(one.receive()), self.read(two.receive()), self.read(one.receive()),
                   self.read(two.receive())]
            self.assertEqual(got, [0, 1, 2, 3])

    def test_a_broadcast_is_borrowed_by_all_and_read_only(self):
        with self.pool.sender(2, "broadcast") as sender:
            with self.refuses(mempool.Error, "nobody receives") as caught:
                sender.send(self.fill(1))
            self.assertEqual(caught.exception.errno, errno.ENOTCONN)
            one, two = self.pool.receiver(2, "broadcast"), self.pool.receiver(2, "broadcast")
            sender.send(self.fill(7))
            mine, others = one.borrow(), two.borrow()
            with mine.view() as view:
                self.assertEqual((view.readonly, mine.readonly, view[0]), (True, True, 7))
            with self.refuses(mempool.Error) as caught:
                mine.own()
            self.assertEqual(caught.exception.errno, errno.EBUSY)
            with self.refuses(mempool.Error, "borrowed") as caught:
                one.close()
            self.assertEqual(caught.exception.errno, errno.EBUSY)
            others.put()
            mine.own()
            self.assertFalse(mine.readonly)
            with mine.view() as view:
                view[0] = 8
            sender.send(mine)
            self.assertEqual([self.read(one.borrow()), self.read(two.borrow())], [8, 8])
            with self.refuses(mempool.Error, "broadcast") as caught:
                one.receive()
            self.assertEqual(caught.exception.errno, errno.EPROTOTYPE)
            one.close()
            two.close()

    def test_a_lossy_subscriber_counts_what_it_lost(self):
        with self.pool.sender(2, "broadcast") as sender, \
                self.pool.receiver(2, "broadcast", lossy=True) as receiver:
            for i in range(12):
                sender.send(self.fill(i), timeout=0)
            self.assertEqual(self.read(receiver.borrow()), 4)
            self.assertEqual(receiver.stat()["lost"], 4)

    def test_iteration_ends_with_the_stream(self):
        for number, kind in ((0, "queue"), (1, "work"), (2, "broadcast")):
            with self.pool.receiver(number, kind, ends=True) as receiver:
                with self.pool.sender(number, kind) as sender:
                    for i in range(3):
                        sender.send(self.fill(i))
                self.assertEqual([self.read(block) for block in receiver], [0, 1, 2])
                with self.assertRaises(mempool.EndOfStream if kind != "broadcast"
                                       else mempool.Error):
                    receiver.receive()

    def test_a_sender_is_told_that_nobody_receives(self):
        with self.pool.sender(0, ends=True) as sender:
            self.pool.receiver(0).close()
            with self.pool.get() as block, self.assertRaises(mempool.EndOfStream) as caught:
                sender.send(block)
            self.assertEqual(caught.exception.errno, errno.EPIPE)

    def test_cancel_ends_iteration_in_another_thread(self):
        receiver, seen = self.pool.receiver(0), []

        def put_all():
            for block in receiver:
                seen.append(block.put())
            seen.append("end")

        thread = threading.Thread(target=put_all)
        thread.start()
        with self.pool.sender(0) as sender:
            sender.send(self.pool.get())
            sender.drain()
        receiver.cancel()
        thread.join(case.HANG_S)
        self.assertEqual(seen, [None, "end"])
        with self.refuses(mempool.Error, "cancel") as caught:
            receiver.receive()
        self.assertEqual(caught.exception.errno, errno.ECANCELED)
        receiver.close()

    def test_what_another_thread_is_about_to_send_is_left_alone(self):
        sender, receiver, block = self.pool.sender(0), self.pool.receiver(0), self.pool.get()
        sender.send_bulk(self.pool.get_bulk(8))
        thread = threading.Thread(target=self.send_once_nobody_looks, args=(sender, block))
        thread.start()
        case.wait_until(lambda: self.raises(BufferError, block.view))
        for use in (block.put, block.give, lambda: memoryview(block), lambda: sender.send(block)):
            with self.refuses(BufferError, "sen[dt]"):
                use()
        with self.refuses(mempool.Error, "inside a call", "cancel") as caught:
            sender.close()
        self.assertEqual(caught.exception.errno, errno.EBUSY)
        receiver.receive_bulk(8)
        thread.join(case.HANG_S)
        with self.refuses(ValueError, "was sent"):
            block.put()
        receiver.receive().put()
        sender.close()
        receiver.close()

    def send_once_nobody_looks(self, sender, block):
        while self.raises(BufferError, lambda: sender.send(block)):
            pass

    def raises(self, kind, call):
        try:
            call()
        except kind:
            return True
        return False

    def test_kinds_and_ends_are_checked(self):
        with self.refuses(ValueError, "kind 'topic'"):
            self.pool.sender(0, "topic")
        with self.refuses(mempool.Error, "no channel 5"):
            self.pool.sender(5)
        with self.pool.receiver(0) as receiver:
            with self.refuses(mempool.Error, "receiv") as caught:
                self.pool.receiver(0)
            self.assertEqual(caught.exception.errno, errno.EBUSY)
            for n in (0, -1, 1 << 20):
                with self.refuses(ValueError, "^n(=-1 is out of range| must be 1 to)"):
                    receiver.receive_bulk(n)
            self.assertIn("Receiver of channel 0", repr(receiver))
        for use in (receiver.receive, receiver.fileno, receiver.stat, receiver.drain,
                    receiver.cancel, lambda: next(receiver), receiver.__enter__):
            with self.refuses(ValueError, "is closed"):
                use()
        receiver.close()
        self.assertEqual((receiver.number, receiver.closed), (0, True))

    def test_select_tells_of_blocks_of_room_and_of_free_blocks(self):
        with self.pool.sender(0) as sender, self.pool.receiver(0) as receiver:
            self.assertEqual(self.readable(receiver), [])
            sender.send(self.pool.get())
            case.wait_until(lambda: self.readable(receiver))
            receiver.receive(timeout=0).put()
            case.wait_until(lambda: not self.readable(receiver))
            case.wait_until(lambda: self.readable(sender))
            case.wait_until(lambda: self.readable(self.pool))

    def readable(self, thing):
        return select.select([thing], [], [], 0)[0]

    def test_asyncio_receives_while_it_does_other_things(self):
        async def count(receiver, n):
            loop, numbers, done = asyncio.get_running_loop(), [], asyncio.Event()

            def on_readable():
                try:
                    for block in receiver.receive_bulk(64, timeout=0):
                        numbers.append(self.read(block))
                except mempool.Empty:
                    pass
                if len(numbers) == n:
                    done.set()

            loop.add_reader(receiver.fileno(), on_readable)
            await asyncio.wait_for(done.wait(), case.HANG_S)
            loop.remove_reader(receiver.fileno())
            return numbers

        def send():
            with self.pool.sender(0) as sender:
                for i in range(100):
                    sender.send(self.fill(i))

        with self.pool.receiver(0) as receiver:
            thread = threading.Thread(target=send)
            thread.start()
            self.assertEqual(asyncio.run(count(receiver, 100)), list(range(100)))
            thread.join()

    def test_what_an_argument_s_own_code_closes_is_used_no_more(self):
        class Closing:
            """A timeout, or blocks, with side effects."""

            def __init__(self, what):
                self.what = what

            def __float__(self):
                self.what.close()
                return 0.0

            def __iter__(self):
                self.what.close()
                return iter(())

        for use in ("drain", "receive", "receive_bulk", "send_bulk", "send"):
            is_sender = use.startswith("send")
            end = self.pool.sender(0) if is_sender else self.pool.receiver(0)
            first = {"receive_bulk": [1], "send": [self.pool.get()], "send_bulk": [[]]}
            with self.refuses(ValueError, "is closed"):
                getattr(end, use)(*first.get(use, []), Closing(end))
        with self.pool.sender(0) as end, self.refuses(ValueError, "is closed"):
            end.send_bulk(Closing(end), timeout=0)
        for use in ("get", "put_bulk", "give_bulk", "take_bulk", "withdraw_bulk"):
            with mempool.Pool.open(self.name) as pool, self.refuses(ValueError, "is closed"):
                getattr(pool, use)(Closing(pool))

    def test_a_refusal_names_what_python_has(self):
        end = self.pool.receiver(0, "broadcast")
        with self.pool.sender(0, "broadcast") as sender:
            sender.send(self.pool.get())
        loan, gone = end.borrow(), self.pool.receiver(1)
        gone.cancel()
        blocks = self.pool.get_bulk(63)
        for name, call in (("get", self.pool.get), ("Block.own", loan.give),
                           ("Receiver.borrow", end.receive), ("cancel", gone.receive),
                           ("Receiver.receive", gone.borrow)):
            with self.refuses(mempool.Error, name + r"\(") as caught:
                call()
            self.assertNotRegex(caught.exception.strerror, "mempool_|MEMPOOL_")
        with self.refuses(ValueError, "lossy is for kind 'broadcast'"):
            self.pool.receiver(2, lossy=True)
        observer = self.start("pool.get()",
                              opening="mempool.Pool.open(sys.argv[1], observe=True)")
        self.assertIn("observe=False", observer.communicate(timeout=case.HANG_S)[1])
        loan.put()
        self.pool.put_bulk(blocks)
        for handle in (end, gone):
            handle.close()


if __name__ == "__main__":
    case.main()
