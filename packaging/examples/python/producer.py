# SPDX-License-Identifier: MIT
"""Sends frames to all consumers there are, and ends. See frames.py.

usage: producer.py [FRAMES]
"""
import errno
import sys
import time

import frames
import mempool


def send(sender, block):
    """Sends it. While nobody watches, waits for somebody."""
    while True:
        try:
            return sender.send(block)
        except mempool.Error as e:
            if e.errno != errno.ENOTCONN:
                raise
            time.sleep(0.01)


def main(n=300):
    with frames.open_pool() as pool, pool.sender(frames.CHANNEL, "broadcast") as sender:
        for sequence in range(1, n + 1):
            with pool.get(timeout=None) as block:
                frames.draw(block, sequence)
                send(sender, block)
    print("producer: %d frames" % n)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
