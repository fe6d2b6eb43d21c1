/* SPDX-License-Identifier: MIT */
/* A tree for Mynewt with headers of its own, as far as pools need them. */
#ifndef TREE_OS_H
#define TREE_OS_H

#include <stdint.h>
#include <stdlib.h>

#include "syscfg/syscfg.h"

#define TREE_OS 1
#define OS_ALIGNMENT (TREE_ALIGNMENT)
#define OS_ALIGN(n, a) (((n) & ((a)-1)) == 0 ? (n) : (n) + ((a) - ((n) & ((a)-1))))

#include "os/queue.h"
#include "os/os_error.h"
#include "os/os_mempool.h"

#endif
