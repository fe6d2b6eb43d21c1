# SPDX-License-Identifier: MIT
"""Fixed-size blocks of shared memory, which the processes of one host get, put and pass on.

A pool is a number of blocks of one size. mempoold makes it and names it; programs open it by its
name, and get, put, send and receive blocks without a copy. SIGKILL any process at any instruction:
no block is lost, none is handed out twice, nobody hangs.

    import mempool

    with mempool.Pool.open_or_create("frames", block_size=307200, blocks=64) as pool:
        with pool.sender(0) as sender:
            block = pool.get()
            with block.view() as view:
                view[:5] = b"hello"
            sender.send(block)

A Block is a buffer: memoryview(block), numpy.frombuffer(block, dtype). While such a view is there,
the block can be neither put, sent nor given (BufferError); after that, no view can be had.

Timeouts are seconds; None waits as long as it takes, and ^C ends the wait. A child made by fork has
none of its parent's pools: it opens them by name.
"""
from ._mempool import *  # noqa: F403
from ._mempool import __version__  # noqa: F401
