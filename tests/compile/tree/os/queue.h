/* SPDX-License-Identifier: MIT */
#ifndef TREE_QUEUE_H
#define TREE_QUEUE_H

#include <sys/queue.h>

#endif
