/* SPDX-License-Identifier: MIT */
/* What tree.c asks of the file that has the library's headers. */
#ifndef COMPILE_OURS_H
#define COMPILE_OURS_H

#include <stddef.h>

struct ours_offsets {
	size_t block_size, num_blocks, num_free, min_free, flags, membuf_addr, list, first, name,
		size;
	size_t put_cb, put_arg, ext_size, info_num_free, info_name, info_size;
};

struct ours_offsets ours_offsets(void);

/* Checks what it finds in the fields, and puts the block. */
int ours_put(void *mp, void *block);

#endif
