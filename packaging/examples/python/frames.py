# SPDX-License-Identifier: MIT
"""What producer and consumer share: frames of numpy, and the pool that they are in.

    producer --- frames, a broadcast --+--> consumer    waited for
                                       +--> consumer --lossy    rather loses some
"""
import mempool
import numpy
import payload

CHANNEL = 0
SHAPE = (480, 640)  # of a frame, of one byte a pixel
N_BYTES = SHAPE[0] * SHAPE[1]


def open_pool():
    """Opens the pool, which whoever comes first makes. It goes when the last has closed it."""
    return mempool.Pool.open_or_create(
        "python.frames", block_size=payload.HEADER.size + N_BYTES, blocks=32, channel_depth=8,
        schema=payload.SCHEMA, schema_version=payload.VERSION, lifetime=mempool.UNTIL_LAST_USER)


def draw(block, sequence):
    """Draws a frame where it is. The array is gone when this returns, so the block can be sent."""
    frame = numpy.frombuffer(block, numpy.uint8, N_BYTES, payload.HEADER.size).reshape(SHAPE)
    frame[:] = numpy.arange(SHAPE[1]) + sequence
    with block.view() as view:
        payload.fill(view, N_BYTES, sequence)


def look(block):
    """Looks at a frame where it is: its sequence, its age in seconds, and whether it is whole."""
    with block.view() as view:
        length, sequence, time_ns = payload.read(view)
    frame = numpy.frombuffer(block, numpy.uint8, length, payload.HEADER.size).reshape(SHAPE)
    expected = (numpy.arange(SHAPE[1]) + sequence).astype(numpy.uint8)
    return sequence, payload.age_s(time_ns), bool((frame == expected).all())
