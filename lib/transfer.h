/* SPDX-License-Identifier: MIT */
/*
 * Transfers: how blocks go into a channel and come out of it, by a handle. Calls on queues have a
 * fast path; all others, and those that found no room or nothing to receive, go by the functions of
 * the channel's kind.
 */
#ifndef MP_TRANSFER_H
#define MP_TRANSFER_H

#include "lib/end.h"
#include "lib/why.h"

/* Notes a sentence on the channel, with @b as its second number. Returns @error. */
int transfer_why(const struct mempool_channel *channel, int error, enum why_kind kind, uint64_t b);

/* Whether this handle may wait for so long: 0, or a negative errno with its sentence. */
int transfer_check_wait(const struct mempool_channel *channel, int timeout_ms);

/* Whether this handle borrows: 0, or a negative errno with its sentence. */
int transfer_check_borrower(const struct mempool_channel *channel);

/* As mempool_channel_borrow_bulk(), by a handle that does. */
ssize_t transfer_borrow(struct mempool_channel *channel, const void **blocks, size_t n,
			int timeout_ms);

#endif
