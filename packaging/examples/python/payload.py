# SPDX-License-Identifier: MIT
"""What the blocks of these examples begin with: payload.h, in Python.

    byte 0      length      bytes of data
         8      sequence    1, 2, 3 ... of what one sender makes: a gap is what was lost
         16     time_ns     CLOCK_MONOTONIC: one clock for all processes of a host
         24     (zeros)
         64     the data
"""
import struct
import time

SCHEMA = 0x7061796C6F616421  # of a pool of such blocks
VERSION = 1
HEADER = struct.Struct("=3Q40x")


def fill(view, length, sequence):
    """Says in a block, when the data is there, what it is. Then it can be sent."""
    HEADER.pack_into(view, 0, length, sequence, time.monotonic_ns())


def read(view):
    """The length, sequence and time of a block, which a sender with a fault may have filled."""
    length, sequence, time_ns = HEADER.unpack_from(view)
    if length > len(view) - HEADER.size:
        raise ValueError("a block of %d bytes cannot have %d of data" % (len(view), length))
    return length, sequence, time_ns


def age_s(time_ns):
    """How long ago that was, in seconds."""
    return (time.monotonic_ns() - time_ns) / 1e9
