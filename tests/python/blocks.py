# SPDX-License-Identifier: MIT
"""Blocks as buffers: who has a view of one cannot lose it, and who has lost it gets no view."""
import errno
import gc
import os
import pickle
import sys

import case
import mempool


def rss():
    """Pages of memory that this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1])


class Blocks(case.Case):
    def test_what_is_written_is_read_by_who_takes_it(self):
        with self.pool.get() as block, block.view() as view:
            view[:5] = b"hello"
            token, index = None, block.index
            view.release()
            token = block.give()
        with mempool.Pool.open(self.name) as same:
            with same.take(token) as block, memoryview(block) as view:
                self.assertEqual((bytes(view[:5]), block.index), (b"hello", index))
                self.assertEqual((len(view), len(block)), (4096, 4096))
                self.assertFalse(view.readonly)

    def test_a_block_with_views_is_neither_put_nor_sent_nor_given(self):
        block = self.pool.get()
        view = block.view()
        part = view[100:200]
        with self.pool.sender(0) as sender:
            for part_with_it in (block.put, block.give, lambda: sender.send(block),
                                 lambda: self.pool.put_bulk([block]),
                                 lambda: self.pool.give_bulk([block])):
                with self.refuses(BufferError, "block 0 of pool", "view", "release", "del"):
                    part_with_it()
        view[0] = 1
        part.release()
        with self.refuses(BufferError, "1 view:"):
            block.put()
        view.release()
        block.put()

    def test_a_block_that_is_put_has_no_views(self):
        block = self.pool.get()
        view = block.view()
        view.release()
        block.put()
        with self.assertRaises(ValueError):
            view[0]
        for use in (block.view, lambda: memoryview(block)):
            with self.refuses(BufferError, "was put"):
                use()
        for use in (block.put, block.give, block.own, block.__enter__, lambda: len(block),
                    lambda: block.index, lambda: block.readonly):
            with self.refuses(ValueError, "was put", "get another"):
                use()
        self.assertEqual(repr(block), "<mempool.Block that was put>")

    def test_a_with_statement_puts_unless_the_block_went(self):
        with self.pool.get() as block:
            token = block.give()
        with self.pool.take(token) as block:
            self.assertEqual(self.pool.stat()["used"], 1)
        self.assertEqual(self.pool.stat()["used"], 0)
        with self.assertRaises(BufferError):
            with self.pool.get() as block:
                view = block.view()
        view.release()
        block.put()

    def test_an_exception_goes_before_a_view_that_is_left(self):
        with self.assertRaises(KeyError):
            with self.pool.get() as block:
                view = block.view()
                raise KeyError
        view.release()
        block.put()

    def test_the_last_reference_puts(self):
        block = self.pool.get()
        view = block.view()
        del block
        self.assertEqual(self.pool.stat()["used"], 1)
        view[0] = 1
        del view
        self.assertEqual(self.pool.stat()["used"], 0)

    def test_readers_cannot_write(self):
        with self.pool.get() as block, block.view(readonly=True) as view:
            self.assertTrue(view.readonly)
            self.assertFalse(block.readonly)
        out = self.program("""
with pool.get() as block, block.view() as view:
    print(block.readonly, view.readonly)
    try:
        view[0] = 1
    except TypeError as e:
        print(e)
""", opening="mempool.Pool.open(sys.argv[1], readonly=True)")
        self.assertEqual(out, "True True\ncannot modify read-only memory\n")

    def test_observers_look_and_get_nothing(self):
        with mempool.Pool.open(self.name, observe=True) as pool:
            self.assertEqual(pool.stat()["blocks"], 64)
            with self.refuses(mempool.Error, "observ") as caught:
                pool.get()
            self.assertEqual(caught.exception.errno, errno.EACCES)

    def test_bulks_are_all_or_none(self):
        blocks = self.pool.get_bulk(60)
        with self.refuses(mempool.Empty, "has not 5 free"):
            self.pool.get_bulk(5)
        with self.refuses(BufferError, "twice"):
            self.pool.put_bulk([blocks[0], blocks[1], blocks[0]])
        with self.refuses(TypeError, "item 1 "):
            self.pool.put_bulk([blocks[0], b"block"])
        self.assertEqual(self.pool.stat()["used"], 60)
        self.pool.put_bulk(block for block in blocks)
        self.assertEqual(self.pool.get_bulk(0), [])

    def test_gifts_are_taken_once(self):
        tokens = self.pool.give_bulk(self.pool.get_bulk(3))
        self.assertEqual(sorted(self.pool.gifts()), sorted(tokens))
        with self.refuses(mempool.Error, "gift"):
            self.pool.close()
        self.pool.take(tokens[0]).put()
        with self.refuses(mempool.Error, "taken already") as caught:
            self.pool.take(tokens[0])
        self.assertEqual(caught.exception.errno, errno.ESTALE)
        with self.pool.withdraw(tokens[1]):
            pass
        none, block, = self.pool.take_bulk([tokens[1], tokens[2]])
        self.assertIsNone(none)
        block.put()
        self.assertEqual(self.pool.withdraw_bulk(tokens), [None] * 3)
        for wrong in ("x", -1, 1 << 64):
            with self.refuses((TypeError, ValueError), "token"):
                self.pool.take(wrong)

    def test_a_pool_is_closed_when_nothing_of_it_is_left(self):
        with mempool.Pool.open(self.name) as pool:
            block, sender = pool.get(), pool.sender(0)
            with self.refuses(mempool.Error, "cannot be closed") as caught:
                pool.close()
            self.assertEqual(caught.exception.errno, errno.EBUSY)
            block.put()
            sender.close()
        self.assertTrue(pool.closed)
        pool.close()
        for use in (pool.get, pool.stat, pool.fileno, pool.__enter__, lambda: pool.blocks,
                    lambda: pool.state, lambda: pool.sender(0)):
            with self.refuses(ValueError, "is closed"):
                use()

    def test_a_block_keeps_its_pool_open(self):
        block = mempool.Pool.open(self.name).get()
        gc.collect()
        with block.view() as view:
            view[0] = 1
        block.put()

    def test_options_are_those_of_the_pool(self):
        options = {"max_blocks": 20, "alignment": 4096, "mode": 0o600, "schema": 1 << 63,
                   "schema_version": 2, "quota": 15, "channels": 2, "channel_depth": 8,
                   "backing": mempool.BACKING_MEMFD, "lifetime": mempool.UNTIL_LAST_USER,
                   "thread_cache": mempool.NO_CACHE, "uid": None}
        with mempool.Pool.open_or_create("options", 4096, blocks=10, **options) as pool:
            self.assertEqual((pool.name, pool.block_size, pool.blocks), ("options", 4096, 10))
            pool.grow(20)
            self.assertEqual(pool.blocks, 20)
            blocks = pool.get_bulk(15)
            with self.refuses(mempool.Error, "quota") as caught:
                pool.get()
            self.assertEqual(caught.exception.errno, errno.EDQUOT)
            del blocks
            with self.refuses(mempool.Error, "schema") as caught:
                mempool.Pool.open("options", schema=5, schema_version=2)
            self.assertEqual(caught.exception.errno, errno.EPROTO)
            mempool.Pool.open("options", schema=1 << 63, schema_version=2).close()
            mempool.Pool.open_or_create("options", 4096, 1).close()
            self.assertEqual(pool.state, "live")
            mempool.destroy("options")
            self.assertEqual(pool.state, "destroyed")
            with mempool.Pool.create("options", 4096, blocks=1, max_blocks=9) as other:
                with self.refuses(mempool.Error, "another of its name") as caught:
                    pool.grow(5)
                self.assertEqual((caught.exception.errno, other.blocks), (errno.ENOENT, 1))
                mempool.destroy("options")

    def test_numbers_are_whole_numbers_of_any_kind(self):
        class Number:
            """Such as numpy's, of which none is an int."""

            def __init__(self, number):
                self.number = number

            def __index__(self):
                return self.number

        with mempool.Pool.create("numbers", Number(4096), blocks=Number(4),
                                 max_blocks=Number(8), schema=Number(5)) as pool:
            pool.grow(Number(8))
            self.assertEqual((pool.block_size, pool.blocks), (4096, 8))
            token, *_ = pool.give_bulk(pool.get_bulk(Number(1)))
            pool.take(Number(token)).put()
            pool.sender(Number(1)).close()
            mempool.destroy("numbers")
        receiver = self.pool.receiver(0)
        for wrong in (-1, 1 << 70, 1.0, "1", None):
            for name, call in (("blocks", self.pool.grow), ("n", self.pool.get_bulk),
                               ("number", self.pool.sender), ("token", self.pool.withdraw),
                               ("n", receiver.receive_bulk),
                               ("schema", lambda n: mempool.Pool.open(self.name, schema=n))):
                with self.refuses((TypeError, ValueError), "^" + name):
                    call(wrong)
        receiver.close()

    def test_a_wrong_option_is_named(self):
        for words, args, options in (("colour", ("x", 4096, 1), {"colour": 1}),
                                     ("block_size.*out of range", ("x", -1, 1), {}),
                                     ("blocks.*out of range", ("x", 4096, 1 << 32), {}),
                                     ("blocks is given twice", ("x", 4096, 1), {"blocks": 2}),
                                     ("name has a null character", ("x\0y", 4096, 1), {}),
                                     ("name must be a str", (b"x", 4096, 1), {}),
                                     ("socket has a null", ("x", 4096, 1), {"socket": "/\0"}),
                                     ("needs a name", (), {"blocks": 2})):
            with self.assertRaisesRegex((TypeError, ValueError), words):
                mempool.Pool.create(*args, **options)
        with self.refuses(mempool.Error, "alignment"):
            mempool.Pool.create("x", 4096, 1, alignment=3)
        with self.refuses(mempool.Error, "no socket", "is mempoold running") as caught:
            mempool.Pool.open("x", socket="/nowhere/socket")
        self.assertEqual(caught.exception.errno, errno.ENOENT)

    def test_errors_are_of_the_system_and_have_a_sentence(self):
        with self.refuses(OSError, "exists already") as caught:
            mempool.Pool.create(self.name, 4096, 1)
        self.assertIs(type(caught.exception), mempool.Error)
        self.assertEqual(caught.exception.errno, errno.EEXIST)
        self.assertIn(self.name, caught.exception.strerror)
        for kind in (mempool.Empty, mempool.Full, mempool.EndOfStream):
            self.assertTrue(issubclass(kind, mempool.Error))

    def test_objects_are_not_pickled_or_made_by_hand(self):
        with self.pool.get() as block, self.pool.sender(0) as sender:
            for thing in (self.pool, block, sender):
                with self.refuses(TypeError, "cannot be pickled", "open the pool by its name"):
                    pickle.dumps(thing)
                with self.refuses(TypeError, "Pool.create"):
                    type(thing)()
                with self.assertRaises(TypeError):
                    type("Derived", (type(thing),), {})

    def test_nothing_leaks(self):
        sender, receiver = self.pool.sender(0), self.pool.receiver(0)
        subscriber, camera = self.pool.receiver(1, "broadcast"), self.pool.sender(1, "broadcast")

        def use_all():
            with self.pool.get() as block, block.view() as view:
                view[0] = 1
            sender.send(self.pool.get())
            receiver.receive().put()
            camera.send_bulk(self.pool.get_bulk(2))
            del subscriber.borrow_bulk(2)[1]
            self.pool.take(self.pool.get().give()).put()
            try:
                receiver.receive(timeout=0)
            except mempool.Empty:
                pass
            try:
                block.put()
            except ValueError:
                pass
            self.pool.stat()

        for _ in range(500):
            use_all()
            mempool.Pool.open(self.name).close()
        kinds = [type(thing) for thing in (self.pool, block_type(self.pool), sender, receiver)]
        counts = [sys.getrefcount(kind) for kind in kinds]
        objects, pages = sys.getallocatedblocks(), rss()
        for _ in range(10000):
            use_all()
        for _ in range(200):
            mempool.Pool.open(self.name).close()
        self.assertLess(sys.getallocatedblocks() - objects, 1000)
        if "ASAN_OPTIONS" not in os.environ:  # it keeps what is freed
            self.assertLess(rss() - pages, 500)
        self.assertEqual([sys.getrefcount(kind) for kind in kinds], counts)
        for end in (sender, receiver, camera, subscriber):
            end.close()


def block_type(pool):
    with pool.get() as block:
        return block


if __name__ == "__main__":
    case.main()
