/* SPDX-License-Identifier: MIT */
/*
 * How a pool's bookkeeping is read by calls that only look.
 *
 * A writer or a reader has the bookkeeping mapped, and looks at it there. An observer must not
 * trust those who may write to the pool, who can cut the memory of a pool in /dev/shm short: a
 * mapping of it would then end the observer by SIGBUS. So its handle keeps a descriptor, and reads
 * by pread() into memory of its own, the copy, what each call needs: a few words for a block, all
 * of it for a census or a check. The copy is as large as the bookkeeping, some 12 bytes a block;
 * its pages are there only once they have been read, and those that a census or check has read go
 * when it ends.
 */
#ifndef MP_LOOK_H
#define MP_LOOK_H

#include "lib/core/audit.h"
#include "lib/handle.h"

/*
 * Makes the copy of an observer's handle, whose control segment @fd becomes, and reads the header.
 * Returns 0, or a negative errno with its sentence; then @fd is the caller's still.
 */
int look_open(struct mempool *pool, int fd);

/* Gives copy and descriptor back. */
void look_close(struct mempool *pool);

/* A call that looks, from begin to end; an observer's make each other wait. */
struct look {
	struct mempool *pool;
	int cancel;
	bool has_read_all;
	int error; /* the first read that failed: a negative errno, with its sentence */
};

/* Begins. 0; or -EDEADLK of a signal handler, -ECHILD. Of an observer nothing is read yet. */
int look_begin(struct look *look, struct mempool *pool);

/* Reads all that a walk needs: 0 or a negative errno. */
int look_read_all(struct look *look);

/* Reads the channels, besides. 0 or a negative errno. */
int look_read_channels(struct look *look);

/* Reads channel @number and the slots: 0 or a negative errno. */
int look_read_channel(struct look *look, uint32_t number);

/* Reads the seats of channel @number, but neither its cells nor marks. 0 or a negative errno. */
int look_read_seats(struct look *look, uint32_t number);

/* Reads the slots. 0 or a negative errno. */
int look_read_slots(struct look *look);

/* Reads the words of @n blocks, and what says where those are. 0 or a negative errno. */
int look_read_blocks(struct look *look, uint32_t first, uint32_t n);

/* Reads the word of one block, and what says where that block is. 0 or a negative errno. */
int look_read_block(struct look *look, uint32_t index);

/*
 * Whether what an observer has read until now was a pool: 0 or -EIO. The daemon, which gives the
 * memory of a destroyed pool back when it has no client, begins with the header; so if that is
 * there, all that was read before was there. Counts may be of zeros; an audit of zeros is none.
 */
int look_verify(struct look *look);

/* For mp_audit_live(): NULL for a mapping, which is always as new as can be. */
const struct mp_refresh *look_refresh(struct look *look, struct mp_refresh *refresh);

void look_end(struct look *look);

/*
 * The header as it is now, outside of any call that looks: of an observer's pool read into @copy.
 * Returns 0; or -EBADF, or -EIO when the memory was cut short, with its sentence.
 */
int look_header(const struct mempool *pool, struct mp_header *copy,
		const struct mp_header **header);

/* How many blocks the pool has now; outside of any call that looks. */
uint32_t look_born(const struct mempool *pool);

#endif
