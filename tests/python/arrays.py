# SPDX-License-Identifier: MIT
"""Blocks as arrays of numpy: no copy, and an array keeps its block."""
import sys

try:
    import numpy
except ImportError:
    print("1..0 # SKIP no numpy for this Python (package python3-numpy)")
    sys.exit(0)

import case


class Arrays(case.Case):
    OPTIONS = {"block_size": 307200, "blocks": 8}

    def test_an_array_is_the_block_itself(self):
        with self.pool.get() as block:
            frame = numpy.frombuffer(block, numpy.uint8).reshape(480, 640)
            frame[:] = 7
            frame[479, 639] = 9
            with block.view() as view:
                self.assertEqual((view[0], view[307199], len(view)), (7, 9, 307200))
                view[0] = 1
            self.assertEqual((frame[0, 0], frame.flags.owndata), (1, False))
            self.assertEqual(frame.__array_interface__["data"][0] % 64, 0)
            del frame

    def test_a_block_is_kept_by_arrays_and_what_is_cut_of_them(self):
        block = self.pool.get()
        for make in (lambda: numpy.frombuffer(block, numpy.uint8), lambda: numpy.asarray(block),
                     lambda: numpy.frombuffer(block.view(), numpy.float32)[10:20]):
            array = make()
            with self.refuses(BufferError, "1 view:", "del each array"):
                block.put()
            array[0] = 1
            del array
        block.put()

    def test_an_array_of_a_reader_is_read_only(self):
        with self.pool.sender(0, "broadcast") as sender, \
                self.pool.receiver(0, "broadcast") as receiver:
            sender.send(self.pool.get())
            with receiver.borrow() as block:
                frame = numpy.frombuffer(block, numpy.uint8)
                self.assertFalse(frame.flags.writeable)
                with self.assertRaises(ValueError):
                    frame[0] = 1
                with self.assertRaises(ValueError):
                    frame.flags.writeable = True
                del frame

    def test_what_reads_into_buffers_reads_into_blocks(self):
        with self.pool.get() as block, open("/dev/zero", "rb") as file:
            frame = numpy.frombuffer(block, numpy.uint8)
            frame[:] = 5
            self.assertEqual(file.readinto(block), 307200)
            self.assertEqual(frame.max(), 0)
            del frame


if __name__ == "__main__":
    case.main()
