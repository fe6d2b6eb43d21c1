# SPDX-License-Identifier: MIT
"""Watches frames without copying them, until nobody sends any more. See frames.py.

usage: consumer.py [--lossy]
"""
import sys

import frames


def main(lossy):
    seen = missed = spoilt = 0
    last, oldest = None, 0.0
    with frames.open_pool() as pool, \
            pool.receiver(frames.CHANNEL, "broadcast", ends=True, lossy=lossy) as receiver:
        print("consumer: ready", flush=True)
        for block in receiver:
            with block:
                sequence, age, is_whole = frames.look(block)
            seen += 1
            missed += sequence - last - 1 if last else 0
            spoilt += not is_whole
            last, oldest = sequence, max(oldest, age)
    print("consumer: %d frames, %d missed, %d spoilt, the oldest %.3f s old"
          % (seen, missed, spoilt, oldest))


if __name__ == "__main__":
    main("--lossy" in sys.argv)
